//! The reminder after 90 days (A3): a key in use that is that old raises an alert, once; it ends when the key is rotated,
//! revoked or expired. The housekeeping looks each minute.

use std::time::Duration;

use crate::{
    alerts::{self, Cause, Kind},
    app::App,
    clock::Timestamp,
    error::Result,
    store::{self, api_keys::ApiKeyRow},
};

/// A key in use should not be older.
const ROTATE_AFTER: Duration = Duration::from_hours(90 * 24);

/// Whether a key that is in use, or will be when its creator is back, is so old that it should be rotated.
pub(crate) fn is_due(row: &ApiKeyRow, now: Timestamp) -> bool {
    super::is_current(row, now) && row.created_at.plus(ROTATE_AFTER) <= now
}

/// Raises the reminders that are due, and ends those of keys that have expired.
pub async fn update(app: &App) -> Result<()> {
    let now = app.clock.now();
    let kind = Kind::ApiKeyOld.as_str();
    let mut conn = app.db.read().await?;
    let before = now.minus(ROTATE_AFTER);
    let due = store::api_keys::list_due_for_rotation(&mut conn, kind, before, now).await?;
    let expired = store::api_keys::list_expired_with_alert(&mut conn, kind, now).await?;
    drop(conn);
    for row in due {
        let mut tx = app.db.begin().await?;
        // It may have been rotated since it was listed.
        store::api_keys::lock_access(&mut tx, &row.agency_id).await?;
        let row = store::api_keys::find(&mut tx, &row.agency_id, &row.id).await?;
        if let Some(row) = row.filter(|row| is_due(row, now)) {
            alerts::raise(&mut tx, app, &Cause::ApiKeyOld(&row)).await?;
            tx.commit().await?;
        }
    }
    for row in expired {
        let mut tx = app.db.begin().await?;
        let subject = row.id.as_str();
        alerts::resolve(&mut tx, &row.agency_id, Kind::ApiKeyOld, subject, now).await?;
        tx.commit().await?;
    }
    Ok(())
}
