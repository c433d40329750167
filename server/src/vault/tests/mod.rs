//! Tests of the vault by behaviour, rule by rule. They use real keys, real files and the real ciphers; nothing is faked.

mod envelope;
mod formats;
mod key_files;
mod recovery;
mod sub_keys;

use secrecy::{ExposeSecret, SecretString};

use super::{Binding, Cipher, MasterKey, Vault};

const CIPHERS: [Cipher; 2] = [Cipher::XChaCha20Poly1305, Cipher::Aes256Gcm];

const BINDING: Binding<'static> = Binding {
    agency_id: "agency-1",
    scope_kind: "AGENCY",
    scope_id: "agency-1",
    provider: "VAPI",
    key_id: "key-1",
    version: 1,
    field: "api_key",
};

fn vault(cipher: Cipher) -> Vault {
    Vault::new(MasterKey::generate().unwrap(), cipher)
}

/// Two vaults with one master key and each of the two ciphers as the configured one.
fn vault_pair() -> [Vault; 2] {
    let master = MasterKey::generate().unwrap();
    let again = MasterKey::from_recovery(master.recovery_kit().expose()).unwrap();
    [
        Vault::new(master, CIPHERS[0]),
        Vault::new(again, CIPHERS[1]),
    ]
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn text(secret: &SecretString) -> &str {
    secret.expose_secret()
}
