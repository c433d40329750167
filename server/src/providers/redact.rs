//! Takes everything key-like out of a provider's text before a person or a log sees it (K13).
//! It owns the rules of what is masked: any piece of the key, plain, masked by the provider, percent-encoded, base64 or
//! hex, and any token that looks like some key. It errs towards masking too much; it must never keep a doubtful piece.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What stands in the place of a masked piece. A key never contains it (K2), so no piece of a key arises around it.
const MASK: &str = "••••";

/// The longest text that is shown.
const MAX_CHARS: usize = 300;

/// Only so much of a text is looked at; the rest is dropped.
const MAX_INPUT_CHARS: usize = 4_000;

/// The shortest piece of the key that must not survive.
const WINDOW: usize = 5;

/// The provider's text without control characters and without anything that is or looks like a key, in one line of at
/// most 300 characters.
pub fn scrub(text: &str, key: &SecretString) -> String {
    let text = normalise(text);
    let mut marked = vec![false; text.len()];
    mark_pieces(&text, &key_forms(key.expose_secret()), &mut marked);
    mark_tokens(&text, key.expose_secret(), &mut marked);
    assemble(&text, &marked)
}

/// [`scrub`], or `None` when nothing but white space and masks would be left.
pub fn scrub_message(text: &str, key: &SecretString) -> Option<String> {
    let scrubbed = scrub(text, key);
    scrubbed
        .chars()
        .any(char::is_alphanumeric)
        .then_some(scrubbed)
}

/// One line without control and invisible characters, which could hide a key from the rules below.
fn normalise(text: &str) -> Vec<char> {
    let mut chars = Vec::new();
    for character in text.chars().take(MAX_INPUT_CHARS) {
        if character.is_whitespace() {
            if chars.last().is_some_and(|last| *last != ' ') {
                chars.push(' ');
            }
        } else if !character.is_control() && !is_invisible(character) {
            chars.push(character);
        }
    }
    chars
}

/// Zero-width and direction characters, the soft hyphen and the byte order mark.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

type Form = Zeroizing<Vec<char>>;

/// The key as it may be written: plain, hex, and base64 at each of the three alignments in both alphabets.
fn key_forms(key: &str) -> Vec<Form> {
    let form = |text: &str| {
        Zeroizing::new(
            text.chars()
                .map(|c| c.to_ascii_lowercase())
                .collect::<Vec<_>>(),
        )
    };
    let mut forms = vec![form(key)];
    let mut hex = Zeroizing::new(String::with_capacity(key.len() * 2));
    for byte in key.bytes() {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    forms.push(form(&hex));
    for lead in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; lead]);
        bytes.extend_from_slice(key.as_bytes());
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*bytes));
            // The first characters hold bits of the lead, and the last one of whatever would follow.
            let first = (lead * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            if let Some(stable) = encoded.get(first..last) {
                forms.push(form(stable));
            }
        }
    }
    forms
}

/// A character of the text after percent-decoding, with the range of the text that it came from.
#[derive(Clone, Copy)]
struct Decoded {
    character: char,
    from: usize,
    to: usize,
}

fn mark_pieces(text: &[char], forms: &[Form], marked: &mut [bool]) {
    let mut decoded: Vec<Decoded> = text
        .iter()
        .enumerate()
        .map(|(at, c)| Decoded {
            character: c.to_ascii_lowercase(),
            from: at,
            to: at + 1,
        })
        .collect();
    // Three rounds, because proxies encode what is encoded already.
    for _ in 0..3 {
        for form in forms {
            mark_windows(&decoded, form, marked);
        }
        let length = decoded.len();
        decoded = percent_decode(&decoded);
        if decoded.len() == length {
            break;
        }
    }
}

fn mark_windows(text: &[Decoded], form: &[char], marked: &mut [bool]) {
    // A form of four characters is looked for as a whole; a shorter one could not be told from ordinary text.
    let size = form.len().min(WINDOW);
    if size < WINDOW - 1 {
        return;
    }
    for window in text.windows(size) {
        let is_piece = form.windows(size).any(|piece| {
            piece
                .iter()
                .zip(window)
                .all(|(expected, found)| *expected == found.character)
        });
        if is_piece && let (Some(first), Some(last)) = (window.first(), window.last()) {
            marked[first.from..last.to].fill(true);
        }
    }
}

fn percent_decode(text: &[Decoded]) -> Vec<Decoded> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(current) = text.get(at) {
        let escaped = match text.get(at..at + 3) {
            Some([percent, high, low]) if percent.character == '%' => high
                .character
                .to_digit(16)
                .zip(low.character.to_digit(16))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                .filter(u8::is_ascii)
                .map(|byte| Decoded {
                    character: char::from(byte).to_ascii_lowercase(),
                    from: percent.from,
                    to: low_end(text, at),
                }),
            _ => None,
        };
        at += if escaped.is_some() { 3 } else { 1 };
        decoded.push(escaped.unwrap_or(*current));
    }
    decoded
}

