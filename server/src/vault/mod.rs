//! The vault: seals secrets for the database and opens them again (E1). It owns the envelope, the master key, the session
//! secret and the hardening of the process; it knows no SQL, no clock, no configuration, and no provider.
//!
//! **Envelope.** Each seal makes a fresh 32-byte data key. The secret is sealed under the data key, and the data key under a
//! wrapping key that HKDF-SHA256 derives from the master key and a random 32-byte salt stored in front of the record. The
//! salt makes each wrapping key seal exactly once, so that the 12-byte random nonces of AES-256-GCM cannot repeat under one
//! key however many records the master key wraps; XChaCha20-Poly1305 takes the same road, so that there is one format.
//! Associated data binds both blobs to their row: see [`Binding`].
//!
//! **Residue** (E2). Keys live on the heap in buffers that are zeroized when dropped; plaintext buffers of our own likewise, and
//! none grows, since a growing buffer leaves its old copy behind. What stays: key schedules inside the cipher crates while
//! they run and copies that the compiler spills to the stack or registers; blocks inside aws-lc's HKDF until it returns; what
//! a caller copies out of a `SecretString`, such as header values inside the HTTP client; and pages that the kernel swapped
//! out, since memory is not locked. Core dumps are off ([`hardening`]); swap is the operator's to encrypt or switch off.

mod cipher;
mod envelope;
pub mod hardening;
mod key_bytes;
mod key_file;
pub mod master_key;
mod recovery_kit;
pub mod session_secret;
mod sub_key;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

pub use cipher::Cipher;
pub use envelope::{Binding, Sealed};
pub use key_file::{KeyFileError, KeyFileKind};
pub use master_key::{MasterKey, MasterKeyError};
pub use recovery_kit::{RecoveryError, RecoveryKit};
pub use session_secret::SessionSecret;
pub use sub_key::SubKey;

use envelope::Subject;

/// The text inside the canary record. It is no secret: what counts is that it opens.
const CANARY_TEXT: &[u8] = b"The master key of this database is the right one.";

/// Why something could not be sealed or opened. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The record names another master key than the one that is loaded (E4).
    #[error(
        "sealed under master key {needs}, but the master key loaded is {have}; start with the key file of {needs}, or restore \
         that file from its recovery kit"
    )]
    WrongMasterKey {
        /// Public id of the master key that sealed the record.
        needs: String,
        /// Public id of the master key that is loaded.
        have: String,
    },
    /// The record does not authenticate: it was moved to another row, changed, or cut.
    #[error("the sealed record does not open: it was changed, cut, or moved from another row")]
    Unreadable,
    /// The record or the setting names a cipher that this release does not have.
    #[error("unknown cipher {0:?}; known are xchacha20-poly1305 and aes-256-gcm")]
    UnknownCipher(String),
    /// The record is of a format that this release does not read, or holds something else than it should.
    #[error("the sealed record cannot be read: {0}")]
    Format(String),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Seals and opens under one master key. Cheap to clone; every clone is the same vault.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    master: MasterKey,
    cipher: Cipher,
}

impl Vault {
    /// A vault that seals under `master` with `cipher`. It opens records of either cipher.
    pub fn new(master: MasterKey, cipher: Cipher) -> Vault {
        Vault {
            inner: Arc::new(Inner { master, cipher }),
        }
    }

    /// The cipher that new records are sealed with.
    pub fn cipher(&self) -> Cipher {
        self.inner.cipher
    }

    /// The public id of the master key, as the settings page and the recovery kit show it.
    pub fn master_key_id(&self) -> &str {
        self.inner.master.id()
    }

    /// Seals a secret for the one row that `binding` describes, under a fresh data key (E1).
    pub fn seal(&self, binding: &Binding<'_>, secret: &SecretString) -> Result<Sealed, VaultError> {
        self.seal_bytes(
            &Subject::ProviderKey(binding),
            secret.expose_secret().as_bytes(),
        )
    }

    /// Opens a sealed secret. Keep what it returns for one provider request or one signature check only (E2).
    pub fn open(&self, binding: &Binding<'_>, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let bytes = self.open_bytes(&Subject::ProviderKey(binding), sealed)?;
        // The Utf8Error is dropped on purpose: its text says where the secret stops being text.
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| VaultError::Format("what it holds is not text".to_owned()))?;
        Ok(SecretString::from(text))
    }

    /// Seals the canary record that a new database keeps (E4).
    pub fn seal_canary(&self) -> Result<Sealed, VaultError> {
        self.seal_bytes(&Subject::Canary, CANARY_TEXT)
    }

    /// Checks that this vault's master key is the one that sealed the database's canary (E4).
    pub fn check_canary(&self, canary: &Sealed) -> Result<(), VaultError> {
        let text = self.open_bytes(&Subject::Canary, canary)?;
        if *text == CANARY_TEXT {
            Ok(())
        } else {
            Err(VaultError::Unreadable)
        }
    }

    /// Makes a random sub key (fingerprints, audit chain) and the record to store for it. Being random and only wrapped by the
    /// master key, it survives the rotation of the master key (E3). The name is bound into the record.
    pub fn new_sub_key(&self, name: &str) -> Result<(SubKey, Sealed), VaultError> {
        let key = SubKey::random()?;
        let sealed = self.seal_bytes(&Subject::SubKey(name), key.expose())?;
        Ok((key, sealed))
    }

    /// Opens the stored record of the sub key called `name`.
    pub fn open_sub_key(&self, name: &str, sealed: &Sealed) -> Result<SubKey, VaultError> {
        let bytes = self.open_bytes(&Subject::SubKey(name), sealed)?;
        SubKey::from_slice(&bytes)
            .ok_or_else(|| VaultError::Format("a sub key must be 32 bytes".to_owned()))
    }

    /// Wraps a provider key's data key under this vault's master key instead of `old`'s; the secret itself is neither opened
    /// nor sealed anew, and the record keeps its cipher (E3).
    pub fn rewrap(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
        old: &Vault,
    ) -> Result<Sealed, VaultError> {
        self.rewrap_subject(&Subject::ProviderKey(binding), sealed, old)
    }

    /// As [`Vault::rewrap`], for the record of a sub key.
    pub fn rewrap_sub_key(
        &self,
        name: &str,
        sealed: &Sealed,
        old: &Vault,
    ) -> Result<Sealed, VaultError> {
        self.rewrap_subject(&Subject::SubKey(name), sealed, old)
    }

    fn seal_bytes(&self, subject: &Subject<'_>, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        envelope::seal(&self.inner.master, self.inner.cipher, subject, plaintext)
    }

    fn open_bytes(
        &self,
        subject: &Subject<'_>,
        sealed: &Sealed,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        envelope::open(&self.inner.master, subject, sealed)
    }

    fn rewrap_subject(
        &self,
        subject: &Subject<'_>,
        sealed: &Sealed,
        old: &Vault,
    ) -> Result<Sealed, VaultError> {
        envelope::rewrap(&self.inner.master, &old.inner.master, subject, sealed)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("master_key_id", &self.master_key_id())
            .field("cipher", &self.inner.cipher)
            .finish_non_exhaustive()
    }
}
