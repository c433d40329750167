//! E6: the master key and the session secret as files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;

use super::super::{KeyFileError, MasterKey, SessionSecret};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Writes a private file beside whatever is there.
fn write_private(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    set_mode(path, 0o600);
}

/// E6: made with mode 0600, in folders of mode 0700, and read back as the same key.
#[test]
fn a_created_master_key_is_private_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/production/master.key");
    let made = MasterKey::create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("keys")), 0o700);
    let read = MasterKey::read(&path).unwrap();
    assert_eq!(read.expose(), made.expose());
    assert_eq!(read.id(), made.id());
    let content = fs::read_to_string(&path).unwrap();
    assert_eq!(content.lines().count(), 1);
    assert!(content.starts_with(&format!("ringfence-master-key:v1:{}:", made.id())));
}

/// E6: there is no default and no repetition: each key is its own.
#[test]
fn each_master_key_is_random() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] =
        ["one", "two"].map(|name| MasterKey::create(&folder.path().join(name)).unwrap());
    assert_ne!(one.expose(), two.expose());
    assert_ne!(one.id(), two.id());
}

/// E6: a key file is never overwritten, whatever it holds.
#[test]
fn an_existing_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    for content in ["", "anything"] {
        write_private(&path, content);
        for error in [
            MasterKey::create(&path).unwrap_err(),
            SessionSecret::create(&path).unwrap_err(),
            MasterKey::generate().unwrap().write_new(&path).unwrap_err(),
        ] {
            assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
            assert!(error.to_string().contains("master.key"), "{error}");
        }
        let kit = MasterKey::generate().unwrap().recovery_kit();
        let error = kit.write_new(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::KitExists { .. }), "{error}");
        assert!(error.to_string().contains("master.key"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(
        MasterKey::create(&dangling),
        Err(KeyFileError::Exists { .. })
    ));
    assert!(!folder.path().join("nowhere").exists());
}

/// E6: a file that group or others can reach is refused, with the command that mends it.
#[test]
fn a_file_that_others_can_reach_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master key.txt");
    MasterKey::create(&path).unwrap();
    for open in [
        0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777,
    ] {
        set_mode(&path, open);
        let error = MasterKey::read(&path).unwrap_err();
        assert!(
            matches!(error, KeyFileError::OpenToOthers { mode, .. } if mode == open),
            "{error}"
        );
        let fix = format!("chmod 600 '{}'", path.display());
        assert!(error.to_string().contains(&fix), "{error}");
    }
    for private in [0o600, 0o400] {
        set_mode(&path, private);
        MasterKey::read(&path).unwrap();
    }
}

/// E6: neither file is taken for the other; the message says that the paths may be swapped.
#[test]
fn a_master_key_is_never_taken_for_a_session_secret_or_the_reverse() {
    let folder = tempfile::tempdir().unwrap();
    let [master, session] = ["master.key", "session.key"].map(|name| folder.path().join(name));
    MasterKey::create(&master).unwrap();
    SessionSecret::create(&session).unwrap();
    for error in [
        MasterKey::read(&session).unwrap_err(),
        SessionSecret::read(&master).unwrap_err(),
    ] {
        assert!(matches!(error, KeyFileError::WrongKind { .. }), "{error}");
        assert!(error.to_string().contains("swapped"), "{error}");
    }
    // Not even with its tag changed by hand, since id and checksum depend on the tag.
    let forged = fs::read_to_string(&session)
        .unwrap()
        .replace("ringfence-session-secret", "ringfence-master-key");
    let path = folder.path().join("forged.key");
    write_private(&path, forged);
    assert!(matches!(
        MasterKey::read(&path),
        Err(KeyFileError::Damaged { .. })
    ));
}

/// E6: the session secret is made and read with the same discipline.
#[test]
fn a_created_session_secret_is_private_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.key");
    let made = SessionSecret::create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let read = SessionSecret::read(&path).unwrap();
    assert_eq!(read.expose(), made.expose());
    assert_eq!(read.expose().len(), 32);
    assert_eq!(read.id(), made.id());
    assert!(!format!("{made:?}").contains(&format!("{:?}", made.expose())));
    set_mode(&path, 0o640);
    assert!(matches!(
        SessionSecret::read(&path),
        Err(KeyFileError::OpenToOthers { .. })
    ));
}

/// E4, E6: a missing key is an error that says what to do; reading never makes one.
#[test]
fn a_missing_key_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let error = MasterKey::read(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::Missing { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("ringfence init") && message.contains("recovery kit"),
        "{message}"
    );
    assert!(matches!(
        SessionSecret::read(&path),
        Err(KeyFileError::Missing { .. })
    ));
    assert!(!path.exists());
}

/// E6: a folder, a device or a named pipe is refused at once.
#[test]
fn what_is_not_a_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), Path::new("/dev/zero")] {
        assert!(matches!(
            MasterKey::read(path),
            Err(KeyFileError::NotAFile { .. })
        ));
    }
}

/// E6: a file of a newer release says so.
#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    write_private(
        &path,
        "ringfence-master-key:v2:mk-000000000000:whatever:comes\n",
    );
    let error = MasterKey::read(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::NewerFormat { .. }), "{error}");
    assert!(error.to_string().contains("v2"), "{error}");
}

/// E6: what is no key file is refused, however long and whatever bytes.
#[test]
fn something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let long = "a".repeat(100_000);
    let contents: [&[u8]; 7] = [
        b"",
        b"\n",
        b":::::",
        b"\xff\xfe",
        b"hunter2",
        b"ringfence-master-key:",
        long.as_bytes(),
    ];
    for content in contents {
        write_private(&path, content);
        let error = MasterKey::read(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Damaged { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// E6: any changed character is noticed, and no message repeats the content.
    #[test]
    fn a_damaged_key_file_is_refused_without_showing_it(at in any::<prop::sample::Index>(), with in "[ -~]", cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::create(&path).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let key_text = whole.split(':').nth(3).unwrap().to_owned();
        let mut line = whole.trim_end().to_owned();
        let position = at.index(line.len());
        if cut {
            line.truncate(position);
        } else {
            prop_assume!(line[position..=position] != with && !(with == " " && position + 1 == line.len()));
            line.replace_range(position..=position, &with);
        }
        write_private(&path, &line);
        let error = MasterKey::read(&path).unwrap_err();
        for printed in [error.to_string(), format!("{error:?}")] {
            prop_assert!(!printed.contains(&key_text[..6]), "{}", printed);
            prop_assert!(printed.contains("master.key"), "{}", printed);
        }
    }
}
