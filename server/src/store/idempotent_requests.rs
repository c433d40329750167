//! Requests that name themselves (C3): which call each began, and how that call stood in its first answer. What a request
//! said is kept as a hash alone; what is done with a repetition is decided in `crate::calls`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, CallId},
    store::{Conn, on},
};

/// A request's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct RequestRow {
    pub(crate) request_hash: String,
    pub(crate) call_id: CallId,
    /// `None` while nobody has been answered.
    pub(crate) answered_state: Option<String>,
}

/// What a request is found again by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestName<'a> {
    pub(crate) agency: &'a AgencyId,
    pub(crate) route: &'a str,
    pub(crate) key: &'a str,
}

/// The request of this name that began after `since`.
pub(crate) async fn find(
    conn: &mut Conn,
    name: RequestName<'_>,
    since: Timestamp,
) -> Result<Option<RequestRow>> {
    const SQL: &str = "SELECT request_hash, call_id, answered_state FROM idempotent_requests \
        WHERE agency_id = $1 AND route = $2 AND request_key = $3 AND created_at > $4";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(name.agency)
        .bind(name.route)
        .bind(name.key)
        .bind(since)
        .fetch_optional(c)
        .await)?)
}

/// Takes the name for a call; false when a request that began after `since` has it.
pub(crate) async fn insert(
    conn: &mut Conn,
    name: RequestName<'_>,
    (hash, call): (&str, &CallId),
    (since, now): (Timestamp, Timestamp),
) -> Result<bool> {
    const OLD: &str = "DELETE FROM idempotent_requests \
        WHERE agency_id = $1 AND route = $2 AND request_key = $3 AND created_at <= $4";
    const SQL: &str = "INSERT INTO idempotent_requests (agency_id, route, request_key, request_hash, call_id, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    on!(conn, c => sqlx::query(OLD)
        .bind(name.agency)
        .bind(name.route)
        .bind(name.key)
        .bind(since)
        .execute(c)
        .await
        .map(|_| ()))?;
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(name.agency)
        .bind(name.route)
        .bind(name.key)
        .bind(hash)
        .bind(call)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Keeps how the call stood when its request was answered first. Later answers leave it as it is.
pub(crate) async fn answer(conn: &mut Conn, name: RequestName<'_>, state: &str) -> Result<()> {
    const SQL: &str = "UPDATE idempotent_requests SET answered_state = $4 \
        WHERE agency_id = $1 AND route = $2 AND request_key = $3 AND answered_state IS NULL";
    on!(conn, c => sqlx::query(SQL)
        .bind(name.agency)
        .bind(name.route)
        .bind(name.key)
        .bind(state)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Forgets requests that began before this, in all agencies.
pub(crate) async fn delete_old(conn: &mut Conn, before: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM idempotent_requests WHERE created_at <= $1";
    on!(conn, c => sqlx::query(SQL).bind(before).execute(c).await.map(|_| ()))?;
    Ok(())
}
