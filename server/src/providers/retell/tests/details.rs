//! S1, S3: what a single read of an agent tells, with the language model behind it, and what becomes of it when that part
//! is gone, hidden or out of order.

use serde_json::{Value, json};

use super::super::request::{Request, send};
use super::{Bench, KEY, Retell};
use crate::providers::{
    Capability, ProviderError, RemoteAgent, RemoteEngine, Target, VoiceProvider,
};
use crate::sandbox::{Effect, Fault, NewKey};

const LLM: &str = "/retell/get-retell-llm/*";

async fn first_agent(bench: &Bench) -> RemoteAgent {
    let id = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    bench.agent(KEY, &id).await.unwrap()
}

/// Changes a language model of [`KEY`]'s account, as its dashboard would.
async fn change_llm(bench: &Bench, engine: &RemoteEngine, change: Value) {
    let status = bench
        .ask(KEY, async |target: &Target<'_>| {
            let segments = ["update-retell-llm", engine.remote_id.as_str()];
            let call = Request {
                method: reqwest::Method::PATCH,
                body: Some(&change),
                ..Request::get("/update-retell-llm/{id}", &segments)
            };
            send(target, &call).await.unwrap().status
        })
        .await;
    assert!(status.is_success());
}

/// S1: an agent is read whole with two requests, one of them for its language model.
#[tokio::test]
async fn an_agent_is_read_with_its_language_model() {
    let bench = Bench::with_account(1, 0).await;
    let listed = bench.all_agents(KEY).await.0.remove(0);
    assert!(!listed.is_whole && listed.engine.is_none());
    bench.asked();
    let agent = first_agent(&bench).await;
    assert!(agent.is_whole);
    assert_eq!(agent.remote_id, listed.remote_id);
    let definition = &agent.definition;
    assert_eq!(definition.name, listed.definition.name);
    assert_eq!(
        definition.prompt.as_deref(),
        Some("You are Seeded agent 00001. Answer briefly.")
    );
    assert_eq!(
        definition.first_message.as_deref(),
        Some("Hello, this is Seeded agent 00001.")
    );
    let llm = agent.engine.unwrap().remote_id;
    assert_eq!(
        bench.asked(),
        [
            format!("GET /retell/get-agent/{}", agent.remote_id),
            format!("GET /retell/get-retell-llm/{llm}"),
        ]
    );
}

/// S1: editing a language model changes its revision and no time of the agent, which is why the two are compared apart.
#[tokio::test]
async fn a_changed_language_model_has_another_revision() {
    let bench = Bench::with_account(1, 0).await;
    let listed = bench.all_agents(KEY).await.0.remove(0);
    let before = first_agent(&bench).await;
    let engine = before.engine.clone().unwrap();
    change_llm(&bench, &engine, json!({ "general_prompt": "Be brief." })).await;
    let after = first_agent(&bench).await;
    assert_eq!(after.definition.prompt.as_deref(), Some("Be brief."));
    assert_ne!(after.engine.unwrap().revision, engine.revision);
    assert_eq!(after.remote_updated_at_ms, before.remote_updated_at_ms);
    let relisted = bench.all_agents(KEY).await.0.remove(0);
    assert_eq!(relisted, listed);
}

/// S3: gone, hidden and there are three different answers.
#[tokio::test]
async fn a_single_read_tells_gone_from_hidden() {
    let bench = Bench::with_account(5, 0).await;
    let control = bench.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    let narrow = NewKey {
        key: "narrow-key-Bd7w".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: Some(2),
        forbidden: Vec::new(),
    };
    control.add_key(&narrow).unwrap();
    assert_eq!(bench.all_agents("narrow-key-Bd7w").await.0.len(), 2);
    assert_eq!(bench.agent(KEY, &ids[4]).await.unwrap().remote_id, ids[4]);
    let hidden = bench.agent("narrow-key-Bd7w", &ids[4]).await.unwrap_err();
    assert!(matches!(
        hidden,
        ProviderError::MissingPermission {
            which: Some(Capability::ListAgents),
            ..
        }
    ));
    control.remove_agents(KEY, &ids[4..]).unwrap();
    assert_eq!(
        bench.agent(KEY, &ids[4]).await.unwrap_err(),
        ProviderError::NotFound
    );
    bench.inject(Fault::status(404).on("/retell/get-agent/*"));
    assert_eq!(
        bench.agent(KEY, &ids[0]).await.unwrap_err(),
        ProviderError::NotFound
    );
    control.clear_faults();
    control.revoke_key(KEY).unwrap();
    assert!(matches!(
        bench.agent(KEY, &ids[0]).await,
        Err(ProviderError::InvalidKey { .. })
    ));
}

