//! Sub keys: random HMAC keys for fingerprints (K11) and the audit chain (E7). They are stored as records of their own, wrapped
//! by the master key, so that a new master key does not change what they computed (E3). Only MACs leave this file.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{constant_time, hmac};

use super::VaultError;
use super::envelope::length_prefix;
use super::key_bytes::KeyBytes;

/// A random 32-byte HMAC-SHA256 key, zeroized when the last clone is dropped.
#[derive(Clone)]
pub struct SubKey(Arc<KeyBytes>);

impl SubKey {
    pub(super) fn random() -> Result<SubKey, VaultError> {
        Ok(SubKey(Arc::new(KeyBytes::random()?)))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<SubKey> {
        KeyBytes::from_slice(bytes).map(|key| SubKey(Arc::new(key)))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// HMAC-SHA256 over the parts, each with its length in front: `["ab", "c"]` and `["a", "bc"]` differ. Put a constant that
    /// names the purpose first.
    pub fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.expose());
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&length_prefix(part));
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// Whether `mac` is what [`SubKey::hmac`] gives for the parts, compared in constant time.
    pub fn verify(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.hmac(parts), mac).is_ok()
    }
}

impl fmt::Debug for SubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubKey(redacted)")
    }
}
