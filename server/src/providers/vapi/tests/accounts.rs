//! S1, S3, S5, S7, K8: the walks through agents and numbers, single reads, and detaching.

use std::collections::HashSet;

use secrecy::SecretString;
use tokio::time::Instant;

use super::super::change_number;
use super::{Bench, KEY, Vapi};
use crate::providers::http::HttpClient;
use crate::providers::{
    Capability, NumberStatus, ProviderError, Target, Unavailable, VoiceProvider,
};
use crate::sandbox::{Fault, NewAccount, NewKey};

/// S1, S3, S7: ten thousand agents, each once, with one request for a thousand of them and one that proves the end.
#[tokio::test]
async fn ten_thousand_agents_are_each_listed_once() {
    let bench = Bench::with_account(10_000, 0).await;
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert!(is_complete);
    let ids: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.remote_id.as_str())
        .collect();
    let all: Vec<String> = bench.sandbox.control().agent_ids(KEY).unwrap();
    assert_eq!((agents.len(), ids.len()), (10_000, 10_000));
    assert!(all.iter().all(|id| ids.contains(id.as_str())));
    assert!(bench.sandbox.control().requests().len() <= 12);
}

/// S3
#[tokio::test]
async fn a_list_that_cannot_be_paged_is_incomplete() {
    let bench = Bench::new().await;
    bench
        .sandbox
        .control()
        .add_account(&NewAccount::vapi(KEY, 1_001).same_timestamp())
        .unwrap();
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert_eq!((agents.len(), is_complete), (1_000, false));
}

/// S5: a cursor is text, so a walk goes on after a restart and after a page that failed.
#[tokio::test]
async fn a_walk_goes_on_after_a_page_that_failed_once() {
    let bench = Bench::with_account(2_500, 0).await;
    bench.inject(Fault::status(500).on("/vapi/assistant").after(1).times(1));
    let first = bench.agents(KEY, None).await.unwrap();
    let cursor = first.next.unwrap();
    assert!(matches!(bench.agents(KEY, Some(&cursor)).await, Err(error) if error.is_transient()));
    let fresh = HttpClient::new().unwrap();
    let bench = Bench {
        http: fresh,
        ..bench
    };
    let second = bench.agents(KEY, Some(&cursor)).await.unwrap();
    let seen: HashSet<String> = first
        .items
        .into_iter()
        .map(|agent| agent.remote_id)
        .collect();
    assert_eq!(seen.len(), 1_000);
    assert!(
        second
            .items
            .iter()
            .all(|agent| !seen.contains(&agent.remote_id))
    );
    assert!(second.is_complete);
}

/// S1, X4: the sample account reads as an agency's account should.
#[tokio::test]
async fn the_sample_account_is_a_believable_agency() {
    let bench = Bench::new().await;
    let (agents, is_complete) = bench.all_agents(Bench::sample("40 assistants")).await;
    assert_eq!((agents.len(), is_complete), (40, true));
    for agent in &agents {
        let definition = &agent.definition;
        assert!(
            !definition.name.is_empty() && definition.name.chars().count() <= 40,
            "{}",
            definition.name
        );
        assert!(
            definition
                .prompt
                .as_deref()
                .is_some_and(|prompt| !prompt.contains("{client}")),
            "{}",
            definition.name
        );
        assert!(
            definition.voice.is_some()
                && definition.model.is_some()
                && definition.language.is_some()
        );
    }
    let names: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.definition.name.as_str())
        .collect();
    assert_eq!(names.len(), 40);
    let (numbers, is_complete) = bench.all_numbers(Bench::sample("40 assistants")).await;
    assert_eq!((numbers.len(), is_complete), (12, true));
    let ids: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.remote_id.as_str())
        .collect();
    let attached: Vec<&str> = numbers
        .iter()
        .filter_map(|number| number.agent_remote_id.as_deref())
        .collect();
    assert_eq!(attached.len(), 11);
    assert!(attached.iter().all(|id| ids.contains(id)));
    let carriers: HashSet<&str> = numbers
        .iter()
        .map(|number| number.carrier.as_str())
        .collect();
    assert_eq!(
        carriers,
        HashSet::from(["vapi", "twilio", "telnyx", "vonage", "byo-phone-number"])
    );
    assert!(
        numbers
            .iter()
            .any(|number| number.status == NumberStatus::Activating)
    );
    let account = agents[0].account_id.clone();
    assert!(account.is_some() && agents.iter().all(|agent| agent.account_id == account));
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
    let agent = bench.agent(KEY, &ids[4]).await.unwrap();
    assert_eq!(agent.remote_id, ids[4]);
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
    control.revoke_key(KEY).unwrap();
    assert!(matches!(
        bench.agent(KEY, &ids[0]).await,
        Err(ProviderError::InvalidKey { .. })
    ));
}

