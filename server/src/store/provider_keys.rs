//! Stored provider keys and their versions. Rows carry sealed bytes only; opening them is the vault's work.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    config::Region,
    error::Result,
    id::{AccountId, AgencyId, ClientId, KeyId, UserId},
    providers::ProviderKind,
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        keyset::Keyset,
        on,
    },
};

/// A key with the version in use.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct KeyRow {
    pub(crate) id: KeyId,
    pub(crate) agency_id: AgencyId,
    pub(crate) scope_kind: String,
    pub(crate) scope_id: String,
    pub(crate) provider: String,
    pub(crate) health: String,
    pub(crate) health_message: Option<String>,
    pub(crate) checked_at: Option<Timestamp>,
    /// `closed` or `open` (R8).
    pub(crate) breaker: String,
    #[sqlx(flatten)]
    pub(crate) version: VersionRow,
}

/// One version of a key.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct VersionRow {
    pub(crate) version: i64,
    pub(crate) account_id: AccountId,
    pub(crate) region: String,
    pub(crate) capabilities: String,
    pub(crate) last_four: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) cipher: String,
    pub(crate) master_key_id: String,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) saved_by: Option<UserId>,
    pub(crate) saved_at: Timestamp,
}

/// The place that a scope has for a provider's key, filled or not.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct SlotRow {
    pub(crate) id: KeyId,
    pub(crate) active_version: Option<i64>,
    pub(crate) last_version: i64,
}

/// Whose key: a scope within an agency.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
}

macro_rules! select_keys {
    ($tail:literal) => {
        concat!(
            "SELECT k.id, k.agency_id, k.scope_kind, k.scope_id, k.provider, k.health, k.health_message, k.checked_at, \
             k.breaker, v.version, v.account_id, v.region, v.capabilities, v.last_four, v.fingerprint, v.cipher, v.master_key_id, \
             v.wrapped_key, v.sealed, v.saved_by, v.saved_at \
             FROM provider_keys k JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version ",
            $tail
        )
    };
}

/// The stored key of a scope and provider, unless it is cleared.
pub(crate) async fn find_in_scope(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    provider: ProviderKind,
) -> Result<Option<KeyRow>> {
    const SQL: &str = select_keys!(
        "WHERE k.agency_id = $1 AND k.scope_kind = $2 AND k.scope_id = $3 AND k.provider = $4"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(scope.kind)
        .bind(scope.id)
        .bind(provider.as_str())
        .fetch_optional(c)
        .await)?)
}

/// A stored key by its id, unless it is cleared.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
) -> Result<Option<KeyRow>> {
    const SQL: &str = select_keys!("WHERE k.agency_id = $1 AND k.id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).fetch_optional(c).await)?)
}

/// One version of a key, in use or not.
pub(crate) async fn find_version(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    version: i64,
) -> Result<Option<KeyRow>> {
    const SQL: &str = "SELECT k.id, k.agency_id, k.scope_kind, k.scope_id, k.provider, k.health, k.health_message, \
        k.checked_at, k.breaker, v.version, v.account_id, v.region, v.capabilities, v.last_four, v.fingerprint, v.cipher, \
        v.master_key_id, v.wrapped_key, v.sealed, v.saved_by, v.saved_at \
        FROM provider_keys k JOIN provider_key_versions v ON v.key_id = k.id \
        WHERE k.agency_id = $1 AND k.id = $2 AND v.version = $3";
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(key).bind(version).fetch_optional(c).await)?,
    )
}

/// One page of the keys of a scope, by provider; the provider is the cursor, so that no key id shows in it.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    providers: &str,
    page: &Keyset,
) -> Result<Vec<KeyRow>> {
    const FORWARD: &str = select_keys!(
        "WHERE k.agency_id = $1 AND k.scope_kind = $5 AND k.scope_id = $6 \
         AND ($2 = '' OR $2 LIKE '%|' || k.provider || '|%') AND k.provider > $3 ORDER BY k.provider ASC LIMIT $4"
    );
    const BACKWARD: &str = select_keys!(
        "WHERE k.agency_id = $1 AND k.scope_kind = $5 AND k.scope_id = $6 \
         AND ($2 = '' OR $2 LIKE '%|' || k.provider || '|%') AND ($3 = '' OR k.provider < $3) \
         ORDER BY k.provider DESC LIMIT $4"
    );
    let sql = if page.is_backward { BACKWARD } else { FORWARD };
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(providers)
        .bind(page.key())
        .bind(page.limit)
        .bind(scope.kind)
        .bind(scope.id)
        .fetch_all(c)
        .await)?)
}

/// How many keys of a scope are stored.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    providers: &str,
) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM provider_keys k WHERE k.agency_id = $1 AND k.scope_kind = $3 \
        AND k.scope_id = $4 AND k.active_version IS NOT NULL AND ($2 = '' OR $2 LIKE '%|' || k.provider || '|%')";
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(providers)
        .bind(scope.kind)
        .bind(scope.id)
        .fetch_one(c)
        .await)?)
}

