//! What people paste into a key field (K2): outer white space goes, what cannot be a key is refused with the reason, and
//! the shape is only ever a hint. No message repeats what was typed.

use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::{Error, Result},
    providers::ProviderKind,
};

/// Longest key that is taken, in bytes; the longest known one has 170.
const MAX_LENGTH: usize = 512;
/// What masks are drawn with: a masked key pasted back must never be saved as a key.
const MASK_CHARACTERS: [char; 9] = ['•', '●', '∙', '·', '…', '⋯', '＊', '█', '■'];

/// A key as it may be tried, or why not.
pub(crate) fn parse(field: &'static str, typed: &SecretString) -> Result<SecretString> {
    let key = typed.expose_secret().trim();
    let refuse = |message: &str| Err(Error::invalid(field, message));
    if key.is_empty() {
        return refuse("Enter the key.");
    }
    if key.len() > MAX_LENGTH {
        return refuse("This is longer than any key: copy the key alone.");
    }
    if key.chars().any(|c| MASK_CHARACTERS.contains(&c))
        || key.contains("***")
        || key.starts_with("...")
    {
        return refuse("This is a masked key, as a dashboard shows it. Copy the whole key.");
    }
    if key.chars().any(char::is_whitespace) {
        return refuse("A key has no spaces or line breaks inside. Copy the key alone.");
    }
    if key.chars().any(|c| c.is_control() || is_invisible(c)) {
        return refuse(
            "The key holds an invisible character. Copy it again from the provider's dashboard.",
        );
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(
            "The key holds a character that no key has. Copy it again from the provider's dashboard.",
        );
    }
    Ok(SecretString::from(key))
}

/// Zero-width and direction marks that come along when text is copied from a page.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}

/// The last four characters, for the mask (K7); of a short key fewer, so that a mask never shows more than a quarter.
pub(crate) fn last_four(key: &SecretString) -> String {
    let key = key.expose_secret();
    let shown = (key.len() / 4).min(4);
    key.get(key.len() - shown..).unwrap_or_default().to_owned()
}

/// Whose key this looks like, where the prefix tells (a hint for a refused key, never a reason to refuse one).
pub(crate) fn looks_like(key: &SecretString) -> Option<&'static str> {
    let key = key.expose_secret();
    [
        ("sk-ant-", "Anthropic"),
        ("sk-or-", "OpenRouter"),
        ("sk-proj-", "OpenAI"),
        ("key_", "Retell"),
        ("org_", "Bland"),
        ("sub-sk-", "Bland"),
        ("bvai_sk_", "Ringfence"),
    ]
    .into_iter()
    .find(|(prefix, _)| key.starts_with(prefix))
    .map(|(_, name)| name)
}

/// A sentence when the key looks like another provider's.
pub(crate) fn hint(provider: ProviderKind, key: &SecretString) -> Option<String> {
    looks_like(key)
        .filter(|name| *name != provider.display_name())
        .map(|name| format!("It looks like a key of {name}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> Result<String> {
        parse("apiKey", &SecretString::from(typed)).map(|key| key.expose_secret().to_owned())
    }

    /// K2: outer white space is trimmed.
    #[test]
    fn outer_white_space_is_trimmed() {
        assert_eq!(parsed("  a1b2c3d4 \n").expect("a key"), "a1b2c3d4");
    }

    /// K2: inner white space, control and mask characters are refused, with a message that says so.
    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_reason() {
        for (typed, word) in [
            ("", "Enter"),
            ("   ", "Enter"),
            ("abc def", "spaces"),
            ("abc\ndef", "spaces"),
            ("abc\u{7}def", "invisible"),
            ("abc\u{200B}def", "invisible"),
            ("••••1234", "masked"),
            ("…4f2A", "masked"),
            ("sk-****1234", "masked"),
            ("clé-secrète", "character"),
        ] {
            let error = parsed(typed).expect_err(typed);
            assert_eq!(error.field(), Some("apiKey"));
            assert!(error.to_string().contains(word), "{typed:?}: {error}");
        }
        assert!(
            parsed(&"x".repeat(513))
                .expect_err("long")
                .to_string()
                .contains("longer")
        );
    }

    /// K2: the shape is a hint and no reason to refuse.
    #[test]
    fn an_unknown_shape_is_taken() {
        assert_eq!(parsed("x").expect("a key"), "x");
        let key = SecretString::from("sk-ant-abcdefgh");
        assert_eq!(
            hint(ProviderKind::Vapi, &key).as_deref(),
            Some("It looks like a key of Anthropic.")
        );
    }

    /// K7: a mask shows four characters of a long key and never a good part of a short one.
    #[test]
    fn a_mask_shows_at_most_a_quarter() {
        assert_eq!(last_four(&SecretString::from("0123456789abcdef")), "cdef");
        assert_eq!(last_four(&SecretString::from("abcdefgh")), "gh");
        assert_eq!(last_four(&SecretString::from("abc")), "");
    }

    proptest::proptest! {
        /// K2: what is accepted can stand in an HTTP header and is what was typed, trimmed.
        #[test]
        fn an_accepted_key_is_plain_and_unchanged(typed in "\\PC{0,40}") {
            if let Ok(key) = parsed(&typed) {
                proptest::prop_assert_eq!(&key, typed.trim());
                proptest::prop_assert!(key.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
