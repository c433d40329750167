//! Placements that Ringfence makes, in the table of all placements: beside what an import writes they have the hash of what
//! was placed, with which the next import compares.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, PlacementId},
    store::{Conn, on, placements::PlacementWrite},
};

/// Where an agent is in an account.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct PlaceRow {
    pub(crate) id: PlacementId,
    pub(crate) agent_id: AgentId,
    pub(crate) remote_id: String,
    pub(crate) status: String,
}

/// The placement of a remote agent in an account.
pub(crate) async fn find_remote(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_id: &str,
) -> Result<Option<PlaceRow>> {
    const SQL: &str = "SELECT id, agent_id, remote_id, status FROM placements \
        WHERE agency_id = $1 AND account_id = $2 AND remote_id = $3";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(remote_id)
        .fetch_optional(c)
        .await)?)
}

/// The placement of an agent in an account.
pub(crate) async fn find_of_agent(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
    account: &AccountId,
) -> Result<Option<PlaceRow>> {
    const SQL: &str = "SELECT id, agent_id, remote_id, status FROM placements \
        WHERE agency_id = $1 AND agent_id = $2 AND account_id = $3";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(agent)
        .bind(account)
        .fetch_optional(c)
        .await)?)
}

/// A placement that Ringfence made.
#[derive(Clone, Debug)]
pub(crate) struct MadeWrite<'a> {
    pub(crate) placement: PlacementWrite<'a>,
    pub(crate) account: &'a AccountId,
    pub(crate) provider: &'a str,
    /// Hash of what the provider says that it is.
    pub(crate) placed_hash: &'a str,
    /// The import that is under way in the account, which has nothing more to look for; else any text.
    pub(crate) seen_by: &'a str,
    pub(crate) at: Timestamp,
}

/// Writes a placement that Ringfence made; false when the account or the agent has one there already.
pub(crate) async fn insert_made(
    conn: &mut Conn,
    agency: &AgencyId,
    made: &MadeWrite<'_>,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO placements (id, agency_id, agent_id, account_id, provider, remote_id, status, \
        voice_engine, voice_id, remote_updated_at, engine_id, engine_revision, is_detail_due, last_seen_at, last_seen_run, \
        placed_hash, is_made_here) VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9, $10, $11, $12, $13, $14, $15, TRUE) \
        ON CONFLICT DO NOTHING";
    let write = &made.placement;
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(PlacementId::new())
        .bind(agency)
        .bind(write.agent_id)
        .bind(made.account)
        .bind(made.provider)
        .bind(write.remote_id)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.engine.map(|engine| engine.0))
        .bind(write.engine.map(|engine| engine.1))
        .bind(write.is_detail_due)
        .bind(made.at)
        .bind(made.seen_by)
        .bind(made.placed_hash)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Makes a placement stand for another agent at the provider, or for the same one of another agent here: one that
/// Ringfence made.
pub(crate) async fn replace_made(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
    made: &MadeWrite<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET agent_id = $3, remote_id = $4, status = 'active', inactive_reason = NULL, \
        voice_engine = $5, voice_id = $6, remote_updated_at = $7, engine_id = $8, engine_revision = $9, is_detail_due = $10, \
        last_seen_at = $11, last_seen_run = $12, placed_hash = $13, is_made_here = TRUE, \
        details_read_at = NULL WHERE agency_id = $1 AND id = $2";
    let write = &made.placement;
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .bind(write.agent_id)
        .bind(write.remote_id)
        .bind(write.voice.map(|voice| voice.0))
        .bind(write.voice.map(|voice| voice.1))
        .bind(write.remote_updated_at)
        .bind(write.engine.map(|engine| engine.0))
        .bind(write.engine.map(|engine| engine.1))
        .bind(write.is_detail_due)
        .bind(made.at)
        .bind(made.seen_by)
        .bind(made.placed_hash)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Deletes an inactive placement in whose place another one comes; false when it is active by now.
pub(crate) async fn delete(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
) -> Result<bool> {
    const SQL: &str =
        "DELETE FROM placements WHERE agency_id = $1 AND id = $2 AND status <> 'active'";
    let deleted = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(deleted == 1)
}

/// Writes down what a placed agent is at its provider now.
pub(crate) async fn set_placed_hash(
    conn: &mut Conn,
    agency: &AgencyId,
    placement: &PlacementId,
    placed_hash: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE placements SET placed_hash = $3 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(placement)
        .bind(placed_hash)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}