/// The stored keys of up to a hundred clients, by provider.
pub(crate) async fn list_by_clients(
    conn: &mut Conn,
    agency: &AgencyId,
    clients: &[String],
) -> Result<Vec<KeyRow>> {
    const SQL: &str = concat!(
        select_keys!("WHERE k.agency_id = $1 AND k.scope_kind = 'client' AND k.scope_id IN ("),
        hundred!(),
        ") ORDER BY k.provider"
    );
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), clients).fetch_all(c).await)?)
}

/// The stored keys with this fingerprint, that is, the very same key of a provider in any scope (K11).
pub(crate) async fn list_by_fingerprint(
    conn: &mut Conn,
    agency: &AgencyId,
    fingerprint: &[u8],
) -> Result<Vec<KeyRow>> {
    const SQL: &str =
        select_keys!("WHERE v.agency_id = $1 AND v.fingerprint = $2 ORDER BY k.scope_kind, k.id");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(fingerprint).fetch_all(c).await)?)
}

/// The account that this very key opened when it was last stored, in any scope, in use or not.
pub(crate) async fn find_account_by_fingerprint(
    conn: &mut Conn,
    agency: &AgencyId,
    fingerprint: &[u8],
    region: Region,
) -> Result<Option<AccountId>> {
    const SQL: &str = "SELECT account_id FROM provider_key_versions \
        WHERE agency_id = $1 AND fingerprint = $2 AND region = $3 ORDER BY saved_at DESC LIMIT 1";
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(fingerprint)
        .bind(region.as_str())
        .fetch_optional(c)
        .await)?)
}

/// The client whose own key this is, whether or not it is in use.
pub(crate) async fn find_client(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
) -> Result<Option<ClientId>> {
    const SQL: &str = "SELECT scope_id FROM provider_keys WHERE agency_id = $1 AND id = $2 AND scope_kind = 'client'";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(key).fetch_optional(c).await)?)
}

/// Whether a key in use other than this one opens the account.
pub(crate) async fn is_opened_by_another(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    key: &KeyId,
) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM provider_keys k \
        JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version \
        WHERE k.agency_id = $1 AND v.account_id = $2 AND k.id <> $3";
    let count: i64 = on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(account)
        .bind(key)
        .fetch_one(c)
        .await)?;
    Ok(count > 0)
}

/// A version of a key, whether or not it is in use, as a [`KeyRow`] whose health is that of the key.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct StoredVersionRow {
    pub(crate) active_version: Option<i64>,
    pub(crate) retired_at: Option<Timestamp>,
    pub(crate) shred_after: Option<Timestamp>,
    #[sqlx(flatten)]
    pub(crate) key: KeyRow,
}

/// The versions of a scope's key, the newest first.
pub(crate) async fn list_versions(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    provider: ProviderKind,
    limit: i64,
) -> Result<Vec<StoredVersionRow>> {
    const SQL: &str = "SELECT k.active_version, v.retired_at, v.shred_after, k.id, k.agency_id, k.scope_kind, k.scope_id, \
        k.provider, k.health, k.health_message, k.checked_at, k.breaker, v.version, v.account_id, v.region, v.capabilities, \
        v.last_four, v.fingerprint, v.cipher, v.master_key_id, v.wrapped_key, v.sealed, v.saved_by, v.saved_at \
        FROM provider_keys k JOIN provider_key_versions v ON v.key_id = k.id \
        WHERE k.agency_id = $1 AND k.scope_kind = $2 AND k.scope_id = $3 AND k.provider = $4 \
        ORDER BY v.version DESC LIMIT $5";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(scope.kind)
        .bind(scope.id)
        .bind(provider.as_str())
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// The place of a scope and provider; locks it on PostgreSQL for the length of the transaction by touching the row.
pub(crate) async fn lock_slot(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    provider: ProviderKind,
) -> Result<Option<SlotRow>> {
    const SQL: &str = "UPDATE provider_keys SET last_version = last_version \
        WHERE agency_id = $1 AND scope_kind = $2 AND scope_id = $3 AND provider = $4 \
        RETURNING id, active_version, last_version";
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(scope.kind)
        .bind(scope.id)
        .bind(provider.as_str())
        .fetch_optional(c)
        .await)?)
}

