//! S1, S3, S5, S7, K8: the walks through agents, language models, numbers and voices, and detaching.

use std::collections::HashSet;

use super::super::change_number;
use super::{Bench, KEY, Retell};
use crate::providers::http::HttpClient;
use crate::providers::{
    ProviderError, ProviderKind, RemoteEngine, Target, Unavailable, VoiceProvider,
};
use crate::sandbox::{Fault, NewAccount};

/// Every language model of an account.
async fn all_engines(bench: &Bench, key: &str) -> Vec<RemoteEngine> {
    let (mut engines, mut cursor): (Vec<RemoteEngine>, Option<String>) = (Vec::new(), None);
    loop {
        let page = bench
            .ask(key, async |target: &Target<'_>| {
                Retell.list_engines(target, cursor.as_deref()).await
            })
            .await
            .unwrap()
            .unwrap();
        assert!(page.is_complete);
        engines.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return engines;
        }
    }
}

/// S1, S3, S7: ten thousand agents, each once, with one request for a thousand of them.
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
    assert!(agents.iter().all(|agent| !agent.is_whole));
    assert_eq!(bench.asked().len(), 10);
    assert_eq!(all_engines(&bench, KEY).await.len(), 10_000);
    assert_eq!(bench.asked().len(), 10);
}

/// S3: agents of one and the same moment are told apart, because Retell pages by key and not by time.
#[tokio::test]
async fn agents_of_one_moment_are_each_listed_once() {
    let bench = Bench::new().await;
    let account = NewAccount::of(ProviderKind::Retell, KEY, 1_500).same_timestamp();
    bench.sandbox.control().add_account(&account).unwrap();
    let (agents, is_complete) = bench.all_agents(KEY).await;
    assert_eq!((agents.len(), is_complete), (1_500, true));
}

/// S3: what goes and comes on the way costs no other agent its place.
#[tokio::test]
async fn an_agent_that_goes_on_the_way_hides_no_other() {
    let bench = Bench::with_account(1_500, 0).await;
    let control = bench.sandbox.control();
    let first = bench.agents(KEY, None).await.unwrap();
    let last = first.items.last().unwrap().remote_id.clone();
    control.remove_agents(KEY, &[last]).unwrap();
    control.add_agents(KEY, 1, "New").unwrap();
    let second = bench.agents(KEY, first.next.as_deref()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len()), (1_000, 501));
    assert_eq!(second.next, None);
}

/// S3: an answer that promises more and does not say where ends the walk, and the list is incomplete.
#[tokio::test]
async fn a_list_that_leads_nowhere_is_incomplete() {
    let server = wiremock::MockServer::start().await;
    for (path, method, items) in [
        (
            "/v2/list-agents",
            "POST",
            serde_json::json!([{ "agent_id": "agent_1" }]),
        ),
        (
            "/v2/list-phone-numbers",
            "GET",
            serde_json::json!([{ "phone_number": "+15035550142" }]),
        ),
    ] {
        let body =
            serde_json::json!({ "items": items, "has_more": true, "pagination_key": "again" });
        wiremock::Mock::given(wiremock::matchers::path(path))
            .and(wiremock::matchers::method(method))
            .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(&body))
            .mount(&server)
            .await;
    }
    let bench = Bench::new().await;
    let address = url::Url::parse(&server.uri()).unwrap();
    bench
        .ask_at(&address, KEY, async |target: &Target<'_>| {
            let first = Retell.list_agents(target, None).await.unwrap();
            assert!(first.is_complete && first.next.is_some());
            let second = Retell.list_agents(target, first.next.as_deref()).await;
            let second = second.unwrap();
            assert!(!second.is_complete && second.next.is_none());
            let first = Retell.list_numbers(target, None).await.unwrap();
            let second = Retell.list_numbers(target, first.next.as_deref()).await;
            assert!(!second.unwrap().is_complete);
        })
        .await;
}

/// S1, S3: the older list is read where the new one is not there; a full one may have been cut.
#[tokio::test]
async fn the_older_list_of_agents_is_a_way_out() {
    for (count, listed, is_whole_list) in [(40, 40, true), (1_200, 1_000, false)] {
        let bench = Bench::with_account(count, 0).await;
        bench.inject(Fault::status(404).on("/retell/v2/list-agents"));
        let (agents, is_complete) = bench.all_agents(KEY).await;
        assert_eq!((agents.len(), is_complete), (listed, is_whole_list));
        assert!(
            agents
                .iter()
                .all(|agent| !agent.is_whole && agent.definition.voice.is_some())
        );
    }
    let bench = Bench::with_account(1, 0).await;
    bench.inject(Fault::status(404));
    assert!(matches!(
        bench.agents(KEY, None).await,
        Err(ProviderError::Malformed { .. })
    ));
}

