//! The agents of an agency: search, filters, sort and pages, all of it in the URL, and the panel of one agent beside the
//! list. The list stays in place while panels open and close, and its rows can be selected, copied and downloaded.

mod panel;
mod route;

use crate::api::agents::{self as api, AgentPage, AgentRow};
use crate::api::enums::{AgentStatus, Capability};
use crate::components::badge::agent_badge;
use crate::components::button::{Button, ButtonKind};
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::empty_words::EmptyList;
use crate::logic::list_state::{FilterSpec, ListSpec, ListState, SortSpec};
use crate::logic::provider_name::{SLUGS, provider_name, slug};
use crate::logic::selection::{Record, Selection};
use crate::logic::{model_name, phone};
use crate::pages::agents::panel::agent_panel;
pub(crate) use crate::pages::agents::panel::{calls_link, number_item};
pub(crate) use crate::pages::agents::route::mending_link;
use crate::pages::assign::Chosen;
use crate::pages::assign::client_dialog::ClientDialog;
use crate::pages::listing::nothing_here::{Standing, nothing_here};
use crate::pages::listing::panel::with_panel;
use crate::pages::listing::selection_bar::{Selecting, Walked};
use crate::pages::listing::{
    ChipSpec, ColumnSpec, Listing, Loaded, Row, Screen, list_view, or_dash, page_facts,
    removable_chip,
};
use leptos::prelude::*;
use std::sync::Arc;

const FILTERS: &[FilterSpec] = &[
    FilterSpec::new("status", &["active", "inactive"]),
    FilterSpec::new("reachable", &["no"]),
    FilterSpec::new(api::ASSIGNED, &["no"]),
    FilterSpec::new("provider", &SLUGS),
    FilterSpec::new(api::CLIENT, &[]),
    FilterSpec::new(api::MISSING, &[]),
];

const SORTS: &[SortSpec] = &[
    SortSpec::ascending("name"),
    SortSpec::ascending("status"),
    SortSpec::descending("created"),
    SortSpec::descending("updated"),
];

/// Of the agents of one client, whom the place of the list sets: on the client's page, and in the client's portal.
pub(crate) const CLIENT_FILTERS: &[FilterSpec] = &[
    FilterSpec::new("status", &["active", "inactive"]),
    FilterSpec::new("reachable", &["no"]),
    FilterSpec::new("provider", &SLUGS),
];

/// The chips to [`CLIENT_FILTERS`].
pub(crate) const CLIENT_CHIPS: &[ChipSpec] = &[
    ("status", "active", "Active"),
    ("status", "inactive", "Inactive"),
    ("reachable", "no", "Unreachable"),
];

static SCREEN: Screen = Screen {
    path: "/agents",
    list: ListSpec {
        filters: FILTERS,
        sorts: SORTS,
        panel: "agent",
    },
    columns: &[
        ColumnSpec::sorted("Name", "cell-name", "name"),
        ColumnSpec::sorted("Status", "cell-status", "status"),
        ColumnSpec::plain("Client", "cell-client"),
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
        (api::ASSIGNED, "no", "Without client"),
    ],
    no_match: (
        "No agent matches",
        "No agent has this name, status, client and provider together.",
    ),
    opens_page: false,
};

