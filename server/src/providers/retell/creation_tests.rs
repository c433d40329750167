//! R5: what Retell can express of a definition, and the requests that say it.

use serde_json::json;

use super::{agent_changes, fit, llm_changes, new_agent, new_llm};
use crate::providers::{AgentDefinition, DefinitionPart, Model, UnsupportedEffect, Voice};

fn definition() -> AgentDefinition {
    AgentDefinition {
        name: "Northside Dental – Reception".to_owned(),
        prompt: Some("You are Maya.".to_owned()),
        first_message: Some("Hello, this is Maya.".to_owned()),
        voice: Some(Voice {
            engine: "11labs".to_owned(),
            voice_id: "11labs-Adrian".to_owned(),
        }),
        language: Some("en-US, es-ES".to_owned()),
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

/// R5: a language model with the words, then an agent with the voice that names it.
#[test]
fn a_whole_definition_becomes_a_language_model_and_an_agent() {
    let fitted = fit(&definition());
    assert_eq!(
        (fitted.is_blocked(), listed(&definition())),
        (false, vec![])
    );
    assert_eq!(
        json!(new_llm(&fitted.definition, "marker-1")),
        json!({
            "start_speaker": "agent", "model": "gpt-4.1", "general_prompt": "You are Maya.",
            "begin_message": "Hello, this is Maya.",
            "default_dynamic_variables": { "ringfence_placement": "marker-1" },
        })
    );
    assert_eq!(
        json!(new_agent(&fitted.definition, "llm_1")),
        json!({
            "response_engine": { "type": "retell-llm", "llm_id": "llm_1" },
            "voice_id": "11labs-Adrian", "agent_name": "Northside Dental – Reception",
            "language": ["en-US", "es-ES"],
        })
    );
    let single = AgentDefinition {
        language: Some("de-DE".to_owned()),
        ..definition()
    };
    assert_eq!(json!(new_agent(&single, "llm_1"))["language"], "de-DE");
}

/// R5: a model that hears and speaks by itself has a field of its own.
#[test]
fn a_speech_model_is_sent_as_one() {
    let speech = AgentDefinition {
        model: Some(Model {
            vendor: "openai".to_owned(),
            name: "gpt-realtime".to_owned(),
        }),
        ..definition()
    };
    assert_eq!(listed(&speech), []);
    let body = json!(new_llm(&speech, "m"));
    assert_eq!(
        (body.get("model"), &body["s2s_model"]),
        (None, &json!("gpt-realtime"))
    );
    let changes = llm_changes(&speech);
    assert_eq!(
        (&changes["model"], &changes["s2s_model"]),
        (&json!(null), &json!("gpt-realtime"))
    );
}

/// R5: a model, a language that Retell does not have: left out and listed.
#[test]
fn what_retell_does_not_have_is_left_out_and_listed() {
    let left_out = UnsupportedEffect::LeftOut;
    let older = AgentDefinition {
        model: Some(Model {
            vendor: "openai".to_owned(),
            name: "gpt-4o".to_owned(),
        }),
        ..definition()
    };
    assert_eq!(listed(&older), [(DefinitionPart::Model, left_out)]);
    assert!(
        json!(new_llm(&fit(&older).definition, "m"))
            .get("model")
            .is_none()
    );
    let partly = AgentDefinition {
        language: Some("en-US, tlh".to_owned()),
        ..definition()
    };
    assert_eq!(listed(&partly), [(DefinitionPart::Language, left_out)]);
    assert_eq!(fit(&partly).definition.language.as_deref(), Some("en-US"));
    let bare = AgentDefinition {
        language: Some("en".to_owned()),
        ..definition()
    };
    assert_eq!(fit(&bare).definition.language, None);
}

/// R5: Retell has no agent without a voice, and none is chosen for it.
#[test]
fn without_a_voice_of_retells_nothing_is_placed() {
    let voice = |engine: &str, id: &str| {
        Some(Voice {
            engine: engine.to_owned(),
            voice_id: id.to_owned(),
        })
    };
    for (voice, is_blocked) in [
        (voice("11labs", "11labs-Adrian"), false),
        (voice("retell", "retell-Grace"), false),
        (voice("11labs", "EXAVITQu4vr4xnSDxMaL"), true),
        (voice("retell", "custom_voice_5d3f1b7a9c"), true),
        (voice("bland", "maya"), true),
        (None, true),
    ] {
        let definition = AgentDefinition {
            voice,
            ..definition()
        };
        assert_eq!(fit(&definition).is_blocked(), is_blocked, "{definition:?}");
    }
    let mute = AgentDefinition {
        prompt: None,
        ..definition()
    };
    assert_eq!(
        listed(&mute),
        [(DefinitionPart::Prompt, UnsupportedEffect::Blocks)]
    );
}

/// R5: a change names only what the definition holds.
#[test]
fn a_change_names_only_what_the_definition_holds() {
    assert_eq!(
        llm_changes(&definition()),
        json!({
            "general_prompt": "You are Maya.", "begin_message": "Hello, this is Maya.",
            "model": "gpt-4.1", "s2s_model": null,
        })
    );
    let bare = AgentDefinition {
        name: String::new(),
        voice: None,
        language: None,
        model: None,
        ..definition()
    };
    assert_eq!(agent_changes(&bare), json!({}));
    assert!(llm_changes(&bare).get("model").is_none());
}
