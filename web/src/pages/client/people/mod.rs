//! The people of one client who log in to its portal: who they are, what they may, and the ways to change that (P2). For
//! owners and admins alone (P1); an archived client's people are read and not changed.

mod add_dialog;
mod link;
mod permissions;
mod row_dialogs;

use crate::api::enums::Permission;
use crate::api::people::{self as api, PortalUser};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::notices::{Notices, use_notices};
use crate::components::skeleton::skeleton_cards;
use crate::components::time::relative_time;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::{outcome, people_words};
use crate::pages::client::ClientContext;
use crate::pages::client::people::add_dialog::AddDialog;
use crate::pages::client::people::row_dialogs::row_dialogs;
use leptos::html;
use leptos::prelude::*;

/// What the parts of the tab share.
#[derive(Clone, Copy)]
struct PeopleContext {
    page: StoredValue<ClientContext>,
    people: Loader<Vec<PortalUser>>,
    notices: Notices,
    /// The person that a dialog is about.
    chosen: RwSignal<Option<PortalUser>>,
    is_changing: RwSignal<bool>,
    is_linking: RwSignal<bool>,
    is_removing: RwSignal<bool>,
    heading: NodeRef<html::H2>,
}

impl PeopleContext {
    /// The client's page.
    fn page(self) -> ClientContext {
        self.page.get_value()
    }

    fn may_change(self) -> bool {
        self.page().agency.may(Permission::Administer)
            && self.page().client.with(Option::is_some)
            && !self.page().is_archived()
    }

    /// The client's id and the agency's slug, for a request.
    fn place(self) -> (String, String) {
        (
            self.page().agency.slug.get_untracked(),
            self.page().id.get_untracked(),
        )
    }

    /// The name of the chosen person.
    fn name(self) -> String {
        self.chosen.with(|person| {
            person
                .as_ref()
                .map_or_else(String::new, |person| person.name.clone())
        })
    }

    /// In the next frame: a dialog that closes gives the focus back first, to a button that may go away.
    fn focus_heading(self) {
        request_animation_frame(move || {
            if let Some(heading) = self.heading.try_get_untracked().flatten() {
                // The heading takes the focus because of its tabindex.
                let _ = heading.focus();
            }
        });
    }

    /// After a change: says so, and shows the people as they are now.
    fn done(self, text: String) {
        self.notices.toast(text);
        self.people.reload();
    }
}

/// The tab.
pub(super) fn people(page: ClientContext) -> AnyView {
    let context = PeopleContext {
        page: StoredValue::new(page),
        people: Loader::new(move || {
            let (slug, client_id) = (page.agency.slug.get(), page.id.get());
            async move { api::list(&slug, client_id).await }
        }),
        notices: use_notices(),
        chosen: RwSignal::new(None),
        is_changing: RwSignal::new(false),
        is_linking: RwSignal::new(false),
        is_removing: RwSignal::new(false),
        heading: NodeRef::new(),
    };
    let loaded = context.people;
    let is_adding = RwSignal::new(false);
    let is_empty = Memo::new(move |_| {
        loaded
            .data
            .with(|people| people.as_ref().map(Vec::is_empty))
    });
    view! {
        <div class="tab-page">
            {head(context, is_empty, is_adding)}
            {dynamic(move || match loaded.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| loaded.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match is_empty.get() {
                None if loaded.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(2),
                Some(true) => nobody(context, is_adding),
                Some(false) => list(context),
            })}
        </div>
        <AddDialog context=context is_open=is_adding />
        {row_dialogs(context)}
    }
    .into_any()
}

fn head(
    context: PeopleContext,
    is_empty: Memo<Option<bool>>,
    is_adding: RwSignal<bool>,
) -> AnyView {
    let is_full = move || is_empty.get() == Some(false);
    let lead = move || {
        is_full().then(|| {
            let text = format!(
                "They log in to {}'s portal, which shows them its agents, calls and integrations as far as you allow it here, and no key of anybody.",
                context.page().name()
            );
            view! { <p class="card-lead">{text}</p> }.into_any()
        })
    };
    let button = move || {
        if is_full() && context.may_change() {
            view! { <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=move |()| is_adding.set(true)>"Add a person"</Button> }.into_any()
        } else {
            ().into_any()
        }
    };
    view! {
        <div class="tab-head">
            <h2 class="visually-hidden" tabindex="-1" node_ref=context.heading>"People"</h2>
            {dynamic(button)}
        </div>
        {lead}
    }
    .into_any()
}

fn nobody(context: PeopleContext, is_adding: RwSignal<bool>) -> AnyView {
    let name = context.page().name();
    let text = format!(
        "The portal is {name}'s own door to Ringfence: its people see its agents and, where you allow it, its calls without what they cost, place calls, and hand in keys of its own provider accounts. They never see a key, nor anything of your other clients."
    );
    let title = format!("Nobody of {name} logs in yet");
    if context.may_change() {
        view! {
            <EmptyState symbol=Icon::Person title=title text=text>
                <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=move |()| is_adding.set(true)>"Add the first person"</Button>
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <EmptyState symbol=Icon::Person title=title text=text /> }.into_any()
    }
}

fn list(context: PeopleContext) -> AnyView {
    let rows = move || {
        let may_change = context.may_change();
        context.people.data.with(|people| {
            let people = people.iter().flatten();
            people
                .map(|person| row(context, person, may_change))
                .collect::<Vec<_>>()
        })
    };
    view! { <ul class="people" aria-label="People">{rows}</ul> }.into_any()
}

fn row(context: PeopleContext, person: &PortalUser, may_change: bool) -> AnyView {
    let id = fresh_id("person");
    let seen = match &person.last_seen_at {
        Some(at) => {
            view! { <span class="quiet">"Last seen " {relative_time(at)}</span> }.into_any()
        }
        None => badge(Tone::Neutral, Icon::Clock, "Has not logged in yet"),
    };
    let ticks = people_words::PERMISSIONS
        .into_iter()
        .map(|permission| {
            let (tone, symbol, verb) = if person.permissions.contains(&permission) {
                ("good", Icon::Check, "May")
            } else {
                ("neutral", Icon::Close, "May not")
            };
            view! { <li class=format!("tick {tone}")>{icon(symbol)} <span>{verb} " " {people_words::name(permission)}</span></li> }.into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <li class="card">
            <div class="card-head">
                <h3 id=id.clone()>{person.name.clone()}</h3>
                <span class="card-state">{seen}</span>
            </div>
            <p class="quiet person-email">{person.email.clone()}</p>
            <ul class="ticks" aria-label=format!("What {} may do", person.name)>{ticks}</ul>
            {may_change.then(|| actions(context, person.clone(), &id))}
        </li>
    }
    .into_any()
}

fn actions(context: PeopleContext, person: PortalUser, heading_id: &str) -> AnyView {
    let person = StoredValue::new(person);
    let button = |label: &'static str, is_open: RwSignal<bool>| {
        let open = move |()| {
            context.chosen.set(person.try_get_value());
            is_open.set(true);
        };
        view! { <Button kind=ButtonKind::Quiet described_by=heading_id.to_owned() on_press=open>{label}</Button> }
            .into_any()
    };
    view! {
        <div class="card-actions">
            {button("Permissions", context.is_changing)}
            {button("New log-in link", context.is_linking)}
            {button("Remove", context.is_removing)}
        </div>
    }
    .into_any()
}
