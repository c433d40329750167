//! The words about an open breaker (R8): why no call with a key is tried, and what ends that. The contract tells that it is
//! open, and no more: how often it is checked is the server's rule.

use crate::logic::outcome::Words;

/// Words for a key whose breaker is open (R8): why no call is tried, and what ends that. `client` is whose own key it is.
pub(crate) fn of_key(provider: &str, client: Option<&str>) -> Words {
    let (whose, alone) = match client {
        Some(name) => (
            format!("{name}'s {provider} agents"),
            " The agency's key is not used instead.",
        ),
        None => ("Its agents".to_owned(), ""),
    };
    Words::new(
        format!("{provider} has rejected this key three times in a row"),
        format!(
            "{whose} cannot call: calls are refused at once, without asking {provider}.{alone} Ringfence checks the key again by itself, after a minute and then less and less often, up to once an hour; the first check that passes lets them call again. Replace the key, or mend it at {provider} and press Test."
        ),
    )
}

/// The same of the agency's key, for a client whose calls go over it.
pub(crate) fn of_agency(provider: &str) -> Words {
    Words::new(
        format!("{provider} has rejected the agency's key three times in a row"),
        format!(
            "This client's {provider} agents cannot call until that key passes a check or is replaced, or until the client has a key of its own."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8: an open breaker says that nothing is asked, what ends it, and of a client's key that no other one is used.
    #[test]
    fn an_open_breaker_says_what_ends_it() {
        let own = of_key("Vapi", Some("Northside Dental"));
        assert_eq!(own.title, "Vapi has rejected this key three times in a row");
        assert!(
            own.text
                .starts_with("Northside Dental's Vapi agents cannot call")
        );
        assert!(own.text.contains("The agency's key is not used instead."));
        let agencys = of_key("Vapi", None);
        assert!(!agencys.text.contains("instead"));
        assert!(agencys.text.ends_with("and press Test."));
    }
}
