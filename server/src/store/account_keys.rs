//! The keys that open an account, of whichever scope of its agency. Rows carry sealed bytes only; which of them is taken for
//! what is decided by the use cases.

use crate::{
    error::Result,
    id::{AccountId, AgencyId},
    store::{Conn, on, provider_keys::KeyRow},
};

/// More versions of keys than an account's webhooks are checked with.
const MOST_VERSIONS: i64 = 64;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT k.id, k.agency_id, k.scope_kind, k.scope_id, k.provider, k.health, k.health_message, k.checked_at, \
             k.breaker, v.version, v.account_id, v.region, v.capabilities, v.last_four, v.fingerprint, v.cipher, v.master_key_id, \
             v.wrapped_key, v.sealed, v.saved_by, v.saved_at FROM provider_keys k \
             JOIN provider_key_versions v ON v.key_id = k.id WHERE k.agency_id = $1 AND v.account_id = $2 ",
            $tail
        )
    };
}

/// The keys in use that open an account, the agency's own first.
pub(crate) async fn list_in_use(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Vec<KeyRow>> {
    const SQL: &str = select!(
        "AND v.version = k.active_version \
         ORDER BY CASE k.scope_kind WHEN 'agency' THEN 0 ELSE 1 END, k.id LIMIT $3"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(MOST_VERSIONS)
        .fetch_all(c)
        .await)?)
}

/// Every version of a key that opens an account and has not been destroyed yet (K10): those in use first, and of the others
/// the newest.
pub(crate) async fn list_not_destroyed(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Vec<KeyRow>> {
    const SQL: &str = select!(
        "AND v.sealed IS NOT NULL ORDER BY CASE WHEN v.version = k.active_version THEN 0 ELSE 1 END, \
         CASE k.scope_kind WHEN 'agency' THEN 0 ELSE 1 END, v.saved_at DESC, k.id LIMIT $3"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(MOST_VERSIONS)
        .fetch_all(c)
        .await)?)
}
