//! Settings → Sync history: every import, newest first, with what started it, how it went and what it brought, and the panel of one
//! import beside the list. Imports under way move by themselves.

mod changes;
mod live;
mod newest;
mod panel;

use crate::api::enums::Permission;
use crate::api::sync_runs::{self as api, SyncRun, SyncRunPage};
use crate::clock;
use crate::components::badge::sync_badge;
use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::components::time::{relative_time, running_for};
use crate::erased::{dynamic, effect};
use crate::loader::Loader;
use crate::logic::list_state::{FilterSpec, ListSpec};
use crate::logic::provider_name::{SLUGS, provider_name};
use crate::logic::{sync_words, time};
use crate::pages::listing::nothing_here::Standing;
use crate::pages::listing::panel::with_panel;
use crate::pages::listing::{ColumnSpec, Listing, Loaded, Row, Screen, list_view, page_facts};
use crate::pages::sync_history::live::Live;
use crate::pages::sync_history::panel::run_panel;
use leptos::prelude::*;
use std::sync::Arc;

static SCREEN: Screen = Screen {
    path: "/settings/sync-history",
    list: ListSpec {
        filters: &[
            FilterSpec::new("state", &["underway", "asks", "failed", "ended"]),
            FilterSpec::new("provider", &SLUGS),
        ],
        sorts: &[],
        panel: "run",
    },
    columns: &[
        ColumnSpec::plain("Asked for", "cell-name"),
        ColumnSpec::plain("Provider", "cell-provider"),
        ColumnSpec::plain("State", "cell-status"),
        ColumnSpec::plain("Result", "cell-result"),
        ColumnSpec::plain("Started by", "cell-trigger"),
        ColumnSpec::plain("Took", "cell-took"),
    ],
    noun: ("sync", "syncs"),
    caption: "Sync history",
    search: None,
    chips: &[
        ("state", "underway", "Under way"),
        ("state", "asks", "Needs an answer"),
        ("state", "failed", "Failed"),
        ("state", "ended", "Ended"),
    ],
    no_match: (
        "No sync matches",
        "No sync of this provider is in this state.",
    ),
    opens_page: false,
};

/// The page at `settings/sync-history`.
#[component]
pub(crate) fn SyncHistoryPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let page = Loader::new(move || {
        let (slug, state) = (listing.agency.slug.get(), listing.listed.get());
        let administers = listing.agency.may(Permission::Administer);
        async move { api::list(&slug, state, administers).await }
    });
    let live = Live::start(listing.agency, Callback::new(move |()| page.reload()));
    effect(move || {
        page.data.with(|page| {
            for run in page.iter().flat_map(|page| page.nodes.iter()) {
                live.follow(run.clone().into());
            }
        });
    });
    provide_context(live);
    newest::look_for(listing.agency, page);
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let standing = Standing::load(listing.agency);
    let list = list_view(
        listing,
        loaded,
        None,
        standing.provider_chips(listing),
        move || empty(listing),
    );
    let column = view! {
        <PageHead title="Sync history" sentence="What each import of your provider accounts read, and what it changed here." />
        {list}
    };
    with_panel(listing, column.into_any(), move |id| {
        run_panel(listing, live, id)
    })
}

fn empty(listing: Listing) -> AnyView {
    view! {
        <EmptyState
            symbol=Icon::History
            title="No syncs yet"
            text="Saving a provider key starts the first one. Each is written down here with what it added, changed and did not find any more."
        >
            <a class="button primary" href=move || listing.agency.path("/settings/api-keys")>"Open API keys"</a>
        </EmptyState>
    }
    .into_any()
}

fn rows(page: &SyncRunPage) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|run| {
            let asker = run.requested_by.as_ref().map(|person| person.name.clone());
            let run = SyncRun::from(run.clone());
            let shown = run.clone();
            Row {
                name: format!("{} sync", provider_name(run.provider)),
                // What moves in a row follows the run by itself.
                print: run.finished_at.clone().unwrap_or_default(),
                id: run.id,
                record: Vec::new(),
                cells: Arc::new(move || cells(&shown, asker.as_deref())),
            }
        })
        .collect()
}

fn cells(listed: &SyncRun, asker: Option<&str>) -> (AnyView, AnyView) {
    let live: Live = expect_context();
    let run = live.run(listed.clone());
    let state = Memo::new(move |_| run.with(|run| run.state));
    let rest = view! {
        <td class="cell-provider" data-label="Provider">{provider_name(listed.provider)}</td>
        <td class="cell-status">{dynamic(move || sync_badge(state.get()))}</td>
        <td class="cell-result figures" data-label="Result"><span class="result">{move || run.with(sync_words::result)}</span></td>
        <td class="cell-trigger" data-label="Started by">{started_by(listed, asker)}</td>
        <td class="cell-took figures" data-label="Took">{dynamic(move || { state.track(); run.with_untracked(took) })}</td>
    };
    (relative_time(&listed.created_at), rest.into_any())
}

/// What started a run, and the person who asked for it, for those who may see the name.
fn started_by(run: &SyncRun, asker: Option<&str>) -> AnyView {
    let asker = asker.map(|name| {
        let (name, title) = (name.to_owned(), name.to_owned());
        view! { <span class="asker" title=title>{name}</span> }.into_any()
    });
    view! { <span>{sync_words::started_by(run.trigger)}</span> {asker} }.into_any()
}

/// How long a run took, or takes so far.
fn took(run: &SyncRun) -> AnyView {
    match (&run.started_at, &run.finished_at) {
        (Some(from), Some(to)) => time::elapsed(clock::parse(to) - clock::parse(from)).into_any(),
        (Some(from), None) => running_for(from),
        (None, _) => view! { <span class="quiet">"not begun"</span> }.into_any(),
    }
}
