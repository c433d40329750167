//! R5, S5: what becomes of an agent that was made and never told, when the process dies, when an import comes between, and
//! when nobody finds it; in no case is it made twice, and in no case is it here as two agents.

use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault},
};
use serde_json::{Value, json};

use super::{
    agents, asked, counts, items, keys_of, moved, newest, remote_count, start, start_sync, sync,
    to_the_end, until,
};
use crate::harness::{TestApp, TestClient};

const POST: &str = "POST /vapi/assistant";

/// Waits until the provider was asked so often.
async fn until_asked(app: &TestApp, route: &str, count: u64) {
    for _ in 0..1500 {
        if asked(app, route) >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{route} was not asked {count} times");
}

/// An agency at Vapi whose server dies while the sixth agent is being made; and the server that follows, with an admin.
async fn died(effect: Effect) -> (TestApp, TestApp, TestClient) {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let fault = Fault::new(effect).on("/vapi/assistant").method("POST");
    app.sandbox.control().inject(fault.after(5).times(1));
    start(&admin, "VAPI").await;
    until_asked(&app, POST, 6).await;
    // Whatever the request does at the provider is done.
    tokio::time::sleep(Duration::from_millis(100)).await;
    app.app.stop(Duration::from_secs(2)).await;
    let next = app.replica(false).await;
    let admin = next.user(Role::Admin).await;
    (app, next, admin)
}

/// R5, S5: the process died after the agent was made and before it was told. The next one finds it and makes the others.
#[tokio::test]
async fn an_agent_that_was_made_before_the_process_died_is_found() {
    let (first, app, admin) = died(Effect::HangAfter).await;
    let run = until(&admin, "SUCCEEDED").await;
    app.settle().await;
    assert_eq!(counts(&run), [40, 0, 0, 0]);
    let second = keys_of(ProviderKind::Vapi).1;
    assert_eq!(
        (asked(&first, POST), remote_count(&first, second)),
        (40, 52)
    );
    assert_eq!(agents(&admin).await, (52, 0));
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(
        (&synced["addedCount"], &synced["changedCount"]),
        (&json!(0), &json!(0))
    );
}

/// R5, S5: the process died before the provider did anything. The account is looked at twice, with time between; then the
/// agent stays unconfirmed, and is not asked for again until somebody asks. Then it is looked for once more, and made.
#[tokio::test]
async fn an_agent_of_which_nobody_knows_is_not_asked_for_again() {
    let (first, app, admin) = died(Effect::Hang).await;
    let run = until(&admin, "WAITING").await;
    assert!(
        run["waitingReason"]
            .as_str()
            .unwrap()
            .contains("did not say"),
        "{run:#}"
    );
    assert_eq!(asked(&first, POST), 6);
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("INCOMPLETE"), [39, 0, 0, 1])
    );
    let second = keys_of(ProviderKind::Vapi).1;
    assert_eq!(
        (asked(&first, POST), remote_count(&first, second)),
        (40, 51)
    );
    let unconfirmed = items(&admin, "UNCONFIRMED").await;
    assert!(
        unconfirmed[0]["message"]
            .as_str()
            .unwrap()
            .contains("did not say")
    );
    first.sandbox.control().clear_requests();
    start(&admin, "VAPI").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [1, 0, 0, 0])
    );
    assert_eq!((asked(&first, POST), remote_count(&first, second)), (1, 52));
    let log = first.sandbox.control().requests();
    let agents_asked: Vec<&str> = log
        .iter()
        .filter(|request| request.path == "/vapi/assistant")
        .map(|request| request.method.as_str())
        .collect();
    assert_eq!(agents_asked.first(), Some(&"GET"), "it is looked for first");
}

/// R5, S5: an agent that was made late, after the account was looked at, is not made a second time by a second request.
#[tokio::test]
async fn a_second_request_finds_what_was_made_late() {
    let (first, app, admin) = died(Effect::HangAfter).await;
    until(&admin, "SUCCEEDED").await;
    app.settle().await;
    let second = keys_of(ProviderKind::Vapi).1;
    // As if the look had come too early: the agent is there, and nothing here knows it.
    forget_one(&app).await;
    assert_eq!(agents(&admin).await, (52, 1));
    let posts = asked(&first, POST);
    start(&admin, "VAPI").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [1, 0, 0, 0])
    );
    assert_eq!(
        (asked(&first, POST), remote_count(&first, second)),
        (posts, 52)
    );
    assert_eq!(agents(&admin).await, (52, 0));
}

/// Makes the newest agent of a run one that was never confirmed.
async fn forget_one(app: &TestApp) {
    app.sql(
        "DELETE FROM placements WHERE remote_id = (SELECT remote_id FROM placement_items WHERE id = \
         (SELECT max(id) FROM placement_items WHERE state = 'created'));
         UPDATE placement_runs SET state = 'incomplete', created_count = created_count - 1, unconfirmed_count = 1;
         UPDATE placement_items SET state = 'unconfirmed', remote_id = NULL WHERE id = \
         (SELECT max(id) FROM placement_items WHERE state = 'created')",
    )
    .await;
}

