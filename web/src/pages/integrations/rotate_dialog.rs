//! Rotating a key: another with its name, scopes and expiry takes its place, at once or with an overlap (checklist 37).

use crate::api::api_keys as api;
use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::logic::api_key_words::{self, OVERLAPS};
use crate::pages::integrations::keys::KeysContext;
use crate::pages::integrations::make::{Making, make_dialog};
use leptos::prelude::*;

/// The dialog of the chosen key.
pub(super) fn rotate_dialog(context: KeysContext) -> AnyView {
    let title = Signal::derive(move || {
        context.chosen.with(|key| {
            key.as_ref()
                .map(|key| format!("Rotate {}", key.name))
                .unwrap_or_default()
        })
    });
    make_dialog(
        context,
        context.is_rotating,
        title,
        RwSignal::new(false),
        form,
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an overlap has at most 72 hours"
)]
fn form(making: Making, _: RwSignal<bool>) -> AnyView {
    let context = making.context();
    let Some(key) = context.chosen.get_untracked() else {
        return ().into_any();
    };
    let hours = RwSignal::new(24_i64);
    let choices = OVERLAPS
        .into_iter()
        .map(|(value, label)| {
            view! {
                <label class="segment">
                    <input type="radio" name="overlap" prop:checked=value == 24 on:change=move |_| hours.set(value) />
                    <span>{label}</span>
                </label>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    let hint = key.hint.clone();
    let consequence = move || {
        let hours = hours.get();
        let until = clock::moment(clock::now_ms() + hours as f64 * 3_600_000.0);
        api_key_words::rotation(&hint, hours, &until)
    };
    let older = untrack(|| context.overlapping(&key));
    let older = older.first().map(|other| {
        let text = format!("…{other}, which still overlaps with it, is refused at once.");
        view! { <p>{text}</p> }.into_any()
    });
    let expiry = match &key.expires_at {
        Some(at) => format!("its expiry, {}", clock::date(clock::parse(at))),
        None => "no expiry".to_owned(),
    };
    let kept = format!(
        "The new key takes over its name, the scopes {}, and {expiry}. The limits count the two as one.",
        api_key_words::scopes_in_words(&key.scopes)
    );
    let id = key.id.clone();
    let rotate = move |()| {
        let (slug, id) = (context.agency.slug.get_untracked(), id.clone());
        let hours = hours.get_untracked();
        making.send(async move { api::rotate(&slug, id, hours).await });
    };
    view! {
        <div class="dialog-body">
            <p class="consequence" role="status">{consequence}</p>
            <fieldset class="field">
                <legend>"The old key ends"</legend>
                <div class="segments">{choices}</div>
            </fieldset>
            {older}
            <p class="quiet">{kept}</p>
            {making.refusal(&[])}
        </div>
        <div class="dialog-foot">
            <Button is_first_focus=true is_disabled=making.is_busy on_press=move |()| making.is_open.set(false)>"Cancel"</Button>
            <Button kind=ButtonKind::Primary is_busy=making.is_busy on_press=rotate>"Rotate key"</Button>
        </div>
    }
    .into_any()
}
