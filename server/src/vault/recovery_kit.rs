//! The recovery kit: the master key as a page for people, to print or to keep in a password manager (E6). It owns the typed form
//! of the key, in which each row carries its own check, so that a mistyped row is named. It must not reach a log: the kit has
//! no `Display`, and its `Debug` shows nothing.

use std::fmt;
use std::path::Path;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::key_bytes::{KEY_LENGTH, KeyBytes};
use super::key_file::{self, KeyFileError, KeyFileKind};

/// Crockford's base32: no I, L, O and U, which people misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight rows of the key and one that checks the whole.
const ROWS: usize = 9;

/// Bytes of the key in a row; a check byte follows them.
const ROW_KEY_LENGTH: usize = 4;

/// Bytes in a row, which eight symbols spell.
const ROW_LENGTH: usize = 5;

/// Symbols in a row.
const ROW_SYMBOLS: usize = 8;

type Row = [u8; ROW_LENGTH];
type Rows = [Row; ROWS];

/// Why a recovery text gives no key. Rows are named, symbols never.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Neither numbered rows nor something of their length.
    #[error("there are no recovery rows in this text: nine rows of two groups of four characters")]
    NoRows,
    /// A row of the nine is not there.
    #[error("row {0} is missing")]
    MissingRow(usize),
    /// A row has a typing mistake.
    #[error(
        "row {0} has a typing mistake: compare it with the kit (capitals do not matter, O counts as 0, I and L as 1)"
    )]
    MistypedRow(usize),
    /// Every row is right by itself, but they do not belong together.
    #[error("the rows do not belong together: take all nine from one kit, in its order")]
    MixedRows,
}

/// The page. Zeroized when dropped.
pub struct RecoveryKit {
    text: Zeroizing<String>,
}

impl RecoveryKit {
    pub(super) fn new(id: &str, key: &KeyBytes) -> RecoveryKit {
        // Room for the whole page: a text that grows leaves a copy of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(8 * 1024));
        for part in [BEFORE_ID, id, AFTER_ID] {
            text.push_str(part);
        }
        for (index, row) in encode_rows(key).iter().enumerate() {
            push_row(&mut text, index, row);
        }
        text.push_str(AFTER_ROWS);
        RecoveryKit { text }
    }

    /// The page as text, for a terminal.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Writes the page to a new file with mode 0600. Never overwrites one.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        key_file::write_new(KeyFileKind::MasterKey, path, &self.text).map_err(|error| match error {
            KeyFileError::Exists { path, .. } => KeyFileError::KitExists { path },
            error => error,
        })
    }
}

impl fmt::Debug for RecoveryKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKit(redacted)")
    }
}

const BEFORE_ID: &str = "\
RINGFENCE RECOVERY KIT

Master key ";

const AFTER_ID: &str = "

What this is
  The key to every provider key in one Ringfence database. Who has it and
  a copy of that database can read them all. Without it, and without the
  master key file, nobody can: each provider key has to be entered again.

Where to keep it
  On paper, or in a password manager. Not on the server, not beside the
  backups of the database, not in a message.

The key
";

const AFTER_ROWS: &str = "
How to restore it
  1. Put this text, or the nine rows typed by hand, into the file that the
     server reads its master key from. Capitals do not matter; O counts as
     0, I and L as 1. Row 9 checks the others.
  2. Let only the server's user reach that file: chmod 600 FILE
  3. Start the server. It names a mistyped row, and it refuses to start if
     the database needs another key than this one.
";

/// Reads the nine rows out of a text: the whole kit, its numbered rows, or nothing but their 72 symbols.
pub(super) fn parse(text: &str) -> Result<KeyBytes, RecoveryError> {
    let mut rows = Zeroizing::new(Rows::default());
    if text.lines().any(|line| numbered_row(line).is_some()) {
        read_numbered(text, &mut rows)?;
    } else {
        read_bare(text, &mut rows)?;
    }
    for (index, row) in rows[..ROWS - 1].iter().enumerate() {
        if row[ROW_KEY_LENGTH] != row_check(index, &row[..ROW_KEY_LENGTH]) {
            return Err(RecoveryError::MistypedRow(index + 1));
        }
    }
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    for (chunk, row) in key.chunks_exact_mut(ROW_KEY_LENGTH).zip(rows.iter()) {
        chunk.copy_from_slice(&row[..ROW_KEY_LENGTH]);
    }
    if rows[ROWS - 1] != whole_check(key.as_slice()) {
        return Err(RecoveryError::MixedRows);
    }
    KeyBytes::from_slice(key.as_slice()).ok_or(RecoveryError::NoRows)
}

