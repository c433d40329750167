//! What people read of agents that were not made, and of those of which nobody knows. The provider's own words come scrubbed
//! (K13); everything else says what is the case and what to do about it.

use crate::{
    error::Code,
    providers::{Fitted, NotCreated, ProviderError, ProviderKind, Unavailable, UnsupportedEffect},
    sync::run::waiting_reason,
};

/// An agent that needs nothing any more.
pub(super) const NOT_LACKING: &str =
    "It has a placement here by now, belongs to another client, or is inactive.";
/// An agent that is known only by its list's part.
pub(super) const HALF_READ: &str =
    "Only a part of it has been read so far. Sync the account that it is in, then start again.";
/// An agent that somebody changes at this moment.
pub(super) const BEING_CHANGED: &str =
    "Somebody was changing it. Start again, and it is placed as it is then.";
/// What was under way when a run ended before its end.
pub(super) const INTERRUPTED: &str = "The provider was asked and did not say whether it is there. Start again, and it is \
     looked for first.";
/// What had not begun when a run ended before its end.
pub(super) const NOT_BEGUN: &str = "The run ended before its turn.";

/// The request is over, and its answer does not say what came of it.
pub(super) const UNREADABLE: Code = Code::ProviderAnswerMalformed;

/// What an answer says that came and tells what went wrong, or cannot be read, though not what became of the agent; `None`
/// without one. A gateway that gave up waiting says nothing about what is behind it.
pub(super) fn answer_code(error: &ProviderError) -> Option<Code> {
    match error {
        ProviderError::Malformed { .. } => Some(UNREADABLE),
        ProviderError::Unavailable { reason, .. } => match reason {
            Unavailable::Status(408 | 502 | 504 | 520..=530) => None,
            Unavailable::Status(_) => Some(Code::ProviderUnreachable),
            Unavailable::BodyCut => Some(UNREADABLE),
            _ => None,
        },
        _ => None,
    }
}

/// Why nothing is placed, where the provider has no agent like that.
pub(super) fn blocked(fitted: &Fitted) -> Option<String> {
    let reasons: Vec<&str> = fitted
        .unsupported
        .iter()
        .filter(|unsupported| unsupported.effect == UnsupportedEffect::Blocks)
        .map(|unsupported| unsupported.reason.as_str())
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(" "))
}

/// Why an agent is not there, in the provider's own words where it has any.
pub(super) fn refusal(provider: ProviderKind, not_created: &NotCreated) -> String {
    let name = provider.display_name();
    let text = match (&not_created.error, not_created.error.message()) {
        (ProviderError::Rejected { status, .. }, None) => {
            format!("{name} refused it with status {status}.")
        }
        (ProviderError::Rejected { .. }, Some(words)) => format!("{name} refused it: {words}"),
        (ProviderError::NotFound, _) => {
            format!("{name} does not have something that the agent names, such as its voice.")
        }
        (error, Some(words)) => format!("{}: {words}", waiting_reason(provider, error)),
        (error, None) => format!("{}.", waiting_reason(provider, error)),
    };
    match &not_created.left_behind {
        Some(left) => format!(
            "{text} “{left}”, which was made for it, could not be deleted and is left at {name}."
        ),
        None => text,
    }
}

/// What is still to do for an agent that is there.
pub(super) fn unfinished(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    let why = error
        .message()
        .map_or_else(|| waiting_reason(provider, error), str::to_owned);
    format!("It is there, and is not published yet: {why}. Publish it in {name}'s dashboard.")
}

/// More than one agent has the marker.
pub(super) fn copies(count: usize) -> String {
    format!(
        "{count} agents in the account carry the mark of this one, so that nobody can say which it is. Delete the \
         copies, then start again."
    )
}

/// The account's list is no proof.
pub(super) fn unclear(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!(
        "{name} did not say whether it is there, and lists only a part of the account. Look for it there, then start \
         again."
    )
}

/// The account's list does not hold it, and no answer ever came.
pub(super) fn unseen(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!(
        "{name} did not say whether it was made, and it is not in the account's list. It is not asked for again by \
         itself; start again to make it."
    )
}

/// A new agent of which no answer says whether it is there.
pub(super) fn not_told(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    format!(
        "It is unconfirmed whether {name} made it: {}. The account is looked at now, and it is not made twice.",
        why(provider, error)
    )
}

/// A new agent that is still being made when somebody asks for it again.
pub(super) fn still_asked(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!(
        "It is unconfirmed whether {name} made it. The account is being looked at; it is not made twice."
    )
}

