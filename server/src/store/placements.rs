//! Placements: where an agent lives at a provider, at most once per account.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, PlacementId, SyncRunId},
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        on,
    },
};

/// A placement's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct PlacementRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) account_id: AccountId,
    pub(crate) provider: String,
    pub(crate) remote_id: String,
    pub(crate) status: String,
    pub(crate) inactive_reason: Option<String>,
    pub(crate) remote_updated_at: Option<Timestamp>,
    pub(crate) last_seen_at: Timestamp,
}

/// A placement with its agent's definition hash: what a sync compares an answer with.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct KnownRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) status: String,
    pub(crate) definition_hash: String,
    pub(crate) last_seen_run: String,
}

/// Placements of up to a hundred agents.
pub(crate) async fn list_by_agents(
    conn: &mut Conn,
    agency: &AgencyId,
    agents: &[String],
) -> Result<Vec<PlacementRow>> {
    const SQL: &str = concat!(
        "SELECT id, agent_id, account_id, provider, remote_id, status, inactive_reason, remote_updated_at, last_seen_at \
         FROM placements WHERE agency_id = $1 AND agent_id IN (",
        hundred!(),
        ") ORDER BY id"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), agents).fetch_all(c).await)?)
}

/// The placement of a remote agent in an account.
pub(crate) async fn find_known(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_id: &str,
) -> Result<Option<KnownRow>> {
    const SQL: &str = "SELECT p.id, p.agent_id, p.status, a.definition_hash, p.last_seen_run \
        FROM placements p JOIN agents a ON a.id = p.agent_id \
        WHERE p.agency_id = $1 AND p.account_id = $2 AND p.remote_id = $3";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(remote_id)
        .fetch_optional(c)
        .await)?)
}

/// What a sync writes of a placement.
#[derive(Clone, Debug)]
pub(crate) struct PlacementWrite<'a> {
    pub(crate) account_id: &'a AccountId,
    pub(crate) provider: &'a str,
    pub(crate) remote_id: &'a str,
    pub(crate) voice: Option<(&'a str, &'a str)>,
    pub(crate) remote_updated_at: Option<Timestamp>,
    pub(crate) seen_at: Timestamp,
    pub(crate) run: &'a SyncRunId,
}

/// Makes an active placement.
pub(crate) async fn insert(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
    write: &PlacementWrite<'_>,
) -> Result<()> {
    const SQL: &str = "INSERT INTO placements (id, agency_id, agent_id, account_id, provider, remote_id, status, \
        voice_engine, voice_id, remote_updated_at, last_seen_at, last_seen_run) \
        VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9, $10, $11)";
    on!(conn, c => sqlx::query(SQL)
        .bind(PlacementId::new())
        .bind(agency)
        .bind(agent)
        .bind(write.account_id)
        .bind(write.provider)
        .bind(write.remote_id)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.seen_at)
        .bind(write.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes down that a run has seen the placement; it is active again.
pub(crate) async fn mark_seen(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
    write: &PlacementWrite<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET status = 'active', inactive_reason = NULL, voice_engine = $3, \
        voice_id = $4, remote_updated_at = $5, last_seen_at = $6, last_seen_run = $7 \
        WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.seen_at)
        .bind(write.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// An active placement that a complete list did not hold.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UnseenRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) remote_id: String,
}

/// Active placements of an account that this run has not seen, behind the id `after`.
pub(crate) async fn list_unseen(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    run: &SyncRunId,
    after: &str,
    limit: i64,
) -> Result<Vec<UnseenRow>> {
    const SQL: &str = "SELECT id, agent_id, remote_id FROM placements WHERE agency_id = $1 AND account_id = $2 \
        AND status = 'active' AND last_seen_run <> $3 AND id > $4 ORDER BY id LIMIT $5";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// How many active placements an account has, and how many of them this run has not seen.
pub(crate) async fn count_unseen(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    run: &SyncRunId,
) -> Result<(i64, i64)> {
    const SQL: &str = "SELECT count(*), CAST(COALESCE(sum(CASE WHEN last_seen_run <> $3 THEN 1 ELSE 0 END), 0) AS BIGINT) \
        FROM placements WHERE agency_id = $1 AND account_id = $2 AND status = 'active'";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .fetch_one(c)
        .await)?)
}

/// Marks a placement inactive; it is never deleted (S3).
pub(crate) async fn mark_inactive(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
    reason: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET status = 'inactive', inactive_reason = $3 \
        WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .bind(reason)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}
