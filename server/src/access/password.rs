//! Passwords: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), off the async threads and at most two at a
//! time, so that a flood of log-ins cannot take the memory. Never logs or returns what was typed.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Shortest password that is taken, in characters.
pub(crate) const MIN_LENGTH: usize = 12;
/// Longest, in bytes: argon2 would take more, an attacker's megabytes are not welcome.
const MAX_LENGTH: usize = 512;

static SLOTS: Semaphore = Semaphore::const_new(2);

/// A hash that no password has, so that an unknown email costs as much time as a known one.
static DUMMY_HASH: LazyLock<Option<String>> =
    LazyLock::new(|| hash_now(&SecretString::from("no account has this password")).ok());

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &SecretString) -> Result<String> {
    hasher()?
        .hash_password(password.expose_secret().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(e.to_string()))
}

/// Whether a new password may be used.
pub(crate) fn check(field: &'static str, password: &SecretString) -> Result<()> {
    let password = password.expose_secret();
    if password.chars().count() < MIN_LENGTH {
        return Err(Error::invalid(
            field,
            format!("Use at least {MIN_LENGTH} characters; a few words in a row are fine."),
        ));
    }
    if password.len() > MAX_LENGTH {
        return Err(Error::invalid(
            field,
            format!("Use at most {MAX_LENGTH} bytes."),
        ));
    }
    Ok(())
}

/// The hash to keep.
pub(crate) async fn hash(password: SecretString) -> Result<String> {
    let _slot = SLOTS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || hash_now(&password))
        .await
        .map_err(Error::internal)?
}

/// Whether the password fits the hash; without a hash it takes as long and says no.
pub(crate) async fn verify(password: SecretString, hash: Option<String>) -> Result<bool> {
    if password.expose_secret().len() > MAX_LENGTH {
        return Ok(false);
    }
    let _slot = SLOTS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let is_known = hash.is_some();
        let Some(text) = hash.or_else(|| DUMMY_HASH.clone()) else {
            return Ok(false);
        };
        let parsed = PasswordHash::new(&text).map_err(|e| Error::internal(e.to_string()))?;
        let fits = hasher()?
            .verify_password(password.expose_secret().as_bytes(), &parsed)
            .is_ok();
        Ok(fits && is_known)
    })
    .await
    .map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H2: log-in compares with argon2 and tells an unknown account from a wrong password nowhere.
    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let hash = hash(SecretString::from("correct horse battery"))
            .await
            .expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            verify("correct horse battery".into(), Some(hash.clone()))
                .await
                .expect("verify")
        );
        assert!(
            !verify("correct horse batterz".into(), Some(hash))
                .await
                .expect("verify")
        );
        assert!(
            !verify("no account has this password".into(), None)
                .await
                .expect("verify")
        );
    }

    #[test]
    fn a_short_password_is_refused_with_the_field_and_the_fix() {
        let error = check("password", &SecretString::from("short")).expect_err("too short");
        assert_eq!(error.field(), Some("password"));
        assert!(error.to_string().contains("at least 12 characters"));
    }
}
