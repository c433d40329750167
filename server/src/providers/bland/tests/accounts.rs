//! S1, S3, S5, S7: what is read of an account's agents and voices, and when a walk is incomplete.

use std::collections::HashSet;

use secrecy::SecretString;
use tokio::time::Instant;

use super::{Bench, Bland, KEY, create_agents, told};
use crate::providers::http::HttpClient;
use crate::providers::{
    Capability, ProviderError, ProviderKind, RemoteAgent, Target, Unavailable, VoiceProvider,
};
use crate::sandbox::{Effect, Fault, NewKey};

fn ids(agents: &[RemoteAgent]) -> HashSet<&str> {
    agents
        .iter()
        .map(|agent| agent.remote_id.as_str())
        .collect()
}

/// S1, X4: personas, v2 agents and pathways of the sample account, as one list.
#[tokio::test]
async fn the_three_kinds_are_one_list() {
    let bench = Bench::new().await;
    let (agents, is_complete) = bench.all_agents(Bench::sample("29 personas")).await;
    assert!(is_complete);
    let starting = |prefix: &str| {
        let of_kind = agents.iter().filter(|a| a.remote_id.starts_with(prefix));
        of_kind.count()
    };
    let counts = (agents.len(), starting("agent:"), starting("pathway:"));
    assert_eq!(counts, (37, 4, 4));
    assert_eq!(ids(&agents).len(), 37);
    let names: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.definition.name.as_str())
        .collect();
    assert_eq!(names.len(), 37);
    let paths = bench.asked();
    assert_eq!(
        paths,
        [
            "GET /bland/v1/personas?page=1&limit=100",
            "GET /bland/v1/personas?page=2&limit=100",
            "GET /bland/v2/agents?limit=500",
            "GET /bland/v1/pathway",
        ]
    );
    for agent in agents.iter().filter(|agent| agent.is_whole) {
        let definition = &agent.definition;
        let is_persona = !agent.remote_id.starts_with("pathway:");
        let prompt = definition.prompt.as_deref();
        assert_eq!(prompt.is_some(), is_persona, "{}", definition.name);
        assert!(!prompt.unwrap_or_default().contains("{client}"));
        assert_eq!(definition.voice.is_some(), is_persona);
        assert_eq!(definition.language.is_some(), is_persona);
    }
}

/// S1: the list tells a v2 agent's name; its single read tells what callers hear, which is the version in production, or
/// the newest one while none was promoted.
#[tokio::test]
async fn a_v2_agent_is_read_in_its_version() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let (agents, _) = bench.all_agents(key).await;
    let named = |name: &str| {
        let agent = agents.iter().find(|agent| agent.definition.name == name);
        agent.unwrap().clone()
    };
    for (name, prompt, requests) in [
        ("Cedar Heating & Air – Dispatch", "You take repair calls", 3),
        ("Pine Street Auto – Estimates", "You explain what", 2),
        ("Untitled agent", "", 2),
    ] {
        let listed = named(name);
        assert!(!listed.is_whole && listed.definition.prompt.is_none());
        assert!(listed.account_id.is_some());
        bench.sandbox.control().clear_requests();
        let read = bench.agent(key, &listed.remote_id).await.unwrap();
        assert!(read.is_whole);
        assert_eq!(read.remote_id, listed.remote_id);
        assert_eq!(read.account_id, listed.account_id);
        let told = read.definition.prompt.unwrap_or_default();
        assert!(told.starts_with(prompt) && told.is_empty() == prompt.is_empty());
        assert_eq!(bench.asked().len(), requests, "{name}");
    }
}

/// S1: looking at one agent shows the same as the list, for each kind that the list tells whole.
#[tokio::test]
async fn a_single_read_shows_what_the_list_shows() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let (agents, _) = bench.all_agents(key).await;
    for listed in agents.iter().filter(|agent| agent.is_whole) {
        let read = bench.agent(key, &listed.remote_id).await.unwrap();
        assert_eq!(read.remote_id, listed.remote_id);
        assert_eq!(read.definition, listed.definition);
    }
}

/// S3, S7: each item once, in pages of a hundred.
#[tokio::test]
async fn ten_thousand_personas_are_each_listed_once() {
    let bench = Bench::with_account(10_000, 0).await;
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert_eq!((agents.len(), is_complete), (10_000, true));
    let known = bench.sandbox.control().agent_ids(KEY).unwrap();
    let found = ids(&agents);
    assert_eq!(found.len(), 10_000);
    assert!(known.iter().all(|id| found.contains(id.as_str())));
    // A hundred full pages, the empty one that ends them, and the two other lists.
    assert_eq!(bench.asked().len(), 103);
}

