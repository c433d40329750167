//! The one discipline for files that hold a key: one self-describing line with version, id and checksum; made with `O_EXCL` and
//! mode 0600, flushed to the disk, never overwritten; refused when others can read it. Messages name the path and the fix,
//! never the content.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::RecoveryError;
use super::key_bytes::{KEY_LENGTH, KeyBytes};

/// A key file is one line; a recovery kit that stands in for one is a page.
const FILE_LIMIT: usize = 8 * 1024;

/// Length of 32 bytes in unpadded base64.
const KEY_TEXT_LENGTH: usize = 43;

/// Which of the two files. Each has a tag of its own in front of the line, so that one is never taken for the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFileKind {
    /// The master key of the vault.
    MasterKey,
    /// The secret that signs log-in sessions.
    SessionSecret,
}

impl KeyFileKind {
    const ALL: [KeyFileKind; 2] = [KeyFileKind::MasterKey, KeyFileKind::SessionSecret];

    const fn tag(self) -> &'static str {
        match self {
            KeyFileKind::MasterKey => "ringfence-master-key",
            KeyFileKind::SessionSecret => "ringfence-session-secret",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            KeyFileKind::MasterKey => "master key",
            KeyFileKind::SessionSecret => "session secret",
        }
    }

    const fn id_prefix(self) -> &'static str {
        match self {
            KeyFileKind::MasterKey => "mk",
            KeyFileKind::SessionSecret => "ss",
        }
    }

    /// What to do when the file is not there. A master key is made only where no database needs one already (E6).
    const fn when_missing(self) -> &'static str {
        match self {
            KeyFileKind::MasterKey => {
                "for a new installation `ringfence init` makes one; for an existing database restore its own, from the recovery kit"
            }
            KeyFileKind::SessionSecret => {
                "`ringfence init` makes one; a new one ends every log-in session and nothing else"
            }
        }
    }

    /// What to do when the file is there and cannot be used.
    const fn when_damaged(self) -> &'static str {
        match self {
            KeyFileKind::MasterKey => {
                "restore it from the recovery kit, or remove it if no database uses it yet, and run `ringfence init`"
            }
            KeyFileKind::SessionSecret => {
                "remove it and run `ringfence init`; that ends every log-in session and nothing else"
            }
        }
    }
}

impl std::fmt::Display for KeyFileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.noun())
    }
}

/// Why a key file could not be read or made. The message names the path and what to do, never the content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("there is no {kind} file at {}: {}", path.display(), kind.when_missing())]
    Missing {
        /// Which file.
        kind: KeyFileKind,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something is there already, and a key file is never overwritten.
    #[error(
        "{} is there already and was left as it is: choose another path for the {kind}, or move that file away", path.display()
    )]
    Exists {
        /// Which file.
        kind: KeyFileKind,
        /// What is in the way.
        path: PathBuf,
    },
    /// A recovery kit never goes to a file that is there.
    #[error(
        "{} is there already and was left as it is: name another file for the recovery kit, or move that file away", path.display()
    )]
    KitExists {
        /// What is in the way.
        path: PathBuf,
    },
    /// The path leads to a folder or a device.
    #[error("{} is not a regular file: name the {kind} file itself", path.display())]
    NotAFile {
        /// Which file.
        kind: KeyFileKind,
        /// What was named.
        path: PathBuf,
    },
    /// Group or others have rights on the file.
    #[error(
        "the {kind} file {} can be reached by other users (mode {mode:04o}): run `chmod 600 {}`", path.display(), shell_word(path)
    )]
    OpenToOthers {
        /// Which file.
        kind: KeyFileKind,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is the other of the two key files.
    #[error("{} holds a {found}, not a {kind}: check that the two paths are not swapped", path.display())]
    WrongKind {
        /// The file that was asked for.
        kind: KeyFileKind,
        /// The file that was found.
        found: KeyFileKind,
        /// The file.
        path: PathBuf,
    },
    /// A newer release wrote the file.
    #[error("the {kind} file {} has format {version}, this release reads v1: start a newer release", path.display())]
    NewerFormat {
        /// Which file.
        kind: KeyFileKind,
        /// The file.
        path: PathBuf,
        /// The format that it names.
        version: String,
    },
    /// The line is cut or changed, or the file is something else altogether.
    #[error("the {kind} file {} is damaged or something else: {}", path.display(), kind.when_damaged())]
    Damaged {
        /// Which file.
        kind: KeyFileKind,
        /// The file.
        path: PathBuf,
    },
    /// The file holds recovery rows in place of the line, and they do not add up.
    #[error("the recovery rows in {} do not give a master key: {source}", path.display())]
    Recovery {
        /// The file.
        path: PathBuf,
        /// Which row, and what is wrong with it.
        source: RecoveryError,
    },
    /// The operating system refused.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// The verb: read, make, flush.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// The public id of a key: a MAC of a constant under the key, cut to 48 bits. It names the key and tells nothing about it.
pub(super) fn key_id(kind: KeyFileKind, key: &KeyBytes) -> String {
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let context = format!("{}: public id, v1", kind.tag());
    let mac = hmac::sign(&mac_key, context.as_bytes());
    format!("{}-{}", kind.id_prefix(), hex(&mac.as_ref()[..6]))
}

/// The text of a key file, after checking that it is a regular file which nobody else can reach.
pub(super) fn read_text(kind: KeyFileKind, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing {
            kind,
            path: path.to_owned(),
        },
        _ => io_error("read", path, source),
    };
    // Asked before opening too, since opening a named pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(KeyFileError::NotAFile {
            kind,
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers {
            kind,
            path: path.to_owned(),
            mode,
        });
    }
    // The room is taken up front: a buffer that grows leaves a copy of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * FILE_LIMIT));
    file.take(FILE_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let text = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| text.len() <= FILE_LIMIT)
        .ok_or_else(|| damaged(kind, path))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the one line of a key file. `path` is for the messages.
