//! C5: Vapi's webhooks are believed by our token alone, and tell the status and the end.

use axum::http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::read;
use crate::providers::{CallEvent, CallStatus, EndCause, ReceivedWebhook, WebhookRefused};

const TOKEN: &str = "token-8f3a";
const UPDATE: &str = include_str!("../fixtures/webhook_status_update.json");
const REPORT: &str = include_str!("../fixtures/webhook_end_of_call_report.json");

fn read_with(tokens: &[&str], body: &str) -> Result<Vec<CallEvent>, WebhookRefused> {
    let mut headers = HeaderMap::new();
    for token in tokens {
        headers.append("x-ringfence-token", HeaderValue::from_str(token).unwrap());
    }
    let webhook = ReceivedWebhook {
        headers: &headers,
        body: body.as_bytes(),
    };
    read(&webhook, &SecretString::from(TOKEN))
}

/// C5
#[test]
fn a_status_and_a_report_are_told() {
    let events = read_with(&[TOKEN], UPDATE).unwrap();
    let event = &events[0];
    assert_eq!(
        (&event.call.status, event.at_ms, event.call.is_whole),
        (&CallStatus::InProgress, Some(1_795_190_407_250), false)
    );
    assert_eq!(
        event.call.call_id.as_deref(),
        Some("01930f5e-6c00-7a10-8000-5a1e7b2c9d01")
    );
    let events = read_with(&[TOKEN], REPORT).unwrap();
    let call = &events[0].call;
    assert_eq!(
        (&call.status, call.end_cause, call.duration_ms),
        (
            &CallStatus::Completed,
            Some(EndCause::CustomerHungUp),
            Some(82_750)
        )
    );
    assert_eq!(call.cost.unwrap().micros, 71_500);
    assert!(call.is_over && call.is_whole);
    assert!(!format!("{events:?}").contains("never-store-me"));
    assert_ne!(
        events[0].dedupe_key,
        read_with(&[TOKEN], UPDATE).unwrap()[0].dedupe_key
    );
}

/// C5: a missing, a second, a wrong and an empty token.
#[test]
fn only_our_token_is_believed() {
    assert_eq!(read_with(&[], UPDATE), Err(WebhookRefused::Unsigned));
    assert_eq!(
        read_with(&[TOKEN, TOKEN], UPDATE),
        Err(WebhookRefused::Unsigned)
    );
    for wrong in ["", "token-8f3", "token-8f3b", "token-8f3ab"] {
        assert_eq!(
            read_with(&[wrong], UPDATE),
            Err(WebhookRefused::BadSignature)
        );
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-ringfence-token", HeaderValue::from_static(""));
    let webhook = ReceivedWebhook {
        headers: &headers,
        body: UPDATE.as_bytes(),
    };
    assert_eq!(
        read(&webhook, &SecretString::from("")),
        Err(WebhookRefused::BadSignature)
    );
}

/// C5: what is about something else is taken and forgotten.
#[test]
fn other_messages_are_no_errors() {
    let mut other: Value = serde_json::from_str(UPDATE).unwrap();
    for kind in ["transcript", "tool-calls", "hang", "something-new"] {
        other["message"]["type"] = json!(kind);
        assert_eq!(read_with(&[TOKEN], &other.to_string()), Ok(vec![]));
    }
    other["message"]["type"] = json!("status-update");
    other["message"]["call"] = json!(null);
    assert_eq!(read_with(&[TOKEN], &other.to_string()), Ok(vec![]));
}
