//! C5: Retell's signatures, as its SDK makes them, and the five minutes that they hold.

use axum::http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::read;
use crate::clock::Timestamp;
use crate::providers::bench::hmac_hex;
use crate::providers::{CallEvent, CallStatus, ReceivedWebhook, WebhookRefused};

const KEY: &str = "key_8f3a";
const NOW: i64 = 1_795_190_500_000;

fn digest(key: &str, body: &str, at: &str) -> String {
    hmac_hex(key, &format!("{body}{at}"))
}

fn signed(body: &str, at: i64) -> String {
    format!("v={at},d={}", digest(KEY, body, &at.to_string()))
}

fn read_with(signature: &str, body: &str) -> Result<Vec<CallEvent>, WebhookRefused> {
    let mut headers = HeaderMap::new();
    headers.insert(
        "X-Retell-Signature",
        HeaderValue::from_str(signature).unwrap(),
    );
    let webhook = ReceivedWebhook {
        headers: &headers,
        body: body.as_bytes(),
    };
    read(
        &webhook,
        &SecretString::from(KEY),
        Timestamp::from_millis(NOW),
    )
}

fn body(event: &str) -> String {
    let call: Value = serde_json::from_str(include_str!("../fixtures/call.json")).unwrap();
    json!({ "event": event, "call": call }).to_string()
}

/// C5: a vector that was made with Python's `hmac`, as Retell's SDK does: key `key_8f3a`, body `{}`, time 1795190500000.
#[test]
fn the_signature_is_the_one_of_retells_sdk() {
    let signature =
        "v=1795190500000,d=a55a3f8005981ca26dc8c2f9cfd6f9110564b08697322b54bd3561e886babf18";
    assert_eq!(
        read_with(signature, "{}"),
        Err(WebhookRefused::Malformed {
            what: "it has another shape than it should"
        })
    );
    assert_eq!(
        read_with(signature, "{ }"),
        Err(WebhookRefused::BadSignature)
    );
}

/// C5
#[test]
fn an_end_is_told_once_by_its_key() {
    let body = body("call_ended");
    let events = read_with(&signed(&body, NOW), &body).unwrap();
    let event = &events[0];
    assert_eq!(event.call.status, CallStatus::Completed);
    assert_eq!(event.at_ms, Some(1_795_190_490_000));
    assert_eq!(
        event.dedupe_key,
        "call_9f2b4c6d8e0a1357924680bdfac:call_ended"
    );
    // The same event, signed anew as for a retry.
    let again = read_with(&signed(&body, NOW - 1_000), &body).unwrap();
    assert_eq!(again[0].dedupe_key, event.dedupe_key);
    assert!(!format!("{events:?}").contains("never-store-me"));
}

/// C5: five minutes either way, and not a millisecond more.
#[test]
fn a_signature_holds_for_five_minutes() {
    let body = body("call_started");
    for (at, is_fresh) in [
        (NOW - 300_000, true),
        (NOW + 300_000, true),
        (NOW - 300_001, false),
        (NOW + 300_001, false),
        (0, false),
        (i64::MAX, false),
    ] {
        let read = read_with(&signed(&body, at), &body);
        assert_eq!(read.is_ok(), is_fresh, "{at}");
        if !is_fresh {
            assert_eq!(read, Err(WebhookRefused::Stale));
        }
    }
}

/// C5: the form of the header is exact, and each byte of it counts.
#[test]
fn anything_but_the_signature_is_refused() {
    let body = body("call_ended");
    let good = signed(&body, NOW);
    let upper = format!(
        "v={NOW},d={}",
        digest(KEY, &body, &NOW.to_string()).to_uppercase()
    );
    let other_key = format!("v={NOW},d={}", digest("key_8f3b", &body, &NOW.to_string()));
    let other_time = good.replace(&format!("v={NOW}"), &format!("v={}", NOW - 1));
    let beyond = format!(
        "v=99999999999999999999,d={}",
        digest(KEY, &body, "99999999999999999999")
    );
    for wrong in [
        "",
        "v=,d=",
        &good[..good.len() - 1],
        &format!("{good} "),
        &format!(" {good}"),
        &format!("{good},x=1"),
        &good.replace("v=", "t="),
        &good.replace("v=", "v=+"),
        upper.as_str(),
        other_key.as_str(),
        other_time.as_str(),
        beyond.as_str(),
    ] {
        assert_eq!(
            read_with(wrong, &body),
            Err(WebhookRefused::BadSignature),
            "{wrong}"
        );
    }
    assert_eq!(
        read_with(&good, &body.replace("ended", "endec")),
        Err(WebhookRefused::BadSignature)
    );
}

/// C5: events about something else, and chats, are taken and forgotten.
#[test]
fn other_events_are_no_errors() {
    for event in ["transcript_updated", "transfer_started", "something_new"] {
        let body = body(event);
        assert_eq!(read_with(&signed(&body, NOW), &body), Ok(vec![]));
    }
    let chat = json!({ "event": "call_ended", "chat": {} }).to_string();
    assert_eq!(read_with(&signed(&chat, NOW), &chat), Ok(vec![]));
}