/// S3: an id cannot leave its place in the path, and a web page with status 404 or 403 proves nothing.
#[tokio::test]
async fn only_vapis_own_not_found_means_gone() {
    let bench = Bench::with_account(1, 0).await;
    for id in ["..", ".", "", "../assistant", "x/../../assistant?limit=1"] {
        assert_eq!(
            bench.agent(KEY, id).await.unwrap_err(),
            ProviderError::NotFound,
            "{id}"
        );
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
        let deadline = Instant::now() + bench.wait;
        let target = Target {
            http: &bench.http,
            base_url: &base_url,
            key: &key,
            deadline,
        };
        let error = Vapi.get_agent(&target, "some-id").await.unwrap_err();
        assert_eq!(
            error,
            ProviderError::Unavailable {
                reason: Unavailable::Status(status),
                message: None
            }
        );
    }
}

/// S7
#[tokio::test]
async fn phone_numbers_come_in_pages_with_their_total() {
    let bench = Bench::with_account(10, 2_300).await;
    let first = bench.numbers(KEY, None).await.unwrap();
    assert_eq!(
        (first.items.len(), first.total, first.is_complete),
        (1_000, Some(2_300), true)
    );
    let (numbers, is_complete) = bench.all_numbers(KEY).await;
    let ids: HashSet<&str> = numbers
        .iter()
        .map(|number| number.remote_id.as_str())
        .collect();
    assert_eq!(
        (numbers.len(), ids.len(), is_complete),
        (2_300, 2_300, true)
    );
}

/// K8
#[tokio::test]
async fn a_detached_number_is_no_longer_answered() {
    let bench = Bench::new().await;
    let key = Bench::sample("40 assistants");
    let numbers = bench.all_numbers(key).await.0;
    for number in numbers.iter().filter(|number| number.is_answering) {
        bench
            .detach(key, &number.remote_id, &number.carrier)
            .await
            .unwrap();
    }
    let numbers = bench.all_numbers(key).await.0;
    assert_eq!(numbers.len(), 12);
    assert!(
        numbers
            .iter()
            .all(|number| !number.is_answering && number.agent_remote_id.is_none())
    );
}

/// K8: Vapi tells the forms of a change apart by the provider, and refuses the wrong one.
#[tokio::test]
async fn a_detach_that_vapi_refuses_is_an_error() {
    let bench = Bench::with_account(2, 2).await;
    let number = bench
        .all_numbers(KEY)
        .await
        .0
        .into_iter()
        .find(|number| number.is_answering)
        .unwrap();
    let error = bench
        .detach(KEY, &number.remote_id, "twilio")
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ProviderError::Rejected {
                status: 400,
                message: Some(_)
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        bench
            .detach(KEY, "no-such-number", "vapi")
            .await
            .unwrap_err(),
        ProviderError::NotFound
    );
    bench.inject(Fault::status(500).method("PATCH"));
    assert!(
        bench
            .detach(KEY, &number.remote_id, "vapi")
            .await
            .unwrap_err()
            .is_transient()
    );
}

/// K8: a number that a squad answers is detached too.
#[tokio::test]
async fn a_number_that_a_squad_answers_is_detached() {
    let bench = Bench::with_account(1, 1).await;
    let number = bench.all_numbers(KEY).await.0.remove(0);
    let change = serde_json::json!({ "provider": "vapi", "squadId": "4a4e6c1b-7a0c-4d0e-8d4f-1b2c3d4e5f60" });
    let changed = bench
        .ask(KEY, async |target: &Target<'_>| {
            change_number(target, &number.remote_id, &change).await
        })
        .await
        .unwrap();
    assert!(changed.is_answering && changed.agent_remote_id.is_none());
    bench.detach(KEY, &number.remote_id, "vapi").await.unwrap();
    assert!(!bench.all_numbers(KEY).await.0[0].is_answering);
}

/// S1: Vapi has no list of voices; they are collected from the agents.
#[tokio::test]
async fn vapi_has_no_list_of_voices() {
    let bench = Bench::new().await;
    let voices = bench
        .ask(KEY, async |target: &Target<'_>| {
            Vapi.list_voices(target, None).await
        })
        .await;
    assert_eq!(voices, Ok(None));
    assert!(bench.sandbox.control().requests().is_empty());
}
