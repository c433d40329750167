//! Retell's answers as the product's values, from the fixtures that the sandbox uses as well.

use serde_json::json;

use super::{agent, engine, listed_agent, listed_voice, number};
use crate::providers::retell::{llm_of, wire};
use crate::providers::{NumberStatus, RemoteAgent, RemoteNumber};

const AGENT: &str = include_str!("fixtures/agent.json");
const LLM: &str = include_str!("fixtures/llm.json");

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// The agent with its language model, of which this is the latest version.
fn with_llm(agent: RemoteAgent, llm: wire::Llm) -> RemoteAgent {
    let engine = engine(llm.llm_id.clone(), llm.last_modification_timestamp);
    super::with_llm(agent, llm, engine)
}

fn number_from(text: &str) -> RemoteNumber {
    number(read(text))
}

/// S1, X4: the list tells a name and a time, and the rest is unknown rather than absent.
#[test]
fn an_item_of_the_list_is_a_part_of_an_agent() {
    let agent = listed_agent(read(include_str!("fixtures/agent_item.json")));
    insta::assert_debug_snapshot!(agent, @r#"
    RemoteAgent {
        remote_id: "agent_7b1c3d5e9f02468ace13579bdf",
        account_id: None,
        definition: AgentDefinition {
            name: "Northside Dental – Reception",
            prompt: None,
            first_message: None,
            voice: None,
            language: None,
            model: None,
        },
        is_whole: false,
        engine: None,
        remote_created_at_ms: None,
        remote_updated_at_ms: Some(
            1793612490005,
        ),
        marker: None,
    }
    "#);
}

/// S1, X4: agent and language model together are the definition.
#[test]
fn an_agent_and_its_language_model_become_an_agent() {
    let agent = with_llm(agent(read(AGENT)), read(LLM));
    insta::assert_debug_snapshot!(agent, @r#"
    RemoteAgent {
        remote_id: "agent_7b1c3d5e9f02468ace13579bdf",
        account_id: None,
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
                    voice_id: "11labs-Adrian",
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
        engine: Some(
            RemoteEngine {
                remote_id: "llm_2f4a6c8e0b1d3f5a7c9e0b2d4f",
                revision: "1793612489001",
            },
        ),
        remote_created_at_ms: None,
        remote_updated_at_ms: Some(
            1793612490005,
        ),
        marker: None,
    }
    "#);
}

/// S1, X4: a conversation flow has a voice and languages, and no prompt or model that Retell's agent tells.
#[test]
fn an_agent_of_a_flow_has_no_prompt_and_no_model() {
    let wire: wire::Agent = read(include_str!("fixtures/agent_flow.json"));
    assert_eq!(llm_of(wire.response_engine.as_ref().unwrap()), None);
    insta::assert_debug_snapshot!(agent(wire).definition, @r#"
    AgentDefinition {
        name: "Northside Dental – Recepción",
        prompt: None,
        first_message: None,
        voice: Some(
            Voice {
                engine: "cartesia",
                voice_id: "cartesia-Isabel",
            },
        ),
        language: Some(
            "es-ES, en-US",
        ),
        model: None,
    }
    "#);
}

/// S1, X4: an agent that somebody's own server answers for, without a name.
#[test]
fn an_agent_of_ones_own_server_keeps_its_cloned_voice() {
    let wire: wire::Agent = read(include_str!("fixtures/agent_custom.json"));
    assert_eq!(llm_of(wire.response_engine.as_ref().unwrap()), None);
    insta::assert_debug_snapshot!(agent(wire).definition, @r#"
    AgentDefinition {
        name: "",
        prompt: None,
        first_message: None,
        voice: Some(
            Voice {
                engine: "retell",
                voice_id: "custom_voice_5d3f1b7a9c",
            },
        ),
        language: None,
        model: None,
    }
    "#);
}

/// S1, X4
#[test]
fn phone_numbers_keep_carrier_and_agent() {
    insta::assert_debug_snapshot!(number_from(include_str!("fixtures/phone_number.json")), @r#"
    RemoteNumber {
        remote_id: "+15035550142",
        account_id: None,
        number: Some(
            "+15035550142",
        ),
        sip_uri: None,
        name: Some(
            "Northside Dental main line",
        ),
        carrier: "retell-twilio",
        status: Active,
        agent_remote_id: Some(
            "agent_7b1c3d5e9f02468ace13579bdf",
        ),
        is_answering: true,
        remote_created_at_ms: None,
    }
    "#);
    insta::assert_debug_snapshot!(number_from(include_str!("fixtures/phone_number_custom.json")), @r#"
    RemoteNumber {
        remote_id: "+14155550123",
        account_id: None,
        number: Some(
            "+14155550123",
        ),
        sip_uri: None,
        name: Some(
            "Bayview Legal intake",
        ),
        carrier: "custom",
        status: Active,
        agent_remote_id: None,
        is_answering: true,
        remote_created_at_ms: None,
    }
    "#);
}

/// E2: tokens in addresses, headers of tools and trunk users are not kept.
#[test]
fn secrets_in_answers_are_not_kept() {
    let agents = [
        AGENT,
        include_str!("fixtures/agent_custom.json"),
        include_str!("fixtures/agent_flow.json"),
    ];
    let mut kept = Vec::new();
    for text in agents {
        let wire: wire::Agent = read(text);
        kept.push(format!("{wire:?} {:?}", agent(wire.clone())));
    }
    let llm: wire::Llm = read(LLM);
    kept.push(format!("{llm:?}"));
    kept.push(format!("{:?}", with_llm(agent(read(AGENT)), llm)));
    let custom = include_str!("fixtures/phone_number_custom.json");
    let wire: wire::PhoneNumber = read(custom);
    kept.push(format!("{wire:?} {:?}", number_from(custom)));
    for text in [AGENT, LLM, agents[1], custom] {
        assert!(text.contains("never-store-me"));
    }
    for text in kept {
        assert!(!text.contains("never-store-me"), "{text}");
    }
}

/// S1: Retell has no word for a number's status and lists it while it is in service; its type stays as Retell writes it.
#[test]
fn a_listed_number_is_in_service() {
    let number = number_from(&json!({ "phone_number": "+15035550142", "phone_number_type": "carrier-pigeon", "status": "active" }).to_string());
    assert_eq!(number.status, NumberStatus::Active);
    assert_eq!(number.carrier, "carrier-pigeon");
    assert!(!number.is_answering);
}

/// S1, K8: the agent with the largest share answers, the first of equals; a webhook answers without an agent.
#[test]
fn the_heaviest_agent_answers_a_number() {
    let answered_by = |agents: serde_json::Value| {
        let number = json!({ "phone_number": "+15035550142", "inbound_agents": agents });
        let number = number_from(&number.to_string());
        (number.agent_remote_id, number.is_answering)
    };
    let weighted = |id: &str, weight: f64| json!({ "agent_id": id, "weight": weight });
    assert_eq!(
        answered_by(json!([
            weighted("a", 0.2),
            weighted("b", 0.6),
            weighted("c", 0.2)
        ])),
        (Some("b".to_owned()), true)
    );
    assert_eq!(
        answered_by(json!([weighted("a", 0.5), weighted("b", 0.5)])),
        (Some("a".to_owned()), true)
    );
    assert_eq!(
        answered_by(json!([{ "agent_id": "a" }])),
        (Some("a".to_owned()), true)
    );
    assert_eq!(answered_by(json!([{ "weight": 1 }])), (None, true));
    assert_eq!(answered_by(json!([])), (None, false));
    assert_eq!(answered_by(json!(null)), (None, false));
    assert_eq!(answered_by(json!("agent_1")), (None, false));
    let with_webhook =
        json!({ "phone_number": "+15035550142", "inbound_webhook_url": "https://example.com" });
    let number = number_from(&with_webhook.to_string());
    assert_eq!((number.agent_remote_id, number.is_answering), (None, true));
}

/// S1: one part that nobody expected costs that part and nothing else.
#[test]
fn an_odd_part_costs_only_itself() {
    let odd = json!({
        "agent_id": "a", "agent_name": "Odd", "version": "three", "voice_id": { "id": "11labs-Adrian" },
        "language": 7, "response_engine": "retell-llm", "last_modification_timestamp": "yesterday",
    });
    let wire: wire::Agent = read(&odd.to_string());
    assert!(wire.response_engine.is_none());
    let odd = agent(wire);
    assert_eq!(odd.definition.name, "Odd");
    assert_eq!(
        (odd.definition.voice, odd.definition.language),
        (None, None)
    );
    assert_eq!(odd.remote_updated_at_ms, None);
    let llm = json!({ "llm_id": "l", "model": ["gpt-4.1"], "general_prompt": 1, "begin_message": "Hello." });
    let whole = with_llm(agent(read(AGENT)), read(&llm.to_string()));
    assert_eq!(
        (
            whole.definition.prompt,
            whole.definition.model,
            whole.engine
        ),
        (None, None, None)
    );
    assert_eq!(whole.definition.first_message.as_deref(), Some("Hello."));
}

/// S1: a vendor is named only for families of models that are known; the newer place of the model wins.
#[test]
fn a_model_is_named_with_its_vendor() {
    let model = |llm: serde_json::Value| {
        let agent: RemoteAgent = with_llm(agent(read(AGENT)), read(&llm.to_string()));
        agent
            .definition
            .model
            .map(|model| format!("{}/{}", model.vendor, model.name))
    };
    for (name, expected) in [
        ("gpt-4.1", "openai/gpt-4.1"),
        ("claude-4.6-sonnet", "anthropic/claude-4.6-sonnet"),
        ("gemini-3.0-flash", "google/gemini-3.0-flash"),
        ("grok-voice-3.0", "xai/grok-voice-3.0"),
        ("something-new-1", "retell/something-new-1"),
    ] {
        assert_eq!(
            model(json!({ "llm_id": "l", "model": name })).as_deref(),
            Some(expected)
        );
    }
    let speech = json!({ "llm_id": "l", "model": null, "s2s_model": "gpt-realtime" });
    assert_eq!(model(speech).as_deref(), Some("openai/gpt-realtime"));
    let newer = json!({ "llm_id": "l", "model": "gpt-4.1", "model_config": { "primary": { "model": "gpt-5.1" } } });
    assert_eq!(model(newer).as_deref(), Some("openai/gpt-5.1"));
    assert_eq!(model(json!({ "llm_id": "l", "model": "" })), None);
}

/// S1: a voice is the same one in the list of voices and in an agent.
#[test]
fn a_voice_is_the_same_in_the_list_and_in_an_agent() {
    let voices: Vec<wire::VoiceItem> = read(include_str!("fixtures/voices.json"));
    let voices: Vec<_> = voices.into_iter().map(listed_voice).collect();
    for (fixture, name) in [
        (AGENT, "Adrian"),
        (include_str!("fixtures/agent_flow.json"), "Isabel"),
        (
            include_str!("fixtures/agent_custom.json"),
            "Dr. Hale (clone)",
        ),
    ] {
        let voice = agent(read(fixture)).definition.voice.unwrap();
        let listed = voices
            .iter()
            .find(|listed| (&listed.engine, &listed.voice_id) == (&voice.engine, &voice.voice_id))
            .unwrap();
        assert_eq!(listed.name.as_deref(), Some(name));
    }
    let engines: Vec<&str> = voices.iter().map(|voice| voice.engine.as_str()).collect();
    assert_eq!(
        engines,
        [
            "11labs", "11labs", "11labs", "openai", "openai", "cartesia", "cartesia", "minimax",
            "retell", "retell"
        ]
    );
}

/// S1: a revision is the time of change as Retell writes it; without one there is none that could be compared.
#[test]
fn a_language_model_has_a_revision() {
    let item: wire::LlmItem = read(LLM);
    let listed = engine(item.llm_id, item.last_modification_timestamp).unwrap();
    assert_eq!(listed.revision, "1793612489001");
    let whole = with_llm(agent(read(AGENT)), read(LLM));
    assert_eq!(whole.engine, Some(listed));
    assert_eq!(engine("l".to_owned(), None), None);
}

/// S1: only a language model of Retell's own is read further.
#[test]
fn only_retells_own_engine_is_read_further() {
    let llm = |engine: serde_json::Value| {
        let engine: wire::ResponseEngine = read(&engine.to_string());
        llm_of(&engine).map(|(id, version)| (id.to_owned(), version))
    };
    let of = |version: serde_json::Value| json!({ "type": "retell-llm", "llm_id": "l", "version": version });
    assert_eq!(llm(of(json!(3))), Some(("l".to_owned(), Some(3.0))));
    assert_eq!(llm(of(json!("latest"))), Some(("l".to_owned(), None)));
    for none in [
        json!({ "type": "retell-llm", "llm_id": ".." }),
        json!({ "type": "retell-llm" }),
        json!({ "type": "custom-llm", "llm_id": "l" }),
    ] {
        assert_eq!(llm(none), None);
    }
}

/// K13: only Retell's own form of an error has a text.
#[test]
fn error_texts_are_read_in_retells_form_only() {
    let text = |body: &str| {
        serde_json::from_str::<wire::ErrorBody>(body)
            .unwrap()
            .text()
    };
    assert_eq!(
        text(include_str!("fixtures/error_not_found.json")).as_deref(),
        Some("Cannot find requested asset under given api key.")
    );
    assert_eq!(text(r#"{"message":"Not Found","statusCode":404}"#), None);
    assert_eq!(text(r#"{"status":"error","message":{"code":1}}"#), None);
    assert_eq!(text(r#"{"status":"ok","message":"Hello"}"#), None);
}
