//! Calls at Retell: placing one, ending one, reading one, walking the list, and its webhooks. `wire` knows the JSON,
//! `convert` turns it into the product's words. Nothing here sends a request again, though Retell would take a second one
//! with the same key for the first for an hour.

mod convert;
mod webhooks;
mod wire;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::providers::calls::check_asked;
use crate::providers::http::{Shape, path_id, scrub};
use crate::providers::{
    CallEvent, CallFilter, CallInfo, CallProvider, CallStopper, Capability, NotPlaced, Page,
    PlaceCall, PlacedCall, ProviderError, ProviderKind, ReceivedWebhook, RemoteCall, Target,
    WebhookPerCall, WebhookProof, WebhookRefused, cursor,
};

use super::paging::{self, Cursor, PAGE_LIMIT};
use super::request::{Request, check, read, read_list, send};
use super::wire::ListPage;
use super::{CALLS, Retell};

const CALL: &str = "the call";

/// The events that tell a status; the rest would send us what is being said.
const EVENTS: &[&str] = &["call_started", "call_ended", "call_analyzed"];

static INFO: CallInfo = CallInfo {
    kind: ProviderKind::Retell,
    needs_from_number: true,
    webhook_per_call: WebhookPerCall::ReplacesOthers,
    webhook_proof: WebhookProof::ApiKey,
    repeats_webhooks: true,
    dedupes_minutes: 60,
    has_thin_list: false,
};

#[async_trait]
impl CallProvider for Retell {
    fn call_info(&self) -> &'static CallInfo {
        &INFO
    }

    async fn place_call(
        &self,
        target: &Target<'_>,
        call: &PlaceCall<'_>,
    ) -> Result<PlacedCall, NotPlaced> {
        let Some(body) = new_call(call) else {
            return Err(NotPlaced::without_from_number(ProviderKind::Retell));
        };
        let body = json!(body);
        let segments = ["v2", "create-phone-call"];
        let request = Request {
            method: Method::POST,
            body: Some(&body),
            ..Request::get("/v2/create-phone-call", &segments)
        };
        let answer = send(target, &request).await.map_err(NotPlaced::by_answer)?;
        let placed: Result<wire::Call, ProviderError> =
            read(&answer, target, Capability::PlaceCalls, Shape::Object, CALL);
        let placed = placed.map_err(|error| NotPlaced {
            // A conflict is about the key that names this call, so that there may be one.
            may_have_dialled: error.may_have_taken_effect()
                || answer.status == StatusCode::CONFLICT,
            error,
        })?;
        let word = placed.call_status.unwrap_or_default();
        let reason = placed.disconnection_reason.as_deref();
        let (status, _) = convert::status(&word, reason, target.key);
        Ok(PlacedCall {
            remote_id: placed.call_id,
            status,
            provider_status: scrub(&word, target.key),
        })
    }

    async fn get_call(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteCall, ProviderError> {
        let segments = ["v2", "get-call", path_id(remote_id)?];
        let answer = send(target, &Request::get("/v2/get-call/{id}", &segments)).await?;
        let call: wire::Call = read(&answer, target, Capability::ReadCalls, Shape::Object, CALL)?;
        check_asked(&call.call_id, remote_id)?;
        Ok(convert::call(call, target.key))
    }

    async fn list_calls(
        &self,
        target: &Target<'_>,
        filter: &CallFilter<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteCall>, ProviderError> {
        let position: Option<Cursor> = cursor::decode(cursor)?;
        let body = list_body(filter, position.as_ref());
        let request = Request {
            method: Method::POST,
            body: Some(&body),
            ..Request::get("/v3/list-calls", &["v3", "list-calls"])
        };
        let answer = send(target, &request).await?;
        let page: ListPage<wire::Call> = read_list(&answer, target, Capability::ReadCalls, CALLS)?;
        let step = paging::step(position.as_ref(), page, |call| (&call.call_id, None));
        let calls = step.items.into_iter();
        Ok(Page {
            items: calls.map(|call| convert::call(call, target.key)).collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        })
    }

    fn stopping(&self) -> Option<&'static dyn CallStopper> {
        Some(&Retell)
    }

    fn read_webhook(
        &self,
        webhook: &ReceivedWebhook<'_>,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<Vec<CallEvent>, WebhookRefused> {
        webhooks::read(webhook, secret, now)
    }
}

#[async_trait]
impl CallStopper for Retell {
    async fn stop_call(&self, target: &Target<'_>, remote_id: &str) -> Result<(), ProviderError> {
        let segments = ["v2", "stop-call", path_id(remote_id)?];
        let request = Request {
            method: Method::POST,
            ..Request::get("/v2/stop-call/{id}", &segments)
        };
        let answer = send(target, &request).await?;
        check(&answer, target, Capability::PlaceCalls)
    }
}

/// The request for a call; `None` without a number to call from, which Retell has no call without.
fn new_call<'a>(call: &PlaceCall<'a>) -> Option<wire::NewCall<'a>> {
    Some(wire::NewCall {
        from_number: call.from?.number,
        to_number: call.to,
        override_agent_id: call.remote_agent_id,
        metadata: wire::NewMetadata {
            ringfence_call: call.call_id,
        },
        idempotency_key: call.call_id,
        retell_llm_dynamic_variables: call.variables,
        agent_override: call.webhook.map(|webhook| wire::NewOverride {
            agent: wire::NewWebhook {
                webhook_url: webhook.url.as_str(),
                webhook_events: EVENTS,
            },
        }),
    })
}

/// Oldest first: what is made on the way comes last and moves nothing to another page. A call that was not connected yet
/// may have no time, so that ours are asked for by their id and not by time.
fn list_body(filter: &CallFilter<'_>, position: Option<&Cursor>) -> Value {
    let criteria = match filter.call_id {
        Some(call_id) => json!({
            "metadata": [{ "type": "string", "op": "eq", "key": "ringfence_call", "value": call_id }],
        }),
        None => json!({
            "start_timestamp": { "type": "number", "op": "ge", "value": filter.since_ms },
        }),
    };
    let mut body = json!({
        "filter_criteria": criteria,
        "sort_order": "ascending",
        "limit": PAGE_LIMIT,
    });
    if let Some(cursor) = position {
        body["pagination_key"] = json!(cursor.key);
    }
    body
}
