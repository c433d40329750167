//! The charts of the calls that the filters let through: calls per day by result, minutes and cost by client and by who pays,
//! and why calls failed. They follow the calls as they go on.

use crate::api::calls::{self as api, CallStats};
use crate::api::enums::{KeyScope, Permission};
use crate::clock;
use crate::components::chart::{Bar, Column, Figures, Key, bars, chart_card, columns, legend};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_cards;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::call_figures::{self as figures, Day, PaidRow, Reason};
use crate::logic::call_filter::{self, DayNumber, OUTCOMES, Outcome, Range, short_date};
use crate::logic::number::{counted, grouped};
use crate::logic::{money, outcome};
use crate::pages::calls::filters::call_filters;
use crate::pages::calls::live::{soon, watch_calls};
use crate::pages::calls::{CHARTS, LIST, NO_MATCH, sentence, views};
use crate::pages::listing::{Listing, Screen};
use crate::pages::portal::follow_permissions;
use crate::session::AgencyContext;
use leptos::prelude::*;

/// Without chosen days.
const USUAL_DAYS: u32 = 30;
/// More columns than these could not be told apart.
const MOST_DAYS: DayNumber = 120;
/// More bars are put together into one.
const MOST_BARS: usize = 10;

static SCREEN: Screen = Screen {
    path: CHARTS,
    list: LIST,
    columns: &[],
    noun: ("call", "calls"),
    caption: "Calls",
    search: None,
    chips: &[],
    no_match: NO_MATCH,
    opens_page: false,
};

/// The page at `calls/charts`.
#[component]
pub(crate) fn CallChartsPage() -> impl IntoView {
    let listing = Listing::new(&SCREEN);
    let agency = listing.agency;
    let has_costs = untrack(|| agency.may(Permission::ViewCallCosts));
    let range = Memo::new(move |_| {
        let range = listing.listed.with(call_filter::range);
        if range == Range::All {
            Range::Last(USUAL_DAYS)
        } else {
            range
        }
    });
    let stats = Loader::new(move || {
        let (slug, state) = (agency.slug.get(), listing.listed.get());
        let days = clock::days_of(&range.get());
        let offset = clock::utc_offset_minutes();
        async move { api::stats(&slug, &state, days, offset, has_costs).await }
    });
    if untrack(|| agency.is_portal()) {
        follow_permissions(stats.error);
    }
    let read_again = soon(move || stats.reload());
    watch_calls(agency, move |_| read_again());
    let count = move || {
        stats
            .data
            .with(|stats| stats.as_ref().map(|it| counted(it.count, "call", "calls")))
    };
    view! {
        <div class="page wide">
            <PageHead title="Calls" sentence=sentence(agency) />
            {views(agency)}
            <div class="toolbar">
                <div class="chips" role="group" aria-label="Filters">{call_filters(listing, "Last 30 days")}</div>
                <span class="count figures" role="status">{count}</span>
            </div>
            {dynamic(move || match stats.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| stats.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match stats.data.get() {
                Some(stats) if stats.count == 0 => nothing(),
                Some(stats) => charts(agency, &stats, &range.get_untracked()),
                None if stats.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(3),
            })}
        </div>
    }
    .into_any()
}

fn nothing() -> AnyView {
    view! {
        <EmptyState
            symbol=Icon::Calls
            title="No calls in these days"
            text="Choose more days, or another result, payer, provider, client or agent."
        />
    }
    .into_any()
}

fn charts(agency: AgencyContext, stats: &CallStats, range: &Range) -> AnyView {
    let today = clock::today();
    let (first, last) = match range {
        Range::All => (None, today),
        Range::Last(count) => (Some(today - i64::from(*count) + 1), today),
        Range::Between(from, to) => (*from, to.unwrap_or(today).min(today)),
    };
    let days = figures::every_day(&stats.days, first, last, MOST_DAYS);
    let own = untrack(|| agency.client_name()).unwrap_or_else(|| "The agency itself".to_owned());
    let paid = figures::paid(&stats.payers, &own, MOST_BARS);
    let reasons = figures::reasons(&stats.failures);
    view! {
        <div class="charts">
            {summary(stats)}
            {by_day(stats, &days)}
            {by_payer(agency, &paid, stats)}
            {by_reason(&reasons)}
        </div>
    }
    .into_any()
}

/// The four figures above the charts.
pub(crate) fn summary(stats: &CallStats) -> AnyView {
    let answered = figures::count_of(stats, Outcome::Answered);
    let over = stats.count - figures::count_of(stats, Outcome::Live);
    let rate = figures::rate(answered, over).unwrap_or_else(|| "–".to_owned());
    let minutes = figures::minutes(figures::tenths(stats.minutes));
    let tile = |name: &'static str, value: String| {
        view! { <div class="count-tile"><dt>{name}</dt><dd class="figures">{value}</dd></div> }
            .into_any()
    };
    let cost = stats.cost.as_ref().and_then(|cost| {
        let micros = money::micros(&cost.amount)?;
        Some(tile("Cost so far", money::short(micros, &cost.currency)))
    });
    view! {
        <dl class="counts">
            {tile("Calls", grouped(stats.count))}
            {tile("Answered", rate)}
            {tile("Talk time", minutes)}
            {cost}
        </dl>
    }
    .into_any()
}

/// The colour of an outcome.
fn class_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "good",
        Outcome::Unanswered => "warning",
        Outcome::Failed => "bad",
        Outcome::Unclear => "neutral",
        Outcome::Canceled => "faint",
        Outcome::Live => "info",
    }
}