/// A new agent that was never confirmed and is asked for again.
pub(super) fn looked_for(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!("It is looked for at {name} first, and made if it is not there.")
}

/// Why a change did not come to a provider, in its own words where it has any.
pub(super) fn not_changed(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    match error {
        ProviderError::InvalidKey { .. } => {
            format!("{name} refused the stored key. Replace the key, then send the change again.")
        }
        ProviderError::MissingPermission { .. } => format!(
            "The key may not change agents at {name}. Give it that permission, or replace it."
        ),
        ProviderError::NoFunds { .. } => {
            format!("The {name} account is out of funds. Top it up, then send the change again.")
        }
        ProviderError::NotFound => {
            format!("{name} does not have the agent any more. Sync the account.")
        }
        error => format!("{}.", why(provider, error)),
    }
}

/// A change of which no answer says whether it was made.
pub(super) fn change_not_told(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    format!(
        "It is unconfirmed whether {name} took the change: {}. Send it again; a change that is sent twice is made once.",
        why(provider, error)
    )
}

/// Parts that a provider has not taken over, although it has accepted the change.
pub(super) fn kept_its_own(provider: ProviderKind, fields: &[&str]) -> String {
    let name = provider.display_name();
    format!(
        "{name} kept its own {}: a flow or a server of its own answers for this agent. Edit it at {name}.",
        fields.join(" and ")
    )
}

/// An account of which no key is at hand.
pub(super) fn no_key_for_account(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!(
        "No stored {name} key of the agent's client or of the agency opens this account. Save one, then send the \
         change again."
    )
}

fn why(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    match (error, error.message()) {
        (ProviderError::Rejected { status, .. }, None) => {
            format!("{name} refused it with status {status}")
        }
        (ProviderError::Rejected { .. }, Some(words)) => format!("{name} refused it: {words}"),
        (error, Some(words)) => format!("{}: {words}", waiting_reason(provider, error)),
        (error, None) => waiting_reason(provider, error),
    }
}

/// Why a run waits before it looks a last time.
pub(super) fn looks_again(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!("{name} did not say whether an agent was made; the account is looked at once more")
}

/// Why a run waits before it asks again.
pub(super) fn asks_again(provider: ProviderKind) -> String {
    let name = provider.display_name();
    format!("{name} had a problem of its own and has made nothing; the agent is asked for again")
}

/// Why a run ended before its end.
pub(super) fn failure(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    let kept = "The agents that were made so far are kept.";
    match error {
        ProviderError::InvalidKey { .. } => {
            format!("{name} refused the stored key. {kept} Replace the key, then start again.")
        }
        ProviderError::MissingPermission { .. } => format!(
            "The key may not make agents at {name}. {kept} Give it that permission, or replace it."
        ),
        ProviderError::NoFunds { .. } => {
            format!("The {name} account is out of funds. {kept} Top it up, then start again.")
        }
        other => format!(
            "{} after several tries. {kept} Start again later.",
            waiting_reason(provider, other)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R5: only an answer of the provider's own allows a second attempt; a silence, or a gateway's, does not. One that cannot
    /// be read is told apart.
    #[test]
    fn a_silence_is_no_answer() {
        let unavailable = |reason| ProviderError::Unavailable {
            reason,
            message: None,
        };
        for (error, expected) in [
            (
                unavailable(Unavailable::Status(500)),
                Some(Code::ProviderUnreachable),
            ),
            (
                unavailable(Unavailable::Status(503)),
                Some(Code::ProviderUnreachable),
            ),
            (unavailable(Unavailable::BodyCut), Some(UNREADABLE)),
            (unavailable(Unavailable::Status(504)), None),
            (unavailable(Unavailable::Status(502)), None),
            (unavailable(Unavailable::Timeout), None),
            (unavailable(Unavailable::ConnectionLost), None),
        ] {
            assert_eq!(answer_code(&error), expected, "{error:?}");
            assert!(error.may_have_taken_effect());
        }
        assert!(!unavailable(Unavailable::Connect).may_have_taken_effect());
    }

    /// R5: what is left behind at the provider is said.
    #[test]
    fn what_is_left_behind_is_said() {
        let not_created = NotCreated {
            error: ProviderError::Rejected {
                status: 400,
                message: Some("No such voice.".to_owned()),
            },
            may_exist: false,
            left_behind: Some("llm_1".to_owned()),
        };
        assert_eq!(
            refusal(ProviderKind::Retell, &not_created),
            "Retell refused it: No such voice. “llm_1”, which was made for it, could not be deleted and is left at Retell."
        );
    }
}
