//! The words of each outcome when a key is saved, tested or cleared (K3, R7): what happened, whose key is in use now, and
//! what to do next. They are chosen by code, never by the text of an answer.

use crate::api::enums::{ErrorCode, KeyHealth};
use crate::api::{ApiError, Cause};
use crate::logic::number::counted;

/// So many numbers that go on answering are listed in the answer to a clearing.
const LISTED_NUMBERS: i64 = 50;

/// What the words are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyContext<'a> {
    /// The provider's name.
    pub(crate) provider: &'a str,
    /// Where its key is found, such as `Vapi → Organization → API Keys`.
    pub(crate) key_location: &'a str,
    /// The mask of the stored key; `None` when none is stored.
    pub(crate) stored: Option<&'a str>,
}

/// Title and sentence of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// What happened.
    pub(crate) title: String,
    /// What holds now and what to do.
    pub(crate) text: String,
}

impl Words {
    /// Both parts from anything that is text.
    pub(crate) fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
        }
    }
}

impl KeyContext<'_> {
    fn still_in_use(&self) -> String {
        match self.stored {
            Some(mask) => format!("The key that was here ({mask}) is still in use."),
            None => "Nothing was saved.".to_owned(),
        }
    }
}

/// What the words say of a key that its provider did not take, beside the provider's part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotTaken<'a> {
    /// What holds now: `Nothing was saved.`
    pub(crate) kept: &'a str,
    /// What to do once more, in the middle of a sentence: `try again`.
    pub(crate) again: &'a str,
}

/// Words for a key that its provider did not take, whoever typed it; `None` for what no provider says.
pub(crate) fn not_taken(
    code: ErrorCode,
    provider: &str,
    key_location: &str,
    told: NotTaken<'_>,
) -> Option<Words> {
    let NotTaken { kept, again } = told;
    let (title, next) = match code {
        ErrorCode::KeyRejected => (
            format!("{provider} refused this key"),
            format!("Copy the private key, not the public one, from {key_location}."),
        ),
        ErrorCode::MissingPermission => (
            format!("{provider} does not let this key in"),
            format!("Give the key its rights in {key_location}, or make a new one there."),
        ),
        ErrorCode::NoFunds => (
            format!("The {provider} account has no funds"),
            format!("Top up at {provider}, then {again}."),
        ),
        ErrorCode::ProviderRateLimited => (
            format!("{provider} is limiting requests"),
            format!("When the wait is over, {again}."),
        ),
        ErrorCode::ProviderUnreachable => (
            format!("{provider} did not answer"),
            format!("In a moment, {again}; if it goes on, look at {provider}'s status page."),
        ),
        ErrorCode::ProviderAnswerMalformed => (
            format!("{provider} gave an answer that makes no sense"),
            format!("This is usually an outage at {provider}: in a few minutes, {again}."),
        ),
        _ => return None,
    };
    Some(Words::new(title, format!("{kept} {next}")))
}

/// Words for a key that was not saved (K3).
pub(crate) fn save_failed(error: &ApiError, context: KeyContext<'_>) -> Words {
    let KeyContext {
        provider,
        key_location,
        ..
    } = context;
    let kept = context.still_in_use();
    let Some(code) = error.code() else {
        return no_answer(error, "Reload the page to see whether the key was saved.");
    };
    let kept_with_typed = format!("{kept} What you typed stays here.");
    let told = NotTaken {
        kept: if says_nothing_of_the_key(code) {
            &kept_with_typed
        } else {
            &kept
        },
        again: "try again",
    };
    if let Some(words) = not_taken(code, provider, key_location, told) {
        return words;
    }
    match code {
        ErrorCode::Conflict => Words::new(
            "Someone else changed this key meanwhile",
            "Nothing of yours was saved. The card now shows who saved it and when; look at it before you save again.",
        ),
        ErrorCode::TooManyAttempts => Words::new(
            "Too many attempts",
            format!(
                "Keys can be tried 10 times a minute, and 30 times an hour for the whole agency. {kept}"
            ),
        ),
        ErrorCode::KeyUnreadable => Words::new(
            "The stored key cannot be opened",
            format!(
                "Enter the key again: the stored one was sealed with another master key. Find it in {key_location}."
            ),
        ),
        _ => other(error),
    }
}

/// Whether the same key can be taken at another try.
fn says_nothing_of_the_key(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ProviderRateLimited
            | ErrorCode::ProviderUnreachable
            | ErrorCode::ProviderAnswerMalformed
    )
}

