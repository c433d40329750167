//! Log-in sessions. A row is read at every request, so that log-out and suspension hold at once (H2).

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{SessionId, UserId},
    store::{Conn, on},
};

/// A live session and whose it is.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct LiveSessionRow {
    pub(crate) session_id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) last_seen_at: Timestamp,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) user_agent: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Opens a session.
pub(crate) async fn insert(conn: &mut Conn, user: &UserId, row: &SessionRow) -> Result<()> {
    const SQL: &str = "INSERT INTO sessions (id, user_id, user_agent, created_at, last_seen_at, expires_at) \
                       VALUES ($1, $2, $3, $4, $4, $5)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(user)
        .bind(&row.user_agent)
        .bind(row.created_at)
        .bind(row.expires_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// The session, when it lives and its owner is not suspended.
pub(crate) async fn find_live(
    conn: &mut Conn,
    session: &SessionId,
    now: Timestamp,
) -> Result<Option<LiveSessionRow>> {
    const SQL: &str = "SELECT s.id AS session_id, u.id AS user_id, u.email, u.name, s.last_seen_at \
        FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.id = $1 AND s.expires_at > $2 AND u.suspended_at IS NULL";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(session).bind(now).fetch_optional(c).await)?)
}

/// Rolls the expiry forward.
pub(crate) async fn extend(
    conn: &mut Conn,
    session: &SessionId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1";
    on!(conn, c => sqlx::query(SQL)
        .bind(session)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// A person's live sessions, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    user: &UserId,
    now: Timestamp,
) -> Result<Vec<SessionRow>> {
    const SQL: &str = "SELECT id, user_agent, created_at, expires_at FROM sessions \
                       WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC LIMIT 100";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(user).bind(now).fetch_all(c).await)?)
}

/// Ends one session.
pub(crate) async fn delete(conn: &mut Conn, session: &SessionId) -> Result<()> {
    const SQL: &str = "DELETE FROM sessions WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(session).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Ends all sessions of a person; how many there were.
pub(crate) async fn delete_all(conn: &mut Conn, user: &UserId) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE user_id = $1";
    Ok(on!(conn, c => sqlx::query(SQL).bind(user).execute(c).await.map(|r| r.rows_affected()))?)
}

/// Forgets sessions that have expired.
pub(crate) async fn delete_expired(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE expires_at <= $1";
    Ok(on!(conn, c => sqlx::query(SQL).bind(now).execute(c).await.map(|r| r.rows_affected()))?)
}
