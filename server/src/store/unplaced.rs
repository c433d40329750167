//! Agents that lack a placement in the account of their key, and agents that an import made in place of another one.

use sqlx::FromRow;

use crate::{
    error::Result,
    id::{AccountId, AgencyId, AgentId, PlacementRunId},
    store::{Conn, agents::served_by, on},
};

/// An agent that an account does not hold.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UnplacedRow {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) definition: String,
    /// Its provider's list tells only a part of it, and the rest was never read.
    pub(crate) is_half_read: bool,
}

// Agents whose calls go over a place's key and that have no active placement in that key's account. An agent that never had a
// placement is one whose making was never confirmed.
macro_rules! lacking {
    () => {
        concat!(
            "WHERE a.agency_id = $1 AND a.provider = $2 \
             AND (a.status = 'active' OR NOT EXISTS (SELECT 1 FROM placements n WHERE n.agent_id = a.id)) AND ",
            served_by!("$3"),
            " AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.agent_id = a.id AND p.account_id = $4 AND p.status = 'active') "
        )
    };
}

macro_rules! unplaced {
    ($tail:literal) => {
        concat!(
            "SELECT a.id, a.name, a.definition, EXISTS (SELECT 1 FROM placements h WHERE h.agent_id = a.id \
             AND h.placed_hash IS NULL AND h.is_detail_due AND h.details_read_at IS NULL) AS is_half_read FROM agents a ",
            lacking!(),
            $tail
        )
    };
}

/// Whose agents lack a placement, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnplacedQuery<'a> {
    pub(crate) provider: &'a str,
    /// A client's id; empty for the agency's own key.
    pub(crate) client: &'a str,
    pub(crate) account: &'a AccountId,
}

/// Those behind the id `after`, by their ids. A new agent whose own run still makes it lacks nothing yet.
pub(crate) async fn list_unplaced(
    conn: &mut Conn,
    agency: &AgencyId,
    query: UnplacedQuery<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<UnplacedRow>> {
    const SQL: &str = unplaced!(
        "AND NOT EXISTS (SELECT 1 FROM placement_runs w WHERE w.new_agent_id = a.id AND w.account_id = $4 \
         AND w.state IN ('queued', 'running', 'waiting')) AND a.id > $5 ORDER BY a.id LIMIT $6"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(query.provider)
        .bind(query.client)
        .bind(query.account)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// Those of them that a run does not hold, behind the id `after`.
pub(crate) async fn list_outside_run(
    conn: &mut Conn,
    agency: &AgencyId,
    query: UnplacedQuery<'_>,
    run: &PlacementRunId,
    after: &str,
    limit: i64,
) -> Result<Vec<AgentId>> {
    const SQL: &str = concat!(
        "SELECT a.id FROM agents a ",
        lacking!(),
        "AND NOT EXISTS (SELECT 1 FROM placement_items i WHERE i.run_id = $5 AND i.agent_id = a.id) \
         AND a.id > $6 ORDER BY a.id LIMIT $7"
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(query.provider)
        .bind(query.client)
        .bind(query.account)
        .bind(run)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// One of those; `None` when it lacks none, or is not the client's.
pub(crate) async fn find_unplaced(
    conn: &mut Conn,
    agency: &AgencyId,
    query: UnplacedQuery<'_>,
    agent: &AgentId,
) -> Result<Option<UnplacedRow>> {
    const SQL: &str = unplaced!("AND a.id = $5");
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(query.provider)
        .bind(query.client)
        .bind(query.account)
        .bind(agent)
        .fetch_optional(c)
        .await)?)
}

/// Deletes an agent that an import took for a new one, if nobody has done anything with it: it has no placement any more
/// (the caller has moved its only one), and no run has placed it.
pub(crate) async fn delete_untouched(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<bool> {
    const SQL: &str = "DELETE FROM agents WHERE agency_id = $1 AND id = $2 \
        AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.agent_id = $2) \
        AND NOT EXISTS (SELECT 1 FROM placement_items i WHERE i.agent_id = $2)";
    let deleted = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(agent)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(deleted == 1)
}

/// Whether an agent is as an import made it: with one placement, which no run made, and no run ever placed it.
pub(crate) async fn is_as_imported(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<bool> {
    const SQL: &str = "SELECT (SELECT count(*) FROM placements p WHERE p.agent_id = a.id) = 1 \
        AND NOT EXISTS (SELECT 1 FROM placements q WHERE q.agent_id = a.id AND q.placed_hash IS NOT NULL) \
        AND NOT EXISTS (SELECT 1 FROM placement_items i WHERE i.agent_id = a.id) \
        FROM agents a WHERE a.agency_id = $1 AND a.id = $2";
    let found: Option<bool> =
        on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(agent).fetch_optional(c).await)?;
    Ok(found.unwrap_or(false))
}
