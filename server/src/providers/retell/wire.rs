//! Retell's JSON exactly as on the wire, only the fields that are needed. Engines and agents may carry secrets (headers of
//! tools, tokens in addresses), so nothing here keeps a field that it does not name. A nested part with an unexpected shape
//! reads as absent, because one odd agent must not hide ten thousand others; ids and the lists themselves are strict.

#![expect(
    clippy::struct_field_names,
    reason = "the fields are named as on the wire"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::providers::wire::lenient;

/// The answer of `GET /get-api-key-info`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ApiKeyInfo {
    pub(super) org_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_name: Option<String>,
}

/// The answer of `GET /get-concurrency`, which proves that the key is accepted and names nothing.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Concurrency {}

/// A page of any list of version 2 or 3.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ListPage<T> {
    pub(super) items: Vec<T>,
    pub(super) has_more: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) pagination_key: Option<String>,
}

/// An item of any list, when only that there is a list matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AnyItem {}

/// An item of `POST /v2/list-agents`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AgentItem {
    pub(super) agent_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) channel: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user_modified_timestamp: Option<i64>,
}

/// The answer of `GET /get-agent/{agent_id}`, and an item of the old `GET /list-agents`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Agent {
    pub(super) agent_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) channel: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) version: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) language: Option<Languages>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) response_engine: Option<ResponseEngine>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_modification_timestamp: Option<i64>,
}

/// One language, or the list of them that a multilingual agent has.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Languages {
    One(String),
    Many(Vec<String>),
}

/// What answers for an agent: its type, and for Retell's own language models which of them.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ResponseEngine {
    #[serde(default, deserialize_with = "lenient", rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) llm_id: Option<String>,
    /// The specification types it as `number`, so `3.0` is as good as `3`.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) version: Option<f64>,
}

/// The answer of `GET /get-retell-llm/{llm_id}`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Llm {
    pub(super) llm_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) version: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) s2s_model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) model_config: Option<ModelConfig>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) general_prompt: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) begin_message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_modification_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) default_dynamic_variables: Option<OwnVariables>,
}

/// The one of a language model's variables that is ours; the others are the account's and are not kept.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OwnVariables {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ringfence_placement: Option<String>,
}

/// The body of `POST /create-retell-llm`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewLlm {
    pub(super) start_speaker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s2s_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) general_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) begin_message: Option<String>,
    pub(super) default_dynamic_variables: BTreeMap<&'static str, String>,
}

/// The body of `POST /create-agent`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewAgent {
    pub(super) response_engine: NewEngine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<NewLanguages>,
}

/// What answers for a new agent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewEngine {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) llm_id: String,
}

/// One language, or all of them.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum NewLanguages {
    One(String),
    Many(Vec<String>),
}

/// The newer place of a language model's settings; where it is set, it wins over the older fields.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ModelConfig {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) primary: Option<PrimaryModel>,
}

/// The model that answers, where nothing takes over from it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PrimaryModel {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) model: Option<String>,
}

/// An item of `GET /v2/list-retell-llms`: which one it is and when it was changed, without its prompt.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LlmItem {
    pub(super) llm_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) version: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_modification_timestamp: Option<i64>,
}

/// An item of `GET /v2/list-phone-numbers`, and the answer to a change of one.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PhoneNumber {
    pub(super) phone_number: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) phone_number_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) nickname: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) inbound_agents: Option<Vec<InboundAgent>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) inbound_webhook_url: Option<Present>,
}

/// An agent that answers a number, with its share of the calls.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct InboundAgent {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) agent_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) weight: Option<f64>,
}

/// A text of which only matters whether it is there; it is not kept, because an address may carry a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Present;

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Present, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(serde::de::Error::custom("an empty text is none"));
        }
        Ok(Present)
    }
}

/// An item of `GET /list-voices`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct VoiceItem {
    pub(super) voice_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice_name: Option<String>,
}

/// The body of an error.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

impl ErrorBody {
    /// The text for people, not scrubbed yet. `None`: this is no error body of Retell's.
    pub(super) fn text(self) -> Option<String> {
        let ErrorBody { status, message } = self;
        message.filter(|_| status.as_deref() == Some("error"))
    }
}
