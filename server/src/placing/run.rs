//! The job that makes agents, one after the other. The intent is committed before the provider is asked, and no request
//! stands in a transaction. What may have been made without an answer, because the process died or the connection did, is
//! looked for in the account and never asked for again by itself: it is found by its marker, or ends unconfirmed. It stops
//! when its key is replaced or cleared.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    clock::Timestamp,
    error::{Code, Error, Result, provider_code},
    health::answer::record_health,
    id::{AgencyId, PlacementRunId},
    jobs::{Job, JobError},
    keys,
    providers::{AgentDefinition, NotCreated, ProviderError, ProviderKind, VoiceProvider, fit},
    store::{
        self, placement_items::PlacementItemRow, placement_runs::PlacementRunRow,
        provider_keys::KeyRow,
    },
    sync::run::{Stop, wait_for, waiting_reason},
};

use super::ending::{self, Outcome};
use super::look::{Sight, look};
use super::{ItemState, State, words};

/// One page answers within this time.
pub(super) const PAGE_TIME: Duration = Duration::from_mins(1);
/// A single read answers within this time.
pub(super) const READ_TIME: Duration = Duration::from_secs(30);
/// An agent is made within this time, all its requests together.
const CREATE_TIME: Duration = Duration::from_secs(45);
/// So long after it was asked a provider may still make an agent; only then does its absence from the list count.
const SETTLE_TIME: Duration = Duration::from_secs(90);
/// A failure of the provider's own is followed by a look, and by so many attempts in all.
const MAX_ATTEMPTS: i64 = 3;
/// First pause between two attempts at the same agent; it grows with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// A provider that cannot be asked this often in a row ends the run.
const MAX_FAILURES: i64 = 8;
/// So many agents are looked for with one walk.
const LOOKED_FOR: i64 = 500;

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct PlacementJob {
    pub(crate) agency: AgencyId,
    pub(crate) run: PlacementRunId,
}

#[async_trait]
impl Job for PlacementJob {
    const KIND: &'static str = "placement";

    fn dedup_key(&self) -> String {
        self.run.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let Some(mut run) = self.find(app).await? else {
            return Ok(());
        };
        if run.finished_at.is_some() {
            return Ok(());
        }
        match place_all(app, &mut run, stop).await {
            Ok(()) => Ok(()),
            // Nothing more is to do, or another worker has written the run: who holds the job now reads it again.
            Err(Stop::Ended) => match self.find(app).await? {
                Some(run) if run.finished_at.is_none() => Err(JobError::Interrupted),
                _ => Ok(()),
            },
            Err(Stop::Retry(retry)) => Err(retry),
            Err(Stop::Fault(error)) => Err(error.into()),
            Err(Stop::Provider(error)) => after_provider_error(app, &mut run, &error).await,
        }
    }

    /// A run that nobody works on any more must end, or every later one of the account would join it.
    async fn give_up(&self, app: &App, error: &Error) -> Result<()> {
        if let Some(mut run) = self.find(app).await?
            && run.finished_at.is_none()
        {
            let message = "Something went wrong. The agents that were made so far are kept; start again later.";
            ending::end_run(app, &mut run, Some((error.code(), message))).await?;
        }
        Ok(())
    }
}

impl PlacementJob {
    async fn find(&self, app: &App) -> Result<Option<PlacementRunRow>> {
        let mut conn = app.db.read().await?;
        store::placement_runs::find(&mut conn, &self.agency, &self.run).await
    }
}

