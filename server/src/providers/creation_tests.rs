//! R5, K13, K14: making and changing agents, the same for every provider, against the sandbox.

use std::time::Duration;

use super::bench::{Bench, KEY, Played};
use super::bland::Bland;
use super::retell::Retell;
use super::vapi::Vapi;
use super::{
    AgentDefinition, Created, Model, NotCreated, ProviderError, ProviderKind, RemoteAgent, Target,
    Unavailable, Voice, fit,
};
use crate::sandbox::{EchoStyle, Effect, Fault, NewKey, Resource};

const MARKER: &str = "01890000-0000-7000-8000-000000000001";

/// Something that fits whole.
fn definition(kind: ProviderKind) -> AgentDefinition {
    let (engine, voice_id, model) = match kind {
        ProviderKind::Vapi => ("11labs", "EXAVITQu4vr4xnSDxMaL", Some("gpt-4.1")),
        ProviderKind::Retell => ("11labs", "11labs-Adrian", Some("gpt-5-mini")),
        ProviderKind::Bland => ("bland", "june", None),
    };
    AgentDefinition {
        name: "Harbour Law – Intake".to_owned(),
        prompt: Some("You are Sam of Harbour Law.".to_owned()),
        first_message: Some("Harbour Law, this is Sam.".to_owned()),
        voice: Some(Voice {
            engine: engine.to_owned(),
            voice_id: voice_id.to_owned(),
        }),
        language: Some("en-US".to_owned()),
        model: model.map(|name| Model {
            vendor: "openai".to_owned(),
            name: name.to_owned(),
        }),
    }
}

/// The request that makes the agent itself, as the sandbox has it.
fn path(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Vapi => "/vapi/assistant",
        ProviderKind::Retell => "/retell/create-agent",
        ProviderKind::Bland => "/bland/v1/personas",
    }
}

async fn create<P: Played>(bench: &Bench<P>, key: &str) -> Result<Created, NotCreated> {
    let definition = definition(Bench::<P>::kind());
    bench
        .ask(key, async |target: &Target<'_>| {
            bench.client.create_agent(target, &definition, MARKER).await
        })
        .await
}

/// The agents of the account that carry the marker, each read by itself.
async fn marked<P: Played>(bench: &Bench<P>) -> Vec<RemoteAgent> {
    let mut found = Vec::new();
    for id in bench.sandbox.control().agent_ids(KEY).unwrap() {
        let agent = bench.agent(KEY, &id).await.unwrap();
        if agent.marker.as_deref() == Some(MARKER) {
            found.push(agent);
        }
    }
    found
}

async fn makes_what_it_is_told<P: Played>() {
    let bench = Bench::<P>::with_account(3, 0).await;
    let definition = definition(Bench::<P>::kind());
    assert_eq!(fit(Bench::<P>::kind(), &definition).unsupported, []);
    let created = create(&bench, KEY).await.unwrap();
    assert_eq!(created.unfinished, None);
    assert!(created.agent.is_whole);
    assert_eq!(created.agent.definition, definition);
    assert_eq!(created.agent.marker.as_deref(), Some(MARKER));
    let read = bench.agent(KEY, &created.agent.remote_id).await.unwrap();
    assert_eq!(read.definition, definition);
    assert_eq!(read.marker.as_deref(), Some(MARKER));
    assert_eq!(
        read.engine.map(|engine| engine.remote_id),
        created.agent.engine.map(|engine| engine.remote_id)
    );
    let (agents, is_complete) = bench.all_agents(KEY).await;
    let listed: Vec<&RemoteAgent> = agents
        .iter()
        .filter(|agent| agent.definition.name == definition.name)
        .collect();
    assert_eq!((agents.len(), listed.len(), is_complete), (4, 1, true));
    assert!(!listed[0].is_whole || listed[0].marker.as_deref() == Some(MARKER));
}

/// R5, X4: the agent is there with all of its definition, is listed like any other, and is known again by its marker.
#[tokio::test]
async fn a_new_agent_has_the_whole_definition() {
    makes_what_it_is_told::<Vapi>().await;
    makes_what_it_is_told::<Retell>().await;
    makes_what_it_is_told::<Bland>().await;
}

async fn changes_what_it_is_told<P: Played>() {
    let bench = Bench::<P>::with_account(1, 0).await;
    let created = create(&bench, KEY).await.unwrap();
    let changed = AgentDefinition {
        name: "Harbour Law – Evenings".to_owned(),
        prompt: Some("You are Sam, after hours.".to_owned()),
        first_message: Some("Harbour Law, good evening.".to_owned()),
        ..definition(Bench::<P>::kind())
    };
    let id = created.agent.remote_id.as_str();
    let answered = bench
        .ask(KEY, async |target: &Target<'_>| {
            bench.client.update_agent(target, id, &changed).await
        })
        .await
        .unwrap();
    assert_eq!(
        (answered.remote_id.as_str(), &answered.definition),
        (id, &changed)
    );
    let read = bench.agent(KEY, id).await.unwrap();
    assert_eq!(read.definition, changed);
    assert_eq!(read.marker.as_deref(), Some(MARKER));
    let unknown = bench
        .ask(KEY, async |target: &Target<'_>| {
            bench.client.update_agent(target, "nobody", &changed).await
        })
        .await;
    assert_eq!(unknown, Err(ProviderError::NotFound));
}

