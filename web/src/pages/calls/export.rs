//! The filtered calls as a file: all pages, up to a limit that is said. It reads with progress, can be stopped, and writes no
//! file of a part when it failed.

use crate::api::ApiError;
use crate::api::calls::{self as api, Call};
use crate::clock;
use crate::components::button::Button;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::notices::use_notices;
use crate::download;
use crate::erased::{dynamic, spawn};
use crate::logic::number::{counted, grouped};
use crate::logic::provider_name::slug;
use crate::logic::{call_filter, call_words, csv, outcome};
use crate::pages::calls::payer_name;
use crate::pages::listing::{Listing, Loaded};
use crate::session::AgencyContext;
use leptos::prelude::*;

/// The most calls in one file: what spreadsheets open without trouble, and a hundred requests.
const MOST: usize = 10_000;
const FILE: &str = "calls.csv";

const HEADER: [&str; 17] = [
    "id",
    "asked for",
    "answered",
    "ended",
    "direction",
    "from",
    "to",
    "agent",
    "client",
    "provider",
    "paid by",
    "status",
    "reason",
    "duration s",
    "placed by",
    "cost",
    "currency",
];

#[derive(Debug, Clone, PartialEq)]
enum Job {
    Idle,
    /// So many calls are read; the number tells one walk from the next.
    Reading(usize),
    Failed(ApiError),
}

/// The button, and what it is doing.
#[component]
pub(super) fn ExportButton(listing: Listing, loaded: Loaded, has_costs: bool) -> impl IntoView {
    let job = RwSignal::new(Job::Idle);
    let walks = StoredValue::new(0_u32);
    let notices = use_notices();
    let total = move || {
        loaded
            .facts
            .with(|facts| facts.as_ref().map_or(0, |facts| facts.total))
    };
    let stop = move || {
        walks.try_update_value(|walks| *walks = walks.wrapping_add(1));
        job.try_set(Job::Idle);
    };
    let start = move || {
        stop();
        job.set(Job::Reading(0));
        let number = walks.get_value();
        let agency = listing.agency;
        let state = listing.listed.get_untracked();
        let days = clock::days_of(&call_filter::range(&state));
        let slug = agency.slug.get_untracked();
        spawn(async move {
            let mut calls: Vec<Call> = Vec::new();
            let mut after = None;
            let has_more = loop {
                let asked = api::walk(&slug, &state, days.clone(), after, has_costs).await;
                if walks.try_get_value() != Some(number) {
                    return; // It was stopped, or the page was left.
                }
                match asked {
                    Ok(page) => {
                        calls.extend(page.nodes);
                        job.set(Job::Reading(calls.len()));
                        let info = page.page_info;
                        after = info.end_cursor.filter(|_| info.has_next_page);
                    }
                    Err(error) => {
                        job.set(Job::Failed(error));
                        return;
                    }
                }
                if after.is_none() || calls.len() >= MOST {
                    break after.is_some() || calls.len() > MOST;
                }
            };
            calls.truncate(MOST);
            let records: Vec<Vec<String>> = calls.iter().map(|call| record(agency, call)).collect();
            job.set(Job::Idle);
            let columns = HEADER.len() - if has_costs { 0 } else { 2 };
            let text = csv::file(&HEADER[..columns], &records);
            if download::text_file(FILE, "text/csv;charset=utf-8", &text) {
                let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
                let written = counted(count, "call", "calls");
                notices.toast(if has_more {
                    format!(
                        "The newest {written} written to {FILE}. Choose fewer days for the others."
                    )
                } else {
                    format!("{written} written to {FILE}.")
                });
            }
        });
    };
    dynamic(move || match job.get() {
        Job::Idle => {
            let most = i64::try_from(MOST).unwrap_or(i64::MAX);
            let label = Memo::new(move |_| {
                if total() > most {
                    format!("Export newest {} as CSV", grouped(most))
                } else {
                    "Export CSV".to_owned()
                }
            });
            let is_disabled = Signal::derive(move || total() == 0);
            view! { <Button leading=Icon::Download is_disabled=is_disabled on_press=move |()| start()>{label}</Button> }
                .into_any()
        }
        Job::Reading(count) => {
            let text = format!(
                "Reading {}",
                grouped(i64::try_from(count).unwrap_or(i64::MAX))
            );
            view! {
                <span class="quiet figures" role="status">{text}</span>
                <Button on_press=move |()| stop()>"Stop"</Button>
            }
            .into_any()
        }
        Job::Failed(error) => {
            let words = outcome::other(&error);
            view! { <ErrorNotice error=error words=words on_retry=move |()| start() /> }.into_any()
        }
    })
}

/// What is written of a call, in the order of [`HEADER`]; without cost for whoever may not see it.
fn record(agency: AgencyContext, call: &Call) -> Vec<String> {
    let reason = match (&call.failure, call.end_cause) {
        (Some(failure), _) => call_words::not_placed(failure.code),
        (None, Some(cause)) => call_words::cause(cause),
        (None, None) => "",
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut record = vec![
        call.id.clone(),
        call.created_at.clone(),
        text(&call.started_at),
        text(&call.ended_at),
        call_words::direction(call.direction).to_lowercase(),
        text(&call.from_number),
        text(&call.to_number),
        text(&call.agent_name),
        text(&call.client_name),
        slug(call.provider).to_owned(),
        payer_name(agency, call.payer, call.client_name.as_deref()),
        call_words::status(call.status).to_lowercase(),
        reason.to_owned(),
        call.duration_ms
            .map(|duration| (duration / 1_000).to_string())
            .unwrap_or_default(),
        call_words::origin(call.origin).to_lowercase(),
    ];
    if let Some(cost) = &call.cost {
        record.extend([cost.amount.clone(), cost.currency.clone()]);
    }
    record
}
