//! Durable background work: a table of jobs, claimed one at a time under a lease that a heartbeat keeps alive. A job is
//! idempotent and resumes from what it wrote itself; its payload holds ids and versions, never a key (S5). Where an error
//! arises, the job says whether to try again and when.

mod worker;

pub use worker::{start, tidy};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    store::{self, Conn},
};

/// How a run of a job ended, when not done.
#[derive(Debug)]
pub(crate) enum JobError {
    /// Run it again at this time.
    Retry { at: Timestamp, reason: String },
    /// The server is stopping: run it again as soon as there is one.
    Interrupted,
    /// Give up; the job's own record says why.
    Fail(Error),
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// A kind of work.
#[async_trait]
pub(crate) trait Job: Serialize + DeserializeOwned + Send + Sync {
    /// Names the kind in the table.
    const KIND: &'static str;

    /// Two jobs of one key are never queued or running at once.
    fn dedup_key(&self) -> String;

    /// Does the work, or goes on with it. It ends with [`JobError::Interrupted`] soon after `stop` is cancelled: the server
    /// stops, or the lease was lost.
    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError>;

    /// Writes into the job's own record that it ended with `error`: whoever waits for it must not wait for ever.
    async fn give_up(&self, app: &App, error: &Error) -> Result<()>;
}

/// Queues a job in the caller's transaction; false when the same work is queued or running.
pub(crate) async fn enqueue<J: Job>(conn: &mut Conn, job: &J, now: Timestamp) -> Result<bool> {
    enqueue_at(conn, job, now, now).await
}

/// The same, to be run at `at`: what the caller does itself, unless its process dies.
pub(crate) async fn enqueue_at<J: Job>(
    conn: &mut Conn,
    job: &J,
    at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let payload = serde_json::to_string(job)?;
    store::jobs::insert(conn, J::KIND, &payload, &dedup_key(job), at, now).await
}

/// Makes a queued job due. The caller rings `job_bell` once it has committed.
pub(crate) async fn hasten<J: Job>(conn: &mut Conn, job: &J, now: Timestamp) -> Result<()> {
    store::jobs::hasten(conn, &dedup_key(job), now).await
}

/// Forgets a queued job, because its work is done; one that has begun finds that out by itself.
pub(crate) async fn cancel<J: Job>(conn: &mut Conn, job: &J) -> Result<()> {
    store::jobs::cancel(conn, &dedup_key(job)).await
}

fn dedup_key<J: Job>(job: &J) -> String {
    format!("{}:{}", J::KIND, job.dedup_key())
}
