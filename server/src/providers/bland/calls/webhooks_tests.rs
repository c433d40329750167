//! C5: Bland's signature over the bytes of the body, the record after a call, and the two lines of a live one that matter.

use axum::http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::json;

use super::read;
use crate::providers::bench::hmac_hex;
use crate::providers::{CallEvent, CallStatus, ReceivedWebhook, WebhookRefused};

const SECRET: &str = "secret-8f3a";
const CALL: &str = include_str!("../fixtures/call.json");

fn signed(body: &str) -> String {
    hmac_hex(SECRET, body)
}

fn read_with(signature: Option<&str>, body: &str) -> Result<Vec<CallEvent>, WebhookRefused> {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert(
            "X-Webhook-Signature",
            HeaderValue::from_str(signature).unwrap(),
        );
    }
    let webhook = ReceivedWebhook {
        headers: &headers,
        body: body.as_bytes(),
    };
    read(&webhook, &SecretString::from(SECRET))
}

/// C5
#[test]
fn the_record_after_a_call_is_told_once_by_its_key() {
    let events = read_with(Some(&signed(CALL)), CALL).unwrap();
    assert_eq!(events[0].call.status, CallStatus::Completed);
    assert_eq!(events[0].at_ms, Some(1_795_190_490_000));
    assert_eq!(
        events[0].dedupe_key,
        "6c1d8e2f-5a47-4b90-8c3d-7e6f5a4b3c21:post_call"
    );
    assert!(!format!("{events:?}").contains("never-store-me"));
}

/// C5: over the bytes and not over what they mean; the vector was made with Python's `hmac`.
#[test]
fn only_the_right_signature_over_these_bytes_is_believed() {
    let vector = "8f6ee8ea18fe28a13edbf33ab2e194e1217db4db091899170f61a525580591db";
    assert!(matches!(
        read_with(Some(vector), "{}"),
        Err(WebhookRefused::Malformed { .. })
    ));
    for (signature, body) in [
        (vector, "{ }"),
        ("", "{}"),
        (&vector[1..], "{}"),
        (&vector.replace('0', "g"), "{}"),
        (&signed("{}x"), "{}"),
    ] {
        assert_eq!(
            read_with(Some(signature), body),
            Err(WebhookRefused::BadSignature)
        );
    }
    assert_eq!(read_with(None, CALL), Err(WebhookRefused::Unsigned));
}

/// C5: a live call tells its status in two lines; the rest is what is being said, and is not kept.
#[test]
fn two_lines_of_a_live_call_tell_its_status() {
    let line = |category: &str, message: &str| {
        let body = json!({ "category": category, "message": message, "call_id": "c", "log_level": "info" });
        let body = body.to_string();
        read_with(Some(&signed(&body)), &body).unwrap()
    };
    assert_eq!(
        line("queue", "Call enqueued")[0].call.status,
        CallStatus::Queued
    );
    let connected = &line("call", "Call connected")[0];
    assert_eq!(connected.call.status, CallStatus::InProgress);
    assert_eq!(connected.dedupe_key, "c:connected");
    assert!(!connected.call.is_whole);
    for (category, message) in [("call", "Agent speech: hello"), ("latency", "TTS: 1ms")] {
        assert_eq!(line(category, message), []);
    }
    let citations = json!({ "call_id": "c", "event_type": "citations" }).to_string();
    assert_eq!(read_with(Some(&signed(&citations)), &citations), Ok(vec![]));
}
