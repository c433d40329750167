//! Agents: one portable definition each. Which accounts hold them stands in `placements`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, AgentId, ClientId, KeyId},
    store::{
        Conn,
        batch::{BATCH, bind_hundred, hundred},
        kept_name,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on, sort_key,
    },
};

/// An agent's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AgentRow {
    pub(crate) id: AgentId,
    pub(crate) provider: String,
    pub(crate) client_id: Option<ClientId>,
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
    /// A client's id.
    pub(crate) client: String,
    /// The client that the viewer belongs to, beside whatever is asked for.
    pub(crate) own_client: String,
    /// Whether it belongs to a client: `yes`, `no` or empty.
    pub(crate) assigned: &'static str,
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

// Whether agent `a` has no client with a key of its own for its provider, so that its calls go over the agency's (R1).
macro_rules! no_own_key {
    () => {
        "NOT EXISTS (SELECT 1 FROM provider_keys o WHERE o.agency_id = a.agency_id AND o.scope_kind = 'client' \
         AND o.scope_id = a.client_id AND o.provider = a.provider AND o.active_version IS NOT NULL)"
    };
}

// Whether key `k` is the one of the calls of agent `a` (R1, R2): its client's where one is stored, whatever its health, else
// the agency's.
macro_rules! effective {
    () => {
        concat!(
            "k.provider = a.provider AND ((k.scope_kind = 'client' AND k.scope_id = a.client_id) \
             OR (k.scope_kind = 'agency' AND ",
            $crate::store::agents::no_own_key!(),
            "))"
        )
    };
}

// Whether the calls of agent `a` go over the key of a place: of the client whose id the parameter is, or where it is empty of
// the agency. The key may still be missing.
macro_rules! served_by {
    ($client:literal) => {
        concat!(
            "((",
            $client,
            " <> '' AND a.client_id = ",
            $client,
            ") OR (",
            $client,
            " = '' AND ",
            $crate::store::agents::no_own_key!(),
            "))"
        )
    };
}

// An agent is reachable when the key of its calls, not refused at its last check, opens an account that holds it.
macro_rules! reachable {
    () => {
        concat!(
            "(EXISTS (SELECT 1 FROM placements p \
             JOIN provider_key_versions v ON v.account_id = p.account_id \
             JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
             WHERE p.agent_id = a.id AND p.status = 'active' AND k.health <> 'invalid' AND k.breaker = 'closed' AND ",
            $crate::store::agents::effective!(),
            ") AND NOT EXISTS (SELECT 1 FROM clients u WHERE u.id = a.client_id AND u.archived_at IS NOT NULL))"
        )
    };
}

// Whether an import with a key says what becomes of a placement (S3): not where the calls of its agent `a` go over another
// key in use that opens the same account.
macro_rules! judged {
    ($placement:literal, $key:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM provider_keys k JOIN provider_key_versions v \
             ON v.key_id = k.id AND v.version = k.active_version WHERE v.account_id = ",
            $placement,
            ".account_id AND k.id <> ",
            $key,
            " AND ",
            $crate::store::agents::effective!(),
            ")"
        )
    };
}
pub(super) use {effective, judged, no_own_key, reachable, served_by};

macro_rules! columns {
    () => {
        concat!(
            "SELECT a.id, a.provider, a.client_id, a.name, a.name_key, a.status, a.definition, ",
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
             AND r.id = $7 AND r.agency_id = $1 AND r.state = 'needs_confirmation' AND ",
            judged!("m", "r.key_id"),
            ")) \
             AND ($8 = '' OR a.client_id = $8) AND ($9 = '' OR ($9 = 'yes') = (a.client_id IS NOT NULL)) \
             AND ($10 = '' OR a.client_id = $10)"
        )
    };
}

macro_rules! sorted_by {
    ($column:literal) => {
        keyset_sql!(concat!(columns!(), filter!()), $column, "a.id", limit "$11", key "$12", after "$13")
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
            .bind(&query.client)
            .bind(query.assigned)
            .bind(&query.own_client)
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
        .bind(&query.client)
        .bind(query.assigned)
        .bind(&query.own_client)
        .fetch_one(c)
        .await)?)
}

/// An agent of this agency, and of this client where one is named.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    client: Option<&ClientId>,
    agent: &str,
) -> Result<Option<AgentRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE a.agency_id = $1 AND a.id = $2 AND ($3 = '' OR a.client_id = $3)"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(agent)
        .bind(client.map_or("", ClientId::as_str))
        .fetch_optional(c)
        .await)?)
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

