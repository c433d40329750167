//! The phone numbers of an agency: which agent answers which number, how each stands at its provider, and the panel of one number
//! beside the list. Everything that narrows the list stands in the URL.

mod panel;

use crate::api::enums::Capability;
use crate::api::phone_numbers::{self as api, PhoneNumberPage, PhoneNumberRow};
use crate::components::badge::number_badge;
use crate::components::page_head::PageHead;
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::carrier::carrier_name;
use crate::logic::empty_words::EmptyList;
use crate::logic::list_state::{FilterSpec, ListSpec, SortSpec};
use crate::logic::phone;
use crate::logic::provider_name::{SLUGS, provider_name};
use crate::pages::listing::nothing_here::{Standing, nothing_here};
use crate::pages::listing::panel::with_panel;
use crate::pages::listing::{
    ColumnSpec, Listing, Loaded, Row, Screen, list_view, or_dash, page_facts, removable_chip,
};
use crate::pages::numbers::panel::number_panel;
use leptos::prelude::*;
use std::sync::Arc;

static SCREEN: Screen = Screen {
    path: "/numbers",
    list: ListSpec {
        filters: &[
            FilterSpec::new("answered", &["yes", "no"]),
            FilterSpec::new("status", &["active", "activating", "blocked", "inactive"]),
            FilterSpec::new("provider", &SLUGS),
            FilterSpec::new("agent", &[]),
        ],
        sorts: &[
            SortSpec::ascending("number"),
            SortSpec::descending("created"),
        ],
        panel: "number",
    },
    columns: &[
        ColumnSpec::sorted("Number", "cell-name", "number"),
        ColumnSpec::plain("Status", "cell-status"),
        ColumnSpec::plain("Answered by", "cell-agent"),
        ColumnSpec::plain("Name", "cell-label"),
        ColumnSpec::plain("Provider", "cell-provider"),
        ColumnSpec::plain("Carrier", "cell-carrier"),
        ColumnSpec::sorted("Made", "cell-changed", "created"),
    ],
    noun: ("number", "numbers"),
    caption: "Phone numbers",
    search: Some(("Search numbers", "Number, SIP or name")),
    chips: &[
        ("answered", "yes", "Answered"),
        ("answered", "no", "Not answered"),
        ("status", "active", "Active"),
        ("status", "activating", "Activating"),
        ("status", "blocked", "Blocked"),
        ("status", "inactive", "Inactive"),
    ],
    no_match: (
        "No number matches",
        "No number has this status, provider and agent together.",
    ),
    opens_page: false,
};

static EMPTY: EmptyList = EmptyList {
    title: "No numbers yet",
    lead: "When a voice provider is connected, its phone numbers are imported here, each with the agent that answers it.",
    noun: "numbers",
    capability: Capability::ListNumbers,
    advice: "Buy or import a number there, then sync again.",
};

/// The page at `numbers`.
#[component]
pub(crate) fn NumbersPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let page = Loader::new(move || {
        let (slug, state) = (listing.agency.slug.get(), listing.listed.get());
        async move { api::list(&slug, state).await }
    });
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let standing = Standing::load(listing.agency);
    let chips = view! { {standing.provider_chips(listing)} {agent_chip(listing, page)} }.into_any();
    let list = list_view(listing, loaded, None, chips, move || {
        nothing_here(listing, loaded, standing, &EMPTY)
    });
    let column = view! {
        <PageHead title="Numbers" sentence="The phone numbers of your connected accounts, and who answers them." />
        {list}
    };
    with_panel(listing, column.into_any(), move |id| {
        number_panel(listing, loaded, id)
    })
}

/// The agent that the list is narrowed to.
fn agent_chip(listing: Listing, page: Loader<PhoneNumberPage>) -> AnyView {
    removable_chip(listing, "agent", move |id| {
        let name = page.data.with(|page| {
            let mut rows = page.iter().flat_map(|page| page.nodes.iter());
            rows.find_map(|row| {
                Some(
                    row.agent
                        .as_ref()
                        .filter(|agent| agent.id == id)?
                        .name
                        .clone(),
                )
            })
        });
        format!(
            "Answered by {}",
            name.unwrap_or_else(|| "one agent".to_owned())
        )
    })
}

/// The number or the SIP address: as people read it, and as it is copied.
fn shown_and_copied(
    number: Option<&str>,
    sip: Option<&str>,
    name: Option<&str>,
) -> (String, String) {
    if let Some(number) = number {
        return (phone::formatted(number), number.to_owned());
    }
    let text = sip.or(name).unwrap_or("Without number").to_owned();
    (text.clone(), text)
}

fn written(row: &PhoneNumberRow) -> String {
    let name = row.name.as_deref();
    shown_and_copied(row.number.as_deref(), row.sip_uri.as_deref(), name).0
}

fn rows(page: &PhoneNumberPage) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|number| {
            let shown = number.clone();
            Row {
                id: number.id.clone(),
                name: written(number),
                print: format!(
                    "{:?} {} {:?} {}",
                    number.name,
                    number.status as u8,
                    number.agent.as_ref().map(|agent| &agent.name),
                    number.carrier
                ),
                record: Vec::new(),
                cells: Arc::new(move || cells(&shown)),
            }
        })
        .collect()
}

fn cells(row: &PhoneNumberRow) -> (AnyView, AnyView) {
    let head = view! { <span class="figures">{written(row)}</span> };
    let agent = match &row.agent {
        Some(agent) => or_dash(Some(agent.name.clone())),
        None => view! { <span class="quiet">"Nobody"</span> }.into_any(),
    };
    let rest = view! {
        <td class="cell-status">{number_badge(row.status)}</td>
        <td class="cell-agent" data-label="Answers">{agent}</td>
        <td class="cell-label" data-label="Name">{or_dash(row.name.clone())}</td>
        <td class="cell-provider" data-label="Provider">{provider_name(row.provider)}</td>
        <td class="cell-carrier" data-label="Carrier">{or_dash(carrier_name(&row.carrier))}</td>
        <td class="cell-changed" data-label="Made">{relative_time(&row.created_at)}</td>
    };
    (head.into_any(), rest.into_any())
}