fn low_end(text: &[Decoded], at: usize) -> usize {
    text.get(at + 2).map_or(0, |low| low.to)
}

/// Masks whole tokens: those in which a piece was found, and those that look like a key or a shortened one.
fn mark_tokens(text: &[char], key: &str, marked: &mut [bool]) {
    let key: Zeroizing<Vec<char>> =
        Zeroizing::new(key.chars().map(|c| c.to_ascii_lowercase()).collect());
    let mut start = 0;
    while start < text.len() {
        if !is_token_char(text[start]) {
            start += 1;
            continue;
        }
        let length = text[start..]
            .iter()
            .take_while(|c| is_token_char(**c))
            .count();
        let end = start + length;
        // The full stop of a sentence is no part of the token.
        let token_end = if text[start..end].ends_with(&['.']) {
            end - 1
        } else {
            end
        };
        if marked[start..end].contains(&true) || is_suspicious(&text[start..end], &key) {
            marked[start..token_end].fill(true);
        }
        start = end;
    }
}

fn is_token_char(character: char) -> bool {
    character.is_alphanumeric() || "_-+/=%~.…".contains(character) || is_blot(character)
}

/// What providers write over the hidden part of a key.
fn is_blot(character: char) -> bool {
    "*•●∙·█■▪＊∗✱⁎#".contains(character)
}

fn is_suspicious(token: &[char], key: &[char]) -> bool {
    let has_text = token.iter().any(|c| c.is_alphanumeric());
    if has_text && token.iter().any(|c| is_blot(*c)) {
        return true;
    }
    is_shortened(token, key)
        || token
            .split(|c| !c.is_alphanumeric())
            .any(|run| is_key_end(run, key))
        || token.split(|c| "/.=%…".contains(*c)).any(looks_like_key)
}

/// `sk-ab…wxyz`, `...wxyz`, or the key's beginning before an ellipsis.
fn is_shortened(token: &[char], key: &[char]) -> bool {
    let is_dot = |c: &char| *c == '.' || *c == '…';
    let mut at = 0;
    while at < token.len() {
        let dots = token[at..].iter().take_while(|c| is_dot(c)).count();
        let is_ellipsis = dots > 1 || (dots == 1 && token[at] == '…');
        if is_ellipsis {
            if token.get(at + dots).is_some_and(|c| c.is_alphanumeric()) {
                return true;
            }
            let before = &token[..at];
            if before.len() > 1
                && before.len() <= key.len()
                && before
                    .iter()
                    .zip(key)
                    .all(|(found, expected)| found.to_ascii_lowercase() == *expected)
            {
                return true;
            }
        }
        at += dots.max(1);
    }
    false
}

/// The key's last four characters standing alone, as in "the key ending in wxyz".
fn is_key_end(run: &[char], key: &[char]) -> bool {
    run.len() == 4
        && key.len() >= 4
        && run
            .iter()
            .zip(&key[key.len() - 4..])
            .all(|(found, expected)| found.to_ascii_lowercase() == *expected)
}

/// Long runs of letters and digits, and anything behind a common key prefix. Words with hyphens are let through.
fn looks_like_key(piece: &[char]) -> bool {
    const PREFIXES: &[&str] = &[
        "sk-", "sk_", "pk-", "pk_", "rk_", "key_", "key-", "org_", "sub-sk-", "bvai_",
    ];
    let has_letter = piece.iter().any(|c| c.is_alphabetic());
    let has_digit = piece.iter().any(char::is_ascii_digit);
    let has_prefix = || {
        PREFIXES.iter().any(|prefix| {
            piece.len() > prefix.len()
                && prefix
                    .chars()
                    .zip(piece)
                    .all(|(expected, found)| expected == found.to_ascii_lowercase())
        })
    };
    let is_wordy = || {
        piece
            .split(|c| *c == '-' || *c == '_')
            .all(|word| word.len() <= 20 && word.iter().all(char::is_ascii_lowercase))
    };
    (has_digit && piece.len() >= if has_letter { 16 } else { 20 })
        || (piece.len() >= 32 && !is_wordy())
        || (piece.len() >= 7 && has_digit && has_prefix())
}

fn assemble(text: &[char], marked: &[bool]) -> String {
    let mut result = String::new();
    let mut was_marked = false;
    for (character, is_marked) in text.iter().zip(marked) {
        if !is_marked {
            result.push(*character);
        } else if !was_marked {
            result.push_str(MASK);
        }
        was_marked = *is_marked;
    }
    let result = result.trim();
    if result.chars().count() <= MAX_CHARS {
        return result.to_owned();
    }
    let mut cut: String = result.chars().take(MAX_CHARS - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
