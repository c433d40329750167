//! What would change if a key were put in use (K9), read before anything is saved, and the confirmation: where anything stops, the
//! name of the client or of the provider is typed. It asks for nothing and holds no key.

use crate::api::provider_keys::KeyPreview;
use crate::components::badge::Tone;
use crate::components::error_notice::Notice;
use crate::components::field::Field;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use crate::logic::key_preview;
use crate::pages::api_keys::card::CardContext;
use leptos::html;
use leptos::prelude::*;

/// Whether enough was typed to put the key of this preview in use.
pub(super) fn is_confirmed(card: CardContext, preview: &KeyPreview, typed: &str) -> bool {
    !preview.stops_anything || typed.trim() == card.subject()
}

/// The preview, with the field where a confirmation is needed. It takes the focus, because it is what was asked for.
pub(super) fn preview_view(
    card: CardContext,
    preview: &KeyPreview,
    typed: RwSignal<String>,
) -> AnyView {
    let provider = card.name();
    let fates = key_preview::fates(preview)
        .into_iter()
        .map(|(sentence, names)| {
            view! { <li>{sentence} <span class="quiet">{names}</span></li> }.into_any()
        })
        .collect::<Vec<_>>();
    let same = key_preview::same_key(
        preview
            .same_keys
            .iter()
            .map(|key| key.client.as_ref().map(|client| client.name.as_str())),
    );
    let health = key_preview::health(preview.health, &provider);
    let (tone, symbol) = if preview.stops_anything {
        (Tone::Bad, Icon::Warning)
    } else {
        (Tone::Good, Icon::Good)
    };
    let heading = NodeRef::<html::P>::new();
    effect(move || {
        if let Some(heading) = heading.get() {
            // It takes the focus because of its tabindex.
            let _ = heading.focus();
        }
    });
    view! {
        <div class=format!("preview {}", tone.class())>
            <p class="consequence" tabindex="-1" node_ref=heading>{icon(symbol)} <span>{key_preview::consequence(preview)}</span></p>
            <p>{key_preview::account(preview, &provider)} " " {key_preview::listed(preview)}</p>
            {(!fates.is_empty()).then(|| view! { <ul class="fates">{fates}</ul> }.into_any())}
        </div>
        {health.map(|text| view! { <Notice tone=Tone::Warning symbol=Icon::Warning title=text text="" /> }.into_any())}
        {same.map(|text| view! {
            <Notice
                tone=Tone::Info
                symbol=Icon::Info
                title=text
                text="Both then call over one account. Replacing or clearing one leaves the other as it is."
            />
        }.into_any())}
        {preview.stops_anything.then(|| confirmation(card.subject(), typed))}
    }
    .into_any()
}

/// The name, typed as it stands (checklist 31).
pub(super) fn confirmation(name: String, typed: RwSignal<String>) -> AnyView {
    let input_ref = NodeRef::<html::Input>::new();
    effect(move || {
        // The field may be built anew; what was typed is kept, or was emptied, apart from it.
        let typed = typed.get();
        if let Some(input) = input_ref.get()
            && input.value() != typed
        {
            input.set_value(&typed);
        }
    });
    view! {
        <Field
            label=format!("Type {name} to confirm")
            name="confirmation"
            input_ref=input_ref
            is_verbatim=true
            on_input=move |text: String| typed.set(text)
        />
    }
    .into_any()
}
