//! Calls: the list, one call, figures, placing one, and watching all of them. What a viewer may not see is not asked for:
//! costs, accounts and who asked each have a permission of their own. A watch never ends by itself; where the socket is
//! refused, it says every few seconds that something may have been missed.

use crate::api::decode::decode_tree;
use crate::api::enums::{
    CallDirection, CallEndCause, CallOrigin, CallStatus, ErrorCode, KeyScope, Permission, Provider,
    RouteDoubt,
};
use crate::api::socket::{self, Ended};
use crate::api::{ApiError, Date, DateTime, Window, operation, send, send_within};
use crate::erased::spawn;
use crate::logic::call_filter::{AGENT, CLIENT, Days, PAYER, RESULT, statuses_of};
use crate::logic::list_state::ListState;
use crate::logic::provider_name;
use crate::session::AgencyContext;
use futures_util::future::{AbortHandle, abortable};
use gloo_timers::future::TimeoutFuture;
use graphql_client::GraphQLQuery;
use leptos::prelude::{GetUntracked, untrack};
use serde::Deserialize;
use serde_json::Value;

operation!(ListCalls, "src/api/calls/list_calls.graphql");
operation!(
    /// What only some may see is asked for only with their flags.
    GetCall, "src/api/calls/get_call.graphql"
);
operation!(GetCallStats, "src/api/calls/get_call_stats.graphql");
operation!(TriggerCall, "src/api/calls/trigger_call.graphql");
operation!(
    /// Its event has the shape of a row of `ListCalls`, so that both are read as one type; a test holds them together.
    CallChanged, "src/api/calls/call_changed.graphql"
);

pub(crate) use get_call::GetCallCall as CallDetails;
pub(crate) use get_call_stats::{
    GetCallStatsCallStats as CallStats, GetCallStatsCallStatsDays as CallDay,
    GetCallStatsCallStatsFailures as CallFailureCount, GetCallStatsCallStatsPayers as CallPayer,
};
pub(crate) use list_calls::{CallFields as Call, ListCallsCalls as CallPage};
pub(crate) use trigger_call::{TriggerCallInput, TriggerCallTriggerCall as Placed};

/// How long placing is waited for: the provider has 30 s to answer.
const PLACE_TIMEOUT_MS: u32 = 60_000;
/// Between two hints to look again while the socket is refused, in milliseconds.
const POLL_INTERVAL_MS: u32 = 4_000;
/// The first pause before the socket is tried again, in milliseconds.
const SHORTEST_BACKOFF_MS: u32 = 500;
/// The longest pause before the socket is tried again, in milliseconds.
const LONGEST_BACKOFF_MS: u32 = 10_000;
/// After so many sockets in a row that never opened, the page looks again by itself.
const REFUSALS_BEFORE_POLLING: u32 = 2;

/// An event of the subscription.
#[derive(Deserialize)]
struct Changed {
    call: Call,
}

impl From<CallDetails> for Call {
    fn from(call: CallDetails) -> Self {
        Self {
            id: call.id,
            status: call.status,
            provider: call.provider,
            payer: call.payer,
            origin: call.origin,
            direction: call.direction,
            to_number: call.to_number,
            from_number: call.from_number,
            agent_name: call.agent_name,
            client_name: call.client_name,
            end_cause: call.end_cause,
            failure: call.failure.map(|failure| list_calls::CallFieldsFailure {
                code: failure.code,
                message: failure.message,
            }),
            created_at: call.created_at,
            started_at: call.started_at,
            ended_at: call.ended_at,
            duration_ms: call.duration_ms,
            cost: call.cost.map(|cost| list_calls::CallFieldsCost {
                amount: cost.amount,
                currency: cost.currency,
            }),
        }
    }
}

/// The state's filters in the input type of an operation; each operation has its own.
macro_rules! call_filter {
    ($operation:ident, $state:expr, $days:expr) => {
        $operation::CallFilter {
            client_id: $state.value(CLIENT).map(str::to_owned),
            agent_id: $state.value(AGENT).map(str::to_owned),
            provider: provider_name::filtered($state),
            payer: $state.value(PAYER).map(|payer| {
                vec![if payer == "client" {
                    KeyScope::Client
                } else {
                    KeyScope::Agency
                }]
            }),
            status: $state.value(RESULT).map(statuses_of),
            origin: None,
            direction: None,
            since: $days.since,
            until: $days.until,
        }
    };
}

/// The list as its state describes it: the rows that a window shows, within these days.
async fn ask(
    agency: &str,
    state: &ListState,
    days: Days,
    window: Window,
    costs: bool,
) -> Result<CallPage, ApiError> {
    let variables = list_calls::Variables {
        filter: Some(call_filter!(list_calls, state, days)),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
        costs,
    };
    Ok(send::<ListCalls>(agency, variables).await?.calls)
}

/// One page of the list, newest first.
pub(crate) async fn list(
    agency: &str,
    state: ListState,
    days: Days,
    costs: bool,
) -> Result<CallPage, ApiError> {
    let window = Window::of_page(&state.position);
    ask(agency, &state, days, window, costs).await
}