/// Words for a key that could not be looked at (K9). Nothing is ever stored by looking.
pub(crate) fn preview_failed(error: &ApiError, context: KeyContext<'_>) -> Words {
    if error.code().is_none() {
        return no_answer(error, "Nothing was stored. What you typed stays here.");
    }
    save_failed(error, context)
}

/// Words for a version that was not put in use again (K10).
pub(crate) fn roll_back_failed(error: &ApiError, context: KeyContext<'_>) -> Words {
    let provider = context.provider;
    let kept = context.still_in_use();
    let Some(code) = error.code() else {
        return no_answer(error, "Reload the page to see which key is in use.");
    };
    match code {
        ErrorCode::KeyRejected => Words::new(
            format!("{provider} refuses this version by now"),
            format!(
                "{kept} Make a new key in {} and save that one.",
                context.key_location
            ),
        ),
        code if says_nothing_of_the_key(code) => Words::new(
            format!("{provider} gave no answer that counts"),
            format!("{kept} Try again in a moment."),
        ),
        ErrorCode::KeyUnreadable => Words::new(
            "This version cannot be opened",
            format!("{kept} It was sealed with another master key; enter the key again."),
        ),
        ErrorCode::InvalidInput | ErrorCode::NotFound => Words::new(
            "This version cannot be brought back",
            format!("{kept} Its bytes are destroyed, or it is in use already."),
        ),
        _ => save_failed(error, context),
    }
}

/// Words for a stored key whose test could not be done. A definite answer of the provider is no failure: it becomes the
/// key's health.
pub(crate) fn test_failed(error: &ApiError, context: KeyContext<'_>) -> Words {
    let provider = context.provider;
    let Some(code) = error.code() else {
        return no_answer(error, "The key was not changed.");
    };
    if says_nothing_of_the_key(code) {
        let told = NotTaken {
            kept: "The key was not tested, and stays in use.",
            again: "test it again",
        };
        return not_taken(code, provider, context.key_location, told)
            .unwrap_or_else(|| other(error));
    }
    match code {
        ErrorCode::KeyRejected => Words::new(
            format!("{provider} refuses the stored key"),
            format!(
                "Replace it with a new private key from {}.",
                context.key_location
            ),
        ),
        ErrorCode::KeyUnreadable => Words::new(
            "The stored key cannot be opened",
            format!(
                "It was sealed with another master key. Enter it again; find it in {}.",
                context.key_location
            ),
        ),
        ErrorCode::Conflict => Words::new(
            "The key was changed meanwhile",
            "The card now shows the key that is stored.",
        ),
        ErrorCode::TooManyAttempts => Words::new(
            "Too many attempts",
            "Keys can be tested 10 times a minute, and 30 times an hour for the whole agency.",
        ),
        _ => other(error),
    }
}

/// Words for a key that was not cleared (K8).
pub(crate) fn clear_failed(error: &ApiError, context: KeyContext<'_>) -> Words {
    let provider = context.provider;
    let Some(code) = error.code() else {
        return no_answer(error, "Reload the page to see whether the key was cleared.");
    };
    match code {
        ErrorCode::ImpactChanged => Words::new(
            "What stops has changed",
            "Nothing was cleared. The list above is the one of this moment; read it again before you clear the key.",
        ),
        ErrorCode::Conflict => Words::new(
            "Someone else changed this key meanwhile",
            "Nothing was cleared. The list above belongs to the key that is stored now.",
        ),
        ErrorCode::DetachFailed => Words::new(
            "A number could not be detached",
            format!(
                "The key was not cleared. Try again, or clear it anyway: {provider} then goes on answering what is listed above until you detach it there."
            ),
        ),
        ErrorCode::KeyUnreadable => Words::new(
            "The numbers could not be detached",
            format!(
                "The stored key cannot be opened, so {provider} cannot be asked. Clear the key without detaching, and detach the numbers at {provider}."
            ),
        ),
        _ => other(error),
    }
}

/// Words for everything that has none of its own.
pub(crate) fn other(error: &ApiError) -> Words {
    match error.cause {
        Cause::NoAnswer | Cause::Unreadable => {
            no_answer(error, "Check your connection, then try again.")
        }
        Cause::Code(ErrorCode::Forbidden) => Words::new(
            "Your role does not allow this",
            "Ask an owner or admin of the agency.",
        ),
        Cause::Code(ErrorCode::NotFound) => Words::new(
            "This is not here",
            "It was removed, or it belongs to another agency.",
        ),
        Cause::Code(ErrorCode::Unauthenticated) => {
            Words::new("You are logged out", "Log in again to go on.")
        }
        Cause::Code(ErrorCode::TooManyAttempts) => {
            Words::new("Too many attempts", "Wait a little, then try again.")
        }
        Cause::Code(ErrorCode::InvalidInput) => {
            Words::new("Something in the form is not right", error.message.clone())
        }
        Cause::Code(ErrorCode::Conflict) => Words::new(
            "This was changed meanwhile",
            "Reload the page to see what is stored now.",
        ),
        Cause::Code(_) => Words::new(
            "Something went wrong",
            "Try again. If it goes on, give the request id to whoever runs this server.",
        ),
    }
}

