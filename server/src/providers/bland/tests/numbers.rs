//! S1, S7, K8: what is read of an account's numbers, and how a number stops being answered.

use std::collections::HashSet;

use serde_json::json;

use super::{Bench, KEY};
use crate::providers::bland::post;
use crate::providers::{ProviderError, RemoteNumber, Target};
use crate::sandbox::Fault;

/// S1, X4: numbers of the sample account, each with what answers it.
#[tokio::test]
async fn the_sample_numbers_are_answered_in_every_way() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let page = bench.numbers(key, None).await.unwrap();
    let facts = (page.items.len(), page.total, page.is_complete, page.next);
    assert_eq!(facts, (11, Some(11), true, None));
    let (agents, _) = bench.all_agents(key).await;
    let known: HashSet<&str> = agents.iter().map(|it| it.remote_id.as_str()).collect();
    let number = |label: &str| {
        let found = page.items.iter();
        let mut found = found.filter(|number| number.name.as_deref() == Some(label));
        found.next().unwrap()
    };
    let pathway = number("Summit claims").agent_remote_id.as_deref().unwrap();
    assert!(pathway.starts_with("pathway:") && known.contains(pathway));
    // Bland routes a v2 agent's number through a persona of its own making.
    let hidden = number("Harborline listings");
    assert!(hidden.is_answering && !known.contains(hidden.agent_remote_id.as_deref().unwrap()));
    let prompt = number("Greenleaf office");
    assert!(prompt.is_answering && prompt.agent_remote_id.is_none());
    let spare = number("Spare line");
    assert!(!spare.is_answering && spare.agent_remote_id.is_none());
    let attached = page
        .items
        .iter()
        .filter_map(|it| it.agent_remote_id.as_deref());
    assert_eq!(attached.filter(|id| known.contains(id)).count(), 8);
}

/// S7: all numbers come in one answer.
#[tokio::test]
async fn ten_thousand_numbers_are_each_listed_once() {
    let bench = Bench::with_account(10, 10_000).await;
    let page = bench.numbers(KEY, None).await.unwrap();
    let ids: HashSet<&str> = page.items.iter().map(|it| it.remote_id.as_str()).collect();
    assert_eq!(
        (ids.len(), page.total, page.next),
        (10_000, Some(10_000), None)
    );
    assert_eq!(bench.asked().len(), 1);
}

async fn numbers(bench: &Bench, key: &str) -> Vec<RemoteNumber> {
    bench.numbers(key, None).await.unwrap().items
}

/// K8: persona, pathway, prompt, v2 agent, and a prompt behind a persona.
#[tokio::test]
async fn a_detached_number_is_no_longer_answered() {
    let bench = Bench::new().await;
    let key = Bench::sample("29 personas");
    let before = numbers(&bench, key).await;
    assert_eq!(
        before.iter().filter(|number| number.is_answering).count(),
        10
    );
    for number in &before {
        bench.detach(key, &number.remote_id, "").await.unwrap();
    }
    let after = numbers(&bench, key).await;
    assert_eq!(after.len(), 11);
    assert!(
        after
            .iter()
            .all(|number| !number.is_answering && number.agent_remote_id.is_none())
    );
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            (&before.remote_id, &before.name),
            (&after.remote_id, &after.name)
        );
    }
}

/// K8: a number that nothing answers is left alone.
#[tokio::test]
async fn detaching_an_unattached_number_changes_nothing() {
    let bench = Bench::with_account(1, 1).await;
    let number = numbers(&bench, KEY).await.remove(0);
    assert!(!number.is_answering);
    bench.sandbox.control().clear_requests();
    bench.detach(KEY, &number.remote_id, "").await.unwrap();
    assert!(
        bench
            .asked()
            .iter()
            .all(|request| request.starts_with("GET "))
    );
}

