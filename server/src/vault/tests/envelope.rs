//! E1 and E4: what opens, what does not, and that nothing ever panics.

use proptest::prelude::*;

use super::super::{Binding, Cipher, MasterKey, Sealed, Vault, VaultError};
use super::{BINDING, CIPHERS, secret, text, vault, vault_pair};

/// The fields of a binding, owned.
#[derive(Clone, Debug, PartialEq)]
struct Fields {
    names: [String; 6],
    version: i64,
}

impl Fields {
    fn binding(&self) -> Binding<'_> {
        let [agency_id, scope_kind, scope_id, provider, key_id, field] = &self.names;
        Binding {
            agency_id,
            scope_kind,
            scope_id,
            provider,
            key_id,
            version: self.version,
            field,
        }
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    (prop::array::uniform6(".{0,12}"), any::<i64>())
        .prop_map(|(names, version)| Fields { names, version })
}

fn cipher() -> impl Strategy<Value = Cipher> {
    prop::sample::select(CIPHERS.to_vec())
}

fn is_unreadable(result: &Result<secrecy::SecretString, VaultError>) -> bool {
    matches!(result, Err(VaultError::Unreadable))
}

/// Takes one byte out, never the format version.
fn remove_byte(blob: &mut Vec<u8>, at: prop::sample::Index) {
    blob.remove(1 + at.index(blob.len() - 1));
}

/// Where the ciphertext of a sealed secret begins.
fn nonce_length(cipher: Cipher) -> usize {
    match cipher {
        Cipher::XChaCha20Poly1305 => 24,
        Cipher::Aes256Gcm => 12,
    }
}

