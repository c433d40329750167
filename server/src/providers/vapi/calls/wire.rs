//! Vapi's calls exactly as on the wire, only the fields that are needed. Calls carry transcripts, recordings and a
//! phone number's Twilio secrets, so nothing here keeps a field that it does not name. Only ids are strict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::providers::wire::lenient;

/// The body of `POST /call`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCall<'a> {
    pub(super) assistant_id: &'a str,
    pub(super) phone_number_id: &'a str,
    pub(super) customer: NewCustomer<'a>,
    pub(super) assistant_overrides: NewOverrides<'a>,
}

/// Who is called.
#[derive(Clone, Serialize)]
pub(super) struct NewCustomer<'a> {
    pub(super) number: &'a str,
}

/// What this call has of its own.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewOverrides<'a> {
    pub(super) metadata: NewMetadata<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) variable_values: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<NewServer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_messages: Option<&'static [&'static str]>,
}

/// Our id of the call.
#[derive(Clone, Serialize)]
pub(super) struct NewMetadata<'a> {
    pub(super) ringfence_call: &'a str,
}

/// Where the events of this call go, with which headers.
#[derive(Clone, Serialize)]
pub(super) struct NewServer<'a> {
    pub(super) url: &'a str,
    pub(super) headers: BTreeMap<&'static str, &'a str>,
}

/// The answer of `POST /call` and `GET /call/{id}`, an item of `GET /call`, and the `call` of a webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_id: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ended_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) assistant_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) phone_number_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) phone_number: Option<Numbered>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) customer: Option<Numbered>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) assistant_overrides: Option<Overrides>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ended_at: Option<String>,
    /// US dollars.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) cost: Option<f64>,
}

/// A side of a call; of the account's own numbers the other fields may be secrets.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Numbered {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) number: Option<String>,
}

/// What the call had of its own.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Overrides {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<Metadata>,
}

/// The part of a call's free metadata that is ours.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ringfence_call: Option<String>,
}

/// The body of a webhook.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WebhookBody {
    pub(super) message: Message,
}

/// What a webhook is about. A report of the end tells times and cost beside the call and not in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ended_reason: Option<String>,
    /// Unix milliseconds; the specification types it as `number`.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) timestamp: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ended_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) cost: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call: Option<Call>,
}
