//! The agents of an agency: search, filters, sort and pages, all of it in the URL, and the panel of one agent beside the
//! list. The list stays in place while panels open and close, and its rows can be selected, copied and downloaded.

mod panel;

use crate::api::agents::{self as api, AgentPage, AgentRow};
use crate::api::enums::{AgentStatus, Capability};
use crate::components::badge::agent_badge;
use crate::components::page_head::PageHead;
use crate::components::time::relative_time;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::empty_words::EmptyList;
use crate::logic::list_state::{FilterSpec, ListSpec, ListState, SortSpec};
use crate::logic::provider_name::{SLUGS, provider_name, slug};
use crate::logic::selection::{Record, Selection};
use crate::logic::{model_name, phone};
use crate::pages::agents::panel::AgentPanel;
use crate::pages::listing::nothing_here::{Standing, nothing_here};
use crate::pages::listing::selection_bar::{Selecting, Walked};
use crate::pages::listing::{
    ColumnSpec, Listing, Loaded, Row, Screen, list_view, or_dash, page_facts, removable_chip,
};
use leptos::prelude::*;
use std::sync::Arc;

static SCREEN: Screen = Screen {
    path: "/agents",
    list: ListSpec {
        filters: &[
            FilterSpec {
                name: "status",
                values: &["active", "inactive"],
            },
            FilterSpec {
                name: "reachable",
                values: &["no"],
            },
            FilterSpec {
                name: "provider",
                values: &SLUGS,
            },
            FilterSpec {
                name: api::MISSING,
                values: &[],
            },
        ],
        sorts: &[
            SortSpec {
                name: "name",
                begins_descending: false,
            },
            SortSpec {
                name: "status",
                begins_descending: false,
            },
            SortSpec {
                name: "created",
                begins_descending: true,
            },
            SortSpec {
                name: "updated",
                begins_descending: true,
            },
        ],
        panel: "agent",
    },
    columns: &[
        ColumnSpec::sorted("Name", "cell-name", "name"),
        ColumnSpec::sorted("Status", "cell-status", "status"),
        ColumnSpec::plain("Provider", "cell-provider"),
        ColumnSpec::plain("Model", "cell-model"),
        ColumnSpec::plain("Voice", "cell-voice"),
        ColumnSpec::plain("Numbers", "cell-numbers"),
        ColumnSpec::sorted("Changed", "cell-changed", "updated"),
    ],
    noun: ("agent", "agents"),
    caption: "Agents",
    search: Some(("Search agents", "Search by name")),
    chips: &[
        ("status", "active", "Active"),
        ("status", "inactive", "Inactive"),
        ("reachable", "no", "Unreachable"),
    ],
    no_match: (
        "No agent matches",
        "No agent has this name, status and provider together.",
    ),
};

static EMPTY: EmptyList = EmptyList {
    title: "No agents yet",
    lead: "When a voice provider is connected, its agents are imported here with their prompt, voice and numbers. Nothing is changed at the provider.",
    noun: "agents",
    capability: Capability::ListAgents,
    advice: "Make an agent there, then sync again.",
};

/// The head of the downloaded file, in the order of [`record`].
const HEADER: &[&str] = &[
    "id",
    "name",
    "provider",
    "status",
    "remote id",
    "language",
    "voice",
    "model",
];

/// The page at `agents`.
#[component]
pub(crate) fn AgentsPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let page = Loader::new(move || {
        let (slug, state) = (listing.agency.slug.get(), listing.listed.get());
        async move { api::list(&slug, state).await }
    });
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let standing = Standing::load(listing.agency);
    let selecting = Selecting {
        selection: RwSignal::new(Selection::default()),
        walk: |agency, state, after| Box::pin(walk(agency, state, after)),
        header: HEADER,
        file_name: "agents.csv",
    };
    let missing = removable_chip(listing, api::MISSING, |_| "Missing in a sync".to_owned());
    let chips = view! { {standing.provider_chips(listing)} {missing} }.into_any();
    let list = list_view(listing, loaded, Some(selecting), chips, move || {
        nothing_here(listing, loaded, standing, &EMPTY)
    });
    view! {
        <div class="page wide" class:with-panel=move || listing.open.with(Option::is_some)>
            <div class="list-column">
                <PageHead title="Agents" sentence="Every voice agent in your connected accounts, as its provider describes it." />
                {list}
            </div>
            {dynamic(move || match listing.open.get() {
                Some(id) => view! { <AgentPanel listing=listing loaded=loaded id=id /> }.into_any(),
                None => ().into_any(),
            })}
        </div>
    }
    .into_any()
}