proptest! {
    /// E1: what was sealed opens for its own row, and is the same text.
    #[test]
    fn a_sealed_secret_opens_for_its_row(cipher in cipher(), fields in fields(), plain in ".{0,300}") {
        let vault = vault(cipher);
        let sealed = vault.seal(&fields.binding(), &secret(&plain)).unwrap();
        prop_assert_eq!(sealed.cipher, cipher);
        prop_assert_eq!(sealed.master_key_id.as_str(), vault.master_key_id());
        let opened = vault.open(&fields.binding(), &sealed).unwrap();
        prop_assert_eq!(text(&opened), plain);
    }

    /// E1: one changed byte anywhere in either blob, and the record does not open. The first byte is the format version, whose
    /// change is told apart.
    #[test]
    fn a_changed_byte_does_not_open(
        cipher in cipher(), plain in ".{0,80}", in_key in any::<bool>(), at in any::<prop::sample::Index>(), flip in 1..=255_u8
    ) {
        let vault = vault(cipher);
        let mut sealed = vault.seal(&BINDING, &secret(&plain)).unwrap();
        let blob = if in_key { &mut sealed.wrapped_key } else { &mut sealed.sealed };
        let position = at.index(blob.len());
        blob[position] ^= flip;
        let opened = vault.open(&BINDING, &sealed);
        if position == 0 {
            prop_assert!(matches!(opened, Err(VaultError::Format(_))));
        } else {
            prop_assert!(is_unreadable(&opened));
        }
    }

    /// E1: a blob that was cut, lengthened or replaced by noise does not open, and nothing panics.
    #[test]
    fn a_cut_or_lengthened_blob_does_not_open(
        cipher in cipher(), plain in ".{0,80}", in_key in any::<bool>(), keep in any::<prop::sample::Index>(),
        extra in prop::collection::vec(any::<u8>(), 1..40)
    ) {
        let vault = vault(cipher);
        let whole = vault.seal(&BINDING, &secret(&plain)).unwrap();
        let change = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut sealed = whole.clone();
            change(if in_key { &mut sealed.wrapped_key } else { &mut sealed.sealed });
            vault.open(&BINDING, &sealed)
        };
        prop_assert!(is_unreadable(&change(&|blob| blob.truncate(keep.index(blob.len())))));
        prop_assert!(is_unreadable(&change(&|blob| remove_byte(blob, keep))));
        prop_assert!(is_unreadable(&change(&|blob| blob.extend_from_slice(&extra))));
        prop_assert!(change(&|blob| blob.clone_from(&extra)).is_err());
    }

    /// E1, E5: noise in every column is an error, never a panic.
    #[test]
    fn noise_is_an_error_and_no_panic(
        cipher in cipher(), wrapped_key in prop::collection::vec(any::<u8>(), 0..200), sealed in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let vault = vault(cipher);
        let master_key_id = vault.master_key_id().to_owned();
        let record = Sealed { cipher, master_key_id, wrapped_key, sealed };
        prop_assert!(vault.open(&BINDING, &record).is_err());
        prop_assert!(vault.check_canary(&record).is_err());
        prop_assert!(vault.open_sub_key("audit", &record).is_err());
    }

    /// E1: a record opens for no other row, whichever fields differ and however.
    #[test]
    fn another_row_does_not_open_it(cipher in cipher(), fields in fields(), other in fields()) {
        prop_assume!(fields != other);
        let vault = vault(cipher);
        let sealed = vault.seal(&fields.binding(), &secret("sk-1234")).unwrap();
        prop_assert!(is_unreadable(&vault.open(&other.binding(), &sealed)));
    }

    /// E1: each single field is bound.
    #[test]
    fn a_change_of_any_one_field_does_not_open_it(cipher in cipher(), fields in fields(), which in 0..7_usize, suffix in ".{1,4}") {
        let vault = vault(cipher);
        let sealed = vault.seal(&fields.binding(), &secret("sk-1234")).unwrap();
        let mut other = fields.clone();
        match other.names.get_mut(which) {
            Some(name) => name.push_str(&suffix),
            None => other.version = other.version.wrapping_add(1),
        }
        prop_assert!(is_unreadable(&vault.open(&other.binding(), &sealed)));
    }

    /// E1: the length prefix keeps ("ab", "c") and ("a", "bc") apart, at each border between two neighbouring fields.
    #[test]
    fn text_that_moves_over_a_border_does_not_open_it(cipher in cipher(), joined in "[a-z]{2,8}", border in 0..5_usize, cuts in any::<[prop::sample::Index; 2]>()) {
        let [one, two] = cuts.map(|cut| cut.index(joined.len() + 1));
        prop_assume!(one != two);
        let split = |cut: usize| {
            let mut names: [String; 6] = Default::default();
            names[border] = joined[..cut].to_owned();
            names[border + 1] = joined[cut..].to_owned();
            Fields { names, version: 1 }
        };
        let vault = vault(cipher);
        let sealed = vault.seal(&split(one).binding(), &secret("sk-1234")).unwrap();
        prop_assert!(is_unreadable(&vault.open(&split(two).binding(), &sealed)));
    }

    /// E1: the data key is fresh per seal. Two seals of one secret share no nonce, no salt and no ciphertext.
    #[test]
    fn two_seals_of_one_secret_have_nothing_in_common(cipher in cipher(), plain in "[ -~]{8,80}") {
        let vault = vault(cipher);
        let [one, two] = [(), ()].map(|()| vault.seal(&BINDING, &secret(&plain)).unwrap());
        let nonce = 1..=nonce_length(cipher);
        let text = 1 + nonce_length(cipher)..one.sealed.len() - 16;
        prop_assert_ne!(&one.sealed[nonce.clone()], &two.sealed[nonce]);
        prop_assert_ne!(&one.sealed[text.clone()], &two.sealed[text]);
        // Salt, nonce and wrapped data key.
        for range in [1..33, 33..33 + nonce_length(cipher), 33 + nonce_length(cipher)..65 + nonce_length(cipher)] {
            prop_assert_ne!(&one.wrapped_key[range.clone()], &two.wrapped_key[range]);
        }
    }

    /// E1: blobs swapped between two rows do not open in either place, nor do those of two seals for one row.
    #[test]
    fn swapped_rows_do_not_open(cipher in cipher(), fields in fields(), other in fields()) {
        let vault = vault(cipher);
        let one = vault.seal(&fields.binding(), &secret("the one")).unwrap();
        let two = vault.seal(&other.binding(), &secret("the other")).unwrap();
        let mixed = Sealed { wrapped_key: two.wrapped_key.clone(), ..one.clone() };
        prop_assert!(is_unreadable(&vault.open(&fields.binding(), &mixed)));
        prop_assert!(is_unreadable(&vault.open(&other.binding(), &mixed)));
        if fields != other {
            prop_assert!(is_unreadable(&vault.open(&fields.binding(), &two)));
            prop_assert!(is_unreadable(&vault.open(&other.binding(), &one)));
        }
    }

    /// E3: a new master key re-wraps the data key only. The secret's blob stays byte for byte, and the old key no longer opens
    /// the record.
    #[test]
    fn rewrapping_moves_a_record_to_another_master_key(from in cipher(), to in cipher(), plain in ".{0,80}") {
        let (old, new) = (vault(from), vault(to));
        let before = old.seal(&BINDING, &secret(&plain)).unwrap();
        let after = new.rewrap(&BINDING, &before, &old).unwrap();
        prop_assert_eq!(&before.sealed, &after.sealed);
        prop_assert_ne!(&before.wrapped_key, &after.wrapped_key);
        prop_assert_eq!(after.cipher, from);
        let opened = new.open(&BINDING, &after).unwrap();
        prop_assert_eq!(text(&opened), plain);
        let refused = matches!(old.open(&BINDING, &after), Err(VaultError::WrongMasterKey { .. }));
        prop_assert!(refused);
        let elsewhere = Binding { version: 2, ..BINDING };
        prop_assert!(new.rewrap(&elsewhere, &before, &old).is_err());
    }
}

