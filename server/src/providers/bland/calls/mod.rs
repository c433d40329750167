//! Calls at Bland: placing one, ending one, reading one, walking the list, and its webhooks. `wire` knows the JSON,
//! `convert` turns it into the product's words, `paging` walks the rows. A list item tells a part of a call; the rest is
//! in the single answer.

mod convert;
mod paging;
mod webhooks;
mod wire;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::Timestamp;
use crate::providers::calls::check_asked;
use crate::providers::http::{Shape, path_id};
use crate::providers::{
    CallEvent, CallFilter, CallInfo, CallProvider, CallStatus, CallStopper, Capability, NotPlaced,
    Page, PlaceCall, PlacedCall, ProviderError, ProviderKind, ReceivedWebhook, RemoteCall, Target,
    WebhookPerCall, WebhookProof, WebhookRefused, cursor,
};

use super::convert::AgentId;
use super::envelope::{self, Subject};
use super::{Bland, CALLS, get, post};
use paging::{CallCursor, PAGE_LIMIT};

const NEW_CALL: Subject = Subject {
    capability: Capability::PlaceCalls,
    name: "the answer to a new call",
};
const CALL: Subject = Subject {
    capability: Capability::ReadCalls,
    name: "the call",
};

static INFO: CallInfo = CallInfo {
    kind: ProviderKind::Bland,
    needs_from_number: false,
    webhook_per_call: WebhookPerCall::ReplacesOthers,
    webhook_proof: WebhookProof::SigningSecret,
    repeats_webhooks: true,
    dedupes_minutes: 0,
    has_thin_list: true,
};

#[async_trait]
impl CallProvider for Bland {
    fn call_info(&self) -> &'static CallInfo {
        &INFO
    }

    async fn place_call(
        &self,
        target: &Target<'_>,
        call: &PlaceCall<'_>,
    ) -> Result<PlacedCall, NotPlaced> {
        let body = json!(new_call(call));
        let placed = async {
            let answer = post(target, "/v1/calls", &["v1", "calls"], &body).await?;
            // An answer that names a call is one, whatever else it says.
            let named: Option<wire::Placed> =
                answer.json_if_any().filter(|_| answer.status.is_success());
            let id = named.and_then(|placed| placed.call_id);
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                return Ok(id);
            }
            envelope::check(&answer, target, NEW_CALL.capability)?;
            Err(ProviderError::Malformed {
                what: "the answer to a new call does not name it".to_owned(),
            })
        };
        Ok(PlacedCall {
            remote_id: placed.await.map_err(NotPlaced::by_answer)?,
            // "Call successfully queued" is all that a success says.
            status: CallStatus::Queued,
            provider_status: String::new(),
        })
    }

    async fn get_call(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteCall, ProviderError> {
        let segments = ["v1", "calls", path_id(remote_id)?];
        let answer = get(target, "/v1/calls/{id}", &segments, &[]).await?;
        let call: wire::Call =
            envelope::read(&answer, target, Shape::Object, CALL).map_err(not_found_by_text)?;
        check_asked(&call.call_id, remote_id)?;
        Ok(convert::call(call, target.key))
    }

    async fn list_calls(
        &self,
        target: &Target<'_>,
        filter: &CallFilter<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteCall>, ProviderError> {
        let position: CallCursor = cursor::decode(cursor)?.unwrap_or_default();
        let (row, limit) = (position.row.to_string(), PAGE_LIMIT.to_string());
        let start_date = start_date(filter.since_ms);
        let mut query = vec![
            ("from", row.as_str()),
            ("limit", limit.as_str()),
            ("ascending", "true"),
        ];
        query.extend(start_date.as_deref().map(|date| ("start_date", date)));
        let answer = get(target, "/v1/calls", &["v1", "calls"], &query).await?;
        answer.check_list_exists(CALLS.name)?;
        let list: wire::CallList = envelope::read(&answer, target, Shape::Object, CALLS)?;
        let wire::CallList { calls, total_count } = list;
        let first = calls.readable.first().map(|call| call.call_id.as_str());
        let rows = calls.readable.len() + calls.unreadable;
        let step = paging::step(&position, first, rows, calls.unreadable, total_count);
        let calls = calls.readable.into_iter().filter(|_| step.is_new);
        let calls = calls.map(|call| convert::listed_call(call, target.key));
        Ok(Page {
            // The date is coarser than the time that was asked for.
            items: calls
                .filter(|call| call.created_at_ms.is_none_or(|at| at >= filter.since_ms))
                .collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        })
    }

    fn stopping(&self) -> Option<&'static dyn CallStopper> {
        Some(&Bland)
    }

    fn read_webhook(
        &self,
        webhook: &ReceivedWebhook<'_>,
        secret: &SecretString,
        _now: Timestamp,
    ) -> Result<Vec<CallEvent>, WebhookRefused> {
        webhooks::read(webhook, secret)
    }
}

#[async_trait]
impl CallStopper for Bland {
    async fn stop_call(&self, target: &Target<'_>, remote_id: &str) -> Result<(), ProviderError> {
        let segments = ["v1", "calls", path_id(remote_id)?, "stop"];
        let answer = post(target, "/v1/calls/{id}/stop", &segments, &json!({})).await?;
        envelope::check(&answer, target, Capability::PlaceCalls).map_err(not_found_by_text)
    }
}

fn new_call<'a>(call: &PlaceCall<'a>) -> wire::NewCall<'a> {
    let (persona_id, agent_id, pathway_id) = match AgentId::parse(call.remote_agent_id) {
        AgentId::Persona(id) => (Some(id), None, None),
        AgentId::Agent(id) => (None, Some(id), None),
        AgentId::Pathway(id) => (None, None, Some(id)),
    };
    wire::NewCall {
        phone_number: call.to,
        from: call.from.map(|from| from.number),
        persona_id,
        agent_id,
        pathway_id,
        metadata: wire::NewMetadata {
            ringfence_call: call.call_id,
        },
        request_data: call.variables,
        // No events during the call: those that tell a status come with those that tell what is being said.
        webhook: call.webhook.map(|webhook| webhook.url.as_str()),
    }
}

/// Bland documents texts and no statuses for a call that it does not know, such as "SID not found".
fn not_found_by_text(error: ProviderError) -> ProviderError {
    match &error {
        ProviderError::Rejected { .. } | ProviderError::Unavailable { .. }
            if error
                .message()
                .is_some_and(|text| text.to_lowercase().contains("not found")) =>
        {
            ProviderError::NotFound
        }
        _ => error,
    }
}

/// The day before, because nothing says in which zone Bland's days begin. `None` for a time that no calendar has.
fn start_date(since_ms: i64) -> Option<String> {
    let since = OffsetDateTime::from_unix_timestamp_nanos(i128::from(since_ms) * 1_000_000).ok()?;
    let day = since.date().previous_day()?;
    day.format(format_description!("[year]-[month]-[day]")).ok()
}
