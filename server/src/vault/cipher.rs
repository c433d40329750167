//! The two AEAD ciphers of the vault, and the layout of one sealed blob: format version, header, nonce, ciphertext, tag. It
//! must not know what is sealed or why; lengths are checked here before anything is sliced.

use std::fmt;

use aws_lc_rs::rand;
use chacha20poly1305::aead::{AeadInOut, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

use super::VaultError;
use super::key_bytes::KeyBytes;

/// First byte of each blob. A change of layout takes the next number.
pub(super) const FORMAT_VERSION: u8 = 1;

/// Both ciphers append a 16-byte tag.
const TAG_LENGTH: usize = 16;

/// An AEAD that provider keys can be sealed with. The record says which; both can be read at any time (E1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cipher {
    /// XChaCha20-Poly1305 with 24-byte random nonces, the default.
    XChaCha20Poly1305,
    /// AES-256-GCM with 12-byte random nonces, for those who need a NIST cipher.
    Aes256Gcm,
}

impl Cipher {
    /// The name in settings, in the database and on the settings page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cipher::XChaCha20Poly1305 => "xchacha20-poly1305",
            Cipher::Aes256Gcm => "aes-256-gcm",
        }
    }

    /// Reads the name that [`Cipher::as_str`] writes; anything else is [`VaultError::UnknownCipher`].
    pub fn parse(name: &str) -> Result<Cipher, VaultError> {
        match name {
            "xchacha20-poly1305" => Ok(Cipher::XChaCha20Poly1305),
            "aes-256-gcm" => Ok(Cipher::Aes256Gcm),
            other => Err(VaultError::UnknownCipher(other.to_owned())),
        }
    }

    const fn nonce_length(self) -> usize {
        match self {
            Cipher::XChaCha20Poly1305 => 24,
            Cipher::Aes256Gcm => 12,
        }
    }

    /// Seals `plaintext` into a new blob. `header` is stored as it is, right after the format version.
    pub(super) fn seal(
        self,
        key: &KeyBytes,
        header: &[u8],
        associated_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let nonce_start = 1 + header.len();
        let text_start = nonce_start + self.nonce_length();
        let tag_start = text_start + plaintext.len();
        // The plaintext is encrypted where it will be stored, so that no plain copy remains.
        let mut blob = vec![0; tag_start + TAG_LENGTH];
        blob[0] = FORMAT_VERSION;
        blob[1..nonce_start].copy_from_slice(header);
        rand::fill(&mut blob[nonce_start..text_start]).map_err(|_| VaultError::Random)?;
        blob[text_start..tag_start].copy_from_slice(plaintext);
        let (front, back) = blob.split_at_mut(text_start);
        let (text, tag) = back.split_at_mut(plaintext.len());
        let nonce = &front[nonce_start..];
        match self {
            Cipher::XChaCha20Poly1305 => encrypt::<chacha20poly1305::XChaCha20Poly1305>(
                key,
                nonce,
                associated_data,
                text,
                tag,
            ),
            Cipher::Aes256Gcm => {
                encrypt::<aes_gcm::Aes256Gcm>(key, nonce, associated_data, text, tag)
            }
        }?;
        Ok(blob)
    }

    /// Opens a blob whose header is `header_length` bytes long.
    pub(super) fn open(
        self,
        key: &KeyBytes,
        header_length: usize,
        associated_data: &[u8],
        blob: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let body = split_header(blob, header_length)?.1;
        let (nonce, rest) = body
            .split_at_checked(self.nonce_length())
            .ok_or(VaultError::Unreadable)?;
        let (text, tag) = rest
            .len()
            .checked_sub(TAG_LENGTH)
            .and_then(|text_length| rest.split_at_checked(text_length))
            .ok_or(VaultError::Unreadable)?;
        let mut text = Zeroizing::new(text.to_vec());
        match self {
            Cipher::XChaCha20Poly1305 => decrypt::<chacha20poly1305::XChaCha20Poly1305>(
                key,
                nonce,
                associated_data,
                &mut text,
                tag,
            ),
            Cipher::Aes256Gcm => {
                decrypt::<aes_gcm::Aes256Gcm>(key, nonce, associated_data, &mut text, tag)
            }
        }?;
        Ok(text)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Checks the format version and splits a blob into its header and what follows it.
pub(super) fn split_header(
    blob: &[u8],
    header_length: usize,
) -> Result<(&[u8], &[u8]), VaultError> {
    let (version, rest) = blob.split_first().ok_or(VaultError::Unreadable)?;
    if *version != FORMAT_VERSION {
        return Err(VaultError::Format(format!(
            "its format is version {version}, this release reads version {FORMAT_VERSION}"
        )));
    }
    rest.split_at_checked(header_length)
        .ok_or(VaultError::Unreadable)
}

fn encrypt<A: AeadInOut + KeyInit>(
    key: &KeyBytes,
    nonce: &[u8],
    associated_data: &[u8],
    text: &mut [u8],
    tag: &mut [u8],
) -> Result<(), VaultError> {
    let (aead, nonce) = prepare::<A>(key, nonce)?;
    // Fails only beyond the ciphers' length limits of many gigabytes.
    let made = aead
        .encrypt_inout_detached(&nonce, associated_data, text.into())
        .map_err(|_| VaultError::Format("the secret is too long".to_owned()))?;
    tag.copy_from_slice(&made);
    Ok(())
}

fn decrypt<A: AeadInOut + KeyInit>(
    key: &KeyBytes,
    nonce: &[u8],
    associated_data: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Result<(), VaultError> {
    let (aead, nonce) = prepare::<A>(key, nonce)?;
    let tag = Tag::<A>::try_from(tag).map_err(|_| VaultError::Unreadable)?;
    aead.decrypt_inout_detached(&nonce, associated_data, text.into(), &tag)
        .map_err(|_| VaultError::Unreadable)
}

fn prepare<A: AeadInOut + KeyInit>(
    key: &KeyBytes,
    nonce: &[u8],
) -> Result<(A, Nonce<A>), VaultError> {
    let aead = A::new_from_slice(key.expose()).map_err(|_| VaultError::Unreadable)?;
    let nonce = Nonce::<A>::try_from(nonce).map_err(|_| VaultError::Unreadable)?;
    Ok((aead, nonce))
}
