//! Bland's webhooks: signed with a secret of the dashboard over the body alone, so that one that is sent again is as good as
//! the first, and only its event tells them apart. After a call comes its whole record; during one only the two
//! messages that tell a status are read.

use secrecy::SecretString;

use crate::providers::signature::{check_hmac, only_header, read_body};
use crate::providers::{CallEvent, CallStatus, ReceivedWebhook, RemoteCall, WebhookRefused};

use super::{convert, wire};

const SIGNATURE_HEADER: &str = "x-webhook-signature";

/// Our word for the record after a call, which has none of its own.
const POST_CALL: &str = "post_call";

/// What a webhook tells.
pub(super) fn read(
    webhook: &ReceivedWebhook<'_>,
    secret: &SecretString,
) -> Result<Vec<CallEvent>, WebhookRefused> {
    let signature = only_header(webhook.headers, SIGNATURE_HEADER)?;
    check_hmac(secret, &[webhook.body], signature)?;
    let live: wire::Live = read_body(webhook.body)?;
    if live.category.is_some() || live.event_type.is_some() {
        return Ok(live_event(live).into_iter().collect());
    }
    let call: wire::Call = read_body(webhook.body)?;
    if call.completed.is_none() && call.status.is_none() && call.queue_status.is_none() {
        return Ok(Vec::new());
    }
    let call = convert::call(call, secret);
    Ok(vec![CallEvent {
        dedupe_key: format!("{}:{POST_CALL}", call.remote_id),
        event: POST_CALL.to_owned(),
        at_ms: call.ended_at_ms,
        call,
    }])
}

fn live_event(live: wire::Live) -> Option<CallEvent> {
    let (event, status) = match (live.category.as_deref()?, live.message.as_deref()?) {
        ("queue", "Call enqueued") => ("queued", CallStatus::Queued),
        ("call", "Call connected") => ("connected", CallStatus::InProgress),
        _ => return None,
    };
    let id = live.call_id.filter(|id| !id.is_empty())?;
    Some(CallEvent {
        dedupe_key: format!("{id}:{event}"),
        call: RemoteCall {
            status,
            provider_status: event.to_owned(),
            ..RemoteCall::unknown(id)
        },
        event: event.to_owned(),
        at_ms: None,
    })
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
