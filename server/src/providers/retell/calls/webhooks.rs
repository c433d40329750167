//! Retell's webhooks: signed with an API key over the body and the time of signing, and believed for five minutes. Only
//! the three events that tell a status are read.

use std::time::Duration;

use secrecy::SecretString;

use crate::clock::Timestamp;
use crate::providers::signature::{check_hmac, only_header, read_body};
use crate::providers::{CallEvent, ReceivedWebhook, WebhookRefused};

use super::{EVENTS, convert, wire};

const SIGNATURE_HEADER: &str = "x-retell-signature";

/// As in Retell's SDK, either way.
const WINDOW: Duration = Duration::from_mins(5);

/// What a webhook tells.
pub(super) fn read(
    webhook: &ReceivedWebhook<'_>,
    secret: &SecretString,
    now: Timestamp,
) -> Result<Vec<CallEvent>, WebhookRefused> {
    let header = only_header(webhook.headers, SIGNATURE_HEADER)?;
    let signature = Signature::parse(header).ok_or(WebhookRefused::BadSignature)?;
    let digits = signature.digits.as_bytes();
    check_hmac(secret, &[webhook.body, digits], signature.hex)?;
    let signed_at = Timestamp::from_millis(signature.unix_ms);
    if signed_at.until(now) > WINDOW || now.until(signed_at) > WINDOW {
        return Err(WebhookRefused::Stale);
    }
    let body: wire::WebhookBody = read_body(webhook.body)?;
    let event = EVENTS
        .contains(&body.event.as_str())
        .then(|| event(body, signature.unix_ms, secret))
        .flatten();
    Ok(event.into_iter().collect())
}

/// Retell tells no time of an event: a beginning is when it began, an end when it ended, anything else when it was signed.
fn event(body: wire::WebhookBody, signed_at_ms: i64, secret: &SecretString) -> Option<CallEvent> {
    let wire::WebhookBody { event, call } = body;
    let call = convert::call(call?, secret);
    let at_ms = match event.as_str() {
        "call_started" => call.started_at_ms,
        "call_ended" => call.ended_at_ms,
        _ => None,
    };
    Some(CallEvent {
        dedupe_key: format!("{}:{event}", call.remote_id),
        call,
        event,
        at_ms: at_ms.or(Some(signed_at_ms)),
    })
}

/// `v=<decimal>,d=<64 lowercase hex digits>` and nothing else.
struct Signature<'a> {
    digits: &'a str,
    unix_ms: i64,
    hex: &'a [u8],
}

impl<'a> Signature<'a> {
    fn parse(header: &'a [u8]) -> Option<Signature<'a>> {
        let text = str::from_utf8(header).ok()?;
        let (digits, hex) = text.strip_prefix("v=")?.split_once(",d=")?;
        let is_decimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let is_hex = hex.len() == 64
            && hex
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        (is_decimal && is_hex).then_some(())?;
        Some(Signature {
            digits,
            unix_ms: digits.parse().ok()?,
            hex: hex.as_bytes(),
        })
    }
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
