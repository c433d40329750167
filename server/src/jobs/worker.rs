//! The workers: claim a due job, run it with a heartbeat, write down how it ended. They wake when a job is queued, when
//! one falls due, and every five seconds in any case.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Job, JobError};
use crate::{
    alerts::{self, email::SendAlertJob},
    api_keys::reminder,
    app::App,
    calls::{
        import::{self, ImportCallsJob},
        look::LookJob,
        place,
    },
    clock::Timestamp,
    error::{Error, Result},
    health::check::CheckKeyJob,
    placing::run::PlacementJob,
    store::{self, Conn, jobs::JobRow},
    sync::{run::SyncJob, schedule},
    webhooks::deliver::DeliverJob,
};

/// Jobs at a time.
const WORKERS: usize = 4;
/// A holder that has not been heard of for this long is dead.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The safety net when a bell was missed.
const POLL: Duration = Duration::from_secs(5);
/// How often the housekeeping runs.
const HOUSEKEEPING: Duration = Duration::from_mins(1);
/// Ended jobs are kept this long, for whoever looks.
const KEEP_ENDED: Duration = Duration::from_hours(7 * 24);
/// The delivery log of webhooks reaches back this far.
const KEEP_DELIVERIES: Duration = Duration::from_hours(30 * 24);
/// What became of agents that were placed is kept this long behind the end of their run, and an alert behind the end of its
/// trouble, and an API key behind its own.
const KEEP_HISTORY: Duration = Duration::from_hours(90 * 24);
/// A fault of ours is tried again this often before a job is given up.
const MAX_FAULTS: i64 = 5;

/// Starts the workers and the housekeeping.
pub async fn start(app: &App) -> Result<()> {
    let worker_id = uuid::Uuid::now_v7().to_string();
    if app.db.is_sqlite() {
        // One process owns the file: whoever held a lease before is dead.
        let mut tx = app.db.begin().await?;
        let now = app.clock.now();
        let released = store::jobs::release(&mut tx, now.plus(LEASE), now).await?;
        tx.commit().await?;
        if released > 0 {
            tracing::info!(jobs = released, "jobs of the process before go on");
        }
    }
    for number in 0..WORKERS {
        let worker = app.clone();
        let id = format!("{worker_id}/{number}");
        app.spawn(async move { work(&worker, &id).await });
    }
    let keeper = app.clone();
    app.spawn(async move { keep_house(&keeper).await });
    Ok(())
}