/// S3: an answer of as many v2 agents as Bland ever answers may be cut.
#[tokio::test]
async fn a_full_list_of_v2_agents_is_incomplete() {
    let bench = Bench::with_account(3, 0).await;
    create_agents(&bench, 499).await;
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert_eq!((agents.len(), is_complete), (502, true));
    create_agents(&bench, 2).await;
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert_eq!((agents.len(), is_complete), (503, false));
}

/// S3: a list that is not there has nothing in it; one that this key may not see may have.
#[tokio::test]
async fn a_list_that_is_absent_fails_nothing() {
    for path in ["/bland/v2/agents", "/bland/v1/pathway"] {
        let bench = Bench::with_account(3, 0).await;
        bench.inject(Fault::status(404).on(path));
        let (agents, is_complete) = bench.all_agents(KEY).await;
        assert_eq!((agents.len(), is_complete), (3, true), "{path}");
        for status in [401, 403] {
            bench.sandbox.control().clear_faults();
            bench.inject(Fault::status(status).on(path));
            let (agents, is_complete) = bench.all_agents(KEY).await;
            assert_eq!((agents.len(), is_complete), (3, false), "{path} {status}");
        }
    }
}

/// S4: trouble with a later list is trouble of the walk, which goes on there afterwards.
#[tokio::test]
async fn trouble_with_a_later_list_is_waited_for() {
    let bench = Bench::with_account(3, 0).await;
    let (mut cursor, mut errors) = (None, Vec::new());
    bench.inject(Fault::status(500).on("/bland/v2/agents").times(1));
    bench.inject(
        told(400, "Error fetching convo pathways")
            .on("/bland/v1/pathway")
            .times(1),
    );
    bench.inject(
        Fault::rate_limit("7")
            .on("/bland/v1/pathway")
            .after(1)
            .times(1),
    );
    for _ in 0..10 {
        match bench.agents(KEY, cursor.as_deref()).await {
            Ok(page) if page.next.is_none() => break,
            Ok(page) => cursor = page.next,
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                errors.push(error);
            }
        }
    }
    assert_eq!(errors.len(), 3, "{errors:?}");
    let personas = bench
        .asked()
        .into_iter()
        .filter(|it| it.contains("/personas?"));
    assert_eq!(personas.count(), 2, "no page was read again");
}

/// S5: a cursor is text, so a walk goes on after a restart and after a page that failed.
#[tokio::test]
async fn a_walk_goes_on_after_a_page_that_failed_once() {
    let bench = Bench::with_account(250, 0).await;
    bench.inject(
        Fault::status(500)
            .on("/bland/v1/personas")
            .after(1)
            .times(1),
    );
    let first = bench.agents(KEY, None).await.unwrap();
    let cursor = first.next.unwrap();
    assert!(matches!(bench.agents(KEY, Some(&cursor)).await, Err(error) if error.is_transient()));
    let bench = Bench {
        http: HttpClient::new().unwrap(),
        ..bench
    };
    let second = bench.agents(KEY, Some(&cursor)).await.unwrap();
    assert_eq!((first.items.len(), second.items.len()), (100, 100));
    assert!(ids(&first.items).is_disjoint(&ids(&second.items)));
    let error = bench.agents(KEY, Some("{\"page\":2}")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Malformed { .. }));
}

/// S3: gone, hidden and there are three different answers.
#[tokio::test]
async fn a_single_read_tells_gone_from_hidden() {
    let bench = Bench::with_account(5, 0).await;
    let control = bench.sandbox.control();
    let known = control.agent_ids(KEY).unwrap();
    let narrow = NewKey {
        key: "narrow-key-Bd7w".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: Some(2),
        forbidden: Vec::new(),
    };
    control.add_key(&narrow).unwrap();
    assert_eq!(bench.all_agents("narrow-key-Bd7w").await.0.len(), 2);
    let agent = bench.agent(KEY, &known[4]).await.unwrap();
    assert_eq!(agent.remote_id, known[4]);
    let hidden = bench.agent("narrow-key-Bd7w", &known[4]).await.unwrap_err();
    assert!(matches!(
        hidden,
        ProviderError::MissingPermission {
            which: Some(Capability::ListAgents),
            ..
        }
    ));
    control.remove_agents(KEY, &known[4..]).unwrap();
    for gone in [known[4].as_str(), "agent:x", "pathway:x"] {
        let error = bench.agent(KEY, gone).await.unwrap_err();
        assert_eq!(error, ProviderError::NotFound, "{gone}");
    }
    control.revoke_key(KEY).unwrap();
    assert!(matches!(
        bench.agent(KEY, &known[0]).await,
        Err(ProviderError::InvalidKey { .. })
    ));
}

