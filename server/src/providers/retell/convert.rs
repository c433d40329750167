//! Retell's words into the product's. Pure functions from wire structs to domain values; nothing here does I/O or fails.
//! What Retell says that the product has no word for becomes `None` or `Unknown`, never a guess.

use crate::providers::{
    AgentDefinition, Model, NumberStatus, RemoteAgent, RemoteEngine, RemoteNumber, RemoteVoice,
    Voice,
};

use super::wire;

/// Who makes a voice that Retell's id names no engine for, such as a cloned one.
pub(super) const OWN_ENGINE: &str = "retell";

/// Which vendor a family of models is by; Retell names the model alone.
const MODEL_FAMILIES: [(&str, &str); 4] = [
    ("gpt-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "google"),
    ("grok-", "xai"),
];

/// An item of the list, which has the name and nothing else of the definition.
pub(super) fn listed_agent(item: wire::AgentItem) -> RemoteAgent {
    let wire::AgentItem {
        agent_id,
        agent_name,
        channel: _,
        user_modified_timestamp,
    } = item;
    RemoteAgent {
        remote_id: agent_id,
        account_id: None,
        definition: AgentDefinition {
            name: agent_name.unwrap_or_default(),
            ..AgentDefinition::default()
        },
        is_whole: false,
        engine: None,
        remote_created_at_ms: None,
        remote_updated_at_ms: user_modified_timestamp,
        marker: None,
    }
}

/// An agent without what its engine holds.
pub(super) fn agent(agent: wire::Agent) -> RemoteAgent {
    let wire::Agent {
        agent_id,
        agent_name,
        channel: _,
        version: _,
        voice_id,
        language,
        response_engine: _,
        last_modification_timestamp,
    } = agent;
    RemoteAgent {
        remote_id: agent_id,
        account_id: None,
        definition: AgentDefinition {
            name: agent_name.unwrap_or_default(),
            prompt: None,
            first_message: None,
            voice: voice_id.filter(|id| !id.is_empty()).map(voice),
            language: language.and_then(languages),
            model: None,
        },
        is_whole: false,
        engine: None,
        remote_created_at_ms: None,
        remote_updated_at_ms: last_modification_timestamp,
        marker: None,
    }
}

/// The agent with what its language model holds, in the version that the agent names.
pub(super) fn with_llm(
    mut agent: RemoteAgent,
    llm: wire::Llm,
    engine: Option<RemoteEngine>,
) -> RemoteAgent {
    agent.definition.model = model(&llm);
    agent.definition.prompt = llm.general_prompt.filter(|text| !text.is_empty());
    agent.definition.first_message = llm.begin_message.filter(|text| !text.is_empty());
    agent.marker = llm
        .default_dynamic_variables
        .and_then(|variables| variables.ringfence_placement);
    agent.engine = engine;
    agent.is_whole = true;
    agent
}

/// The language model's id and time of change; `None` without a time, which could never tell a change.
pub(super) fn engine(llm_id: String, modified_at: Option<i64>) -> Option<RemoteEngine> {
    Some(RemoteEngine {
        remote_id: llm_id,
        revision: modified_at?.to_string(),
    })
}

/// A phone number; its E.164 form is its id.
pub(super) fn number(number: wire::PhoneNumber) -> RemoteNumber {
    let agents = number.inbound_agents.unwrap_or_default();
    let is_answering = !agents.is_empty() || number.inbound_webhook_url.is_some();
    RemoteNumber {
        number: Some(number.phone_number.clone()).filter(|text| !text.is_empty()),
        remote_id: number.phone_number,
        account_id: None,
        sip_uri: None,
        name: number.nickname.filter(|text| !text.is_empty()),
        carrier: number.phone_number_type.unwrap_or_default(),
        // Retell has no word for it: a number is listed for as long as it is in service.
        status: NumberStatus::Active,
        agent_remote_id: heaviest(agents),
        is_answering,
        remote_created_at_ms: None,
    }
}

/// The agent with the largest share of a number's calls, the first of equals.
fn heaviest(agents: Vec<wire::InboundAgent>) -> Option<String> {
    let mut best: Option<(f64, String)> = None;
    for agent in agents {
        let Some(id) = agent.agent_id else { continue };
        let weight = agent.weight.unwrap_or(0.0);
        if best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, id));
        }
    }
    best.map(|(_, id)| id)
}

/// A voice of Retell's list.
pub(super) fn listed_voice(item: wire::VoiceItem) -> RemoteVoice {
    let Voice { engine, voice_id } = voice(item.voice_id);
    RemoteVoice {
        engine,
        voice_id,
        name: item.voice_name.filter(|text| !text.is_empty()),
    }
}

/// A voice by Retell's id of it, such as `11labs-Adrian`, which begins with the engine. The list of voices names engines in
/// other words (`elevenlabs`) and agents do not name them at all, so that only the id makes one voice the same in both.
pub(super) fn voice(voice_id: String) -> Voice {
    let engine = match voice_id.split_once('-') {
        Some((engine, rest)) if !engine.is_empty() && !rest.is_empty() => engine.to_owned(),
        _ => OWN_ENGINE.to_owned(),
    };
    Voice { engine, voice_id }
}

/// All languages of an agent, the main one first, as Retell lists them.
fn languages(languages: wire::Languages) -> Option<String> {
    let text = match languages {
        wire::Languages::One(language) => language,
        wire::Languages::Many(languages) => languages.join(", "),
    };
    (!text.is_empty()).then_some(text)
}

fn model(llm: &wire::Llm) -> Option<Model> {
    let configured = llm
        .model_config
        .as_ref()
        .and_then(|config| config.primary.as_ref()?.model.as_ref());
    let name = configured
        .or(llm.s2s_model.as_ref())
        .or(llm.model.as_ref())
        .filter(|name| !name.is_empty())?;
    let vendor = MODEL_FAMILIES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map_or(OWN_ENGINE, |(_, vendor)| vendor);
    Some(Model {
        vendor: vendor.to_owned(),
        name: name.clone(),
    })
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
