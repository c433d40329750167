//! Where agencies are told by HTTP. Rows carry the signing secret sealed; opening it is the vault's work.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, UserId, WebhookEndpointId},
    store::{
        Backend, Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// An endpoint's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct EndpointRow {
    pub(crate) id: WebhookEndpointId,
    pub(crate) agency_id: AgencyId,
    pub(crate) url: String,
    pub(crate) description: String,
    /// A word set.
    pub(crate) events: String,
    pub(crate) is_enabled: bool,
    /// When Ringfence itself switched it off.
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) failures_in_a_row: i64,
    pub(crate) secret_version: i64,
    pub(crate) cipher: String,
    pub(crate) master_key_id: String,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT e.id, e.agency_id, e.url, e.description, e.events, e.is_enabled, e.disabled_at, e.failures_in_a_row, \
             e.secret_version, e.cipher, e.master_key_id, e.wrapped_key, e.sealed, e.created_by, e.created_at, e.updated_at \
             FROM webhook_endpoints e WHERE e.agency_id = $1",
            $tail
        )
    };
}

pub(super) const BY_ID: KeysetSql =
    keyset_sql!(select!(""), "e.id", "e.agency_id", limit "$2", key "$3", after "$4");

/// Adds an endpoint.
pub(crate) async fn insert(conn: &mut Conn, row: &EndpointRow) -> Result<()> {
    const SQL: &str = "INSERT INTO webhook_endpoints (id, agency_id, url, description, events, is_enabled, disabled_at, \
        failures_in_a_row, secret_version, cipher, master_key_id, wrapped_key, sealed, created_by, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.url)
        .bind(&row.description)
        .bind(&row.events)
        .bind(row.is_enabled)
        .bind(row.disabled_at)
        .bind(row.failures_in_a_row)
        .bind(row.secret_version)
        .bind(&row.cipher)
        .bind(&row.master_key_id)
        .bind(&row.wrapped_key)
        .bind(&row.sealed)
        .bind(&row.created_by)
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes everything of an endpoint that can change; false when it is gone.
pub(crate) async fn update(conn: &mut Conn, row: &EndpointRow) -> Result<bool> {
    const SQL: &str = "UPDATE webhook_endpoints SET url = $3, description = $4, events = $5, is_enabled = $6, \
        disabled_at = $7, failures_in_a_row = $8, secret_version = $9, cipher = $10, master_key_id = $11, wrapped_key = $12, \
        sealed = $13, updated_at = $14 WHERE agency_id = $1 AND id = $2";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.id)
        .bind(&row.url)
        .bind(&row.description)
        .bind(&row.events)
        .bind(row.is_enabled)
        .bind(row.disabled_at)
        .bind(row.failures_in_a_row)
        .bind(row.secret_version)
        .bind(&row.cipher)
        .bind(&row.master_key_id)
        .bind(&row.wrapped_key)
        .bind(&row.sealed)
        .bind(row.updated_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Removes an endpoint with its deliveries; false when it is not there.
pub(crate) async fn delete(
    conn: &mut Conn,
    agency: &AgencyId,
    endpoint: &WebhookEndpointId,
) -> Result<bool> {
    const SQL: &str = "DELETE FROM webhook_endpoints WHERE agency_id = $1 AND id = $2";
    let deleted = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(endpoint)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(deleted == 1)
}

/// An endpoint by its id.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    endpoint: &WebhookEndpointId,
) -> Result<Option<EndpointRow>> {
    const SQL: &str = select!(" AND e.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(endpoint).fetch_optional(c).await)?)
}

/// The same, locked for the length of the transaction.
pub(crate) async fn lock(
    conn: &mut Conn,
    agency: &AgencyId,
    endpoint: &WebhookEndpointId,
) -> Result<Option<EndpointRow>> {
    const SQL: &str =
        "UPDATE webhook_endpoints SET updated_at = updated_at WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(endpoint).execute(c).await.map(|_| ()))?;
    find(conn, agency, endpoint).await
}

/// The endpoints that are to hear of an event. They stay until the transaction ends, so that a delivery to each can be
/// written: PostgreSQL would let another transaction delete them meanwhile, SQLite has one writer.
pub(crate) async fn list_for_event(
    conn: &mut Conn,
    agency: &AgencyId,
    event: &str,
) -> Result<Vec<EndpointRow>> {
    const SQL: &str =
        select!(" AND e.is_enabled AND e.events LIKE '%|' || $2 || '|%' ORDER BY e.id");
    // SQLite has no words for it, and no other writer.
    const LOCKING: &str = select!(
        " AND e.is_enabled AND e.events LIKE '%|' || $2 || '|%' ORDER BY e.id FOR KEY SHARE"
    );
    let rows = match conn.backend() {
        Backend::Sqlite(c) => {
            sqlx::query_as(SQL)
                .bind(agency)
                .bind(event)
                .fetch_all(c)
                .await
        }
        Backend::Postgres(c) => {
            let statement = sqlx::query_as(LOCKING).bind(agency).bind(event);
            statement.fetch_all(c).await
        }
    };
    Ok(rows?)
}

/// One page of an agency's endpoints, oldest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    page: &Keyset,
) -> Result<Vec<EndpointRow>> {
    let sql = BY_ID.text(page, false);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many endpoints an agency has.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM webhook_endpoints WHERE agency_id = $1";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).fetch_one(c).await)?)
}
