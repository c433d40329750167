//! Retell's calls exactly as on the wire, only the fields that are needed. Calls carry transcripts, recordings and
//! addresses with signatures in them, so nothing here keeps a field that it does not name. Only ids are strict.

#![expect(
    clippy::struct_field_names,
    reason = "the fields are named as on the wire"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::providers::wire::lenient;

/// The body of `POST /v2/create-phone-call`.
#[derive(Clone, Serialize)]
pub(super) struct NewCall<'a> {
    pub(super) from_number: &'a str,
    pub(super) to_number: &'a str,
    pub(super) override_agent_id: &'a str,
    pub(super) metadata: NewMetadata<'a>,
    pub(super) idempotency_key: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) retell_llm_dynamic_variables: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_override: Option<NewOverride<'a>>,
}

/// Our id of the call.
#[derive(Clone, Serialize)]
pub(super) struct NewMetadata<'a> {
    pub(super) ringfence_call: &'a str,
}

/// What this call has of its own.
#[derive(Clone, Serialize)]
pub(super) struct NewOverride<'a> {
    pub(super) agent: NewWebhook<'a>,
}

/// Where the events of this call go, and which.
#[derive(Clone, Serialize)]
pub(super) struct NewWebhook<'a> {
    pub(super) webhook_url: &'a str,
    pub(super) webhook_events: &'static [&'static str],
}

/// The answer of `POST /v2/create-phone-call` and `GET /v2/get-call/{id}`, an item of `POST /v3/list-calls`, and the `call`
/// of a webhook.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Call {
    pub(super) call_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) disconnection_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) direction: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) from_number: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) to_number: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<Metadata>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) start_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) end_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) duration_ms: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_cost: Option<Cost>,
}

/// The part of a call's free metadata that is ours.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ringfence_call: Option<String>,
}

/// What a call cost.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Cost {
    /// US cents: "Combined cost of all individual costs in cents", says the SDK.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) combined_cost: Option<f64>,
}

/// The body of a webhook. Chats have webhooks of the same form, without a call.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WebhookBody {
    pub(super) event: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call: Option<Call>,
}
