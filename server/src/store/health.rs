//! What is known of how a key fares: health, breaker and the time of its next check, on the key's row. Which answer leads
//! to which of them is decided in `crate::health`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, KeyId},
    store::{Conn, agents::effective, on, provider_keys::DueRow},
};

/// What is known of the version in use.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct HealthRow {
    pub(crate) breaker: String,
    pub(crate) rejections_in_a_row: i64,
    pub(crate) breaker_opened_at: Option<Timestamp>,
}

/// What an answer makes of it.
#[derive(Clone, Debug)]
pub(crate) struct HealthWrite<'a> {
    pub(crate) health: &'a str,
    pub(crate) message: Option<&'a str>,
    pub(crate) checked_at: Timestamp,
    pub(crate) breaker: &'a str,
    pub(crate) rejections: i64,
    pub(crate) opened_at: Option<Timestamp>,
    /// `None`: when the schedule says.
    pub(crate) next_check_at: Option<Timestamp>,
}

/// What is known of this version, locked for the length of the transaction; `None` when it is not the one in use.
pub(crate) async fn lock(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    version: i64,
) -> Result<Option<HealthRow>> {
    const SQL: &str = "UPDATE provider_keys SET last_version = last_version \
        WHERE agency_id = $1 AND id = $2 AND active_version = $3 \
        RETURNING breaker, rejections_in_a_row, breaker_opened_at";
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).bind(version).fetch_optional(c).await)?,
    )
}

/// Writes down what an answer found.
pub(crate) async fn update(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    write: &HealthWrite<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE provider_keys SET health = $3, health_message = $4, checked_at = $5, breaker = $6, \
        rejections_in_a_row = $7, breaker_opened_at = $8, next_check_at = $9 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(write.health)
        .bind(write.message)
        .bind(write.checked_at)
        .bind(write.breaker)
        .bind(write.rejections)
        .bind(write.opened_at)
        .bind(write.next_check_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Whether a refusal of the version in use waits to be taken back: it is refused, or its breaker counts.
pub(crate) async fn is_doubted(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM provider_keys WHERE agency_id = $1 AND id = $2 \
        AND (health = 'invalid' OR rejections_in_a_row > 0 OR breaker = 'open')";
    let count: i64 =
        on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(key).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Forgets what was known, because another version is in use or none.
pub(crate) async fn reset(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<()> {
    const SQL: &str = "UPDATE provider_keys SET breaker = 'closed', rejections_in_a_row = 0, breaker_opened_at = NULL, \
        next_check_at = NULL WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(key).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Sets the time of the next check, whatever is known.
pub(crate) async fn postpone(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "UPDATE provider_keys SET next_check_at = $3 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(key).bind(at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Keys that are due for a check, in all agencies, the longest due first; a scheduler's question. Where there is no
/// schedule (`before` is `None`), only keys whose refusal is followed up.
pub(crate) async fn list_due(
    conn: &mut Conn,
    now: Timestamp,
    before: Option<Timestamp>,
) -> Result<Vec<DueRow>> {
    const SQL: &str = "SELECT k.agency_id, k.id AS key_id FROM provider_keys k WHERE k.active_version IS NOT NULL \
        AND ((k.next_check_at <= $1 AND (k.rejections_in_a_row > 0 OR $2 <> 0)) \
        OR ($2 <> 0 AND k.next_check_at IS NULL AND k.checked_at <= $3)) \
        AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.dedup_key = 'check_key:' || k.id \
        AND j.state IN ('queued', 'running')) \
        ORDER BY COALESCE(k.next_check_at, k.checked_at), k.id LIMIT 100";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(now)
        .bind(i64::from(before.is_some()))
        .bind(before)
        .fetch_all(c)
        .await)?)
}

/// When the next check that has a time of its own is due.
pub(crate) async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    const SQL: &str =
        "SELECT min(next_check_at) FROM provider_keys WHERE active_version IS NOT NULL";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// How many stored keys there are, by provider and health, in all agencies: for the figures.
pub(crate) async fn count_by_health(conn: &mut Conn) -> Result<Vec<(String, String, i64)>> {
    const SQL: &str = "SELECT provider, health, count(*) FROM provider_keys WHERE active_version IS NOT NULL \
        GROUP BY provider, health";
    Ok(on!(conn, c => sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// How many active agents of its account call with this key.
pub(crate) async fn count_agents(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<i64> {
    const SQL: &str = concat!(
        "SELECT count(*) FROM provider_keys k \
         JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version \
         JOIN placements p ON p.account_id = v.account_id AND p.status = 'active' \
         JOIN agents a ON a.id = p.agent_id AND a.status = 'active' WHERE k.agency_id = $1 AND k.id = $2 AND ",
        effective!()
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(key).fetch_one(c).await)?)
}
