//! Agents: one portable definition each. Which accounts hold them stands in `placements`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, AgentId, KeyId},
    store::{
        Conn,
        batch::{BATCH, bind_hundred, hundred},
        keyset::{Keyset, KeysetSql, keyset_sql},
        on, storable,
    },
};

/// An agent's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AgentRow {
    pub(crate) id: AgentId,
    pub(crate) provider: String,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) status: String,
    pub(crate) definition: String,
    pub(crate) is_reachable: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What a list of agents is narrowed to; empty texts mean all.
#[derive(Clone, Debug, Default)]
pub(crate) struct AgentQuery {
    pub(crate) providers: String,
    pub(crate) statuses: String,
    /// `yes`, `no` or empty.
    pub(crate) reachable: &'static str,
    /// A run that waits for a decision about the agents that it did not find.
    pub(crate) missing_from: String,
    /// LIKE pattern over the lower-cased name.
    pub(crate) name_pattern: String,
    /// Exact id at the provider, as typed in the search.
    pub(crate) remote_id: String,
}

/// What agents can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgentOrder {
    Name,
    Status,
    CreatedAt,
    UpdatedAt,
}

impl AgentOrder {
    /// As the API names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
        }
    }
}

// An agent is reachable when a key in use, not refused at its last check, opens an account that holds it.
macro_rules! reachable {
    () => {
        "EXISTS (SELECT 1 FROM placements p \
         JOIN provider_key_versions v ON v.account_id = p.account_id \
         JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
         WHERE p.agent_id = a.id AND p.status = 'active' AND k.health <> 'invalid')"
    };
}

macro_rules! columns {
    () => {
        concat!(
            "SELECT a.id, a.provider, a.name, a.name_key, a.status, a.definition, ",
            reachable!(),
            " AS is_reachable, a.created_at, a.updated_at FROM agents a "
        )
    };
}

macro_rules! filter {
    () => {
        concat!(
            "WHERE a.agency_id = $1 AND ($2 = '' OR $2 LIKE '%|' || a.provider || '|%') \
             AND ($3 = '' OR $3 LIKE '%|' || a.status || '|%') AND ($4 = '' OR ($4 = 'yes') = ",
            reachable!(),
            ") AND ($5 = '' OR a.name_key LIKE $5 ESCAPE '\\' OR EXISTS \
             (SELECT 1 FROM placements q WHERE q.agent_id = a.id AND q.remote_id = $6)) \
             AND ($7 = '' OR EXISTS (SELECT 1 FROM placements m JOIN sync_runs r ON r.account_id = m.account_id \
             WHERE m.agent_id = a.id AND m.status = 'active' AND m.last_seen_run <> r.id \
             AND r.id = $7 AND r.agency_id = $1 AND r.state = 'needs_confirmation'))"
        )
    };
}

macro_rules! sorted_by {
    ($column:literal) => {
        keyset_sql!(concat!(columns!(), filter!()), $column, "a.id", limit "$8", key "$9", after "$10")
    };
}

pub(super) const BY_NAME: KeysetSql = sorted_by!("a.name_key");
pub(super) const BY_STATUS: KeysetSql = sorted_by!("a.status");
pub(super) const BY_CREATED: KeysetSql = sorted_by!("a.created_at");
pub(super) const BY_UPDATED: KeysetSql = sorted_by!("a.updated_at");

/// One page of an agency's agents.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &AgentQuery,
    order: AgentOrder,
    is_descending: bool,
    page: &Keyset,
) -> Result<Vec<AgentRow>> {
    let sql = match order {
        AgentOrder::Name => &BY_NAME,
        AgentOrder::Status => &BY_STATUS,
        AgentOrder::CreatedAt => &BY_CREATED,
        AgentOrder::UpdatedAt => &BY_UPDATED,
    }
    .text(page, is_descending);
    let is_time = matches!(order, AgentOrder::CreatedAt | AgentOrder::UpdatedAt);
    Ok(on!(conn, c => {
        let statement = sqlx::query_as(sql)
            .bind(agency)
            .bind(&query.providers)
            .bind(&query.statuses)
            .bind(query.reachable)
            .bind(&query.name_pattern)
            .bind(&query.remote_id)
            .bind(&query.missing_from)
            .bind(page.limit);
        let statement = if is_time { statement.bind(page.number()) } else { statement.bind(page.key()) };
        statement.bind(page.id()).fetch_all(c).await
    })?)
}

