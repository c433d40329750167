//! The words about calls: where one stands, why it ended, what was tried and not placed, and what a call that nobody knows
//! the fate of means. The server decides all of it; here it is only said.

use crate::api::calls::{Call, CallDetails};
use crate::api::enums::{
    CallDirection, CallEndCause, CallOrigin, CallStatus, ErrorCode, KeyScope, RouteDoubt,
};
use crate::api::{ApiError, Cause};
use crate::logic::outcome::{self, Words};
use crate::logic::phone;
use crate::logic::provider_name::provider_name;

/// True when nothing about a call changes any more, but what it cost.
pub(crate) fn is_over(call: &Call) -> bool {
    match call.status {
        CallStatus::Placing | CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress => {
            false
        }
        CallStatus::Unknown => call.ended_at.is_some(),
        _ => true,
    }
}

/// Where a call stands.
pub(crate) fn status(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Placing => "Placing",
        CallStatus::Queued => "Queued",
        CallStatus::Ringing => "Ringing",
        CallStatus::InProgress => "In progress",
        CallStatus::Completed => "Answered",
        CallStatus::Busy => "Busy",
        CallStatus::NoAnswer => "No answer",
        CallStatus::Failed => "Failed",
        CallStatus::Canceled => "Called off",
        CallStatus::Unconfirmed => "Unconfirmed",
        CallStatus::Unknown => "Unknown",
    }
}

/// Why a call ended, as a sentence without its full stop.
pub(crate) fn cause(cause: CallEndCause) -> &'static str {
    match cause {
        CallEndCause::CustomerHungUp => "The other side hung up",
        CallEndCause::AgentHungUp => "The agent hung up",
        CallEndCause::Transferred => "Passed on to somebody else",
        CallEndCause::Voicemail => "A machine answered",
        CallEndCause::Busy => "Busy",
        CallEndCause::NoAnswer => "Nobody answered",
        CallEndCause::Declined => "The callee declined",
        CallEndCause::TimeLimit => "The longest time for a call was over",
        CallEndCause::Silence => "Nobody said anything",
        CallEndCause::Canceled => "Called off",
        CallEndCause::NoFunds => "The account had no funds",
        CallEndCause::ConcurrencyLimit => "The account had too many calls at once",
        CallEndCause::InvalidNumber => "The number cannot be called",
        CallEndCause::CarrierFailure => "The telephone network did not put it through",
        CallEndCause::ProviderFailure => "Something broke at the provider or in the agent",
        CallEndCause::Other => "Another reason",
        CallEndCause::Unknown => "A reason newer than this page",
    }
}

/// Why a call was not placed, as a sentence without its full stop.
pub(crate) fn not_placed(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ClientArchived => "The client is archived",
        ErrorCode::NoKey => "No key of the agent's provider",
        ErrorCode::KeyUnreadable => "The stored key cannot be opened",
        ErrorCode::KeyRejected => "The provider refused the key",
        ErrorCode::BreakerOpen => "The key was refused again and again",
        ErrorCode::AccountMismatch => "The key's account does not hold the agent",
        ErrorCode::AgentInactive => "The account does not hold the agent any more",
        ErrorCode::MissingPermission => "The key may not place calls",
        ErrorCode::NoOutboundNumber => "No number to call from",
        ErrorCode::NoFunds => "The account had no funds",
        ErrorCode::ProviderRefused => "The provider refused the call",
        ErrorCode::ProviderRateLimited => "The provider was limiting requests",
        ErrorCode::ProviderUnreachable => "The provider did not answer",
        ErrorCode::ProviderAnswerMalformed => "The provider's answer made no sense",
        ErrorCode::TooManyCalls => "Too many calls at once",
        _ => "It could not be placed",
    }
}

/// Who asked for a call.
pub(crate) fn origin(origin: CallOrigin) -> &'static str {
    match origin {
        CallOrigin::Api => "Placed by a script",
        CallOrigin::App => "Placed by a person",
        CallOrigin::Test => "Test call",
        CallOrigin::Imported => "Not placed from here",
        CallOrigin::Unknown => "Placed",
    }
}

