//! Vapi's webhooks. Vapi signs nothing by itself: what proves the origin is the token that was sent along with the
//! address. Only the status and the report of the end are read; everything else is about what is being said.

use secrecy::SecretString;

use crate::providers::amount;
use crate::providers::signature::{check_token, only_header, read_body};
use crate::providers::{CallEvent, ReceivedWebhook, WebhookRefused};

use super::{TOKEN_HEADER, convert, wire};

/// What a webhook tells.
pub(super) fn read(
    webhook: &ReceivedWebhook<'_>,
    secret: &SecretString,
) -> Result<Vec<CallEvent>, WebhookRefused> {
    check_token(secret, only_header(webhook.headers, TOKEN_HEADER)?)?;
    let wire::WebhookBody { message } = read_body(webhook.body)?;
    let is_about_a_call = matches!(
        message.kind.as_str(),
        "status-update" | "end-of-call-report"
    );
    let event = is_about_a_call.then(|| event(message, secret)).flatten();
    Ok(event.into_iter().collect())
}

/// The message's own status is the newer one: the call in it is as it was when the message was made. A report of the end
/// has no status and means it.
fn event(message: wire::Message, secret: &SecretString) -> Option<CallEvent> {
    let mut call = message.call?;
    let is_report = message.kind == "end-of-call-report";
    let status = if is_report {
        Some("ended".to_owned())
    } else {
        message.status
    };
    call.status = status.or(call.status);
    call.ended_reason = message.ended_reason.or(call.ended_reason);
    call.started_at = message.started_at.or(call.started_at);
    call.ended_at = message.ended_at.or(call.ended_at);
    call.cost = message.cost.or(call.cost.filter(|_| is_report));
    let status = call.status.clone().unwrap_or_default();
    let mut call = convert::call(call, secret);
    // A status is told before the call is settled: what it cost and how long it took comes with the report.
    call.is_whole = is_report;
    Some(CallEvent {
        dedupe_key: format!("{}:{}:{status}", call.remote_id, message.kind),
        call,
        event: message.kind,
        at_ms: message.timestamp.and_then(|at| amount::whole(at, 1.0)),
    })
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
