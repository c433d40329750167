//! The sync job: reads page after page until the account is imported. Each page is written with the checkpoint; a
//! provider that asks to wait is waited for (S4), and how long and why stands in the run. A failed sync never touches the
//! key's validity (S5), except that a definite answer about the key becomes its health.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    alerts::{self, Cause, Kind},
    app::App,
    calls,
    error::{Code, Error, Result, provider_code},
    health::answer::{record_health, set_health},
    id::{AgencyId, SyncRunId},
    jobs::{Job, JobError},
    keys::{self, Health},
    providers::{
        Capability, Page, ProviderError, ProviderKind, RemoteAgent, RemoteVoice, Target,
        Unavailable, VoiceProvider,
    },
    store::{self, Conn, provider_keys::KeyRow, sync_runs::SyncRunRow},
    sync::{
        Phase, State, Trigger, agents, details, events,
        missing::{self, Missing},
        numbers, pages,
    },
    webhooks::{self, Event},
};

/// One page answers within this time.
const PAGE_TIME: Duration = Duration::from_mins(1);
/// A single read answers within this time.
pub(super) const READ_TIME: Duration = Duration::from_secs(30);
/// After so many failures in a row of single reads it is asked whether the provider or the agent is in trouble.
pub(super) const PATIENCE: i64 = 3;
/// A page that fails this often in a row ends the run.
const MAX_FAILURES: i64 = 8;
/// A page that makes no sense this often in a row ends the run.
const MAX_MALFORMED: i64 = 3;
/// First wait after a failure; it doubles with each in a row.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A `Retry-After` is honoured up to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct SyncJob {
    pub(crate) agency: AgencyId,
    pub(crate) run: SyncRunId,
}

/// How a step of the run ended, when it did not simply succeed.
pub(crate) enum Stop {
    /// The run's row says the rest.
    Ended,
    Retry(JobError),
    Fault(Error),
    Provider(ProviderError),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

#[async_trait]
impl Job for SyncJob {
    const KIND: &'static str = "sync";

    fn dedup_key(&self) -> String {
        self.run.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let mut conn = app.db.read().await?;
        let Some(mut run) = store::sync_runs::find(&mut conn, &self.agency, &self.run).await?
        else {
            return Ok(());
        };
        let key = store::provider_keys::find(&mut conn, &self.agency, &run.key_id).await?;
        drop(conn);
        if run.finished_at.is_some() || State::parse(&run.state) == Some(State::NeedsConfirmation) {
            return Ok(());
        }
        let Some(key) = key.filter(|key| key.version.version == run.key_version) else {
            let message = "The key that this sync began with is not in use any more.";
            return fail(app, &mut run, Code::Conflict, message).await;
        };
        let secret = match keys::open(app, &key) {
            Ok(secret) => secret,
            Err(Error::KeyUnreadable) => {
                let message = Error::KeyUnreadable.to_string();
                return fail(app, &mut run, Code::KeyUnreadable, &message).await;
            }
            Err(error) => return Err(error.into()),
        };
        match import(app, &mut run, &key, &secret, stop).await {
            Ok(()) => Ok(()),
            Err(Stop::Ended) => self.leave(app).await,
            Err(Stop::Retry(retry)) => Err(retry),
            Err(Stop::Fault(error)) => Err(error.into()),
            Err(Stop::Provider(error)) => after_provider_error(app, &mut run, &key, error).await,
        }
    }

