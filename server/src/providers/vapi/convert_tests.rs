//! Vapi's answers as the product's values, from the fixtures that the sandbox uses as well.

use serde_json::{Value, json};

use super::{agent, number};
use crate::providers::vapi::wire;
use crate::providers::{NumberStatus, RemoteAgent, RemoteNumber};

fn agent_from(text: &str) -> RemoteAgent {
    agent(serde_json::from_str(text).unwrap())
}

fn number_from(text: &str) -> RemoteNumber {
    number(serde_json::from_str(text).unwrap())
}

/// S1, X4
#[test]
fn an_assistant_becomes_an_agent() {
    insta::assert_debug_snapshot!(agent_from(include_str!("fixtures/assistant.json")), @r#"
    RemoteAgent {
        remote_id: "3f0c8a52-6a6e-4d0b-9f2e-0d5b6c1e7a41",
        account_id: Some(
            "7d1f4b7e-2c55-4f57-8f0a-5a3f9b0c2d10",
        ),
        definition: AgentDefinition {
            name: "Northside Dental – Reception",
            prompt: Some(
                "You are Maya, the receptionist of Northside Dental. Answer questions, book visits, and take a message when a person is needed.",
            ),
            first_message: Some(
                "Thanks for calling Northside Dental, this is Maya. How can I help?",
            ),
            voice: Some(
                Voice {
                    engine: "11labs",
                    voice_id: "EXAVITQu4vr4xnSDxMaL",
                },
            ),
            language: Some(
                "en-US",
            ),
            model: Some(
                Model {
                    vendor: "openai",
                    name: "gpt-4.1",
                },
            ),
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: Some(
            1789399328412,
        ),
        remote_updated_at_ms: Some(
            1793612490005,
        ),
        marker: None,
    }
    "#);
}

/// S1, X4: everything is optional at Vapi, the name included.
#[test]
fn an_assistant_without_anything_becomes_an_agent_without_anything() {
    insta::assert_debug_snapshot!(agent_from(include_str!("fixtures/assistant_minimal.json")), @r#"
    RemoteAgent {
        remote_id: "9b0a3f0e-8c11-4b61-b6a4-41f1f2a7d0c3",
        account_id: Some(
            "7d1f4b7e-2c55-4f57-8f0a-5a3f9b0c2d10",
        ),
        definition: AgentDefinition {
            name: "",
            prompt: None,
            first_message: None,
            voice: None,
            language: None,
            model: None,
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: Some(
            1789399328412,
        ),
        remote_updated_at_ms: Some(
            1789399328412,
        ),
        marker: None,
    }
    "#);
}

/// S1, X4
#[test]
fn phone_numbers_keep_carrier_status_and_agent() {
    insta::assert_debug_snapshot!(number_from(include_str!("fixtures/phone_number_vapi.json")), @r#"
    RemoteNumber {
        remote_id: "c1a7c1f2-1f0f-4f0e-9a0e-3b7a0c5d9e21",
        account_id: Some(
            "7d1f4b7e-2c55-4f57-8f0a-5a3f9b0c2d10",
        ),
        number: Some(
            "+15035550142",
        ),
        sip_uri: None,
        name: Some(
            "Northside Dental main line",
        ),
        carrier: "vapi",
        status: Active,
        agent_remote_id: Some(
            "3f0c8a52-6a6e-4d0b-9f2e-0d5b6c1e7a41",
        ),
        is_answering: true,
        remote_created_at_ms: Some(
            1789459212250,
        ),
    }
    "#);
    insta::assert_debug_snapshot!(number_from(include_str!("fixtures/phone_number_byo.json")), @r#"
    RemoteNumber {
        remote_id: "e7f5a1d4-0a3b-4f86-9a9c-2f7c5f6b1d90",
        account_id: Some(
            "7d1f4b7e-2c55-4f57-8f0a-5a3f9b0c2d10",
        ),
        number: None,
        sip_uri: Some(
            "sip:front-desk@sip.example.com",
        ),
        name: Some(
            "Front desk SIP line",
        ),
        carrier: "byo-phone-number",
        status: Activating,
        agent_remote_id: None,
        is_answering: true,
        remote_created_at_ms: Some(
            1792497600000,
        ),
    }
    "#);
}

/// E2: the Twilio secrets that Vapi's specification puts into the answer are not kept.
#[test]
fn twilio_secrets_are_not_kept() {
    let text = include_str!("fixtures/phone_number_twilio.json");
    assert!(text.contains("never-store-me"));
    let wire: wire::PhoneNumber = serde_json::from_str(text).unwrap();
    let number = number_from(text);
    for kept in [format!("{wire:?}"), format!("{number:?}")] {
        assert!(
            !kept.contains("never-store-me") && !kept.contains("AC0000"),
            "{kept}"
        );
    }
    assert_eq!(number.carrier, "twilio");
}

/// S1: what is new at Vapi is unknown here, and never taken for something that works.
#[test]
fn an_unknown_status_stays_unknown() {
    for (status, expected) in [
        (json!("active"), NumberStatus::Active),
        (json!("activating"), NumberStatus::Activating),
        (json!("blocked"), NumberStatus::Blocked),
        (
            json!("porting"),
            NumberStatus::Unknown("porting".to_owned()),
        ),
        (Value::Null, NumberStatus::Unknown(String::new())),
        (json!(7), NumberStatus::Unknown(String::new())),
    ] {
        let number = number_from(
            &json!({ "id": "n", "provider": "carrier-pigeon", "status": status }).to_string(),
        );
        assert_eq!(number.status, expected);
        assert_eq!(number.carrier, "carrier-pigeon");
    }
}

/// S1: one part that nobody expected costs that part and nothing else.
#[test]
fn an_odd_part_costs_only_itself() {
    let odd = json!({
        "id": "a", "name": "Odd", "createdAt": "yesterday", "model": "gpt-4.1",
        "voice": { "provider": "custom-voice", "server": { "url": "https://example.com" } },
        "transcriber": { "provider": "deepgram", "language": ["en", "es"] },
        "firstMessage": { "text": "Hello" },
    });
    let agent = agent_from(&odd.to_string());
    assert_eq!(agent.definition.name, "Odd");
    assert_eq!(
        (
            agent.definition.model,
            agent.definition.voice,
            agent.definition.language
        ),
        (None, None, None)
    );
    assert_eq!(
        (agent.definition.first_message, agent.remote_created_at_ms),
        (None, None)
    );
}

/// S1
#[test]
fn the_prompt_is_every_system_message_and_the_language_falls_back_to_the_voice() {
    let assistant = json!({
        "id": "a",
        "model": { "provider": "openai", "model": "gpt-4.1", "messages": [
            { "role": "system", "content": "One." },
            { "role": "assistant", "content": "Not this." },
            { "role": "system", "content": "Two." },
            { "role": "system" },
        ]},
        "voice": { "provider": "azure", "voiceId": "es-MX-DaliaNeural", "language": "es" },
        "transcriber": { "provider": "deepgram" },
    });
    let definition = agent_from(&assistant.to_string()).definition;
    assert_eq!(definition.prompt.as_deref(), Some("One.\n\nTwo."));
    assert_eq!(definition.language.as_deref(), Some("es"));
}

/// K13: one text or several, both are read.
#[test]
fn error_texts_are_read_in_both_forms() {
    let text = |fixture: &str| {
        serde_json::from_str::<wire::ErrorBody>(fixture)
            .unwrap()
            .text()
    };
    insta::assert_compact_debug_snapshot!(text(include_str!("fixtures/error_validation.json")), @r#"Some("property customer should not exist")"#);
    insta::assert_compact_debug_snapshot!(text(include_str!("fixtures/error_invalid_key.json")), @r#"Some("Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.")"#);
    insta::assert_compact_debug_snapshot!(text(r#"{"message":["one","two"]}"#), @r#"Some("one; two")"#);
    insta::assert_compact_debug_snapshot!(text(r#"{"message":{"code":1},"error":"assistant_pinned"}"#), @r#"Some("assistant_pinned")"#);
    insta::assert_compact_debug_snapshot!(text(r#"{"status":"ok"}"#), @"None");
}
