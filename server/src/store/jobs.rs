//! The queue of background work. A claim is one statement, so that no job has two holders; a holder's lease runs out
//! when its process dies, and the job is claimed anew.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::JobId,
    store::{Conn, on},
};

/// A claimed job.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct JobRow {
    pub(crate) id: JobId,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) attempts: i64,
}

/// Queues work; false when the same work (`dedup_key`) is queued or running.
pub(crate) async fn insert(
    conn: &mut Conn,
    kind: &str,
    payload: &str,
    dedup_key: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO jobs (id, kind, payload, dedup_key, state, run_at, attempts, created_at) \
        VALUES ($1, $2, $3, $4, 'queued', $5, 0, $6) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(JobId::new())
        .bind(kind)
        .bind(payload)
        .bind(dedup_key)
        .bind(run_at)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Makes queued work due; work that is running or done stays as it is.
pub(crate) async fn hasten(conn: &mut Conn, dedup_key: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE jobs SET run_at = $2 WHERE dedup_key = $1 AND state = 'queued'";
    on!(conn, c => sqlx::query(SQL).bind(dedup_key).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Forgets queued work that nobody needs any more.
pub(crate) async fn cancel(conn: &mut Conn, dedup_key: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM jobs WHERE dedup_key = $1 AND state = 'queued'";
    on!(conn, c => sqlx::query(SQL).bind(dedup_key).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Claims the job that is due longest. `state = 'queued'` stands on the outer UPDATE too: without it PostgreSQL lets two
/// workers claim one job.
pub(crate) async fn claim(
    conn: &mut Conn,
    worker: &str,
    now: Timestamp,
    lock_until: Timestamp,
) -> Result<Option<JobRow>> {
    const SQL: &str = "UPDATE jobs SET state = 'running', locked_by = $1, lock_until = $3, attempts = attempts + 1 \
        WHERE state = 'queued' AND id = (SELECT id FROM jobs WHERE state = 'queued' AND run_at <= $2 \
        ORDER BY run_at, id LIMIT 1) RETURNING id, kind, payload, attempts";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(worker)
        .bind(now)
        .bind(lock_until)
        .fetch_optional(c)
        .await)?)
}

/// Keeps a lease alive; false when it was lost.
pub(crate) async fn extend(
    conn: &mut Conn,
    job: &JobId,
    worker: &str,
    lock_until: Timestamp,
) -> Result<bool> {
    const SQL: &str =
        "UPDATE jobs SET lock_until = $3 WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(job)
        .bind(worker)
        .bind(lock_until)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Ends a job: `done` or `failed`.
pub(crate) async fn finish(
    conn: &mut Conn,
    job: &JobId,
    worker: &str,
    state: &str,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE jobs SET state = $3, last_error = $4, finished_at = $5, locked_by = NULL, \
        lock_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    on!(conn, c => sqlx::query(SQL)
        .bind(job)
        .bind(worker)
        .bind(state)
        .bind(error)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Puts a job back, to be run again at `run_at`, as if it had been attempted so often.
pub(crate) async fn put_back(
    conn: &mut Conn,
    job: &JobId,
    worker: &str,
    run_at: Timestamp,
    attempts: i64,
    reason: Option<&str>,
) -> Result<()> {
    const SQL: &str = "UPDATE jobs SET state = 'queued', run_at = $3, attempts = $4, last_error = $5, \
        locked_by = NULL, lock_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    on!(conn, c => sqlx::query(SQL)
        .bind(job)
        .bind(worker)
        .bind(run_at)
        .bind(attempts)
        .bind(reason)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Puts back the jobs of holders that died, due at once: those whose lease ends by `lease_end`.
pub(crate) async fn release(conn: &mut Conn, lease_end: Timestamp, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE jobs SET state = 'queued', run_at = $2, locked_by = NULL, lock_until = NULL \
        WHERE state = 'running' AND lock_until <= $1";
    Ok(on!(conn, c => sqlx::query(SQL)
        .bind(lease_end)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?)
}

/// When the next queued job is due.
pub(crate) async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    const SQL: &str = "SELECT min(run_at) FROM jobs WHERE state = 'queued'";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// How many jobs are queued or running.
pub(crate) async fn count_live(conn: &mut Conn) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Forgets jobs that ended before `before`.
pub(crate) async fn delete_finished(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM jobs WHERE finished_at IS NOT NULL AND finished_at <= $1";
    Ok(on!(conn, c => sqlx::query(SQL).bind(before).execute(c).await.map(|r| r.rows_affected()))?)
}
