//! Carriers as people know them: a provider's own word for the company behind a number, in that company's spelling. A word
//! that is not known here is shown as it is, with a capital; of a provider that tells none there is nothing to show.

/// The carrier of a number; `None` where the provider does not tell.
pub(crate) fn carrier_name(word: &str) -> Option<String> {
    match word {
        "" => None,
        "byo-phone-number" | "custom" => Some("Own carrier".to_owned()),
        "sip" => Some("SIP".to_owned()),
        _ => Some(match word.strip_prefix("retell-") {
            Some(carrier) => format!("{}, by Retell", capitalised(carrier)),
            None => capitalised(word),
        }),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// look.md: words. What three providers call their carriers.
    #[test]
    fn carriers_have_the_names_that_people_know() {
        for (word, shown) in [
            ("twilio", "Twilio"),
            ("vapi", "Vapi"),
            ("retell-twilio", "Twilio, by Retell"),
            ("custom", "Own carrier"),
            ("byo-phone-number", "Own carrier"),
            ("sip", "SIP"),
        ] {
            assert_eq!(carrier_name(word).as_deref(), Some(shown));
        }
        assert_eq!(carrier_name(""), None);
    }
}
