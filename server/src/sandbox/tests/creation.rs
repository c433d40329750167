//! X4: how agents are made and changed at each provider: what is refused with which text, and what is shown then.

use serde_json::{Value, json};

use super::super::{Effect, Fault, NewAccount};
use super::{ask, raw, start};
use crate::providers::ProviderKind;
use crate::sandbox::Sandbox;

const KEY: &str = "wire-key-0001";

async fn with_account(provider: ProviderKind, agents: usize) -> Sandbox {
    let sandbox = start().await;
    let account = NewAccount::of(provider, KEY, agents);
    sandbox.control().add_account(&account).unwrap();
    sandbox
}

/// Bland takes its key without a scheme before it.
async fn bland(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> (u16, Value) {
    let headers = [
        ("Host", "127.0.0.1"),
        ("Content-Type", "application/json"),
        ("Authorization", KEY),
    ];
    let path = format!("/bland/v1/personas{path}");
    let (status, text) = raw(sandbox, method, &path, &headers, &body.to_string()).await;
    (status.as_u16(), serde_json::from_str(&text).unwrap())
}

/// X4: Vapi names each part that it does not take.
#[tokio::test]
async fn vapi_refuses_a_model_or_a_voice_that_it_does_not_have() {
    let sandbox = with_account(ProviderKind::Vapi, 0).await;
    for (body, expected) in [
        (json!({ "model": "gpt-4.1" }), "model must be an object"),
        (
            json!({ "model": { "provider": "openai" } }),
            "model.model must be a string",
        ),
        (
            json!({ "voice": { "provider": "bland", "voiceId": "maya" } }),
            "voice.provider must be one of the following values: 11labs",
        ),
        (
            json!({ "voice": { "provider": "11labs" } }),
            "voice.voiceId must be a string",
        ),
    ] {
        let (status, answer) =
            ask(&sandbox, "POST", "/vapi/assistant", Some(KEY), Some(body)).await;
        assert_eq!(status, 400);
        let text = answer["message"][0].as_str().unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
    let body = json!({ "name": "New", "metadata": { "own": "value" } });
    let (status, made) = ask(&sandbox, "POST", "/vapi/assistant", Some(KEY), Some(body)).await;
    assert_eq!((status, &made["metadata"]["own"]), (201, &json!("value")));
}

/// X4: at Retell an agent needs a voice and a language model that are there; a new one is a draft until it is published.
#[tokio::test]
async fn retell_makes_a_language_model_then_an_agent_then_publishes_it() {
    let sandbox = with_account(ProviderKind::Retell, 1).await;
    let post = async |path: &str, body: Value| {
        ask(
            &sandbox,
            "POST",
            &format!("/retell{path}"),
            Some(KEY),
            Some(body),
        )
        .await
    };
    for body in [
        json!({ "general_prompt": "Hello." }),
        json!({ "start_speaker": "agent", "model": "gpt-4o" }),
        json!({ "start_speaker": "agent", "general_prompt": 7 }),
    ] {
        let (status, answer) = post("/create-retell-llm", body).await;
        assert_eq!((status, &answer["status"]), (400, &json!("error")));
    }
    let (status, llm) = post(
        "/create-retell-llm",
        json!({ "start_speaker": "agent", "general_prompt": "Hello." }),
    )
    .await;
    assert_eq!(
        (status, &llm["version"], &llm["general_tools"]),
        (201, &json!(0), &json!([]))
    );
    let engine = json!({ "type": "retell-llm", "llm_id": llm["llm_id"] });
    for (body, expected) in [
        (json!({ "response_engine": engine }), 400),
        (json!({ "voice_id": "11labs-Adrian" }), 400),
        (
            json!({ "response_engine": engine, "voice_id": "custom_voice_of_somebody" }),
            422,
        ),
        (
            json!({ "response_engine": engine, "voice_id": "11labs-Adrian", "language": "en" }),
            400,
        ),
        (
            json!({ "response_engine": { "type": "retell-llm", "llm_id": "llm_none" }, "voice_id": "11labs-Adrian" }),
            422,
        ),
    ] {
        assert_eq!(
            post("/create-agent", body.clone()).await.0,
            expected,
            "{body}"
        );
    }
    let body =
        json!({ "response_engine": engine, "voice_id": "11labs-Adrian", "agent_name": "New" });
    let (status, agent) = post("/create-agent", body).await;
    assert_eq!((status, &agent["is_published"]), (201, &json!(false)));
    assert_eq!(agent["webhook_url"], Value::Null);
    let id = agent["agent_id"].as_str().unwrap();
    let publish = format!("/publish-agent-version/{id}");
    assert_eq!(post(&publish, json!({ "version": 7 })).await.0, 400);
    assert_eq!(post(&publish, json!({ "version": 0 })).await.0, 200);
    let path = format!("/retell/get-agent/{id}");
    let (_, read) = ask(&sandbox, "GET", &path, Some(KEY), None).await;
    assert_eq!(read["is_published"], json!(true));
    let (_, list) = post("/v2/list-agents?sort_order=descending", json!({})).await;
    assert_eq!(list["items"][0]["agent_id"], agent["agent_id"]);
    let path = format!(
        "/retell/delete-retell-llm/{}",
        llm["llm_id"].as_str().unwrap()
    );
    assert_eq!(raw_delete(&sandbox, &path).await, 204);
    assert_eq!(raw_delete(&sandbox, &path).await, 422);
}

async fn raw_delete(sandbox: &Sandbox, path: &str) -> u16 {
    let bearer = format!("Bearer {KEY}");
    let headers = [("Host", "127.0.0.1"), ("Authorization", bearer.as_str())];
    raw(sandbox, "DELETE", path, &headers, "").await.0.as_u16()
}

/// X4: at Bland a new persona is in production at once, and a change of it is a draft until it is promoted.
#[tokio::test]
async fn bland_keeps_a_change_as_a_draft_until_it_is_promoted() {
    let sandbox = with_account(ProviderKind::Bland, 1).await;
    for body in [
        json!({ "personality_prompt": "Hello." }),
        json!({ "name": "New", "call_config": "maya" }),
        json!({ "name": "New", "call_config": { "first_sentence": "x".repeat(200) } }),
    ] {
        let (status, answer) = bland(&sandbox, "POST", "", body).await;
        assert_eq!(
            (status, &answer["errors"][0]["error"]),
            (400, &json!("INVALID_BODY"))
        );
    }
    let body = json!({ "name": "New", "personality_prompt": "First.", "tags": ["own"] });
    let (status, made) = bland(&sandbox, "POST", "", body).await;
    assert_eq!(status, 200);
    let prompts = |persona: &Value| {
        ["current_production_version", "current_draft_version"]
            .map(|version| persona["data"][version]["personality_prompt"].clone())
    };
    assert_eq!(prompts(&made), ["First.", "First."]);
    assert_eq!(made["data"]["tags"], json!(["own"]));
    let path = format!("/{}", made["data"]["id"].as_str().unwrap());
    let change = json!({ "name": "New", "personality_prompt": "Second." });
    let (_, changed) = bland(&sandbox, "PATCH", &path, change).await;
    assert_eq!(prompts(&changed), ["First.", "Second."]);
    let (_, promoted) = bland(
        &sandbox,
        "POST",
        &format!("{path}/versions/promote"),
        json!({}),
    )
    .await;
    assert_eq!(prompts(&promoted), ["Second.", "Second."]);
    let (status, _) = bland(&sandbox, "PATCH", "/nobody", json!({ "name": "x" })).await;
    assert_eq!(status, 404);
}

/// X4: what is done and never answered is there all the same.
#[tokio::test]
async fn a_request_can_be_done_without_an_answer() {
    let sandbox = with_account(ProviderKind::Vapi, 0).await;
    sandbox.control().inject(
        Fault::new(Effect::HangAfter)
            .on("/vapi/assistant")
            .method("POST"),
    );
    let asked = ask(
        &sandbox,
        "POST",
        "/vapi/assistant",
        Some(KEY),
        Some(json!({ "name": "New" })),
    );
    let wait = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, asked).await.is_err());
    let (_, list) = ask(&sandbox, "GET", "/vapi/assistant", Some(KEY), None).await;
    assert_eq!(list[0]["name"], json!("New"));
    let over_http = json!({ "effect": { "kind": "hang_after" } });
    let (status, _) = super::control(&sandbox, "POST", "/faults", over_http).await;
    assert_eq!(status, 200);
}