async fn place_all(
    app: &App,
    run: &mut PlacementRunRow,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    begin(app, run).await?;
    loop {
        if stop.is_cancelled() {
            return Err(Stop::Retry(JobError::Interrupted));
        }
        let Some((key, secret)) = open_key(app, run).await? else {
            return Err(Stop::Ended);
        };
        let provider = keys::provider_of(&run.provider)?;
        let base_url = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
        let asking = Asking {
            app,
            client: keys::client(provider)?,
            provider,
            base_url,
            secret: &secret,
            stop,
        };
        let mut conn = app.db.read().await?;
        let (agency, id) = (&run.agency_id, &run.id);
        let doubtful =
            store::placement_items::list_to_look_for(&mut conn, agency, id, LOOKED_FOR).await?;
        let next = store::placement_items::find_next(&mut conn, agency, id).await?;
        drop(conn);
        match next {
            _ if !doubtful.is_empty() => asking.reconcile(run, &doubtful).await?,
            Some(item) => asking.place(run, &item).await?,
            None => {
                kept(ending::end_run(app, run, None).await?)?;
                tracing::info!(
                    provider.kind = run.provider,
                    created = run.created_count,
                    total = run.total,
                    "a placement run has ended"
                );
                return Ok(());
            }
        }
    }
}

/// What another worker has written meanwhile is not written over.
fn kept(is_kept: bool) -> Result<(), Stop> {
    if is_kept { Ok(()) } else { Err(Stop::Ended) }
}

async fn begin(app: &App, run: &mut PlacementRunRow) -> Result<(), Stop> {
    let mut next = run.clone();
    State::Running.as_str().clone_into(&mut next.state);
    next.waiting_until = None;
    next.waiting_reason = None;
    next.started_at = next.started_at.or(Some(app.clock.now()));
    let tx = app.db.begin().await?;
    kept(ending::commit(app, tx, run, next).await?)
}

