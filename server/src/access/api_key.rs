//! The form of the platform's own API keys (A1): `bvai_sk_`, 32 random characters of base62, and 6 that are the CRC-32 of all
//! before them, as GitHub's tokens have it. So what is mistyped is refused without asking the database, and scanners of
//! published code know one for certain. This file owns the secret and its hash; it touches neither SQL nor HTTP, and the
//! secret never prints itself.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use crc::{CRC_32_ISO_HDLC, Crc};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// What every key begins with, and nothing else does.
pub(crate) const PREFIX: &str = "bvai_sk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 190 bits: whoever sees the hint knows 24 of them, and more than 160 are left.
const RANDOM_LENGTH: usize = 32;
/// 62⁶ is just more than 2³².
const CHECKSUM_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM_LENGTH + CHECKSUM_LENGTH;
/// Characters that are shown of a key.
const HINT_LENGTH: usize = 4;
/// The largest multiple of 62 that a byte holds: what is above would favour the first characters.
const UNBIASED: u8 = 248;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// An API key in plain text, wiped when it is dropped.
#[derive(Debug)]
pub(crate) struct ApiKeySecret(SecretString);

impl ApiKeySecret {
    /// A new one, from the system's random source.
    pub(crate) fn generate() -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.push_str(PREFIX);
        let mut bytes = Zeroizing::new([0_u8; 64]);
        while text.len() < PREFIX.len() + RANDOM_LENGTH {
            rand::fill(&mut bytes[..]).map_err(Error::internal)?;
            let missing = PREFIX.len() + RANDOM_LENGTH - text.len();
            let unbiased = bytes.iter().filter(|byte| **byte < UNBIASED);
            text.extend(
                unbiased
                    .take(missing)
                    .map(|byte| letter(usize::from(byte % 62))),
            );
        }
        let checksum = checksum(&text);
        text.extend(checksum);
        Ok(Self(SecretString::from(text.as_str())))
    }

    /// A key as it was sent; `None` for what none can be.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let is_formed = text.len() == LENGTH && random.bytes().all(|byte| ALPHABET.contains(&byte));
        if !is_formed {
            return None;
        }
        let (body, end) = text.split_at(LENGTH - CHECKSUM_LENGTH);
        checksum(body)
            .into_iter()
            .eq(end.chars())
            .then(|| Self(SecretString::from(text)))
    }

    /// What is stored of it. The secret is random and long, so that a fast hash without salt is enough: there is nothing to
    /// guess, and the row is found by it.
    pub(crate) fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.expose().as_bytes()).as_ref().to_vec()
    }

    /// Its last four characters, by which people know it again.
    pub(crate) fn hint(&self) -> String {
        self.expose()[LENGTH - HINT_LENGTH..].to_owned()
    }

    /// The plain text: for the one answer that shows it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Whether a text holds what looks like a key, written plainly or as addresses write it.
pub(crate) fn is_mentioned_in(address: &str) -> bool {
    // Path and query alike: splitting at `&` and `=` cuts no prefix in two.
    address.contains(PREFIX)
        || url::form_urlencoded::parse(address.as_bytes())
            .any(|(name, value)| name.contains(PREFIX) || value.contains(PREFIX))
}

fn letter(index: usize) -> char {
    char::from(ALPHABET[index])
}

fn checksum(text: &str) -> [char; CHECKSUM_LENGTH] {
    let mut rest = usize::try_from(CRC.checksum(text.as_bytes())).unwrap_or(usize::MAX);
    let mut letters = ['0'; CHECKSUM_LENGTH];
    for place in letters.iter_mut().rev() {
        *place = letter(rest % 62);
        rest /= 62;
    }
    letters
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A1: a key is its prefix, 190 random bits and a checksum, and is known again by its hash and its end alone.
    #[test]
    fn a_key_has_its_form_and_is_read_again() {
        let key = ApiKeySecret::generate().expect("a key");
        let text = key.expose();
        assert_eq!(text.len(), 46);
        assert!(text.starts_with("bvai_sk_"));
        let again = ApiKeySecret::parse(text).expect("the same");
        assert_eq!(again.hash(), key.hash());
        assert_eq!(key.hash().len(), 32);
        assert_eq!(key.hint(), &text[42..]);
        assert!(!format!("{key:?}").contains(&text[8..16]));
    }

    /// A1: keys differ, and each character of the alphabet comes about as often as any other.
    #[test]
    fn keys_are_random_and_unbiased() {
        let mut seen = HashSet::new();
        let mut counts = [0_u32; 62];
        for _ in 0..1000 {
            let key = ApiKeySecret::generate().expect("a key");
            let random = &key.expose()[8..40];
            for byte in random.bytes() {
                let index = ALPHABET.iter().position(|letter| *letter == byte);
                counts[index.expect("base62")] += 1;
            }
            assert!(seen.insert(random.to_owned()));
        }
        // 516 are expected of each; the odds of one beyond these bounds are below one in a million.
        assert!(
            counts.iter().all(|count| (380..660).contains(count)),
            "{counts:?}"
        );
    }

    /// A1: what is mistyped, cut or lengthened is no key, and is found out without asking anybody.
    #[test]
    fn what_is_malformed_is_no_key() {
        let key = ApiKeySecret::generate().expect("a key");
        let text = key.expose();
        for place in 8..text.len() {
            let old = text.as_bytes()[place];
            let new = if old == b'a' { 'b' } else { 'a' };
            let mut wrong = text.to_owned();
            wrong.replace_range(place..=place, &new.to_string());
            assert!(ApiKeySecret::parse(&wrong).is_none(), "{place}");
        }
        for wrong in [
            "",
            "bvai_sk_",
            &text[8..],
            &text[..45],
            &format!("{text}0"),
            &format!(" {text}"),
            &text.replace("sk", "pk"),
            &text.to_uppercase(),
            &format!("{}é", &text[..44]),
        ] {
            assert!(ApiKeySecret::parse(wrong).is_none(), "{wrong}");
        }
    }

    /// A1: the checksum is CRC-32 as everybody has it, so that scanners can check one without us.
    #[test]
    fn the_checksum_is_the_known_one() {
        // CRC-32 of "123456789" is 0xCBF43926.
        let number = checksum("123456789").iter().fold(0, |sum: usize, letter| {
            let digit = ALPHABET
                .iter()
                .position(|known| char::from(*known) == *letter);
            sum * 62 + digit.expect("base62")
        });
        assert_eq!(number, 0xCBF4_3926);
    }

    /// A2: a key is found in an address in every spelling that one gives it.
    #[test]
    fn a_key_in_an_address_is_found() {
        for address in [
            "/graphql?key=bvai_sk_x",
            "/bvai_sk_x/calls",
            "/graphql?bvai_sk_x=1",
            "/a?b=c&token=Bearer%20bvai%5Fsk%5Fx",
            "/%62vai_sk_x",
        ] {
            assert!(is_mentioned_in(address), "{address}");
        }
        for address in ["/", "/graphql?key=bvai", "/sk_bvai_", "/settings/api-keys"] {
            assert!(!is_mentioned_in(address), "{address}");
        }
    }
}
