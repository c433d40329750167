//! The master key: 32 random bytes in a file of their own, outside the database and its backups (E6). It owns how the key is
//! made, read, named and recovered; only the envelope uses its bytes. There is no default key, and no way to print one but the
//! recovery kit.

use std::fmt;
use std::path::Path;

use super::VaultError;
use super::key_bytes::KeyBytes;
use super::key_file::{self, KeyFileError, KeyFileKind};
use super::recovery_kit::{self, RecoveryError, RecoveryKit};

const KIND: KeyFileKind = KeyFileKind::MasterKey;

/// Why a master key could not be read or made.
pub type MasterKeyError = KeyFileError;

/// The key that wraps every data key. Zeroized when dropped; printing it shows its public id only.
pub struct MasterKey {
    bytes: KeyBytes,
    id: String,
}

impl MasterKey {
    /// A new random key, in memory only.
    pub fn generate() -> Result<MasterKey, VaultError> {
        Ok(MasterKey::from_bytes(KeyBytes::random()?))
    }

    /// Reads the key from its file. The file may also hold a recovery kit, or its typed rows, instead of the key file's line:
    /// that is how a kit is restored without any tool.
    pub fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
        let text = key_file::read_text(KIND, path)?;
        match recovery_kit::parse(&text) {
            Ok(bytes) => Ok(MasterKey::from_bytes(bytes)),
            Err(RecoveryError::NoRows) => {
                key_file::parse_line(KIND, path, &text).map(MasterKey::from_bytes)
            }
            Err(source) => Err(KeyFileError::Recovery {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Makes a random key and its file. Never overwrites one.
    pub fn create(path: &Path) -> Result<MasterKey, MasterKeyError> {
        let key = MasterKey::from_bytes(KeyBytes::random()?);
        key.write_new(path)?;
        Ok(key)
    }

    /// Writes this key to a new file, with mode 0600. Never overwrites one.
    pub fn write_new(&self, path: &Path) -> Result<(), MasterKeyError> {
        key_file::write_new(
            KIND,
            path,
            &key_file::format_line(KIND, &self.id, &self.bytes),
        )
    }

    /// The public id: stored with every record, shown on the settings page and the recovery kit.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The page from which people can bring the key back. It holds the key: show it on a terminal or write it to a file, and
    /// never log it (E6).
    pub fn recovery_kit(&self) -> RecoveryKit {
        RecoveryKit::new(&self.id, &self.bytes)
    }

    /// Reads the key back from a recovery kit: the whole text, its numbered rows, or the rows without numbers.
    pub fn from_recovery(text: &str) -> Result<MasterKey, RecoveryError> {
        recovery_kit::parse(text).map(MasterKey::from_bytes)
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    fn from_bytes(bytes: KeyBytes) -> MasterKey {
        let id = key_file::key_id(KIND, &bytes);
        MasterKey { bytes, id }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, redacted)", self.id)
    }
}
