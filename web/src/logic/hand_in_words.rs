//! The words about keys that a client's people handed in (P4): what waits, what accepting and declining do, why one could not
//! be tried, and what became of one that somebody else decided. They are chosen by code, never by the text of an answer.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, KeyHandInState};
use crate::api::people::KeyHandIn;
use crate::logic::outcome::{self, Words};

/// What a sentence about a hand-in is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandInContext<'a> {
    /// The client's name.
    pub(crate) client: &'a str,
    /// The provider's name.
    pub(crate) provider: &'a str,
    /// The mask of the client's own key in use; `None` when it has none.
    pub(crate) stored: Option<&'a str>,
}

/// Who handed a key in, and what it opens.
pub(crate) fn waiting(hand_in: &KeyHandIn, context: HandInContext<'_>) -> String {
    let who = hand_in
        .handed_in_by
        .as_ref()
        .map_or(context.client, |person| person.name.as_str());
    let account = hand_in.account_name.as_ref().map_or_else(
        || format!("{} names no account for it", context.provider),
        |account| format!("it opens the account {account}"),
    );
    format!(
        "{who} handed in the key {}; {account}. Until you accept it, nothing changes.",
        hand_in.masked_key
    )
}

/// What accepting does.
pub(crate) fn accepting(context: HandInContext<'_>) -> String {
    let HandInContext {
        client, provider, ..
    } = context;
    let before = match context.stored {
        Some(mask) => format!("The key {mask} goes out of use and can be brought back for a day."),
        None => "Until now they go over the agency's key, where it has one.".to_owned(),
    };
    format!(
        "The key becomes {client}'s own: from the next call on its {provider} agents call over it, and its account pays. {before}"
    )
}

/// What declining does.
pub(crate) fn declining(context: HandInContext<'_>) -> String {
    format!(
        "The key is destroyed and nothing changes. {}'s people can hand in another one.",
        context.client
    )
}

/// Words for a key that could not be tried, or not be put in use. Nothing has changed then.
pub(crate) fn failed(error: &ApiError, context: HandInContext<'_>) -> Words {
    let HandInContext {
        client, provider, ..
    } = context;
    let kept = "Nothing has changed, and the key still waits.";
    let Some(code) = error.code() else {
        return Words::new(outcome::other(error).title, kept);
    };
    match code {
        ErrorCode::KeyRejected => Words::new(
            format!("{provider} refuses this key by now"),
            format!("{kept} Decline it, and ask {client} for another one."),
        ),
        ErrorCode::MissingPermission => Words::new(
            format!("{provider} does not let this key in"),
            format!("{kept} Ask {client} to give it its rights at {provider}, then look again."),
        ),
        ErrorCode::NoFunds => Words::new(
            format!("The {provider} account has no funds"),
            format!("{kept} Ask {client} to top it up, then look again."),
        ),
        ErrorCode::ProviderRateLimited => Words::new(
            format!("{provider} is limiting requests"),
            format!("{kept} Look again when the wait is over."),
        ),
        ErrorCode::ProviderUnreachable | ErrorCode::ProviderAnswerMalformed => Words::new(
            format!("{provider} gave no answer that counts"),
            format!("{kept} This says nothing about the key; look again in a few minutes."),
        ),
        ErrorCode::KeyUnreadable => Words::new(
            "This key cannot be opened",
            format!(
                "It was sealed with another master key. Decline it, and ask {client} to hand it in again."
            ),
        ),
        ErrorCode::Conflict => Words::new(
            format!("{client}'s {provider} key was changed meanwhile"),
            format!("{kept} Look again: what would change is not what stood here."),
        ),
        ErrorCode::TooManyAttempts => Words::new(
            "Too many attempts",
            format!(
                "Keys can be tried 10 times a minute, and 30 times an hour for the whole agency. {kept}"
            ),
        ),
        _ => outcome::other(error),
    }
}

