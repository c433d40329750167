//! E3, E7, K11: the keys of fingerprints and of the audit chain.

use proptest::prelude::*;

use super::super::VaultError;
use super::{CIPHERS, vault};

proptest! {
    /// K11, E7: the length prefix keeps parts apart: ("ab", "c") and ("a", "bc") have different MACs, as have ("a") and ("a", "").
    #[test]
    fn different_parts_have_different_macs(one in prop::collection::vec("[ab]{0,3}", 0..4), two in prop::collection::vec("[ab]{0,3}", 0..4)) {
        let (key, _) = vault(CIPHERS[0]).new_sub_key("fingerprint").unwrap();
        let [first, second] = [&one, &two].map(|parts| {
            let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
            let mac = key.hmac(&parts);
            assert!(key.verify(&parts, &mac));
            mac
        });
        prop_assert_eq!(one == two, first == second);
    }

    /// E7: a changed, cut or lengthened MAC is refused.
    #[test]
    fn a_changed_mac_is_refused(at in 0..32_usize, flip in 1..=255_u8, length in 0..32_usize) {
        let (key, _) = vault(CIPHERS[0]).new_sub_key("audit").unwrap();
        let mac = key.hmac(&[b"entry"]);
        let mut changed = mac;
        changed[at] ^= flip;
        prop_assert!(!key.verify(&[b"entry"], &changed));
        prop_assert!(!key.verify(&[b"entry"], &mac[..length]));
        prop_assert!(!key.verify(&[b"entry"], &[&mac[..], &[0]].concat()));
    }
}

/// E3: a sub key comes back from its record as the same key, under its own name only.
#[test]
fn a_sub_key_opens_under_its_own_name_only() {
    for cipher in CIPHERS {
        let vault = vault(cipher);
        let (key, sealed) = vault.new_sub_key("audit").unwrap();
        let opened = vault.open_sub_key("audit", &sealed).unwrap();
        assert_eq!(opened.hmac(&[b"entry"]), key.hmac(&[b"entry"]));
        assert!(matches!(
            vault.open_sub_key("fingerprint", &sealed),
            Err(VaultError::Unreadable)
        ));
    }
}

/// E3: fingerprints and audit MACs stay the same over a change of the master key, since sub keys are random and only re-wrapped.
#[test]
fn a_sub_key_survives_a_new_master_key() {
    let (old, new) = (vault(CIPHERS[0]), vault(CIPHERS[1]));
    let (key, sealed) = old.new_sub_key("fingerprint").unwrap();
    let moved = new.rewrap_sub_key("fingerprint", &sealed, &old).unwrap();
    let opened = new.open_sub_key("fingerprint", &moved).unwrap();
    assert_eq!(opened.hmac(&[b"sk-1234"]), key.hmac(&[b"sk-1234"]));
}

/// E3: two sub keys have nothing in common, whatever their names.
#[test]
fn each_sub_key_is_random() {
    let vault = vault(CIPHERS[0]);
    let [one, two] = [(), ()].map(|()| vault.new_sub_key("audit").unwrap().0);
    assert_ne!(one.hmac(&[b"entry"]), two.hmac(&[b"entry"]));
}
