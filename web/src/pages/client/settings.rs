//! The client's name, the way to its keys, and archiving it. A refused name keeps what was typed.

use crate::api::ApiError;
use crate::api::clients as api;
use crate::api::enums::Permission;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, focus, value_of};
use crate::components::notices::use_notices;
use crate::components::skeleton::skeleton_cards;
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::logic::client_words::name_error;
use crate::logic::outcome;
use crate::pages::client::ClientContext;
use crate::pages::client::archiving::{ArchiveDialog, restore};
use leptos::html;
use leptos::prelude::*;

/// The tab.
pub(super) fn settings(page: ClientContext) -> AnyView {
    let is_there = Memo::new(move |_| page.client.with(Option::is_some));
    view! {
        <div class="tab-page">
            {dynamic(move || if is_there.get() {
                view! { <NameForm page=page /> {keys_card(page)} {archive_card(page)} }.into_any()
            } else {
                skeleton_cards(2)
            })}
        </div>
        <ArchiveDialog page=page />
    }
    .into_any()
}

#[component]
fn NameForm(page: ClientContext) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<ApiError>);
    let is_busy = RwSignal::new(false);
    let notices = use_notices();
    let send = move || {
        if is_busy.get_untracked() {
            return;
        }
        let name = value_of(input).trim().to_owned();
        wrong.set(name_error(&name));
        if wrong.with_untracked(Option::is_some) {
            focus(input);
            return;
        }
        is_busy.set(true);
        failure.set(None);
        let (slug, id) = (page.agency.slug.get_untracked(), page.id.get_untracked());
        spawn(async move {
            let answer = api::rename(&slug, id, name.clone()).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(()) => {
                    notices.toast(format!("It is called {name} now."));
                    page.reload();
                }
                Err(error) if error.field.is_some() => {
                    wrong.set(Some(error.message));
                    focus(input);
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <form
            class="card form"
            novalidate=true
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <h2>"Name"</h2>
            <Field
                label="Name of the client"
                name="name"
                input_ref=input
                value=untrack(|| page.name())
                hint="Your people see it in lists, alerts and the audit log."
                error=wrong
            />
            {dynamic(move || match failure.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                }
                None => ().into_any(),
            })}
            <div class="actions"><Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Save name"</Button></div>
        </form>
    }
    .into_any()
}

fn keys_card(page: ClientContext) -> AnyView {
    if !page.agency.may(Permission::ViewKeyStatus) {
        return ().into_any();
    }
    view! {
        <section class="card">
            <h2>"Provider API key override"</h2>
            <p class="card-lead">"With a key of its own the client's calls go over its own account at that provider, which pays for them. Where it has none, the agency's key counts."</p>
            <div class="actions"><a class="button" href=page.path("/api-keys")>"Open its API keys"</a></div>
        </section>
    }
    .into_any()
}

fn archive_card(page: ClientContext) -> AnyView {
    let archived_at = Memo::new(move |_| {
        page.client.with(|client| {
            client
                .as_ref()
                .and_then(|client| client.archived_at.clone())
        })
    });
    dynamic(move || {
        match archived_at.get() {
        Some(at) => view! {
            <section class="card">
                <h2>"Restore"</h2>
                <p class="card-lead">"It was archived " {relative_time(&at)} ". Restoring brings it back with the agents and keys that it had."</p>
                <div class="actions"><Button is_busy=page.archiving.is_busy on_press=move |()| restore(page)>"Restore client"</Button></div>
            </section>
        }
        .into_any(),
        None => view! {
            <section class="card">
                <h2>"Archive"</h2>
                <p class="card-lead">"For a business that you no longer work for. Its agents have no route while it is archived; nothing is deleted, and it can be restored."</p>
                <div class="actions"><Button on_press=move |()| { page.archiving.failure.set(None); page.archiving.is_open.set(true); }>"Archive client…"</Button></div>
            </section>
        }
        .into_any(),
    }
    })
}
