//! Archiving a client and bringing it back. Archiving says first how many agents stop; restoring stops nothing and is one click.

use crate::api::ApiError;
use crate::api::clients as api;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::notices::{Notices, use_notices};
use crate::erased::{dynamic, spawn};
use crate::logic::{client_words, outcome};
use crate::pages::client::ClientContext;
use leptos::prelude::*;

/// The state of archiving and restoring, shared by the tabs.
#[derive(Clone, Copy)]
pub(super) struct Archiving {
    /// The dialog is open.
    pub(super) is_open: RwSignal<bool>,
    /// An answer is awaited.
    pub(super) is_busy: RwSignal<bool>,
    /// Why the last try failed.
    pub(super) failure: RwSignal<Option<ApiError>>,
    notices: Notices,
}

impl Archiving {
    /// Nothing is under way.
    pub(super) fn new() -> Self {
        Self {
            is_open: RwSignal::new(false),
            is_busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            notices: use_notices(),
        }
    }
}

/// Brings the client back.
pub(super) fn restore(page: ClientContext) {
    change(page, false);
}

fn change(page: ClientContext, is_archived: bool) {
    let state = page.archiving;
    if state.is_busy.get_untracked() {
        return;
    }
    state.is_busy.set(true);
    state.failure.set(None);
    let (slug, id) = (page.agency.slug.get_untracked(), page.id.get_untracked());
    let name = untrack(|| page.name());
    spawn(async move {
        let answer = api::set_archived(&slug, id, is_archived).await;
        if state.is_busy.try_set(false).is_some() {
            return; // The page was left meanwhile.
        }
        match answer {
            Ok(()) => {
                state.is_open.set(false);
                state.notices.toast(if is_archived {
                    format!("{name} is archived. Its agents have no route.")
                } else {
                    format!("{name} is in use again, with its agents and keys.")
                });
                page.reload();
            }
            Err(error) => state.failure.set(Some(error)),
        }
    });
}

/// The dialog that archives.
#[component]
pub(super) fn ArchiveDialog(page: ClientContext) -> impl IntoView {
    let state = page.archiving;
    let agents = move || {
        page.client
            .with(|client| client.as_ref().map_or(0, |client| client.agent_count))
    };
    view! {
        <Dialog
            is_open=state.is_open
            title=Signal::derive(move || format!("Archive {}", page.name()))
            is_busy=state.is_busy
        >
            <div class="dialog-body">
                <p class="consequence">{move || client_words::archived(agents())}</p>
                <p>"It leaves the list of clients and stands behind “Archived” there. Its keys stay sealed, and everything is as it was when you restore it."</p>
                {dynamic(move || match state.failure.get() {
                    Some(error) => {
                        let words = outcome::other(&error);
                        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                    }
                    None => ().into_any(),
                })}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=state.is_busy on_press=move |()| state.is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger is_busy=state.is_busy on_press=move |()| change(page, true)>"Archive client"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
