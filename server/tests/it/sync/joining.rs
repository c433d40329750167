//! S6: one sync per account at a time; a second request joins the one running.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use ringfence::{access::Role, sandbox::Fault};
use serde_json::{Value, json};

use super::{import, newest, until};
use crate::{
    harness::{TestApp, TestClient, keys},
    keys::counts,
};

/// S6: "Sync now" during a sync answers with that one.
#[tokio::test]
async fn a_second_request_joins_the_sync_under_way() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let staff = app.user(Role::Staff).await;
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(100));
    let saved = admin.save_key(keys::GOOD, None).await.ok();
    let run = saved["saveProviderKey"]["syncRun"]["id"].clone();
    let joined = staff.start_sync().await.ok()["startSync"].clone();
    assert_eq!(joined["hasJoined"], true);
    assert_eq!(joined["syncRun"]["id"], run);
    app.settle().await;
    let next = staff.start_sync().await.ok()["startSync"].clone();
    assert_eq!(next["hasJoined"], false);
    assert_ne!(next["syncRun"]["id"], run);
    app.settle().await;
    assert_eq!(counts(&admin).await.runs, 2);
}

/// S6: of ten requests at the same moment one begins a sync, and the others join it.
#[tokio::test]
async fn of_ten_requests_at_once_one_begins_a_sync() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(200));
    let answers = join_all((0..10).map(|_| admin.start_sync())).await;
    let answers: Vec<Value> = answers
        .into_iter()
        .map(|answer| answer.ok()["startSync"].clone())
        .collect();
    let runs: HashSet<&Value> = answers
        .iter()
        .map(|answer| &answer["syncRun"]["id"])
        .collect();
    assert_eq!(runs.len(), 1);
    let began = answers
        .iter()
        .filter(|answer| answer["hasJoined"] == false)
        .count();
    assert_eq!(began, 1);
    app.settle().await;
    assert_eq!(counts(&admin).await.runs, 2);
}

/// S6: two agencies that share an account, or have one each, do not wait for each other.
#[tokio::test]
async fn agencies_do_not_join_each_other() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Admin).await;
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(50));
    let (first, second) = tokio::join!(
        admin.save_key(keys::GOOD, None),
        stranger.save_key(keys::GOOD, None)
    );
    let run = |answer: Value| answer["saveProviderKey"]["syncRun"]["id"].clone();
    assert_ne!(run(first.ok()), run(second.ok()));
    app.settle().await;
    for client in [&admin, &stranger] {
        let run = newest(client).await;
        assert_eq!(
            (&run["state"], &run["addedCount"]),
            (&json!("SUCCEEDED"), &json!(40))
        );
    }
}

/// S6: a replacement ends the sync of the version before, and begins one of its own.
#[tokio::test]
async fn a_replacement_begins_a_sync_of_its_own() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(150));
    let first = admin.save_key(keys::GOOD, None).await.ok();
    let second = admin.save_key(keys::LIMITED, Some(1)).await.ok();
    app.settle().await;
    let first = &first["saveProviderKey"]["syncRun"]["id"];
    let second = &second["saveProviderKey"]["syncRun"]["id"];
    assert_ne!(first, second);
    let run = until(&admin, "SUCCEEDED").await;
    assert_eq!(run["id"], *second);
    assert_eq!(run["agentCount"], 40);
    let query = "query($id: ID!) { syncRun(id: $id) { state error { code } } }";
    let ended = admin.graphql(query, json!({ "id": first })).await.ok();
    assert_eq!(ended["syncRun"]["state"], "FAILED");
    assert_eq!(ended["syncRun"]["error"]["code"], "CONFLICT");
}

/// S6, K5: a sync that was asked for with the key before, and not seen by the replacement, makes way for that of the new key.
#[tokio::test]
async fn an_outdated_sync_makes_way() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    let fault = Fault::rate_limit("600").on("/vapi/v2/phone-number");
    app.sandbox.control().inject(fault);
    admin.start_sync().await.ok();
    let waiting = until(&admin, "WAITING").await;
    // As a replacement leaves it that was written while the request for this sync was on its way.
    app.sql("UPDATE sync_runs SET key_version = 0 WHERE state = 'waiting'")
        .await;
    let joined = admin.start_sync().await.ok();
    assert_eq!(joined["startSync"]["hasJoined"], false);
    assert_ne!(joined["startSync"]["syncRun"]["id"], waiting["id"]);
    app.sandbox.control().clear_faults();
    app.advance(Duration::from_secs(600));
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["id"], &run["state"]),
        (&joined["startSync"]["syncRun"]["id"], &json!("SUCCEEDED"))
    );
}

/// S1: a person starts at most ten syncs in a minute, and the people of an agency sixty in an hour; what was refused wrote
/// nothing, and who joins a sync is not counted.
#[tokio::test]
async fn syncs_by_hand_are_throttled() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let staff = app.user(Role::Staff).await;
    import(&app, &admin, keys::GOOD).await;
    let start = async |client: &TestClient| {
        let answer = client.start_sync().await;
        app.settle().await;
        answer
    };
    for round in 0..6 {
        for _ in 0..10 {
            assert_eq!(start(&admin).await.ok()["startSync"]["hasJoined"], false);
        }
        if round == 0 {
            let before = counts(&admin).await.runs;
            let refused = start(&admin).await;
            assert_eq!(refused.code(), "TOO_MANY_ATTEMPTS");
            let wait = refused.errors[0]["extensions"]["retryAfterMs"].as_u64();
            assert!(wait.is_some_and(|wait| (1..=60_000).contains(&wait)));
            assert_eq!(counts(&admin).await.runs, before);
        }
        app.advance(Duration::from_secs(61));
    }
    let refused = start(&staff).await;
    assert_eq!(refused.code(), "TOO_MANY_ATTEMPTS");
    let wait = refused.errors[0]["extensions"]["retryAfterMs"].as_u64();
    assert!(wait.is_some_and(|wait| wait > 60_000), "{wait:?}");
    app.advance(Duration::from_hours(1));
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(300));
    staff.start_sync().await.ok();
    for _ in 0..15 {
        assert_eq!(
            staff.start_sync().await.ok()["startSync"]["hasJoined"],
            true
        );
    }
    app.settle().await;
}