/// S3: a language model that is gone leaves an agent without one, and never looks like an agent that is gone.
#[tokio::test]
async fn an_agent_whose_language_model_is_gone_is_there() {
    for status in [404, 422] {
        let bench = Bench::with_account(1, 0).await;
        bench.inject(Fault::status(status).on(LLM));
        let agent = first_agent(&bench).await;
        assert!(agent.is_whole && agent.definition.voice.is_some());
        assert_eq!(
            (
                agent.definition.prompt,
                agent.definition.model,
                agent.engine
            ),
            (None, None, None)
        );
    }
}

/// S3: what a key may not read of an agent is unknown, not absent.
#[tokio::test]
async fn a_language_model_that_is_hidden_leaves_the_agent_in_part() {
    let bench = Bench::with_account(1, 0).await;
    bench.inject(Fault::status(403).on(LLM));
    let agent = first_agent(&bench).await;
    assert!(!agent.is_whole && agent.definition.voice.is_some());
}

/// S4, S5: a language model that cannot be read now fails the read, so that it is tried again.
#[tokio::test]
async fn a_language_model_that_cannot_be_read_now_fails_the_read() {
    let bench = Bench::with_account(1, 0).await;
    let id = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    bench.inject(Fault::rate_limit("7").on(LLM).times(1));
    let error = bench.agent(KEY, &id).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::RateLimited { after: Some(wait), .. } if wait.as_secs() == 7)
    );
    bench.inject(Fault::status(500).on(LLM).times(1));
    assert!(bench.agent(KEY, &id).await.unwrap_err().is_transient());
    bench.inject(Fault::new(Effect::NotJson).on(LLM).times(1));
    assert!(matches!(
        bench.agent(KEY, &id).await,
        Err(ProviderError::Malformed { .. })
    ));
    assert!(bench.agent(KEY, &id).await.unwrap().is_whole);
}

/// S1: a flow and somebody's own server are read with one request, and leave prompt and model unknown.
#[tokio::test]
async fn an_agent_without_a_language_model_is_read_with_one_request() {
    let bench = Bench::new().await;
    let key = Bench::sample("36 agents");
    let agents = bench.all_agents(key).await.0;
    for name in ["Northside Dental – Recepción", "Agency demo line"] {
        let id = agents.iter().find(|agent| agent.definition.name == name);
        let id = &id.unwrap().remote_id;
        bench.asked();
        let agent = bench.agent(key, id).await.unwrap();
        assert!(agent.is_whole && agent.engine.is_none());
        assert_eq!(
            (agent.definition.prompt, agent.definition.model),
            (None, None)
        );
        assert_eq!(bench.asked().len(), 1, "{name}");
    }
}

/// S1: an agent that stays with an older version of its language model has that version's prompt, and the latest one's
/// revision, which is the one that the list of language models tells.
#[tokio::test]
async fn an_agent_keeps_the_version_of_its_language_model() {
    use wiremock::matchers::{path, query_param, query_param_is_missing};
    let server = wiremock::MockServer::start().await;
    let agent = json!({ "agent_id": "a", "response_engine": { "type": "retell-llm", "llm_id": "l", "version": 2.0 } });
    let llm = |version: u32, prompt: &str| {
        json!({ "llm_id": "l", "version": version, "general_prompt": prompt,
        "last_modification_timestamp": 1_000 + version })
    };
    let answers = |body: &Value| wiremock::ResponseTemplate::new(200).set_body_json(body);
    wiremock::Mock::given(path("/get-agent/a"))
        .respond_with(answers(&agent))
        .mount(&server)
        .await;
    wiremock::Mock::given(path("/get-retell-llm/l"))
        .and(query_param_is_missing("version"))
        .respond_with(answers(&llm(5, "New.")))
        .mount(&server)
        .await;
    wiremock::Mock::given(path("/get-retell-llm/l"))
        .and(query_param("version", "2"))
        .respond_with(answers(&llm(2, "Old.")))
        .mount(&server)
        .await;
    let bench = Bench::new().await;
    let address = url::Url::parse(&server.uri()).unwrap();
    let agent = bench
        .ask_at(&address, KEY, async |target: &Target<'_>| {
            Retell.get_agent(target, "a").await
        })
        .await
        .unwrap();
    assert_eq!(agent.definition.prompt.as_deref(), Some("Old."));
    assert_eq!(agent.engine.unwrap().revision, "1005");
}