/// `3: 7K3Q-9M2X` is row 3; prose and other lines are `None`.
fn numbered_row(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.trim_start_matches(['>', ' ', '\t']).split_once(':')?;
    let number = number.trim().parse().ok()?;
    (1..=ROWS).contains(&number).then_some((number, rest))
}

fn read_numbered(text: &str, rows: &mut Rows) -> Result<(), RecoveryError> {
    let mut is_read = [false; ROWS];
    for (number, rest) in text.lines().filter_map(numbered_row) {
        let mut symbols = Zeroizing::new([0; ROW_SYMBOLS]);
        let length = read_symbols(rest, symbols.as_mut_slice());
        let row = decode_row(symbols.as_slice());
        if length != Some(ROW_SYMBOLS) || is_read[number - 1] && rows[number - 1] != row {
            return Err(RecoveryError::MistypedRow(number));
        }
        rows[number - 1] = row;
        is_read[number - 1] = true;
    }
    match is_read.iter().position(|is_read| !is_read) {
        Some(index) => Err(RecoveryError::MissingRow(index + 1)),
        None => Ok(()),
    }
}

fn read_bare(text: &str, rows: &mut Rows) -> Result<(), RecoveryError> {
    let mut symbols = Zeroizing::new([0; ROWS * ROW_SYMBOLS]);
    if read_symbols(text, symbols.as_mut_slice()) != Some(symbols.len()) {
        return Err(RecoveryError::NoRows);
    }
    for (row, symbols) in rows.iter_mut().zip(symbols.chunks_exact(ROW_SYMBOLS)) {
        *row = decode_row(symbols);
    }
    Ok(())
}

/// Reads base32 symbols as their values, skipping spaces and dashes (word processors make long ones). `None` when there is
/// anything else or more than `values` holds.
fn read_symbols(text: &str, values: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    for character in text.chars() {
        if character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}') {
            continue;
        }
        *values.get_mut(length)? = symbol_value(character)?;
        length += 1;
    }
    Some(length)
}

fn symbol_value(character: char) -> Option<u8> {
    let upper = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = ALPHABET
        .iter()
        .position(|symbol| char::from(*symbol) == upper)?;
    u8::try_from(position).ok()
}

fn decode_row(values: &[u8]) -> Row {
    let bits = values
        .iter()
        .fold(0_u64, |bits, value| bits << 5 | u64::from(*value));
    let mut row = Row::default();
    row.copy_from_slice(&bits.to_be_bytes()[8 - ROW_LENGTH..]);
    row
}

fn push_row(text: &mut String, index: usize, row: &[u8]) {
    let bits = row
        .iter()
        .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    text.push_str("  ");
    text.push(char::from(b"123456789"[index]));
    text.push_str(": ");
    for position in 0..ROW_SYMBOLS {
        if position == ROW_SYMBOLS / 2 {
            text.push('-');
        }
        let value = bits >> (5 * (ROW_SYMBOLS - 1 - position)) & 31;
        text.push(char::from(ALPHABET[value as usize]));
    }
    text.push('\n');
}

fn encode_rows(key: &KeyBytes) -> Zeroizing<Rows> {
    let mut rows = Zeroizing::new(Rows::default());
    for (index, chunk) in key.expose().chunks_exact(ROW_KEY_LENGTH).enumerate() {
        rows[index][..ROW_KEY_LENGTH].copy_from_slice(chunk);
        rows[index][ROW_KEY_LENGTH] = row_check(index, chunk);
    }
    rows[ROWS - 1] = whole_check(key.expose());
    rows
}

/// The number of the row is part of its check, so that swapped rows are noticed as well.
fn row_check(index: usize, bytes: &[u8]) -> u8 {
    let number = [b"123456789"[index]];
    check(&[b"ringfence recovery kit v1, row ", &number, b": ", bytes])[0]
}

fn whole_check(key: &[u8]) -> Row {
    let mut row = Row::default();
    row.copy_from_slice(&check(&[b"ringfence recovery kit v1, whole: ", key])[..ROW_LENGTH]);
    row
}

fn check(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