    /// A run that nobody works on any more must end, or every later sync of the account would join it.
    async fn give_up(&self, app: &App, error: &Error) -> Result<()> {
        let mut conn = app.db.read().await?;
        let run = store::sync_runs::find(&mut conn, &self.agency, &self.run).await?;
        drop(conn);
        match run {
            Some(mut run) if run.finished_at.is_none() => {
                let message =
                    "Something went wrong. What was read so far is kept; sync again later.";
                match fail(app, &mut run, error.code(), message).await {
                    Err(JobError::Fail(error)) => Err(error),
                    // Another worker has it.
                    Ok(()) | Err(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl SyncJob {
    /// Where nothing more is to do the run's row says so; else another worker has written it, and who holds the job now
    /// reads it again.
    async fn leave(&self, app: &App) -> Result<(), JobError> {
        let mut conn = app.db.read().await?;
        let run = store::sync_runs::find(&mut conn, &self.agency, &self.run).await?;
        let is_over = run.is_none_or(|run| {
            run.finished_at.is_some() || State::parse(&run.state) == Some(State::NeedsConfirmation)
        });
        if is_over {
            Ok(())
        } else {
            Err(JobError::Interrupted)
        }
    }
}

async fn import(
    app: &App,
    run: &mut SyncRunRow,
    key: &KeyRow,
    secret: &SecretString,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    let provider = keys::provider_of(&run.provider)?;
    let client = keys::client(provider)?;
    let base_url = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
    begin(app, run).await?;
    loop {
        if stop.is_cancelled() {
            return Err(Stop::Retry(JobError::Interrupted));
        }
        let target = keys::target(app, base_url, secret, PAGE_TIME);
        let phase = run
            .phase
            .as_deref()
            .and_then(Phase::parse)
            .unwrap_or(Phase::Agents);
        let goes_on = match phase {
            Phase::Agents => list_agents(app, run, key, (client, &target), stop).await?,
            Phase::PhoneNumbers => list_numbers(app, run, (client, &target), stop).await?,
            Phase::AgentDetails => details::step(app, run, client, &target, stop).await?,
            Phase::Voices => {
                let page = list_voices(run, client, &target, stop).await?;
                let goes_on = pages::write_voices(app, run, page).await?;
                if run.finished_at.is_some() {
                    succeed(app, run, key).await?;
                }
                goes_on && run.finished_at.is_none()
            }
            Phase::MissingAgents => match missing::step(app, run, client, &target, stop).await? {
                Missing::More => true,
                Missing::Ended | Missing::NeedsConfirmation => false,
                Missing::Done => {
                    let mut next = run.clone();
                    pages::enter(&mut next, Phase::Voices);
                    let tx = app.db.begin().await?;
                    pages::commit(app, tx, run, next).await?
                }
            },
        };
        if !goes_on {
            return Err(Stop::Ended);
        }
    }
}

/// The provider's answer, unless the work is to stop meanwhile: a provider that hangs does not keep the server up.
pub(crate) async fn answer<T>(
    stop: &CancellationToken,
    request: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, Stop> {
    tokio::select! {
        answer = request => answer.map_err(Stop::Provider),
        () = stop.cancelled() => Err(Stop::Retry(JobError::Interrupted)),
    }
}

async fn begin(app: &App, run: &mut SyncRunRow) -> Result<()> {
    let mut next = run.clone();
    State::Running.as_str().clone_into(&mut next.state);
    next.waiting_until = None;
    next.waiting_reason = None;
    if next.started_at.is_none() {
        next.started_at = Some(app.clock.now());
        pages::enter(&mut next, Phase::Agents);
    }
    let tx = app.db.begin().await?;
    pages::commit(app, tx, run, next).await?;
    Ok(())
}

/// A key that was saved knowing that it lists numbers and no agents imports its numbers; nothing is marked then. One that
/// could list agents and cannot any more fails the sync.
async fn list_agents(
    app: &App,
    run: &mut SyncRunRow,
    key: &KeyRow,
    (client, target): (&dyn VoiceProvider, &Target<'_>),
    stop: &CancellationToken,
) -> Result<bool, Stop> {
    match answer(stop, client.list_agents(target, run.page_cursor.as_deref())).await {
        Ok(page) => walk_agents(app, run, (client, target), page, stop).await,
        Err(Stop::Provider(ProviderError::MissingPermission { .. }))
            if !keys::can(key, Capability::ListAgents)
                && keys::can(key, Capability::ListNumbers) =>
        {
            let mut next = run.clone();
            next.is_list_complete = false;
            pages::enter(&mut next, Phase::PhoneNumbers);
            let tx = app.db.begin().await?;
            Ok(pages::commit(app, tx, run, next).await?)
        }
        Err(stop) => Err(stop),
    }
}

/// Writes page after page while the next one is under way, so that the provider and the database do not wait for each
/// other. The transaction never waits for the request, and at most two pages are in memory (S7).
async fn walk_agents(
    app: &App,
    run: &mut SyncRunRow,
    (client, target): (&dyn VoiceProvider, &Target<'_>),
    mut page: Page<RemoteAgent>,
    stop: &CancellationToken,
) -> Result<bool, Stop> {
    loop {
        let cursor = page.next.clone();
        let following = async {
            let cursor = cursor.as_deref()?;
            let target = Target {
                deadline: Instant::now() + PAGE_TIME,
                ..*target
            };
            Some(answer(stop, client.list_agents(&target, Some(cursor))).await)
        };
        let (written, following) = tokio::join!(agents::write_page(app, run, &page), following);
        match following {
            _ if !written? => return Ok(false),
            None => return Ok(true),
            Some(following) => page = following?,
        }
    }
}

/// A key that may not list numbers is no failed sync: its agents are here, and its card says what it lacks. A refusal of the
/// key itself counts only when the key cannot list agents either, as in a validation.
async fn list_numbers(
    app: &App,
    run: &mut SyncRunRow,
    (client, target): (&dyn VoiceProvider, &Target<'_>),
    stop: &CancellationToken,
) -> Result<bool, Stop> {
    let listed = answer(
        stop,
        client.list_numbers(target, run.page_cursor.as_deref()),
    );
    match listed.await {
        Ok(page) => return Ok(numbers::write_page(app, run, &page).await?),
        Err(Stop::Provider(error)) => refused_by_itself(client, target, error, stop).await?,
        Err(stop) => return Err(stop),
    }
    let mut next = run.clone();
    pages::enter(&mut next, Phase::AgentDetails);
    let tx = app.db.begin().await?;
    Ok(pages::commit(app, tx, run, next).await?)
}

/// The voices; those that the agents use where the key may not list them.
async fn list_voices(
    run: &SyncRunRow,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    stop: &CancellationToken,
) -> Result<Option<Page<RemoteVoice>>, Stop> {
    match answer(stop, client.list_voices(target, run.page_cursor.as_deref())).await {
        Err(Stop::Provider(error)) => {
            refused_by_itself(client, target, error, stop).await?;
            Ok(None)
        }
        listed => listed,
    }
}

/// Whether it is only this part of the account that the key may not use: so says a missing permission, or a refusal while
/// the agents' list answers. Every other error stays what it is.
pub(super) async fn refused_by_itself(
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    error: ProviderError,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    match error {
        ProviderError::MissingPermission { .. } => Ok(()),
        ProviderError::InvalidKey { .. } => list_again(client, target, stop).await,
        error => Err(Stop::Provider(error)),
    }
}

/// Asks for the first agents once more, to see whether provider and key work.
pub(super) async fn list_again(
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    let target = Target {
        deadline: Instant::now() + READ_TIME,
        ..*target
    };
    answer(stop, client.list_agents(&target, None))
        .await
        .map(|_| ())
}

/// What follows from an import that went through: a key that lists what it should is no invalid one, whatever an answer
/// before said. Only a check can tell that an account has funds again.
async fn succeed(app: &App, run: &SyncRunRow, key: &KeyRow) -> Result<()> {
    tracing::info!(
        provider.kind = run.provider,
        agents = run.agent_count,
        numbers = run.phone_number_count,
        "a sync has ended"
    );
    let mut tx = app.db.begin().await?;
    let (agency, now) = (&key.agency_id, app.clock.now());
    alerts::resolve(&mut tx, agency, Kind::SyncFailed, key.id.as_str(), now).await?;
    if Trigger::parse(&run.trigger_kind) == Some(Trigger::Manual) {
        // Behind the agents, to which its calls are attributed.
        calls::import::enqueue(&mut tx, agency, &run.account_id, now).await?;
    }
    tx.commit().await?;
    app.job_bell.notify_waiters();
    let mut conn = app.db.read().await?;
    let is_doubted = store::health::is_doubted(&mut conn, agency, &key.id).await?;
    drop(conn);
    let has_no_funds = key.health == Health::NoFunds.as_str();
    if !is_doubted || has_no_funds || run.agent_count + run.phone_number_count == 0 {
        return Ok(());
    }
    let health = if keys::lacks_any(key) {
        Health::Limited
    } else {
        Health::Valid
    };
    set_health(app, key, health, None).await
}

/// Ends the run with an error. A run that was written by somebody else meanwhile is looked at again: it may be over, or
/// another worker's.
async fn fail(app: &App, run: &mut SyncRunRow, code: Code, message: &str) -> Result<(), JobError> {
    let mut next = run.clone();
    State::Failed.as_str().clone_into(&mut next.state);
    next.waiting_until = None;
    next.waiting_reason = None;
    next.error_code = Some(code.as_str().to_owned());
    next.error_message = Some(message.to_owned());
    next.finished_at = Some(app.clock.now());
    let mut tx = app.db.begin().await?;
    tell(&mut tx, app, &next, code).await?;
    if !pages::commit(app, tx, run, next).await? {
        return Err(JobError::Interrupted);
    }
    app.job_bell.notify_waiters();
    tracing::warn!(
        provider.kind = run.provider,
        code = code.as_str(),
        "a sync has failed"
    );
    Ok(())
}

/// Tells whoever listens that a run has failed. A run whose key was replaced or cleared is none: another one follows, or none
/// is to. What the key's own alert says already is not said twice.
async fn tell(conn: &mut Conn, app: &App, run: &SyncRunRow, code: Code) -> Result<()> {
    let key = store::provider_keys::find(conn, &run.agency_id, &run.key_id).await?;
    let Some(key) = key.filter(|key| key.version.version == run.key_version) else {
        return Ok(());
    };
    if !matches!(code, Code::KeyRejected | Code::NoFunds) {
        let message = run.error_message.as_deref().unwrap_or_default();
        let cause = Cause::SyncFailed { key: &key, message };
        alerts::raise(conn, app, &cause).await?;
    }
    let event = Event::SyncFailed { key: &key, run };
    webhooks::emit(conn, app, &run.agency_id, &event).await
}

/// Decides, where the error arose, whether the run waits or ends (S4).
async fn after_provider_error(
    app: &App,
    run: &mut SyncRunRow,
    key: &KeyRow,
    error: ProviderError,
) -> Result<(), JobError> {
    let provider = keys::provider_of(&run.provider)?;
    record_health(app, key, &error).await?;
    let failures = run.failures_in_a_row + 1;
    let tries = match &error {
        ProviderError::RateLimited { .. } | ProviderError::Unavailable { .. } => MAX_FAILURES,
        ProviderError::Malformed { .. } => MAX_MALFORMED,
        _ => 1,
    };
    if failures >= tries {
        let message = failure_message(provider, &error, tries > 1);
        return fail(app, run, provider_code(&error), &message).await;
    }
    let wait = wait_for(&error, failures);
    let at = app.clock.now().plus(wait);
    let reason = waiting_reason(provider, &error);
    let mut next = run.clone();
    State::Waiting.as_str().clone_into(&mut next.state);
    next.failures_in_a_row = failures;
    next.waiting_until = Some(at);
    next.waiting_reason = Some(reason.clone());
    let tx = app.db.begin().await?;
    if !pages::commit(app, tx, run, next).await? {
        return Err(JobError::Interrupted);
    }
    events::publish(app, &run.id);
    Err(JobError::Retry { at, reason })
}

/// The wait before the next try: what the provider asked for, else doubling with each failure.
pub(crate) fn wait_for(error: &ProviderError, failures: i64) -> Duration {
    if let ProviderError::RateLimited {
        after: Some(after), ..
    } = error
    {
        return (*after).min(LONGEST_RETRY_AFTER);
    }
    let doublings = u32::try_from((failures - 1).clamp(0, 10)).unwrap_or(0);
    (FIRST_WAIT * 2u32.pow(doublings)).min(LONGEST_WAIT)
}

pub(crate) fn waiting_reason(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    match error {
        ProviderError::RateLimited { .. } => format!("Waiting for {name}'s rate limit"),
        ProviderError::Unavailable {
            reason: Unavailable::Status(status),
            ..
        } => {
            format!("{name} has a problem of its own (status {status})")
        }
        ProviderError::Unavailable {
            reason: Unavailable::Timeout,
            ..
        } => format!("{name} did not answer in time"),
        ProviderError::Unavailable { .. } => format!("{name} could not be reached"),
        _ => format!("{name} answered in a way that makes no sense"),
    }
}

fn failure_message(provider: ProviderKind, error: &ProviderError, has_waited: bool) -> String {
    let name = provider.display_name();
    match error {
        ProviderError::InvalidKey { .. } => {
            format!(
                "{name} refused the stored key. Nothing was changed; replace the key, and the sync starts anew."
            )
        }
        ProviderError::MissingPermission { .. } => {
            format!(
                "The key may not list the agents at {name}. Give it that permission, or replace it."
            )
        }
        ProviderError::NoFunds { .. } => {
            format!("The {name} account is out of funds. Top it up, then sync again.")
        }
        other => {
            let tries = if has_waited {
                " after several tries"
            } else {
                ""
            };
            format!(
                "{}{tries}. What was read so far is kept; sync again later.",
                waiting_reason(provider, other)
            )
        }
    }
}

/// What to check when a sync ended and found nothing (S2).
pub(crate) fn hint(run: &SyncRunRow, provider: ProviderKind) -> Option<String> {
    (State::parse(&run.state) == Some(State::Succeeded) && run.agent_count == 0).then(|| {
        let name = provider.display_name();
        let what = if run.phone_number_count == 0 {
            "agents and no numbers"
        } else {
            "agents"
        };
        format!(
            "No {what} were found. Check that the key belongs to the right {name} organisation, that it may see all \
             agents, and that there are agents in it."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4: `Retry-After` is honoured; without it the wait doubles up to a minute.
    #[test]
    fn a_wait_follows_the_provider_or_doubles() {
        let limited = |after| ProviderError::RateLimited {
            after,
            message: None,
        };
        assert_eq!(
            wait_for(&limited(Some(Duration::from_secs(24))), 5),
            Duration::from_secs(24)
        );
        assert_eq!(
            wait_for(&limited(Some(Duration::from_secs(86_400))), 1),
            Duration::from_secs(3600)
        );
        let waits: Vec<u64> = (1..=8)
            .map(|n| wait_for(&limited(None), n).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
