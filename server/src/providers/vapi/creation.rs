//! A definition as Vapi takes it: its limits, the body of a new assistant, and what a change of an old one sends. Pure.
//! The vendors, engines and languages are those of Vapi's SDK of 2026-11.

use serde_json::{Map, Value, json};

use crate::providers::creation::Fitting;
use crate::providers::{
    AgentDefinition, DefinitionPart, Fitted, Model, ProviderKind, UnsupportedEffect, Voice,
};

use super::wire;

/// `CreateAssistantDTO.name`.
const MAX_NAME_CHARS: usize = 40;

/// `custom-llm` is not among them: it is a server whose address no definition holds.
const MODEL_VENDORS: &[&str] = &[
    "anthropic",
    "anthropic-bedrock",
    "anyscale",
    "cerebras",
    "deep-seek",
    "deepinfra",
    "google",
    "groq",
    "inflection-ai",
    "minimax",
    "openai",
    "openrouter",
    "perplexity-ai",
    "together-ai",
    "vapi",
    "xai",
];

/// `custom-voice` is not among them, for the same reason.
const VOICE_ENGINES: &[&str] = &[
    "11labs",
    "azure",
    "cartesia",
    "deepgram",
    "hume",
    "inworld",
    "lmnt",
    "microsoft",
    "minimax",
    "neuphonic",
    "openai",
    "playht",
    "rime-ai",
    "sesame",
    "smallest-ai",
    "tavus",
    "vapi",
    "wellsaid",
    "xai",
];

/// The one transcriber that knows the most languages by their codes; Vapi has the language nowhere else.
const TRANSCRIBER: &str = "deepgram";

/// What [`TRANSCRIBER`] knows.
const LANGUAGES: &[&str] = &[
    "bg", "ca", "cs", "da", "da-DK", "de", "de-CH", "el", "en", "en-AU", "en-GB", "en-IN", "en-NZ",
    "en-US", "es", "es-419", "es-LATAM", "et", "fi", "fr", "fr-CA", "hi", "hi-Latn", "hu", "id",
    "it", "ja", "ko", "ko-KR", "lt", "lv", "ms", "multi", "nl", "nl-BE", "no", "pl", "pt", "pt-BR",
    "ro", "ru", "sk", "sv", "sv-SE", "ta", "taq", "th", "th-TH", "tr", "uk", "vi", "zh", "zh-CN",
    "zh-Hans", "zh-Hant", "zh-TW",
];

/// What is left of a definition at Vapi.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    let mut fitting = Fitting::new(ProviderKind::Vapi, definition);
    fit_name(&mut fitting);
    fitting.require_prompt();
    fit_voice(&mut fitting);
    fit_language(&mut fitting);
    fit_model(&mut fitting);
    fitting.done()
}