/// R5, X4: a change is what callers hear from then on.
#[tokio::test]
async fn a_changed_agent_has_the_new_definition() {
    changes_what_it_is_told::<Vapi>().await;
    changes_what_it_is_told::<Retell>().await;
    changes_what_it_is_told::<Bland>().await;
}

async fn tells_refused_from_unknown<P: Played>() {
    let bench = Bench::<P>::with_account(1, 0).await;
    let path = path(Bench::<P>::kind());
    let refusals = [
        Fault::status(400),
        Fault::status(401),
        Fault::status(402),
        Fault::status(403),
        Fault::rate_limit("7"),
    ];
    for refusal in refusals {
        let id = bench
            .sandbox
            .control()
            .inject(refusal.on(path).method("POST"));
        let refused = create(&bench, KEY).await.unwrap_err();
        assert!(!refused.may_exist, "{refused:?}");
        assert_eq!(refused.left_behind, None, "{refused:?}");
        bench.sandbox.control().remove_fault(id).unwrap();
    }
    assert_eq!(marked(&bench).await, []);
    for unknown in [
        Fault::status(500),
        Fault::new(Effect::NotJson),
        Fault::new(Effect::Redirect {
            location: "/elsewhere".to_owned(),
        }),
    ] {
        let id = bench
            .sandbox
            .control()
            .inject(unknown.on(path).method("POST"));
        let failed = create(&bench, KEY).await.unwrap_err();
        assert!(failed.may_exist, "{failed:?}");
        bench.sandbox.control().remove_fault(id).unwrap();
    }
    assert_eq!(marked(&bench).await, []);
    bench.inject(Fault::new(Effect::CutBody).on(path).method("POST"));
    let cut = create(&bench, KEY).await.unwrap_err();
    assert!(cut.may_exist, "{cut:?}");
    assert_eq!(marked(&bench).await.len(), 1);
}

/// R5: only an answer that refuses is a refusal; of every other one nobody knows, and the marker finds what was made.
#[tokio::test]
async fn an_attempt_without_an_answer_is_not_a_refusal() {
    tells_refused_from_unknown::<Vapi>().await;
    tells_refused_from_unknown::<Retell>().await;
    tells_refused_from_unknown::<Bland>().await;
}

async fn asks_once<P: Played>() {
    let mut bench = Bench::<P>::with_account(1, 0).await;
    let path = path(Bench::<P>::kind());
    bench.inject(Fault::new(Effect::HangAfter).on(path).method("POST"));
    bench.wait = Duration::from_millis(400);
    let failed = create(&bench, KEY).await.unwrap_err();
    assert_eq!(
        failed.error,
        ProviderError::Unavailable {
            reason: Unavailable::Timeout,
            message: None
        }
    );
    assert!(failed.may_exist && failed.left_behind.is_none());
    bench.wait = Duration::from_secs(20);
    let asked = bench.asked();
    let posts = asked.iter().filter(|line| **line == format!("POST {path}"));
    assert_eq!(posts.count(), 1, "{asked:?}");
    assert!(!asked.iter().any(|line| line.starts_with("DELETE")));
    assert_eq!(marked(&bench).await.len(), 1);
    bench.sandbox.stop().await;
}

/// R5: an agent that was made without an answer is there once, was asked for once, and can be found.
#[tokio::test]
async fn an_answer_that_never_comes_is_not_asked_for_again() {
    asks_once::<Vapi>().await;
    asks_once::<Retell>().await;
    asks_once::<Bland>().await;
}

async fn keeps_the_key_to_itself<P: Played>() {
    let bench = Bench::<P>::with_account(1, 0).await;
    let echo = Effect::EchoKey {
        style: EchoStyle::Plain,
    };
    bench.inject(Fault::new(echo).method("POST"));
    let refused = create(&bench, KEY).await.unwrap_err();
    let message = refused.error.message().unwrap().to_owned();
    assert!(message.contains("••••"), "{message}");
    assert!(!format!("{refused:?}").contains("bench-key"), "{refused:?}");
    let plain = "http://agents.example.com".parse().unwrap();
    let definition = definition(Bench::<P>::kind());
    let refused = bench
        .ask_at(&plain, KEY, async |target: &Target<'_>| {
            bench.client.create_agent(target, &definition, MARKER).await
        })
        .await
        .unwrap_err();
    assert_eq!(
        refused.error,
        ProviderError::Unavailable {
            reason: Unavailable::ForbiddenAddress,
            message: None
        }
    );
    assert!(!refused.may_exist);
}

/// K13, K14: an echoed key gets no further, and no agent is made at an address that no key is sent to.
#[tokio::test]
async fn creating_keeps_the_key_to_itself() {
    keeps_the_key_to_itself::<Vapi>().await;
    keeps_the_key_to_itself::<Retell>().await;
    keeps_the_key_to_itself::<Bland>().await;
}

