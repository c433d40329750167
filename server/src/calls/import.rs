//! The job that walks an account's list of calls (C6): from a watermark with an overlap to its end, page by page, so that
//! inbound and foreign calls are here as well and what a webhook lost is found. Its row is the checkpoint: a killed process
//! goes on at the page where it was, and a page that is read twice changes nothing. Trouble with the list is written into
//! that row and says nothing about the key's health; the schedule asks again when it is due.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    events,
    told::{self, Means, Outcome, Parties},
};
use crate::{
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    id::{AccountId, AgencyId},
    jobs::{self, Job, JobError},
    keys,
    providers::{
        CallFilter, CallProvider, Capability, CapabilityState, ProviderError, RemoteCall, Target,
        call_provider,
    },
    store::{self, Conn, call_imports::ImportRow, calls::CallRow, provider_keys::KeyRow},
    sync::{run::wait_for, words},
};

/// One page answers within this time; each call of Vapi's comes with all that was said in it.
const PAGE_TIME: Duration = Duration::from_mins(1);
/// A single read answers within this time.
const READ_TIME: Duration = Duration::from_secs(30);
/// How far back the first walk of an account goes, and any walk at the most.
const FIRST_REACH: Duration = Duration::from_hours(30 * 24);
/// A walk begins so much before the last one's beginning: what two clocks may differ by, and how much later than it is made
/// a provider may list a call.
const OVERLAP: Duration = Duration::from_mins(15);
/// How often a list is walked.
const POLL_INTERVAL: Duration = Duration::from_mins(3);
/// The same where webhooks of the account arrive.
const POLL_INTERVAL_BESIDE_WEBHOOKS: Duration = Duration::from_mins(10);
/// Webhooks arrive when the last one is no older than this.
const WEBHOOKS_ARRIVE: Duration = Duration::from_hours(1);
/// A list that cannot be proven to be whole is walked from the same time again, and not each few minutes.
const POLL_INTERVAL_OF_PARTIAL: Duration = Duration::from_hours(1);
/// A key that may not list calls is not asked again before, unless another one is saved.
const REFUSED_PAUSE: Duration = Duration::from_hours(6);
/// After trouble at the least.
const SHORTEST_PAUSE: Duration = Duration::from_mins(1);
/// Calls of one transaction; the agents and numbers of twice as many fit into one statement.
const AT_ONCE: usize = 50;
/// A chunk that somebody else writes at the same time is begun again so often.
const TRIES: usize = 5;

words! {
    /// Why an account's list of calls could not be read.
    Problem "CallListProblem" {
        /// No stored key of the account may list calls.
        MissingPermission => "missing_permission",
        /// The provider refuses the stored keys for its list of calls.
        KeyRefused => "key_refused",
        /// No stored key of the account can be used right now.
        NoUsableKey => "no_usable_key",
        /// The provider asked to wait.
        RateLimited => "rate_limited",
        /// The provider did not answer, or not in a way that makes sense.
        Unreachable => "unreachable",
    }
}

impl From<&ProviderError> for Problem {
    fn from(error: &ProviderError) -> Self {
        match error {
            ProviderError::MissingPermission { .. } => Self::MissingPermission,
            ProviderError::InvalidKey { .. } => Self::KeyRefused,
            ProviderError::RateLimited { .. } => Self::RateLimited,
            _ => Self::Unreachable,
        }
    }
}

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct ImportCallsJob {
    pub(crate) agency: AgencyId,
    pub(crate) account: AccountId,
}