fn fit_name(fitting: &mut Fitting) {
    let name = &mut fitting.definition().name;
    if name.chars().count() <= MAX_NAME_CHARS {
        return;
    }
    let mut short: String = name.chars().take(MAX_NAME_CHARS - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    name.clone_from(&short);
    let reason = format!("Vapi takes names of up to {MAX_NAME_CHARS} characters: “{short}”.");
    fitting.note(DefinitionPart::Name, UnsupportedEffect::Changed, reason);
}

fn fit_voice(fitting: &mut Fitting) {
    let Some(voice) = &fitting.definition().voice else {
        return;
    };
    let reason = if !VOICE_ENGINES.contains(&voice.engine.as_str()) {
        format!(
            "Vapi has no voices of {}; its own default speaks.",
            voice.engine
        )
    } else if is_spelled_by_retell(voice) {
        format!(
            "“{}” is another provider's name of a voice, which Vapi does not know; its own default speaks.",
            voice.voice_id
        )
    } else {
        return;
    };
    fitting.definition().voice = None;
    fitting.note(DefinitionPart::Voice, UnsupportedEffect::LeftOut, reason);
}

/// Retell's ids of voices begin with the engine, such as `11labs-Adrian`; the engines' own ids do not.
fn is_spelled_by_retell(voice: &Voice) -> bool {
    voice
        .voice_id
        .strip_prefix(voice.engine.as_str())
        .is_some_and(|rest| rest.starts_with('-'))
}

fn fit_language(fitting: &mut Fitting) {
    let Some(language) = &fitting.definition().language else {
        return;
    };
    if LANGUAGES.contains(&language.as_str()) {
        return;
    }
    let reason =
        format!("Vapi's transcriber has no language “{language}”; its own default is used.");
    fitting.definition().language = None;
    fitting.note(DefinitionPart::Language, UnsupportedEffect::LeftOut, reason);
}

/// Without a model there is no place for the prompt, so that a model that Vapi does not have stops the whole agent:
/// to choose another one would be a guess about what the agency pays for.
fn fit_model(fitting: &mut Fitting) {
    let vendor = match &fitting.definition().model {
        Some(Model { vendor, .. }) if MODEL_VENDORS.contains(&vendor.as_str()) => return,
        Some(Model { vendor, .. }) => Some(vendor.clone()),
        None => None,
    };
    let reason = match vendor {
        Some(vendor) => format!(
            "Vapi keeps the prompt with its model, and has no models of {vendor} that it could be given."
        ),
        None => "Vapi keeps the prompt with its model, and this agent names none.".to_owned(),
    };
    fitting.definition().model = None;
    fitting.note(DefinitionPart::Model, UnsupportedEffect::Blocks, reason);
}

/// A new assistant. The metadata is free at Vapi and comes back in its list, so that is where the marker stands.
pub(super) fn new_assistant(definition: &AgentDefinition, marker: &str) -> wire::NewAssistant {
    let AgentDefinition {
        name,
        prompt,
        first_message,
        voice,
        language,
        model,
    } = definition.clone();
    let message = prompt.map(|content| wire::NewMessage {
        role: "system",
        content,
    });
    wire::NewAssistant {
        name: Some(name).filter(|name| !name.is_empty()),
        first_message,
        model: model.map(|Model { vendor, name }| wire::NewModel {
            provider: vendor,
            model: name,
            messages: message.into_iter().collect(),
        }),
        voice: voice.map(|Voice { engine, voice_id }| wire::NewVoice {
            provider: engine,
            voice_id,
        }),
        transcriber: language.map(|language| wire::NewTranscriber {
            provider: TRANSCRIBER,
            language,
        }),
        metadata: wire::Metadata {
            ringfence_placement: Some(marker.to_owned()),
        },
    }
}

/// What is sent to make an assistant say what the definition says. Vapi replaces a nested object whole, so that each is
/// sent with what it held before: a model keeps its tools and temperature, a voice its stability.
pub(super) fn changes(definition: &AgentDefinition, before: &Map<String, Value>) -> Value {
    let nested = |name: &str| match before.get(name) {
        Some(Value::Object(object)) => object.clone(),
        _ => Map::new(),
    };
    let mut changes = Map::new();
    if !definition.name.is_empty() {
        changes.insert("name".to_owned(), json!(definition.name));
    }
    changes.insert(
        "firstMessage".to_owned(),
        json!(definition.first_message.clone().unwrap_or_default()),
    );
    if let Some(Model { vendor, name }) = &definition.model {
        let mut model = nested("model");
        model.insert("provider".to_owned(), json!(vendor));
        model.insert("model".to_owned(), json!(name));
        let messages = messages(&model, definition.prompt.as_deref());
        model.insert("messages".to_owned(), messages);
        changes.insert("model".to_owned(), Value::Object(model));
    }
    if let Some(Voice { engine, voice_id }) = &definition.voice {
        let mut voice = nested("voice");
        // Another engine has other settings, and refuses those of the one before.
        if voice.get("provider") != Some(&json!(engine)) {
            voice.clear();
        }
        voice.insert("provider".to_owned(), json!(engine));
        voice.insert("voiceId".to_owned(), json!(voice_id));
        changes.insert("voice".to_owned(), Value::Object(voice));
    }
    if let Some(language) = &definition.language {
        let mut transcriber = nested("transcriber");
        transcriber
            .entry("provider")
            .or_insert_with(|| json!(TRANSCRIBER));
        transcriber.insert("language".to_owned(), json!(language));
        changes.insert("transcriber".to_owned(), Value::Object(transcriber));
    }
    Value::Object(changes)
}

/// The model's messages with one system prompt, at the beginning; the others stay.
fn messages(model: &Map<String, Value>, prompt: Option<&str>) -> Value {
    let prompt = prompt.map(|content| json!({ "role": "system", "content": content }));
    let others = model
        .get("messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|message| message["role"] != "system")
        .cloned();
    Value::Array(prompt.into_iter().chain(others).collect())
}

#[cfg(test)]
#[path = "creation_tests.rs"]
mod tests;
