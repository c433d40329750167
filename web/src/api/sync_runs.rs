//! Sync runs: start, confirm, and watch one until it ends. A run is watched over the socket; where the socket is refused,
//! by asking every two seconds. Whoever watches sees the same events either way.

use crate::api::decode::decode_tree;
use crate::api::enums::{ErrorCode, Provider, SyncDecision, SyncPhase, SyncState, SyncTrigger};
use crate::api::socket::{self, Ended};
use crate::api::{ApiError, DateTime, Window, operation, overview, provider_keys, send};
use crate::erased::spawn;
use crate::logic::list_state::ListState;
use crate::logic::provider_name;
use futures_util::future::{AbortHandle, abortable};
use gloo_timers::future::TimeoutFuture;
use graphql_client::GraphQLQuery;
use serde_json::Value;
use std::cell::Cell;

operation!(StartSync, "src/api/sync_runs/start_sync.graphql");
operation!(ConfirmSync, "src/api/sync_runs/confirm_sync.graphql");
operation!(ListSyncRuns, "src/api/sync_runs/list_sync_runs.graphql");
operation!(GetSyncRun, "src/api/sync_runs/get_sync_run.graphql");
operation!(GetSyncOrigin, "src/api/sync_runs/get_sync_origin.graphql");
operation!(NewestSyncRun, "src/api/sync_runs/newest_sync_run.graphql");
operation!(
    /// Its event has the shape of `GetSyncRun`'s answer, so that both are read as one type; a test holds them together.
    SyncProgress, "src/api/sync_runs/sync_progress.graphql"
);

pub(crate) use get_sync_origin::{
    GetSyncOriginSyncRun as SyncOrigin, GetSyncOriginSyncRunAccount as SyncAccount,
};
pub(crate) use list_sync_runs::{
    ListSyncRunsSyncRuns as SyncRunPage, ListSyncRunsSyncRunsNodes as SyncRunRow,
};

/// A sync run, whichever operation brought it.
pub(crate) use get_sync_run::SyncRunFields as SyncRun;

/// The same fields are typed once per operation; these carry each into the one type that the pages use.
macro_rules! same_sync_run {
    ($($run:path),+) => {$(
        const _: () = {
            impl From<$run> for SyncRun {
                fn from(run: $run) -> Self {
                    Self {
                        id: run.id, provider: run.provider, trigger: run.trigger, state: run.state, phase: run.phase, done: run.done,
                        total: run.total, agent_count: run.agent_count, phone_number_count: run.phone_number_count,
                        voice_count: run.voice_count, added_count: run.added_count, changed_count: run.changed_count,
                        gone_count: run.gone_count, returned_count: run.returned_count, pending_removal_count: run.pending_removal_count,
                        unread_detail_count: run.unread_detail_count,
                        waiting_until: run.waiting_until, waiting_reason: run.waiting_reason,
                        error: run.error.map(|error| get_sync_run::SyncRunFieldsError { code: error.code, message: error.message }),
                        hint: run.hint, created_at: run.created_at, started_at: run.started_at, finished_at: run.finished_at,
                    }
                }
            }
        };
    )+};
}
same_sync_run!(
    provider_keys::SyncRunFields,
    overview::SyncRunFields,
    SyncRunRow
);

/// Between two questions while the socket is refused, in milliseconds.
const POLL_INTERVAL_MS: u32 = 2_000;
/// The longest pause before the socket is tried again, in milliseconds.
const LONGEST_BACKOFF_MS: u32 = 10_000;
/// After so many sockets in a row that never opened, the run is polled.
const REFUSALS_BEFORE_POLLING: u32 = 2;

/// True when nothing about a run changes any more.
pub(crate) fn has_ended(state: SyncState) -> bool {
    matches!(state, SyncState::Succeeded | SyncState::Failed)
}

/// Starts a sync of the agency's account, or of that of a client's own key, or joins the one that runs (S6); says which.
pub(crate) async fn start(
    agency: &str,
    provider: Provider,
    client_id: Option<String>,
) -> Result<bool, ApiError> {
    let input = start_sync::StartSyncInput {
        provider,
        client_id,
    };
    Ok(send::<StartSync>(agency, start_sync::Variables { input })
        .await?
        .start_sync
        .has_joined)
}

/// Answers a run that asks before it marks agents (S3); what it does then is seen by watching it.
pub(crate) async fn confirm(
    agency: &str,
    sync_run_id: String,
    decision: SyncDecision,
) -> Result<(), ApiError> {
    let input = confirm_sync::ConfirmSyncInput {
        sync_run_id,
        decision,
    };
    send::<ConfirmSync>(agency, confirm_sync::Variables { input })
        .await
        .map(drop)
}