/// The key of this moment, opened; `None` when the run has ended because it is not the one that it began with any more.
async fn open_key(
    app: &App,
    run: &mut PlacementRunRow,
) -> Result<Option<(KeyRow, SecretString)>, Stop> {
    let mut conn = app.db.read().await?;
    let key = store::provider_keys::find(&mut conn, &run.agency_id, &run.key_id).await?;
    drop(conn);
    let key = key.filter(|key| {
        key.version.version == run.key_version && key.version.account_id == run.account_id
    });
    let Some(key) = key else {
        let message = "The key that this began with is not in use any more. The agents that were made so far are kept.";
        ending::end_run(app, run, Some((Code::Conflict, message))).await?;
        return Ok(None);
    };
    match keys::open(app, &key) {
        Ok(secret) => Ok(Some((key, secret))),
        Err(Error::KeyUnreadable) => {
            let message = Error::KeyUnreadable.to_string();
            ending::end_run(app, run, Some((Code::KeyUnreadable, &message))).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whom to ask, with which key.
struct Asking<'a> {
    app: &'a App,
    client: &'a dyn VoiceProvider,
    provider: ProviderKind,
    base_url: &'a url::Url,
    secret: &'a SecretString,
    stop: &'a CancellationToken,
}

impl Asking<'_> {
    /// Finds out what became of agents that may have been made.
    async fn reconcile(
        &self,
        run: &mut PlacementRunRow,
        items: &[PlacementItemRow],
    ) -> Result<(), Stop> {
        let target = keys::target(self.app, self.base_url, self.secret, PAGE_TIME);
        let sight = look(self.client, &target, items, self.stop).await?;
        let mut again: Option<(Timestamp, String)> = None;
        for item in items {
            match sight.of(&item.marker) {
                [remote] => {
                    let app = self.app;
                    kept(ending::created(app, run, item, remote, item.message.clone()).await?)?;
                }
                [] => {
                    if let Some(wait) = self.not_found(run, item, &sight).await? {
                        let is_longer = again.as_ref().is_none_or(|other| other.0 < wait.0);
                        again = if is_longer { Some(wait) } else { again };
                    }
                }
                several => {
                    let outcome = Outcome::unconfirmed(words::copies(several.len()));
                    kept(ending::end(self.app, run, item, &outcome).await?)?;
                }
            }
        }
        match again {
            Some((at, reason)) => {
                let failures = run.failures_in_a_row;
                Err(wait(self.app, run, at, reason, failures).await?)
            }
            None => Ok(()),
        }
    }

    /// An agent that was not seen. The answer says until when to wait for it, and why.
    async fn not_found(
        &self,
        run: &mut PlacementRunRow,
        item: &PlacementItemRow,
        sight: &Sight,
    ) -> Result<Option<(Timestamp, String)>, Stop> {
        let now = self.app.clock.now();
        if !sight.is_conclusive {
            let outcome = Outcome::unconfirmed(words::unclear(self.provider));
            kept(ending::end(self.app, run, item, &outcome).await?)?;
            return Ok(None);
        }
        let asked_at = item.intended_at.unwrap_or(run.created_at);
        let settled_at = asked_at.plus(SETTLE_TIME);
        let looks_again = Some((settled_at, words::looks_again(self.provider)));
        if item.state == ItemState::Pending.as_str() {
            // An earlier run was never told, and its request may still be at work.
            if item.intended_at.is_some() && now < settled_at {
                return Ok(looks_again);
            }
            // It is not there, and somebody asked for it anew.
            self.put_back(run, item, None).await?;
            return Ok(None);
        }
        if let Some(code) = item.error_code.as_deref().and_then(Code::parse) {
            // An answer that nobody can read may be that of an agent which was made, and the list may be late.
            if code == words::UNREADABLE && now < settled_at {
                return Ok(looks_again);
            }
            // The provider has answered with a failure of its own, and the account does not have it.
            let message = item.message.clone().unwrap_or_default();
            if item.attempts < MAX_ATTEMPTS {
                self.put_back(run, item, Some(&message)).await?;
                let pause = FIRST_PAUSE * u32::try_from(item.attempts).unwrap_or(1);
                return Ok(Some((now.plus(pause), words::asks_again(self.provider))));
            }
            let outcome = Outcome::failed(code, message);
            kept(ending::end(self.app, run, item, &outcome).await?)?;
            return Ok(None);
        }
        if now < settled_at {
            return Ok(looks_again);
        }
        let outcome = Outcome::unconfirmed(words::unseen(self.provider));
        kept(ending::end(self.app, run, item, &outcome).await?)?;
        Ok(None)
    }

    /// Makes one agent, unless there is a reason not to.
    async fn place(&self, run: &mut PlacementRunRow, item: &PlacementItemRow) -> Result<(), Stop> {
        let definition = match self.intend(run, item).await? {
            Ok(definition) => definition,
            Err(reason) => {
                let outcome = Outcome::skipped(reason);
                return kept(ending::end(self.app, run, item, &outcome).await?);
            }
        };
        let target = keys::target(self.app, self.base_url, self.secret, CREATE_TIME);
        let asked = self.client.create_agent(&target, &definition, &item.marker);
        let made = tokio::select! {
            made = asked => made,
            () = self.stop.cancelled() => return Err(Stop::Retry(JobError::Interrupted)),
        };
        match made {
            Ok(created) => {
                let message = created
                    .unfinished
                    .as_ref()
                    .map(|error| words::unfinished(self.provider, error));
                kept(ending::created(self.app, run, item, &created.agent, message).await?)
            }
            Err(not_created) => self.not_created(run, item, not_created).await,
        }
    }

    /// Commits that the provider is about to be asked, and says for what; or why nothing is asked.
    async fn intend(
        &self,
        run: &mut PlacementRunRow,
        item: &PlacementItemRow,
    ) -> Result<Result<AgentDefinition, String>, Stop> {
        let now = self.app.clock.now();
        let (agency, agent) = (&run.agency_id, &item.agent_id);
        let mut tx = self.app.db.begin().await?;
        // Read behind the agent's lock: whoever changes it from now on sees that it is being made.
        if !store::agent_changes::hold(&mut tx, agency, agent, now).await? {
            return Ok(Err(words::BEING_CHANGED.to_owned()));
        }
        let query = super::run_query(run);
        let found = store::unplaced::find_unplaced(&mut tx, agency, query, agent).await?;
        let definition: AgentDefinition = match found {
            None => return Ok(Err(words::NOT_LACKING.to_owned())),
            Some(agent) if agent.is_half_read => return Ok(Err(words::HALF_READ.to_owned())),
            Some(agent) => serde_json::from_str(&agent.definition).map_err(Error::from)?,
        };
        let fitted = fit(self.provider, &definition);
        if let Some(reason) = words::blocked(&fitted) {
            return Ok(Err(reason));
        }
        let begin = store::placement_items::begin;
        kept(begin(&mut tx, agency, &item.id, &fitted.definition.name, now).await?)?;
        let next = run.clone();
        kept(ending::commit(self.app, tx, run, next).await?)?;
        Ok(Ok(definition))
    }

    async fn not_created(
        &self,
        run: &mut PlacementRunRow,
        item: &PlacementItemRow,
        not_created: NotCreated,
    ) -> Result<(), Stop> {
        let message = words::refusal(self.provider, &not_created);
        let NotCreated {
            error, may_exist, ..
        } = not_created;
        if may_exist {
            if let Some(code) = words::answer_code(&error) {
                let mut tx = self.app.db.begin().await?;
                let note = store::placement_items::note_answer;
                note(&mut tx, &run.agency_id, &item.id, code.as_str(), &message).await?;
                tx.commit().await?;
            }
            // The next turn of the loop looks for it.
            return Ok(());
        }
        match error {
            ProviderError::NotFound
            | ProviderError::Rejected { .. }
            | ProviderError::Malformed { .. } => {
                let outcome = Outcome::failed(provider_code(&error), message);
                kept(ending::end(self.app, run, item, &outcome).await?)
            }
            // It says something about all agents: this one is as if it had not had its turn.
            error => {
                self.put_back(run, item, Some(&message)).await?;
                Err(Stop::Provider(error))
            }
        }
    }

    async fn put_back(
        &self,
        run: &mut PlacementRunRow,
        item: &PlacementItemRow,
        message: Option<&str>,
    ) -> Result<(), Stop> {
        let mut tx = self.app.db.begin().await?;
        store::placement_items::put_back(&mut tx, &run.agency_id, &item.id, message).await?;
        let next = run.clone();
        kept(ending::commit(self.app, tx, run, next).await?)
    }
}

/// Decides, where an error concerns all agents, whether the run waits or ends (S4).
async fn after_provider_error(
    app: &App,
    run: &mut PlacementRunRow,
    error: &ProviderError,
) -> Result<(), JobError> {
    let provider = keys::provider_of(&run.provider)?;
    record(app, run, error).await?;
    let failures = run.failures_in_a_row + 1;
    if !error.is_transient() && !matches!(error, ProviderError::Malformed { .. })
        || failures >= MAX_FAILURES
    {
        let message = words::failure(provider, error);
        let end = (provider_code(error), message.as_str());
        return if ending::end_run(app, run, Some(end)).await? {
            Ok(())
        } else {
            Err(JobError::Interrupted)
        };
    }
    let at = app.clock.now().plus(wait_for(error, failures));
    match wait(app, run, at, waiting_reason(provider, error), failures).await {
        Ok(Stop::Retry(retry)) => Err(retry),
        Err(Stop::Fault(error)) => Err(error.into()),
        Ok(_) | Err(_) => Err(JobError::Interrupted),
    }
}

/// What the answer says about the key itself, if anything; an answer to an old version says nothing (K10).
async fn record(app: &App, run: &PlacementRunRow, error: &ProviderError) -> Result<()> {
    let mut conn = app.db.read().await?;
    let key = store::provider_keys::find(&mut conn, &run.agency_id, &run.key_id).await?;
    drop(conn);
    match key.filter(|key| key.version.version == run.key_version) {
        Some(key) => record_health(app, &key, error).await,
        None => Ok(()),
    }
}

async fn wait(
    app: &App,
    run: &mut PlacementRunRow,
    at: Timestamp,
    reason: String,
    failures: i64,
) -> Result<Stop, Stop> {
    let mut next = run.clone();
    State::Waiting.as_str().clone_into(&mut next.state);
    next.failures_in_a_row = failures;
    next.waiting_until = Some(at);
    next.waiting_reason = Some(reason.clone());
    let tx = app.db.begin().await?;
    kept(ending::commit(app, tx, run, next).await?)?;
    Ok(Stop::Retry(JobError::Retry { at, reason }))
}
