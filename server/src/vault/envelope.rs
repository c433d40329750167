//! The envelope of E1: a fresh data key per seal, sealed under a key derived from the master key, and the secret sealed under
//! the data key. It owns what the associated data says, and in which bytes; it must not change them without a new format
//! version, since every stored record depends on them.

use std::fmt;

use aws_lc_rs::{hkdf, rand};
use zeroize::Zeroizing;

use super::VaultError;
use super::cipher::{self, Cipher, FORMAT_VERSION};
use super::key_bytes::{KEY_LENGTH, KeyBytes};
use super::master_key::MasterKey;

/// First part of all associated data, so that nothing sealed elsewhere with the same key is ever taken for a vault record.
const FORMAT_TAG: &[u8] = b"ringfence vault";

/// Separates wrapping keys from anything else that may one day be derived from the master key.
const WRAP_CONTEXT: &[u8] = b"ringfence vault: wrap a data key";

/// Length of the salt in front of a wrapped data key, in bytes.
const SALT_LENGTH: usize = 32;

/// The row that a secret belongs to. All of it is authenticated with the secret, so that a record that was moved to another
/// agency, scope, provider, key, version or field does not open (E1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding<'a> {
    /// The agency that owns the key.
    pub agency_id: &'a str,
    /// What kind of thing the key is for: the agency, one client, one flow.
    pub scope_kind: &'a str,
    /// Which agency, client or flow.
    pub scope_id: &'a str,
    /// The provider that the key opens.
    pub provider: &'a str,
    /// The provider key.
    pub key_id: &'a str,
    /// The version of that key; every accepted save makes a new one.
    pub version: i64,
    /// Which field of the version, such as the API key or an auth token.
    pub field: &'a str,
}

/// A sealed record, as the columns of a row hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The cipher of both blobs.
    pub cipher: Cipher,
    /// Public id of the master key that wrapped the data key.
    pub master_key_id: String,
    /// The data key: format version, salt, nonce, ciphertext, tag.
    pub wrapped_key: Vec<u8>,
    /// The secret: format version, nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("cipher", &self.cipher.as_str())
            .field("master_key_id", &self.master_key_id)
            .field(
                "wrapped_key",
                &format_args!("{} bytes", self.wrapped_key.len()),
            )
            .field("sealed", &format_args!("{} bytes", self.sealed.len()))
            .finish()
    }
}

/// What a record is for. The kind is authenticated too: a sub key's record never opens as a provider key.
pub(super) enum Subject<'a> {
    ProviderKey(&'a Binding<'a>),
    SubKey(&'a str),
    Canary,
}

/// Which of a record's two blobs.
#[derive(Clone, Copy)]
enum Role {
    DataKey,
    Secret,
}

pub(super) fn seal(
    master: &MasterKey,
    cipher: Cipher,
    subject: &Subject<'_>,
    plaintext: &[u8],
) -> Result<Sealed, VaultError> {
    let data_key = KeyBytes::random()?;
    Ok(Sealed {
        cipher,
        master_key_id: master.id().to_owned(),
        wrapped_key: wrap(master, cipher, subject, &data_key)?,
        sealed: cipher.seal(
            &data_key,
            &[],
            &associated_data(cipher, Role::Secret, subject),
            plaintext,
        )?,
    })
}

pub(super) fn open(
    master: &MasterKey,
    subject: &Subject<'_>,
    record: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let data_key = unwrap(master, subject, record)?;
    record.cipher.open(
        &data_key,
        0,
        &associated_data(record.cipher, Role::Secret, subject),
        &record.sealed,
    )
}

/// Wraps the record's data key under `new` instead of `old`. The sealed secret stays byte for byte as it is.
pub(super) fn rewrap(
    new: &MasterKey,
    old: &MasterKey,
    subject: &Subject<'_>,
    record: &Sealed,
) -> Result<Sealed, VaultError> {
    let data_key = unwrap(old, subject, record)?;
    Ok(Sealed {
        cipher: record.cipher,
        master_key_id: new.id().to_owned(),
        wrapped_key: wrap(new, record.cipher, subject, &data_key)?,
        sealed: record.sealed.clone(),
    })
}