/// Words for a hand-in that does not wait any more; `None` while it does.
pub(crate) fn decided(hand_in: &KeyHandIn, context: HandInContext<'_>) -> Option<Words> {
    let who = hand_in
        .decided_by
        .as_ref()
        .map_or("Somebody else", |person| person.name.as_str());
    match hand_in.state {
        KeyHandInState::Waiting => None,
        KeyHandInState::Accepted => Some(Words::new(
            format!("{who} accepted this key meanwhile"),
            format!("It is in use as {}'s own.", context.client),
        )),
        KeyHandInState::Declined => Some(Words::new(
            format!("{who} declined this key meanwhile"),
            "It is destroyed, and nothing has changed.",
        )),
        KeyHandInState::Replaced => Some(Words::new(
            format!("{} handed in another key meanwhile", context.client),
            "This one is destroyed. The card shows what holds now.",
        )),
        KeyHandInState::Unknown => Some(Words::new(
            "This key was decided meanwhile",
            "The card shows what holds now.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::decode::decode;
    use serde_json::json;

    const CONTEXT: HandInContext<'_> = HandInContext {
        client: "Northside Dental",
        provider: "Vapi",
        stored: None,
    };

    fn hand_in(state: &str, account: Option<&str>) -> KeyHandIn {
        serde_json::from_value(json!({
            "id": "h", "provider": "VAPI", "maskedKey": "…x4Rm", "accountName": account, "state": state,
            "handedInAt": "2026-11-21T09:00:00Z", "handedInBy": { "name": "Priya Shah" }, "decidedBy": { "name": "Amir Haddad" },
        }))
        .expect("the fields of the document")
    }

    /// P4: whose key waits, which account it opens, and that nothing has changed.
    #[test]
    fn what_waits_says_whose_what_and_next() {
        assert_eq!(
            waiting(&hand_in("WAITING", Some("Dental Inc")), CONTEXT),
            "Priya Shah handed in the key …x4Rm; it opens the account Dental Inc. Until you accept it, nothing changes."
        );
        assert!(
            waiting(&hand_in("WAITING", None), CONTEXT).contains("Vapi names no account for it")
        );
    }

    /// P4: the first own key takes the client off the agency's; a later one retires the key before it.
    #[test]
    fn accepting_says_which_key_goes_out_of_use() {
        assert!(accepting(CONTEXT).contains("the agency's key"));
        let stored = HandInContext {
            stored: Some("…k7Qd"),
            ..CONTEXT
        };
        assert!(accepting(stored).contains("The key …k7Qd goes out of use"));
    }

    /// P4, K9: a refusal, an outage and a change meanwhile are told apart, and each says that nothing has changed.
    #[test]
    fn a_key_that_was_not_tried_says_why() {
        let words = |code: &str| {
            let error = decode::<bool>(&format!(
                r#"{{"errors":[{{"message":"m","extensions":{{"code":"{code}"}}}}]}}"#
            ))
            .expect_err("an error was answered");
            failed(&error, CONTEXT)
        };
        let codes = [
            "KEY_REJECTED",
            "PROVIDER_RATE_LIMITED",
            "PROVIDER_UNREACHABLE",
            "CONFLICT",
            "TOO_MANY_ATTEMPTS",
        ];
        let titles: std::collections::HashSet<String> =
            codes.iter().map(|code| words(code).title).collect();
        assert_eq!(titles.len(), codes.len(), "{titles:?}");
        for code in codes {
            assert!(
                words(code).text.contains("Nothing has changed"),
                "{code}: {}",
                words(code).text
            );
        }
    }

    /// P4: what somebody else decided meanwhile is told with their name.
    #[test]
    fn a_decision_meanwhile_names_who_took_it() {
        assert_eq!(decided(&hand_in("WAITING", None), CONTEXT), None);
        let title = |state: &str| decided(&hand_in(state, None), CONTEXT).map(|words| words.title);
        assert_eq!(
            title("ACCEPTED").as_deref(),
            Some("Amir Haddad accepted this key meanwhile")
        );
        assert_eq!(
            title("DECLINED").as_deref(),
            Some("Amir Haddad declined this key meanwhile")
        );
        assert_eq!(
            title("REPLACED").as_deref(),
            Some("Northside Dental handed in another key meanwhile")
        );
    }
}
