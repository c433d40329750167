//! Clients: an agency's customers.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ClientId, KeyId},
    store::{
        Conn,
        agents::{effective, reachable},
        batch::{bind_hundred, hundred},
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// A client's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ClientRow {
    pub(crate) id: ClientId,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

/// What a list of clients is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientQuery {
    /// `yes`, `no`, or empty for all.
    pub(crate) archived: &'static str,
    /// LIKE pattern over the lower-cased name; empty for all.
    pub(crate) name_pattern: String,
}

macro_rules! columns {
    () => {
        "SELECT c.id, c.name, c.name_key, c.archived_at, c.created_at FROM clients c "
    };
}

macro_rules! filter {
    () => {
        "WHERE c.agency_id = $1 AND ($2 = '' OR ($2 = 'yes') = (c.archived_at IS NOT NULL)) \
         AND ($3 = '' OR c.name_key LIKE $3 ESCAPE '\\')"
    };
}

pub(super) const BY_NAME: KeysetSql = keyset_sql!(concat!(columns!(), filter!()), "c.name_key", "c.id", limit "$4", key "$5", after "$6");

/// One page of an agency's clients, by name.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &ClientQuery,
    page: &Keyset,
) -> Result<Vec<ClientRow>> {
    let sql = BY_NAME.text(page, false);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(query.archived)
        .bind(&query.name_pattern)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many clients the query finds.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId, query: &ClientQuery) -> Result<i64> {
    const SQL: &str = concat!("SELECT count(*) FROM clients c ", filter!());
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(query.archived)
        .bind(&query.name_pattern)
        .fetch_one(c)
        .await)?)
}

/// A client of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<Option<ClientRow>> {
    const SQL: &str = concat!(columns!(), "WHERE c.agency_id = $1 AND c.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(client).fetch_optional(c).await)?)
}

/// Locks a client for the length of the transaction, so that it is not archived while something is given to it.
pub(crate) async fn lock(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<Option<ClientRow>> {
    const SQL: &str = "UPDATE clients SET updated_at = updated_at WHERE agency_id = $1 AND id = $2 \
        RETURNING id, name, name_key, archived_at, created_at";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(client).fetch_optional(c).await)?)
}

/// Up to a hundred clients of this agency by their ids.
pub(crate) async fn list_by_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<ClientRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE c.agency_id || '' = $1 AND c.id IN (",
        hundred!(),
        ")"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), ids).fetch_all(c).await)?)
}

/// How many agents a client has.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AgentCountRow {
    pub(crate) client_id: String,
    pub(crate) agent_count: i64,
    /// Those of them that are at their provider and that no route leads to.
    pub(crate) unreachable_count: i64,
}

/// Counts of up to a hundred clients; none of a client without agents.
pub(crate) async fn list_agent_counts(
    conn: &mut Conn,
    agency: &AgencyId,
    clients: &[String],
) -> Result<Vec<AgentCountRow>> {
    const SQL: &str = concat!(
        "SELECT a.client_id, count(*) AS agent_count, CAST(COALESCE(sum(CASE WHEN a.status = 'active' AND NOT ",
        reachable!(),
        " THEN 1 ELSE 0 END), 0) AS BIGINT) AS unreachable_count FROM agents a \
         WHERE a.agency_id = $1 AND a.client_id IN (",
        hundred!(),
        ") GROUP BY a.client_id"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), clients).fetch_all(c).await)?)
}

/// Clients whose agents' calls go over this key, by name.
pub(crate) async fn list_touched(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
) -> Result<Vec<ClientRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE c.agency_id = $1 AND c.archived_at IS NULL AND EXISTS (SELECT 1 FROM agents a \
         JOIN provider_keys k ON k.id = $2 AND k.agency_id = $1 AND k.active_version IS NOT NULL \
         WHERE a.agency_id = $1 AND a.client_id = c.id AND ",
        effective!(),
        ") ORDER BY c.name_key, c.id"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).fetch_all(c).await)?)
}

/// Makes a client; false when one that is in use has this name.
pub(crate) async fn insert(conn: &mut Conn, agency: &AgencyId, client: &ClientRow) -> Result<bool> {
    const SQL: &str = "INSERT INTO clients (id, agency_id, name, name_key, archived_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, NULL, $5, $5) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&client.id)
        .bind(agency)
        .bind(&client.name)
        .bind(&client.name_key)
        .bind(client.created_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Whether another client that is in use has this name.
pub(crate) async fn is_name_taken(
    conn: &mut Conn,
    agency: &AgencyId,
    name_key: &str,
    except: &ClientId,
) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM clients \
        WHERE agency_id = $1 AND name_key = $2 AND archived_at IS NULL AND id <> $3";
    let others: i64 = on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(name_key)
        .bind(except)
        .fetch_one(c)
        .await)?;
    Ok(others > 0)
}

/// Writes a client's name and whether it is archived.
pub(crate) async fn update(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientRow,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE clients SET name = $3, name_key = $4, archived_at = $5, updated_at = $6 \
        WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(&client.id)
        .bind(&client.name)
        .bind(&client.name_key)
        .bind(client.archived_at)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}
