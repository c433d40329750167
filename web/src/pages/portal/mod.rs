//! The rooms of a client's people (P1, P2): their client's agents and calls, and the page where they hand in keys. They stand in the
//! place of the agency's own pages, whose questions a client's person is refused, and ask for nothing beyond the access
//! table. What the person may is the server's to say; a refusal asks it anew.

mod agents;
mod keys;
mod panel;

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, Permission};
use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::erased::{dynamic, effect, spawn};
use crate::frame::account_menu::LogOutButton;
use crate::frame::leave::leave;
use crate::pages::calls::{self, CallChartsPage, CallsPage};
use crate::pages::not_found::NotFoundRoom;
use crate::pages::portal::agents::PortalAgentsPage;
use crate::pages::portal::keys::PortalKeysPage;
use crate::session::{AgencyContext, use_agency, use_session};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

const AGENTS: &str = "/agents";
const KEYS: &str = "/settings/api-keys";

/// What stands at an address for a client's person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Home,
    Agents,
    Calls,
    CallCharts,
    Keys,
    /// It exists, and is not this person's.
    Closed,
    Nowhere,
}

impl Room {
    fn of(path: &str, agency: AgencyContext) -> Self {
        let home = agency.path("");
        let Some(rest) = path.strip_prefix(&home) else {
            return Self::Nowhere;
        };
        match rest.trim_end_matches('/') {
            "" => Self::Home,
            AGENTS if agency.may(Permission::ViewAgents) => Self::Agents,
            KEYS if agency.may(Permission::HandInKeys) => Self::Keys,
            calls::PATH if agency.may(Permission::ViewCalls) => Self::Calls,
            calls::CHARTS if agency.may(Permission::ViewCalls) => Self::CallCharts,
            AGENTS | KEYS | calls::PATH | calls::CHARTS => Self::Closed,
            _ => Self::Nowhere,
        }
    }
}

/// The room at the present address.
#[component]
pub(crate) fn PortalRooms() -> impl IntoView {
    let agency = use_agency();
    let location = use_location();
    let room = Memo::new(move |_| location.pathname.with(|path| Room::of(path, agency)));
    dynamic(move || match room.get() {
        Room::Home => home(agency),
        Room::Agents => view! { <PortalAgentsPage /> }.into_any(),
        Room::Calls => view! { <CallsPage /> }.into_any(),
        Room::CallCharts => view! { <CallChartsPage /> }.into_any(),
        Room::Keys => view! { <PortalKeysPage /> }.into_any(),
        Room::Closed => closed(agency),
        Room::Nowhere => view! { <NotFoundRoom /> }.into_any(),
    })
}

/// The first room that is open to the person.
fn home(agency: AgencyContext) -> AnyView {
    dynamic(move || {
        if agency.may(Permission::ViewAgents) {
            leave(untrack(|| agency.path(AGENTS)))
        } else if agency.may(Permission::ViewCalls) {
            leave(untrack(|| agency.path(calls::PATH)))
        } else if agency.may(Permission::HandInKeys) {
            leave(untrack(|| agency.path(KEYS)))
        } else {
            no_rooms(agency)
        }
    })
}

fn no_rooms(agency: AgencyContext) -> AnyView {
    let (agency_name, client) = untrack(|| (agency.name(), agency.client_name()));
    let client = client.unwrap_or_else(|| "your company".to_owned());
    view! {
        <div class="page narrow">
            <PageHead title="Welcome" sentence=format!("You are here for {client}, a client of {agency_name}.") />
            <EmptyState
                symbol=Icon::Lock
                title="Nothing is open to you yet"
                text=format!("{agency_name} decides what each person of {client} can see and do here, and has given you nothing so far. Ask whoever at {agency_name} sent you the log-in link.")
            >
                <LogOutButton />
            </EmptyState>
        </div>
    }
    .into_any()
}

fn closed(agency: AgencyContext) -> AnyView {
    let agency_name = untrack(|| agency.name());
    view! {
        <PageHead
            title="This page is not open to you"
            sentence=format!("{agency_name} decides what you can see and do here. Ask whoever sent you the log-in link.")
        >
            <a class="button" href=move || agency.path("")>"Go to your pages"</a>
        </PageHead>
    }
    .into_any()
}

/// Asks anew what the person may when they were refused: the agency has taken something from them since (P2).
pub(crate) fn follow_permissions(error: RwSignal<Option<ApiError>>) {
    let session = use_session();
    effect(move || {
        let is_refused = error.with(|error| {
            error.as_ref().is_some_and(|error| {
                error.is(ErrorCode::Forbidden) || error.is(ErrorCode::NotFound)
            })
        });
        if is_refused {
            spawn(session.reload());
        }
    });
}