/// Makes the place of a scope and provider; false when somebody else just did.
pub(crate) async fn insert_slot(
    conn: &mut Conn,
    agency: &AgencyId,
    scope: &Scope<'_>,
    provider: ProviderKind,
    key: &KeyId,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO provider_keys \
        (id, agency_id, scope_kind, scope_id, provider, active_version, last_version, health, created_at) \
        VALUES ($1, $2, $3, $4, $5, NULL, 0, 'unreachable', $6) \
        ON CONFLICT (agency_id, scope_kind, scope_id, provider) DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(key)
        .bind(agency)
        .bind(scope.kind)
        .bind(scope.id)
        .bind(provider.as_str())
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Adds a version.
pub(crate) async fn insert_version(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    row: &VersionRow,
) -> Result<()> {
    const SQL: &str = "INSERT INTO provider_key_versions \
        (key_id, version, agency_id, account_id, region, capabilities, last_four, fingerprint, cipher, master_key_id, \
         wrapped_key, sealed, saved_by, saved_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    on!(conn, c => sqlx::query(SQL)
        .bind(key)
        .bind(row.version)
        .bind(agency)
        .bind(&row.account_id)
        .bind(&row.region)
        .bind(&row.capabilities)
        .bind(&row.last_four)
        .bind(&row.fingerprint)
        .bind(&row.cipher)
        .bind(&row.master_key_id)
        .bind(&row.wrapped_key)
        .bind(&row.sealed)
        .bind(&row.saved_by)
        .bind(row.saved_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// What a check of the key found.
#[derive(Clone, Debug)]
pub(crate) struct HealthUpdate<'a> {
    pub(crate) health: &'a str,
    pub(crate) message: Option<&'a str>,
    pub(crate) checked_at: Timestamp,
}

/// Puts a version in use, with the health that its validation found.
pub(crate) async fn activate(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    version: i64,
    update: &HealthUpdate<'_>,
) -> Result<()> {
    const SQL: &str = "UPDATE provider_keys SET active_version = $3, last_version = $3, health = $4, \
        health_message = $5, checked_at = $6 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(version)
        .bind(update.health)
        .bind(update.message)
        .bind(update.checked_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Takes the key out of use; its versions stay until they are shredded.
pub(crate) async fn deactivate(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<()> {
    const SQL: &str =
        "UPDATE provider_keys SET active_version = NULL WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(key).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Retires a version: it stays sealed until `shred_after` (K10).
pub(crate) async fn retire_version(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    version: i64,
    now: Timestamp,
    shred_after: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE provider_key_versions SET retired_at = $4, shred_after = $5 \
        WHERE agency_id = $1 AND key_id = $2 AND version = $3";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(version)
        .bind(now)
        .bind(shred_after)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Destroys the sealed bytes of retired versions whose time is over and that nothing holds any more (K10), in all
/// agencies; how many.
pub(crate) async fn shred_due(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    const SQL: &str = "UPDATE provider_key_versions SET sealed = NULL, wrapped_key = NULL \
        WHERE sealed IS NOT NULL AND shred_after <= $1 AND NOT EXISTS (SELECT 1 FROM provider_key_holds h \
        WHERE h.key_id = provider_key_versions.key_id AND h.version = provider_key_versions.version)";
    Ok(on!(conn, c => sqlx::query(SQL).bind(now).execute(c).await.map(|r| r.rows_affected()))?)
}

/// Destroys the sealed bytes of every retired version of a key that nothing holds, whatever is left of its time; how many.
pub(crate) async fn shred_now(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<u64> {
    const SQL: &str = "UPDATE provider_key_versions SET sealed = NULL, wrapped_key = NULL \
        WHERE agency_id = $1 AND key_id = $2 AND sealed IS NOT NULL AND retired_at IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM provider_key_holds h \
        WHERE h.key_id = provider_key_versions.key_id AND h.version = provider_key_versions.version)";
    Ok(on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?)
}

/// Lets every retired version of a key be shredded as soon as nothing holds it.
pub(crate) async fn end_grace(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "UPDATE provider_key_versions SET shred_after = $3 \
        WHERE agency_id = $1 AND key_id = $2 AND retired_at IS NOT NULL AND shred_after > $3";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(key).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Writes down which capabilities a check found.
pub(crate) async fn update_capabilities(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    version: i64,
    capabilities: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE provider_key_versions SET capabilities = $4 \
        WHERE agency_id = $1 AND key_id = $2 AND version = $3";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(key)
        .bind(version)
        .bind(capabilities)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// A key whose account is due for a scheduled sync.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct DueRow {
    pub(crate) agency_id: AgencyId,
    pub(crate) key_id: KeyId,
}

/// Keys whose newest sync began before `before` and whose account has none under way, in all agencies; a scheduler's
/// question. One that may list nothing is
/// never due; one that was refused is, because a refusal may have been the provider's mistake.
pub(crate) async fn list_due_for_sync(conn: &mut Conn, before: Timestamp) -> Result<Vec<DueRow>> {
    const SQL: &str = "SELECT k.agency_id, k.id AS key_id FROM provider_keys k \
        JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version \
        WHERE NOT (v.capabilities LIKE '%\"list_agents\":\"no\"%' AND v.capabilities LIKE '%\"list_numbers\":\"no\"%') \
        AND NOT EXISTS (SELECT 1 FROM sync_runs r WHERE r.key_id = k.id AND r.created_at > $1) \
        AND NOT EXISTS (SELECT 1 FROM sync_runs r WHERE r.account_id = v.account_id AND r.finished_at IS NULL) \
        ORDER BY k.id LIMIT 100";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(before).fetch_all(c).await)?)
}
