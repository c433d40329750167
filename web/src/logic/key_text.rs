//! What can be said about a typed key without asking anybody: what a paste brought along, what can never be part of a
//! key, and whose key it looks like. The shape of a key is a hint and never a reason to refuse (K2); the server decides.

/// A pasted key without what surrounded it, and what was taken away, in words for the hint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// The key itself.
    pub(crate) key: String,
    /// Such as `spaces` or `the word Bearer`; empty when nothing was removed.
    pub(crate) removed: Vec<&'static str>,
}

impl Cleaned {
    /// The hint below the field, such as `Removed spaces and quotes.`; `None` when nothing was removed.
    pub(crate) fn hint(&self) -> Option<String> {
        let (last, others) = self.removed.split_last()?;
        Some(if others.is_empty() {
            format!("Removed {last}.")
        } else {
            format!("Removed {} and {last}.", others.join(", "))
        })
    }
}

/// Takes away what comes along when a key is copied from an `.env` file, a header or a chat.
pub(crate) fn clean(pasted: &str) -> Cleaned {
    let mut removed: Vec<&'static str> = Vec::new();
    let mut note = |what: &'static str| {
        if !removed.contains(&what) {
            removed.push(what);
        }
    };
    let mut rest = pasted;
    loop {
        let before = rest;
        let trimmed =
            rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'));
        if trimmed.len() != rest.len() {
            note(if rest.contains('\n') && !trimmed.contains('\n') {
                "line breaks"
            } else {
                "spaces"
            });
            rest = trimmed;
        }
        let unquoted = rest.trim_matches(['"', '\'', '`', '“', '”', '‘', '’', ';', ',']);
        if unquoted.len() != rest.len() {
            note("quotes");
            rest = unquoted;
        }
        if let Some(key) = without_bearer(rest) {
            note("the word Bearer");
            rest = key;
        }
        if let Some(key) = without_name(rest) {
            note("the name before the key");
            rest = key;
        }
        if rest == before {
            break;
        }
    }
    Cleaned {
        key: rest.to_owned(),
        removed,
    }
}

fn without_bearer(text: &str) -> Option<&str> {
    let word = text.get(..7)?;
    word.eq_ignore_ascii_case("bearer ").then(|| &text[7..])
}

/// `VAPI_API_KEY=…`, `export VAPI_API_KEY=…` and `Authorization: …` without the name. No known key has `=` after a name in
/// capitals, and none has a colon.
fn without_name(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("export ") {
        return without_name(rest);
    }
    if let Some((name, rest)) = text.split_once(':')
        && name.eq_ignore_ascii_case("authorization")
    {
        return Some(rest);
    }
    let (name, rest) = text.split_once('=')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && !rest.is_empty()
        && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_name.then_some(rest)
}

/// Why a text cannot be a key (K2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nothing was entered.
    Empty,
    /// White space between other characters.
    InnerSpace,
    /// A control character.
    ControlCharacter,
    /// A masked key that was copied from a page.
    Masked,
}

impl Problem {
    /// The sentence below the field.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Empty => "Enter the key first.",
            Self::InnerSpace => {
                "There is a space or line break inside this key. Copy it again, in one piece."
            }
            Self::ControlCharacter => {
                "There is an invisible control character in this key. Copy it again from the provider."
            }
            Self::Masked => {
                "This is a masked key: its dots stand for characters that are not here. Copy the whole key from the provider."
            }
        }
    }
}

/// The reason why this text cannot be a key, or `None` (K2). The caller has cleaned it before.
pub(crate) fn problem(key: &str) -> Option<Problem> {
    if key.is_empty() {
        Some(Problem::Empty)
    } else if key.contains(['•', '●', '∙', '·', '…', '*']) {
        Some(Problem::Masked)
    } else if key.contains(char::is_whitespace) {
        Some(Problem::InnerSpace)
    } else if key.contains(char::is_control) {
        Some(Problem::ControlCharacter)
    } else {
        None
    }
}

