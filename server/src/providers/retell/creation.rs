//! A definition as Retell takes it: its limits, and the bodies of a new language model and a new agent. Pure. The models and
//! languages are those of Retell's SDK 6.2.13.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::providers::creation::Fitting;
use crate::providers::{
    AgentDefinition, DefinitionPart, Fitted, ProviderKind, UnsupportedEffect, Voice,
};

use super::convert;
use super::wire;

/// `LlmCreateParams.model`.
const MODELS: &[&str] = &[
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.5",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6.1-sol",
    "gpt-6-luna",
    "claude-4.6-sonnet",
    "claude-5-opus",
    "claude-5.5-opus",
    "claude-5-sonnet",
    "claude-5.5-sonnet",
    "claude-5.5-haiku",
    "claude-4.5-haiku",
    "gemini-3.0-flash",
    "gemini-3.1-flash-lite",
    "gemini-3.5-flash",
    "gemini-3.5-flash-lite",
    "gemini-3.6-flash",
    "gemini-3.7-flash",
    "gemini-3.8-flash",
    "gemini-4-argon",
];

/// `LlmCreateParams.s2s_model`: models that hear and speak by themselves have a field of their own.
const SPEECH_MODELS: &[&str] = &[
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-2",
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-mini",
    "grok-voice-3.0",
];

/// `AgentCreateParams.language`.
const LANGUAGES: &[&str] = &[
    "en-US", "en-IN", "en-GB", "en-AU", "en-NZ", "de-DE", "es-ES", "es-419", "hi-IN", "fr-FR",
    "fr-CA", "ja-JP", "pt-PT", "pt-BR", "zh-CN", "ru-RU", "it-IT", "ko-KR", "nl-NL", "nl-BE",
    "pl-PL", "tr-TR", "vi-VN", "ro-RO", "bg-BG", "ca-ES", "th-TH", "da-DK", "fi-FI", "el-GR",
    "hu-HU", "id-ID", "no-NO", "sk-SK", "sv-SE", "lt-LT", "lv-LV", "cs-CZ", "ms-MY", "af-ZA",
    "ar-SA", "az-AZ", "bs-BA", "cy-GB", "fa-IR", "fil-PH", "gl-ES", "he-IL", "hr-HR", "hy-AM",
    "is-IS", "kk-KZ", "kn-IN", "mk-MK", "mr-IN", "ne-NP", "sl-SI", "sr-RS", "sw-KE", "ta-IN",
    "ur-IN", "yue-CN", "uk-UA",
];

/// How several languages stand in a definition.
const BETWEEN_LANGUAGES: &str = ", ";

/// Where the marker stands: the agent itself has no free field that outlives its versions, but the language model that
/// only this agent has is given variables, and one that no prompt names changes nothing.
const MARKER: &str = "ringfence_placement";

/// What is left of a definition at Retell.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    let mut fitting = Fitting::new(ProviderKind::Retell, definition);
    fitting.require_prompt();
    fit_voice(&mut fitting);
    fit_language(&mut fitting);
    fit_model(&mut fitting);
    fitting.done()
}

/// Retell has no agent without a voice, and to choose one would be a guess about how the agency's agent sounds.
fn fit_voice(fitting: &mut Fitting) {
    let reason = match &fitting.definition().voice {
        Some(voice) if is_known_everywhere(voice) => return,
        Some(voice) if convert::voice(voice.voice_id.clone()) == *voice => format!(
            "Retell needs a voice, and “{}” is one that only its own account has.",
            voice.voice_id
        ),
        Some(voice) => format!(
            "Retell needs a voice, and does not know “{}” of {} by that name.",
            voice.voice_id, voice.engine
        ),
        None => "Retell needs a voice, and this agent names none.".to_owned(),
    };
    fitting.definition().voice = None;
    fitting.note(DefinitionPart::Voice, UnsupportedEffect::Blocks, reason);
}

/// Whether it is a voice of Retell's list: its id begins with the engine. Cloned ones do not, and belong to one account.
fn is_known_everywhere(voice: &Voice) -> bool {
    voice
        .voice_id
        .strip_prefix(voice.engine.as_str())
        .is_some_and(|rest| rest.len() > 1 && rest.starts_with('-'))
}

