//! Placements: where an agent lives at a provider, at most once per account.

use std::collections::HashSet;

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, ClientId, KeyId, PlacementId, SyncRunId},
    store::{
        Conn,
        agents::{judged, served_by},
        batch::{BATCH, bind_hundred, hundred},
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
    /// Whether Ringfence made the agent there.
    pub(crate) is_made_here: bool,
}

/// A placement with what a sync compares an answer with.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct KnownRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) remote_id: String,
    pub(crate) status: String,
    pub(crate) definition_hash: String,
    pub(crate) remote_updated_at: Option<Timestamp>,
    pub(crate) engine_id: Option<String>,
    pub(crate) engine_revision: Option<String>,
    pub(crate) is_detail_due: bool,
    pub(crate) details_read_at: Option<Timestamp>,
    pub(crate) last_seen_run: String,
    /// Whether Ringfence made it; `definition_hash` is then that of what was placed.
    pub(crate) is_placed: bool,
}

/// Placements of up to a hundred agents.
pub(crate) async fn list_by_agents(
    conn: &mut Conn,
    agency: &AgencyId,
    agents: &[String],
) -> Result<Vec<PlacementRow>> {
    const SQL: &str = concat!(
        "SELECT id, agent_id, account_id, provider, remote_id, status, inactive_reason, remote_updated_at, last_seen_at, is_made_here \
         FROM placements WHERE agency_id = $1 AND agent_id IN (",
        hundred!(),
        ") ORDER BY id"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), agents).fetch_all(c).await)?)
}

macro_rules! known {
    ($tail:literal) => {
        concat!(
            "SELECT p.id, p.agent_id, p.remote_id, p.status, COALESCE(p.placed_hash, a.definition_hash) AS definition_hash, \
             p.remote_updated_at, p.engine_id, p.engine_revision, p.is_detail_due, p.details_read_at, p.last_seen_run, \
             p.placed_hash IS NOT NULL AS is_placed FROM placements p JOIN agents a ON a.id = p.agent_id \
             WHERE p.agency_id = $1 AND p.account_id = $102 AND ",
            $tail
        )
    };
}

/// The placements of up to a hundred remote agents in an account.
pub(crate) async fn list_known(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_ids: &[String],
) -> Result<Vec<KnownRow>> {
    const SQL: &str = concat!(known!("p.remote_id IN ("), hundred!(), ")");
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), remote_ids)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// The placements of an account whose definition is partly held by one of up to a hundred engines.
pub(crate) async fn list_by_engines(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    engines: &[String],
) -> Result<Vec<KnownRow>> {
    const SQL: &str = concat!(known!("p.engine_id IN ("), hundred!(), ")");
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), engines)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// Of up to a hundred placements those of which an import with another key says what becomes of them (S3).
pub(crate) async fn list_judged_elsewhere(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    placements: &[String],
) -> Result<HashSet<PlacementId>> {
    const SQL: &str = concat!(
        "SELECT p.id FROM placements p JOIN agents a ON a.id = p.agent_id WHERE p.agency_id || '' = $1 AND NOT (",
        judged!("p", "$102"),
        ") AND p.id IN (",
        hundred!(),
        ")"
    );
    let ids: Vec<PlacementId> = on!(conn, c => bind_hundred!(sqlx::query_scalar(SQL).bind(agency), placements)
        .bind(key)
        .fetch_all(c)
        .await)?;
    Ok(ids.into_iter().collect())
}

/// What a sync writes of a placement, its run and account apart.
#[derive(Clone, Debug)]
pub(crate) struct PlacementWrite<'a> {
    pub(crate) agent_id: &'a AgentId,
    pub(crate) remote_id: &'a str,
    pub(crate) voice: Option<(&'a str, &'a str)>,
    pub(crate) remote_updated_at: Option<Timestamp>,
    pub(crate) engine: Option<(&'a str, &'a str)>,
    pub(crate) is_detail_due: bool,
}

/// Which run sees placements, in which account, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) agency: &'a AgencyId,
    pub(crate) account: &'a AccountId,
    pub(crate) provider: &'a str,
    pub(crate) run: &'a SyncRunId,
    pub(crate) at: Timestamp,
}

