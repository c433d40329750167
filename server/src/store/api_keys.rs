//! The platform's own API keys: their hashes, whom they belong to, and what they were used for. Rows of several keys are
//! always written in the order of their ids, so that no two writers wait for each other.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ApiKeyId, ApiKeyLineageId, UserId},
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        on,
    },
};

/// A key's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ApiKeyRow {
    pub(crate) id: ApiKeyId,
    pub(crate) agency_id: AgencyId,
    pub(crate) lineage_id: ApiKeyLineageId,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) hint: String,
    pub(crate) key_hash: Vec<u8>,
    /// A word set.
    pub(crate) scopes: String,
    pub(crate) created_by: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    /// The end of its overlap with the key that replaced it.
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) revoked_because: Option<String>,
    pub(crate) last_used_at: Option<Timestamp>,
    /// Whether whoever made it works for the agency now: a key of anybody else is refused.
    pub(crate) is_creator_active: bool,
}

/// A key with all that decides whether it is let in: its agency, and what its creator is there.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct CallerRow {
    #[sqlx(flatten)]
    pub(crate) key: ApiKeyRow,
    pub(crate) slug: String,
    pub(crate) plan: String,
    pub(crate) is_api_on: bool,
    pub(crate) user_name: String,
    pub(crate) email: String,
    /// None of somebody who is no member.
    pub(crate) role: Option<String>,
}

/// Whether an agency has the API: by its plan, and by its own switch.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AccessRow {
    pub(crate) plan: String,
    pub(crate) is_api_on: bool,
}

/// What a key was used for on one day.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct DayRow {
    pub(crate) api_key_id: ApiKeyId,
    /// The day's first millisecond, UTC.
    pub(crate) day: Timestamp,
    pub(crate) request_count: i64,
    pub(crate) error_count: i64,
}

macro_rules! columns {
    () => {
        "k.id, k.agency_id, k.lineage_id, k.name, k.name_key, k.hint, k.key_hash, k.scopes, k.created_by, k.created_at, \
         k.expires_at, k.ends_at, k.revoked_at, k.revoked_because, k.last_used_at"
    };
}

/// Whether the user `u` with the membership `m` works for its agency.
macro_rules! works_here {
    () => {
        "m.joined_at IS NOT NULL AND m.role <> 'portal' AND u.suspended_at IS NULL"
    };
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", EXISTS (SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.agency_id = k.agency_id \
             AND m.user_id = k.created_by AND ",
            works_here!(),
            ") AS is_creator_active FROM api_keys k WHERE ",
            $tail
        )
    };
}

/// One statement, by a unique index and three primary keys: it is asked at every request with a key.
macro_rules! caller {
    ($tail:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", m.user_id IS NOT NULL AND ",
            works_here!(),
            " AS is_creator_active, a.slug, a.plan, a.is_api_on, u.name AS user_name, u.email, m.role \
             FROM api_keys k JOIN agencies a ON a.id = k.agency_id JOIN users u ON u.id = k.created_by \
             LEFT JOIN memberships m ON m.agency_id = k.agency_id AND m.user_id = k.created_by \
             WHERE ",
            $tail
        )
    };
}

/// Whoever has this key. The agency is what is asked for here, so it is not given.
pub(crate) async fn find_caller(conn: &mut Conn, key_hash: &[u8]) -> Result<Option<CallerRow>> {
    const SQL: &str = caller!("k.key_hash = $1");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(key_hash).fetch_optional(c).await)?)
}

/// The same of a key that was recognised before.
pub(crate) async fn find_caller_again(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
) -> Result<Option<CallerRow>> {
    const SQL: &str = caller!("k.agency_id = $1 AND k.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).fetch_optional(c).await)?)
}

/// The row of a key that somebody found, whosever it is: for reporting it.
pub(crate) async fn find_by_hash(conn: &mut Conn, key_hash: &[u8]) -> Result<Option<ApiKeyRow>> {
    const SQL: &str = select!("k.key_hash = $1");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(key_hash).fetch_optional(c).await)?)
}

/// A key by its id.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
) -> Result<Option<ApiKeyRow>> {
    const SQL: &str = select!("k.agency_id = $1 AND k.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).fetch_optional(c).await)?)
}

/// The key that has a name; where none has it, the last one that had. Two are told apart by that before their times, which
/// a clock that was set back puts in another order.
pub(crate) async fn find_by_name(
    conn: &mut Conn,
    agency: &AgencyId,
    name_key: &str,
) -> Result<Option<ApiKeyRow>> {
    const SQL: &str = select!(
        "k.agency_id = $1 AND k.name_key = $2 ORDER BY CASE WHEN k.revoked_at IS NULL AND k.ends_at IS NULL THEN 0 \
         ELSE 1 END, k.created_at DESC, k.id DESC LIMIT 1"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(name_key).fetch_optional(c).await)?)
}

/// The keys of a lineage that nobody has revoked, by id.
pub(crate) async fn list_unrevoked(
    conn: &mut Conn,
    agency: &AgencyId,
    lineage: &ApiKeyLineageId,
) -> Result<Vec<ApiKeyRow>> {
    const SQL: &str =
        select!("k.agency_id = $1 AND k.lineage_id = $2 AND k.revoked_at IS NULL ORDER BY k.id");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(lineage).fetch_all(c).await)?)
}

/// An agency's keys: those in use first, then the others, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ApiKeyRow>> {
    const SQL: &str = select!(
        "k.agency_id = $1 ORDER BY CASE WHEN k.revoked_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > $2) \
         AND (k.expires_at IS NULL OR k.expires_at > $2) THEN 0 ELSE 1 END, k.created_at DESC, k.id DESC LIMIT $3"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(now).bind(limit).fetch_all(c).await)?)
}

