//! A definition as Bland takes it, which is as a persona: its limits, the body of a new one, and what a change of an old one
//! sends. Pure. The languages are those of Bland's documentation of calls; it has no list of its own for personas.

use serde_json::{Map, Value, json};

use crate::providers::creation::Fitting;
use crate::providers::{AgentDefinition, DefinitionPart, Fitted, ProviderKind, UnsupportedEffect};

use super::convert::{MARKER_TAG, VOICE_ENGINE};
use super::wire;

/// "Must be under 200 characters", says the documentation.
const FIRST_SENTENCE_CHARS: usize = 200;

const LANGUAGES: &[&str] = &[
    "babel", "en", "babel-en", "en-US", "en-GB", "en-AU", "en-NZ", "en-IN", "es", "babel-es",
    "es-419", "fr", "babel-fr", "fr-CA", "de", "babel-de", "el", "hi", "hi-Latn", "hu", "ja", "ko",
    "ko-KR", "vi", "pt", "pt-BR", "pt-PT", "zh", "zh-CN", "zh-Hans", "zh-TW", "zh-Hant", "it",
    "nl", "pl", "ru", "sv", "sv-SE", "da", "da-DK", "fi", "no", "id", "ms", "tr", "uk", "bg", "cs",
    "ro", "sk", "auto",
];

/// What is left of a definition at Bland.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    let mut fitting = Fitting::new(ProviderKind::Bland, definition);
    if fitting.definition().name.trim().is_empty() {
        let reason = "Bland needs a name, and this agent has none.".to_owned();
        fitting.note(DefinitionPart::Name, UnsupportedEffect::Blocks, reason);
    }
    fitting.require_prompt();
    let left_out = UnsupportedEffect::LeftOut;
    if let Some(first) = &fitting.definition().first_message
        && first.chars().count() >= FIRST_SENTENCE_CHARS
    {
        fitting.definition().first_message = None;
        let reason = format!(
            "Bland takes a first message of less than {FIRST_SENTENCE_CHARS} characters; it makes one up instead."
        );
        fitting.note(DefinitionPart::FirstMessage, left_out, reason);
    }
    if let Some(voice) = &fitting.definition().voice
        && voice.engine != VOICE_ENGINE
    {
        let reason = format!(
            "Bland has no voice “{}” of {}; its own default speaks.",
            voice.voice_id, voice.engine
        );
        fitting.definition().voice = None;
        fitting.note(DefinitionPart::Voice, left_out, reason);
    }
    if let Some(language) = &fitting.definition().language
        && !LANGUAGES.contains(&language.as_str())
    {
        let reason = format!("Bland has no language “{language}”; its own default is used.");
        fitting.definition().language = None;
        fitting.note(DefinitionPart::Language, left_out, reason);
    }
    if let Some(model) = fitting.definition().model.take() {
        let reason = format!(
            "Bland chooses the model itself; {} is not used.",
            model.name
        );
        fitting.note(DefinitionPart::Model, left_out, reason);
    }
    fitting.done()
}

/// A new persona. Tags are free texts that come back in the list, so that is where the marker stands; nothing that a
/// caller hears is made of them.
pub(super) fn new_persona(definition: &AgentDefinition, marker: &str) -> wire::NewPersona {
    let AgentDefinition {
        name,
        prompt,
        first_message,
        voice,
        language,
        model: _,
    } = definition.clone();
    wire::NewPersona {
        name,
        personality_prompt: prompt,
        call_config: wire::NewCallConfig {
            voice: voice.map(|voice| voice.voice_id),
            language,
            first_sentence: first_message,
        },
        tags: vec![format!("{MARKER_TAG}{marker}")],
    }
}

/// What is sent to make a persona say what the definition says. Nothing tells whether Bland merges `call_config`, so that it
/// is sent with what the version in production held.
pub(super) fn changes(definition: &AgentDefinition, before: &Map<String, Value>) -> Value {
    let mut config = ["current_production_version", "current_draft_version"]
        .into_iter()
        .find_map(|version| before.get(version)?.get("call_config")?.as_object())
        .cloned()
        .unwrap_or_default();
    if let Some(voice) = &definition.voice {
        config.insert("voice".to_owned(), json!(voice.voice_id));
    }
    if let Some(language) = &definition.language {
        config.insert("language".to_owned(), json!(language));
    }
    match &definition.first_message {
        Some(first) => config.insert("first_sentence".to_owned(), json!(first)),
        None => config.remove("first_sentence"),
    };
    json!({
        "name": definition.name,
        "personality_prompt": definition.prompt,
        "call_config": config,
    })
}

#[cfg(test)]
#[path = "creation_tests.rs"]
mod tests;