/// S3: an agent whose version is gone or hidden is there, and that part of it is unknown; trouble with it is trouble.
#[tokio::test]
async fn an_agent_whose_version_cannot_be_read_is_there() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let (agents, _) = bench.all_agents(key).await;
    let listed = agents.iter().filter(|agent| !agent.is_whole);
    let listed: Vec<RemoteAgent> = listed.cloned().collect();
    assert!(!listed.is_empty());
    for (path, status) in [
        ("/bland/v2/agents/*/environments", 404),
        ("/bland/v2/agents/*/environments", 403),
        ("/bland/v2/agents/*/versions/*", 404),
        ("/bland/v2/agents/*/versions/*", 403),
    ] {
        bench.sandbox.control().clear_faults();
        bench.inject(Fault::status(status).on(path));
        let mut parts = 0;
        for agent in &listed {
            let read = bench.agent(key, &agent.remote_id).await.unwrap();
            assert_eq!(read.remote_id, agent.remote_id);
            parts += usize::from(!read.is_whole);
        }
        assert!(parts > 0, "{path} {status}");
    }
    for status in [401, 429, 503] {
        bench.sandbox.control().clear_faults();
        bench.inject(Fault::status(status).on("/bland/v2/agents/*/versions/*"));
        assert!(bench.agent(key, &listed[0].remote_id).await.is_err());
    }
}

/// S3: an id cannot leave its place in the path, and a web page with status 404 or 403 proves nothing.
#[tokio::test]
async fn only_blands_own_not_found_means_gone() {
    let bench = Bench::with_account(1, 0).await;
    let odd = [
        "..",
        "",
        "../personas",
        "x/../../me",
        "agent:..",
        "pathway:",
        "agent:x/../y",
    ];
    for id in odd {
        let error = bench.agent(KEY, id).await.unwrap_err();
        assert_eq!(error, ProviderError::NotFound, "{id}");
    }
    for status in [403, 404] {
        let server = wiremock::MockServer::start().await;
        let page = wiremock::ResponseTemplate::new(status).set_body_string("<html>Blocked</html>");
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(page)
            .mount(&server)
            .await;
        let base_url = url::Url::parse(&server.uri()).unwrap();
        let key = SecretString::from(KEY);
        let target = Target {
            http: &bench.http,
            base_url: &base_url,
            key: &key,
            deadline: Instant::now() + bench.wait,
        };
        for id in ["p", "agent:a", "pathway:w"] {
            let error = Bland.get_agent(&target, id).await.unwrap_err();
            assert_eq!(
                error,
                ProviderError::Unavailable {
                    reason: Unavailable::Status(status),
                    message: None
                }
            );
        }
    }
}

/// S1: Bland has a list of voices; where the key may not see it, they are collected from the agents.
#[tokio::test]
async fn voices_come_from_the_list_or_from_the_agents() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let voices = async || {
        let ask = async |target: &Target<'_>| Bland.list_voices(target, None).await;
        bench.ask(key, ask).await
    };
    let page = voices().await.unwrap().unwrap();
    let facts = (page.items.len(), page.total, page.is_complete, page.next);
    assert_eq!(facts, (8, Some(8), true, None));
    for status in [403, 404] {
        bench.sandbox.control().clear_faults();
        bench.inject(Fault::status(status).on("/bland/v1/voices"));
        assert_eq!(voices().await, Ok(None), "{status}");
    }
    bench.sandbox.control().clear_faults();
    bench.inject(Fault::new(Effect::NotJson).on("/bland/v1/voices"));
    assert!(matches!(
        voices().await,
        Err(ProviderError::Malformed { .. })
    ));
}

/// S1: Bland keeps nothing apart from its agents that many of them share.
#[tokio::test]
async fn bland_has_no_engines() {
    let bench = Bench::new().await;
    let engines = bench
        .ask(KEY, async |target: &Target<'_>| {
            Bland.list_engines(target, None).await
        })
        .await;
    assert_eq!(engines, Ok(None));
    assert!(bench.asked().is_empty());
    assert_eq!(Bland.info().kind, ProviderKind::Bland);
}
