//! Calls at Vapi: placing one, reading one, walking the list, and its webhooks. `wire` knows the JSON, `convert` turns it
//! into the product's words. A live call can only be ended at an address that its own answer names, which is not
//! followed, so that nothing here ends one.

mod convert;
mod webhooks;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::Timestamp;
use crate::providers::calls::check_asked;
use crate::providers::http::{Shape, path_id, scrub};
use crate::providers::{
    CallEvent, CallFilter, CallInfo, CallProvider, CallStopper, Capability, NotPlaced, Page,
    PlaceCall, PlacedCall, ProviderError, ProviderKind, ReceivedWebhook, RemoteCall, Target,
    WebhookPerCall, WebhookProof, WebhookRefused, cursor,
};

use super::paging::{self, Dated, TimeCursor};
use super::{LIST_CALLS, Vapi, read, read_list, request};

/// Each call comes with its transcript and all its messages, so that a page of Vapi's thousand could be hundreds of
/// megabytes long.
const CALLS_PER_PAGE: usize = 100;

/// The header of our own token: `Authorization` would take the place of a credential that the account has set.
const TOKEN_HEADER: &str = "x-ringfence-token";

/// The rest of Vapi's messages would send us what is being said.
const MESSAGES: &[&str] = &["status-update", "end-of-call-report"];

const CALL: &str = "the call";

static INFO: CallInfo = CallInfo {
    kind: ProviderKind::Vapi,
    needs_from_number: true,
    webhook_per_call: WebhookPerCall::ReplacesOthersAndTools,
    webhook_proof: WebhookProof::OwnToken {
        header: TOKEN_HEADER,
    },
    repeats_webhooks: false,
    dedupes_minutes: 0,
    has_thin_list: false,
};

impl Dated for wire::Call {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Option<&str> {
        self.created_at.as_deref()
    }
}

#[async_trait]
impl CallProvider for Vapi {
    fn call_info(&self) -> &'static CallInfo {
        &INFO
    }

    async fn place_call(
        &self,
        target: &Target<'_>,
        call: &PlaceCall<'_>,
    ) -> Result<PlacedCall, NotPlaced> {
        let Some(body) = new_call(call) else {
            return Err(NotPlaced::without_from_number(ProviderKind::Vapi));
        };
        let placed = async {
            let body = json!(body);
            let answer =
                request(target, Method::POST, "/call", &["call"], &[], Some(&body)).await?;
            read(&answer, target, Capability::PlaceCalls, Shape::Object, CALL)
        };
        let placed: wire::Call = placed.await.map_err(NotPlaced::by_answer)?;
        let word = placed.status.unwrap_or_default();
        let (status, _) = convert::status(&word, placed.ended_reason.as_deref(), target.key);
        Ok(PlacedCall {
            remote_id: placed.id,
            status,
            provider_status: scrub(&word, target.key),
        })
    }

    async fn get_call(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteCall, ProviderError> {
        let segments = ["call", path_id(remote_id)?];
        let answer = request(target, Method::GET, "/call/{id}", &segments, &[], None).await?;
        let call: wire::Call = read(&answer, target, Capability::ReadCalls, Shape::Object, CALL)?;
        check_asked(&call.id, remote_id)?;
        Ok(convert::call(call, target.key))
    }

    async fn list_calls(
        &self,
        target: &Target<'_>,
        filter: &CallFilter<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteCall>, ProviderError> {
        let position: Option<TimeCursor> = cursor::decode(cursor)?;
        let limit = CALLS_PER_PAGE.to_string();
        let since = rfc3339(filter.since_ms);
        let mut query = vec![("limit", limit.as_str())];
        query.extend(position.as_ref().map(TimeCursor::query));
        // A walk from the oldest on has an earliest time of its own by then.
        if !position.as_ref().is_some_and(TimeCursor::is_lower_bound) {
            query.extend(since.as_deref().map(|since| ("createdAtGe", since)));
        }
        let segments = [LIST_CALLS.segment];
        let answer = request(
            target,
            Method::GET,
            LIST_CALLS.route,
            &segments,
            &query,
            None,
        )
        .await?;
        let page: Vec<wire::Call> = read_list(&answer, target, &LIST_CALLS)?;
        let step = paging::step_by_time(position.as_ref(), page, CALLS_PER_PAGE);
        let calls = step.new.into_iter();
        Ok(Page {
            items: calls.map(|call| convert::call(call, target.key)).collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        })
    }

    fn stopping(&self) -> Option<&'static dyn CallStopper> {
        None
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

/// The request for a call; `None` without a number to call from, which Vapi has no call without.
fn new_call<'a>(call: &PlaceCall<'a>) -> Option<wire::NewCall<'a>> {
    let server = call.webhook.map(|webhook| wire::NewServer {
        url: webhook.url.as_str(),
        headers: BTreeMap::from([(TOKEN_HEADER, webhook.token.expose_secret())]),
    });
    Some(wire::NewCall {
        assistant_id: call.remote_agent_id,
        phone_number_id: call.from?.remote_id,
        customer: wire::NewCustomer { number: call.to },
        assistant_overrides: wire::NewOverrides {
            metadata: wire::NewMetadata {
                ringfence_call: call.call_id,
            },
            variable_values: call.variables,
            server_messages: server.is_some().then_some(MESSAGES),
            server,
        },
    })
}

/// `None` for a time that no calendar has: then the list is asked for from its beginning.
fn rfc3339(unix_ms: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000).ok()?;
    at.format(&Rfc3339).ok()
}
