//! The secret that signs log-in sessions (HS256). It is separate from the master key (E6): its file has a tag of its own, so
//! that neither file is ever taken for the other, and losing it ends sessions and nothing else. It has no default.

use std::fmt;
use std::path::Path;

use super::key_bytes::KeyBytes;
use super::key_file::{self, KeyFileError, KeyFileKind};

const KIND: KeyFileKind = KeyFileKind::SessionSecret;

/// Why a session secret could not be read or made.
pub type SessionSecretError = KeyFileError;

/// 32 random bytes for HS256, zeroized when dropped.
pub struct SessionSecret {
    bytes: KeyBytes,
    id: String,
}

impl SessionSecret {
    /// A new random secret, in memory only.
    pub fn generate() -> Result<SessionSecret, SessionSecretError> {
        Ok(SessionSecret::from_bytes(KeyBytes::random()?))
    }

    /// Reads the secret from its file.
    pub fn read(path: &Path) -> Result<SessionSecret, SessionSecretError> {
        let text = key_file::read_text(KIND, path)?;
        key_file::parse_line(KIND, path, &text).map(SessionSecret::from_bytes)
    }

    /// Makes a random secret and its file, with mode 0600. Never overwrites one.
    pub fn create(path: &Path) -> Result<SessionSecret, SessionSecretError> {
        let secret = SessionSecret::from_bytes(KeyBytes::random()?);
        key_file::write_new(
            KIND,
            path,
            &key_file::format_line(KIND, &secret.id, &secret.bytes),
        )?;
        Ok(secret)
    }

    /// The public id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bytes, for the encoder and decoder of session tokens only.
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    fn from_bytes(bytes: KeyBytes) -> SessionSecret {
        let id = key_file::key_id(KIND, &bytes);
        SessionSecret { bytes, id }
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionSecret({}, redacted)", self.id)
    }
}