/// The states behind each value of the history's filter.
fn states(filter: &str) -> Vec<SyncState> {
    match filter {
        "underway" => vec![SyncState::Queued, SyncState::Running, SyncState::Waiting],
        "asks" => vec![SyncState::NeedsConfirmation],
        "failed" => vec![SyncState::Failed],
        _ => vec![SyncState::Succeeded],
    }
}

/// One page of the history, newest first; who asked for a run only for those who may see it.
pub(crate) async fn list(
    agency: &str,
    state: ListState,
    administers: bool,
) -> Result<SyncRunPage, ApiError> {
    let window = Window::of_page(&state.position);
    let variables = list_sync_runs::Variables {
        filter: Some(list_sync_runs::SyncRunFilter {
            provider: provider_name::filtered(&state),
            state: state.value("state").map(states),
        }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
        administers,
    };
    Ok(send::<ListSyncRuns>(agency, variables).await?.sync_runs)
}

/// The id of the newest run, which is all that tells whether there is another one.
pub(crate) async fn newest(agency: &str) -> Result<Option<String>, ApiError> {
    let answer = send::<NewestSyncRun>(agency, newest_sync_run::Variables {}).await?;
    Ok(answer.sync_runs.nodes.into_iter().next().map(|run| run.id))
}

/// One run as it stands now.
pub(crate) async fn get(agency: &str, id: &str) -> Result<SyncRun, ApiError> {
    Ok(
        send::<GetSyncRun>(agency, get_sync_run::Variables { id: id.to_owned() })
            .await?
            .sync_run,
    )
}

/// Who asked for a run and of which account it is, each only for those who may see it; a run keeps both for good.
pub(crate) async fn origin(
    agency: &str,
    id: String,
    administers: bool,
    details: bool,
) -> Result<SyncOrigin, ApiError> {
    if !administers && !details {
        return Ok(SyncOrigin {
            requested_by: None,
            account: None,
        });
    }
    let variables = get_sync_origin::Variables {
        id,
        administers,
        details,
    };
    Ok(send::<GetSyncOrigin>(agency, variables).await?.sync_run)
}

/// Watches a run until it ends or the handle is aborted; `on_run` is told each state.
pub(crate) fn watch(agency: String, id: String, on_run: impl Fn(SyncRun) + 'static) -> AbortHandle {
    let (task, handle) = abortable(async move { watch_until_end(&agency, &id, &on_run).await });
    spawn(async move {
        // An aborted watch has nobody to tell.
        let _ = task.await;
    });
    handle
}

async fn watch_until_end(agency: &str, id: &str, on_run: &dyn Fn(SyncRun)) {
    let is_over = Cell::new(false);
    let tell = |run: SyncRun| {
        is_over.set(has_ended(run.state));
        on_run(run);
    };
    let body = serde_json::to_string(&SyncProgress::build_query(sync_progress::Variables {
        id: id.to_owned(),
    }))
    .unwrap_or_default();
    let mut refusals = 0;
    let mut backoff_ms = 500;
    while !is_over.get() {
        if refusals < REFUSALS_BEFORE_POLLING {
            let on_payload = |payload: Value| {
                if let Ok(data) = decode_tree::<get_sync_run::ResponseData>(payload) {
                    tell(data.sync_run);
                }
            };
            match socket::subscribe(agency, &body, &on_payload).await {
                Ended::Lost { was_open: false } => refusals += 1,
                Ended::Lost { was_open: true } | Ended::Complete => refusals = 0,
            }
            if is_over.get() {
                return;
            }
            TimeoutFuture::new(backoff_ms).await;
            backoff_ms = (backoff_ms * 2).min(LONGEST_BACKOFF_MS);
        } else {
            TimeoutFuture::new(POLL_INTERVAL_MS).await;
        }
        // What happened while nobody listened; it also notices an ended session, which a socket cannot tell.
        match get(agency, id).await {
            Ok(run) => tell(run),
            Err(error)
                if matches!(
                    error.code(),
                    Some(ErrorCode::Unauthenticated | ErrorCode::Forbidden | ErrorCode::NotFound)
                ) =>
            {
                return;
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    /// An event of the subscription is read as an answer to the query.
    #[test]
    fn the_subscription_selects_what_the_query_selects() {
        let query = include_str!("sync_runs/get_sync_run.graphql");
        let subscription = include_str!("sync_runs/sync_progress.graphql");
        assert_eq!(
            subscription
                .replace("subscription SyncProgress", "query GetSyncRun")
                .replace("syncRun: syncProgress(syncRunId: $id)", "syncRun(id: $id)"),
            query
        );
    }
}