pub(super) fn parse_line(
    kind: KeyFileKind,
    path: &Path,
    text: &str,
) -> Result<KeyBytes, KeyFileError> {
    let line = text.trim_end();
    let (tag, rest) = line.split_once(':').ok_or_else(|| damaged(kind, path))?;
    if let Some(found) = KeyFileKind::ALL
        .into_iter()
        .find(|other| other.tag() == tag)
        && found != kind
    {
        return Err(KeyFileError::WrongKind {
            kind,
            found,
            path: path.to_owned(),
        });
    }
    if tag != kind.tag() {
        return Err(damaged(kind, path));
    }
    // Only the form of a version is repeated in a message, never what else might stand there.
    let (version, _) = rest.split_once(':').ok_or_else(|| damaged(kind, path))?;
    if is_newer_version(version) {
        return Err(KeyFileError::NewerFormat {
            kind,
            path: path.to_owned(),
            version: version.to_owned(),
        });
    }
    parse_first_version(kind, line).ok_or_else(|| damaged(kind, path))
}

/// `tag:v1:id:key:checksum`, where the checksum covers what stands before it and the id is derived from the key.
fn parse_first_version(kind: KeyFileKind, line: &str) -> Option<KeyBytes> {
    let (checked, checksum) = line.rsplit_once(':')?;
    if checksum != line_checksum(checked) {
        return None;
    }
    let mut parts = checked.split(':');
    let (_tag, version, id, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "v1" || text.len() != KEY_TEXT_LENGTH || parts.next().is_some() {
        return None;
    }
    // Larger than the key, since the decoder asks for room for whole groups of four characters.
    let mut bytes = Zeroizing::new([0_u8; 48]);
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, bytes.as_mut_slice())
        .ok()?;
    let key = KeyBytes::from_slice(bytes.get(..length)?)?;
    (key_id(kind, &key) == id).then_some(key)
}

/// The line that [`parse_line`] reads, with its end of line.
pub(super) fn format_line(kind: KeyFileKind, id: &str, key: &KeyBytes) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new([0_u8; 4 * KEY_LENGTH.div_ceil(3)]);
    let length = URL_SAFE_NO_PAD
        .encode_slice(key.expose(), encoded.as_mut_slice())
        .expect("the buffer holds the padded length, the text is shorter");
    let text = std::str::from_utf8(&encoded[..length]).expect("base64 is ASCII");
    let mut line = Zeroizing::new(String::with_capacity(256));
    for part in [kind.tag(), ":v1:", id, ":", text] {
        line.push_str(part);
    }
    let checksum = line_checksum(&line);
    for part in [":", &checksum, "\n"] {
        line.push_str(part);
    }
    line
}

/// Makes a file with mode 0600 that was not there before, and flushes it and its folder. Missing folders are made with mode
/// 0700.
pub(super) fn write_new(kind: KeyFileKind, path: &Path, text: &str) -> Result<(), KeyFileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_folder(folder)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists {
                kind,
                path: path.to_owned(),
            },
            _ => io_error("make", path, source),
        })?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| io_error("write", path, source))
        .and_then(|()| flush_folder(folder));
    if written.is_err() {
        // Ours for certain, since O_EXCL made it; half a key, or one that may not last, would only stand in the way.
        let _ = fs::remove_file(path);
    }
    written
}

fn make_folder(folder: &Path) -> Result<(), KeyFileError> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .collect();
    for new in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(new) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error("make the folder", new, source));
            }
            _ => {}
        }
        if let Some(parent) = new.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            flush_folder(parent)?;
        }
    }
    Ok(())
}

fn flush_folder(folder: &Path) -> Result<(), KeyFileError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| io_error("flush the folder", folder, source))
}

fn damaged(kind: KeyFileKind, path: &Path) -> KeyFileError {
    KeyFileError::Damaged {
        kind,
        path: path.to_owned(),
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn is_newer_version(version: &str) -> bool {
    version
        .strip_prefix('v')
        .filter(|digits| digits.len() <= 3)
        .and_then(|digits| digits.parse::<u32>().ok())
        .is_some_and(|number| number > 1)
}

fn line_checksum(checked: &str) -> String {
    hex(&digest::digest(&digest::SHA256, checked.as_bytes()).as_ref()[..4])
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The path as one word of a shell command, so that the command in a message can be copied.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '~' | '@');
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