async fn needs_the_permission<P: Played>() {
    let bench = Bench::<P>::with_account(1, 0).await;
    let key = NewKey {
        key: "limited-key-0001".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::Agents],
    };
    bench.sandbox.control().add_key(&key).unwrap();
    let refused = create(&bench, "limited-key-0001").await.unwrap_err();
    assert!(
        matches!(refused.error, ProviderError::MissingPermission { .. }),
        "{refused:?}"
    );
    assert!(!refused.may_exist);
    let definition = definition(Bench::<P>::kind());
    let id = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    let changed = bench
        .ask("limited-key-0001", async |target: &Target<'_>| {
            bench.client.update_agent(target, &id, &definition).await
        })
        .await;
    assert!(matches!(
        changed,
        Err(ProviderError::MissingPermission { .. })
    ));
}

/// R5, X4: a key without the permission makes and changes nothing.
#[tokio::test]
async fn a_key_without_the_permission_makes_nothing() {
    needs_the_permission::<Vapi>().await;
    needs_the_permission::<Retell>().await;
    needs_the_permission::<Bland>().await;
}

/// The language models of the account, whichever agents there are.
async fn language_models(bench: &Bench<Retell>) -> Vec<String> {
    use super::VoiceProvider as _;
    let page = bench
        .ask(KEY, async |target: &Target<'_>| {
            bench.client.list_engines(target, None).await
        })
        .await;
    let engines = page.unwrap().unwrap().items;
    engines.into_iter().map(|engine| engine.remote_id).collect()
}

/// R5: a language model whose agent was refused is deleted; where it cannot be, its id is told; where the agent may be
/// there, it stays.
#[tokio::test]
async fn a_language_model_without_its_agent_is_not_lost_track_of() {
    let bench = Bench::<Retell>::with_account(1, 0).await;
    let before = language_models(&bench).await;
    bench.inject(Fault::status(400).on("/retell/create-agent").times(2));
    let refused = create(&bench, KEY).await.unwrap_err();
    assert_eq!((refused.may_exist, refused.left_behind), (false, None));
    assert_eq!(language_models(&bench).await, before);
    bench.inject(
        Fault::status(500)
            .on("/retell/delete-retell-llm/*")
            .times(1),
    );
    let refused = create(&bench, KEY).await.unwrap_err();
    let left: Vec<String> = language_models(&bench)
        .await
        .into_iter()
        .filter(|id| !before.contains(id))
        .collect();
    assert_eq!(refused.left_behind.as_ref(), left.first());
    assert_eq!(left.len(), 1);
    bench.inject(Fault::status(500).on("/retell/create-agent").times(1));
    let unknown = create(&bench, KEY).await.unwrap_err();
    assert_eq!((unknown.may_exist, unknown.left_behind), (true, None));
    assert_eq!(language_models(&bench).await.len(), before.len() + 2);
    bench.inject(Fault::status(500).on("/retell/create-retell-llm").times(1));
    let early = create(&bench, KEY).await.unwrap_err();
    assert!(
        !early.may_exist,
        "without a language model there is no agent"
    );
}

/// R5: an agent that is there and could not be published is made, and says so. The older path publishes too.
#[tokio::test]
async fn an_agent_that_is_not_published_is_there_all_the_same() {
    let bench = Bench::<Retell>::with_account(1, 0).await;
    bench.inject(
        Fault::status(500)
            .on("/retell/publish-agent-version/*")
            .times(1),
    );
    let created = create(&bench, KEY).await.unwrap();
    assert!(matches!(
        created.unfinished,
        Some(ProviderError::Unavailable { .. })
    ));
    bench.asked();
    bench.inject(
        Fault::status(404)
            .on("/retell/publish-agent-version/*")
            .times(1),
    );
    let created = create(&bench, KEY).await.unwrap();
    // The sandbox has only the path of the SDK.
    assert!(created.unfinished.is_some());
    let id = created.agent.remote_id;
    let asked = bench.asked();
    assert_eq!(
        asked,
        [
            "POST /retell/create-retell-llm".to_owned(),
            "POST /retell/create-agent".to_owned(),
            format!("POST /retell/publish-agent-version/{id}"),
            format!("POST /retell/publish-agent/{id}"),
        ]
    );
}

/// R5: Vapi's own validation decides about what the product does not know, and its words come back.
#[tokio::test]
async fn what_a_provider_refuses_comes_back_in_its_own_words() {
    let bench = Bench::<Vapi>::with_account(0, 0).await;
    bench.inject(Fault::new(Effect::Status {
        status: 400,
        message: Some("property customer should not exist".to_owned()),
        retry_after: None,
    }));
    let refused = create(&bench, KEY).await.unwrap_err();
    assert_eq!(
        refused.error,
        ProviderError::Rejected {
            status: 400,
            message: Some("property customer should not exist".to_owned())
        }
    );
}