/// How many agents the query finds.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId, query: &AgentQuery) -> Result<i64> {
    const SQL: &str = concat!("SELECT count(*) FROM agents a ", filter!());
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(&query.providers)
        .bind(&query.statuses)
        .bind(query.reachable)
        .bind(&query.name_pattern)
        .bind(&query.remote_id)
        .bind(&query.missing_from)
        .fetch_one(c)
        .await)?)
}

/// An agent of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &str,
) -> Result<Option<AgentRow>> {
    const SQL: &str = concat!(columns!(), "WHERE a.agency_id = $1 AND a.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(agent).fetch_optional(c).await)?)
}

pub(super) const BY_IDS: &str = concat!(
    columns!(),
    "WHERE a.agency_id || '' = $1 AND a.id IN (",
    hundred!(),
    ")"
);

/// Up to a hundred agents of this agency by their ids.
pub(crate) async fn list_by_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<AgentRow>> {
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(BY_IDS).bind(agency), ids).fetch_all(c).await)?)
}

/// What a sync writes of an agent.
#[derive(Clone, Debug)]
pub(crate) struct AgentWrite<'a> {
    pub(crate) id: &'a AgentId,
    pub(crate) name: &'a str,
    pub(crate) definition: &'a str,
    pub(crate) definition_hash: &'a str,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Makes active agents of a provider.
pub(crate) async fn insert_many(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: &str,
    agents: &[AgentWrite<'_>],
) -> Result<()> {
    const SQL: &str = "INSERT INTO agents (id, agency_id, provider, name, name_key, status, definition, \
        definition_hash, created_at, updated_at) ";
    for batch in agents.chunks(BATCH) {
        on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut row, agent| {
                row.push_bind(agent.id)
                    .push_bind(agency)
                    .push_bind(provider)
                    .push_bind(storable(agent.name))
                    .push_bind(storable(agent.name).to_lowercase())
                    .push_bind("active")
                    .push_bind(agent.definition)
                    .push_bind(agent.definition_hash)
                    .push_bind(agent.created_at)
                    .push_bind(agent.updated_at);
            });
            statement.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// The stored definition of an agent, as JSON.
pub(crate) async fn find_definition(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<Option<String>> {
    const SQL: &str = "SELECT definition FROM agents WHERE agency_id = $1 AND id = $2";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(agent).fetch_optional(c).await)?)
}

/// Writes a changed definition.
pub(crate) async fn update_definition(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentWrite<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE agents SET name = $3, name_key = $4, definition = $5, definition_hash = $6, \
        updated_at = $7 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(agent.id)
        .bind(storable(agent.name))
        .bind(storable(agent.name).to_lowercase())
        .bind(agent.definition)
        .bind(agent.definition_hash)
        .bind(agent.updated_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// An agent is active while any of its placements is.
pub(crate) async fn refresh_status(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<()> {
    const SQL: &str = "UPDATE agents SET status = CASE WHEN EXISTS (SELECT 1 FROM placements p \
        WHERE p.agent_id = agents.id AND p.status = 'active') THEN 'active' ELSE 'inactive' END \
        WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(agent).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Agents that are reachable through this version of a key alone: what stops when it is cleared (K8).
pub(crate) async fn list_stopping(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    limit: i64,
) -> Result<Vec<AgentRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE a.agency_id = $1 AND EXISTS (SELECT 1 FROM placements p \
         JOIN provider_key_versions v ON v.account_id = p.account_id \
         JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
         WHERE p.agent_id = a.id AND p.status = 'active' AND k.id = $2) \
         ORDER BY a.name_key, a.id LIMIT $3"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).bind(limit).fetch_all(c).await)?)
}

/// How many agents stop when the key is cleared, and a digest-friendly list of their ids.
pub(crate) async fn list_stopping_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
) -> Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT p.agent_id FROM placements p \
        JOIN provider_key_versions v ON v.account_id = p.account_id \
        JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
        WHERE p.agency_id = $1 AND p.status = 'active' AND k.id = $2 ORDER BY p.agent_id";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(key).fetch_all(c).await)?)
}