/// Who called whom, in one word.
pub(crate) fn direction(direction: CallDirection) -> &'static str {
    match direction {
        CallDirection::Inbound => "Incoming",
        CallDirection::Outbound => "Outgoing",
        CallDirection::Web => "From the web",
        CallDirection::Unknown => "Call",
    }
}

/// The number on the other side, as people read it.
pub(crate) fn other_side(call: &Call) -> String {
    let number = match call.direction {
        CallDirection::Inbound => call.from_number.as_deref(),
        _ => call.to_number.as_deref(),
    };
    match (number, call.direction) {
        (Some(number), _) => phone::formatted(number),
        (None, CallDirection::Web) => "Web call".to_owned(),
        (None, _) => "Number not told".to_owned(),
    }
}

/// Whose account pays, in short. `agency` is what the agency is called to whoever reads it.
pub(crate) fn payer(payer: KeyScope, client: Option<&str>, agency: &str) -> String {
    match payer {
        KeyScope::Client => client.unwrap_or("The client").to_owned(),
        KeyScope::Agency | KeyScope::Unknown => agency.to_owned(),
    }
}

/// Why the call was tried although it was likely to be refused.
pub(crate) fn doubt(doubt: RouteDoubt, provider: &str) -> String {
    match doubt {
        RouteDoubt::KeyRefused => format!("{provider} had refused this key at its last check."),
        RouteDoubt::NoFunds => "The account had no funds at the last check.".to_owned(),
        RouteDoubt::RateLimited => format!("{provider} was limiting requests at the last check."),
        RouteDoubt::Unreachable => format!("{provider} did not answer at the last check."),
        RouteDoubt::Unknown => "There was a doubt newer than this page.".to_owned(),
    }
}

/// What has to be explained about a call, and whether it is bad news; none where its badge says it all.
pub(crate) fn explanation(call: &Call) -> Option<(bool, Words)> {
    let provider = provider_name(call.provider);
    let of_state = match call.status {
        CallStatus::Unknown if is_over(call) => Some(Words::new(
            "It is over, and how it went is not known",
            format!(
                "{provider} told something that Ringfence has no word for. Its own words stand below."
            ),
        )),
        CallStatus::Unknown => Some(Words::new(
            "Nobody knows yet whether it was dialled",
            format!(
                "No answer of {provider} said so. Ringfence looks for this call there and says here what it finds. It is never dialled again by itself, so that nobody is called twice."
            ),
        )),
        CallStatus::Unconfirmed => Some(Words::new(
            "Nobody knows whether it was dialled",
            format!(
                "{provider} gave no answer, and the call was not found there afterwards. It is not dialled again. Look into {provider}'s own list of calls before you place another one."
            ),
        )),
        _ => None,
    };
    if let Some(words) = of_state {
        return Some((false, words));
    }
    if let Some(failure) = &call.failure {
        return Some((
            true,
            Words::new(not_placed(failure.code), &*failure.message),
        ));
    }
    if call.status != CallStatus::Failed {
        return None;
    }
    let title = call.end_cause.map_or("It failed", cause);
    let text = match call.end_cause {
        Some(CallEndCause::NoFunds) => {
            format!("Top up the account at {provider}, then place the call again.")
        }
        Some(CallEndCause::ConcurrencyLimit) => format!(
            "Place it again when other calls have ended, or ask {provider} for more at once."
        ),
        Some(CallEndCause::InvalidNumber) => "Check the number with its country code.".to_owned(),
        Some(CallEndCause::CarrierFailure) => {
            "Try again later; if it goes on, check the number.".to_owned()
        }
        Some(CallEndCause::ProviderFailure) => {
            format!("Look at the agent and at this call in {provider}'s dashboard.")
        }
        _ => format!("{provider} told no more than what stands below."),
    };
    Some((true, Words::new(title, text)))
}

