//! Runs that create missing placements: how each stands. What becomes of each agent stands in `placement_items`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, ClientId, KeyId, PlacementRunId, UserId},
    store::{
        Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// A run's row.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct PlacementRunRow {
    pub(crate) id: PlacementRunId,
    pub(crate) agency_id: AgencyId,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) key_id: KeyId,
    pub(crate) key_version: i64,
    pub(crate) account_id: AccountId,
    pub(crate) provider: String,
    pub(crate) state: String,
    pub(crate) total: i64,
    pub(crate) created_count: i64,
    pub(crate) failed_count: i64,
    pub(crate) skipped_count: i64,
    pub(crate) unconfirmed_count: i64,
    pub(crate) failures_in_a_row: i64,
    pub(crate) waiting_until: Option<Timestamp>,
    pub(crate) waiting_reason: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) revision: i64,
    /// The agent that the run makes anew; none where it makes what agents lack.
    pub(crate) new_agent_id: Option<AgentId>,
    /// What the caller named its request.
    pub(crate) request_id: Option<String>,
    /// What the caller asked for.
    pub(crate) request_hash: Option<String>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT r.id, r.agency_id, r.client_id, r.key_id, r.key_version, r.account_id, r.provider, r.state, r.total, \
             r.created_count, r.failed_count, r.skipped_count, r.unconfirmed_count, r.failures_in_a_row, r.waiting_until, \
             r.waiting_reason, r.error_code, r.error_message, r.requested_by, r.created_at, r.started_at, r.finished_at, \
             r.revision, r.new_agent_id, r.request_id, r.request_hash FROM placement_runs r ",
            $tail
        )
    };
}

/// Queues a run; false when one works in this account already, or when the agency has one of this request.
pub(crate) async fn insert(conn: &mut Conn, row: &PlacementRunRow) -> Result<bool> {
    const SQL: &str = "INSERT INTO placement_runs (id, agency_id, client_id, key_id, key_version, account_id, provider, \
        state, total, requested_by, created_at, started_at, new_agent_id, request_id, request_hash) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.client_id)
        .bind(&row.key_id)
        .bind(row.key_version)
        .bind(&row.account_id)
        .bind(&row.provider)
        .bind(&row.state)
        .bind(row.total)
        .bind(&row.requested_by)
        .bind(row.created_at)
        .bind(row.started_at)
        .bind(&row.new_agent_id)
        .bind(&row.request_id)
        .bind(&row.request_hash)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// A run of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
) -> Result<Option<PlacementRunRow>> {
    const SQL: &str = select!("WHERE r.agency_id = $1 AND r.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(run).fetch_optional(c).await)?)
}

/// The run of an agency that began with this request.
pub(crate) async fn find_by_request(
    conn: &mut Conn,
    agency: &AgencyId,
    request: &str,
) -> Result<Option<PlacementRunRow>> {
    const SQL: &str = select!("WHERE r.agency_id = $1 AND r.request_id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(request).fetch_optional(c).await)?)
}

/// Forgets a run that made nothing, with its agents' rows.
pub(crate) async fn delete(conn: &mut Conn, agency: &AgencyId, run: &PlacementRunId) -> Result<()> {
    const ITEMS: &str = "DELETE FROM placement_items WHERE agency_id = $1 AND run_id = $2";
    const RUN: &str = "DELETE FROM placement_runs WHERE agency_id = $1 AND id = $2";
    for sql in [ITEMS, RUN] {
        on!(conn, c => sqlx::query(sql).bind(agency).bind(run).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// The run that makes what agents lack in an account and is under way.
pub(crate) async fn find_active(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Option<PlacementRunRow>> {
    const SQL: &str = select!(
        "WHERE r.agency_id = $1 AND r.account_id = $2 AND r.new_agent_id IS NULL \
         AND r.state IN ('queued', 'running', 'waiting')"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_optional(c).await)?)
}

pub(super) const BY_CREATED: KeysetSql = keyset_sql!(
    select!("WHERE r.agency_id = $1 AND ($2 = '' OR r.client_id = $2)"),
    "r.created_at", "r.id", limit "$3", key "$4", after "$5"
);

/// One page of an agency's runs, newest first; of one client where `client` is not empty.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &str,
    page: &Keyset,
) -> Result<Vec<PlacementRunRow>> {
    let sql = BY_CREATED.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(client)
        .bind(page.limit)
        .bind(page.number())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many runs there are.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId, client: &str) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM placement_runs r \
        WHERE r.agency_id = $1 AND ($2 = '' OR r.client_id = $2)";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(client).fetch_one(c).await)?)
}

/// Writes a run's progress and state. False when the run has ended meanwhile, or when another worker has written it since
/// `row` was read.
pub(crate) async fn update(conn: &mut Conn, row: &PlacementRunRow) -> Result<bool> {
    const SQL: &str = "UPDATE placement_runs SET state = $3, total = $4, created_count = $5, failed_count = $6, \
        skipped_count = $7, unconfirmed_count = $8, failures_in_a_row = $9, waiting_until = $10, waiting_reason = $11, \
        error_code = $12, error_message = $13, started_at = $14, finished_at = $15, revision = revision + 1 \
        WHERE agency_id = $1 AND id = $2 AND revision = $16 AND state IN ('queued', 'running', 'waiting')";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.id)
        .bind(&row.state)
        .bind(row.total)
        .bind(row.created_count)
        .bind(row.failed_count)
        .bind(row.skipped_count)
        .bind(row.unconfirmed_count)
        .bind(row.failures_in_a_row)
        .bind(row.waiting_until)
        .bind(&row.waiting_reason)
        .bind(&row.error_code)
        .bind(&row.error_message)
        .bind(row.started_at)
        .bind(row.finished_at)
        .bind(row.revision)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Counts the agents of a run anew: an agent that was never confirmed has been found after the run's end.
pub(crate) async fn recount(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
) -> Result<()> {
    const SQL: &str = "UPDATE placement_runs SET \
        created_count = (SELECT count(*) FROM placement_items i WHERE i.run_id = $2 AND i.state = 'created'), \
        unconfirmed_count = (SELECT count(*) FROM placement_items i WHERE i.run_id = $2 AND i.state = 'unconfirmed'), \
        state = CASE WHEN state = 'incomplete' AND NOT EXISTS (SELECT 1 FROM placement_items i \
        WHERE i.run_id = $2 AND i.state IN ('failed', 'unconfirmed')) THEN 'succeeded' ELSE state END, \
        revision = revision + 1 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(run).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Forgets runs that had ended by `before`, with their agents, in all agencies. Attempts that were never confirmed stay with
/// their runs: an import knows an agent that appears late by nothing else.
pub(crate) async fn delete_old(conn: &mut Conn, before: Timestamp) -> Result<()> {
    const ITEMS: &str = "DELETE FROM placement_items WHERE state <> 'unconfirmed' \
        AND run_id IN (SELECT r.id FROM placement_runs r WHERE r.finished_at <= $1)";
    const RUNS: &str = "DELETE FROM placement_runs WHERE finished_at <= $1 \
        AND NOT EXISTS (SELECT 1 FROM placement_items i WHERE i.run_id = placement_runs.id)";
    for sql in [ITEMS, RUNS] {
        on!(conn, c => sqlx::query(sql).bind(before).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}
