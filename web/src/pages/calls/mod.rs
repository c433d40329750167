//! Calls: every call of the agency, or for a client's people of their client, newest first, with the panel of one call beside
//! the list. Rows move by themselves while calls go on, and new calls appear on the first page. What the viewer may not see
//! is not asked for and has no column.

mod charts;
mod export;
mod filters;
mod live;
mod panel;
mod picker;

use crate::api::calls::{self as api, Call, CallPage};
use crate::api::enums::{CallDirection, KeyScope, Permission};
use crate::clock;
use crate::components::badge::call_badge;
use crate::components::empty_state::EmptyState;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::time::{relative_time, running_for};
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::list_state::ListSpec;
use crate::logic::provider_name::provider_name;
use crate::logic::{call_filter, call_words, money, time};
pub(crate) use crate::pages::calls::charts::CallChartsPage;
use crate::pages::calls::export::ExportButton;
use crate::pages::calls::filters::call_filters;
use crate::pages::calls::live::Live;
pub(crate) use crate::pages::calls::live::{soon, watch_calls};
use crate::pages::calls::panel::call_panel;
pub(crate) use crate::pages::calls::panel::way_view;
use crate::pages::listing::panel::with_panel;
use crate::pages::listing::{
    ColumnSpec, Listing, Loaded, Row, Screen, list_view, or_dash, page_facts,
};
use crate::pages::portal::follow_permissions;
use crate::session::AgencyContext;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::sync::Arc;

/// The page of the list.
pub(crate) const PATH: &str = "/calls";
/// The page of the charts.
pub(crate) const CHARTS: &str = "/calls/charts";

const LIST: ListSpec = ListSpec {
    filters: call_filter::FILTERS,
    sorts: &[],
    panel: "call",
};

const NO_MATCH: (&str, &str) = (
    "No call matches",
    "No call has this time, result, payer, provider, client and agent together.",
);

static SCREEN: Screen = Screen {
    path: PATH,
    list: LIST,
    columns: &[
        ColumnSpec::plain("Call", "cell-name"),
        ColumnSpec::plain("Status", "cell-status"),
        ColumnSpec::plain("Agent", "cell-agent"),
        ColumnSpec::plain("Paid by", "cell-payer"),
        ColumnSpec::plain("Duration", "cell-took"),
        ColumnSpec::plain("Cost", "cell-cost"),
        ColumnSpec::plain("Time", "cell-changed"),
    ],
    noun: ("call", "calls"),
    caption: "Calls",
    search: None,
    chips: &[],
    no_match: NO_MATCH,
    opens_page: false,
};

/// Of those who may not see what calls cost.
static SCREEN_WITHOUT_COST: Screen = Screen {
    columns: &[
        ColumnSpec::plain("Call", "cell-name"),
        ColumnSpec::plain("Status", "cell-status"),
        ColumnSpec::plain("Agent", "cell-agent"),
        ColumnSpec::plain("Paid by", "cell-payer"),
        ColumnSpec::plain("Duration", "cell-took"),
        ColumnSpec::plain("Time", "cell-changed"),
    ],
    path: PATH,
    list: LIST,
    noun: ("call", "calls"),
    caption: "Calls",
    search: None,
    chips: &[],
    no_match: NO_MATCH,
    opens_page: false,
};

/// The page at `calls`, of the agency and of a client's people.
#[component]
pub(crate) fn CallsPage() -> impl IntoView {
    let agency: AgencyContext = expect_context();
    let has_costs = untrack(|| agency.may(Permission::ViewCallCosts));
    let listing = Listing::new(if has_costs {
        &SCREEN
    } else {
        &SCREEN_WITHOUT_COST
    });
    let page = Loader::new(move || {
        let (slug, state) = (agency.slug.get(), listing.listed.get());
        let days = clock::days_of(&call_filter::range(&state));
        async move { api::list(&slug, state, days, has_costs).await }
    });
    if untrack(|| agency.is_portal()) {
        follow_permissions(page.error);
    }
    let live = Live::start(listing, page, has_costs);
    provide_context(live);
    let loaded = Loaded::of(page, |page| page_facts!(page), rows);
    let chips = call_filters(listing, "Any time");
    let list = list_view(listing, loaded, None, chips, move || empty(agency));
    let column = view! {
        <PageHead title="Calls" sentence=sentence(agency)>
            <ExportButton listing=listing loaded=loaded has_costs=has_costs />
        </PageHead>
        {views(agency)}
        {list}
    };
    with_panel(listing, column.into_any(), move |id| {
        call_panel(listing, live, loaded, id)
    })
}

/// What the page is for, to whoever reads it.
fn sentence(agency: AgencyContext) -> String {
    untrack(|| {
        if agency.is_portal() {
            let client = agency.client_name().unwrap_or_default();
            format!("Who called whom for {client}, and how it went.")
        } else {
            "Who called whom, how it went, and who paid.".to_owned()
        }
    })
}

/// The list and the charts of the same calls.
fn views(agency: AgencyContext) -> AnyView {
    let location = use_location();
    let link = move |path: &'static str, label: &'static str| {
        let is_here = move || location.pathname.get().trim_end_matches('/') == agency.path(path);
        let href = move || {
            // The filters go along; the page of the list and its open row do not.
            let state = location
                .query
                .with(|query| LIST.read(&|name| query.get(name)));
            let state = state.at_first_page(|state| state.open = None);
            LIST.link(&agency.path(path), &state)
        };
        view! { <li><a class="tab" href=href aria-current=move || is_here().then_some("page")>{label}</a></li> }
            .into_any()
    };
    view! { <nav class="tabs" aria-label="Views of calls"><ul>{link(PATH, "List")} {link(CHARTS, "Charts")}</ul></nav> }
        .into_any()
}

