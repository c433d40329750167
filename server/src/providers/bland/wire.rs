//! Bland's JSON exactly as on the wire, only the fields that are needed. Numbers may carry headers and tools with secrets
//! in them, so nothing here keeps a field that it does not name. A nested part with an unexpected shape reads as absent,
//! and an item that cannot be read at all is counted, so that one odd persona does not hide ten thousand others.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::providers::wire::lenient;

/// A list of which each item is read by itself.
#[derive(Debug, Clone)]
pub(super) struct Items<T> {
    pub(super) readable: Vec<T>,
    /// How many had no id, or were no objects.
    pub(super) unreadable: usize,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Vec::<&RawValue>::deserialize(deserializer)?;
        let count = raw.len();
        let readable: Vec<T> = raw
            .into_iter()
            .filter_map(|item| serde_json::from_str(item.get()).ok())
            .collect();
        Ok(Items {
            unreadable: count - readable.len(),
            readable,
        })
    }
}

/// The newer of Bland's two envelopes; what went wrong stands beside it, see [`ErrorBody`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Enveloped<T> {
    pub(super) data: T,
}

/// The answer of `GET /v1/me`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Me {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) billing: Option<Billing>,
}

/// What an account has left.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Billing {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_balance: Option<f64>,
}

/// An item of `GET /v1/personas`, and the answer of `GET /v1/personas/{id}`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Persona {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) deleted_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) tags: Option<Items<String>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_production_version: Option<PersonaVersion>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_draft_version: Option<PersonaVersion>,
}

/// What a persona says and how.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PersonaVersion {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) personality_prompt: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) call_config: Option<CallConfig>,
}

/// How a persona speaks.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallConfig {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) language: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) first_sentence: Option<String>,
}

/// The body of `POST /v1/personas`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewPersona {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) personality_prompt: Option<String>,
    #[serde(skip_serializing_if = "NewCallConfig::is_empty")]
    pub(super) call_config: NewCallConfig,
    pub(super) tags: Vec<String>,
}

/// How a new persona speaks.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewCallConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_sentence: Option<String>,
}

impl NewCallConfig {
    fn is_empty(&self) -> bool {
        self.voice.is_none() && self.language.is_none() && self.first_sentence.is_none()
    }
}

/// A name or an id; older voices have numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Text(String),
    Number(i64),
}

impl Name {
    /// As text; `None` when it is empty.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Name::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Name::Number(number) => Some(number.to_string()),
        }
    }
}

/// An item of `GET /v2/agents`, and the answer of `GET /v2/agents/{id}`, where alone the environments are.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Agent {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) deleted_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) environments: Option<Vec<Environment>>,
}

/// Where a version of an agent runs; an item of `GET /v2/agents/{id}/environments` too.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Environment {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) env_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_version_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_version: Option<PinnedVersion>,
}

/// The version that an environment is pinned to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PinnedVersion {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) semver: Option<String>,
}

/// A saved version of an agent.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AgentVersion {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) snapshot: Option<Snapshot>,
}

/// The configuration in a version.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Snapshot {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) settings: Option<Settings>,
}

/// The agent-wide part of a configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) system_prompt: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) languages: Option<Vec<String>>,
}

/// An item of `GET /v1/pathway`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PathwaySummary {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) published_at: Option<String>,
}

/// The answer of `GET /v1/pathway/{id}`, which does not repeat the id.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pathway {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
}

/// The answer of `GET /v1/inbound`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct InboundList {
    pub(super) inbound_numbers: Items<InboundNumber>,
}

/// An item of `GET /v1/inbound`, and the answer of `GET /v1/inbound/{number}`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct InboundNumber {
    pub(super) phone_number: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) persona_id: Assigned,
    #[serde(default)]
    pub(super) pathway_id: Assigned,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) prompt: Option<String>,
}

/// What a number is assigned to. That it is not told is no proof that there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Assigned {
    #[default]
    Untold,
    Nothing,
    To(String),
}

impl<'de> Deserialize<'de> for Assigned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id: Option<String> = lenient(deserializer)?;
        Ok(id
            .filter(|id| !id.is_empty())
            .map_or(Assigned::Nothing, Assigned::To))
    }
}

impl Assigned {
    /// The id, where there is one.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Assigned::To(id) => Some(id),
            Assigned::Untold | Assigned::Nothing => None,
        }
    }
}

/// The answer of `GET /v1/calls`, when only its being a list of calls matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallList {
    #[serde(rename = "calls")]
    pub(super) _calls: Vec<IgnoredAny>,
}

/// The answer of `GET /v1/voices`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct VoiceList {
    pub(super) voices: Items<Voice>,
}

/// A voice; the older form has only a number, the newer one only an id.
#[expect(
    clippy::struct_field_names,
    reason = "`voice_id` is the field's name on the wire"
)]
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Voice {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice_id: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
}

/// What every answer of Bland's may carry, whatever its status: the newer envelope's errors, or the older one's status
/// and message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    errors: Option<Errors>,
}

/// The errors of either envelope.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Errors {
    None(()),
    Text(String),
    List(Vec<ErrorItem>),
    Other(IgnoredAny),
}

/// The newer envelope has a code and a text, the older one a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum ErrorItem {
    Text(String),
    Coded {
        error: Option<String>,
        message: Option<String>,
    },
    Other(IgnoredAny),
}

impl ErrorBody {
    /// True when the answer says that something went wrong. The account's own `status`, such as `active`, says nothing.
    pub(super) fn is_error(&self) -> bool {
        let has_errors = match &self.errors {
            None | Some(Errors::None(())) => false,
            Some(Errors::Text(text)) => !text.is_empty(),
            Some(Errors::List(items)) => !items.is_empty(),
            Some(Errors::Other(_)) => true,
        };
        let is_error_status = self
            .status
            .as_deref()
            .is_some_and(|status| status.to_lowercase().contains("error"));
        has_errors || is_error_status || self.error.is_some()
    }

    /// The code of the first error, such as `AUTH_FAILURE`.
    pub(super) fn code(&self) -> Option<&str> {
        match &self.errors {
            Some(Errors::List(items)) => items.iter().find_map(|item| match item {
                ErrorItem::Coded { error, .. } => error.as_deref(),
                ErrorItem::Text(_) | ErrorItem::Other(_) => None,
            }),
            _ => None,
        }
    }

    /// The text for people, not scrubbed yet. `None`: this is no error body of Bland's.
    pub(super) fn text(&self) -> Option<String> {
        let listed = match &self.errors {
            Some(Errors::Text(text)) => vec![text.clone()],
            Some(Errors::List(items)) => items.iter().filter_map(ErrorItem::text).collect(),
            _ => Vec::new(),
        };
        if !listed.is_empty() {
            return Some(listed.join("; "));
        }
        [&self.message, &self.error, &self.status]
            .into_iter()
            .find_map(Clone::clone)
    }
}

impl ErrorItem {
    fn text(&self) -> Option<String> {
        match self {
            ErrorItem::Text(text) => Some(text.clone()),
            ErrorItem::Coded { error, message } => message.clone().or_else(|| error.clone()),
            ErrorItem::Other(_) => None,
        }
    }
}
