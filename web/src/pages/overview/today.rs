//! The calls of today at one glance: how many, how many go on, what they took and cost, and how many failed. Each figure leads
//! to the calls behind it, and all of them move as calls do.

use crate::api::calls as api;
use crate::api::enums::Permission;
use crate::clock;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::skeleton::skeleton_lines;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::call_filter::{Outcome, RESULT, Range, WHEN};
use crate::logic::list_state::ListState;
use crate::logic::number::grouped;
use crate::logic::{call_figures as figures, money, outcome, query_string};
use crate::pages::calls::{self, soon, watch_calls};
use crate::session::AgencyContext;
use leptos::prelude::*;

/// The strip; nothing for whoever sees no calls.
#[component]
pub(super) fn CallsToday(agency: AgencyContext) -> impl IntoView {
    let sees_calls = Memo::new(move |_| agency.may(Permission::ViewCalls));
    dynamic(move || {
        if sees_calls.get() {
            strip(agency)
        } else {
            ().into_any()
        }
    })
}

fn strip(agency: AgencyContext) -> AnyView {
    let has_costs = untrack(|| agency.may(Permission::ViewCallCosts));
    let stats = Loader::new(move || {
        let slug = agency.slug.get();
        let days = clock::days_of(&Range::Last(1));
        async move {
            let offset = clock::utc_offset_minutes();
            api::stats(&slug, &ListState::default(), days, offset, has_costs).await
        }
    });
    let read_again = soon(move || stats.reload());
    watch_calls(agency, move |_| read_again());
    let all = move || link(agency, None);
    view! {
        <section class="today" aria-labelledby="today-title">
            <div class="card-head">
                <h2 id="today-title">"Calls today"</h2>
                <a class="card-link" href=all>"All of today" {icon(Icon::Next)}</a>
            </div>
            {dynamic(move || match (stats.data.get(), stats.error.get()) {
                (Some(stats), _) => tiles(agency, &stats),
                (None, Some(error)) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| stats.reload() /> }.into_any()
                }
                (None, None) => skeleton_lines(2),
            })}
        </section>
    }
    .into_any()
}

/// The calls of today, of one outcome or of all.
fn link(agency: AgencyContext, outcome: Option<Outcome>) -> String {
    let path = agency.path(calls::PATH);
    let result = outcome.map_or("", Outcome::slug);
    query_string::joined(&path, &[(WHEN, "today"), (RESULT, result)])
}

fn tiles(agency: AgencyContext, stats: &api::CallStats) -> AnyView {
    let counted = |name: &'static str, value: String, outcome: Option<Outcome>| {
        let href = untrack(|| link(agency, outcome));
        let spoken = format!("{name}: {value}");
        view! { <div class="count-tile"><dt>{name}</dt><dd class="figures"><a href=href aria-label=spoken>{value}</a></dd></div> }
            .into_any()
    };
    let of = |outcome| grouped(figures::count_of(stats, outcome));
    let minutes = figures::minutes(figures::tenths(stats.minutes));
    let cost = stats.cost.as_ref().and_then(|cost| {
        let text = money::short(money::micros(&cost.amount)?, &cost.currency);
        Some(view! { <div class="count-tile"><dt>"Cost so far"</dt><dd class="figures">{text}</dd></div> }.into_any())
    });
    view! {
        <dl class="counts">
            {counted("Calls", grouped(stats.count), None)}
            {counted("In progress", of(Outcome::Live), Some(Outcome::Live))}
            {counted("Failed", of(Outcome::Failed), Some(Outcome::Failed))}
            <div class="count-tile"><dt>"Talk time"</dt><dd class="figures">{minutes}</dd></div>
            {cost}
        </dl>
    }
    .into_any()
}
