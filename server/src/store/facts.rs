//! Facts of the installation and the rows that the master key itself seals.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    store::{Conn, on},
    vault::{Cipher, Sealed},
};

#[derive(FromRow)]
struct VaultRow {
    cipher: String,
    master_key_id: String,
    wrapped_key: Vec<u8>,
    sealed: Vec<u8>,
}

/// A sealed row by its name.
pub(crate) async fn find_vault_row(conn: &mut Conn, name: &str) -> Result<Option<Sealed>> {
    const SQL: &str =
        "SELECT cipher, master_key_id, wrapped_key, sealed FROM vault_rows WHERE name = $1";
    let row: Option<VaultRow> =
        on!(conn, c => sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?;
    row.map(|row| {
        let cipher = Cipher::parse(&row.cipher)?;
        Ok(Sealed {
            cipher,
            master_key_id: row.master_key_id,
            wrapped_key: row.wrapped_key,
            sealed: row.sealed,
        })
    })
    .transpose()
}

/// Keeps a sealed row; an existing one of that name stays (first writer wins).
pub(crate) async fn insert_vault_row(
    conn: &mut Conn,
    name: &str,
    row: &Sealed,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO vault_rows (name, cipher, master_key_id, wrapped_key, sealed, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(name)
        .bind(row.cipher.as_str())
        .bind(&row.master_key_id)
        .bind(&row.wrapped_key)
        .bind(&row.sealed)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// Keeps the hash of a set-up token, in the place of all earlier ones.
pub(crate) async fn replace_set_up_token(
    conn: &mut Conn,
    token_hash: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    const DELETE: &str = "DELETE FROM set_up_tokens";
    const INSERT: &str = "INSERT INTO set_up_tokens (token_hash, expires_at) VALUES ($1, $2)";
    on!(conn, c => sqlx::query(DELETE).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query(INSERT).bind(token_hash).bind(expires_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Uses a set-up token up: true once, and only while it lives.
pub(crate) async fn take_set_up_token(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "DELETE FROM set_up_tokens WHERE token_hash = $1 AND expires_at > $2";
    let taken = on!(conn, c => sqlx::query(SQL)
        .bind(token_hash)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(taken == 1)
}

/// Whether anything is sealed here: then a missing canary is damage, not a first start (E4).
pub(crate) async fn has_sealed_rows(conn: &mut Conn) -> Result<bool> {
    const SQL: &str = "SELECT (SELECT count(*) FROM vault_rows) + \
        (SELECT count(*) FROM (SELECT key_id FROM provider_key_versions LIMIT 1) AS one) + \
        (SELECT count(*) FROM (SELECT id FROM webhook_endpoints LIMIT 1) AS another)";
    let count: i64 = on!(conn, c => sqlx::query_scalar(SQL).fetch_one(c).await)?;
    Ok(count > 0)
}
