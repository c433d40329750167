//! People of a client, and the links with which they log in for the first time.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ClientId, UserId},
    store::{Conn, on},
};

/// A person of a client.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct PortalUserRow {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// As `|view_agents|manage_integrations|`.
    pub(crate) portal_permissions: String,
    pub(crate) created_at: Timestamp,
    /// When they were last seen in this agency's portal; never before they have joined.
    pub(crate) last_seen_at: Option<Timestamp>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT u.id, COALESCE(m.name, u.name) AS name, u.email, m.portal_permissions, m.created_at, m.last_seen_at \
             FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.agency_id = $1 AND m.role = 'portal' AND m.client_id = $2 ",
            $tail
        )
    };
}

/// All people of a client, by name.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<Vec<PortalUserRow>> {
    const SQL: &str = select!("ORDER BY name, u.id LIMIT 200");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(client).fetch_all(c).await)?)
}

/// A person of a client.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    user: &UserId,
) -> Result<Option<PortalUserRow>> {
    const SQL: &str = select!("AND m.user_id = $3");
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(client).bind(user).fetch_optional(c).await)?,
    )
}

/// Makes somebody a person of a client, who has yet to join; false when they belong to the agency already.
pub(crate) async fn insert(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    (user, name): (&UserId, &str),
    permissions: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO memberships (agency_id, user_id, role, created_at, client_id, portal_permissions, name) \
        VALUES ($1, $2, 'portal', $3, $4, $5, $6) ON CONFLICT (agency_id, user_id) DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(user)
        .bind(now)
        .bind(client)
        .bind(permissions)
        .bind(name)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Lets a client's person in from now on; false when they were taken out of the agency meanwhile.
pub(crate) async fn join(
    conn: &mut Conn,
    agency: &AgencyId,
    user: &UserId,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE memberships SET joined_at = COALESCE(joined_at, $3), last_seen_at = $3 \
        WHERE agency_id = $1 AND user_id = $2 AND role = 'portal'";
    let joined = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(user)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(joined == 1)
}

/// Writes what a person of a client may.
pub(crate) async fn update_permissions(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    user: &UserId,
    permissions: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE memberships SET portal_permissions = $4 \
        WHERE agency_id = $1 AND client_id = $2 AND user_id = $3 AND role = 'portal'";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(client)
        .bind(user)
        .bind(permissions)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Takes a person out of the agency; their account stays.
pub(crate) async fn delete(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    user: &UserId,
) -> Result<()> {
    const MEMBERSHIP: &str = "DELETE FROM memberships WHERE agency_id = $1 AND client_id = $2 AND user_id = $3 \
        AND role = 'portal'";
    const LINKS: &str = "DELETE FROM log_in_links WHERE agency_id = $1 AND user_id = $2";
    on!(conn, c => sqlx::query(MEMBERSHIP).bind(agency).bind(client).bind(user).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query(LINKS).bind(agency).bind(user).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Keeps the hash of a log-in link, in the place of the earlier one that the agency gave this person; links that are over
/// go with it.
pub(crate) async fn replace_link(
    conn: &mut Conn,
    agency: &AgencyId,
    user: &UserId,
    token_hash: &[u8],
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<()> {
    const DELETE: &str =
        "DELETE FROM log_in_links WHERE (agency_id = $1 AND user_id = $2) OR expires_at <= $3";
    const INSERT: &str = "INSERT INTO log_in_links (token_hash, agency_id, user_id, expires_at) VALUES ($1, $2, $3, $4)";
    on!(conn, c => sqlx::query(DELETE).bind(agency).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query(INSERT)
        .bind(token_hash)
        .bind(agency)
        .bind(user)
        .bind(expires_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Forgets log-in links whose time is over, in all agencies.
pub(crate) async fn delete_expired_links(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM log_in_links WHERE expires_at <= $1";
    Ok(on!(conn, c => sqlx::query(SQL).bind(now).execute(c).await.map(|r| r.rows_affected()))?)
}

/// Whose link it is.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct LinkRow {
    pub(crate) agency_id: AgencyId,
    pub(crate) user_id: UserId,
    pub(crate) email: String,
    /// In how many other agencies the person is at home.
    pub(crate) joined_elsewhere: i64,
}

/// A log-in link while it lives.
pub(crate) async fn find_link(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<LinkRow>> {
    const SQL: &str = "SELECT l.agency_id, l.user_id, u.email, (SELECT count(*) FROM memberships m \
        WHERE m.user_id = l.user_id AND m.agency_id <> l.agency_id AND m.joined_at IS NOT NULL) AS joined_elsewhere \
        FROM log_in_links l JOIN users u ON u.id = l.user_id WHERE l.token_hash = $1 AND l.expires_at > $2";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(token_hash).bind(now).fetch_optional(c).await)?)
}

/// Uses a log-in link up; false when somebody else has.
pub(crate) async fn delete_link(conn: &mut Conn, token_hash: &[u8]) -> Result<bool> {
    const SQL: &str = "DELETE FROM log_in_links WHERE token_hash = $1";
    let deleted = on!(conn, c => sqlx::query(SQL)
        .bind(token_hash)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(deleted == 1)
}