/// R5: an import that finds an agent which was never confirmed gives it to the one that it was made for.
#[tokio::test]
async fn an_import_confirms_an_agent_by_its_marker() {
    for provider in [ProviderKind::Vapi, ProviderKind::Bland] {
        let (app, admin) = moved(provider).await;
        let name = provider.as_str().to_uppercase();
        start(&admin, &name).await;
        app.settle().await;
        let before = agents(&admin).await;
        let made = counts(&newest(&admin).await)[0];
        forget_one(&app).await;
        assert_eq!(agents(&admin).await, (before.0, before.1 + 1));
        let synced = sync(&app, &admin, &name).await;
        assert_eq!(
            (&synced["addedCount"], agents(&admin).await),
            (&json!(0), before),
            "{provider}"
        );
        let run = newest(&admin).await;
        assert_eq!(
            (&run["state"], counts(&run)[0], counts(&run)[3]),
            (&json!("SUCCEEDED"), made, 0)
        );
    }
}

/// R5: where the list tells only names, an import takes an agent that was never confirmed for another one. The next request
/// finds it, gives it to the one that it was made for, and removes the other one, which nobody has touched.
#[tokio::test]
async fn an_agent_that_was_taken_for_another_one_is_joined() {
    let (app, admin) = moved(ProviderKind::Retell).await;
    start(&admin, "RETELL").await;
    app.settle().await;
    let before = agents(&admin).await;
    forget_one(&app).await;
    let synced = sync(&app, &admin, "RETELL").await;
    assert_eq!(synced["addedCount"], 1);
    assert_eq!(agents(&admin).await, (before.0 + 1, before.1 + 1));
    let posts = asked(&app, "POST /retell/create-agent");
    start(&admin, "RETELL").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(counts(&run)[0], 1, "{run:#}");
    assert_eq!(asked(&app, "POST /retell/create-agent"), posts);
    assert_eq!(agents(&admin).await, before);
    assert_eq!(sync(&app, &admin, "RETELL").await["addedCount"], 0);
}

/// The import of the moment in which an agent is there and nothing here knows it yet.
async fn import_in_between(provider: ProviderKind, path: &str) {
    let (app, admin) = moved(provider).await;
    let name = provider.as_str().to_uppercase();
    let before = agents(&admin).await;
    let fault = Fault::new(Effect::HangAfter).on(path).method("POST");
    app.sandbox.control().inject(fault.after(2).times(1));
    let second = keys_of(provider).1;
    let there = remote_count(&app, second);
    start(&admin, &name).await;
    let route = format!("POST {path}");
    until_asked(&app, &route, 3).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(remote_count(&app, second), there + 3);
    assert_eq!(items(&admin, "CREATING").await.len(), 1);
    start_sync(&admin, &name).await;
    let mut synced = Value::Null;
    for _ in 0..1500 {
        synced = crate::sync::newest(&admin).await;
        if !synced["finishedAt"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        (&synced["state"], &synced["addedCount"]),
        (&json!("SUCCEEDED"), &json!(0)),
        "{synced:#}"
    );
    assert_eq!(
        agents(&admin).await.0,
        before.0,
        "{provider}: no agent is here twice"
    );
    // The provider never answers, so that the job would wait for it.
    app.app.stop(Duration::from_secs(2)).await;
    app.sql("UPDATE jobs SET state = 'failed'").await;
}

/// R5: an import that reads the account while an agent is being made leaves that one alone, whether the list shows markers or
/// only names.
#[tokio::test]
async fn an_import_in_between_takes_no_agent_for_a_new_one() {
    import_in_between(ProviderKind::Vapi, "/vapi/assistant").await;
    import_in_between(ProviderKind::Retell, "/retell/create-agent").await;
    import_in_between(ProviderKind::Bland, "/bland/v1/personas").await;
}

/// R5: two agents that carry one mark, because somebody has copied one, are not told apart by a guess.
#[tokio::test]
async fn copies_are_not_told_apart_by_a_guess() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    start(&admin, "VAPI").await;
    app.settle().await;
    forget_one(&app).await;
    let rows = app
        .sql("SELECT marker, name FROM placement_items WHERE state = 'unconfirmed'")
        .await;
    let (marker, name): (String, String) = (rows[0].get(0), rows[0].get(1));
    let url = format!("{}/assistant", app.sandbox.base_url(ProviderKind::Vapi));
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let copy = json!({ "name": name, "metadata": { "ringfence_placement": marker } });
    let request = client.post(url).bearer_auth(keys_of(ProviderKind::Vapi).1);
    assert!(
        request
            .json(&copy)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    app.sandbox.control().clear_requests();
    start(&admin, "VAPI").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("INCOMPLETE"), [0, 0, 0, 1])
    );
    assert_eq!(asked(&app, POST), 0);
    let message = items(&admin, "UNCONFIRMED").await[0]["message"].clone();
    assert!(
        message.as_str().unwrap().starts_with("2 agents"),
        "{message}"
    );
}