/// K8: the single read does not tell the persona, so a detach that believed it would leave the number answered.
#[tokio::test]
async fn a_detach_finds_the_persona_that_only_the_list_tells() {
    let bench = Bench::with_account(2, 2).await;
    let number = numbers(&bench, KEY).await;
    let number = number.iter().find(|number| number.is_answering).unwrap();
    let persona = number.agent_remote_id.clone().unwrap();
    bench.sandbox.control().clear_requests();
    bench.detach(KEY, &number.remote_id, "").await.unwrap();
    let asked = bench.asked();
    assert!(
        asked.contains(&"GET /bland/v1/inbound".to_owned()),
        "{asked:?}"
    );
    let detach = format!("POST /bland/v1/personas/{persona}/inbound/detach");
    assert_eq!(asked.iter().filter(|it| it.starts_with("POST")).count(), 1);
    assert!(asked.contains(&detach), "{asked:?}");
}

/// K8: a number that is gone is not found; a persona that is gone, or a change that fails, is no detached number.
#[tokio::test]
async fn a_detach_that_fails_is_an_error() {
    let bench = Bench::with_account(2, 2).await;
    assert_eq!(
        bench.detach(KEY, "+15035550199", "").await.unwrap_err(),
        ProviderError::NotFound
    );
    let number = numbers(&bench, KEY).await;
    let number = number.iter().find(|number| number.is_answering).unwrap();
    let detach = "/bland/v1/personas/*/inbound/detach";
    for (fault, is_expected) in [
        (
            Fault::status(404),
            (|error| matches!(error, ProviderError::Rejected { status: 404, .. }))
                as fn(&ProviderError) -> bool,
        ),
        (Fault::status(500), ProviderError::is_transient),
        (Fault::status(403), |error| {
            matches!(error, ProviderError::MissingPermission { .. })
        }),
        (super::told(200, "The number is busy."), |error| {
            matches!(error, ProviderError::Rejected { status: 200, .. })
        }),
    ] {
        bench.sandbox.control().clear_faults();
        bench.inject(fault.on(detach));
        let error = bench.detach(KEY, &number.remote_id, "").await.unwrap_err();
        assert!(is_expected(&error), "{error:?}");
    }
    assert!(
        numbers(&bench, KEY)
            .await
            .iter()
            .any(|number| number.is_answering)
    );
}

/// K8: Bland says `success` and the number is as it was: that is believed to nobody.
#[tokio::test]
async fn a_detach_that_changed_nothing_is_an_error() {
    let server = wiremock::MockServer::start().await;
    let number = json!({ "phone_number": "+15035550142", "persona_id": null, "prompt": "Hello." });
    let mount = async |method: &str, body: &serde_json::Value| {
        let answer = wiremock::ResponseTemplate::new(200).set_body_json(body);
        wiremock::Mock::given(wiremock::matchers::method(method))
            .respond_with(answer)
            .mount(&server)
            .await;
    };
    mount("GET", &number).await;
    mount(
        "POST",
        &json!({ "status": "success", "message": "Updated." }),
    )
    .await;
    let bench = Bench::new().await;
    let base_url = url::Url::parse(&server.uri()).unwrap();
    let key = secrecy::SecretString::from(KEY);
    let target = Target {
        http: &bench.http,
        base_url: &base_url,
        key: &key,
        deadline: tokio::time::Instant::now() + bench.wait,
    };
    let error = super::super::numbers::detach(&target, "+15035550142").await;
    assert!(
        matches!(error, Err(ProviderError::Malformed { .. })),
        "{error:?}"
    );
}

/// K8: a number that a pathway took over while its persona was looked at is detached too.
#[tokio::test]
async fn a_pathway_is_cleared_with_the_prompt() {
    let bench = Bench::with_account(1, 1).await;
    let number = numbers(&bench, KEY).await.remove(0);
    bench
        .ask(KEY, async |target: &Target<'_>| {
            let segments = ["v1", "inbound", number.remote_id.as_str()];
            let change = json!({ "pathway_id": "w" });
            post(target, "/v1/inbound/{number}", &segments, &change).await
        })
        .await
        .unwrap();
    let attached = numbers(&bench, KEY).await.remove(0);
    assert_eq!(attached.agent_remote_id.as_deref(), Some("pathway:w"));
    bench.detach(KEY, &number.remote_id, "").await.unwrap();
    assert!(!numbers(&bench, KEY).await[0].is_answering);
}
