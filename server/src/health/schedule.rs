//! Which keys are due for a check, and who looks: a good key after the interval, spread by its own last check; a refused one
//! soon, to confirm; one whose breaker is open as its probe. A key has one check at a time, because a job has one dedup key.

use std::time::Duration;

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    health::check::CheckKeyJob,
    jobs,
    store::{self, provider_keys::DueRow},
};

/// At least this often it is looked whether a check is due.
const LOOK: Duration = Duration::from_secs(5);

/// Looks for due checks until the server stops.
pub fn watch(app: &App) {
    let watcher = app.clone();
    app.spawn(async move {
        while !watcher.shutdown.is_cancelled() {
            if let Err(error) = enqueue_due(&watcher).await {
                tracing::error!(error = ?error, "due key checks could not be queued");
            }
            tokio::select! {
                () = tokio::time::sleep(until_next(&watcher).await) => {}
                () = watcher.shutdown.cancelled() => {}
            }
        }
    });
}

async fn until_next(app: &App) -> Duration {
    let next: Result<Option<Timestamp>> = async {
        let mut conn = app.db.read().await?;
        store::health::next_due(&mut conn).await
    }
    .await;
    match next {
        Ok(Some(at)) => app
            .clock
            .now()
            .until(at)
            .clamp(Duration::from_millis(500), LOOK),
        _ => LOOK,
    }
}

/// Queues a check of each key that is due.
pub async fn enqueue_due(app: &App) -> Result<()> {
    let now = app.clock.now();
    let before = app
        .config
        .health_check_interval
        .map(|interval| now.minus(interval));
    let mut conn = app.db.read().await?;
    let due = store::health::list_due(&mut conn, now, before).await?;
    drop(conn);
    if due.is_empty() {
        return Ok(());
    }
    for row in due {
        // Trouble with one key keeps no other from its turn.
        if let Err(error) = enqueue_one(app, &row, now).await {
            tracing::error!(error = ?error, key.id = %row.key_id, "a key check could not be queued");
        }
    }
    app.job_bell.notify_waiters();
    Ok(())
}

async fn enqueue_one(app: &App, row: &DueRow, now: Timestamp) -> Result<()> {
    let job = CheckKeyJob {
        agency: row.agency_id.clone(),
        key: row.key_id.clone(),
    };
    let mut tx = app.db.begin().await?;
    jobs::enqueue(&mut tx, &job, now).await?;
    tx.commit().await
}
