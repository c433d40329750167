//! Agencies and who belongs to them.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ClientId, UserId},
    store::{Conn, keyset::Keyset, on, unless_taken},
};

/// An agency's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AgencyRow {
    pub(crate) id: AgencyId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) plan: String,
    pub(crate) voice_provider: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// An agency with the role that somebody has there.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct MembershipRow {
    #[sqlx(flatten)]
    pub(crate) agency: AgencyRow,
    pub(crate) role: String,
    /// The client whose person it is.
    pub(crate) client_id: Option<ClientId>,
    pub(crate) client_name: Option<String>,
    pub(crate) portal_permissions: String,
}

/// Makes an agency; false when the slug is taken.
pub(crate) async fn insert(conn: &mut Conn, row: &AgencyRow) -> Result<bool> {
    const SQL: &str = "INSERT INTO agencies (id, slug, name, plan, voice_provider, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.slug)
        .bind(&row.name)
        .bind(&row.plan)
        .bind(&row.voice_provider)
        .bind(row.created_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()));
    Ok(unless_taken(inserted)?.is_some())
}

/// An agency by its id.
pub(crate) async fn find(conn: &mut Conn, agency: &AgencyId) -> Result<Option<AgencyRow>> {
    const SQL: &str =
        "SELECT id, slug, name, plan, voice_provider, created_at FROM agencies WHERE id = $1";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).fetch_optional(c).await)?)
}

/// An agency by its slug: for the command line alone, which has no viewer.
pub(crate) async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<AgencyRow>> {
    const SQL: &str =
        "SELECT id, slug, name, plan, voice_provider, created_at FROM agencies WHERE slug = $1";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(slug).fetch_optional(c).await)?)
}

/// The membership of a person in the agency of this slug; none of somebody who has not joined, or whose client is archived.
pub(crate) async fn find_membership(
    conn: &mut Conn,
    user: &UserId,
    slug: &str,
) -> Result<Option<MembershipRow>> {
    const SQL: &str = "SELECT a.id, a.slug, a.name, a.plan, a.voice_provider, a.created_at, m.role, \
                       m.client_id, c.name AS client_name, m.portal_permissions \
                       FROM memberships m JOIN agencies a ON a.id = m.agency_id LEFT JOIN clients c ON c.id = m.client_id \
                       WHERE m.user_id = $1 AND a.slug = $2 AND m.joined_at IS NOT NULL AND c.archived_at IS NULL";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(user).bind(slug).fetch_optional(c).await)?)
}

/// All memberships that a person has joined, by the agency's name.
pub(crate) async fn list_memberships(conn: &mut Conn, user: &UserId) -> Result<Vec<MembershipRow>> {
    const SQL: &str = "SELECT a.id, a.slug, a.name, a.plan, a.voice_provider, a.created_at, m.role, \
                       m.client_id, c.name AS client_name, m.portal_permissions \
                       FROM memberships m JOIN agencies a ON a.id = m.agency_id LEFT JOIN clients c ON c.id = m.client_id \
                       WHERE m.user_id = $1 AND m.joined_at IS NOT NULL AND c.archived_at IS NULL ORDER BY a.name, a.id";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(user).fetch_all(c).await)?)
}

/// One page of a person's agencies, by slug.
pub(crate) async fn list(conn: &mut Conn, user: &UserId, page: &Keyset) -> Result<Vec<AgencyRow>> {
    const FORWARD: &str = "SELECT a.id, a.slug, a.name, a.plan, a.voice_provider, a.created_at \
        FROM memberships m JOIN agencies a ON a.id = m.agency_id LEFT JOIN clients c ON c.id = m.client_id \
        WHERE m.user_id = $1 AND m.joined_at IS NOT NULL AND c.archived_at IS NULL AND ($2 = '' OR a.slug > $2) ORDER BY a.slug ASC LIMIT $3";
    const BACKWARD: &str = "SELECT a.id, a.slug, a.name, a.plan, a.voice_provider, a.created_at \
        FROM memberships m JOIN agencies a ON a.id = m.agency_id LEFT JOIN clients c ON c.id = m.client_id \
        WHERE m.user_id = $1 AND m.joined_at IS NOT NULL AND c.archived_at IS NULL AND ($2 = '' OR a.slug < $2) ORDER BY a.slug DESC LIMIT $3";
    let sql = if page.is_backward { BACKWARD } else { FORWARD };
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(user)
        .bind(page.key())
        .bind(page.limit)
        .fetch_all(c)
        .await)?)
}

/// How many agencies a person has joined.
pub(crate) async fn count(conn: &mut Conn, user: &UserId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM memberships m LEFT JOIN clients c ON c.id = m.client_id \
        WHERE m.user_id = $1 AND m.joined_at IS NOT NULL AND c.archived_at IS NULL";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(user).fetch_one(c).await)?)
}

/// Adds a person to an agency, or changes the role.
pub(crate) async fn upsert_membership(
    conn: &mut Conn,
    agency: &AgencyId,
    user: &UserId,
    role: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO memberships (agency_id, user_id, role, created_at, joined_at) VALUES ($1, $2, $3, $4, $4) \
                       ON CONFLICT (agency_id, user_id) DO UPDATE SET role = excluded.role, joined_at = excluded.joined_at, \
                       client_id = NULL, portal_permissions = '', name = NULL";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(user)
        .bind(role)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes down that a person was seen in an agency.
pub(crate) async fn touch_membership(
    conn: &mut Conn,
    agency: &AgencyId,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "UPDATE memberships SET last_seen_at = $3 WHERE agency_id = $1 AND user_id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Changes the plan; false when there is no such agency.
pub(crate) async fn update_plan(conn: &mut Conn, agency: &AgencyId, plan: &str) -> Result<bool> {
    const SQL: &str = "UPDATE agencies SET plan = $2 WHERE id = $1";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(plan)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Sets the default voice provider where none is set yet (T2); true when it was set.
pub(crate) async fn set_first_voice_provider(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: &str,
) -> Result<bool> {
    const SQL: &str =
        "UPDATE agencies SET voice_provider = $2 WHERE id = $1 AND voice_provider IS NULL";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(provider)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Whether the agency lets its clients' people hand in keys.
pub(crate) async fn allows_hand_ins(conn: &mut Conn, agency: &AgencyId) -> Result<bool> {
    const SQL: &str = "SELECT allows_hand_ins FROM agencies WHERE id = $1";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).fetch_one(c).await)?)
}

/// Switches handing in on or off.
pub(crate) async fn set_allows_hand_ins(
    conn: &mut Conn,
    agency: &AgencyId,
    is_open: bool,
) -> Result<()> {
    const SQL: &str = "UPDATE agencies SET allows_hand_ins = $2 WHERE id = $1";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(is_open).execute(c).await.map(|_| ()))?;
    Ok(())
}
