//! Revoking a key: what stops is said first, with how much the key is used; it cannot be undone.

use crate::api::ApiError;
use crate::api::api_keys::{self as api, ApiKey};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::logic::{api_key_words, outcome};
use crate::pages::integrations::keys::{KeysContext, days_of};
use leptos::prelude::*;

/// The dialog of the chosen key.
pub(super) fn revoke_dialog(context: KeysContext) -> AnyView {
    let is_open = context.is_revoking;
    let is_busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<ApiError>);
    let title = Signal::derive(move || {
        context.chosen.with(|key| {
            key.as_ref()
                .map(|key| format!("Revoke {}", key.name))
                .unwrap_or_default()
        })
    });
    let revoke = move |()| {
        let Some(key) = context.chosen.get_untracked() else {
            return;
        };
        let slug = context.agency.slug.get_untracked();
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::revoke(&slug, key.id).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(()) => {
                    is_open.set(false);
                    context.notices.toast(format!(
                        "{} (…{}) is revoked and refused everywhere.",
                        key.name, key.hint
                    ));
                    context.loaded.reload();
                    context.focus_heading();
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <Dialog is_open=is_open title=title is_busy=is_busy>
            <div class="dialog-body">
                {
                    failure.set(None);
                    // How much it is used decides: read it as it is now.
                    context.loaded.reload();
                    consequence(context)
                }
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
                <Button kind=ButtonKind::Danger is_busy=is_busy on_press=revoke>"Revoke key"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

fn used(key: &ApiKey) -> AnyView {
    match &key.last_used_at {
        Some(at) => {
            let words = api_key_words::use_in_words(&days_of(key));
            view! { <p>{words} "; last used " {relative_time(at)} "."</p> }.into_any()
        }
        None => view! {
            <p>"No request with it has been counted. The latest ones are counted some seconds late."</p>
        }
        .into_any(),
    }
}

fn consequence(context: KeysContext) -> AnyView {
    let Some(key) = context.chosen.get_untracked() else {
        return ().into_any();
    };
    let overlapping = untrack(|| context.overlapping(&key));
    let id = key.id.clone();
    let now = Memo::new(move |_| {
        context.in_use.with(|keys| {
            let mut keys = keys.iter();
            keys.find(|key| key.id == id).cloned()
        })
    });
    let used = dynamic(move || match now.get() {
        Some(key) => used(&key),
        None => ().into_any(),
    });
    view! {
        <p class="consequence">{api_key_words::revocation(&key.name, &key.hint, &overlapping)}</p>
        {used}
    }
    .into_any()
}