/// Whose key this looks like, by its prefix or form; `None` when the form says nothing.
pub(crate) fn looks_like(key: &str) -> Option<&'static str> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if key.starts_with("sk-ant-") {
        Some("Anthropic")
    } else if key.starts_with("sk-or-") {
        Some("OpenRouter")
    } else if key.starts_with("sk-") {
        Some("OpenAI")
    } else if key.starts_with("key_") {
        Some("Retell")
    } else if key.starts_with("org_") || key.starts_with("sub-sk-") {
        Some("Bland")
    } else if key.len() == 34
        && (key.starts_with("AC") || key.starts_with("SK"))
        && is_hex(&key[2..])
    {
        Some("Twilio")
    } else if key.starts_with("bvai_sk_") {
        Some("Ringfence")
    } else if key.len() == 36
        && key.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
    {
        Some("Vapi")
    } else {
        None
    }
}

/// The hint when a key looks like that of somebody else, or is too short to be one (K2: a hint, never a refusal).
pub(crate) fn doubt(key: &str, provider_name: &str) -> Option<String> {
    match looks_like(key) {
        Some(name) if name != provider_name => {
            let article = if name.starts_with(['A', 'E', 'I', 'O', 'U']) {
                "an"
            } else {
                "a"
            };
            Some(format!(
                "This looks like {article} {name} key. {provider_name} is asked anyway when you save."
            ))
        }
        None if !key.is_empty() && key.chars().count() < 12 => Some(format!(
            "Only {} characters: is this the whole key?",
            key.chars().count()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAPI_KEY: &str = "3f2a9c10-7b1e-4d55-9e0a-11c2d3e44f2a";

    /// Checklist 4: a paste is cleaned, and the hint says of what.
    #[test]
    fn a_paste_loses_what_came_along() {
        for (pasted, hint) in [
            (format!("  {VAPI_KEY} "), "Removed spaces."),
            (format!("{VAPI_KEY}\n"), "Removed line breaks."),
            (format!("\"{VAPI_KEY}\""), "Removed quotes."),
            (format!("Bearer {VAPI_KEY}"), "Removed the word Bearer."),
            (
                format!("VAPI_API_KEY={VAPI_KEY}"),
                "Removed the name before the key.",
            ),
            (
                format!("export VAPI_API_KEY='{VAPI_KEY}' "),
                "Removed spaces, quotes and the name before the key.",
            ),
            (
                format!("authorization: Bearer {VAPI_KEY}"),
                "Removed the name before the key, spaces and the word Bearer.",
            ),
        ] {
            let cleaned = clean(&pasted);
            assert_eq!(cleaned.key, VAPI_KEY, "{pasted:?}");
            assert_eq!(cleaned.hint().as_deref(), Some(hint), "{pasted:?}");
        }
        assert_eq!(clean(VAPI_KEY).hint(), None);
    }

    /// Checklist 4: what belongs to a key stays.
    #[test]
    fn a_key_with_odd_characters_is_left_alone() {
        for key in ["sk-proj-a_b-c==", "abc=def", "key_0a1b", "sk-a:b"] {
            assert_eq!(
                clean(key),
                Cleaned {
                    key: key.to_owned(),
                    removed: vec![]
                }
            );
        }
    }

    /// K2: inner white space, control characters and mask characters are refused, each with its own sentence.
    #[test]
    fn what_can_never_be_a_key_is_named() {
        assert_eq!(problem(""), Some(Problem::Empty));
        assert_eq!(problem("3f2a 9c10"), Some(Problem::InnerSpace));
        assert_eq!(problem("3f2a\u{7}9c10"), Some(Problem::ControlCharacter));
        assert_eq!(problem("••••1234"), Some(Problem::Masked));
        assert_eq!(problem("…4f2A"), Some(Problem::Masked));
        assert_eq!(problem(VAPI_KEY), None);
    }

    /// Checklist 5 and 6, K2: a foreign prefix raises a doubt and never a refusal.
    #[test]
    fn a_foreign_prefix_raises_a_doubt() {
        assert_eq!(doubt(VAPI_KEY, "Vapi"), None);
        assert_eq!(problem("sk-ant-abcdefghijkl"), None);
        let text = doubt("sk-ant-abcdefghijkl", "Vapi").unwrap_or_default();
        assert!(
            text.starts_with("This looks like an Anthropic key."),
            "{text}"
        );
        assert!(
            doubt("key_abcdefghijkl", "Vapi")
                .unwrap_or_default()
                .starts_with("This looks like a Retell key.")
        );
        assert_eq!(
            doubt("abc", "Vapi").as_deref(),
            Some("Only 3 characters: is this the whole key?")
        );
        assert_eq!(doubt("a-key-of-unknown-form", "Vapi"), None);
    }
}