/// How a point of a call's way is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It has happened.
    Done,
    /// It goes on now.
    Now,
    /// It ended badly here.
    Bad,
    /// Nobody knows.
    Unclear,
    /// It may come.
    Later,
}

/// A point of a call's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    /// How it is drawn.
    pub(crate) mark: Mark,
    /// What it is.
    pub(crate) title: &'static str,
    /// When it was, where that is known.
    pub(crate) at: Option<String>,
}

/// The way of a call, from its asking to its end.
pub(crate) fn way(call: &Call) -> Vec<Point> {
    let point = |mark, title, at: Option<&String>| Point {
        mark,
        title,
        at: at.cloned(),
    };
    let first = match call.origin {
        CallOrigin::Imported => "First heard of",
        _ => "Asked for",
    };
    let mut way = vec![point(Mark::Done, first, Some(&call.created_at))];
    let ended = call.ended_at.as_ref();
    if call.failure.is_some() {
        way.push(point(Mark::Bad, "Not placed", ended));
        return way;
    }
    match call.status {
        CallStatus::Placing => way.push(point(Mark::Now, "The provider is asked", None)),
        CallStatus::Unknown if !is_over(call) => {
            way.push(point(Mark::Unclear, "Looked for at the provider", None));
        }
        CallStatus::Unconfirmed => {
            way.push(point(Mark::Unclear, "Looked for and not found", ended));
        }
        CallStatus::Queued => way.push(point(Mark::Now, "Taken by the provider", None)),
        CallStatus::Ringing => {
            way.push(point(Mark::Done, "Taken by the provider", None));
            way.push(point(Mark::Now, "Rings", None));
        }
        CallStatus::InProgress => {
            way.push(point(Mark::Done, "Answered", call.started_at.as_ref()));
            way.push(point(Mark::Now, "They speak", None));
        }
        _ => {
            if call.started_at.is_some() && call.status == CallStatus::Completed {
                way.push(point(Mark::Done, "Answered", call.started_at.as_ref()));
            }
        }
    }
    if is_over(call) && call.status != CallStatus::Unconfirmed {
        let mark = match call.status {
            CallStatus::Failed => Mark::Bad,
            CallStatus::Unknown => Mark::Unclear,
            _ => Mark::Done,
        };
        way.push(point(mark, call.end_cause.map_or("Over", cause), ended));
    } else if !is_over(call) {
        way.push(point(Mark::Later, "Over", None));
    }
    way
}

/// What is said beside the badge of a call that somebody watches.
pub(crate) fn so_far(call: &Call) -> &'static str {
    match call.status {
        CallStatus::Placing | CallStatus::Queued => "The provider has it and dials.",
        CallStatus::Ringing => "The phone rings.",
        CallStatus::InProgress => "Somebody answered.",
        _ if is_over(call) => "It is over.",
        _ => "It is looked for.",
    }
}

/// What is said of a call that moved while somebody watches it; nothing where it stands as before.
pub(crate) fn announcement(before: CallStatus, call: &Call) -> Option<String> {
    (before != call.status).then(|| {
        let reason = call.end_cause.filter(|_| is_over(call)).map(cause);
        let reason = reason.filter(|reason| *reason != status(call.status));
        match reason {
            Some(reason) => format!("{}: {reason}.", status(call.status)),
            None => format!("{}.", status(call.status)),
        }
    })
}

/// Words for a call that was not placed from here: what it was, and whether anything was dialled.
pub(crate) fn place_failed(error: &ApiError) -> Words {
    match error.cause {
        Cause::NoAnswer | Cause::Unreadable => Words::new(
            "Ringfence did not answer",
            "The call may have been placed. Try again: the same request is never dialled twice, and is answered as it was first.",
        ),
        Cause::Code(
            ErrorCode::Forbidden
            | ErrorCode::Unauthenticated
            | ErrorCode::Internal
            | ErrorCode::Unknown
            | ErrorCode::QueryRefused,
        ) => outcome::other(error),
        Cause::Code(ErrorCode::Conflict) => {
            Words::new("This call is being placed already", &*error.message)
        }
        Cause::Code(ErrorCode::NotFound) => Words::new(
            "This agent is not here any more",
            "Nothing was dialled. Reload the page.",
        ),
        Cause::Code(code) => Words::new(not_placed(code), &*error.message),
    }
}

