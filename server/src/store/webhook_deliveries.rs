//! What was sent to webhook endpoints, or is to be: the payload, how it went, and when it is tried again. Payloads hold no
//! secret, and what a receiver answered is not kept but for its status.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, WebhookDeliveryId, WebhookEndpointId},
    store::{
        Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// A delivery's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct DeliveryRow {
    pub(crate) id: WebhookDeliveryId,
    pub(crate) agency_id: AgencyId,
    pub(crate) endpoint_id: WebhookEndpointId,
    pub(crate) event_id: String,
    pub(crate) event: String,
    pub(crate) payload: String,
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) next_attempt_at: Option<Timestamp>,
    pub(crate) last_attempt_at: Option<Timestamp>,
    pub(crate) status_code: Option<i64>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) error: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT d.id, d.agency_id, d.endpoint_id, d.event_id, d.event, d.payload, d.state, d.attempts, \
             d.next_attempt_at, d.last_attempt_at, d.status_code, d.duration_ms, d.error, d.created_at, d.finished_at \
             FROM webhook_deliveries d WHERE d.agency_id = $1",
            $tail
        )
    };
}

pub(super) const BY_ENDPOINT: KeysetSql = keyset_sql!(
    select!(" AND d.endpoint_id = $2"), "d.id", "d.agency_id", limit "$3", key "$4", after "$5"
);

/// Adds a delivery.
pub(crate) async fn insert(conn: &mut Conn, row: &DeliveryRow) -> Result<()> {
    const SQL: &str = "INSERT INTO webhook_deliveries (id, agency_id, endpoint_id, event_id, event, payload, state, attempts, \
        next_attempt_at, last_attempt_at, status_code, duration_ms, error, created_at, finished_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.endpoint_id)
        .bind(&row.event_id)
        .bind(&row.event)
        .bind(&row.payload)
        .bind(&row.state)
        .bind(row.attempts)
        .bind(row.next_attempt_at)
        .bind(row.last_attempt_at)
        .bind(row.status_code)
        .bind(row.duration_ms)
        .bind(&row.error)
        .bind(row.created_at)
        .bind(row.finished_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes how a delivery went; false when it is gone, or another worker has written meanwhile (`before` attempts).
pub(crate) async fn update(conn: &mut Conn, row: &DeliveryRow, before: i64) -> Result<bool> {
    const SQL: &str = "UPDATE webhook_deliveries SET state = $4, attempts = $5, next_attempt_at = $6, last_attempt_at = $7, \
        status_code = $8, duration_ms = $9, error = $10, finished_at = $11 \
        WHERE agency_id = $1 AND id = $2 AND attempts = $3 AND state = 'waiting'";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.id)
        .bind(before)
        .bind(&row.state)
        .bind(row.attempts)
        .bind(row.next_attempt_at)
        .bind(row.last_attempt_at)
        .bind(row.status_code)
        .bind(row.duration_ms)
        .bind(&row.error)
        .bind(row.finished_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// A delivery by its id.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    delivery: &WebhookDeliveryId,
) -> Result<Option<DeliveryRow>> {
    const SQL: &str = select!(" AND d.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(delivery).fetch_optional(c).await)?)
}

/// One page of an endpoint's deliveries, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    endpoint: &WebhookEndpointId,
    page: &Keyset,
) -> Result<Vec<DeliveryRow>> {
    let sql = BY_ENDPOINT.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(endpoint)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many deliveries an endpoint has.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    endpoint: &WebhookEndpointId,
) -> Result<i64> {
    const SQL: &str =
        "SELECT count(*) FROM webhook_deliveries WHERE agency_id = $1 AND endpoint_id = $2";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(endpoint).fetch_one(c).await)?)
}

/// Forgets deliveries that ended and were made before `before`, in all agencies.
pub(crate) async fn delete_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    const SQL: &str =
        "DELETE FROM webhook_deliveries WHERE created_at <= $1 AND finished_at IS NOT NULL";
    Ok(on!(conn, c => sqlx::query(SQL).bind(before).execute(c).await.map(|r| r.rows_affected()))?)
}