async fn work(app: &App, worker: &str) {
    while !app.shutdown.is_cancelled() {
        let bell = app.job_bell.notified();
        match run_next(app, worker).await {
            Ok(true) => {}
            Ok(false) => {
                let wait = until_next(app).await.unwrap_or(POLL);
                tokio::select! {
                    () = bell => {}
                    () = tokio::time::sleep(wait) => {}
                    () = app.shutdown.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(error = ?error, "the job queue cannot be read");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

async fn until_next(app: &App) -> Result<Duration> {
    let mut conn = app.db.read().await?;
    let due = store::jobs::next_due(&mut conn).await?;
    let wait = due.map_or(POLL, |due| app.clock.now().until(due));
    Ok(wait.clamp(Duration::from_millis(20), POLL))
}

/// Runs the next due job; false when there is none.
async fn run_next(app: &App, worker: &str) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let claimed = store::jobs::claim(&mut tx, worker, now, now.plus(LEASE)).await?;
    tx.commit().await?;
    let Some(job) = claimed else { return Ok(false) };
    let span = tracing::info_span!("job", job.id = %job.id, job.kind = %job.kind);
    let outcome = run_with_heartbeat(app, worker, &job)
        .instrument(span.clone())
        .await;
    end(app, worker, &job, outcome).instrument(span).await?;
    Ok(true)
}

/// Writes down how a run of a job ended.
async fn end(app: &App, worker: &str, job: &JobRow, outcome: Result<(), JobError>) -> Result<()> {
    let now = app.clock.now();
    let (state, reason) = match outcome {
        Ok(()) => ("done", None),
        Err(JobError::Retry { at, reason }) => {
            // The job has said itself that it waits: its faults before are forgotten.
            return put_back(app, worker, job, at, 0, Some(&reason)).await;
        }
        Err(JobError::Interrupted) => {
            return put_back(app, worker, job, now, 0, None).await;
        }
        Err(JobError::Fail(error)) => {
            tracing::error!(error = ?error, "a job failed");
            let wait = Duration::from_secs(1 << job.attempts.clamp(0, 6));
            let is_fault = matches!(error, Error::Internal(_) | Error::Busy(_));
            if is_fault && job.attempts < MAX_FAULTS {
                return put_back(
                    app,
                    worker,
                    job,
                    now.plus(wait),
                    job.attempts,
                    Some("internal"),
                )
                .await;
            }
            if !is_held(app, worker, job).await? {
                // Another worker has it, and knows better.
                return Ok(());
            }
            if let Err(error) = give_up(app, job, &error).await {
                tracing::error!(error = ?error, "a job could not be given up and is tried again");
                let attempts = job.attempts;
                return put_back(app, worker, job, now.plus(wait), attempts, Some("internal"))
                    .await;
            }
            ("failed", Some(error.code().as_str()))
        }
    };
    let mut tx = app.db.begin().await?;
    store::jobs::finish(&mut tx, &job.id, worker, state, reason, now).await?;
    tx.commit().await
}

/// Whether the lease is still this worker's; it is extended with the question.
async fn is_held(app: &App, worker: &str, job: &JobRow) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let lock_until = app.clock.now().plus(LEASE);
    let is_kept = store::jobs::extend(&mut tx, &job.id, worker, lock_until).await?;
    tx.commit().await?;
    Ok(is_kept)
}

async fn put_back(
    app: &App,
    worker: &str,
    job: &JobRow,
    at: Timestamp,
    attempts: i64,
    reason: Option<&str>,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    store::jobs::put_back(&mut tx, &job.id, worker, at, attempts, reason).await?;
    tx.commit().await
}

async fn run_with_heartbeat(app: &App, worker: &str, job: &JobRow) -> Result<(), JobError> {
    let stop = app.shutdown.child_token();
    keep_alive(run_kind(app, job, &stop), &stop, HEARTBEAT, || async {
        match is_held(app, worker, job).await {
            Ok(is_kept) => is_kept,
            Err(error) => {
                // The lease outlives two missed beats; the next one may get through.
                tracing::error!(error = ?error, "a lease could not be extended");
                true
            }
        }
    })
    .await
}

/// Runs `work` with a beat each `period`. The two are polled side by side: the work may stand in a transaction while the
/// beat waits for the one connection that writes, so a beat that held the work up would wait for itself. A beat that
/// answers false tells the work to stop. Neither is ever dropped half-way, because its transaction may not be.
async fn keep_alive<Beat: Future<Output = bool>>(
    work: impl Future<Output = Result<(), JobError>>,
    stop: &CancellationToken,
    period: Duration,
    mut beat: impl FnMut() -> Beat,
) -> Result<(), JobError> {
    let ended = CancellationToken::new();
    let beats = async {
        let mut tick = interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                _ = tick.tick() => {}
            }
            if !beat().await {
                tracing::warn!("the lease was lost; another worker goes on");
                stop.cancel();
                return;
            }
        }
    };
    let work = async {
        let outcome = work.await;
        ended.cancel();
        outcome
    };
    tokio::join!(work, beats).0
}

/// Runs the job; a panic is a fault like any other, and costs no worker.
async fn run_kind(app: &App, job: &JobRow, stop: &CancellationToken) -> Result<(), JobError> {
    let work = async {
        match job.kind.as_str() {
            SyncJob::KIND => parse::<SyncJob>(job)?.run(app, stop).await,
            CheckKeyJob::KIND => parse::<CheckKeyJob>(job)?.run(app, stop).await,
            DeliverJob::KIND => parse::<DeliverJob>(job)?.run(app, stop).await,
            SendAlertJob::KIND => parse::<SendAlertJob>(job)?.run(app, stop).await,
            PlacementJob::KIND => parse::<PlacementJob>(job)?.run(app, stop).await,
            LookJob::KIND => parse::<LookJob>(job)?.run(app, stop).await,
            ImportCallsJob::KIND => parse::<ImportCallsJob>(job)?.run(app, stop).await,
            other => Err(unknown_kind(other).into()),
        }
    };
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Error::internal("the job panicked").into()))
}

/// Lets the job's own record say that nothing more comes of it.
async fn give_up(app: &App, job: &JobRow, error: &Error) -> Result<()> {
    match job.kind.as_str() {
        SyncJob::KIND => give_up_as::<SyncJob>(app, job, error).await,
        CheckKeyJob::KIND => give_up_as::<CheckKeyJob>(app, job, error).await,
        DeliverJob::KIND => give_up_as::<DeliverJob>(app, job, error).await,
        SendAlertJob::KIND => give_up_as::<SendAlertJob>(app, job, error).await,
        LookJob::KIND => give_up_as::<LookJob>(app, job, error).await,
        ImportCallsJob::KIND => give_up_as::<ImportCallsJob>(app, job, error).await,
        PlacementJob::KIND => give_up_as::<PlacementJob>(app, job, error).await,
        _ => Ok(()),
    }
}