/// Whether the provider told anything in its own words.
pub(crate) fn has_own_words(call: &CallDetails) -> bool {
    !call.provider_status.is_empty() || call.ended_reason.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(status: &str, more: &serde_json::Value) -> Call {
        let mut call = serde_json::json!({
            "id": "c1", "status": status, "provider": "VAPI", "payer": "AGENCY", "origin": "TEST", "direction": "OUTBOUND",
            "toNumber": "+14155550100", "fromNumber": null, "agentName": "Front desk", "clientName": null, "endCause": null,
            "failure": null, "createdAt": "2026-11-22T09:00:00Z", "startedAt": null, "endedAt": null, "durationMs": null, "cost": null
        });
        let (Some(fields), Some(more)) = (call.as_object_mut(), more.as_object()) else {
            panic!("both are objects");
        };
        fields.extend(more.clone());
        serde_json::from_value(call).expect("the fields of the document")
    }

    fn marks(call: &Call) -> Vec<(Mark, &'static str)> {
        let way = way(call);
        way.iter().map(|point| (point.mark, point.title)).collect()
    }

    /// C4: a call that nobody knows the fate of is said to be so, and never dialled again.
    #[test]
    fn what_is_unsure_is_said_to_be_unsure() {
        let none = serde_json::json!({});
        for (status, word) in [
            ("UNKNOWN", "never dialled again"),
            ("UNCONFIRMED", "not dialled again"),
        ] {
            let (is_bad, words) = explanation(&call(status, &none)).expect("it is explained");
            assert!(!is_bad && words.text.contains(word), "{status}: {words:?}");
        }
        let over = serde_json::json!({ "endedAt": "2026-11-22T09:01:00Z" });
        assert!(!is_over(&call("UNKNOWN", &none)) && is_over(&call("UNKNOWN", &over)));
        assert_eq!(explanation(&call("COMPLETED", &over)), None);
    }

    /// C5: the way of a call names its end by its cause.
    #[test]
    fn the_way_of_a_call_ends_with_why() {
        let over = serde_json::json!({
            "startedAt": "2026-11-22T09:00:05Z", "endedAt": "2026-11-22T09:01:00Z", "endCause": "AGENT_HUNG_UP"
        });
        assert_eq!(
            marks(&call("COMPLETED", &over)),
            [
                (Mark::Done, "Asked for"),
                (Mark::Done, "Answered"),
                (Mark::Done, "The agent hung up")
            ]
        );
        assert_eq!(
            marks(&call("RINGING", &serde_json::json!({}))),
            [
                (Mark::Done, "Asked for"),
                (Mark::Done, "Taken by the provider"),
                (Mark::Now, "Rings"),
                (Mark::Later, "Over")
            ]
        );
        let refused = serde_json::json!({
            "failure": { "code": "NO_FUNDS", "message": "Top up." }, "endedAt": "2026-11-22T09:00:01Z"
        });
        let refused = call("FAILED", &refused);
        assert_eq!(
            marks(&refused),
            [(Mark::Done, "Asked for"), (Mark::Bad, "Not placed")]
        );
        let (is_bad, words) = explanation(&refused).expect("it is explained");
        assert!(is_bad);
        assert_eq!(words, Words::new("The account had no funds", "Top up."));
    }

    #[test]
    fn a_move_is_announced_once() {
        let ringing = call("RINGING", &serde_json::json!({}));
        assert_eq!(announcement(CallStatus::Ringing, &ringing), None);
        let over = serde_json::json!({ "endCause": "BUSY", "endedAt": "2026-11-22T09:01:00Z" });
        assert_eq!(
            announcement(CallStatus::Ringing, &call("BUSY", &over)).as_deref(),
            Some("Busy.")
        );
    }
}
