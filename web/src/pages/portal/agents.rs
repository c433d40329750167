//! The agents of the client, for its people: name, status, provider and numbers, with the panel of one agent beside the list.
//! Prompts, voices, accounts and the way of the calls are the agency's, and are not asked for.

use crate::api::portal::{self as api, AgentPage, AgentRow};
use crate::components::badge::agent_badge;
use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::list_state::{ListSpec, SortSpec};
use crate::logic::provider_name::provider_name;
use crate::pages::agents::{CLIENT_CHIPS, CLIENT_FILTERS, numbers_cell};
use crate::pages::listing::panel::with_panel;
use crate::pages::listing::{
    ColumnSpec, Listing, Loaded, Row, Screen, list_view, page_facts, provider_chips,
};
use crate::pages::portal::follow_permissions;
use crate::pages::portal::panel::agent_panel;
use leptos::prelude::*;
use std::sync::Arc;

static SCREEN: Screen = Screen {
    path: super::AGENTS,
    list: ListSpec {
        filters: CLIENT_FILTERS,
        sorts: &[
            SortSpec::ascending("name"),
            SortSpec::ascending("status"),
            SortSpec::descending("updated"),
        ],
        panel: "agent",
    },
    columns: &[
        ColumnSpec::sorted("Name", "cell-name", "name"),
        ColumnSpec::sorted("Status", "cell-status", "status"),
        ColumnSpec::plain("Provider", "cell-provider"),
        ColumnSpec::plain("Numbers", "cell-numbers"),
        ColumnSpec::sorted("Changed", "cell-changed", "updated"),
    ],
    noun: ("agent", "agents"),
    caption: "Agents",
    search: Some(("Search agents", "Search by name")),
    chips: CLIENT_CHIPS,
    no_match: (
        "No agent matches",
        "No agent has this name, status and provider together.",
    ),
    opens_page: false,
};

/// The page at `agents`, for a client's person.
#[component]
pub(super) fn PortalAgentsPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let agency = listing.agency;
    let page = Loader::new(move || {
        let (slug, state) = (agency.slug.get(), listing.asked());
        async move { api::agents(&slug, state).await }
    });
    follow_permissions(page.error);
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let (agency_name, client) = untrack(|| (agency.name(), agency.client_name()));
    let client = client.unwrap_or_else(|| "you".to_owned());
    let sentence = format!("The voice agents that {agency_name} runs for {client}.");
    let empty = move || {
        view! {
            <EmptyState
                symbol=Icon::Agents
                title="No agents yet"
                text=format!("{agency_name} has given {client} no agents so far. They are listed here as soon as it has.")
            />
        }
        .into_any()
    };
    let chips = provider_chips(listing, Vec::new);
    let column = view! {
        <PageHead title="Agents" sentence=sentence />
        {list_view(listing, loaded, None, chips, empty)}
    };
    with_panel(listing, column.into_any(), move |id| {
        agent_panel(listing, loaded, id)
    })
}

fn rows(page: &AgentPage) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|agent| {
            let shown = agent.clone();
            Row {
                id: agent.id.clone(),
                name: agent.name.clone(),
                print: format!(
                    "{} {} {} {} {}",
                    agent.name,
                    agent.status as u8,
                    agent.is_reachable,
                    agent.updated_at,
                    agent.phone_number_count
                ),
                record: Vec::new(),
                cells: Arc::new(move || cells(&shown)),
            }
        })
        .collect()
}

fn cells(row: &AgentRow) -> (AnyView, AnyView) {
    let listed = row.phone_numbers.iter();
    let numbers = numbers_cell(
        listed.map(|number| (number.number.as_deref(), number.sip_uri.as_deref())),
        row.phone_number_count,
    );
    let rest = view! {
        <td class="cell-status">{agent_badge(row.status, row.is_reachable)}</td>
        <td class="cell-provider" data-label="Provider">{provider_name(row.provider)}</td>
        <td class="cell-numbers figures" data-label="Numbers">{numbers}</td>
        <td class="cell-changed" data-label="Changed">{relative_time(&row.updated_at)}</td>
    };
    (row.name.clone().into_any(), rest.into_any())
}
