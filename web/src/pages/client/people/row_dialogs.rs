//! What is done to one person of a client: saying what they may, a new log-in link in the place of the one before, and
//! taking them out of the portal. Each says first what stops.

use crate::api::ApiError;
use crate::api::enums::PortalPermission;
use crate::api::people::{self as api, LogInLink};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::erased::{dynamic, spawn};
use crate::logic::{outcome, people_words};
use crate::pages::client::people::PeopleContext;
use crate::pages::client::people::link::shown_once;
use crate::pages::client::people::permissions::permission_choice;
use leptos::prelude::*;

/// The three dialogs, each about the chosen person.
pub(super) fn row_dialogs(context: PeopleContext) -> AnyView {
    let is_busy = RwSignal::new(false);
    let permissions = RwSignal::new(Vec::<PortalPermission>::new());
    let has_changed = Callback::new(move |()| {
        context.chosen.with_untracked(|person| {
            person.as_ref().is_some_and(|person| {
                permissions.with_untracked(|permissions| *permissions != person.permissions)
            })
        })
    });
    let title = move |text: fn(&str) -> String| Signal::derive(move || text(&context.name()));
    view! {
        <Dialog is_open=context.is_changing title=title(|name| format!("What {name} may do")) is_busy=is_busy is_dirty=has_changed>
            {changing(context, permissions, is_busy)}
        </Dialog>
        <Dialog is_open=context.is_linking title=title(|name| format!("A new log-in link for {name}")) is_busy=is_busy>
            {linking(context, is_busy)}
        </Dialog>
        <Dialog is_open=context.is_removing title=title(|name| format!("Remove {name}")) is_busy=is_busy>
            {removing(context, is_busy)}
        </Dialog>
    }
    .into_any()
}

fn chosen_id(context: PeopleContext) -> String {
    context.chosen.with_untracked(|person| {
        person
            .as_ref()
            .map_or_else(String::new, |person| person.id.clone())
    })
}

fn failure_view(failure: RwSignal<Option<ApiError>>) -> AnyView {
    dynamic(move || match failure.get() {
        Some(error) => {
            let words = outcome::other(&error);
            view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
        }
        None => ().into_any(),
    })
}

fn changing(
    context: PeopleContext,
    permissions: RwSignal<Vec<PortalPermission>>,
    is_busy: RwSignal<bool>,
) -> AnyView {
    let is_open = context.is_changing;
    let failure = RwSignal::new(None::<ApiError>);
    permissions.set(context.chosen.with_untracked(|person| {
        person
            .as_ref()
            .map_or_else(Vec::new, |person| person.permissions.clone())
    }));
    let save = move || {
        if is_busy.get_untracked() {
            return;
        }
        let ((slug, client_id), id) = (context.place(), chosen_id(context));
        let (name, wanted) = (untrack(|| context.name()), permissions.get_untracked());
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::update(&slug, client_id, id, wanted.clone()).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(()) => {
                    is_open.set(false);
                    context.done(format!(
                        "{name} {} from now on.",
                        people_words::may(&wanted)
                    ));
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <form
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                save();
            }
        >
            <div class="dialog-body form">
                <p>"It holds at their next click, also where they are logged in now."</p>
                {permission_choice(permissions, is_busy)}
                {failure_view(failure)}
            </div>
            <div class="dialog-foot">
                <Button is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Save permissions"</Button>
            </div>
        </form>
    }
    .into_any()
}

fn linking(context: PeopleContext, is_busy: RwSignal<bool>) -> AnyView {
    let is_open = context.is_linking;
    let failure = RwSignal::new(None::<ApiError>);
    let link = RwSignal::new(None::<LogInLink>);
    let name = StoredValue::new(untrack(|| context.name()));
    let has_joined = context.chosen.with_untracked(|person| {
        person
            .as_ref()
            .is_some_and(|person| person.last_seen_at.is_some())
    });
    let make = move |()| {
        let ((slug, client_id), id) = (context.place(), chosen_id(context));
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::renew_link(&slug, client_id, id).await;
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(made) => link.set(Some(made)),
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    dynamic(move || {
        match link.get() {
        Some(link) => shown_once(&name.get_value(), link, is_open),
        None => view! {
            <div class="dialog-body">
                <p class="consequence">{people_words::new_link(&name.get_value(), has_joined)}</p>
                {failure_view(failure)}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_busy=is_busy on_press=make>"Make new link"</Button>
            </div>
        }
        .into_any(),
    }
    })
}

fn removing(context: PeopleContext, is_busy: RwSignal<bool>) -> AnyView {
    let is_open = context.is_removing;
    let failure = RwSignal::new(None::<ApiError>);
    let (name, client) = untrack(|| (context.name(), context.page().name()));
    let stops = format!(
        "{name} sees nothing of {client} any more, from the next click on, and a log-in link that was sent does not work."
    );
    let remove = move |()| {
        let ((slug, client_id), id) = (context.place(), chosen_id(context));
        let name = name.clone();
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::remove(&slug, client_id, id).await;
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    is_open.set(false);
                    context.done(format!("{name} was removed."));
                    // The button that opened the dialog goes away with its row.
                    context.focus_heading();
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <div class="dialog-body">
            <p class="consequence">{stops}</p>
            <p>"Keys that they handed in stay as they are, and the audit log keeps what they did. You can add them again."</p>
            {failure_view(failure)}
        </div>
        <div class="dialog-foot">
            <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
            <Button kind=ButtonKind::Danger is_busy=is_busy on_press=remove>"Remove person"</Button>
        </div>
    }
    .into_any()
}
