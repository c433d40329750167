//! The signing secret, which is shown once: after an endpoint was made, and after it was given a new one. It stands in the open
//! dialog alone and is gone with it.

use crate::api::ApiError;
use crate::api::webhooks as api;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::{Dialog, focus_soon};
use crate::components::error_notice::ErrorNotice;
use crate::components::shown_once::ShownOnce;
use crate::erased::{dynamic, effect, spawn};
use crate::logic::outcome;
use crate::pages::webhooks::card::CardContext;
use leptos::html;
use leptos::prelude::*;

/// The secret with its copy button, and the button that ends the dialog.
pub(super) fn shown_once(secret: String, is_open: RwSignal<bool>) -> AnyView {
    // The button that had the focus is gone.
    let done = NodeRef::<html::Button>::new();
    effect(move || {
        if let Some(done) = done.get() {
            focus_soon(done.into());
        }
    });
    view! {
        <div class="dialog-body">
            <p class="consequence" role="status">"Copy the signing secret now. It is shown this once; your program checks with it that a delivery comes from here."</p>
            <ShownOnce text=secret what="signing secret" />
        </div>
        <div class="dialog-foot">
            <Button kind=ButtonKind::Primary node_ref=done on_press=move |()| is_open.set(false)>"Done"</Button>
        </div>
    }
    .into_any()
}

/// The dialog that makes a new secret.
#[component]
pub(super) fn SecretDialog(card: CardContext, is_open: RwSignal<bool>) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    view! {
        <Dialog is_open=is_open title="Make a new signing secret" is_busy=is_busy>
            {renewal(card, is_open, is_busy)}
        </Dialog>
    }
    .into_any()
}

fn renewal(card: CardContext, is_open: RwSignal<bool>, is_busy: RwSignal<bool>) -> AnyView {
    let secret = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<ApiError>);
    let renew = move |()| {
        let (slug, id) = (card.page.agency.slug.get_untracked(), card.id.get_value());
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::rotate(&slug, id).await;
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(new) => {
                    secret.try_set(Some(new));
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    };
    dynamic(move || {
        match secret.get() {
        Some(secret) => shown_once(secret, is_open),
        None => view! {
            <div class="dialog-body">
                <p class="consequence">"Deliveries are signed with the new secret from this moment on. A program that checks with the old one refuses them until it knows the new one."</p>
                {dynamic(move || match failure.get() {
                    Some(error) => {
                        let words = outcome::other(&error);
                        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                    }
                    None => ().into_any(),
                })}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_busy=is_busy on_press=renew>"Make new secret"</Button>
            </div>
        }
        .into_any(),
    }
    })
}
