//! Bland's calls as the product's values, from the fixtures that the sandbox uses as well.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{call, listed_call};
use crate::providers::bland::calls::wire;
use crate::providers::{CallCost, CallDirection, CallStatus, EndCause, RemoteCall};

fn wire(value: &Value) -> wire::Call {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn from(value: &Value) -> RemoteCall {
    call(wire(value), &SecretString::from("Xw7Tq9Lm3-Zq3x"))
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/call.json")).unwrap()
}

/// C5, C6: everything that is told, and nothing that is said or secret; the length is in minutes on the wire, and the
/// callee's number without its country.
#[test]
fn a_call_becomes_a_call() {
    let call = from(&fixture());
    assert!(!format!("{call:?}").contains("never-store-me"));
    assert_eq!(
        call,
        RemoteCall {
            remote_id: "6c1d8e2f-5a47-4b90-8c3d-7e6f5a4b3c21".to_owned(),
            call_id: Some("01930f5e-6c00-7a10-8000-5a1e7b2c9d01".to_owned()),
            account_id: None,
            direction: Some(CallDirection::Outbound),
            to: Some("+15035550100".to_owned()),
            from: Some("+15035550142".to_owned()),
            number_remote_id: None,
            agent_remote_id: Some("5b0c7a1e-93d2-4c57-8f4e-6a1d2b9c0e31".to_owned()),
            status: CallStatus::Completed,
            provider_status: "completed".to_owned(),
            is_over: true,
            ended_reason: Some("ended by user".to_owned()),
            end_cause: Some(EndCause::CustomerHungUp),
            created_at_ms: Some(1_795_190_400_595),
            started_at_ms: Some(1_795_190_407_250),
            ended_at_ms: Some(1_795_190_490_000),
            duration_ms: Some(82_750),
            cost: Some(CallCost {
                micros: 124_000,
                currency: "USD"
            }),
            is_whole: true,
        }
    );
}

/// C6: the list leaves out how a call went, so that it is unknown there and never a success.
#[test]
fn a_listed_call_does_not_claim_to_have_gone_well() {
    let item = include_str!("../fixtures/call_item.json");
    let key = SecretString::from("Xw7Tq9Lm3-Zq3x");
    let call = listed_call(serde_json::from_str(item).unwrap(), &key);
    assert_eq!(
        (call.status, call.is_over, call.is_whole, call.call_id),
        (
            CallStatus::Unknown("complete".to_owned()),
            true,
            false,
            None
        )
    );
    let mut live: Value = serde_json::from_str(item).unwrap();
    live["completed"] = json!(false);
    live["queue_status"] = json!("started");
    let call = listed_call(wire(&live), &key);
    assert_eq!((call.status, call.is_over), (CallStatus::InProgress, false));
}

/// C5: three fields tell the status, and `completed` is the newest of them.
#[test]
fn three_fields_make_one_status() {
    let unknown = |text: &str| CallStatus::Unknown(text.to_owned());
    for (queue, status, completed, expected) in [
        (Some("new"), None, Some(false), CallStatus::Queued),
        (Some("allocated"), None, Some(false), CallStatus::Queued),
        (Some("started"), None, Some(false), CallStatus::InProgress),
        (
            Some("started"),
            Some("completed"),
            Some(true),
            CallStatus::Completed,
        ),
        (Some("complete"), Some("busy"), Some(true), CallStatus::Busy),
        (
            Some("complete"),
            Some("no-answer"),
            Some(true),
            CallStatus::NoAnswer,
        ),
        (
            Some("complete"),
            Some("canceled"),
            Some(true),
            CallStatus::Canceled,
        ),
        (
            Some("complete"),
            Some("unknown"),
            Some(true),
            unknown("unknown"),
        ),
        (Some("complete"), None, Some(true), CallStatus::Completed),
        (Some("call_error"), None, Some(false), CallStatus::Failed),
        (
            Some("complete_error"),
            Some("completed"),
            Some(true),
            CallStatus::Completed,
        ),
        (None, Some("failed"), None, CallStatus::Failed),
        (None, None, Some(true), unknown("")),
        (Some("paused"), None, None, unknown("paused")),
        (None, None, None, unknown("")),
    ] {
        let told = json!({
            "call_id": "c", "queue_status": queue, "status": status, "completed": completed,
        });
        assert_eq!(from(&told).status, expected, "{told}");
    }
    let missed = json!({ "call_id": "c", "completed": true, "queue_status": "complete", "answered_by": "no-answer" });
    assert_eq!(from(&missed).status, CallStatus::NoAnswer);
    let broke = json!({ "call_id": "c", "completed": true, "status": "failed", "error_message": "Insufficient balance." });
    assert_eq!(from(&broke).end_cause, Some(EndCause::NoFunds));
}

/// C6: each kind of agent keeps the id under which it is listed, and older answers call a call's id otherwise.
#[test]
fn ids_are_those_of_the_lists() {
    for (field, expected) in [
        ("agent_id", "agent:x"),
        ("persona_id", "x"),
        ("pathway_id", "pathway:x"),
    ] {
        let mut told = json!({ "c_id": "old" });
        told[field] = json!("x");
        let call = from(&told);
        assert_eq!(
            (call.remote_id.as_str(), call.agent_remote_id.as_deref()),
            ("old", Some(expected))
        );
    }
    for seconds in [json!("71"), json!(71)] {
        let told = json!({ "call_id": "c", "corrected_duration": seconds });
        assert_eq!(from(&told).duration_ms, Some(71_000));
    }
}