fn no_answer(error: &ApiError, next: &str) -> Words {
    match error.cause {
        Cause::Unreadable => Words::new("The answer could not be read", next),
        _ => Words::new("Ringfence did not answer", next),
    }
}

/// Words for a key that was saved (K3): the toast, and whether it is good news only.
pub(crate) fn saved(health: KeyHealth, provider: &str, has_sync_run: bool) -> String {
    let import = if has_sync_run {
        " Its agents and numbers are being imported."
    } else {
        ""
    };
    match health {
        KeyHealth::Limited => {
            format!("{provider} key saved. It lacks a permission; the card says which.{import}")
        }
        KeyHealth::NoFunds => format!("{provider} key saved. The account has no funds.{import}"),
        _ => format!("{provider} key saved and tested.{import}"),
    }
}

/// Words for a stored key by its health (R7), for the card; `None` when there is nothing to do.
pub(crate) fn health_advice(health: KeyHealth, provider: &str, lacking: &[&str]) -> Option<Words> {
    match health {
        KeyHealth::Valid | KeyHealth::Unknown => None,
        KeyHealth::Limited if lacking.is_empty() => Some(Words::new(
            "The key lacks a permission",
            format!("Widen the key's rights at {provider}, then test it again."),
        )),
        KeyHealth::Limited => Some(Words::new(
            format!("The key cannot {}", lacking.join(" or ")),
            format!(
                "Everything else works. Widen the key's rights at {provider}, then test it again."
            ),
        )),
        KeyHealth::NoFunds => Some(Words::new(
            format!("The {provider} account has no funds"),
            format!(
                "Its agents cannot call until it is topped up at {provider} → Billing. Test the key afterwards."
            ),
        )),
        KeyHealth::RateLimited => Some(Words::new(
            format!("{provider} is limiting requests"),
            "The key stays in use. Press Test when the limit is over.",
        )),
        KeyHealth::Invalid => Some(Words::new(
            format!("{provider} rejects this key"),
            "Its agents cannot call until it is replaced. No other key is used instead.",
        )),
        KeyHealth::Unreachable => Some(Words::new(
            format!("{provider} did not answer at the last check"),
            "The key stays in use. Test it again in a moment.",
        )),
    }
}

/// Words for a key that was cleared (K8): the toast. `shown_answering` is how many numbers the dialog said the provider
/// answers; `listed` of those that still do came with the answer, which lists only the first [`LISTED_NUMBERS`].
pub(crate) fn cleared(
    provider: &str,
    shown_answering: i64,
    detached: i64,
    listed: usize,
) -> String {
    let listed = i64::try_from(listed).unwrap_or(i64::MAX);
    let still = if listed < LISTED_NUMBERS {
        listed
    } else {
        listed.max(shown_answering - detached)
    };
    let mut sentences = vec![format!("{provider} key cleared.")];
    if detached > 0 {
        sentences.push(format!(
            "{} detached.",
            counted(detached, "number", "numbers")
        ));
    }
    if still > 0 {
        sentences.push(format!(
            "{} still answering at {provider}.",
            counted(still, "number", "numbers")
        ));
    }
    sentences.join(" ")
}

