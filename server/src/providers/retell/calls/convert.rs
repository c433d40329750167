//! Retell's words for calls into the product's. Pure, and nothing here fails: a status that is not known becomes
//! `Unknown`, never a success. What stays of Retell's own words is scrubbed (K13).

use secrecy::SecretString;

use crate::providers::amount::{self, CENTS};
use crate::providers::http::{scrub, scrub_message};
use crate::providers::{CallDirection, CallStatus, EndCause, RemoteCall};

use super::wire;

/// A call.
pub(super) fn call(call: wire::Call, key: &SecretString) -> RemoteCall {
    let word = call.call_status.unwrap_or_default();
    let (status, end_cause) = status(&word, call.disconnection_reason.as_deref(), key);
    let is_over = matches!(word.as_str(), "ended" | "not_connected" | "error");
    let direction = match (call.direction.as_deref(), call.call_type.as_deref()) {
        (Some("inbound"), _) => Some(CallDirection::Inbound),
        (Some("outbound"), _) => Some(CallDirection::Outbound),
        (None, Some("web_call")) => Some(CallDirection::Web),
        _ => None,
    };
    RemoteCall {
        remote_id: call.call_id,
        call_id: call.metadata.and_then(|metadata| metadata.ringfence_call),
        account_id: None,
        direction,
        to: call.to_number.filter(|number| !number.is_empty()),
        from: call.from_number.filter(|number| !number.is_empty()),
        number_remote_id: None,
        agent_remote_id: call.agent_id.filter(|id| !id.is_empty()),
        status,
        provider_status: scrub(&word, key),
        is_over,
        ended_reason: call
            .disconnection_reason
            .and_then(|reason| scrub_message(&reason, key)),
        end_cause,
        // Retell tells no time of making.
        created_at_ms: None,
        started_at_ms: call.start_timestamp,
        ended_at_ms: call.end_timestamp,
        duration_ms: call
            .duration_ms
            .and_then(|duration| amount::whole(duration, 1.0))
            .or_else(|| amount::elapsed(call.start_timestamp, call.end_timestamp)),
        cost: call
            .call_cost
            .filter(|_| is_over)
            .and_then(|cost| amount::us_dollars(cost.combined_cost?, CENTS)),
        is_whole: true,
    }
}

/// The status, and for a call that is over why.
pub(super) fn status(
    word: &str,
    reason: Option<&str>,
    key: &SecretString,
) -> (CallStatus, Option<EndCause>) {
    let cause = reason.map(cause_of);
    match word {
        "registered" => (CallStatus::Queued, None),
        "ongoing" => (CallStatus::InProgress, None),
        "error" => (
            CallStatus::Failed,
            Some(cause.unwrap_or(EndCause::ProviderFailure)),
        ),
        "ended" => (ended(cause), Some(cause.unwrap_or(EndCause::Other))),
        "not_connected" => match cause {
            None | Some(EndCause::Other) => {
                let unknown = CallStatus::Unknown(scrub(reason.unwrap_or(word), key));
                (unknown, Some(EndCause::Other))
            }
            Some(cause) => (not_connected(cause), Some(cause)),
        },
        _ => (CallStatus::Unknown(scrub(word, key)), None),
    }
}

/// A call that was connected and is over went well, unless the reason tells otherwise.
fn ended(cause: Option<EndCause>) -> CallStatus {
    match cause {
        None
        | Some(
            EndCause::CustomerHungUp
            | EndCause::AgentHungUp
            | EndCause::Transferred
            | EndCause::Voicemail
            | EndCause::TimeLimit
            | EndCause::Silence
            | EndCause::Other,
        ) => CallStatus::Completed,
        Some(cause) => not_connected(cause),
    }
}

fn not_connected(cause: EndCause) -> CallStatus {
    match cause {
        EndCause::Busy => CallStatus::Busy,
        EndCause::NoAnswer | EndCause::Declined => CallStatus::NoAnswer,
        EndCause::Canceled => CallStatus::Canceled,
        _ => CallStatus::Failed,
    }
}

/// What a reason means, by `disconnection_reason` of Retell's SDK 6.2.13.
fn cause_of(reason: &str) -> EndCause {
    match reason {
        "user_hangup" | "user_requested_dnc" | "user_requested_callback" => {
            EndCause::CustomerHungUp
        }
        "agent_hangup" => EndCause::AgentHungUp,
        "call_transfer" | "transfer_bridged" | "call_take_over" => EndCause::Transferred,
        "voicemail_reached" | "ivr_reached" => EndCause::Voicemail,
        "inactivity" => EndCause::Silence,
        "max_duration_reached" => EndCause::TimeLimit,
        "dial_busy" => EndCause::Busy,
        "dial_no_answer" => EndCause::NoAnswer,
        "user_declined" => EndCause::Declined,
        "manual_stopped" => EndCause::Canceled,
        "no_valid_payment" | "credit_exhausted" | "budget_reached" => EndCause::NoFunds,
        "concurrency_limit_reached" | "no_concurrency_fallback" => EndCause::ConcurrencyLimit,
        "invalid_destination" => EndCause::InvalidNumber,
        "dial_failed"
        | "telephony_provider_permission_denied"
        | "telephony_provider_unavailable"
        | "sip_routing_error"
        | "marked_as_spam"
        | "network_blocked" => EndCause::CarrierFailure,
        "scam_detected" | "registered_call_timeout" => EndCause::ProviderFailure,
        _ if reason.starts_with("error_") => EndCause::ProviderFailure,
        _ => EndCause::Other,
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
