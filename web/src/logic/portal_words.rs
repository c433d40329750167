//! The texts for a client's people: how a provider stands for them, what becomes of a key before and after they hand it in,
//! and why a log-in link opened nothing. They never hold a character of a key (P3), and say whom to ask.

use crate::api::enums::{ErrorCode, IntegrationState};
use crate::api::{ApiError, Cause};
use crate::logic::outcome::{self, NotTaken, Words};

/// What the words are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandInContext<'a> {
    /// The agency's name.
    pub(crate) agency: &'a str,
    /// The provider's name.
    pub(crate) provider: &'a str,
    /// Where its key is found, such as `Vapi → Organization → API Keys`.
    pub(crate) key_location: &'a str,
}

/// How a provider stands for the client.
pub(crate) fn standing(state: IntegrationState, context: HandInContext<'_>) -> String {
    let HandInContext {
        agency, provider, ..
    } = context;
    match state {
        IntegrationState::NotConnected => format!(
            "No account of your own is connected. What you have at {provider} runs over {agency}'s account."
        ),
        IntegrationState::Connected => format!(
            "Your own {provider} account is connected, and its key works. Your calls at {provider} go over it."
        ),
        IntegrationState::NeedsAttention => format!(
            "Your own {provider} account is connected, and {provider} does not let its key work. Your agents there may not be able to call until it does; no other account is used instead."
        ),
        IntegrationState::Waiting => format!(
            "A key was handed in and waits for {agency}. Until it is accepted or declined, everything stays as it was."
        ),
        IntegrationState::Unknown => {
            format!("Ask {agency} how your {provider} account stands.")
        }
    }
}

/// What becomes of a key, said before it is handed in (P4).
pub(crate) fn before_hand_in(state: IntegrationState, context: HandInContext<'_>) -> String {
    let agency = context.agency;
    match state {
        IntegrationState::NotConnected => format!(
            "{agency} reviews the key before it is used, because your calls go over it from then on."
        ),
        IntegrationState::Waiting => format!(
            "The key that waits is destroyed when this one is taken. {agency} reviews it as well, unless it opens the account that is connected already: then it is used at once."
        ),
        IntegrationState::Connected
        | IntegrationState::NeedsAttention
        | IntegrationState::Unknown => format!(
            "A key of the account that is connected now is used at once. A key of another account is reviewed by {agency} before it is used."
        ),
    }
}

/// What became of a key that was handed in: whether it is in use, and what comes next.
pub(crate) fn handed_in(
    before: IntegrationState,
    after: IntegrationState,
    context: HandInContext<'_>,
) -> Words {
    let HandInContext {
        agency, provider, ..
    } = context;
    match after {
        IntegrationState::Waiting if before == IntegrationState::Waiting => Words::new(
            format!("Handed in, waiting for {agency}"),
            "It is sealed and not used yet, and the key that waited before is destroyed. This page says so when it is in use.",
        ),
        IntegrationState::Waiting => Words::new(
            format!("Handed in, waiting for {agency}"),
            "It is sealed and not used yet. This page says so when it is in use.",
        ),
        IntegrationState::NeedsAttention => Words::new(
            "In use, but it does not work yet",
            format!(
                "The key opens the account that was connected before. {provider} does not let it work: look at the account there, its funds first."
            ),
        ),
        _ => Words::new(
            "In use from now on",
            format!("{provider} accepted the key. It opens the account that was connected before."),
        ),
    }
}

/// Words for a key that was not taken. Its field is empty by then.
pub(crate) fn hand_in_failed(error: &ApiError, context: HandInContext<'_>) -> Words {
    let HandInContext {
        agency,
        provider,
        key_location,
    } = context;
    let kept = "Nothing was handed in, and nothing has changed.";
    let Cause::Code(code) = error.cause else {
        let words = outcome::other(error);
        return Words::new(
            words.title,
            "Reload the page to see whether the key arrived. If it did not, hand it in again.",
        );
    };
    let told = NotTaken {
        kept,
        again: "hand the key in again",
    };
    if let Some(words) = outcome::not_taken(code, provider, key_location, told) {
        return words;
    }
    match code {
        // The server alone knows whether hand-ins were switched off, the client was archived, or another key came first.
        ErrorCode::Conflict => Words::new("This key was not taken", error.message.clone()),
        ErrorCode::TooManyAttempts => Words::new(
            "Too many attempts",
            format!("{kept} To keep others from guessing, keys can be tried a few times a minute."),
        ),
        ErrorCode::Forbidden => Words::new(
            "You may hand in no keys any more",
            format!("{kept} Ask {agency}."),
        ),
        _ => outcome::other(error),
    }
}