/// S5: a cursor is text, so a walk goes on after a restart and after a page that failed.
#[tokio::test]
async fn a_walk_goes_on_after_a_page_that_failed_once() {
    let bench = Bench::with_account(2_500, 0).await;
    bench.inject(
        Fault::status(500)
            .on("/retell/v2/list-agents")
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
    assert!(matches!(
        bench.agents(KEY, Some("{\"page\":2}")).await,
        Err(ProviderError::Malformed { .. })
    ));
}

/// S1, X4: the sample account reads as an agency's account should, chat agents left out.
#[tokio::test]
async fn the_sample_account_is_a_believable_agency() {
    let bench = Bench::new().await;
    let key = Bench::sample("36 agents");
    let (agents, is_complete) = bench.all_agents(key).await;
    assert_eq!((agents.len(), is_complete), (36, true));
    let names: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.definition.name.as_str())
        .collect();
    assert_eq!(names.len(), 36);
    assert!(names.iter().all(|name| !name.contains("chat")));
    let ids: HashSet<&str> = agents
        .iter()
        .map(|agent| agent.remote_id.as_str())
        .collect();
    let mut with_prompt = 0;
    for id in &ids {
        let agent = bench.agent(key, id).await.unwrap();
        let definition = agent.definition;
        assert!(agent.is_whole && definition.voice.is_some() && definition.language.is_some());
        let prompt = definition.prompt.as_deref().unwrap_or_default();
        assert!(!prompt.contains("{client}"), "{}", definition.name);
        assert_eq!(definition.model.is_some(), definition.prompt.is_some());
        with_prompt += usize::from(definition.prompt.is_some());
    }
    assert_eq!(with_prompt, 32);
    let (numbers, is_complete) = bench.all_numbers(key).await;
    assert_eq!((numbers.len(), is_complete), (10, true));
    let attached: Vec<&str> = numbers
        .iter()
        .filter_map(|number| number.agent_remote_id.as_deref())
        .collect();
    assert_eq!(attached.len(), 8);
    assert!(attached.iter().all(|id| ids.contains(id)));
    let cedar = numbers
        .iter()
        .find(|number| number.name.as_deref() == Some("Cedar dispatch"));
    let cedar = cedar.unwrap().agent_remote_id.as_deref().unwrap();
    let cedar = agents
        .iter()
        .find(|agent| agent.remote_id == cedar)
        .unwrap();
    assert_eq!(cedar.definition.name, "Cedar Heating & Air – Reception");
    let answering = numbers.iter().filter(|number| number.is_answering).count();
    assert_eq!(answering, 9, "one is answered by a webhook");
}

/// S7
#[tokio::test]
async fn phone_numbers_come_in_pages() {
    let bench = Bench::with_account(10, 2_300).await;
    let (numbers, is_complete) = bench.all_numbers(KEY).await;
    let ids: HashSet<&str> = numbers
        .iter()
        .map(|number| number.remote_id.as_str())
        .collect();
    assert_eq!(
        (numbers.len(), ids.len(), is_complete),
        (2_300, 2_300, true)
    );
    assert_eq!(bench.asked().len(), 3);
}

/// K8: detached is no longer answered, whatever answered, and what calls out goes on doing so.
#[tokio::test]
async fn a_detached_number_is_no_longer_answered_and_still_calls_out() {
    let bench = Bench::new().await;
    let key = Bench::sample("36 agents");
    let numbers = bench.all_numbers(key).await.0;
    for number in numbers.iter().filter(|number| number.is_answering) {
        bench
            .detach(key, &number.remote_id, "retell-twilio")
            .await
            .unwrap();
    }
    let numbers = bench.all_numbers(key).await.0;
    assert_eq!(numbers.len(), 10);
    assert!(
        numbers
            .iter()
            .all(|number| !number.is_answering && number.agent_remote_id.is_none())
    );
    let main = &numbers[0];
    let answer = bench
        .ask(key, async |target: &Target<'_>| {
            let segments = ["get-phone-number", main.remote_id.as_str()];
            let call = super::super::request::Request::get("/get-phone-number/{id}", &segments);
            let answer = super::super::send(target, &call).await.unwrap();
            answer.json_if_any::<serde_json::Value>().unwrap()
        })
        .await;
    assert_eq!(answer["inbound_agents"], serde_json::json!([]));
    assert_eq!(answer["outbound_agents"].as_array().unwrap().len(), 1);
}