/// The hundred calls behind a cursor, of all that the state's filters let through.
pub(crate) async fn walk(
    agency: &str,
    state: &ListState,
    days: Days,
    after: Option<String>,
    costs: bool,
) -> Result<CallPage, ApiError> {
    ask(agency, state, days, Window::of_walk(after), costs).await
}

/// One call, as far as the viewer may see it.
pub(crate) async fn get(agency: AgencyContext, id: String) -> Result<CallDetails, ApiError> {
    let slug = agency.slug.get_untracked();
    let may = |permission| untrack(|| agency.may(permission));
    let variables = get_call::Variables {
        id,
        costs: may(Permission::ViewCallCosts),
        agents: may(Permission::ViewAgents),
        staff: may(Permission::UseAgents),
        details: may(Permission::ViewKeyDetails),
        administers: may(Permission::Administer),
    };
    Ok(send::<GetCall>(&slug, variables).await?.call)
}

/// Figures about the calls that the state's filters let through, by the days of a clock so many minutes ahead of UTC.
pub(crate) async fn stats(
    agency: &str,
    state: &ListState,
    days: Days,
    utc_offset_minutes: i64,
    costs: bool,
) -> Result<CallStats, ApiError> {
    let variables = get_call_stats::Variables {
        filter: Some(call_filter!(get_call_stats, state, days)),
        utc_offset_minutes: Some(utc_offset_minutes),
        costs,
    };
    Ok(send::<GetCallStats>(agency, variables).await?.call_stats)
}

/// Places a call, and says how it stood when that was answered.
pub(crate) async fn trigger(agency: &str, input: TriggerCallInput) -> Result<Placed, ApiError> {
    let variables = trigger_call::Variables { input };
    let answer = send_within::<TriggerCall>(agency, variables, PLACE_TIMEOUT_MS).await?;
    Ok(answer.trigger_call)
}

/// What a watch tells.
#[derive(Debug)]
pub(crate) enum News {
    /// This call has moved.
    Moved(Box<Call>),
    /// Calls may have moved while nobody listened.
    Missed,
}

/// Watches the viewer's calls until the handle is aborted.
pub(crate) fn watch(agency: String, costs: bool, tell: impl Fn(News) + 'static) -> AbortHandle {
    let (task, handle) = abortable(async move { watch_for_ever(&agency, costs, &tell).await });
    spawn(async move {
        // An aborted watch has nobody to tell.
        let _ = task.await;
    });
    handle
}

async fn watch_for_ever(agency: &str, costs: bool, tell: &dyn Fn(News)) {
    let variables = call_changed::Variables { costs };
    let body = serde_json::to_string(&CallChanged::build_query(variables)).unwrap_or_default();
    let on_payload = |payload: Value| {
        if let Ok(changed) = decode_tree::<Changed>(payload) {
            tell(News::Moved(Box::new(changed.call)));
        }
    };
    let mut refusals = 0;
    let mut backoff_ms = SHORTEST_BACKOFF_MS;
    loop {
        if refusals < REFUSALS_BEFORE_POLLING {
            match socket::subscribe(agency, &body, &on_payload).await {
                Ended::Lost { was_open: false } => refusals += 1,
                Ended::Lost { was_open: true } | Ended::Complete => {
                    refusals = 0;
                    backoff_ms = SHORTEST_BACKOFF_MS;
                }
            }
            TimeoutFuture::new(backoff_ms).await;
            backoff_ms = (backoff_ms * 2).min(LONGEST_BACKOFF_MS);
        } else {
            TimeoutFuture::new(POLL_INTERVAL_MS).await;
        }
        // It also lets the page notice an ended session, which a socket cannot tell.
        tell(News::Missed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::decode::decode;

    /// C5: figures are read by the reader of the page, whole minutes among them.
    #[test]
    fn figures_are_read() {
        let answer: Result<get_call_stats::ResponseData, ApiError> = decode(
            r#"{"data":{"callStats":{"count":1,"minutes":2,"cost":null,"statuses":[{"status":"COMPLETED","count":1}],
                "days":[{"date":"2026-11-22","count":1,"statuses":[],"minutes":1.5,"cost":{"amount":"0.1"}}],
                "payers":[],"failures":[{"endCause":null,"code":"NO_KEY","count":1}]}}}"#,
        );
        let minutes = answer.map(|answer| {
            let stats = answer.call_stats;
            (
                stats.minutes,
                stats.days.iter().map(|day| day.minutes).sum(),
            )
        });
        assert_eq!(minutes, Ok((2.0, 1.5)));
    }

    /// C5: an event of the subscription is read as a row of the list.
    #[test]
    fn the_subscription_selects_what_the_list_selects() {
        let fragment = |document: &'static str| document.split_once("fragment").map(|it| it.1);
        let list = fragment(include_str!("calls/list_calls.graphql"));
        assert!(list.is_some());
        assert_eq!(list, fragment(include_str!("calls/call_changed.graphql")));
    }
}
