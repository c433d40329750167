//! The schedule: each key's account is synced again after the configured time (S1), spread out because each is counted
//! from its own last run.

use crate::{
    app::App,
    error::Result,
    store::{self, provider_keys::DueRow},
    sync::{self, Trigger},
};

/// Queues a sync for each key whose last one is too long ago.
pub(crate) async fn enqueue_due(app: &App) -> Result<()> {
    let Some(interval) = app.config.sync_interval else {
        return Ok(());
    };
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let due = store::provider_keys::list_due_for_sync(&mut conn, now.minus(interval)).await?;
    drop(conn);
    for row in due {
        // Trouble with one key keeps no other from its turn.
        if let Err(error) = enqueue_one(app, &row).await {
            tracing::error!(error = ?error, key.id = %row.key_id, "a scheduled sync could not be queued");
        }
    }
    app.job_bell.notify_waiters();
    Ok(())
}

async fn enqueue_one(app: &App, row: &DueRow) -> Result<()> {
    let mut tx = app.db.begin().await?;
    if let Some(key) = store::provider_keys::find(&mut tx, &row.agency_id, &row.key_id).await? {
        sync::enqueue(&mut tx, &key, Trigger::Schedule, None, app.clock.now()).await?;
    }
    tx.commit().await
}
