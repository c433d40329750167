//! Bland's calls exactly as on the wire, only the fields that are needed. Calls carry transcripts, recordings and what the
//! agent's tools were given, so nothing here keeps a field that it does not name. Only ids are strict, and an item of a
//! list without one is counted.

#![expect(
    clippy::struct_field_names,
    reason = "the fields are named as on the wire"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::providers::bland::wire::{Items, Name};
use crate::providers::wire::lenient;

/// The body of `POST /v1/calls`.
#[derive(Clone, Serialize)]
pub(super) struct NewCall<'a> {
    pub(super) phone_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persona_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pathway_id: Option<&'a str>,
    pub(super) metadata: NewMetadata<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) request_data: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<&'a str>,
}

/// Our id of the call.
#[derive(Clone, Serialize)]
pub(super) struct NewMetadata<'a> {
    pub(super) ringfence_call: &'a str,
}

/// The answer of `POST /v1/calls`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Placed {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_id: Option<String>,
}

/// The answer of `GET /v1/calls`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallList {
    pub(super) calls: Items<Call>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) total_count: Option<u64>,
}

/// The answer of `GET /v1/calls/{id}`, an item of `GET /v1/calls`, and the body of the webhook after a call. Older answers
/// call the id `c_id`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Call {
    #[serde(alias = "c_id")]
    pub(super) call_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) queue_status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) completed: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) answered_by: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_ended_by: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error_message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) to: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) from: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) inbound: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) persona_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) pathway_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<Metadata>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) end_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) end_time: Option<String>,
    /// Minutes.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_length: Option<f64>,
    /// Seconds, mostly as text.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) corrected_duration: Option<Seconds>,
    /// US dollars.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) price: Option<f64>,
}

/// A number, or the text of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(f64),
    Text(String),
}

/// The part of a call's free metadata that is ours.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ringfence_call: Option<Name>,
}

/// The body of a webhook during a call. Its message may be what is being said, and is not kept.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Live {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) category: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) event_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_id: Option<String>,
}