fn wrap(
    master: &MasterKey,
    cipher: Cipher,
    subject: &Subject<'_>,
    data_key: &KeyBytes,
) -> Result<Vec<u8>, VaultError> {
    let mut salt = [0; SALT_LENGTH];
    rand::fill(&mut salt).map_err(|_| VaultError::Random)?;
    cipher.seal(
        &wrapping_key(master, cipher, &salt)?,
        &salt,
        &associated_data(cipher, Role::DataKey, subject),
        data_key.expose(),
    )
}

fn unwrap(
    master: &MasterKey,
    subject: &Subject<'_>,
    record: &Sealed,
) -> Result<KeyBytes, VaultError> {
    if record.master_key_id != master.id() {
        return Err(VaultError::WrongMasterKey {
            needs: record.master_key_id.clone(),
            have: master.id().to_owned(),
        });
    }
    let (salt, _) = cipher::split_header(&record.wrapped_key, SALT_LENGTH)?;
    let bytes = record.cipher.open(
        &wrapping_key(master, record.cipher, salt)?,
        SALT_LENGTH,
        &associated_data(record.cipher, Role::DataKey, subject),
        &record.wrapped_key,
    )?;
    KeyBytes::from_slice(&bytes)
        .ok_or_else(|| VaultError::Format("its data key is not 32 bytes".to_owned()))
}

/// One wrapping key per record: HKDF-SHA256 over the master key with the record's own salt.
fn wrapping_key(master: &MasterKey, cipher: Cipher, salt: &[u8]) -> Result<KeyBytes, VaultError> {
    // HKDF fails only when more output is asked for than it can give.
    let failed = |_| VaultError::Format("no wrapping key could be derived".to_owned());
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(master.expose());
    let context = [WRAP_CONTEXT, cipher.as_str().as_bytes()];
    let derived = extracted
        .expand(&context, hkdf::HKDF_SHA256)
        .map_err(failed)?;
    KeyBytes::filled_by(|key: &mut [u8; KEY_LENGTH]| derived.fill(key)).map_err(failed)
}

/// The authenticated context of a blob. Every part has its length in front, so that no two different lists of parts give the
/// same bytes.
fn associated_data(cipher: Cipher, role: Role, subject: &Subject<'_>) -> Vec<u8> {
    let role: &[u8] = match role {
        Role::DataKey => b"data key",
        Role::Secret => b"secret",
    };
    let mut bytes = Vec::new();
    for part in [
        FORMAT_TAG,
        &[FORMAT_VERSION],
        cipher.as_str().as_bytes(),
        role,
    ] {
        push_part(&mut bytes, part);
    }
    match subject {
        Subject::ProviderKey(binding) => {
            push_part(&mut bytes, b"provider key");
            push_part(&mut bytes, binding.agency_id.as_bytes());
            push_part(&mut bytes, binding.scope_kind.as_bytes());
            push_part(&mut bytes, binding.scope_id.as_bytes());
            push_part(&mut bytes, binding.provider.as_bytes());
            push_part(&mut bytes, binding.key_id.as_bytes());
            push_part(&mut bytes, &binding.version.to_be_bytes());
            push_part(&mut bytes, binding.field.as_bytes());
        }
        Subject::SubKey(name) => {
            push_part(&mut bytes, b"sub key");
            push_part(&mut bytes, name.as_bytes());
        }
        Subject::Canary => push_part(&mut bytes, b"canary"),
    }
    bytes
}

fn push_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&length_prefix(part));
    bytes.extend_from_slice(part);
}

/// The length of a part as eight bytes, most significant first.
pub(super) fn length_prefix(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}