static CLIENT_SCREEN: Screen = Screen {
    path: "",
    list: ListSpec {
        filters: CLIENT_FILTERS,
        sorts: SORTS,
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
    caption: "Agents of this client",
    search: Some(("Search agents", "Search by name")),
    chips: CLIENT_CHIPS,
    no_match: (
        "No agent matches",
        "No agent of this client has this name, status and provider together.",
    ),
    opens_page: false,
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
    let mut list = AgentList::load(Listing::new(&SCREEN), |page| rows(page, true));
    let to_client = RwSignal::new(false);
    list.selecting.more = Some(Callback::new(move |()| {
        view! { <Button kind=ButtonKind::Primary leading=Icon::Clients on_press=move |()| to_client.set(true)>"Assign to client…"</Button> }.into_any()
    }));
    let listing = list.listing;
    let missing = removable_chip(listing, api::MISSING, |_| "Missing in a sync".to_owned());
    let chips =
        view! { {list.standing.provider_chips(listing)} {client_chip(listing, list.page)} {missing} }.into_any();
    let head = view! { <PageHead title="Agents" sentence="Every voice agent in your connected accounts, as its provider describes it." /> }.into_any();
    let view = list.view(head, chips, move || {
        nothing_here(listing, list.loaded, list.standing, &EMPTY)
    });
    view! { {view} <ClientDialog is_open=to_client chosen=list.chosen() /> }.into_any()
}

/// A list of agents, wherever it stands.
#[derive(Clone, Copy)]
pub(crate) struct AgentList {
    /// Its state in the URL.
    pub(crate) listing: Listing,
    /// The page of it that is shown.
    pub(crate) loaded: Loaded,
    /// Its selected rows.
    pub(crate) selecting: Selecting,
    /// What is known of the keys, for a list without rows.
    pub(crate) standing: Standing,
    page: Loader<AgentPage>,
}

impl AgentList {
    /// The agents of one client, on a page of the client's.
    pub(crate) fn of_client(path: String, client_id: String) -> Self {
        let scope = Some((api::CLIENT, client_id));
        Self::load(Listing::within(&CLIENT_SCREEN, path, scope), |page| {
            rows(page, false)
        })
    }

    fn load(listing: Listing, rows: fn(&AgentPage) -> Vec<Row>) -> Self {
        let page = Loader::new(move || {
            let (slug, state) = (listing.agency.slug.get(), listing.asked());
            async move { api::list(&slug, state).await }
        });
        let selecting = Selecting {
            selection: RwSignal::new(Selection::default()),
            walk: |agency, state, after| Box::pin(walk(agency, state, after)),
            header: HEADER,
            file_name: "agents.csv",
            more: None,
        };
        Self {
            listing,
            loaded: Loaded::of(page, |page| page_facts!(page), rows),
            selecting,
            standing: Standing::load(listing.agency),
            page,
        }
    }

    /// The selected rows, for what is done with them.
    pub(crate) fn chosen(self) -> Chosen {
        Chosen {
            listing: self.listing,
            loaded: self.loaded,
            selecting: self.selecting,
        }
    }

    /// The list below `head`, with the panel of the open agent beside it.
    pub(crate) fn view(
        self,
        head: AnyView,
        chips: AnyView,
        empty: impl Fn() -> AnyView + Send + 'static,
    ) -> AnyView {
        let (listing, loaded) = (self.listing, self.loaded);
        let list = list_view(listing, loaded, Some(self.selecting), chips, empty);
        let column = view! { {head} {list} }.into_any();
        with_panel(listing, column, move |id| agent_panel(listing, loaded, id))
    }
}

/// The client that the list is narrowed to.
fn client_chip(listing: Listing, page: Loader<AgentPage>) -> AnyView {
    removable_chip(listing, api::CLIENT, move |id| {
        let name = page.data.with(|page| {
            let mut clients = page
                .iter()
                .flat_map(|page| page.nodes.iter())
                .filter_map(|row| row.client.as_ref());
            clients
                .find(|client| client.id == id)
                .map(|client| client.name.clone())
        });
        format!("Client: {}", name.unwrap_or_else(|| "one".to_owned()))
    })
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

fn rows(page: &AgentPage, has_client: bool) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|agent| {
            let shown = agent.clone();
            Row {
                id: agent.id.clone(),
                name: agent.name.clone(),
                print: format!(
                    "{} {:?} {} {} {} {}",
                    agent.name,
                    agent.client,
                    agent.status as u8,
                    agent.is_reachable,
                    agent.updated_at,
                    agent.phone_number_count
                ),
                record: record(agent),
                cells: Arc::new(move || cells(&shown, has_client)),
            }
        })
        .collect()
}

fn cells(row: &AgentRow, has_client: bool) -> (AnyView, AnyView) {
    let client = has_client.then(|| {
        let name = row.client.as_ref().map(|client| client.name.clone());
        view! { <td class="cell-client" data-label="Client">{or_dash(name)}</td> }.into_any()
    });
    let listed = row.phone_numbers.iter();
    let numbers = numbers_cell(
        listed.map(|number| (number.number.as_deref(), number.sip_uri.as_deref())),
        row.phone_number_count,
    );
    let rest = view! {
        <td class="cell-status">{agent_badge(row.status, row.is_reachable)}</td>
        {client}
        <td class="cell-provider" data-label="Provider">{provider_name(row.provider)}</td>
        <td class="cell-model" data-label="Model">{model_cell(row)}</td>
        <td class="cell-voice" data-label="Voice">{or_dash(voice(row))}</td>
        <td class="cell-numbers figures" data-label="Numbers">{numbers}</td>
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

/// The numbers that an agent answers, as far as they are listed: the first as people read it, or its SIP address, and how many
/// more of `count` there are.
pub(crate) fn numbers_cell<'a>(
    listed: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    count: i64,
) -> AnyView {
    let numbers: Vec<String> = listed
        .filter_map(|(number, sip_uri)| {
            number
                .map(phone::formatted)
                .or_else(|| sip_uri.map(str::to_owned))
        })
        .collect();
    let count = usize::try_from(count).unwrap_or(0);
    match numbers.as_slice() {
        [] => or_dash(None),
        [only] if count < 2 => only.clone().into_any(),
        [first, rest @ ..] => {
            view! { <span>{first.clone()} " " <span class="quiet" title=rest.join(", ")>{format!("+{}", count.saturating_sub(1))}</span></span> }.into_any()
        }
    }
}
