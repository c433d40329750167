//! Sync runs: what was asked, how far it is, how it ended. A run's row is its checkpoint, so that a killed process goes
//! on from the last whole page.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, KeyId, SyncRunId, UserId},
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        keyset::{Keyset, KeysetSql, keyset_sql},
        on, unless_taken,
    },
};

/// A run's row.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub(crate) struct SyncRunRow {
    pub(crate) id: SyncRunId,
    pub(crate) agency_id: AgencyId,
    pub(crate) key_id: KeyId,
    pub(crate) key_version: i64,
    pub(crate) account_id: AccountId,
    pub(crate) provider: String,
    pub(crate) trigger_kind: String,
    pub(crate) state: String,
    pub(crate) phase: Option<String>,
    pub(crate) page_cursor: Option<String>,
    pub(crate) is_list_complete: bool,
    pub(crate) removal_decision: Option<String>,
    pub(crate) done: i64,
    pub(crate) total: Option<i64>,
    pub(crate) agent_count: i64,
    pub(crate) phone_number_count: i64,
    pub(crate) voice_count: i64,
    pub(crate) added_count: i64,
    pub(crate) changed_count: i64,
    pub(crate) gone_count: i64,
    pub(crate) returned_count: i64,
    pub(crate) pending_removal_count: i64,
    pub(crate) unread_detail_count: i64,
    pub(crate) failures_in_a_row: i64,
    pub(crate) waiting_until: Option<Timestamp>,
    pub(crate) waiting_reason: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// How often the row was written; a write of an older one is refused.
    pub(crate) revision: i64,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT r.id, r.agency_id, r.key_id, r.key_version, r.account_id, r.provider, r.trigger_kind, r.state, r.phase, \
             r.page_cursor, r.is_list_complete, r.removal_decision, r.done, r.total, r.agent_count, r.phone_number_count, \
             r.voice_count, r.added_count, r.changed_count, r.gone_count, r.returned_count, r.pending_removal_count, r.unread_detail_count, \
             r.failures_in_a_row, r.waiting_until, r.waiting_reason, r.error_code, r.error_message, r.requested_by, \
             r.created_at, r.started_at, r.finished_at, r.revision FROM sync_runs r ",
            $tail
        )
    };
}

/// Queues a run; `None` when one of this account is already under way (S6).
pub(crate) async fn insert(conn: &mut Conn, row: &SyncRunRow) -> Result<Option<()>> {
    const SQL: &str = "INSERT INTO sync_runs (id, agency_id, key_id, key_version, account_id, provider, trigger_kind, state, \
        is_list_complete, done, agent_count, phone_number_count, voice_count, added_count, changed_count, gone_count, \
        returned_count, pending_removal_count, failures_in_a_row, requested_by, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $9, $10) \
        ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.key_id)
        .bind(row.key_version)
        .bind(&row.account_id)
        .bind(&row.provider)
        .bind(&row.trigger_kind)
        .bind(true)
        .bind(&row.requested_by)
        .bind(row.created_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()));
    Ok(unless_taken(inserted)?
        .filter(|count| *count == 1)
        .map(|_| ()))
}

/// A run of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &SyncRunId,
) -> Result<Option<SyncRunRow>> {
    const SQL: &str = select!("WHERE r.agency_id = $1 AND r.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(run).fetch_optional(c).await)?)
}

/// The run of an account that is under way.
pub(crate) async fn find_active(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Option<SyncRunRow>> {
    const SQL: &str = select!(
        "WHERE r.agency_id = $1 AND r.account_id = $2 AND r.state IN ('queued', 'running', 'waiting', 'needs_confirmation')"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_optional(c).await)?)
}

/// The newest run of each of up to a hundred keys.
pub(crate) async fn list_latest_by_keys(
    conn: &mut Conn,
    agency: &AgencyId,
    keys: &[String],
) -> Result<Vec<SyncRunRow>> {
    const SQL: &str = concat!(
        select!("WHERE r.agency_id = $1 AND r.key_id IN ("),
        hundred!(),
        ") AND NOT EXISTS (SELECT 1 FROM sync_runs s WHERE s.key_id = r.key_id AND (s.created_at, s.id) > (r.created_at, r.id))"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), keys).fetch_all(c).await)?)
}

pub(super) const BY_CREATED: KeysetSql = keyset_sql!(
    select!(
        "WHERE r.agency_id = $1 AND ($2 = '' OR $2 LIKE '%|' || r.provider || '|%') \
         AND ($3 = '' OR $3 LIKE '%|' || r.state || '|%')"
    ),
    "r.created_at", "r.id", limit "$4", key "$5", after "$6"
);

/// One page of an agency's runs, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    providers: &str,
    states: &str,
    page: &Keyset,
) -> Result<Vec<SyncRunRow>> {
    let sql = BY_CREATED.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(providers)
        .bind(states)
        .bind(page.limit)
        .bind(page.number())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many runs there are.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    providers: &str,
    states: &str,
) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM sync_runs r WHERE r.agency_id = $1 \
        AND ($2 = '' OR $2 LIKE '%|' || r.provider || '|%') AND ($3 = '' OR $3 LIKE '%|' || r.state || '|%')";
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(providers)
        .bind(states)
        .fetch_one(c)
        .await)?)
}

/// Writes a run's progress and state. False when the run has ended meanwhile, as when its key was cleared, or when
/// another worker has written it since `row` was read.
pub(crate) async fn update(conn: &mut Conn, row: &SyncRunRow) -> Result<bool> {
    const SQL: &str = "UPDATE sync_runs SET state = $3, phase = $4, page_cursor = $5, is_list_complete = $6, \
        removal_decision = $7, done = $8, total = $9, agent_count = $10, phone_number_count = $11, voice_count = $12, \
        added_count = $13, changed_count = $14, gone_count = $15, returned_count = $16, pending_removal_count = $17, \
        failures_in_a_row = $18, waiting_until = $19, waiting_reason = $20, error_code = $21, error_message = $22, \
        started_at = $23, finished_at = $24, unread_detail_count = $26, revision = revision + 1 \
        WHERE agency_id = $1 AND id = $2 AND revision = $25 AND state IN ('queued', 'running', 'waiting', 'needs_confirmation')";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.id)
        .bind(&row.state)
        .bind(&row.phase)
        .bind(&row.page_cursor)
        .bind(row.is_list_complete)
        .bind(&row.removal_decision)
        .bind(row.done)
        .bind(row.total)
        .bind(row.agent_count)
        .bind(row.phone_number_count)
        .bind(row.voice_count)
        .bind(row.added_count)
        .bind(row.changed_count)
        .bind(row.gone_count)
        .bind(row.returned_count)
        .bind(row.pending_removal_count)
        .bind(row.failures_in_a_row)
        .bind(row.waiting_until)
        .bind(&row.waiting_reason)
        .bind(&row.error_code)
        .bind(&row.error_message)
        .bind(row.started_at)
        .bind(row.finished_at)
        .bind(row.revision)
        .bind(row.unread_detail_count)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Ends what is under way for a key that was cleared or replaced.
pub(crate) async fn end_active_of_key(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    message: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE sync_runs SET state = 'failed', error_code = 'CONFLICT', error_message = $3, \
        waiting_until = NULL, waiting_reason = NULL, finished_at = $4 \
        WHERE agency_id = $1 AND key_id = $2 AND state IN ('queued', 'running', 'waiting', 'needs_confirmation')";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(message)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}
