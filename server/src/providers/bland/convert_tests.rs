//! Bland's answers as the product's values, from the fixtures that the sandbox uses as well.

use serde_json::{Value, json};

use super::{AgentId, agent, number, pathway, persona, voice, whole_agent};
use crate::providers::bland::wire;
use crate::providers::{NumberStatus, RemoteAgent, RemoteNumber, RemoteVoice};

const PERSONA: &str = include_str!("fixtures/persona.json");
const NUMBER: &str = include_str!("fixtures/inbound_number.json");

fn persona_from(text: &str) -> Option<RemoteAgent> {
    persona(serde_json::from_str(text).unwrap())
}

fn number_from(value: &Value) -> RemoteNumber {
    number(serde_json::from_str(&value.to_string()).unwrap())
}

fn with(fixture: &str, changes: Value) -> Value {
    let mut value: Value = serde_json::from_str(fixture).unwrap();
    let Value::Object(changes) = changes else {
        unreachable!("changes are an object")
    };
    value.as_object_mut().unwrap().extend(changes);
    value
}

/// S1, X4: what callers hear is the version in production, not the draft beside it.
#[test]
fn a_persona_becomes_an_agent() {
    insta::assert_debug_snapshot!(persona_from(PERSONA).unwrap(), @r#"
    RemoteAgent {
        remote_id: "5b0c7a1e-93d2-4c57-8f4e-6a1d2b9c0e31",
        account_id: None,
        definition: AgentDefinition {
            name: "Northside Dental – Reception",
            prompt: Some(
                "You are Maya, the receptionist of Northside Dental. Answer questions, book visits, and take a message when a person is needed.",
            ),
            first_message: None,
            voice: Some(
                Voice {
                    engine: "bland",
                    voice_id: "maya",
                },
            ),
            language: Some(
                "en-US",
            ),
            model: None,
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

/// S1, X4
#[test]
fn a_persona_that_was_never_promoted_is_its_draft() {
    insta::assert_debug_snapshot!(persona_from(include_str!("fixtures/persona_draft.json")).unwrap().definition, @r#"
    AgentDefinition {
        name: "Luma Med Spa – Waitlist",
        prompt: Some(
            "You call people on the waitlist when an appointment becomes free.",
        ),
        first_message: None,
        voice: Some(
            Voice {
                engine: "bland",
                voice_id: "june",
            },
        ),
        language: Some(
            "en",
        ),
        model: None,
    }
    "#);
}

/// S1: everything is optional at Bland but the id.
#[test]
fn a_persona_without_anything_becomes_an_agent_without_anything() {
    let agent = persona_from(r#"{"id":"p"}"#).unwrap();
    assert_eq!(
        agent.definition,
        crate::providers::AgentDefinition::default()
    );
    assert_eq!((agent.remote_id.as_str(), agent.is_whole), ("p", true));
    assert_eq!(agent.account_id, None);
}

/// S3: what is deleted is gone, whichever list still names it.
#[test]
fn what_is_deleted_is_no_agent() {
    let deleted = json!({ "deleted_at": "2026-11-20T10:00:00.000Z" });
    assert_eq!(
        persona_from(&with(PERSONA, deleted.clone()).to_string()),
        None
    );
    let record = with(include_str!("fixtures/agent.json"), deleted);
    let record: wire::Agent = serde_json::from_str(&record.to_string()).unwrap();
    assert_eq!(agent(record), None);
}

/// S1, X4: the list knows the agent by name and account; the rest is in a version.
#[test]
fn a_v2_agent_is_whole_with_its_version() {
    let record: wire::Agent = serde_json::from_str(include_str!("fixtures/agent.json")).unwrap();
    let listed = agent(record).unwrap();
    insta::assert_debug_snapshot!(listed, @r#"
    RemoteAgent {
        remote_id: "agent:c7dc8803-c265-46a7-86bc-92edf72af434",
        account_id: Some(
            "45794f66-94ca-44a2-9248-202c5ff22717",
        ),
        definition: AgentDefinition {
            name: "Harborline Realty – Listings",
            prompt: None,
            first_message: None,
            voice: None,
            language: None,
            model: None,
        },
        is_whole: false,
        engine: None,
        remote_created_at_ms: Some(
            1788963123101,
        ),
        remote_updated_at_ms: None,
        marker: None,
    }
    "#);
    let version: wire::AgentVersion =
        serde_json::from_str(include_str!("fixtures/agent_version.json")).unwrap();
    let kept = format!("{version:?}");
    assert!(!kept.contains("never-store-me"), "{kept}");
    let whole = whole_agent(listed.clone(), Some(version));
    insta::assert_debug_snapshot!(whole.definition, @r#"
    AgentDefinition {
        name: "Harborline Realty – Listings",
        prompt: Some(
            "You answer questions about the listings of Harborline Realty and arrange viewings.",
        ),
        first_message: None,
        voice: Some(
            Voice {
                engine: "bland",
                voice_id: "derek",
            },
        ),
        language: Some(
            "en",
        ),
        model: None,
    }
    "#);
    let fresh = whole_agent(listed.clone(), None);
    assert!(whole.is_whole && fresh.is_whole && !listed.is_whole);
    assert_eq!(fresh.definition, listed.definition);
}

/// S1, X4: the list and the single read make the same agent, so that looking at one changes nothing.
#[test]
fn a_pathway_is_its_name() {
    let listed: wire::PathwaySummary =
        serde_json::from_str(include_str!("fixtures/pathway.json")).unwrap();
    let listed = pathway(&listed.id, listed.name, listed.published_at.as_deref());
    insta::assert_debug_snapshot!(listed, @r#"
    RemoteAgent {
        remote_id: "pathway:9d404c1b-6a23-4426-953a-a52c392ff8f1",
        account_id: None,
        definition: AgentDefinition {
            name: "Summit Insurance – Claims",
            prompt: None,
            first_message: None,
            voice: None,
            language: None,
            model: None,
        },
        is_whole: true,
        engine: None,
        remote_created_at_ms: None,
        remote_updated_at_ms: Some(
            1791201600000,
        ),
        marker: None,
    }
    "#);
    let single: wire::Pathway =
        serde_json::from_str(include_str!("fixtures/pathway_single.json")).unwrap();
    assert!(!format!("{single:?}").contains("never-store-me"));
    let single = pathway("9d404c1b-6a23-4426-953a-a52c392ff8f1", single.name, None);
    assert_eq!(single.remote_id, listed.remote_id);
    assert_eq!(single.definition, listed.definition);
}

/// S3: ids of the three kinds never meet, and each says where it is looked up.
#[test]
fn stored_ids_tell_the_kinds_apart() {
    for (id, stored) in [
        (AgentId::Persona("x"), "x"),
        (AgentId::Agent("x"), "agent:x"),
        (AgentId::Pathway("x"), "pathway:x"),
    ] {
        assert_eq!(id.stored(), stored);
        assert_eq!(AgentId::parse(stored), id);
    }
}

/// S1, X4
#[test]
fn a_phone_number_keeps_what_bland_tells() {
    let wire: wire::InboundNumber = serde_json::from_str(NUMBER).unwrap();
    insta::assert_debug_snapshot!(number(wire), @r#"
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
        carrier: "",
        status: Active,
        agent_remote_id: Some(
            "5b0c7a1e-93d2-4c57-8f4e-6a1d2b9c0e31",
        ),
        is_answering: true,
        remote_created_at_ms: Some(
            1789459212250,
        ),
    }
    "#);
}

/// K8: a persona goes before a pathway, and a prompt answers by itself.
#[test]
fn a_number_is_answered_by_persona_pathway_or_prompt() {
    let answered = |persona: Value, pathway: Value, prompt: Value| {
        let number = number_from(&with(
            NUMBER,
            json!({ "persona_id": persona, "pathway_id": pathway, "prompt": prompt }),
        ));
        (number.agent_remote_id, number.is_answering)
    };
    let (null, text) = (Value::Null, |text: &str| json!(text));
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(
        answered(text("p"), text("w"), null.clone()),
        (some("p"), true)
    );
    assert_eq!(
        answered(null.clone(), text("w"), null.clone()),
        (some("pathway:w"), true)
    );
    assert_eq!(
        answered(null.clone(), null.clone(), text("Be brief.")),
        (None, true)
    );
    assert_eq!(answered(text(""), text(""), text(" ")), (None, false));
    assert_eq!(
        answered(null.clone(), null.clone(), null.clone()),
        (None, false)
    );
    assert_eq!(answered(json!(7), json!({}), json!([])), (None, false));
}

/// S1: Bland has no word for a number's status; what it lists is in service.
#[test]
fn a_listed_number_is_in_service() {
    for status in [json!("active"), json!("released"), Value::Null] {
        let number = number_from(&json!({ "phone_number": "+15035550142", "status": status }));
        assert_eq!(number.status, NumberStatus::Active);
        assert_eq!(number.carrier, "");
    }
}

/// E2: what webhooks and tools carry is not kept.
#[test]
fn secrets_of_a_number_are_not_kept() {
    assert!(NUMBER.contains("never-store-me"));
    let wire: wire::InboundNumber = serde_json::from_str(NUMBER).unwrap();
    for kept in [format!("{wire:?}"), format!("{:?}", number(wire.clone()))] {
        assert!(!kept.contains("never-store-me"), "{kept}");
    }
}

/// S1: one part that nobody expected costs that part and nothing else.
#[test]
fn an_odd_part_costs_only_itself() {
    let odd = json!({
        "id": "a", "name": "Odd", "created_at": "yesterday", "updated_at": 5, "deleted_at": false,
        "current_production_version": {
            "personality_prompt": ["Be brief."],
            "call_config": { "voice": { "name": "maya" }, "language": "en" },
        },
    });
    let agent = persona_from(&odd.to_string()).unwrap();
    assert_eq!(agent.definition.name, "Odd");
    assert_eq!(agent.definition.language.as_deref(), Some("en"));
    assert_eq!(
        (agent.definition.prompt, agent.definition.voice),
        (None, None)
    );
    assert_eq!(
        (agent.remote_created_at_ms, agent.remote_updated_at_ms),
        (None, None)
    );
}

/// S3: an item that cannot be read is counted, and the others are there.
#[test]
fn an_item_that_cannot_be_read_is_counted() {
    let list = r#"[{"id":"a"},{"name":"no id"},7,null,{"id":4},{"id":"b"}]"#;
    let items: wire::Items<wire::Persona> = serde_json::from_str(list).unwrap();
    let ids: Vec<&str> = items.readable.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(
        (ids.as_slice(), items.unreadable),
        (["a", "b"].as_slice(), 4)
    );
}

/// S1: older voices have a number, newer ones an id; one without either is none.
#[test]
fn voices_have_an_id_or_a_number() {
    let list: wire::VoiceList = serde_json::from_str(include_str!("fixtures/voices.json")).unwrap();
    let voices: Vec<RemoteVoice> = list.voices.readable.into_iter().filter_map(voice).collect();
    assert_eq!(voices.len(), 8);
    let ids: Vec<&str> = voices.iter().map(|voice| voice.voice_id.as_str()).collect();
    assert_eq!(
        (ids[0], ids[7]),
        ("2f9fdbc7-4bf2-4792-8a18-21ce3c93978f", "1485")
    );
    assert!(
        voices
            .iter()
            .all(|voice| voice.engine == "bland" && voice.name.is_some())
    );
    let nameless: wire::Voice = serde_json::from_str(r#"{"name":"ghost"}"#).unwrap();
    assert_eq!(voice(nameless), None);
}

/// K13: both envelopes are read, and whether an answer is an error does not hang on its status.
#[test]
fn errors_are_read_from_both_envelopes() {
    let read = |text: &str| {
        let body: wire::ErrorBody = serde_json::from_str(text).unwrap();
        (body.is_error(), body.code().map(str::to_owned), body.text())
    };
    insta::assert_compact_debug_snapshot!(read(include_str!("fixtures/error_invalid_key.json")), @r#"(true, Some("AUTH_FAILURE"), Some("Unauthorized"))"#);
    insta::assert_compact_debug_snapshot!(read(include_str!("fixtures/error_no_funds.json")), @r#"(true, None, Some("Insufficient balance."))"#);
    insta::assert_compact_debug_snapshot!(read(r#"{"status":"error","message":"Refused.","errors":["one","two"]}"#), @r#"(true, None, Some("one; two"))"#);
    insta::assert_compact_debug_snapshot!(read(r#"{"status":"DNC Error"}"#), @r#"(true, None, Some("DNC Error"))"#);
    insta::assert_compact_debug_snapshot!(read(r#"{"error":"Not here"}"#), @r#"(true, None, Some("Not here"))"#);
    insta::assert_compact_debug_snapshot!(read(r#"{"errors":"Went wrong"}"#), @r#"(true, None, Some("Went wrong"))"#);
    insta::assert_compact_debug_snapshot!(read(r#"{"errors":{"odd":true}}"#), @"(true, None, None)");
    for fine in [
        include_str!("fixtures/me.json"),
        r#"{"data":[],"errors":null}"#,
        r#"{"data":[],"errors":[]}"#,
        r#"{"status":"success","message":"Updated."}"#,
        r#"{"status":"suspended"}"#,
    ] {
        assert!(!read(fine).0, "{fine}");
    }
}
