//! Bland's words into the product's. Pure functions from wire structs to domain values; nothing here does I/O or fails.
//! What Bland says that the product has no word for becomes `None` or `Unknown`, never a guess. Here is also how three
//! kinds of agents share one space of ids.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::providers::{
    AgentDefinition, NumberStatus, RemoteAgent, RemoteNumber, RemoteVoice, Voice,
};

use super::wire;

/// Bland does not tell who makes a persona's voice; for a call it takes the voice's name or id alone.
pub(super) const VOICE_ENGINE: &str = "bland";

/// How a persona's tag begins that Ringfence wrote.
pub(super) const MARKER_TAG: &str = "ringfence:";

/// Bland's id of an agent, and where it is looked up. Ids are stored as text: a persona's as it is, the others behind
/// their kind, because nothing says that ids of different kinds never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgentId<'a> {
    /// `/v1/personas/{id}`, stored as `{id}`.
    Persona(&'a str),
    /// `/v2/agents/{id}`, stored as `agent:{id}`.
    Agent(&'a str),
    /// `/v1/pathway/{id}`, stored as `pathway:{id}`.
    Pathway(&'a str),
}

impl<'a> AgentId<'a> {
    /// The id behind the stored text.
    pub(super) fn parse(stored: &'a str) -> AgentId<'a> {
        if let Some(id) = stored.strip_prefix("agent:") {
            AgentId::Agent(id)
        } else if let Some(id) = stored.strip_prefix("pathway:") {
            AgentId::Pathway(id)
        } else {
            AgentId::Persona(stored)
        }
    }

    /// As it is stored.
    pub(super) fn stored(self) -> String {
        match self {
            AgentId::Persona(id) => id.to_owned(),
            AgentId::Agent(id) => format!("agent:{id}"),
            AgentId::Pathway(id) => format!("pathway:{id}"),
        }
    }
}

/// A persona as an agent; `None` when it is deleted. What callers hear is the version in production; a persona that was
/// never promoted has only its draft.
pub(super) fn persona(persona: wire::Persona) -> Option<RemoteAgent> {
    if persona.deleted_at.is_some() {
        return None;
    }
    let version = persona
        .current_production_version
        .or(persona.current_draft_version);
    let (prompt, call_config) = version.map_or((None, None), |version| {
        (version.personality_prompt, version.call_config)
    });
    let (voice, language, first_sentence) = call_config.map_or((None, None, None), |config| {
        (config.voice, config.language, config.first_sentence)
    });
    let tags = persona.tags.map(|tags| tags.readable).unwrap_or_default();
    Some(RemoteAgent {
        remote_id: AgentId::Persona(&persona.id).stored(),
        account_id: None,
        definition: AgentDefinition {
            name: persona.name.unwrap_or_default(),
            prompt: prompt.filter(|text| !text.is_empty()),
            first_message: first_sentence.filter(|text| !text.is_empty()),
            voice: voice.and_then(voice_of),
            language: language.filter(|text| !text.is_empty()),
            model: None,
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: persona.created_at.as_deref().and_then(unix_millis),
        remote_updated_at_ms: persona.updated_at.as_deref().and_then(unix_millis),
        marker: tags
            .iter()
            .find_map(|tag| tag.strip_prefix(MARKER_TAG))
            .map(str::to_owned),
    })
}

/// A v2 agent as far as its record tells; `None` when it is deleted. Its configuration is in a version.
pub(super) fn agent(agent: wire::Agent) -> Option<RemoteAgent> {
    if agent.deleted_at.is_some() {
        return None;
    }
    Some(RemoteAgent {
        remote_id: AgentId::Agent(&agent.id).stored(),
        account_id: agent.org_id.filter(|id| !id.is_empty()),
        definition: AgentDefinition {
            name: agent.name.unwrap_or_default(),
            ..AgentDefinition::default()
        },
        is_whole: false,
        engine: None,
        remote_created_at_ms: agent.created_at.as_deref().and_then(unix_millis),
        // Not said: whether saving or promoting a version moves the record's `updated_at`. If it does not, an agent
        // would keep an old prompt for ever, so each sync reads the versions anew.
        remote_updated_at_ms: None,
        marker: None,
    })
}

/// The agent with what its version adds; without a version there is nothing to add.
pub(super) fn whole_agent(agent: RemoteAgent, version: Option<wire::AgentVersion>) -> RemoteAgent {
    let settings = version
        .and_then(|version| version.snapshot)
        .and_then(|snapshot| snapshot.settings);
    let (prompt, voice, languages) = settings.map_or((None, None, None), |settings| {
        (settings.system_prompt, settings.voice, settings.languages)
    });
    RemoteAgent {
        definition: AgentDefinition {
            prompt: prompt.filter(|text| !text.is_empty()),
            voice: voice.and_then(voice_of),
            language: languages
                .and_then(|languages| languages.into_iter().find(|language| !language.is_empty())),
            ..agent.definition
        },
        is_whole: true,
        ..agent
    }
}

/// A pathway as an agent. What it says is spread over the nodes of a graph, which no other provider could take: its name
/// is all of it that is portable, and so this is the whole of it.
pub(super) fn pathway(id: &str, name: Option<String>, published_at: Option<&str>) -> RemoteAgent {
    RemoteAgent {
        remote_id: AgentId::Pathway(id).stored(),
        account_id: None,
        definition: AgentDefinition {
            name: name.unwrap_or_default(),
            ..AgentDefinition::default()
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: None,
        remote_updated_at_ms: published_at.and_then(unix_millis),
        marker: None,
    }
}

fn voice_of(name: wire::Name) -> Option<Voice> {
    Some(Voice {
        engine: VOICE_ENGINE.to_owned(),
        voice_id: name.into_text()?,
    })
}

/// A phone number; its E.164 form is its id. Bland does not tell who carries it. A number that is
/// attached to a v2 agent names a persona that Bland made for it, so that persona is its agent.
pub(super) fn number(number: wire::InboundNumber) -> RemoteNumber {
    let is_answering = is_answering(&number);
    let agent_remote_id = match (number.persona_id.id(), number.pathway_id.id()) {
        (Some(persona), _) => Some(AgentId::Persona(persona).stored()),
        (None, Some(pathway)) => Some(AgentId::Pathway(pathway).stored()),
        (None, None) => None,
    };
    RemoteNumber {
        remote_id: number.phone_number.clone(),
        account_id: None,
        number: Some(number.phone_number).filter(|text| !text.is_empty()),
        sip_uri: None,
        name: number.label.filter(|text| !text.is_empty()),
        carrier: String::new(),
        // Bland has no word for it: a number is listed for as long as it is in service.
        status: NumberStatus::Active,
        agent_remote_id,
        is_answering,
        remote_created_at_ms: number.created_at.as_deref().and_then(unix_millis),
    }
}

/// Whether Bland answers it: with a persona, a pathway or a prompt of its own.
pub(super) fn is_answering(number: &wire::InboundNumber) -> bool {
    number.persona_id.id().is_some()
        || number.pathway_id.id().is_some()
        || number
            .prompt
            .as_deref()
            .is_some_and(|prompt| !prompt.trim().is_empty())
}

/// A voice; `None` without an id.
pub(super) fn voice(voice: wire::Voice) -> Option<RemoteVoice> {
    let id = voice
        .id
        .or(voice.voice_id)
        .and_then(wire::Name::into_text)?;
    Some(RemoteVoice {
        engine: VOICE_ENGINE.to_owned(),
        voice_id: id,
        name: voice.name.filter(|text| !text.is_empty()),
    })
}

pub(super) fn unix_millis(text: &str) -> Option<i64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
