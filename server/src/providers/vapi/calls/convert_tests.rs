//! Vapi's calls as the product's values, from the fixtures that the sandbox uses as well.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{call, status};
use crate::providers::{CallCost, CallDirection, CallStatus, EndCause, RemoteCall};

fn key() -> SecretString {
    SecretString::from("Xw7Tq9Lm3-Zq3x")
}

fn from(value: &Value) -> RemoteCall {
    call(serde_json::from_str(&value.to_string()).unwrap(), &key())
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/call.json")).unwrap()
}

/// C5, C6: everything that is told, and nothing that is said or secret.
#[test]
fn a_call_becomes_a_call() {
    let call = from(&fixture());
    assert!(!format!("{call:?}").contains("never-store-me"));
    assert_eq!(
        call,
        RemoteCall {
            remote_id: "0f6e2a4c-7d31-4c58-9b1e-2a8d6c0f5e77".to_owned(),
            call_id: Some("01930f5e-6c00-7a10-8000-5a1e7b2c9d01".to_owned()),
            account_id: Some("7d1f4b7e-2c55-4f57-8f0a-5a3f9b0c2d10".to_owned()),
            direction: Some(CallDirection::Outbound),
            to: Some("+15035550100".to_owned()),
            from: None,
            number_remote_id: Some("c1a7c1f2-1f0f-4f0e-9a0e-3b7a0c5d9e21".to_owned()),
            agent_remote_id: Some("3f0c8a52-6a6e-4d0b-9f2e-0d5b6c1e7a41".to_owned()),
            status: CallStatus::Completed,
            provider_status: "ended".to_owned(),
            is_over: true,
            ended_reason: Some("customer-ended-call".to_owned()),
            end_cause: Some(EndCause::CustomerHungUp),
            created_at_ms: Some(1_795_190_400_000),
            started_at_ms: Some(1_795_190_407_250),
            ended_at_ms: Some(1_795_190_490_000),
            duration_ms: Some(82_750),
            cost: Some(CallCost {
                micros: 71_500,
                currency: "USD"
            }),
            is_whole: true,
        }
    );
}

/// C5: a call that was just taken costs nothing yet, which is unknown and not zero.
#[test]
fn a_placed_call_is_queued() {
    let placed = include_str!("../fixtures/call_placed.json");
    let call = from(&serde_json::from_str(placed).unwrap());
    assert_eq!(
        (call.status, call.is_over, call.cost),
        (CallStatus::Queued, false, None)
    );
}

/// C6: the sides of an inbound call change places.
#[test]
fn an_inbound_call_comes_from_the_customer() {
    let mut inbound = fixture();
    inbound["type"] = json!("inboundPhoneCall");
    inbound["phoneNumber"] = json!({ "number": "+15035550142" });
    let call = from(&inbound);
    assert_eq!(call.direction, Some(CallDirection::Inbound));
    assert_eq!(
        (call.from.as_deref(), call.to.as_deref()),
        (Some("+15035550100"), Some("+15035550142"))
    );
}

/// C5: the mapping of statuses; what is not known is unknown, and over all the same.
#[test]
fn statuses_and_reasons_have_one_meaning_each() {
    for (word, reason, expected, cause) in [
        ("scheduled", None, CallStatus::Queued, None),
        ("ringing", None, CallStatus::Ringing, None),
        ("forwarding", None, CallStatus::InProgress, None),
        (
            "not-found",
            None,
            CallStatus::Failed,
            Some(EndCause::ProviderFailure),
        ),
        (
            "ended",
            Some("customer-busy"),
            CallStatus::Busy,
            Some(EndCause::Busy),
        ),
        (
            "ended",
            Some("customer-did-not-answer"),
            CallStatus::NoAnswer,
            Some(EndCause::NoAnswer),
        ),
        (
            "ended",
            Some("scheduled-call-deleted"),
            CallStatus::Canceled,
            Some(EndCause::Canceled),
        ),
        (
            "ended",
            Some("assistant-ended-call-after-message-spoken"),
            CallStatus::Completed,
            Some(EndCause::AgentHungUp),
        ),
        (
            "ended",
            Some("call.start.error-subscription-insufficient-credits"),
            CallStatus::Failed,
            Some(EndCause::NoFunds),
        ),
        (
            "ended",
            Some("call.start.error-subscription-concurrency-limit-reached"),
            CallStatus::Failed,
            Some(EndCause::ConcurrencyLimit),
        ),
        (
            "ended",
            Some("call.in-progress.error-sip-outbound-call-failed-to-connect"),
            CallStatus::Failed,
            Some(EndCause::CarrierFailure),
        ),
        (
            "ended",
            Some("pipeline-error-openai-llm-failed"),
            CallStatus::Failed,
            Some(EndCause::ProviderFailure),
        ),
        (
            "ended",
            Some("moon-in-the-way"),
            CallStatus::Unknown("moon-in-the-way".to_owned()),
            Some(EndCause::Other),
        ),
        (
            "ended",
            None,
            CallStatus::Unknown("ended".to_owned()),
            Some(EndCause::Other),
        ),
        (
            "deletion-failed",
            None,
            CallStatus::Unknown("deletion-failed".to_owned()),
            None,
        ),
        ("", None, CallStatus::Unknown(String::new()), None),
    ] {
        assert_eq!(
            status(word, reason, &key()),
            (expected, cause),
            "{word} {reason:?}"
        );
    }
    let mut odd = fixture();
    odd["endedReason"] = json!("moon-in-the-way");
    assert!(from(&odd).is_over && !from(&odd).status.is_final());
}

/// K13: a reason that repeats the key loses it.
#[test]
fn a_reason_with_the_key_in_it_is_scrubbed() {
    let mut leaking = fixture();
    leaking["endedReason"] = json!("error: bad key Xw7Tq9Lm3-Zq3x");
    leaking["status"] = json!("Xw7Tq9Lm3-Zq3x");
    let text = format!("{:?}", from(&leaking));
    assert!(!text.contains("Xw7Tq") && !text.contains("Zq3x"), "{text}");
}