/// Makes active agents of a provider, for a client or the agency itself.
pub(crate) async fn insert_many(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: &str,
    client: Option<&ClientId>,
    agents: &[AgentWrite<'_>],
) -> Result<()> {
    const SQL: &str = "INSERT INTO agents (id, agency_id, provider, client_id, name, name_key, status, definition, \
        definition_hash, created_at, updated_at) ";
    for batch in agents.chunks(BATCH) {
        on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut row, agent| {
                row.push_bind(agent.id)
                    .push_bind(agency)
                    .push_bind(provider)
                    .push_bind(client)
                    .push_bind(kept_name(agent.name))
                    .push_bind(sort_key(agent.name))
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
        .bind(kept_name(agent.name))
        .bind(sort_key(agent.name))
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

macro_rules! stopping {
    () => {
        concat!(
            "FROM agents a JOIN placements p ON p.agent_id = a.id AND p.status = 'active' \
             JOIN provider_key_versions v ON v.account_id = p.account_id \
             JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
             WHERE a.agency_id = $1 AND k.id = $2 AND ",
            $crate::store::agents::effective!(),
            " AND ($3 = '' OR NOT EXISTS (SELECT 1 FROM placements s WHERE s.agent_id = a.id AND s.account_id = $3 \
             AND s.status = 'active'))"
        )
    };
}
pub(super) use stopping;

/// Agents whose calls go over this key, and that have no placement in the account of the key that follows it: what stops
/// when it is cleared (K8). No account follows where `successor` is empty.
pub(crate) async fn list_stopping(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    successor: &str,
    limit: i64,
) -> Result<Vec<AgentRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE a.agency_id = $1 AND a.id IN (SELECT a.id ",
        stopping!(),
        ") ORDER BY a.name_key, a.id LIMIT $4"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(key)
        .bind(successor)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// The ids of all of those, in order.
pub(crate) async fn list_stopping_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    successor: &str,
) -> Result<Vec<String>> {
    const SQL: &str = concat!("SELECT a.id ", stopping!(), " ORDER BY a.id");
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(key)
        .bind(successor)
        .fetch_all(c)
        .await)?)
}

/// The ids of the agents whose calls go over this key and that a key of another account would reach too: they go on, and
/// somebody else pays (R3).
pub(crate) async fn list_moving_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    successor: &str,
) -> Result<Vec<String>> {
    const SQL: &str = concat!(
        "SELECT a.id FROM agents a JOIN placements s ON s.agent_id = a.id AND s.account_id = $3 AND s.status = 'active' \
         JOIN provider_keys k ON k.id = $2 AND k.agency_id = $1 WHERE a.agency_id = $1 AND ",
        effective!(),
        " ORDER BY a.id"
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(key)
        .bind(successor)
        .fetch_all(c)
        .await)?)
}

/// What became of agents that were given to somebody.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Assigned {
    pub(crate) count: i64,
    /// Those of them that are at their provider and that no route leads to from now on.
    pub(crate) unreachable_count: i64,
}

/// Gives these agents to a client, or to the agency itself; agents of another agency are left alone and not counted.
pub(crate) async fn assign_named(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
    client: Option<&ClientId>,
) -> Result<Assigned> {
    const ASSIGN: &str = concat!(
        "UPDATE agents SET client_id = $102 WHERE agency_id || '' = $1 AND id IN (",
        hundred!(),
        ")"
    );
    const UNREACHABLE: &str = concat!(
        "SELECT count(*) FROM agents a WHERE a.agency_id || '' = $1 AND a.status = 'active' AND NOT ",
        reachable!(),
        " AND a.id IN (",
        hundred!(),
        ")"
    );
    let mut assigned = Assigned::default();
    for ids in ids.chunks(BATCH) {
        let count = on!(conn, c => bind_hundred!(sqlx::query(ASSIGN).bind(agency), ids)
            .bind(client)
            .execute(c)
            .await
            .map(|r| r.rows_affected()))?;
        assigned.count += i64::try_from(count).unwrap_or(i64::MAX);
        let unreachable: i64 = on!(conn, c => bind_hundred!(sqlx::query_scalar(UNREACHABLE).bind(agency), ids)
            .fetch_one(c)
            .await)?;
        assigned.unreachable_count += unreachable;
    }
    Ok(assigned)
}

/// Gives all agents of a list to a client, or to the agency itself.
pub(crate) async fn assign_listed(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &AgentQuery,
    client: Option<&ClientId>,
) -> Result<Assigned> {
    const LISTED: &str = concat!("SELECT a.id FROM agents a ", filter!());
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(LISTED)
        .bind(agency)
        .bind(&query.providers)
        .bind(&query.statuses)
        .bind(query.reachable)
        .bind(&query.name_pattern)
        .bind(&query.remote_id)
        .bind(&query.missing_from)
        .bind(&query.client)
        .bind(query.assigned)
        .bind(&query.own_client)
        .fetch_all(c)
        .await)?;
    assign_named(conn, agency, &ids, client).await
}
