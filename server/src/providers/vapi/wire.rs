//! Vapi's JSON exactly as on the wire, only the fields that are needed. Phone numbers may carry Twilio secrets, so
//! nothing here keeps a field that it does not name. A nested part with an unexpected shape reads as absent, because one
//! odd assistant must not hide ten thousand others; ids and the list itself are strict.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::providers::wire::lenient;

/// An item of `GET /assistant`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assistant {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) first_message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) model: Option<AssistantModel>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice: Option<AssistantVoice>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) transcriber: Option<Transcriber>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<Metadata>,
}

/// The part of an assistant's free metadata that is ours; the rest is the account's and is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Metadata {
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) ringfence_placement: Option<String>,
}

/// The body of `POST /assistant`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewAssistant {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<NewModel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice: Option<NewVoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transcriber: Option<NewTranscriber>,
    pub(super) metadata: Metadata,
}

/// The language model of a new assistant, with the prompt.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewModel {
    pub(super) provider: String,
    pub(super) model: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) messages: Vec<NewMessage>,
}

/// A message of a new model's beginning.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewMessage {
    pub(super) role: &'static str,
    pub(super) content: String,
}

/// The voice of a new assistant.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewVoice {
    pub(super) provider: String,
    pub(super) voice_id: String,
}

/// The transcriber of a new assistant.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewTranscriber {
    pub(super) provider: &'static str,
    pub(super) language: String,
}

/// The language model of an assistant.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AssistantModel {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) provider: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) messages: Option<Vec<Message>>,
}

/// A message of the model's beginning; the system prompt is the one with role `system`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) role: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) content: Option<String>,
}

/// The voice of an assistant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssistantVoice {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) provider: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) language: Option<String>,
}

/// What turns the caller's speech into text; the assistant's language lives here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Transcriber {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) language: Option<String>,
}

/// An item of `GET /v2/phone-number`, and the answer to a change of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhoneNumber {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) provider: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) number: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sip_uri: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) assistant_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) squad_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) workflow_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
}

/// The answer of `GET /v2/phone-number`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PhoneNumberPage {
    pub(super) results: Vec<PhoneNumber>,
    pub(super) metadata: PageMetadata,
}

/// Vapi's specification types its counts as `number`, so `12.0` is as good as `12`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageMetadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) total_items: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) items_beyond_retention: Option<bool>,
}

/// An item of any list, when only the account that it belongs to matters.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owned {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) org_id: Option<String>,
}

/// The body of an error.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    message: Option<ErrorText>,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<String>,
}

/// A validation error lists its texts; every other error has one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum ErrorText {
    One(String),
    Many(Vec<String>),
    Other(IgnoredAny),
}

impl ErrorBody {
    /// The text for people, not scrubbed yet. `None`: this is no error body of Vapi's.
    pub(super) fn text(self) -> Option<String> {
        match self.message {
            Some(ErrorText::One(text)) => Some(text),
            Some(ErrorText::Many(texts)) => Some(texts.join("; ")),
            Some(ErrorText::Other(_)) | None => self.error,
        }
    }
}