/// K8: a webhook is named only where there is one, because naming it clears it.
#[tokio::test]
async fn a_number_that_a_webhook_answers_is_detached() {
    let bench = Bench::with_account(1, 1).await;
    let number = bench.all_numbers(KEY).await.0.remove(0);
    let change = serde_json::json!({ "inbound_webhook_url": "https://hooks.example.com/inbound" });
    let changed = bench
        .ask(KEY, async |target: &Target<'_>| {
            change_number(target, &number.remote_id, &change).await
        })
        .await
        .unwrap();
    assert!(changed.is_answering && changed.agent_remote_id.is_none());
    bench
        .detach(KEY, &number.remote_id, "retell-twilio")
        .await
        .unwrap();
    assert!(!bench.all_numbers(KEY).await.0[0].is_answering);
}

/// K8: a number that is gone is not found, and what Retell refuses is an error.
#[tokio::test]
async fn a_detach_that_fails_is_an_error() {
    let bench = Bench::with_account(2, 2).await;
    assert_eq!(
        bench
            .detach(KEY, "+15035550199", "retell-twilio")
            .await
            .unwrap_err(),
        ProviderError::NotFound
    );
    assert_eq!(
        bench.detach(KEY, "..", "retell-twilio").await.unwrap_err(),
        ProviderError::NotFound
    );
    let number = bench.all_numbers(KEY).await.0.remove(0);
    for (status, is_transient) in [(500, true), (409, false), (400, false)] {
        bench.sandbox.control().clear_faults();
        bench.inject(Fault::status(status).method("PATCH"));
        let error = bench
            .detach(KEY, &number.remote_id, "retell-twilio")
            .await
            .unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{error:?}");
    }
}

/// S1
#[tokio::test]
async fn voices_are_listed_with_their_names() {
    let bench = Bench::new().await;
    let key = Bench::sample("36 agents");
    let voices = bench
        .ask(key, async |target: &Target<'_>| {
            Retell.list_voices(target, None).await
        })
        .await
        .unwrap()
        .unwrap();
    assert!(voices.is_complete && voices.next.is_none());
    assert_eq!(voices.items.len(), 10);
    assert!(voices.items.iter().all(|voice| voice.name.is_some()));
}

/// S1: a list of voices that this key may not see says so, for the import to go on without it.
#[tokio::test]
async fn a_list_of_voices_that_is_hidden_says_so() {
    let bench = Bench::with_account(1, 0).await;
    let voices = async || {
        let ask = async |target: &Target<'_>| Retell.list_voices(target, None).await;
        bench.ask(KEY, ask).await.unwrap_err()
    };
    bench.inject(Fault::status(403).on("/retell/list-voices"));
    assert!(matches!(
        voices().await,
        ProviderError::MissingPermission { .. }
    ));
    bench.sandbox.control().clear_faults();
    bench.inject(Fault::status(401).on("/retell/list-voices"));
    assert!(matches!(voices().await, ProviderError::InvalidKey { .. }));
}

/// S1: a Retell without a list of language models has none that could be compared; one that loses it on the way is odd.
#[tokio::test]
async fn a_retell_without_a_list_of_language_models_has_none() {
    let bench = Bench::with_account(1_200, 0).await;
    let engines = async |cursor: Option<&str>| {
        let ask = async |target: &Target<'_>| Retell.list_engines(target, cursor).await;
        bench.ask(KEY, ask).await
    };
    let cursor = engines(None).await.unwrap().unwrap().next.unwrap();
    bench.inject(Fault::status(404).on("/retell/v2/list-retell-llms"));
    assert_eq!(engines(None).await.unwrap(), None);
    assert!(matches!(
        engines(Some(&cursor)).await,
        Err(ProviderError::Malformed { .. })
    ));
}

/// S3: only Retell's own words mean that something is gone or forbidden; a page of something in between proves nothing.
#[tokio::test]
async fn only_retells_own_not_found_means_gone() {
    let bench = Bench::with_account(1, 0).await;
    for id in ["..", ".", "", "../get-agent", "x/../../v2/list-agents"] {
        assert_eq!(
            bench.agent(KEY, id).await.unwrap_err(),
            ProviderError::NotFound,
            "{id}"
        );
    }
    for status in [403, 404, 422] {
        let server = wiremock::MockServer::start().await;
        let page = wiremock::ResponseTemplate::new(status).set_body_string("<html>Blocked</html>");
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(page)
            .mount(&server)
            .await;
        let address = url::Url::parse(&server.uri()).unwrap();
        let error = bench
            .ask_at(&address, KEY, async |target: &Target<'_>| {
                Retell.get_agent(target, "some-id").await
            })
            .await
            .unwrap_err();
        assert_eq!(
            error,
            ProviderError::Unavailable {
                reason: Unavailable::Status(status),
                message: None
            }
        );
    }
}
