//! Agents that are made and changed from here: the row of a new one, which is inactive until its provider has it, and the
//! claim of whoever changes one. Two who changed an agent at once would send its provider each the other's old words.

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, AgentId, ClientId},
    store::{Conn, agents::AgentWrite, kept_name, on, sort_key},
};

/// Makes the row of an agent that no provider has yet.
pub(crate) async fn insert_new(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: &str,
    client: Option<&ClientId>,
    agent: &AgentWrite<'_>,
) -> Result<()> {
    const SQL: &str = "INSERT INTO agents (id, agency_id, provider, client_id, name, name_key, status, definition, \
        definition_hash, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'inactive', $7, $8, $9, $10)";
    on!(conn, c => sqlx::query(SQL)
        .bind(agent.id)
        .bind(agency)
        .bind(provider)
        .bind(client)
        .bind(kept_name(agent.name))
        .bind(sort_key(agent.name))
        .bind(agent.definition)
        .bind(agent.definition_hash)
        .bind(agent.created_at)
        .bind(agent.updated_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Forgets an agent that its provider refused to make. The caller has forgotten its run.
pub(crate) async fn delete_refused(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<()> {
    const SQL: &str = "DELETE FROM agents WHERE agency_id = $1 AND id = $2 \
        AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.agent_id = $2)";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(agent).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes an agent for a change, until `until` at the latest; false when there is none, or when somebody else has it.
pub(crate) async fn claim(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE agents SET changing_until = $3 \
        WHERE agency_id = $1 AND id = $2 AND (changing_until IS NULL OR changing_until <= $4)";
    let claimed = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(agent)
        .bind(until)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(claimed == 1)
}

/// Gives it back; false when the claim had run out and is somebody else's.
pub(crate) async fn release(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
    until: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE agents SET changing_until = NULL WHERE agency_id = $1 AND id = $2 AND changing_until = $3";
    let released = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(agent)
        .bind(until)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(released == 1)
}

/// Holds an agent against being taken for a change until the transaction ends; false while somebody changes it.
pub(crate) async fn hold(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE agents SET changing_until = NULL \
        WHERE agency_id = $1 AND id = $2 AND (changing_until IS NULL OR changing_until <= $3)";
    let held = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(agent)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(held == 1)
}
