//! People.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, UserId},
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        on, unless_taken,
    },
};

/// A person's row, without the password hash.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
}

/// What log-in needs to know.
#[derive(FromRow)]
pub(crate) struct CredentialsRow {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) password_hash: String,
    pub(crate) suspended_at: Option<Timestamp>,
}

/// Email addresses are compared without regard to case.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Makes a person; false when the email is taken.
pub(crate) async fn insert(
    conn: &mut Conn,
    user: &UserRow,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO users (id, email, email_key, name, password_hash, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&user.id)
        .bind(user.email.trim())
        .bind(email_key(&user.email))
        .bind(&user.name)
        .bind(password_hash)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()));
    Ok(unless_taken(inserted)?.is_some())
}

/// A person by email.
pub(crate) async fn find_credentials(
    conn: &mut Conn,
    email: &str,
) -> Result<Option<CredentialsRow>> {
    const SQL: &str =
        "SELECT id, name, password_hash, suspended_at FROM users WHERE email_key = $1";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(email_key(email)).fetch_optional(c).await)?)
}

/// Holds a person's row until the transaction ends, so that nothing else decides over their log-in meanwhile.
pub(crate) async fn lock(conn: &mut Conn, user: &UserId) -> Result<()> {
    const SQL: &str = "UPDATE users SET name = name WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(user).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Writes a new password's hash.
pub(crate) async fn update_password(
    conn: &mut Conn,
    user: &UserId,
    password_hash: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(user).bind(password_hash).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Up to a hundred people as their agency sees them.
pub(crate) async fn list_members_by_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<UserRow>> {
    const SQL: &str = concat!(
        "SELECT u.id, u.email, u.name FROM users u JOIN memberships m ON m.user_id = u.id \
         WHERE m.agency_id = $1 AND u.id IN (",
        hundred!(),
        ")"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), ids).fetch_all(c).await)?)
}

/// The owners and admins of an agency who may log in.
pub(crate) async fn list_admins(conn: &mut Conn, agency: &AgencyId) -> Result<Vec<UserRow>> {
    const SQL: &str = "SELECT u.id, u.email, u.name FROM users u JOIN memberships m ON m.user_id = u.id \
        WHERE m.agency_id = $1 AND m.role IN ('owner', 'admin') AND u.suspended_at IS NULL ORDER BY u.id";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).fetch_all(c).await)?)
}

/// Whether nobody is there yet, so that the set-up page is open.
pub(crate) async fn is_empty(conn: &mut Conn) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM (SELECT id FROM users LIMIT 1) AS one";
    let count: i64 = on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?;
    Ok(count == 0)
}

/// Suspends a person, or lets them in again.
pub(crate) async fn update_suspension(
    conn: &mut Conn,
    user: &UserId,
    suspended_at: Option<Timestamp>,
) -> Result<bool> {
    const SQL: &str = "UPDATE users SET suspended_at = $2 WHERE id = $1";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(user)
        .bind(suspended_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}
