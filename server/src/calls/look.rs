//! The job that finds out what became of a call: it asks the provider about one that it knows by id, and looks for one whose
//! answer did not come by our id of it. It never dials. What webhooks tell makes it ask less often, and what they lose it
//! finds (A6, C5).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{State, again, events, report, told::note_end};
use crate::{
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, CallId},
    jobs::{Job, JobError},
    keys,
    providers::{CallSearch, ProviderError, RemoteCall, SoughtCall, call_provider, find_call},
    store::{self, Conn, calls::CallRow, provider_keys::KeyRow},
    sync::run::wait_for,
};

/// One question is answered within this time.
const READ_TIME: Duration = Duration::from_secs(30);
/// A provider lists a call so much later than it takes it, at the most; only then does its absence count.
const SETTLE_TIME: Duration = Duration::from_mins(3);
/// What two clocks may differ by.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(10);
/// A call that is looked for and cannot be found ends unconfirmed after this time, whatever the provider answers.
const LONGEST_SEARCH: Duration = Duration::from_hours(24);
/// A call that is over is asked about for so long, until its cost is known.
const LONGEST_SETTLING: Duration = Duration::from_hours(1);

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct LookJob {
    pub(crate) agency: AgencyId,
    pub(crate) call: CallId,
}

/// What a look found.
enum Seen {
    /// The provider tells this of it.
    Told(Box<RemoteCall>),
    /// It is not there, and it would be by now.
    Absent,
    /// Nothing yet; what kept the provider from answering, if it did.
    Later(Option<ProviderError>),
}

impl LookJob {
    /// The job of this call.
    pub(crate) fn of(row: &CallRow) -> Self {
        Self {
            agency: row.agency_id.clone(),
            call: row.id.clone(),
        }
    }

    async fn find(&self, app: &App) -> Result<Option<CallRow>> {
        let mut conn = app.db.read().await?;
        store::calls::find(&mut conn, &self.agency, None, &self.call).await
    }
}

#[async_trait]
impl Job for LookJob {
    const KIND: &'static str = "look_at_call";

    fn dedup_key(&self) -> String {
        self.call.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let Some(row) = self.find(app).await? else {
            return Ok(());
        };
        if row.look_at.is_none() {
            return Ok(());
        }
        let seen = tokio::select! {
            seen = look(app, &row) => seen?,
            () = stop.cancelled() => return Err(JobError::Interrupted),
        };
        match write(app, row, &seen).await? {
            None => Ok(()),
            Some(at) => Err(JobError::Retry {
                at,
                reason: "the call goes on".to_owned(),
            }),
        }
    }

    /// A call whose job has failed must not count as under way for ever.
    async fn give_up(&self, app: &App, _error: &Error) -> Result<()> {
        if let Some(row) = self.find(app).await?
            && row.look_at.is_some()
        {
            write(app, row, &Seen::Absent).await?;
        }
        Ok(())
    }
}

/// Asks the provider with the version of the key that the call began with (R4), and with the one in use where that one is
/// refused by now and both open the same account.
async fn look(app: &App, row: &CallRow) -> Result<Seen> {
    let (agency, key) = (&row.agency_id, &row.key_id);
    let mut conn = app.db.read().await?;
    let begun = store::provider_keys::find_version(&mut conn, agency, key, row.key_version).await?;
    let in_use = store::provider_keys::find(&mut conn, agency, key).await?;
    drop(conn);
    let in_use = in_use.filter(|key| {
        key.version.account_id == row.account_id && key.version.version != row.key_version
    });
    let mut seen = Seen::Later(None);
    for key in [begun, in_use].into_iter().flatten() {
        seen = match ask(app, row, &key).await {
            Ok(seen) => return Ok(seen),
            Err(Failure::Provider(error)) => Seen::Later(Some(error)),
            // Another key of the account may open.
            Err(Failure::Ours(Error::KeyUnreadable)) => Seen::Later(None),
            Err(Failure::Ours(error)) => return Err(error),
        };
        let is_refused = matches!(
            seen,
            Seen::Later(None | Some(ProviderError::InvalidKey { .. }))
        );
        if !is_refused {
            break;
        }
    }
    Ok(seen)
}

