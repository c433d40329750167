//! The field for a provider key (checklist 2 to 6): hidden while it is typed, kept away from password managers, cleaned when
//! it is pasted, questioned when it looks like somebody else's. The key stays in the input; only [`take`] reads it, for
//! the one mutation that sends it.

use crate::components::field::{described_by, field_error};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use crate::logic::key_text;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The key of the field, cleaned, or why it cannot be one (K2).
pub(crate) fn take(input: NodeRef<html::Input>) -> Result<String, key_text::Problem> {
    let Some(input) = input.get_untracked() else {
        return Err(key_text::Problem::Empty);
    };
    let key = key_text::clean(&input.value()).key;
    match key_text::problem(&key) {
        Some(problem) => Err(problem),
        None => Ok(key),
    }
}

/// True when something was typed.
pub(crate) fn is_filled(input: NodeRef<html::Input>) -> bool {
    input
        .get_untracked()
        .is_some_and(|input| !input.value().is_empty())
}

/// The key field; `provider_name` is whose key is expected.
#[component]
pub(crate) fn KeyField(
    provider_name: String,
    input_ref: NodeRef<html::Input>,
    /// Where the key is found and what it must be allowed to do.
    #[prop(into)]
    hint: String,
    error: RwSignal<Option<String>>,
    /// A key to start with; the demo's sample keys use it.
    #[prop(optional)]
    prefill: Option<RwSignal<Option<String>>>,
) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    let note = RwSignal::new(None::<String>);
    let doubt = RwSignal::new(None::<String>);
    let id = fresh_id("provider-key");
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let describes = described_by(true, hint_id.clone(), error.into(), error_id.clone());
    let name = StoredValue::new(provider_name.clone());

    let look_at = move |text: &str| {
        error.set(None);
        doubt.set(name.with_value(|name| key_text::doubt(text.trim(), name)));
    };
    if let Some(prefill) = prefill {
        effect(move || {
            let (Some(key), Some(input)) = (prefill.get(), input_ref.get()) else {
                return;
            };
            input.set_value(&key);
            note.set(None);
            look_at(&key);
            // A field that does not take the focus is filled all the same.
            let _ = input.focus();
            prefill.set(None);
        });
    }
    let on_paste = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<web_sys::ClipboardEvent>() else {
            return;
        };
        let Some(pasted) = event
            .clipboard_data()
            .and_then(|data| data.get_data("text").ok())
        else {
            return;
        };
        let Some(input) = input_ref.get_untracked() else {
            return;
        };
        let cleaned = key_text::clean(&pasted);
        note.set(cleaned.hint());
        event.prevent_default();
        if input.set_range_text(&cleaned.key).is_err() {
            input.set_value(&cleaned.key);
        }
        look_at(&input.value());
    };
    view! {
        <div class="field">
            <label for=id.clone()>{format!("{provider_name} key")}</label>
            <div class="key-input">
                <input
                    id=id
                    name="provider-key"
                    type=move || if is_shown.get() { "text" } else { "password" }
                    class="code"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    data-1p-ignore=""
                    data-lpignore="true"
                    data-bwignore=""
                    data-form-type="other"
                    aria-describedby=describes
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    node_ref=input_ref
                    on:input=move |event| {
                        note.set(None);
                        look_at(&event_target_value(&event));
                    }
                    on:paste=move |event| on_paste(event.into())
                />
                <button
                    type="button"
                    class="icon-button"
                    aria-pressed=move || is_shown.get().to_string()
                    aria-label="Show key"
                    title="Show what you typed"
                    on:click=move |_| is_shown.update(|is_shown| *is_shown = !*is_shown)
                >
                    {move || icon(if is_shown.get() { Icon::Hide } else { Icon::Show })}
                </button>
            </div>
            <p class="hint" id=hint_id>
                {hint}
                <span role="status">
                    {move || note.get().map(|text| view! { <span>{text}</span> " " }.into_any())}
                    {move || doubt.get().map(|text| view! { <span>{text}</span> }.into_any())}
                </span>
            </p>
            {field_error(error.into(), error_id)}
        </div>
    }
    .into_any()
}
