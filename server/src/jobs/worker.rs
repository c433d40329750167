//! The workers: claim a due job, run it with a heartbeat, write down how it ended. They wake when a job is queued, when
//! one falls due, and every five seconds in any case.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::Instrument;

use super::{Job, JobError};
use crate::{
    app::App,
    error::{Error, Result},
    store::{self, jobs::JobRow},
    sync::{run::SyncJob, schedule},
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
/// A fault of ours is tried again this often before a job is given up.
const MAX_FAULTS: i64 = 5;

/// Starts the workers and the housekeeping.
pub async fn start(app: &App) -> Result<()> {
    let worker_id = uuid::Uuid::now_v7().to_string();
    if app.db.is_sqlite() {
        // One process owns the file: whoever held a lease before is dead.
        let mut tx = app.db.begin().await?;
        let end_of_leases = app.clock.now().plus(LEASE);
        let released = store::jobs::release_expired(&mut tx, end_of_leases).await?;
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
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(()) => store::jobs::finish(&mut tx, &job.id, worker, "done", None, now).await?,
        Err(JobError::Retry { at, reason }) => {
            store::jobs::put_back(&mut tx, &job.id, worker, at, Some(&reason)).await?;
        }
        Err(JobError::Interrupted) => {
            store::jobs::put_back(&mut tx, &job.id, worker, now, None).await?;
        }
        Err(JobError::Fail(error)) => {
            span.in_scope(|| tracing::error!(error = ?error, "a job failed"));
            if job.attempts < MAX_FAULTS && matches!(error, Error::Internal(_)) {
                let at = now.plus(Duration::from_secs(1 << job.attempts.clamp(0, 6)));
                store::jobs::put_back(&mut tx, &job.id, worker, at, Some("internal")).await?;
            } else {
                store::jobs::finish(
                    &mut tx,
                    &job.id,
                    worker,
                    "failed",
                    Some(error.code().as_str()),
                    now,
                )
                .await?;
            }
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn run_with_heartbeat(app: &App, worker: &str, job: &JobRow) -> Result<(), JobError> {
    let work = run_kind(app, job);
    tokio::pin!(work);
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.tick().await;
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            _ = beat.tick() => {
                let lock_until = app.clock.now().plus(LEASE);
                let kept = async {
                    let mut tx = app.db.begin().await?;
                    let kept = store::jobs::extend(&mut tx, &job.id, worker, lock_until).await?;
                    tx.commit().await?;
                    Ok::<_, Error>(kept)
                };
                if !kept.await? {
                    tracing::warn!("the lease was lost; another worker goes on");
                    return Err(JobError::Interrupted);
                }
            }
        }
    }
}

async fn run_kind(app: &App, job: &JobRow) -> Result<(), JobError> {
    match job.kind.as_str() {
        SyncJob::KIND => parse::<SyncJob>(job)?.run(app).await,
        other => Err(JobError::Fail(Error::internal(format!(
            "unknown job kind {other:?}"
        )))),
    }
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

/// Frees leases of the dead, shreds retired keys whose grace is over, forgets old sessions and jobs, starts due syncs.
pub(crate) async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::jobs::release_expired(&mut tx, now).await?;
    store::jobs::delete_finished(&mut tx, now.minus(KEEP_ENDED)).await?;
    store::sessions::delete_expired(&mut tx, now).await?;
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
    schedule::enqueue_due(app).await
}
