//! The agency's clients: search, the archived ones behind a chip, and a row for each with its agents, what of them cannot call,
//! and the keys of its own. A row leads to the client's page; the one action of the page makes a client.

mod new_dialog;

use crate::api::clients::{self as api, ClientList, ClientRow};
use crate::components::badge::{Tone, badge_of, health_badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_lines;
use crate::components::time::relative_time;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::list_state::{FilterSpec, ListSpec};
use crate::logic::number::grouped;
use crate::logic::provider_name::provider_name;
use crate::logic::{outcome, query_string};
use crate::pages::clients::new_dialog::NewClientDialog;
use crate::pages::listing::{
    ColumnSpec, Listing, Loaded, Row, Screen, list_view, or_dash, page_facts,
};
use crate::session::AgencyContext;
use leptos::prelude::*;
use std::sync::Arc;

static SCREEN: Screen = Screen {
    path: "/clients",
    list: ListSpec {
        filters: &[FilterSpec::new("archived", &["yes"])],
        sorts: &[],
        panel: "client",
    },
    columns: &[
        ColumnSpec::plain("Name", "cell-name"),
        ColumnSpec::plain("Agents", "cell-agents"),
        ColumnSpec::plain("Cannot call", "cell-blocked"),
        ColumnSpec::plain("Keys of its own", "cell-keys"),
        ColumnSpec::plain("Made", "cell-changed"),
    ],
    noun: ("client", "clients"),
    caption: "Clients",
    search: Some(("Search clients", "Search by name")),
    chips: &[("archived", "yes", "Archived")],
    no_match: (
        "No client matches",
        "No client has this name among those in use, or among the archived ones while that filter is on.",
    ),
    opens_page: true,
};

/// The page at `clients`.
#[component]
pub(crate) fn ClientsPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let page = Loader::new(move || {
        let (slug, state) = (listing.agency.slug.get(), listing.listed.get());
        async move { api::list(&slug, state).await }
    });
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let is_making = RwSignal::new(false);
    let make = Callback::new(move |()| is_making.set(true));
    let list = list_view(listing, loaded, None, ().into_any(), move || {
        nothing(listing.agency, make)
    });
    view! {
        <div class="page wide">
            <div class="list-column">
                <PageHead title="Clients" sentence="The businesses that your agents work for, and whose keys their calls go over.">
                    <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=make>"New client"</Button>
                </PageHead>
                {list}
            </div>
        </div>
        <NewClientDialog is_open=is_making listing=listing />
    }
    .into_any()
}

/// No client is in use. Whether there are archived ones is asked for only then.
fn nothing(agency: AgencyContext, make: Callback<()>) -> AnyView {
    let archived = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::archived_count(&slug).await }
    });
    dynamic(move || match (archived.data.get(), archived.error.get()) {
        (Some(0), _) => no_clients(make),
        (Some(count), _) => all_archived(agency, count, make),
        (None, Some(error)) => {
            let words = outcome::other(&error);
            view! { <ErrorNotice error=error words=words on_retry=move |()| archived.reload() /> }
                .into_any()
        }
        (None, None) => skeleton_lines(3),
    })
}

fn no_clients(make: Callback<()>) -> AnyView {
    view! {
        <EmptyState
            symbol=Icon::Clients
            title="No clients yet"
            text="A client is a business that some of your agents work for. Its agents' calls go over its own provider keys, so that it pays for them itself; for a provider without one they go over the agency's key."
        >
            <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=make>"Make the first client"</Button>
        </EmptyState>
    }
    .into_any()
}

fn all_archived(agency: AgencyContext, count: i64, make: Callback<()>) -> AnyView {
    let title = if count == 1 {
        "Your one client is archived".to_owned()
    } else {
        format!("Your {} clients are archived", grouped(count))
    };
    let href = query_string::joined(&agency.path("/clients"), &[("archived", "yes")]);
    view! {
        <EmptyState
            symbol=Icon::Clients
            title=title
            text="The agents of an archived client have no route. Nothing of it is deleted: restored, it has its agents, keys and people again."
        >
            <a class="button" href=href>"Show archived"</a>
            <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=make>"New client"</Button>
        </EmptyState>
    }
    .into_any()
}

fn rows(page: &ClientList) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|client| {
            let shown = client.clone();
            Row {
                id: client.id.clone(),
                name: client.name.clone(),
                print: format!("{client:?}"),
                record: Vec::new(),
                cells: Arc::new(move || cells(&shown)),
            }
        })
        .collect()
}

fn cells(row: &ClientRow) -> (AnyView, AnyView) {
    let keys = row
        .provider_keys
        .iter()
        .map(|key| {
            view! { <span class="own-key">{provider_name(key.provider)} " " {health_badge(key.health, key.is_readable)}</span> }
                .into_any()
        })
        .collect::<Vec<_>>();
    let keys = if keys.is_empty() {
        view! { <span class="quiet">"None, uses the agency's"</span> }.into_any()
    } else {
        view! { <span class="own-keys">{keys}</span> }.into_any()
    };
    let blocked = if row.unreachable_agent_count > 0 {
        badge_of(
            Tone::Warning,
            Icon::Unplugged,
            grouped(row.unreachable_agent_count),
        )
    } else {
        or_dash(None)
    };
    let rest = view! {
        <td class="cell-agents figures" data-label="Agents">{grouped(row.agent_count)}</td>
        <td class="cell-blocked figures" data-label="Cannot call">{blocked}</td>
        <td class="cell-keys" data-label="Keys of its own">{keys}</td>
        <td class="cell-changed" data-label="Made">{relative_time(&row.created_at)}</td>
    };
    (row.name.clone().into_any(), rest.into_any())
}
