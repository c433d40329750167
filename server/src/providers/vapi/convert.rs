//! Vapi's words into the product's. Pure functions from wire structs to domain values; nothing here does I/O or fails.
//! What Vapi says that the product has no word for becomes `None` or `Unknown`, never a guess.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::providers::{AgentDefinition, Model, NumberStatus, RemoteAgent, RemoteNumber, Voice};

use super::wire;

/// An assistant as an agent.
pub(super) fn agent(assistant: wire::Assistant) -> RemoteAgent {
    let wire::Assistant {
        id,
        org_id,
        created_at,
        updated_at,
        name,
        first_message,
        model,
        voice,
        transcriber,
        metadata,
    } = assistant;
    // Vapi has no language of the assistant: it is what the transcriber listens for, else what the voice speaks.
    let language = transcriber
        .and_then(|transcriber| transcriber.language)
        .or_else(|| voice.as_ref().and_then(|voice| voice.language.clone()));
    let prompt = model.as_ref().and_then(system_prompt);
    RemoteAgent {
        remote_id: id,
        account_id: org_id,
        definition: AgentDefinition {
            name: name.unwrap_or_default(),
            prompt,
            first_message: first_message.filter(|text| !text.is_empty()),
            voice: voice.and_then(|voice| {
                Some(Voice {
                    engine: voice.provider?,
                    voice_id: voice.voice_id?,
                })
            }),
            language,
            model: model.and_then(|model| {
                Some(Model {
                    vendor: model.provider?,
                    name: model.model?,
                })
            }),
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: created_at.as_deref().and_then(unix_millis),
        remote_updated_at_ms: updated_at.as_deref().and_then(unix_millis),
        marker: metadata.and_then(|metadata| metadata.ringfence_placement),
    }
}

/// All messages with role `system`; Vapi allows several and sends them all.
fn system_prompt(model: &wire::AssistantModel) -> Option<String> {
    let prompts: Vec<&str> = model
        .messages
        .iter()
        .flatten()
        .filter(|message| message.role.as_deref() == Some("system"))
        .filter_map(|message| message.content.as_deref())
        .filter(|content| !content.is_empty())
        .collect();
    (!prompts.is_empty()).then(|| prompts.join("\n\n"))
}

/// A phone number.
pub(super) fn number(number: wire::PhoneNumber) -> RemoteNumber {
    let is_answering =
        number.assistant_id.is_some() || number.squad_id.is_some() || number.workflow_id.is_some();
    RemoteNumber {
        remote_id: number.id,
        account_id: number.org_id,
        number: number.number.filter(|text| !text.is_empty()),
        sip_uri: number.sip_uri.filter(|text| !text.is_empty()),
        name: number.name.filter(|text| !text.is_empty()),
        carrier: number.provider.unwrap_or_default(),
        status: status(number.status),
        agent_remote_id: number.assistant_id,
        is_answering,
        remote_created_at_ms: number.created_at.as_deref().and_then(unix_millis),
    }
}

fn status(status: Option<String>) -> NumberStatus {
    match status.as_deref() {
        Some("active") => NumberStatus::Active,
        Some("activating") => NumberStatus::Activating,
        Some("blocked") => NumberStatus::Blocked,
        _ => NumberStatus::Unknown(status.unwrap_or_default()),
    }
}

/// An instant as Vapi writes it, ISO 8601 with a zone.
pub(super) fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

pub(super) fn unix_millis(text: &str) -> Option<i64> {
    i64::try_from(instant(text)?.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