/// How a walk ended before its end.
enum Stop {
    /// The server stops, or another worker has the walk.
    Interrupted,
    Provider(ProviderError),
    Fault(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

#[async_trait]
impl Job for ImportCallsJob {
    const KIND: &'static str = "import_calls";

    fn dedup_key(&self) -> String {
        self.account.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let mut conn = app.db.read().await?;
        let in_use =
            store::account_keys::list_in_use(&mut conn, &self.agency, &self.account).await?;
        drop(conn);
        if in_use.is_empty() {
            return Ok(());
        }
        let mut row = self.begin(app).await?;
        let mut problem = Problem::NoUsableKey;
        for key in in_use.iter().filter(|key| may_list(key)) {
            let secret = match keys::open(app, key) {
                Ok(secret) => secret,
                Err(Error::KeyUnreadable) => continue,
                Err(error) => return Err(error.into()),
            };
            match walk(app, &mut row, (key, &secret), stop).await {
                Ok(()) => return Ok(()),
                Err(Stop::Interrupted) => return Err(JobError::Interrupted),
                Err(Stop::Fault(error)) => return Err(error.into()),
                // Another key of the account may be let in.
                Err(Stop::Provider(
                    error @ (ProviderError::MissingPermission { .. }
                    | ProviderError::InvalidKey { .. }),
                )) => problem = Problem::from(&error),
                Err(Stop::Provider(error)) => return Ok(postpone(app, row, &error).await?),
            }
        }
        Ok(refuse(app, row, problem).await?)
    }

    /// The walk stays where it is; the schedule goes on with it.
    async fn give_up(&self, app: &App, _error: &Error) -> Result<()> {
        let mut row = self.begin(app).await?;
        row.next_poll_at = app.clock.now().plus(POLL_INTERVAL_OF_PARTIAL);
        write_row(app, &row).await
    }
}

impl ImportCallsJob {
    /// The account's row, made where it is missing.
    async fn begin(&self, app: &App) -> Result<ImportRow> {
        let mut tx = app.db.begin().await?;
        let now = app.clock.now();
        store::call_imports::ensure(&mut tx, &self.agency, &self.account, now).await?;
        let row = store::call_imports::find(&mut tx, &self.agency, &self.account).await?;
        tx.commit().await?;
        row.ok_or(Error::NotFound)
    }
}

/// Queues a walk for each account whose list is due.
pub(crate) async fn enqueue_due(app: &App) -> Result<()> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let due = store::call_imports::list_due(&mut conn, now).await?;
    drop(conn);
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    for row in due {
        enqueue(&mut tx, &row.agency_id, &row.account_id, now).await?;
    }
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(())
}

/// Queues a walk of an account's list, or joins the one that is queued. The caller rings `job_bell` once it has committed.
pub(crate) async fn enqueue(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    now: Timestamp,
) -> Result<()> {
    let job = ImportCallsJob {
        agency: agency.clone(),
        account: account.clone(),
    };
    jobs::enqueue(conn, &job, now).await?;
    Ok(())
}

/// Whether the provider may be asked with this key: not while its breaker is open (R8), and not for what it is known not to
/// be able to do.
fn may_list(key: &KeyRow) -> bool {
    let states = keys::read_capabilities(&key.version.capabilities);
    key.breaker == "closed"
        && key.health != keys::Health::Invalid.as_str()
        && !states.contains(&(Capability::ReadCalls, CapabilityState::No))
}

/// Goes on with the walk under way, or begins one, until the list's end.
async fn walk(
    app: &App,
    row: &mut ImportRow,
    (key, secret): (&KeyRow, &SecretString),
    stop: &CancellationToken,
) -> Result<(), Stop> {
    let provider = keys::provider_of(&key.provider)?;
    let base_url = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
    let client = call_provider(provider);
    let now = app.clock.now();
    let reach = now.minus(FIRST_REACH);
    let behind = row.watermark.map_or(reach, |at| at.minus(OVERLAP));
    let since = *row.walk_since.get_or_insert(behind.max(reach));
    row.walk_began_at.get_or_insert(now);
    let filter = CallFilter {
        since_ms: since.as_millis(),
        call_id: None,
    };
    loop {
        let target = keys::target(app, base_url, secret, PAGE_TIME);
        let listing = client.list_calls(&target, &filter, row.page_cursor.as_deref());
        let page = answer(stop, listing).await?;
        row.is_walk_whole &= page.is_complete;
        row.failures = 0;
        row.problem = None;
        row.problem_at = None;
        for calls in page.items.chunks(AT_ONCE) {
            let target = keys::target(app, base_url, secret, READ_TIME);
            let calls = whole(app, key, (client, &target), calls, stop).await?;
            write(app, key, &calls).await?;
        }
        row.page_cursor = page.next;
        let is_over = row.page_cursor.is_none();
        if is_over {
            finish(row, app.clock.now());
        }
        let mut tx = app.db.begin().await?;
        let is_ours = store::call_imports::update(&mut tx, row).await?;
        tx.commit().await?;
        if !is_ours {
            return Err(Stop::Interrupted);
        }
        row.revision += 1;
        if is_over {
            return Ok(());
        }
        if stop.is_cancelled() {
            return Err(Stop::Interrupted);
        }
    }
}

/// The list's end was reached.
fn finish(row: &mut ImportRow, now: Timestamp) {
    row.polled_at = Some(now);
    row.is_complete = row.is_walk_whole;
    let began_at = row.walk_began_at.take();
    if row.is_walk_whole {
        row.watermark = began_at;
    }
    row.walk_since = None;
    row.is_walk_whole = true;
    let is_told = row
        .last_webhook_at
        .is_some_and(|at| at.until(now) < WEBHOOKS_ARRIVE);
    let pause = match (row.is_complete, is_told) {
        (false, _) => POLL_INTERVAL_OF_PARTIAL,
        (true, true) => POLL_INTERVAL_BESIDE_WEBHOOKS,
        (true, false) => POLL_INTERVAL,
    };
    row.next_poll_at = now.plus(pause);
}

async fn answer<T>(
    stop: &CancellationToken,
    request: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, Stop> {
    tokio::select! {
        answer = request => answer.map_err(Stop::Provider),
        () = stop.cancelled() => Err(Stop::Interrupted),
    }
}

/// The calls, those that the list tells in part and that nobody here knows as they are read one by one: only so is it told
/// how such a call went, and whether it was placed from here.
async fn whole(
    app: &App,
    key: &KeyRow,
    (client, target): (&dyn CallProvider, &Target<'_>),
    calls: &[RemoteCall],
    stop: &CancellationToken,
) -> Result<Vec<RemoteCall>, Stop> {
    let ids: Vec<String> = calls
        .iter()
        .filter(|call| !call.is_whole)
        .map(|call| call.remote_id.clone())
        .collect();
    let mut known = HashSet::new();
    if !ids.is_empty() {
        let mut conn = app.db.read().await?;
        let rows = store::call_parties::list_known(&mut conn, &key.agency_id, &ids).await?;
        known.extend(rows.into_iter().map(|row| row.remote_id));
    }
    let mut whole = Vec::with_capacity(calls.len());
    for call in calls {
        if call.is_whole || known.contains(&call.remote_id) {
            whole.push(call.clone());
            continue;
        }
        let target = keys::target(app, target.base_url, target.key, READ_TIME);
        match answer(stop, client.get_call(&target, &call.remote_id)).await {
            Ok(read) => whole.push(read),
            Err(Stop::Provider(ProviderError::NotFound)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(whole)
}

/// Writes a few calls in one transaction.
async fn write(app: &App, key: &KeyRow, calls: &[RemoteCall]) -> Result<()> {
    for _ in 0..TRIES {
        if let Some(written) = try_to_write(app, key, calls).await? {
            for row in &written {
                events::publish(app, row);
                told::note_end(app, row).await?;
            }
            return Ok(());
        }
    }
    Err(Error::internal(
        "a call is written by others again and again",
    ))
}

/// `None` when somebody else wrote one of them at the same time.
async fn try_to_write(
    app: &App,
    key: &KeyRow,
    calls: &[RemoteCall],
) -> Result<Option<Vec<CallRow>>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let parties = Parties::of(&mut tx, key, calls.iter()).await?;
    let mut written = Vec::new();
    for call in calls {
        match told::write(&mut tx, key, &parties, (call, Means::List), now).await? {
            Outcome::Written(row) => written.push(*row),
            Outcome::Unchanged | Outcome::TooLittle => {}
            Outcome::Outdated => return Ok(None),
        }
    }
    tx.commit().await?;
    if written.iter().any(|row| row.look_at.is_some()) {
        app.job_bell.notify_waiters();
    }
    Ok(Some(written))
}

/// The provider could not answer; the walk goes on where it is. One that cannot go on there begins anew.
async fn postpone(app: &App, mut row: ImportRow, error: &ProviderError) -> Result<()> {
    let now = app.clock.now();
    row.failures += 1;
    if matches!(
        error,
        ProviderError::Rejected { .. } | ProviderError::Malformed { .. } | ProviderError::NotFound
    ) {
        row.page_cursor = None;
        row.walk_since = None;
        row.walk_began_at = None;
        row.is_walk_whole = true;
    }
    tracing::warn!(account.id = %row.account_id, %error, "an account's list of calls was not read");
    let pause = wait_for(error, row.failures).max(SHORTEST_PAUSE);
    blame(&mut row, Problem::from(error), now, pause);
    write_row(app, &row).await
}

/// No key of the account is let in.
async fn refuse(app: &App, mut row: ImportRow, problem: Problem) -> Result<()> {
    let now = app.clock.now();
    let pause = match problem {
        // Whether one can be used again is not the provider's to say.
        Problem::NoUsableKey => POLL_INTERVAL,
        _ => REFUSED_PAUSE,
    };
    blame(&mut row, problem, now, pause);
    write_row(app, &row).await
}

fn blame(row: &mut ImportRow, problem: Problem, now: Timestamp, pause: Duration) {
    row.problem = Some(problem.as_str().to_owned());
    row.problem_at = Some(now);
    row.next_poll_at = now.plus(pause);
}

async fn write_row(app: &App, row: &ImportRow) -> Result<()> {
    let mut tx = app.db.begin().await?;
    // Somebody else's write is as good.
    store::call_imports::update(&mut tx, row).await?;
    tx.commit().await
}