/// Makes active placements.
pub(crate) async fn insert_many(
    conn: &mut Conn,
    seen: Seen<'_>,
    writes: &[PlacementWrite<'_>],
) -> Result<()> {
    const SQL: &str = "INSERT INTO placements (id, agency_id, agent_id, account_id, provider, remote_id, status, \
        voice_engine, voice_id, remote_updated_at, engine_id, engine_revision, is_detail_due, last_seen_at, last_seen_run) ";
    for batch in writes.chunks(BATCH) {
        on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut row, write| {
                row.push_bind(PlacementId::new())
                    .push_bind(seen.agency)
                    .push_bind(write.agent_id)
                    .push_bind(seen.account)
                    .push_bind(seen.provider)
                    .push_bind(write.remote_id)
                    .push_bind("active")
                    .push_bind(write.voice.map(|voice| voice.0))
                    .push_bind(write.voice.map(|voice| voice.1))
                    .push_bind(write.remote_updated_at)
                    .push_bind(write.engine.map(|engine| engine.0))
                    .push_bind(write.engine.map(|engine| engine.1))
                    .push_bind(write.is_detail_due)
                    .push_bind(seen.at)
                    .push_bind(seen.run);
            });
            statement.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

pub(super) const MARK_SEEN: &str = concat!(
    "UPDATE placements SET last_seen_at = $102, last_seen_run = $103 WHERE agency_id || '' = $1 AND id IN (",
    hundred!(),
    ")"
);

/// Writes down that a run has seen up to a hundred placements, which are as they were.
pub(crate) async fn mark_seen(
    conn: &mut Conn,
    seen: Seen<'_>,
    placements: &[String],
) -> Result<()> {
    on!(conn, c => bind_hundred!(sqlx::query(MARK_SEEN).bind(seen.agency), placements)
        .bind(seen.at)
        .bind(seen.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes what a run has read of a placement; it is active again.
pub(crate) async fn update(
    conn: &mut Conn,
    seen: Seen<'_>,
    placement: &PlacementId,
    write: &PlacementWrite<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET status = 'active', inactive_reason = NULL, voice_engine = $3, \
        voice_id = $4, remote_updated_at = $5, engine_id = $6, engine_revision = $7, is_detail_due = $8, \
        last_seen_at = $9, last_seen_run = $10 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(seen.agency)
        .bind(placement)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.engine.map(|engine| engine.0))
        .bind(write.engine.map(|engine| engine.1))
        .bind(write.is_detail_due)
        .bind(seen.at)
        .bind(seen.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes that a run has seen a placement in a list that tells only a part of it; it is active again, and what was read of
/// it before stays.
pub(crate) async fn update_listed(
    conn: &mut Conn,
    seen: Seen<'_>,
    placement: &PlacementId,
    remote_updated_at: Option<Timestamp>,
    is_detail_due: bool,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET status = 'active', inactive_reason = NULL, remote_updated_at = $3, \
        is_detail_due = $4, last_seen_at = $5, last_seen_run = $6 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(seen.agency)
        .bind(placement)
        .bind(remote_updated_at)
        .bind(is_detail_due)
        .bind(seen.at)
        .bind(seen.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes down when the details of a placement were read.
pub(crate) async fn set_details_read(
    conn: &mut Conn,
    seen: Seen<'_>,
    placement: &PlacementId,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET details_read_at = $3 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(seen.agency)
        .bind(placement)
        .bind(seen.at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

pub(super) const MARK_DETAILS_DUE: &str = concat!(
    "UPDATE placements SET is_detail_due = $102 WHERE agency_id || '' = $1 AND id IN (",
    hundred!(),
    ")"
);

/// Says of up to a hundred placements that their details have to be read.
pub(crate) async fn mark_details_due(
    conn: &mut Conn,
    agency: &AgencyId,
    placements: &[String],
) -> Result<()> {
    on!(conn, c => bind_hundred!(sqlx::query(MARK_DETAILS_DUE).bind(agency), placements)
        .bind(true)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Active placements of an account whose details have to be read, behind the id `after`.
pub(crate) async fn list_with_details_due(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    after: &str,
    limit: i64,
) -> Result<Vec<KnownRow>> {
    const SQL: &str = "SELECT p.id, p.agent_id, p.remote_id, p.status, COALESCE(p.placed_hash, a.definition_hash) AS definition_hash, \
        p.remote_updated_at, p.engine_id, p.engine_revision, p.is_detail_due, p.details_read_at, p.last_seen_run, \
        p.placed_hash IS NOT NULL AS is_placed FROM placements p JOIN agents a ON a.id = p.agent_id \
        WHERE p.agency_id = $1 AND p.account_id = $2 AND p.is_detail_due AND p.status = 'active' AND p.id > $3 \
        ORDER BY p.id LIMIT $4";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// How many those are, from the beginning.
pub(crate) async fn count_with_details_due(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM placements \
        WHERE agency_id = $1 AND account_id = $2 AND is_detail_due AND status = 'active'";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(account).fetch_one(c).await)?)
}

/// An active placement that a complete list did not hold.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UnseenRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) remote_id: String,
    pub(crate) name: String,
}

/// Active placements of an account that this run with this key has not seen and whose absence it may judge, behind the id
/// `after`.
pub(crate) async fn list_unseen(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    (run, key): (&SyncRunId, &KeyId),
    after: &str,
    limit: i64,
) -> Result<Vec<UnseenRow>> {
    const SQL: &str = concat!(
        "SELECT p.id, p.agent_id, p.remote_id, a.name FROM placements p JOIN agents a ON a.id = p.agent_id \
         WHERE p.agency_id = $1 AND p.account_id = $2 AND p.status = 'active' AND p.last_seen_run <> $3 AND ",
        judged!("p", "$4"),
        " AND p.id > $5 ORDER BY p.id LIMIT $6"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .bind(key)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// Where an agent is, as a preview compares it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct LivingRow {
    pub(crate) agent_id: AgentId,
    pub(crate) account_id: AccountId,
    pub(crate) remote_id: String,
    pub(crate) is_active: bool,
}

/// Every placement of the agents whose calls go over a scope's key: a client's own agents, or for the agency all that have
/// no client with a key of its own. By the agents' names, an agent's placements one after the other.
pub(crate) async fn list_living(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: &str,
    client: Option<&ClientId>,
) -> Result<Vec<LivingRow>> {
    const SQL: &str = concat!(
        "SELECT p.agent_id, p.account_id, p.remote_id, p.status = 'active' AS is_active \
         FROM agents a JOIN placements p ON p.agent_id = a.id WHERE a.agency_id = $1 AND a.provider = $2 AND ",
        served_by!("$3"),
        " ORDER BY a.name_key, a.id, p.id"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(provider)
        .bind(client.map_or("", ClientId::as_str))
        .fetch_all(c)
        .await)?)
}

/// The remote ids of everything that an account was ever seen to hold.
pub(crate) async fn list_remote_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<HashSet<String>> {
    const SQL: &str = "SELECT remote_id FROM placements WHERE agency_id = $1 AND account_id = $2";
    let ids: Vec<String> =
        on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(account).fetch_all(c).await)?;
    Ok(ids.into_iter().collect())
}

/// Of the placements whose absence this run with this key may judge: how many were active before it, and how many it has not
/// seen. What it has added or brought back itself hides no loss.
pub(crate) async fn count_unseen(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    (run, key): (&SyncRunId, &KeyId),
) -> Result<(i64, i64)> {
    const SQL: &str = concat!(
        "SELECT count(*) - count(c.subject_id), \
         CAST(COALESCE(sum(CASE WHEN p.last_seen_run <> $3 THEN 1 ELSE 0 END), 0) AS BIGINT) \
         FROM placements p JOIN agents a ON a.id = p.agent_id LEFT JOIN sync_changes c \
         ON c.run_id = $3 AND c.subject_id = p.agent_id AND c.kind IN ('added', 'returned') \
         WHERE p.agency_id = $1 AND p.account_id = $2 AND p.status = 'active' AND ",
        judged!("p", "$4")
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .bind(key)
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

/// Writes what a provider has taken over. `placed_hash` is that of what it holds now; none where the agent was imported
/// from there, because its definition is what that account holds.
pub(crate) async fn update_sent(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
    write: &PlacementWrite<'_>,
    placed_hash: Option<&str>,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET voice_engine = $3, voice_id = $4, remote_updated_at = $5, engine_id = $6, \
        engine_revision = $7, is_detail_due = $8, placed_hash = $9 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.engine.map(|engine| engine.0))
        .bind(write.engine.map(|engine| engine.1))
        .bind(write.is_detail_due)
        .bind(placed_hash)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// The placement that an agent was imported from: its definition follows what that account holds.
pub(crate) async fn find_origin(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<Option<PlacementId>> {
    const SQL: &str =
        "SELECT id FROM placements WHERE agency_id = $1 AND agent_id = $2 AND placed_hash IS NULL";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(agent).fetch_optional(c).await)?)
}
