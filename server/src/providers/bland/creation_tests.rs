//! R5: what Bland can express of a definition, and the requests that say it.

use serde_json::json;

use super::{changes, fit, new_persona};
use crate::providers::{AgentDefinition, DefinitionPart, Model, UnsupportedEffect, Voice};

fn definition() -> AgentDefinition {
    AgentDefinition {
        name: "Northside Dental – Reception".to_owned(),
        prompt: Some("You are Maya.".to_owned()),
        first_message: Some("Hello, this is Maya.".to_owned()),
        voice: Some(Voice {
            engine: "bland".to_owned(),
            voice_id: "maya".to_owned(),
        }),
        language: Some("en-US".to_owned()),
        model: None,
    }
}

fn listed(definition: &AgentDefinition) -> Vec<(DefinitionPart, UnsupportedEffect)> {
    let unsupported = fit(definition).unsupported;
    assert!(unsupported.iter().all(|it| it.reason.ends_with('.')));
    unsupported.iter().map(|it| (it.part, it.effect)).collect()
}

/// R5: a persona with our marker among its tags.
#[test]
fn a_whole_definition_becomes_a_persona() {
    let fitted = fit(&definition());
    assert_eq!(
        (fitted.is_blocked(), listed(&definition())),
        (false, vec![])
    );
    assert_eq!(
        json!(new_persona(&fitted.definition, "marker-1")),
        json!({
            "name": "Northside Dental – Reception",
            "personality_prompt": "You are Maya.",
            "call_config": { "voice": "maya", "language": "en-US", "first_sentence": "Hello, this is Maya." },
            "tags": ["ringfence:marker-1"],
        })
    );
    let bare = AgentDefinition {
        first_message: None,
        voice: None,
        language: None,
        ..definition()
    };
    assert!(json!(new_persona(&bare, "m")).get("call_config").is_none());
}

/// R5: a model, another engine's voice, an unknown language and a long first message are left out and listed.
#[test]
fn what_bland_does_not_have_is_left_out_and_listed() {
    let foreign = AgentDefinition {
        first_message: Some("x".repeat(200)),
        voice: Some(Voice {
            engine: "11labs".to_owned(),
            voice_id: "EXAVITQu4vr4xnSDxMaL".to_owned(),
        }),
        language: Some("en-US, es-ES".to_owned()),
        model: Some(Model {
            vendor: "openai".to_owned(),
            name: "gpt-4.1".to_owned(),
        }),
        ..definition()
    };
    let left_out = UnsupportedEffect::LeftOut;
    assert_eq!(
        listed(&foreign),
        [
            (DefinitionPart::FirstMessage, left_out),
            (DefinitionPart::Voice, left_out),
            (DefinitionPart::Language, left_out),
            (DefinitionPart::Model, left_out),
        ]
    );
    assert_eq!(
        json!(new_persona(&fit(&foreign).definition, "m")),
        json!({
            "name": "Northside Dental – Reception", "personality_prompt": "You are Maya.", "tags": ["ringfence:m"],
        })
    );
    let short = AgentDefinition {
        first_message: Some("x".repeat(199)),
        ..definition()
    };
    assert_eq!(listed(&short), []);
}

/// R5: a pathway has no words that a persona could say, and a persona has a name.
#[test]
fn without_a_name_or_a_prompt_nothing_is_placed() {
    let empty = AgentDefinition::default();
    let blocks = UnsupportedEffect::Blocks;
    assert_eq!(
        listed(&empty),
        [
            (DefinitionPart::Name, blocks),
            (DefinitionPart::Prompt, blocks)
        ]
    );
    assert!(fit(&empty).is_blocked());
}

/// R5: a change keeps the call settings that no definition holds.
#[test]
fn a_change_keeps_the_other_call_settings() {
    let before = json!({
        "current_production_version": { "call_config": {
            "voice": "june", "record": true, "max_duration": 30, "first_sentence": "Old.",
        }},
        "current_draft_version": { "call_config": { "voice": "draft" } },
    });
    let silent = AgentDefinition {
        first_message: None,
        ..definition()
    };
    assert_eq!(
        changes(&silent, before.as_object().unwrap()),
        json!({
            "name": "Northside Dental – Reception", "personality_prompt": "You are Maya.",
            "call_config": { "voice": "maya", "language": "en-US", "record": true, "max_duration": 30 },
        })
    );
}