/// E1: whichever cipher is configured, records of both open; the record says which one it is.
#[test]
fn records_of_both_ciphers_open_whichever_is_configured() {
    let vaults = vault_pair();
    for sealing in &vaults {
        let sealed = sealing.seal(&BINDING, &secret("sk-1234")).unwrap();
        assert_eq!(sealed.cipher, sealing.cipher());
        for opening in &vaults {
            assert_eq!(text(&opening.open(&BINDING, &sealed).unwrap()), "sk-1234");
        }
    }
}

/// E1: the cipher is bound as well; a record whose cipher column was changed does not open.
#[test]
fn a_record_under_another_ciphers_name_does_not_open() {
    for (one, other) in [(CIPHERS[0], CIPHERS[1]), (CIPHERS[1], CIPHERS[0])] {
        let vault = vault(one);
        let mut sealed = vault.seal(&BINDING, &secret("sk-1234")).unwrap();
        sealed.cipher = other;
        assert!(is_unreadable(&vault.open(&BINDING, &sealed)));
    }
}

/// E1: a cipher that this release does not have is refused by its name.
#[test]
fn an_unknown_cipher_is_refused_by_name() {
    for cipher in CIPHERS {
        assert_eq!(Cipher::parse(cipher.as_str()).unwrap(), cipher);
    }
    for name in [
        "",
        "aes-128-gcm",
        "AES-256-GCM",
        " aes-256-gcm",
        "none",
        "plaintext",
    ] {
        let error = Cipher::parse(name).unwrap_err();
        assert!(matches!(&error, VaultError::UnknownCipher(named) if named == name));
        assert!(error.to_string().contains("xchacha20-poly1305"), "{error}");
    }
}