/// Words for a link whose password was not set.
pub(crate) fn link_failed(error: &ApiError) -> Words {
    match error.code() {
        Some(ErrorCode::TooManyAttempts) => Words::new(
            "Too many attempts",
            "To keep others from guessing, the link pauses. It works when the wait is over.",
        ),
        // The server alone knows what changed, and the page must not be left: the token is nowhere else.
        Some(ErrorCode::Conflict) => Words::new("You are not logged in yet", error.message.clone()),
        Some(_) => outcome::other(error),
        None => Words::new(
            outcome::other(error).title,
            "The link may be used or not. Try again; if it is used by then, log in with the password that you typed.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: HandInContext<'static> = HandInContext {
        agency: "Harbor Voice",
        provider: "Retell",
        key_location: "Retell → Settings → API Keys",
    };

    const STATES: [IntegrationState; 5] = [
        IntegrationState::NotConnected,
        IntegrationState::Connected,
        IntegrationState::NeedsAttention,
        IntegrationState::Waiting,
        IntegrationState::Unknown,
    ];

    fn refused(code: ErrorCode) -> ApiError {
        let mut error = ApiError::local(Cause::Code(code), "The server's own sentence.".to_owned());
        error.provider_message = Some("…4f2A is no key".to_owned());
        error
    }

    /// P4: whoever hands in a key reads beforehand whether it is used at once, and who reviews it otherwise.
    #[test]
    fn who_decides_is_said_before_a_key_is_handed_in() {
        for state in STATES {
            assert!(before_hand_in(state, CONTEXT).contains("Harbor Voice"));
        }
        let first = before_hand_in(IntegrationState::NotConnected, CONTEXT);
        assert!(!first.contains("at once"), "{first}");
        let another = before_hand_in(IntegrationState::Connected, CONTEXT);
        assert!(another.contains("at once"), "{another}");
    }

    /// P4: a key that waits is never told as one in use, and one in use never as one that waits.
    #[test]
    fn what_became_of_a_key_is_what_the_server_said() {
        for before in STATES {
            let waits = handed_in(before, IntegrationState::Waiting, CONTEXT);
            assert!(!waits.title.contains("In use"), "{waits:?}");
            assert!(waits.text.contains("Harbor Voice") || waits.title.contains("Harbor Voice"));
            let used = handed_in(before, IntegrationState::Connected, CONTEXT);
            assert!(used.title.starts_with("In use"), "{used:?}");
            assert!(!used.text.contains("Harbor Voice"), "{used:?}");
        }
        let broken = handed_in(
            IntegrationState::Connected,
            IntegrationState::NeedsAttention,
            CONTEXT,
        );
        assert!(broken.title.contains("does not work"), "{broken:?}");
    }

    /// P3: no refusal repeats what the provider said, which may hold a part of a key.
    #[test]
    fn a_refused_key_is_told_without_any_of_it() {
        for code in [
            ErrorCode::KeyRejected,
            ErrorCode::MissingPermission,
            ErrorCode::NoFunds,
            ErrorCode::ProviderRateLimited,
            ErrorCode::ProviderUnreachable,
            ErrorCode::ProviderAnswerMalformed,
            ErrorCode::TooManyAttempts,
            ErrorCode::Forbidden,
        ] {
            let words = hand_in_failed(&refused(code), CONTEXT);
            assert!(!words.text.contains("4f2A"), "{words:?}");
            assert!(words.text.starts_with("Nothing was handed in"), "{words:?}");
        }
        let rejected = hand_in_failed(&refused(ErrorCode::KeyRejected), CONTEXT);
        assert!(rejected.text.contains("Retell → Settings → API Keys"));
    }

    /// P4: why the agency takes no key is the server's to say; without an answer nothing is claimed.
    #[test]
    fn a_key_that_was_not_taken_says_why() {
        let off = hand_in_failed(&refused(ErrorCode::Conflict), CONTEXT);
        assert_eq!(off.text, "The server's own sentence.");
        let silence = ApiError::local(Cause::NoAnswer, "Failed to fetch".to_owned());
        let words = hand_in_failed(&silence, CONTEXT);
        assert!(
            words.text.starts_with("Reload the page to see whether"),
            "{words:?}"
        );
        assert!(link_failed(&silence).text.contains("may be used or not"));
        let moved = link_failed(&refused(ErrorCode::Conflict));
        assert!(!moved.text.contains("Reload"), "{moved:?}");
    }
}
