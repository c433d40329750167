//! Vapi's words for calls into the product's. Pure, and nothing here fails: a status or a reason that is not known becomes
//! `Unknown` or `Other`, never a success. What stays of Vapi's own words is scrubbed (K13).

use secrecy::SecretString;

use crate::providers::amount::{self, DOLLARS};
use crate::providers::http::{scrub, scrub_message};
use crate::providers::vapi::convert::unix_millis;
use crate::providers::{CallDirection, CallStatus, EndCause, RemoteCall};

use super::wire;

/// A call.
pub(super) fn call(call: wire::Call, key: &SecretString) -> RemoteCall {
    let direction = call.kind.as_deref().and_then(direction);
    let customer = call.customer.and_then(number_of);
    let own = call.phone_number.and_then(number_of);
    let (to, from) = match direction {
        Some(CallDirection::Inbound) => (own, customer),
        _ => (customer, own),
    };
    let word = call.status.unwrap_or_default();
    let (status, end_cause) = status(&word, call.ended_reason.as_deref(), key);
    let is_over = word == "ended" || status.is_final();
    let started_at_ms = call.started_at.as_deref().and_then(unix_millis);
    let ended_at_ms = call.ended_at.as_deref().and_then(unix_millis);
    RemoteCall {
        remote_id: call.id,
        call_id: call
            .assistant_overrides
            .and_then(|overrides| overrides.metadata?.ringfence_call),
        account_id: call.org_id,
        direction,
        to,
        from,
        number_remote_id: call.phone_number_id,
        agent_remote_id: call.assistant_id,
        status,
        provider_status: scrub(&word, key),
        is_over,
        ended_reason: call
            .ended_reason
            .and_then(|reason| scrub_message(&reason, key)),
        end_cause,
        created_at_ms: call.created_at.as_deref().and_then(unix_millis),
        started_at_ms,
        ended_at_ms,
        duration_ms: amount::elapsed(started_at_ms, ended_at_ms),
        // While it goes on Vapi writes a cost of zero, which is not what it costs.
        cost: call
            .cost
            .filter(|_| is_over)
            .and_then(|cost| amount::us_dollars(cost, DOLLARS)),
        is_whole: true,
    }
}

fn direction(kind: &str) -> Option<CallDirection> {
    match kind {
        "inboundPhoneCall" => Some(CallDirection::Inbound),
        "outboundPhoneCall" => Some(CallDirection::Outbound),
        "webCall" | "vapi.websocketCall" => Some(CallDirection::Web),
        _ => None,
    }
}

fn number_of(side: wire::Numbered) -> Option<String> {
    side.number.filter(|number| !number.is_empty())
}

/// The status, and for a call that ended why.
pub(super) fn status(
    word: &str,
    ended_reason: Option<&str>,
    key: &SecretString,
) -> (CallStatus, Option<EndCause>) {
    match word {
        "scheduled" | "queued" => (CallStatus::Queued, None),
        "ringing" => (CallStatus::Ringing, None),
        "in-progress" | "forwarding" => (CallStatus::InProgress, None),
        "not-found" => (CallStatus::Failed, Some(EndCause::ProviderFailure)),
        "ended" => {
            let (status, cause) = ended_reason.and_then(end_of).unwrap_or_else(|| {
                let unknown = CallStatus::Unknown(scrub(ended_reason.unwrap_or(word), key));
                (unknown, EndCause::Other)
            });
            (status, Some(cause))
        }
        _ => (CallStatus::Unknown(scrub(word, key)), None),
    }
}

/// What a reason means, by `Call.endedReason` of Vapi's SDK of 2026-11; `None`: it is none of them.
fn end_of(reason: &str) -> Option<(CallStatus, EndCause)> {
    let answered = |cause| Some((CallStatus::Completed, cause));
    match reason {
        "customer-busy" => return Some((CallStatus::Busy, EndCause::Busy)),
        "customer-did-not-answer" => return Some((CallStatus::NoAnswer, EndCause::NoAnswer)),
        "scheduled-call-deleted" | "manually-canceled" => {
            return Some((CallStatus::Canceled, EndCause::Canceled));
        }
        "voicemail" => return answered(EndCause::Voicemail),
        "exceeded-max-duration" => return answered(EndCause::TimeLimit),
        "silence-timed-out" => return answered(EndCause::Silence),
        "assistant-forwarded-call"
        | "call.forwarding.operator-busy"
        | "call.forwarding.no-answer" => return answered(EndCause::Transferred),
        "call.in-progress.twilio-completed-call"
        | "call.in-progress.sip-completed-call"
        | "vonage-completed"
        | "phone-call-provider-closed-websocket" => return answered(EndCause::Other),
        "twilio-reported-customer-misdialed" | "sip-outbound-unallocated-number" => {
            return Some((CallStatus::Failed, EndCause::InvalidNumber));
        }
        "twilio-failed-to-connect-call"
        | "vonage-failed-to-connect-call"
        | "vonage-rejected"
        | "vonage-disconnected"
        | "sip-outbound-carrier-released-call"
        | "phone-call-provider-bypass-enabled-but-no-call-received" => {
            return Some((CallStatus::Failed, EndCause::CarrierFailure));
        }
        _ => {}
    }
    if reason.starts_with("customer-ended-call") {
        return answered(EndCause::CustomerHungUp);
    }
    if reason.starts_with("assistant-ended-call") || reason == "assistant-said-end-call-phrase" {
        return answered(EndCause::AgentHungUp);
    }
    failure_of(reason).map(|cause| (CallStatus::Failed, cause))
}

/// Which failure a reason tells; there are several hundred, most of them a vendor's name in the same form.
fn failure_of(reason: &str) -> Option<EndCause> {
    if ["insufficient-credits", "subscription-frozen", "wallet"]
        .iter()
        .any(|word| reason.contains(word))
    {
        return Some(EndCause::NoFunds);
    }
    if reason.contains("concurrency-limit") {
        return Some(EndCause::ConcurrencyLimit);
    }
    if reason.contains("sip-") && reason.contains("failed-to-connect") {
        return Some(EndCause::CarrierFailure);
    }
    let is_failure = ["error", "failed", "fault"]
        .iter()
        .any(|word| reason.contains(word))
        || reason.starts_with("pipeline-")
        || reason.starts_with("assistant-request-")
        || matches!(
            reason,
            "assistant-not-found"
                | "assistant-not-valid"
                | "assistant-join-timed-out"
                | "worker-shutdown"
        );
    is_failure.then_some(EndCause::ProviderFailure)
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