async fn walk(
    agency: String,
    state: ListState,
    after: Option<String>,
) -> Result<Walked, crate::api::ApiError> {
    let page = api::walk(&agency, state, after).await?;
    Ok(Walked {
        records: page.nodes.iter().map(record).collect(),
        total: page.total_count,
        next: page
            .page_info
            .end_cursor
            .filter(|_| page.page_info.has_next_page),
    })
}

fn model(row: &AgentRow) -> Option<String> {
    let model = row.definition.model.as_ref()?;
    Some(model_name::whole(&model.vendor, &model.name))
}

fn voice(row: &AgentRow) -> Option<String> {
    let voice = row.definition.voice.as_ref()?;
    Some(format!("{} {}", voice.engine, voice.voice_id))
}

/// What is copied and downloaded of an agent, in the order of [`HEADER`].
fn record(row: &AgentRow) -> Record {
    let status = match row.status {
        AgentStatus::Active => "active",
        AgentStatus::Inactive => "inactive",
        AgentStatus::Unknown => "",
    };
    let remote_ids: Vec<&str> = row
        .placements
        .iter()
        .map(|placement| placement.remote_id.as_str())
        .collect();
    vec![
        row.id.clone(),
        row.name.clone(),
        slug(row.provider).to_owned(),
        status.to_owned(),
        remote_ids.join(" "),
        row.definition.language.clone().unwrap_or_default(),
        voice(row).unwrap_or_default(),
        model(row).unwrap_or_default(),
    ]
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
                record: record(agent),
                cells: Arc::new(move || cells(&shown)),
            }
        })
        .collect()
}

fn cells(row: &AgentRow) -> (AnyView, AnyView) {
    let count = usize::try_from(row.phone_number_count).unwrap_or(0);
    let numbers: Vec<String> = row
        .phone_numbers
        .iter()
        .filter_map(|number| {
            number
                .number
                .as_deref()
                .map(phone::formatted)
                .or_else(|| number.sip_uri.clone())
        })
        .collect();
    let rest = view! {
        <td class="cell-status">{agent_badge(row.status, row.is_reachable)}</td>
        <td class="cell-provider" data-label="Provider">{provider_name(row.provider)}</td>
        <td class="cell-model" data-label="Model">{model_cell(row)}</td>
        <td class="cell-voice" data-label="Voice">{or_dash(voice(row))}</td>
        <td class="cell-numbers figures" data-label="Numbers">{number_cell(&numbers, count)}</td>
        <td class="cell-changed" data-label="Changed">{relative_time(&row.updated_at)}</td>
    };
    (row.name.clone().into_any(), rest.into_any())
}

/// The model in short, and whole for whoever points at it.
fn model_cell(row: &AgentRow) -> AnyView {
    let Some(model) = row.definition.model.as_ref() else {
        return or_dash(None);
    };
    let title = model_name::whole(&model.vendor, &model.name);
    view! { <span title=title>{model_name::short(&model.vendor, &model.name)}</span> }.into_any()
}

/// The first number, and how many more of `count` there are.
fn number_cell(numbers: &[String], count: usize) -> AnyView {
    match numbers {
        [] => or_dash(None),
        [only] if count < 2 => only.clone().into_any(),
        [first, rest @ ..] => {
            view! { <span>{first.clone()} " " <span class="quiet" title=rest.join(", ")>{format!("+{}", count.saturating_sub(1))}</span></span> }.into_any()
        }
    }
}