/// Whether a failed clearing leaves the dialog with an impact that does not hold any more: it must be read anew before the
/// next try, or that one is refused for an old acknowledgement (K8).
pub(crate) fn changes_impact(error: &ApiError) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::ImpactChanged | ErrorCode::Conflict | ErrorCode::DetachFailed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::decode::decode;

    const CONTEXT: KeyContext<'_> = KeyContext {
        provider: "Vapi",
        key_location: "Vapi → Organization → API Keys",
        stored: Some("…4f2A"),
    };

    fn error(code: &str) -> ApiError {
        decode::<bool>(&format!(
            r#"{{"errors":[{{"message":"the server's text","extensions":{{"code":"{code}"}}}}]}}"#
        ))
        .expect_err("an error was answered")
    }

    /// K3: a refused key is not saved, and the answer says which key is in use and what to do.
    #[test]
    fn a_refused_key_says_which_key_is_in_use() {
        let words = save_failed(&error("KEY_REJECTED"), CONTEXT);
        assert_eq!(words.title, "Vapi refused this key");
        assert_eq!(
            words.text,
            "The key that was here (…4f2A) is still in use. Copy the private key, not the public one, from Vapi → Organization → API Keys."
        );
        let first = save_failed(
            &error("KEY_REJECTED"),
            KeyContext {
                stored: None,
                ..CONTEXT
            },
        );
        assert!(
            first.text.starts_with("Nothing was saved."),
            "{}",
            first.text
        );
    }

    /// K3: each outcome has words of its own.
    #[test]
    fn no_two_outcomes_share_their_words() {
        let codes = [
            "KEY_REJECTED",
            "MISSING_PERMISSION",
            "NO_FUNDS",
            "PROVIDER_RATE_LIMITED",
            "PROVIDER_UNREACHABLE",
            "PROVIDER_ANSWER_MALFORMED",
            "CONFLICT",
            "TOO_MANY_ATTEMPTS",
            "KEY_UNREADABLE",
            "INTERNAL",
            "INVALID_INPUT",
            "FORBIDDEN",
        ];
        let mut titles: Vec<String> = codes
            .iter()
            .map(|code| save_failed(&error(code), CONTEXT).title)
            .collect();
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), codes.len());
    }

    /// R7, K3: what was saved says what it cannot do.
    #[test]
    fn a_saved_key_says_what_it_lacks() {
        assert_eq!(
            saved(KeyHealth::Valid, "Vapi", false),
            "Vapi key saved and tested."
        );
        assert!(saved(KeyHealth::NoFunds, "Vapi", true).contains("no funds"));
        let advice =
            health_advice(KeyHealth::Limited, "Vapi", &["list numbers"]).map(|words| words.title);
        assert_eq!(advice.as_deref(), Some("The key cannot list numbers"));
        assert_eq!(health_advice(KeyHealth::Valid, "Vapi", &[]), None);
    }

    /// R7: nothing is promised that does not happen: no check runs by itself.
    #[test]
    fn advice_says_what_to_press() {
        let advice = health_advice(KeyHealth::RateLimited, "Vapi", &[]).map(|words| words.text);
        assert_eq!(
            advice.as_deref(),
            Some("The key stays in use. Press Test when the limit is over.")
        );
    }

    /// K8: the answer lists at most fifty numbers, and the toast counts them all.
    #[test]
    fn a_cleared_key_counts_every_number_that_still_answers() {
        assert_eq!(cleared("Vapi", 0, 0, 0), "Vapi key cleared.");
        assert_eq!(
            cleared("Vapi", 2, 1, 1),
            "Vapi key cleared. 1 number detached. 1 number still answering at Vapi."
        );
        assert_eq!(
            cleared("Vapi", 120, 0, 50),
            "Vapi key cleared. 120 numbers still answering at Vapi."
        );
        assert_eq!(
            cleared("Vapi", 120, 40, 50),
            "Vapi key cleared. 40 numbers detached. 80 numbers still answering at Vapi."
        );
        assert_eq!(
            cleared("Vapi", 120, 100, 18),
            "Vapi key cleared. 100 numbers detached. 18 numbers still answering at Vapi.",
            "what the answer lists in full is counted there"
        );
    }

    /// K8: after a failed detach some numbers may be detached, so what was shown does not hold any more.
    #[test]
    fn a_failed_detach_changes_what_was_shown() {
        for code in ["DETACH_FAILED", "IMPACT_CHANGED", "CONFLICT"] {
            assert!(changes_impact(&error(code)), "{code}");
        }
        for code in ["FORBIDDEN", "INTERNAL"] {
            assert!(!changes_impact(&error(code)), "{code}");
        }
    }

    /// look.md, Words.
    #[test]
    fn no_sentence_uses_a_word_that_we_do_not_use() {
        let codes = [
            "KEY_REJECTED",
            "PROVIDER_RATE_LIMITED",
            "PROVIDER_UNREACHABLE",
            "IMPACT_CHANGED",
            "DETACH_FAILED",
            "INTERNAL",
        ];
        for code in codes {
            for words in [
                save_failed(&error(code), CONTEXT),
                test_failed(&error(code), CONTEXT),
                clear_failed(&error(code), CONTEXT),
            ] {
                let text = format!("{} {}", words.title, words.text).to_lowercase();
                for word in ["successful", "please", "oops", "invalid input"] {
                    assert!(!text.contains(word), "{text}");
                }
            }
        }
    }
}
