//! Replacing a key is a dialog of its own (checklist 26): the mask of the key in use, an empty field, and the promise that the
//! old key stays until the new one has passed its test (checklist 28).

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::key_field::is_filled;
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::save_form::SaveForm;
use leptos::html;
use leptos::prelude::*;

/// The dialog.
#[component]
pub(super) fn ReplaceDialog(card: CardContext) -> impl IntoView {
    let input_ref = NodeRef::<html::Input>::new();
    let is_busy = RwSignal::new(false);
    let name = card.name();
    let is_open = card.is_replacing;
    view! {
        <Dialog
            is_open=is_open
            title=format!("Replace the {name} key")
            is_busy=is_busy
            is_dirty=move |()| is_filled(input_ref)
        >
            <div class="dialog-body">
                <p>{move || lead(card)}</p>
                <SaveForm card=card input_ref=input_ref busy=is_busy>
                    <Button is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                </SaveForm>
            </div>
        </Dialog>
    }
    .into_any()
}

fn lead(card: CardContext) -> AnyView {
    let is_readable = card
        .stored
        .with(|key| key.as_ref().is_none_or(|key| key.is_readable));
    let mask = card
        .stored
        .with(|key| key.as_ref().and_then(|key| key.masked_key.clone()))
        .unwrap_or_default();
    if is_readable {
        let account = card.stored.with(|key| {
            key.as_ref()
                .and_then(|key| key.account.as_ref().map(|account| account.name.clone()))
        });
        view! {
            "In use now: " <code class="masked">{mask}</code> {account.map(|account| format!(", account {account}"))}
            ". It stays in use until the new key has passed its test."
        }
        .into_any()
    } else {
        view! { "The stored key " <code class="masked">{mask}</code> " cannot be opened. The new key takes its place when it has passed its test." }.into_any()
    }
}
