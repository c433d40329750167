//! Thirty-two secret bytes on the heap, where moving them leaves no copy, zeroized when dropped. Every key of the vault is one.
//! It must not be printed, compared with `==`, or cloned.

use aws_lc_rs::rand;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};

/// Length of every key of the vault, in bytes.
pub(super) const KEY_LENGTH: usize = 32;

pub(super) struct KeyBytes(SecretBox<[u8; KEY_LENGTH]>);

/// The operating system gave no random bytes.
#[derive(Debug)]
pub(super) struct NoRandomBytes;

impl KeyBytes {
    pub(super) fn random() -> Result<KeyBytes, NoRandomBytes> {
        let mut key = KeyBytes(SecretBox::default());
        rand::fill(key.0.expose_secret_mut()).map_err(|_| NoRandomBytes)?;
        Ok(key)
    }

    /// Copies a key out of a buffer that the caller zeroizes; `None` unless it is exactly 32 bytes long.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<KeyBytes> {
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        let mut key = KeyBytes(SecretBox::default());
        key.0.expose_secret_mut().copy_from_slice(bytes);
        Some(key)
    }

    /// A key that `fill` writes straight into its place.
    pub(super) fn filled_by<E>(
        fill: impl FnOnce(&mut [u8; KEY_LENGTH]) -> Result<(), E>,
    ) -> Result<KeyBytes, E> {
        let mut key = KeyBytes(SecretBox::default());
        fill(key.0.expose_secret_mut())?;
        Ok(key)
    }

    pub(super) fn expose(&self) -> &[u8; KEY_LENGTH] {
        self.0.expose_secret()
    }
}

impl From<NoRandomBytes> for super::VaultError {
    fn from(_: NoRandomBytes) -> Self {
        super::VaultError::Random
    }
}

impl From<NoRandomBytes> for super::KeyFileError {
    fn from(_: NoRandomBytes) -> Self {
        super::KeyFileError::Random
    }
}
