//! R5: what Vapi can express of a definition, and the requests that say it.

use serde_json::json;

use super::{changes, fit, new_assistant};
use crate::providers::{AgentDefinition, DefinitionPart, Model, UnsupportedEffect, Voice};

fn definition() -> AgentDefinition {
    AgentDefinition {
        name: "Northside Dental – Reception".to_owned(),
        prompt: Some("You are Maya.".to_owned()),
        first_message: Some("Hello, this is Maya.".to_owned()),
        voice: Some(Voice {
            engine: "11labs".to_owned(),
            voice_id: "EXAVITQu4vr4xnSDxMaL".to_owned(),
        }),
        language: Some("en-US".to_owned()),
        model: Some(Model {
            vendor: "openai".to_owned(),
            name: "gpt-4.1".to_owned(),
        }),
    }
}

fn listed(definition: &AgentDefinition) -> Vec<(DefinitionPart, UnsupportedEffect)> {
    let unsupported = fit(definition).unsupported;
    assert!(unsupported.iter().all(|it| it.reason.ends_with('.')));
    unsupported.iter().map(|it| (it.part, it.effect)).collect()
}

/// R5: a whole definition is sent whole, with our marker where no caller hears it.
#[test]
fn a_whole_definition_is_sent_whole() {
    let fitted = fit(&definition());
    assert_eq!(
        (fitted.is_blocked(), listed(&definition())),
        (false, vec![])
    );
    let body = json!(new_assistant(&fitted.definition, "marker-1"));
    assert_eq!(
        body,
        json!({
            "name": "Northside Dental – Reception",
            "firstMessage": "Hello, this is Maya.",
            "model": {
                "provider": "openai", "model": "gpt-4.1",
                "messages": [{ "role": "system", "content": "You are Maya." }],
            },
            "voice": { "provider": "11labs", "voiceId": "EXAVITQu4vr4xnSDxMaL" },
            "transcriber": { "provider": "deepgram", "language": "en-US" },
            "metadata": { "ringfence_placement": "marker-1" },
        })
    );
}

/// R5: a name of 40 characters stays, a longer one is cut and listed.
#[test]
fn a_long_name_is_shortened_and_listed() {
    let exact = AgentDefinition {
        name: "ü".repeat(40),
        ..definition()
    };
    assert_eq!(listed(&exact), []);
    let long = AgentDefinition {
        name: format!("{} and more", "ü".repeat(35)),
        ..definition()
    };
    assert_eq!(
        listed(&long),
        [(DefinitionPart::Name, UnsupportedEffect::Changed)]
    );
    let name = fit(&long).definition.name;
    assert_eq!(name, format!("{} and…", "ü".repeat(35)));
    assert!(name.chars().count() <= 40);
}

/// R5: what Vapi does not have is left out and listed, and nothing else is put in its place.
#[test]
fn what_vapi_does_not_have_is_left_out_and_listed() {
    let voice = |engine: &str, id: &str| AgentDefinition {
        voice: Some(Voice {
            engine: engine.to_owned(),
            voice_id: id.to_owned(),
        }),
        ..definition()
    };
    let left_out = UnsupportedEffect::LeftOut;
    for (engine, id) in [
        ("bland", "maya"),
        ("custom-voice", "mine"),
        ("11labs", "11labs-Adrian"),
    ] {
        let definition = voice(engine, id);
        assert_eq!(
            listed(&definition),
            [(DefinitionPart::Voice, left_out)],
            "{id}"
        );
        let body = json!(new_assistant(&fit(&definition).definition, "m"));
        assert!(body.get("voice").is_none(), "{body}");
    }
    for language in ["en-US, es-ES", "babel-en", "de-DE"] {
        let definition = AgentDefinition {
            language: Some(language.to_owned()),
            ..definition()
        };
        assert_eq!(listed(&definition), [(DefinitionPart::Language, left_out)]);
        let body = json!(new_assistant(&fit(&definition).definition, "m"));
        assert!(body.get("transcriber").is_none(), "{body}");
    }
}

/// R5: without a prompt, or without a model to keep it with, nothing is placed.
#[test]
fn without_a_prompt_or_its_model_nothing_is_placed() {
    let blocks = UnsupportedEffect::Blocks;
    let mute = AgentDefinition {
        prompt: None,
        ..definition()
    };
    assert_eq!(listed(&mute), [(DefinitionPart::Prompt, blocks)]);
    for vendor in [None, Some("custom-llm"), Some("retell")] {
        let definition = AgentDefinition {
            model: vendor.map(|vendor| Model {
                vendor: vendor.to_owned(),
                name: "some-model".to_owned(),
            }),
            ..definition()
        };
        assert_eq!(listed(&definition), [(DefinitionPart::Model, blocks)]);
        assert!(fit(&definition).is_blocked());
    }
}

/// R5: a change keeps what the definition does not hold: tools, temperature, other messages, the voice's settings.
#[test]
fn a_change_keeps_what_the_definition_does_not_hold() {
    let before = json!({
        "name": "Old", "firstMessage": "Old.", "metadata": { "own": "value" },
        "model": {
            "provider": "openai", "model": "gpt-4o", "temperature": 0.4, "toolIds": ["tool-1"],
            "messages": [{ "role": "system", "content": "Old." }, { "role": "user", "content": "Example." }],
        },
        "voice": { "provider": "11labs", "voiceId": "old", "stability": 0.5 },
        "transcriber": { "provider": "azure", "language": "de" },
    });
    let changes = changes(&definition(), before.as_object().unwrap());
    assert_eq!(
        changes,
        json!({
            "name": "Northside Dental – Reception",
            "firstMessage": "Hello, this is Maya.",
            "model": {
                "provider": "openai", "model": "gpt-4.1", "temperature": 0.4, "toolIds": ["tool-1"],
                "messages": [{ "role": "system", "content": "You are Maya." }, { "role": "user", "content": "Example." }],
            },
            "voice": { "provider": "11labs", "voiceId": "EXAVITQu4vr4xnSDxMaL", "stability": 0.5 },
            "transcriber": { "provider": "azure", "language": "en-US" },
        })
    );
    let other = AgentDefinition {
        voice: Some(Voice {
            engine: "azure".to_owned(),
            voice_id: "andrew".to_owned(),
        }),
        ..definition()
    };
    let changes = super::changes(&other, before.as_object().unwrap());
    assert_eq!(
        changes["voice"],
        json!({ "provider": "azure", "voiceId": "andrew" })
    );
}
