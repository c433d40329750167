//! Retell's calls as the product's values, from the fixtures that the sandbox uses as well.

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

/// C5, C6: everything that is told, and nothing that is said or secret; the cost is in cents on the wire.
#[test]
fn a_call_becomes_a_call() {
    let call = from(&fixture());
    assert!(!format!("{call:?}").contains("never-store-me"));
    assert_eq!(
        call,
        RemoteCall {
            remote_id: "call_9f2b4c6d8e0a1357924680bdfac".to_owned(),
            call_id: Some("01930f5e-6c00-7a10-8000-5a1e7b2c9d01".to_owned()),
            account_id: None,
            direction: Some(CallDirection::Outbound),
            to: Some("+15035550100".to_owned()),
            from: Some("+15035550142".to_owned()),
            number_remote_id: None,
            agent_remote_id: Some("agent_7b1c3d5e9f02468ace13579bdf".to_owned()),
            status: CallStatus::Completed,
            provider_status: "ended".to_owned(),
            is_over: true,
            ended_reason: Some("user_hangup".to_owned()),
            end_cause: Some(EndCause::CustomerHungUp),
            created_at_ms: None,
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
    let web = json!({ "call_id": "call_1", "call_type": "web_call", "call_status": "ongoing" });
    assert_eq!(from(&web).direction, Some(CallDirection::Web));
}

/// C5: the mapping of statuses; a call that was not connected for a reason that is not known is unknown.
#[test]
fn statuses_and_reasons_have_one_meaning_each() {
    for (word, reason, expected, cause) in [
        ("registered", None, CallStatus::Queued, None),
        ("ongoing", None, CallStatus::InProgress, None),
        (
            "not_connected",
            Some("dial_busy"),
            CallStatus::Busy,
            Some(EndCause::Busy),
        ),
        (
            "not_connected",
            Some("dial_no_answer"),
            CallStatus::NoAnswer,
            Some(EndCause::NoAnswer),
        ),
        (
            "not_connected",
            Some("user_declined"),
            CallStatus::NoAnswer,
            Some(EndCause::Declined),
        ),
        (
            "not_connected",
            Some("dial_failed"),
            CallStatus::Failed,
            Some(EndCause::CarrierFailure),
        ),
        (
            "not_connected",
            Some("credit_exhausted"),
            CallStatus::Failed,
            Some(EndCause::NoFunds),
        ),
        (
            "not_connected",
            Some("moon_in_the_way"),
            CallStatus::Unknown("moon_in_the_way".to_owned()),
            Some(EndCause::Other),
        ),
        (
            "not_connected",
            None,
            CallStatus::Unknown("not_connected".to_owned()),
            Some(EndCause::Other),
        ),
        (
            "ended",
            Some("voicemail_reached"),
            CallStatus::Completed,
            Some(EndCause::Voicemail),
        ),
        (
            "ended",
            Some("manual_stopped"),
            CallStatus::Canceled,
            Some(EndCause::Canceled),
        ),
        (
            "ended",
            Some("error_llm_websocket_open"),
            CallStatus::Failed,
            Some(EndCause::ProviderFailure),
        ),
        ("ended", None, CallStatus::Completed, Some(EndCause::Other)),
        (
            "error",
            None,
            CallStatus::Failed,
            Some(EndCause::ProviderFailure),
        ),
        (
            "paused",
            None,
            CallStatus::Unknown("paused".to_owned()),
            None,
        ),
    ] {
        assert_eq!(
            status(word, reason, &key()),
            (expected, cause),
            "{word} {reason:?}"
        );
    }
}