fn empty(agency: AgencyContext) -> AnyView {
    let (is_portal, may_place, may_agents) = untrack(|| {
        (
            agency.is_portal(),
            agency.may(Permission::PlaceCalls),
            agency.may(Permission::ViewAgents),
        )
    });
    let text = match (is_portal, may_place) {
        (false, _) => {
            "Each call of your agents stands here with how it went, who paid and what it cost. Try one of them: open an agent and place a test call."
        }
        (true, true) => {
            "Each call of your agents stands here with how it went. Open an agent to place one."
        }
        (true, false) => "Each call of your agents stands here with how it went.",
    };
    view! {
        <EmptyState symbol=Icon::Phone title="No calls yet" text=text>
            {(may_place && may_agents).then(|| view! { <a class="button primary" href=move || agency.path("/agents")>"Open agents"</a> }.into_any())}
        </EmptyState>
    }
    .into_any()
}

fn rows(page: &CallPage) -> Vec<Row> {
    page.nodes
        .iter()
        .map(|call| {
            let shown = call.clone();
            Row {
                id: call.id.clone(),
                name: call_words::other_side(call),
                // What moves in a row follows the call by itself.
                print: format!("{:?} {:?}", call.agent_name, call.client_name),
                record: Vec::new(),
                cells: Arc::new(move || cells(&shown)),
            }
        })
        .collect()
}

/// Which way a call went, as a sign and in a word for whoever does not see it.
fn direction_sign(call: &Call) -> AnyView {
    let (symbol, class) = match call.direction {
        CallDirection::Inbound => (Icon::Incoming, "way in"),
        CallDirection::Web => (Icon::External, "way"),
        _ => (Icon::Outgoing, "way"),
    };
    let word = call_words::direction(call.direction);
    view! { <span class=class title=word>{icon(symbol)}<span class="visually-hidden">{word} ", "</span></span> }
        .into_any()
}

/// What the agency is called to the viewer.
fn agency_name(agency: AgencyContext) -> String {
    untrack(|| {
        if agency.is_portal() {
            agency.name()
        } else {
            "Agency".to_owned()
        }
    })
}

/// Whose account paid.
fn payer_name(agency: AgencyContext, payer: KeyScope, client: Option<&str>) -> String {
    let own = untrack(|| agency.client_name());
    call_words::payer(payer, client.or(own.as_deref()), &agency_name(agency))
}

fn cells(listed: &Call) -> (AnyView, AnyView) {
    let live: Live = expect_context();
    let agency: AgencyContext = expect_context();
    let call = live.call(listed.clone());
    let status = Memo::new(move |_| call.with(|call| call.status));
    let head = view! {
        <span class="call-name">{direction_sign(listed)} <span class="figures">{call_words::other_side(listed)}</span></span>
    };
    // A client's people have one client, which every row would repeat.
    let client = listed
        .client_name
        .clone()
        .filter(|_| untrack(|| !agency.is_portal()));
    let below = client.map(|name| {
        let title = name.clone();
        view! { <span class="below" title=title>{name}</span> }.into_any()
    });
    let payer = payer_name(agency, listed.payer, listed.client_name.as_deref());
    let title = payer.clone();
    let cost = live.has_costs.then(|| {
        view! { <td class="cell-cost figures" data-label="Cost">{dynamic(move || call.with(cost))}</td> }
            .into_any()
    });
    let rest = view! {
        <td class="cell-status">{dynamic(move || call_badge(status.get()))}</td>
        <td class="cell-agent" data-label="Agent"><span class="stacked">{or_dash(listed.agent_name.clone())} {below}</span></td>
        <td class="cell-payer" data-label="Paid by">
            <span class="stacked"><span title=title>{payer}</span> <span class="below">{provider_name(listed.provider)}</span></span>
        </td>
        <td class="cell-took figures" data-label="Duration">{dynamic(move || { status.track(); call.with(took) })}</td>
        {cost}
        <td class="cell-changed" data-label="Time">{relative_time(&listed.created_at)}</td>
    };
    (head.into_any(), rest.into_any())
}

/// How long a call took, or takes so far.
fn took(call: &Call) -> AnyView {
    match (&call.started_at, call.duration_ms) {
        (Some(since), _) if !call_words::is_over(call) => running_for(since),
        (_, Some(duration)) if duration > 0 => elapsed(duration).into_any(),
        _ => or_dash(None),
    }
}

/// A duration in milliseconds as text.
fn elapsed(duration_ms: i64) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a call is far below the precision of f64"
    )]
    time::elapsed(duration_ms as f64)
}

/// What a call cost so far, to the cent, and exactly for whoever points at it.
fn cost(call: &Call) -> AnyView {
    let micros = call.cost.as_ref().and_then(|cost| {
        let micros = money::micros(&cost.amount)?;
        Some((micros, cost.currency.clone()))
    });
    match micros {
        Some((micros, currency)) => {
            let title = money::exact(micros, &currency);
            view! { <span title=title>{money::short(micros, &currency)}</span> }.into_any()
        }
        None => or_dash(None),
    }
}
