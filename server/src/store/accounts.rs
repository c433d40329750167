//! Provider accounts: what keys open.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId},
    providers::ProviderKind,
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        on,
    },
};

/// An account's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) provider: String,
    pub(crate) remote_id: Option<String>,
    pub(crate) name: Option<String>,
}

/// An account of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Option<AccountRow>> {
    const SQL: &str = "SELECT id, provider, remote_id, name FROM provider_accounts WHERE agency_id = $1 AND id = $2";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_optional(c).await)?)
}

/// Up to a hundred accounts of this agency by their ids.
pub(crate) async fn list_by_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<AccountRow>> {
    const SQL: &str = concat!(
        "SELECT id, provider, remote_id, name FROM provider_accounts WHERE agency_id = $1 AND id IN (",
        hundred!(),
        ")"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), ids).fetch_all(c).await)?)
}

/// Locks an account for the length of the transaction. Whoever writes several numbers of it does this first, because a
/// sync and a clearing come to them in different orders and would wait for each other where rows are locked one by one.
pub(crate) async fn lock(conn: &mut Conn, agency: &AgencyId, account: &AccountId) -> Result<()> {
    const SQL: &str =
        "UPDATE provider_accounts SET provider = provider WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(account).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The account with the provider's own id.
pub(crate) async fn find_by_remote(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: ProviderKind,
    remote_id: &str,
) -> Result<Option<AccountRow>> {
    const SQL: &str = "SELECT id, provider, remote_id, name FROM provider_accounts \
                       WHERE agency_id = $1 AND provider = $2 AND remote_id = $3";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(provider.as_str())
        .bind(remote_id)
        .fetch_optional(c)
        .await)?)
}

/// Makes an account.
pub(crate) async fn insert(
    conn: &mut Conn,
    agency: &AgencyId,
    row: &AccountRow,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO provider_accounts (id, agency_id, provider, remote_id, name, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(agency)
        .bind(&row.provider)
        .bind(&row.remote_id)
        .bind(&row.name)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Writes down the provider's own id once an answer has named it; false when it was known already.
pub(crate) async fn set_remote_id(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_id: &str,
) -> Result<bool> {
    const SQL: &str = "UPDATE provider_accounts SET remote_id = $3 \
                       WHERE agency_id = $1 AND id = $2 AND remote_id IS NULL";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(account)
        .bind(remote_id)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Whether an account holds an agent or a number, or has ever held one: neither is ever deleted.
pub(crate) async fn holds_anything(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<bool> {
    const SQL: &str = "SELECT a.id FROM provider_accounts a WHERE a.agency_id = $1 AND a.id = $2 AND (\
         EXISTS (SELECT 1 FROM placements p WHERE p.agency_id = a.agency_id AND p.account_id = a.id) OR \
         EXISTS (SELECT 1 FROM phone_numbers n WHERE n.agency_id = a.agency_id AND n.account_id = a.id))";
    let found: Option<String> = on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(account)
        .fetch_optional(c)
        .await)?;
    Ok(found.is_some())
}

/// A few remote agent ids of an account, active ones first: a new key that can read one of them opens the same account.
pub(crate) async fn sample_remote_agents(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Vec<String>> {
    const SQL: &str = "SELECT remote_id FROM placements WHERE agency_id = $1 AND account_id = $2 \
                       ORDER BY CASE status WHEN 'active' THEN 0 ELSE 1 END, id LIMIT 3";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(account).fetch_all(c).await)?)
}