fn by_day(stats: &CallStats, days: &[Day]) -> AnyView {
    let totals = figures::totals(stats);
    let shown: Vec<(usize, Outcome)> = OUTCOMES
        .into_iter()
        .enumerate()
        .filter(|(index, _)| totals.get(*index).is_some_and(|count| *count > 0))
        .collect();
    let keys = shown
        .iter()
        .map(|(index, outcome)| Key {
            class: class_of(*outcome),
            word: format!(
                "{} {}",
                outcome.word(),
                grouped(totals.get(*index).copied().unwrap_or_default())
            ),
        })
        .collect();
    let marks = days
        .iter()
        .map(|day| Column {
            label: short_date(day.number),
            spoken: spoken(day),
            parts: shown
                .iter()
                .map(|(index, outcome)| {
                    let count = day.counts.get(*index).copied().unwrap_or_default();
                    (class_of(*outcome), count)
                })
                .collect(),
        })
        .collect();
    let mut heads = vec!["Day", "Calls"];
    heads.extend(shown.iter().map(|(_, outcome)| outcome.word()));
    let rows =
        days.iter()
            .rev()
            .map(|day| {
                let mut row = vec![short_date(day.number), grouped(day.total())];
                row.extend(shown.iter().map(|(index, _)| {
                    grouped(day.counts.get(*index).copied().unwrap_or_default())
                }));
                row
            })
            .collect();
    let whole = format!(
        "{} in {}",
        counted(stats.count, "call", "calls"),
        counted(i64::try_from(days.len()).unwrap_or_default(), "day", "days")
    );
    let chart = view! {
        {columns("Calls per day by result. Arrow keys go from day to day.", marks, whole)}
        {legend(keys)}
    };
    chart_card(
        "Calls per day",
        "By how they went. Point at a day, or step through them with the arrow keys.",
        chart.into_any(),
        (heads, rows),
    )
}

/// A day in words, such as `22 Nov: 6 calls, 4 answered, 2 failed`.
fn spoken(day: &Day) -> String {
    let mut parts = vec![format!(
        "{}: {}",
        short_date(day.number),
        counted(day.total(), "call", "calls")
    )];
    for (count, outcome) in day.counts.iter().zip(OUTCOMES) {
        if *count > 0 {
            parts.push(format!(
                "{} {}",
                grouped(*count),
                outcome.word().to_lowercase()
            ));
        }
    }
    parts.join(", ")
}

fn by_payer(agency: AgencyContext, paid: &[PaidRow], stats: &CallStats) -> AnyView {
    let is_portal = untrack(|| agency.is_portal());
    let currency = stats
        .cost
        .as_ref()
        .map_or_else(|| "USD".to_owned(), |cost| cost.currency.clone());
    let pays = move |payer: KeyScope| match (payer, is_portal) {
        (KeyScope::Client, false) => "Client pays",
        (KeyScope::Client, true) => "Your own account",
        (KeyScope::Agency, false) => "Agency pays",
        (KeyScope::Agency, true) => "Agency's account",
        (KeyScope::Unknown, _) => "Several pay",
    };
    let class = |payer: KeyScope| match payer {
        KeyScope::Client => "info",
        KeyScope::Agency => "accent",
        KeyScope::Unknown => "neutral",
    };
    let bar = |row: &PaidRow, value: i64, text: String| Bar {
        name: row.name.clone(),
        more: Some(pays(row.payer)),
        text,
        value,
        class: class(row.payer),
    };
    let minutes = paid
        .iter()
        .map(|row| bar(row, row.tenths, figures::minutes(row.tenths)))
        .collect();
    let costs: Vec<Bar> = paid
        .iter()
        .filter_map(|row| {
            let micros = row.micros?;
            Some(bar(row, micros, money::short(micros, &currency)))
        })
        .collect();
    let has_costs = !costs.is_empty();
    let cost_bars = has_costs.then(|| {
        view! { <div><h3>"Cost so far"</h3> {bars("Cost by client and who pays", costs)}</div> }
            .into_any()
    });
    let chart = view! {
        <div class="measures">
            <div><h3>"Talk time"</h3> {bars("Minutes by client and who pays", minutes)}</div>
            {cost_bars}
        </div>
    };
    let mut heads = vec!["Client and who pays", "Calls", "Talk time"];
    if has_costs {
        heads.push("Cost");
    }
    let rows = paid
        .iter()
        .map(|row| {
            let mut cells = vec![
                format!("{} · {}", row.name, pays(row.payer)),
                grouped(row.count),
                figures::minutes(row.tenths),
            ];
            cells.extend(row.micros.map(|micros| money::exact(micros, &currency)));
            cells
        })
        .collect();
    let sentence = if has_costs {
        "What each client's calls took and cost, and whose account paid."
    } else {
        "What the calls took, and whose account paid."
    };
    chart_card(
        "Talk time and cost, by who pays",
        sentence,
        chart.into_any(),
        (heads, rows),
    )
}

fn by_reason(reasons: &[Reason]) -> AnyView {
    let figures: Figures = (
        vec!["Reason", "Calls"],
        reasons
            .iter()
            .map(|reason| vec![reason.name.to_owned(), grouped(reason.count)])
            .collect(),
    );
    let chart = if reasons.is_empty() {
        view! { <p class="all-well">"Every call got through."</p> }.into_any()
    } else {
        let rows = reasons
            .iter()
            .map(|reason| Bar {
                name: reason.name.to_owned(),
                more: Some(reason.outcome.word()),
                text: grouped(reason.count),
                value: reason.count,
                class: class_of(reason.outcome),
            })
            .collect();
        bars("Calls that did not get through, by reason", rows)
    };
    chart_card(
        "Why calls did not get through",
        "Failed, not answered or unclear, by reason.",
        chart,
        figures,
    )
}
