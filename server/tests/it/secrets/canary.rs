//! A secret as the search looks for it: its first and its last eight bytes, in every spelling that software gives them.
//! Four characters are what a mask shows (K7), so shorter pieces are not looked for.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// What must not be found.
pub(crate) struct Secret {
    pub(crate) name: String,
    texts: Vec<String>,
    /// Spellings that are no text: the bytes themselves.
    bytes: Vec<Vec<u8>>,
}

/// Bytes of a secret that count as a leak.
const PIECE: usize = 8;

impl Secret {
    pub(crate) fn new(name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        assert!(value.len() >= PIECE, "too short to be recognised");
        let mut secret = Self {
            name: name.into(),
            texts: Vec::new(),
            bytes: Vec::new(),
        };
        for piece in [&value[..PIECE], &value[value.len() - PIECE..]] {
            for spelling in spellings(piece) {
                match String::from_utf8(spelling) {
                    Ok(text) if !secret.texts.contains(&text) => secret.texts.push(text),
                    Ok(_) => {}
                    Err(error) => secret.bytes.push(error.into_bytes()),
                }
            }
        }
        secret
    }

    /// Where the first piece of it is, with what stands around, for whoever reads the failure.
    pub(crate) fn find(&self, place: &Place) -> Option<String> {
        let found = self.texts.iter().find_map(|text| place.text.find(text));
        if let Some(at) = found {
            let around = |index: usize| place.text.floor_char_boundary(index);
            let (from, to) = (around(at.saturating_sub(120)), around(at + 120));
            return Some(place.text[from..to].to_owned());
        }
        let is_there = |needle: &Vec<u8>| {
            let mut windows = place.bytes.windows(needle.len());
            windows.any(|window| window == needle)
        };
        let raw = self.bytes.iter().find(|needle| is_there(needle));
        raw.map(|_| "its bytes".to_owned())
    }

    /// Whether a piece of it is in there.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.find(&Place::new("a text", text)).is_some()
    }
}

/// A place to be searched.
pub(crate) struct Place {
    pub(crate) name: String,
    bytes: Vec<u8>,
    /// The same, with a mark for what is no text.
    text: String,
}

impl Place {
    pub(crate) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            name: name.into(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }
}

fn joined(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| write(*byte).into_bytes())
        .collect()
}

fn spellings(piece: &[u8]) -> Vec<Vec<u8>> {
    let hex = joined(piece, |byte| format!("{byte:02x}"));
    let percent = joined(piece, |byte| format!("%{byte:02X}"));
    let escaped = joined(piece, |byte| byte.escape_ascii().to_string());
    let in_a_url: String = url::form_urlencoded::byte_serialize(piece).collect();
    let listed = joined(piece, |byte| format!("{byte}, "));
    let listed = listed[..listed.len() - 2].to_vec();
    let mut all = vec![
        piece.to_vec(),
        hex.to_ascii_uppercase(),
        hex,
        percent.to_ascii_lowercase(),
        percent,
        escaped,
        in_a_url.into_bytes(),
        listed,
    ];
    for lead in 0..3 {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(piece);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&bytes);
            // The first characters hold bits of what came before, the last one of what would follow.
            let stable = &encoded[(lead * 8).div_ceil(6)..bytes.len() * 8 / 6];
            all.push(stable.as_bytes().to_vec());
        }
    }
    all
}