/// E4: the canary opens under its own master key, and under another one names both, so that the server can say what to do.
#[test]
fn a_wrong_master_key_is_found_by_the_canary() {
    for cipher in CIPHERS {
        let (right, wrong) = (vault(cipher), vault(cipher));
        let canary = right.seal_canary().unwrap();
        right.check_canary(&canary).unwrap();
        let error = wrong.check_canary(&canary).unwrap_err();
        let message = error.to_string();
        let VaultError::WrongMasterKey { needs, have } = error else {
            panic!("{error:?}");
        };
        assert_eq!(
            (needs.as_str(), have.as_str()),
            (right.master_key_id(), wrong.master_key_id())
        );
        assert!(
            message.contains(&needs) && message.contains("recovery kit"),
            "{message}"
        );
    }
}

/// E4: a canary that only claims the loaded key's id does not pass.
#[test]
fn a_canary_with_a_forged_key_id_does_not_pass() {
    let (right, wrong) = (vault(CIPHERS[0]), vault(CIPHERS[0]));
    let mut canary = right.seal_canary().unwrap();
    wrong.master_key_id().clone_into(&mut canary.master_key_id);
    assert!(matches!(
        wrong.check_canary(&canary),
        Err(VaultError::Unreadable)
    ));
}

/// E1: a record of one kind never opens as another, even in the same vault.
#[test]
fn a_record_of_one_kind_does_not_open_as_another() {
    let vault = vault(CIPHERS[0]);
    let key = vault.seal(&BINDING, &secret("sk-1234")).unwrap();
    let canary = vault.seal_canary().unwrap();
    let (_, sub_key) = vault.new_sub_key("audit").unwrap();
    assert!(vault.check_canary(&key).is_err());
    assert!(vault.check_canary(&sub_key).is_err());
    assert!(vault.open_sub_key("audit", &key).is_err());
    assert!(vault.open_sub_key("audit", &canary).is_err());
    assert!(vault.open(&BINDING, &sub_key).is_err());
    assert!(vault.open(&BINDING, &canary).is_err());
}

/// E1: the secret is not in the record, neither as it is nor in the clear bytes around it.
#[test]
fn the_record_does_not_hold_the_plain_secret() {
    let plain = "sk-live-0123456789abcdef";
    for cipher in CIPHERS {
        let sealed = vault(cipher).seal(&BINDING, &secret(plain)).unwrap();
        for blob in [&sealed.sealed, &sealed.wrapped_key] {
            assert!(
                !blob
                    .windows(6)
                    .any(|window| plain.as_bytes().windows(6).any(|part| part == window))
            );
        }
    }
}

/// K13, E2: what is printed for debugging holds no key, no secret and no ciphertext.
#[test]
fn debug_output_holds_no_secret() {
    let master = MasterKey::generate().unwrap();
    let kit = master.recovery_kit();
    let rows: Vec<String> = kit
        .expose()
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(label, _)| label.parse::<u8>().is_ok())
        .map(|(_, row)| row.to_owned())
        .collect();
    assert_eq!(rows.len(), 9);
    let mut printed = vec![format!("{master:?}"), format!("{kit:?}")];
    let vault = Vault::new(master, CIPHERS[0]);
    let sealed = vault.seal(&BINDING, &secret("sk-live-0123")).unwrap();
    let (sub_key, _) = vault.new_sub_key("audit").unwrap();
    printed.extend([
        format!("{vault:?}"),
        format!("{sealed:?}"),
        format!("{sealed:#?}"),
        format!("{sub_key:?}"),
        format!("{:?}", vault.open(&BINDING, &sealed).unwrap()),
    ]);
    for text in &printed {
        assert!(!text.contains("sk-live"), "{text}");
        assert!(
            !rows.iter().any(|row| text.contains(row.as_str())),
            "{text}"
        );
        // A printed byte slice shows as a list of numbers.
        let has_number_list = text
            .split_once('[')
            .is_some_and(|(_, list)| list.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        assert!(!has_number_list, "{text}");
    }
    assert!(printed[3].contains("bytes"), "{}", printed[3]);
}
