//! Alerts: raised, ended, put aside. An alert stands until it is resolved; a unique index keeps one per trouble.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, AlertId, ApiKeyLineageId, UserId},
    store::{
        Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// An alert's row, with its client's name as it is now.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AlertRow {
    pub(crate) id: AlertId,
    pub(crate) agency_id: AgencyId,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) provider: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_name: Option<String>,
    pub(crate) summary: String,
    pub(crate) agent_count: Option<i64>,
    pub(crate) raised_at: Timestamp,
    pub(crate) resolved_at: Option<Timestamp>,
    pub(crate) dismissed_at: Option<Timestamp>,
    pub(crate) dismissed_by: Option<UserId>,
    /// How it stands, by the times above.
    pub(crate) state: String,
}

/// How an alert stands, as `alerts::State` words it.
macro_rules! state {
    () => {
        "CASE WHEN a.resolved_at IS NOT NULL THEN 'resolved' WHEN a.dismissed_at IS NOT NULL THEN 'dismissed' ELSE 'open' END"
    };
}

macro_rules! select {
    ($tail:expr) => {
        concat!(
            "SELECT a.id, a.agency_id, a.kind, a.subject, a.provider, a.client_id, c.name AS client_name, a.summary, \
             a.agent_count, a.raised_at, a.resolved_at, a.dismissed_at, a.dismissed_by, ",
            state!(),
            " AS state FROM alerts a \
             LEFT JOIN clients c ON c.id = a.client_id AND c.agency_id = a.agency_id WHERE a.agency_id = $1 AND ",
            $tail
        )
    };
}

macro_rules! narrowed {
    () => {
        concat!(
            "($2 = '' OR $2 LIKE '%|' || ",
            state!(),
            " || '|%') AND ($3 = '' OR $3 LIKE '%|' || a.kind || '|%')"
        )
    };
}

pub(super) const BY_ID: KeysetSql =
    keyset_sql!(select!(narrowed!()), "a.id", "a.agency_id", limit "$4", key "$5", after "$6");

/// Whether an alert of this trouble stands, put aside or not.
pub(crate) async fn is_standing(
    conn: &mut Conn,
    agency: &AgencyId,
    kind: &str,
    subject: &str,
) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM alerts \
        WHERE agency_id = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL";
    let count: i64 = on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(kind)
        .bind(subject)
        .fetch_one(c)
        .await)?;
    Ok(count > 0)
}

/// Raises an alert; false when one of the same trouble stands.
pub(crate) async fn insert(conn: &mut Conn, row: &AlertRow) -> Result<bool> {
    const SQL: &str = "INSERT INTO alerts (id, agency_id, kind, subject, provider, client_id, summary, agent_count, raised_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.kind)
        .bind(&row.subject)
        .bind(&row.provider)
        .bind(&row.client_id)
        .bind(&row.summary)
        .bind(row.agent_count)
        .bind(row.raised_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Ends what stands about a subject: of one kind, or of all kinds when it is empty.
pub(crate) async fn resolve(
    conn: &mut Conn,
    agency: &AgencyId,
    kind: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE alerts SET resolved_at = $4 \
        WHERE agency_id = $1 AND ($2 = '' OR kind = $2) AND subject = $3 AND resolved_at IS NULL";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(kind)
        .bind(subject)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Ends what stands, of one kind, about the API keys of a lineage.
pub(crate) async fn resolve_of_lineage(
    conn: &mut Conn,
    agency: &AgencyId,
    kind: &str,
    lineage: &ApiKeyLineageId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE alerts SET resolved_at = $4 WHERE agency_id = $1 AND kind = $2 AND resolved_at IS NULL \
        AND subject IN (SELECT id FROM api_keys WHERE agency_id = $1 AND lineage_id = $3)";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(kind)
        .bind(lineage)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Ends what stands, of one kind, about API keys that are forgotten, in all agencies.
pub(crate) async fn resolve_of_forgotten_api_keys(
    conn: &mut Conn,
    kind: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE alerts SET resolved_at = $2 WHERE kind = $1 AND resolved_at IS NULL \
        AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.id = alerts.subject)";
    on!(conn, c => sqlx::query(SQL).bind(kind).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Puts an open alert aside.
pub(crate) async fn dismiss(
    conn: &mut Conn,
    agency: &AgencyId,
    alert: &AlertId,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE alerts SET dismissed_at = $4, dismissed_by = $3 \
        WHERE agency_id = $1 AND id = $2 AND resolved_at IS NULL AND dismissed_at IS NULL";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(alert)
        .bind(user)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// An alert by its id.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    alert: &AlertId,
) -> Result<Option<AlertRow>> {
    const SQL: &str = select!("a.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(alert).fetch_optional(c).await)?)
}

/// One page of an agency's alerts, newest first; `narrowed` are states and kinds as word sets.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    (states, kinds): (&str, &str),
    page: &Keyset,
) -> Result<Vec<AlertRow>> {
    let sql = BY_ID.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(states)
        .bind(kinds)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many alerts there are in these states and of these kinds.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    (states, kinds): (&str, &str),
) -> Result<i64> {
    const SQL: &str = concat!(
        "SELECT count(*) FROM alerts a WHERE a.agency_id = $1 AND ",
        narrowed!()
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(states)
        .bind(kinds)
        .fetch_one(c)
        .await)?)
}

/// What a client is called.
pub(crate) async fn find_client_name(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &str,
) -> Result<Option<String>> {
    const SQL: &str = "SELECT name FROM clients WHERE agency_id = $1 AND id = $2";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(client).fetch_optional(c).await)?)
}

/// How many alerts are open, in all agencies: for the figures.
pub(crate) async fn count_open(conn: &mut Conn) -> Result<i64> {
    const SQL: &str =
        "SELECT count(*) FROM alerts WHERE resolved_at IS NULL AND dismissed_at IS NULL";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Forgets alerts whose trouble had ended by `before`, in all agencies. One that stands is never forgotten, put aside or
/// not.
pub(crate) async fn delete_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM alerts WHERE resolved_at <= $1";
    Ok(on!(conn, c => sqlx::query(SQL).bind(before).execute(c).await.map(|r| r.rows_affected()))?)
}