enum Failure {
    Provider(ProviderError),
    Ours(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

async fn ask(app: &App, row: &CallRow, key: &KeyRow) -> Result<Seen, Failure> {
    let provider = keys::provider_of(&row.provider)?;
    let base_url = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
    let secret = keys::open(app, key)?;
    let target = keys::target(app, base_url, &secret, READ_TIME);
    let client = call_provider(provider);
    if let Some(remote_id) = &row.remote_id {
        return match client.get_call(&target, remote_id).await {
            Ok(told) => Ok(Seen::Told(Box::new(told))),
            Err(ProviderError::NotFound) => Ok(Seen::Absent),
            Err(error) => Err(error.into()),
        };
    }
    let now = app.clock.now();
    let sought = SoughtCall {
        call_id: row.id.as_str(),
        to: row.to_number.as_deref().unwrap_or_default(),
        since_ms: row.created_at.minus(CLOCK_DIFFERENCE).as_millis(),
    };
    Ok(match find_call(client, &target, &sought).await? {
        CallSearch::Found(told) => Seen::Told(told),
        CallSearch::Absent if row.created_at.until(now) > SETTLE_TIME => Seen::Absent,
        CallSearch::Absent | CallSearch::Inconclusive => Seen::Later(None),
    })
}

/// Writes what was seen, and says when to look again. Somebody else's write in between is kept: what was seen is added to it.
async fn write(app: &App, mut row: CallRow, seen: &Seen) -> Result<Option<Timestamp>> {
    loop {
        let now = app.clock.now();
        let is_late = row.created_at.until(now) > LONGEST_SEARCH
            || row
                .ended_at
                .is_some_and(|at| at.until(now) > LONGEST_SETTLING);
        row.look_count += 1;
        row.look_at = (!is_late).then(|| now.plus(pause(&row, seen)));
        let mut tx = app.db.begin().await?;
        let is_written = match seen {
            Seen::Told(told) => report(&mut tx, &mut row, told, now).await?,
            Seen::Later(_) if !is_late => store::calls::update(&mut tx, &row, now).await?,
            Seen::Absent | Seen::Later(_) => give_up(&mut tx, &mut row, now).await?,
        };
        if is_written {
            tx.commit().await?;
            events::publish(app, &row);
            note_end(app, &row).await?;
            return Ok(row.look_at);
        }
        drop(tx);
        row = again(app, &row).await?;
        if row.look_at.is_none() {
            return Ok(None);
        }
    }
}

/// Ends the search. What is known of the call stays.
async fn give_up(conn: &mut Conn, row: &mut CallRow, now: Timestamp) -> Result<bool> {
    if row.ended_at.is_none() {
        State::Unconfirmed.as_str().clone_into(&mut row.state);
        row.ended_at = Some(now);
    }
    row.lease_until = None;
    row.look_at = None;
    let is_written = store::calls::update(conn, row, now).await?;
    if is_written {
        store::calls::release_version(conn, row).await?;
    }
    Ok(is_written)
}

/// Often at first, while somebody waits for it, and less and less while nothing changes.
fn pause(row: &CallRow, seen: &Seen) -> Duration {
    if let Seen::Later(Some(error)) = seen {
        return wait_for(error, row.look_count);
    }
    let first = match State::parse(&row.state) {
        Some(State::Queued | State::Ringing) => Duration::from_secs(3),
        Some(State::InProgress) => Duration::from_secs(10),
        _ => Duration::from_secs(5),
    };
    let doublings = u32::try_from((row.look_count / 4).clamp(0, 5)).unwrap_or(5);
    first * 2u32.pow(doublings)
}
