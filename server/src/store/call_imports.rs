//! How far each account's list of calls was walked, and when its webhooks last told of one. What a walk does is decided in
//! `crate::calls::import`.

use std::time::Duration;

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId},
    store::{Conn, on},
};

/// The time of the last webhook is as exact as this: webhooks of one account do not wait for each other to write it.
const WEBHOOK_TIME_STEP: Duration = Duration::from_mins(1);

/// An account's row.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct ImportRow {
    pub(crate) account_id: AccountId,
    pub(crate) agency_id: AgencyId,
    pub(crate) watermark: Option<Timestamp>,
    pub(crate) walk_since: Option<Timestamp>,
    pub(crate) walk_began_at: Option<Timestamp>,
    pub(crate) page_cursor: Option<String>,
    pub(crate) is_walk_whole: bool,
    pub(crate) is_complete: bool,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) next_poll_at: Timestamp,
    pub(crate) failures: i64,
    pub(crate) problem: Option<String>,
    pub(crate) problem_at: Option<Timestamp>,
    pub(crate) last_webhook_at: Option<Timestamp>,
    pub(crate) revision: i64,
}

/// An account whose list is due.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct DueRow {
    pub(crate) agency_id: AgencyId,
    pub(crate) account_id: AccountId,
}

/// An account's row, if it was ever walked or told of.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Option<ImportRow>> {
    const SQL: &str = "SELECT account_id, agency_id, watermark, walk_since, walk_began_at, page_cursor, is_walk_whole, \
        is_complete, polled_at, next_poll_at, failures, problem, problem_at, last_webhook_at, revision \
        FROM call_imports WHERE agency_id = $1 AND account_id = $2";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_optional(c).await)?)
}

/// Makes an account's row, due at once, unless it is there.
pub(crate) async fn ensure(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO call_imports (account_id, agency_id, is_walk_whole, is_complete, next_poll_at, failures, \
        revision) VALUES ($1, $2, TRUE, TRUE, $3, 0, 0) ON CONFLICT DO NOTHING";
    on!(conn, c => sqlx::query(SQL).bind(account).bind(agency).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Writes where a walk stands; false when somebody else has written it since `row` was read. When webhooks came is not touched.
pub(crate) async fn update(conn: &mut Conn, row: &ImportRow) -> Result<bool> {
    const SQL: &str = "UPDATE call_imports SET watermark = $3, walk_since = $4, walk_began_at = $5, page_cursor = $6, \
        is_walk_whole = $7, is_complete = $8, polled_at = $9, next_poll_at = $10, failures = $11, problem = $12, \
        problem_at = $13, revision = revision + 1 WHERE agency_id = $1 AND account_id = $2 AND revision = $14";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.account_id)
        .bind(row.watermark)
        .bind(row.walk_since)
        .bind(row.walk_began_at)
        .bind(&row.page_cursor)
        .bind(row.is_walk_whole)
        .bind(row.is_complete)
        .bind(row.polled_at)
        .bind(row.next_poll_at)
        .bind(row.failures)
        .bind(&row.problem)
        .bind(row.problem_at)
        .bind(row.revision)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Writes down that a webhook of the account came.
pub(crate) async fn note_webhook(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE call_imports SET last_webhook_at = $3 WHERE agency_id = $1 AND account_id = $2 \
        AND (last_webhook_at IS NULL OR last_webhook_at <= $4)";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(account)
        .bind(now)
        .bind(now.minus(WEBHOOK_TIME_STEP))
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Accounts that a key in use opens and whose list is due, in all agencies; a scheduler's question. None whose agents are
/// being imported at this moment: their calls are attributed better behind that. A key that was saved since its list was
/// refused is asked at once.
pub(crate) async fn list_due(conn: &mut Conn, now: Timestamp) -> Result<Vec<DueRow>> {
    const SQL: &str = "SELECT DISTINCT v.agency_id, v.account_id FROM provider_keys k \
        JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version \
        LEFT JOIN call_imports i ON i.account_id = v.account_id \
        WHERE k.breaker = 'closed' AND k.health <> 'invalid' AND v.capabilities NOT LIKE '%\"read_calls\":\"no\"%' \
        AND (i.account_id IS NULL OR i.next_poll_at <= $1 OR v.saved_at > i.problem_at) \
        AND NOT EXISTS (SELECT 1 FROM sync_runs r WHERE r.account_id = v.account_id AND r.finished_at IS NULL \
        AND r.state <> 'needs_confirmation') ORDER BY v.account_id LIMIT 100";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(now).fetch_all(c).await)?)
}

/// The agency and the provider of an account, in all agencies: an address that a provider reports to names the account alone.
/// Nothing is done with it before a key of that agency has proven the request.
pub(crate) async fn find_account(
    conn: &mut Conn,
    account: &AccountId,
) -> Result<Option<(AgencyId, String)>> {
    const SQL: &str = "SELECT agency_id, provider FROM provider_accounts WHERE id = $1";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(account).fetch_optional(c).await)?)
}

/// The same of a call, for providers that report to an address of each call's own.
pub(crate) async fn find_agency_of_call(conn: &mut Conn, call: &str) -> Result<Option<AgencyId>> {
    const SQL: &str = "SELECT agency_id FROM calls WHERE id = $1";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(call).fetch_optional(c).await)?)
}