async fn give_up_as<J: Job>(app: &App, job: &JobRow, error: &Error) -> Result<()> {
    match serde_json::from_str::<J>(&job.payload) {
        Ok(work) => work.give_up(app, error).await,
        // Whose record it would be, nobody can tell.
        Err(_) => Ok(()),
    }
}

fn unknown_kind(kind: &str) -> Error {
    Error::internal(format!("unknown job kind {kind:?}"))
}

fn parse<J: Job>(job: &JobRow) -> Result<J, JobError> {
    serde_json::from_str(&job.payload).map_err(|error| JobError::Fail(error.into()))
}

async fn keep_house(app: &App) {
    let mut tick = interval(HOUSEKEEPING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                if let Err(error) = tidy(app).await {
                    tracing::error!(error = ?error, "the housekeeping failed and is tried again in a minute");
                }
            }
            () = app.shutdown.cancelled() => return,
        }
    }
}

/// Puts back the jobs of holders that have not been heard of for a lease: another replica's that died, or our own.
async fn release(app: &App) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let released = store::jobs::release(&mut tx, now, now).await?;
    tx.commit().await?;
    if released > 0 {
        tracing::warn!(jobs = released, "jobs of a worker that is gone go on");
        app.job_bell.notify_waiters();
    }
    Ok(())
}

/// Frees leases of the dead, shreds retired keys whose grace is over, forgets what is old, reminds of old API keys, starts due syncs and walks of lists of calls. The
/// housekeeping does it each minute.
pub async fn tidy(app: &App) -> Result<()> {
    release(app).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    forget(&mut tx, now).await?;
    let shredded = store::provider_keys::shred_due(&mut tx, now).await?;
    if shredded > 0 {
        let entry = crate::audit::Entry {
            agency: None,
            actor: crate::audit::Actor::System,
            action: crate::audit::Action::KeysShredded,
            subject: "provider_key_versions",
            provider: None,
            summary: format!("{shredded} retired key versions were destroyed after their grace."),
        };
        app.audit.append(&mut tx, entry, now).await?;
    }
    tx.commit().await?;
    if shredded > 0 {
        app.db.flush_shredded().await;
    } else {
        app.db.flush_if_due().await;
    }
    reminder::update(app).await?;
    schedule::enqueue_due(app).await?;
    import::enqueue_due(app).await
}

/// Deletes what is older than it is kept, in all agencies.
async fn forget(conn: &mut Conn, now: Timestamp) -> Result<()> {
    store::jobs::delete_finished(conn, now.minus(KEEP_ENDED)).await?;
    store::sessions::delete_expired(conn, now).await?;
    store::portal_users::delete_expired_links(conn, now).await?;
    store::webhook_deliveries::delete_old(conn, now.minus(KEEP_DELIVERIES)).await?;
    store::alerts::delete_old(conn, now.minus(KEEP_HISTORY)).await?;
    store::api_keys::delete_old(conn, now.minus(KEEP_HISTORY)).await?;
    alerts::resolve_of_forgotten_api_keys(conn, now).await?;
    store::idempotent_requests::delete_old(conn, now.minus(place::KEEP_REQUESTS)).await?;
    store::calls::delete_old_events(conn, now.minus(KEEP_DELIVERIES)).await?;
    store::placement_runs::delete_old(conn, now.minus(KEEP_HISTORY)).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::{sync::Mutex, time::sleep};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    /// S5: work that holds the writing connection at the time of a beat goes on, and the beat comes after it.
    #[tokio::test(start_paused = true)]
    async fn a_beat_never_holds_up_the_work_that_it_keeps_alive() {
        let connection = Mutex::new(());
        let beats = AtomicU32::new(0);
        let work = async {
            let held = connection.lock().await;
            sleep(PERIOD * 2).await;
            drop(held);
            sleep(PERIOD * 2).await;
            Ok(())
        };
        let beat = || async {
            let _held = connection.lock().await;
            beats.fetch_add(1, Ordering::SeqCst);
            true
        };
        let stop = CancellationToken::new();
        let ended = tokio::time::timeout(PERIOD * 5, keep_alive(work, &stop, PERIOD, beat)).await;
        assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
        assert!(beats.load(Ordering::SeqCst) >= 2);
    }

    /// S5: a lost lease tells the work to stop, which ends when it stands nowhere half-way.
    #[tokio::test(start_paused = true)]
    async fn a_lost_lease_tells_the_work_to_stop() {
        let stop = CancellationToken::new();
        let work = async {
            stop.cancelled().await;
            Err(JobError::Interrupted)
        };
        let ended = keep_alive(work, &stop, PERIOD, || async { false }).await;
        assert!(matches!(ended, Err(JobError::Interrupted)));
    }
}