/// How many keys an agency has in use, without those that only overlap. One whose creator does not work here now counts: it
/// is in use again when they do.
pub(crate) async fn count_in_use(
    conn: &mut Conn,
    agency: &AgencyId,
    now: Timestamp,
) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM api_keys WHERE agency_id = $1 AND revoked_at IS NULL AND ends_at IS NULL \
        AND (expires_at IS NULL OR expires_at > $2)";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(now).fetch_one(c).await)?)
}

/// Adds a key.
pub(crate) async fn insert(conn: &mut Conn, row: &ApiKeyRow) -> Result<()> {
    const SQL: &str = "INSERT INTO api_keys (id, agency_id, lineage_id, name, name_key, hint, key_hash, scopes, created_by, \
        created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.lineage_id)
        .bind(&row.name)
        .bind(&row.name_key)
        .bind(&row.hint)
        .bind(&row.key_hash)
        .bind(&row.scopes)
        .bind(&row.created_by)
        .bind(row.created_at)
        .bind(row.expires_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Revokes a key; false when it was revoked before.
pub(crate) async fn revoke(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
    because: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE api_keys SET revoked_at = $4, revoked_because = $3 \
        WHERE agency_id = $1 AND id = $2 AND revoked_at IS NULL";
    let revoked = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(because)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(revoked == 1)
}

/// Gives a key that is in use the end of its overlap.
pub(crate) async fn set_end(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
    ends_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE api_keys SET ends_at = $3 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(key).bind(ends_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Locks an agency's keys for the length of the transaction and reads whether it has the API: two that make keys at once
/// take turns.
pub(crate) async fn lock_access(conn: &mut Conn, agency: &AgencyId) -> Result<Option<AccessRow>> {
    const SQL: &str = "UPDATE agencies SET is_api_on = is_api_on WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(agency).execute(c).await.map(|_| ()))?;
    find_access(conn, agency).await
}

/// Whether an agency has the API.
pub(crate) async fn find_access(conn: &mut Conn, agency: &AgencyId) -> Result<Option<AccessRow>> {
    const SQL: &str = "SELECT plan, is_api_on FROM agencies WHERE id = $1";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).fetch_optional(c).await)?)
}

/// Switches an agency's API on or off.
pub(crate) async fn set_api_on(conn: &mut Conn, agency: &AgencyId, is_on: bool) -> Result<()> {
    const SQL: &str = "UPDATE agencies SET is_api_on = $2 WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(is_on).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Writes down that a key was used; false when it is forgotten. A later use stays, unless it is later than now: a clock that
/// was ahead wrote it.
pub(crate) async fn touch(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
    at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE api_keys SET last_used_at = \
        CASE WHEN last_used_at > $3 AND last_used_at <= $4 THEN last_used_at ELSE $3 END WHERE agency_id = $1 AND id = $2";
    let touched = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(at)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(touched == 1)
}

/// Adds to what a key was used for on a day.
pub(crate) async fn add_to_day(conn: &mut Conn, agency: &AgencyId, row: &DayRow) -> Result<()> {
    const SQL: &str = "INSERT INTO api_key_days (agency_id, api_key_id, day, request_count, error_count) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (api_key_id, day) DO UPDATE SET \
        request_count = api_key_days.request_count + excluded.request_count, \
        error_count = api_key_days.error_count + excluded.error_count";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(&row.api_key_id)
        .bind(row.day)
        .bind(row.request_count)
        .bind(row.error_count)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// The days of these keys, newest first.
pub(crate) async fn list_days_by_keys(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<DayRow>> {
    const SQL: &str = concat!(
        "SELECT d.api_key_id, d.day, d.request_count, d.error_count FROM api_key_days d \
         WHERE d.agency_id || '' = $1 AND d.api_key_id IN (",
        hundred!(),
        ") ORDER BY d.day DESC"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), ids)
        .fetch_all(c)
        .await)?,
    )
}

/// Keys in use that were made before and of which no alert stands, of all agencies.
pub(crate) async fn list_due_for_rotation(
    conn: &mut Conn,
    kind: &str,
    made_before: Timestamp,
    now: Timestamp,
) -> Result<Vec<ApiKeyRow>> {
    const SQL: &str = select!(
        "k.revoked_at IS NULL AND k.ends_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $3) AND k.created_at <= $2 \
         AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.agency_id = k.agency_id AND a.kind = $1 AND a.subject = k.id \
         AND a.resolved_at IS NULL) ORDER BY k.id LIMIT 1000"
    );
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(kind).bind(made_before).bind(now).fetch_all(c).await)?,
    )
}

/// Keys that have expired and of which an alert of this kind still stands, of all agencies.
pub(crate) async fn list_expired_with_alert(
    conn: &mut Conn,
    kind: &str,
    now: Timestamp,
) -> Result<Vec<ApiKeyRow>> {
    const SQL: &str = select!(
        "k.expires_at <= $2 AND EXISTS (SELECT 1 FROM alerts a WHERE a.agency_id = k.agency_id AND a.kind = $1 \
         AND a.subject = k.id AND a.resolved_at IS NULL) ORDER BY k.id LIMIT 1000"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(kind).bind(now).fetch_all(c).await)?)
}

/// Forgets keys that ended before, and days before, of all agencies.
pub(crate) async fn delete_old(conn: &mut Conn, before: Timestamp) -> Result<()> {
    const KEYS: &str =
        "DELETE FROM api_keys WHERE revoked_at < $1 OR ends_at < $1 OR expires_at < $1";
    const DAYS: &str = "DELETE FROM api_key_days WHERE day < $1";
    on!(conn, c => sqlx::query(KEYS).bind(before).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query(DAYS).bind(before).execute(c).await.map(|_| ()))?;
    Ok(())
}