fn fit_language(fitting: &mut Fitting) {
    let Some(text) = fitting.definition().language.take() else {
        return;
    };
    let (known, unknown): (Vec<&str>, Vec<&str>) = text
        .split(BETWEEN_LANGUAGES)
        .partition(|language| LANGUAGES.contains(language));
    if !known.is_empty() {
        fitting.definition().language = Some(known.join(BETWEEN_LANGUAGES));
    }
    if unknown.is_empty() {
        return;
    }
    let unknown = unknown.join("”, “");
    let instead = if known.is_empty() {
        "; its default, en-US, is used"
    } else {
        ""
    };
    let reason = format!("Retell has no language “{unknown}”{instead}.");
    fitting.note(DefinitionPart::Language, UnsupportedEffect::LeftOut, reason);
}

fn fit_model(fitting: &mut Fitting) {
    let name = match &fitting.definition().model {
        Some(model) if !is_known_model(&model.name) => model.name.clone(),
        _ => return,
    };
    fitting.definition().model = None;
    let reason = format!("Retell does not run {name}; its own default model answers.");
    fitting.note(DefinitionPart::Model, UnsupportedEffect::LeftOut, reason);
}

fn is_known_model(name: &str) -> bool {
    MODELS.contains(&name) || SPEECH_MODELS.contains(&name)
}

/// A new language model.
pub(super) fn new_llm(definition: &AgentDefinition, marker: &str) -> wire::NewLlm {
    let model = definition.model.as_ref().map(|model| model.name.clone());
    let is_speech = model
        .as_deref()
        .is_some_and(|name| SPEECH_MODELS.contains(&name));
    let (model, s2s_model) = if is_speech {
        (None, model)
    } else {
        (model, None)
    };
    wire::NewLlm {
        start_speaker: "agent",
        model,
        s2s_model,
        general_prompt: definition.prompt.clone(),
        begin_message: definition.first_message.clone(),
        default_dynamic_variables: BTreeMap::from([(MARKER, marker.to_owned())]),
    }
}

/// A new agent for which that language model answers.
pub(super) fn new_agent(definition: &AgentDefinition, llm_id: &str) -> wire::NewAgent {
    wire::NewAgent {
        response_engine: wire::NewEngine {
            kind: "retell-llm",
            llm_id: llm_id.to_owned(),
        },
        voice_id: definition
            .voice
            .as_ref()
            .map(|voice| voice.voice_id.clone()),
        agent_name: Some(definition.name.clone()).filter(|name| !name.is_empty()),
        language: definition.language.as_deref().map(languages),
    }
}

fn languages(text: &str) -> wire::NewLanguages {
    let mut languages: Vec<String> = text.split(BETWEEN_LANGUAGES).map(str::to_owned).collect();
    if languages.len() == 1 {
        wire::NewLanguages::One(languages.remove(0))
    } else {
        wire::NewLanguages::Many(languages)
    }
}

/// What is sent to change the language model of an agent.
pub(super) fn llm_changes(definition: &AgentDefinition) -> Value {
    let mut changes = Map::new();
    changes.insert("general_prompt".to_owned(), json!(definition.prompt));
    changes.insert("begin_message".to_owned(), json!(definition.first_message));
    if let Some(model) = &definition.model {
        // One of the two answers, and `model_config` would win over both.
        let is_speech = SPEECH_MODELS.contains(&model.name.as_str());
        let (model, speech_model) = if is_speech {
            (None, Some(&model.name))
        } else {
            (Some(&model.name), None)
        };
        changes.insert("model".to_owned(), json!(model));
        changes.insert("s2s_model".to_owned(), json!(speech_model));
    }
    Value::Object(changes)
}

/// What is sent to change the agent itself.
pub(super) fn agent_changes(definition: &AgentDefinition) -> Value {
    let mut changes = Map::new();
    if !definition.name.is_empty() {
        changes.insert("agent_name".to_owned(), json!(definition.name));
    }
    if let Some(voice) = &definition.voice {
        changes.insert("voice_id".to_owned(), json!(voice.voice_id));
    }
    if let Some(language) = &definition.language {
        changes.insert("language".to_owned(), json!(languages(language)));
    }
    Value::Object(changes)
}

#[cfg(test)]
#[path = "creation_tests.rs"]
mod tests;
