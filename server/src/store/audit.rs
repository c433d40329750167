//! Rows of the audit chain. How an entry's mac is computed stands in `crate::audit`; here they are only written and read.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::AgencyId,
    store::{
        Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// An entry's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AuditRow {
    pub(crate) sequence: i64,
    pub(crate) agency_id: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) actor_id: Option<String>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) provider: Option<String>,
    pub(crate) summary: String,
    pub(crate) mac: Vec<u8>,
}

/// The newest entry's place.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct HeadRow {
    pub(crate) sequence: i64,
    pub(crate) mac: Vec<u8>,
}

/// Makes the head of an empty chain, unless there is one.
pub(crate) async fn ensure_head(conn: &mut Conn) -> Result<()> {
    const SQL: &str =
        "INSERT INTO audit_head (id, sequence, mac) VALUES (1, 0, $1) ON CONFLICT (id) DO NOTHING";
    on!(conn, c => sqlx::query(SQL).bind(Vec::<u8>::new()).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Locks the head for the length of the transaction: for what must not happen twice at once in one installation. What the
/// next statements read is what was committed before.
pub(crate) async fn lock_head(conn: &mut Conn) -> Result<()> {
    const SQL: &str = "UPDATE audit_head SET sequence = sequence WHERE id = 1";
    on!(conn, c => sqlx::query(SQL).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes the next place in the chain and locks it for the length of the transaction; the mac is of the entry before.
pub(crate) async fn advance_head(conn: &mut Conn) -> Result<HeadRow> {
    const SQL: &str =
        "UPDATE audit_head SET sequence = sequence + 1 WHERE id = 1 RETURNING sequence, mac";
    Ok(on!(conn, c => sqlx::query_as(SQL).fetch_one(c).await)?)
}

/// Appends an entry and moves the head's mac to it.
pub(crate) async fn insert(conn: &mut Conn, row: &AuditRow) -> Result<()> {
    const INSERT: &str = "INSERT INTO audit_entries (sequence, agency_id, at, actor_id, actor, action, subject, provider, \
        summary, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    const HEAD: &str = "UPDATE audit_head SET mac = $1 WHERE id = 1";
    on!(conn, c => sqlx::query(INSERT)
        .bind(row.sequence)
        .bind(&row.agency_id)
        .bind(row.at)
        .bind(&row.actor_id)
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.subject)
        .bind(&row.provider)
        .bind(&row.summary)
        .bind(&row.mac)
        .execute(c)
        .await
        .map(|_| ()))?;
    on!(conn, c => sqlx::query(HEAD).bind(&row.mac).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The head of the chain.
pub(crate) async fn find_head(conn: &mut Conn) -> Result<Option<HeadRow>> {
    const SQL: &str = "SELECT sequence, mac FROM audit_head WHERE id = 1";
    Ok(on!(conn, c => sqlx::query_as(SQL).fetch_optional(c).await)?)
}

/// A stretch of the whole chain behind `after`, in order: for the check from the command line.
pub(crate) async fn list_chain(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<AuditRow>> {
    const SQL: &str = "SELECT sequence, agency_id, at, actor_id, actor, action, subject, provider, summary, mac \
        FROM audit_entries WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(c).await)?)
}

macro_rules! select {
    () => {
        "SELECT e.sequence, e.agency_id, e.at, e.actor_id, e.actor, e.action, e.subject, e.provider, e.summary, e.mac \
         FROM audit_entries e WHERE e.agency_id = $1 AND ($2 = '' OR $2 LIKE '%|' || e.provider || '|%')"
    };
}

pub(super) const BY_SEQUENCE: KeysetSql =
    keyset_sql!(select!(), "e.sequence", "e.agency_id", limit "$3", key "$4", after "$5");

/// One page of an agency's entries, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    providers: &str,
    page: &Keyset,
) -> Result<Vec<AuditRow>> {
    let sql = BY_SEQUENCE.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(providers)
        .bind(page.limit)
        .bind(page.number())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many entries an agency has.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId, providers: &str) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM audit_entries e WHERE e.agency_id = $1 \
        AND ($2 = '' OR $2 LIKE '%|' || e.provider || '|%')";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(providers).fetch_one(c).await)?)
}
