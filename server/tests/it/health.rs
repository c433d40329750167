//! How keys fare (R7, R8): checks by the schedule, the breaker, and the alerts that tell people.

use std::time::Duration;

use ringfence::{
    access::Role,
    health, jobs,
    sandbox::{Effect, Fault, NewAccount, NewKey},
};
use serde_json::{Value, json};

use crate::{
    harness::{Settings, TestApp, TestClient, keys},
    keys::test,
};

const DAY: Duration = Duration::from_hours(24);
const KEY: &str = "key-to-be-revoked-8Jf3";
const SPARE: &str = "key-that-stays-2Lm6";

/// A millisecond less.
fn almost(time: Duration) -> Duration {
    time.saturating_sub(Duration::from_millis(1))
}

/// What the scheduler does every few seconds, and the checks that come of it.
async fn look(app: &TestApp) {
    health::enqueue_due(&app.app).await.unwrap();
    app.settle().await;
}

/// Moves the clock on and looks.
async fn look_after(app: &TestApp, wait: Duration) {
    app.advance(wait);
    look(app).await;
}

/// The agency's alerts: kind, state, count of agents.
async fn alerts(client: &TestClient) -> Vec<(String, String, Value)> {
    let query = "{ alerts { nodes { kind state agentCount } } }";
    let data = client.query(query).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let nodes = data["alerts"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|one| {
            (
                text(&one["kind"]),
                text(&one["state"]),
                one["agentCount"].clone(),
            )
        })
        .collect()
}

fn alert(kind: &str, state: &str, agents: i64) -> (String, String, Value) {
    (kind.to_owned(), state.to_owned(), json!(agents))
}

/// The breaker as the database keeps it, with the rejections in a row.
async fn breaker(app: &TestApp) -> (String, i64) {
    let rows = app
        .sql("SELECT breaker, rejections_in_a_row FROM provider_keys")
        .await;
    (rows[0].get(0), rows[0].get(1))
}

/// How often the provider was asked since the last look.
fn asked(app: &TestApp) -> usize {
    let control = app.sandbox.control();
    let requests = control.requests();
    control.clear_requests();
    requests
        .iter()
        .filter(|request| request.path == "/vapi/assistant")
        .count()
}

/// An account of three agents with two keys, of which the first is stored.
async fn with_two_keys(app: &TestApp, client: &TestClient) {
    let control = app.sandbox.control();
    control.add_account(&NewAccount::vapi(KEY, 3)).unwrap();
    control.add_key(&another(SPARE, KEY)).unwrap();
    client.save_key(KEY, None).await.ok();
    app.settle().await;
}

fn another(key: &str, same_account_as: &str) -> NewKey {
    NewKey {
        key: key.to_owned(),
        same_account_as: same_account_as.to_owned(),
        visible_agents: None,
        forbidden: Vec::new(),
    }
}

/// R7: a stored key is checked a day after it was saved, and then at a time of its own that lies within a tenth of a day.
#[tokio::test]
async fn a_key_is_checked_once_a_day() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let saved = admin.key().await["checkedAt"].clone();
    asked(&app);
    look_after(&app, almost(DAY)).await;
    assert_eq!(asked(&app), 0, "not before its time");
    look_after(&app, Duration::from_millis(1)).await;
    assert_eq!(asked(&app), 1);
    look(&app).await;
    assert_eq!(asked(&app), 0, "once");
    let checked = admin.key().await["checkedAt"].clone();
    assert_ne!(checked, saved);
    look_after(&app, almost(DAY * 9 / 10)).await;
    assert_eq!(asked(&app), 0, "not before nine tenths of a day");
    look_after(&app, DAY / 5).await;
    assert_eq!(asked(&app), 1, "by eleven tenths of a day");
}

/// R7: without a schedule no good key is checked, and a refusal is followed up all the same.
#[tokio::test]
async fn without_a_schedule_only_a_refusal_is_followed_up() {
    let app = TestApp::with(Settings {
        health_check_interval_hours: Some(0),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    asked(&app);
    look_after(&app, DAY * 5).await;
    assert_eq!(asked(&app), 0);
    app.sandbox.control().inject(Fault::status(401));
    let key = admin.key().await;
    test(&admin, &key).await.ok();
    asked(&app);
    look_after(&app, Duration::from_secs(5)).await;
    assert_eq!(asked(&app), 1);
}

/// R8: three definite rejections within half a minute open the breaker and raise one alert, which counts the agents and says
/// what is next; probes come with growing pauses, and the first accepted one closes the breaker and ends the alert.
#[tokio::test]
async fn a_revoked_key_opens_its_breaker_until_a_probe_is_accepted() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    with_two_keys(&app, &admin).await;
    app.sandbox.control().revoke_key(KEY).unwrap();
    look_after(&app, DAY).await;
    assert_eq!(admin.key().await["health"], "INVALID");
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 1));
    assert_eq!(alerts(&admin).await, [], "one refusal is not believed yet");
    look_after(&app, Duration::from_millis(4999)).await;
    assert_eq!(breaker(&app).await.1, 1);
    look_after(&app, Duration::from_millis(1)).await;
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 2));
    look_after(&app, Duration::from_secs(10)).await;
    assert_eq!(breaker(&app).await, ("open".to_owned(), 3));
    assert_eq!(alerts(&admin).await, [alert("KEY_INVALID", "OPEN", 3)]);
    let told = admin
        .query("{ alerts { totalCount nodes { summary provider clientId raisedAt resolvedAt } } alertSummary { openCount } }")
        .await
        .ok();
    let node = &told["alerts"]["nodes"][0];
    assert_eq!(
        node["summary"],
        "The agency's Vapi key was rejected. Its 3 agents cannot call until it is replaced."
    );
    assert_eq!(
        (&node["provider"], &node["clientId"]),
        (&json!("VAPI"), &Value::Null)
    );
    assert_eq!(told["alertSummary"]["openCount"], 1);
    asked(&app);
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        look_after(&app, almost(Duration::from_mins(minutes))).await;
        assert_eq!(asked(&app), 0, "before {minutes} minutes");
        look_after(&app, Duration::from_millis(1)).await;
        assert_eq!(asked(&app), 1, "after {minutes} minutes");
    }
    assert_eq!(alerts(&admin).await.len(), 1, "one alert for one trouble");
    app.sandbox.control().add_key(&another(KEY, SPARE)).unwrap();
    look_after(&app, Duration::from_mins(60)).await;
    assert_eq!(admin.key().await["health"], "VALID");
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
    assert_eq!(alerts(&admin).await, [alert("KEY_INVALID", "RESOLVED", 3)]);
    let actions: Vec<String> = app
        .sql(
            "SELECT action FROM audit_entries WHERE subject = (SELECT id FROM provider_keys) \
              AND actor = 'system' ORDER BY sequence",
        )
        .await
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(actions, ["provider_key.invalid", "provider_key.restored"]);
}

/// R8: an outage, a rate limit and answers that make no sense never open the breaker, however often they come, and do not
/// forgive what was refused before.
#[tokio::test]
async fn an_outage_never_opens_the_breaker() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let control = app.sandbox.control().clone();
    for fault in [
        Fault::status(500),
        Fault::rate_limit("24"),
        Fault::new(Effect::NotJson),
        Fault::status(503),
    ] {
        control.clear_faults();
        control.inject(fault);
        look_after(&app, DAY * 2).await;
        assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
    }
    assert_eq!(alerts(&admin).await, []);
    control.clear_faults();
    control.inject(Fault::status(401));
    look_after(&app, DAY * 2).await;
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 1));
    control.clear_faults();
    control.inject(Fault::status(500));
    for _ in 0..5 {
        look_after(&app, Duration::from_mins(1)).await;
        assert_eq!(breaker(&app).await, ("closed".to_owned(), 1));
    }
    control.clear_faults();
    look_after(&app, Duration::from_mins(1)).await;
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
    assert_eq!(admin.key().await["health"], "VALID");
}

/// R8: an outage while the breaker is open does not close it.
#[tokio::test]
async fn an_outage_never_closes_the_breaker() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let control = app.sandbox.control().clone();
    control.inject(Fault::status(401));
    for wait in [DAY, Duration::from_secs(5), Duration::from_secs(10)] {
        look_after(&app, wait).await;
    }
    assert_eq!(breaker(&app).await.0, "open");
    for fault in [
        Fault::status(500),
        Fault::status(402),
        Fault::rate_limit("9"),
    ] {
        control.clear_faults();
        control.inject(fault);
        look_after(&app, Duration::from_mins(61)).await;
        assert_eq!(breaker(&app).await, ("open".to_owned(), 3));
    }
    control.clear_faults();
    look_after(&app, Duration::from_mins(61)).await;
    assert_eq!(breaker(&app).await.0, "closed");
}

/// R8: one probe at a time: a key that is due has one job, however often and by however many it is looked for.
#[tokio::test]
async fn a_key_has_one_check_at_a_time() {
    let app = TestApp::with(Settings {
        is_without_jobs: true,
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    admin.save_key(keys::GOOD, None).await.ok();
    app.app.clock.advance(DAY);
    for _ in 0..3 {
        health::enqueue_due(&app.app).await.unwrap();
    }
    let looks = (0..5).map(|_| health::enqueue_due(&app.app));
    for looked in futures_util::future::join_all(looks).await {
        looked.unwrap();
    }
    let jobs = app
        .sql("SELECT id FROM jobs WHERE kind = 'check_key'")
        .await;
    assert_eq!(jobs.len(), 1);
}

/// K10, R8: what a version answers that is not in use any more changes nothing of the one that is.
#[tokio::test]
async fn an_old_versions_answer_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    with_two_keys(&app, &admin).await;
    let key = admin.key().await;
    let control = app.sandbox.control().clone();
    control.inject(Fault::new(Effect::Delay { ms: 1500 }).for_key(KEY));
    control.inject(Fault::status(401).for_key(KEY));
    let replace = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        admin.save_key(SPARE, Some(1)).await.ok();
    };
    let (tested, ()) = tokio::join!(test(&admin, &key), replace);
    tested.ok();
    app.settle().await;
    let now = admin.key().await;
    assert_eq!(
        (&now["version"], &now["health"]),
        (&json!(2), &json!("VALID"))
    );
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
}

/// K10, R8: a replacement closes the breaker and ends the alert; so does clearing.
#[tokio::test]
async fn another_key_ends_the_trouble_of_the_one_before() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    with_two_keys(&app, &admin).await;
    let control = app.sandbox.control().clone();
    let open = async || {
        control.inject(Fault::status(401));
        let key = admin.key().await;
        for _ in 0..3 {
            test(&admin, &key).await.ok();
        }
        control.clear_faults();
        assert_eq!(breaker(&app).await.0, "open");
    };
    open().await;
    admin.save_key(SPARE, Some(1)).await.ok();
    app.settle().await;
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
    assert_eq!(alerts(&admin).await, [alert("KEY_INVALID", "RESOLVED", 3)]);
    open().await;
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    assert_eq!(
        alerts(&admin).await,
        [
            alert("KEY_INVALID", "RESOLVED", 3),
            alert("KEY_INVALID", "RESOLVED", 3)
        ]
    );
    asked(&app);
    look_after(&app, DAY * 3).await;
    assert_eq!(asked(&app), 0, "a cleared key is not checked");
}

/// R7: an account out of funds is an alert of its own, which ends when a check finds funds again; it opens no breaker.
#[tokio::test]
async fn an_account_without_funds_is_an_alert() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    with_two_keys(&app, &admin).await;
    app.sandbox.control().inject(Fault::status(402));
    let key = admin.key().await;
    test(&admin, &key).await.ok();
    test(&admin, &key).await.ok();
    assert_eq!(alerts(&admin).await, [alert("KEY_NO_FUNDS", "OPEN", 3)]);
    assert_eq!(breaker(&app).await, ("closed".to_owned(), 0));
    app.sandbox.control().clear_faults();
    look_after(&app, Duration::from_mins(15)).await;
    assert_eq!(alerts(&admin).await, [alert("KEY_NO_FUNDS", "RESOLVED", 3)]);
}

/// R8, S5: a failed sync raises an alert that the next good one ends; a refused key's own alert is not said twice, and a run
/// that ended because its key was replaced is no failure.
#[tokio::test]
async fn a_failed_sync_is_an_alert_until_the_next_good_one() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    with_two_keys(&app, &admin).await;
    let control = app.sandbox.control().clone();
    control.inject(Fault::status(403).on("/vapi/assistant"));
    for _ in 0..2 {
        admin.start_sync().await.ok();
        app.settle().await;
    }
    assert_eq!(alerts(&admin).await, [alert("SYNC_FAILED", "OPEN", 3)]);
    let told = admin.query("{ alerts { nodes { summary } } }").await.ok();
    assert_eq!(
        told["alerts"]["nodes"][0]["summary"],
        "The agency's Vapi account could not be synced. The key may not list the agents at Vapi. Give it that permission, \
         or replace it."
    );
    control.clear_faults();
    admin.start_sync().await.ok();
    app.settle().await;
    assert_eq!(alerts(&admin).await, [alert("SYNC_FAILED", "RESOLVED", 3)]);
    control.inject(Fault::status(401));
    admin.start_sync().await.ok();
    app.settle().await;
    assert_eq!(breaker(&app).await.1, 1, "a sync's refusal counts");
    assert_eq!(alerts(&admin).await.len(), 1);
    control.clear_faults();
    admin.start_sync().await.ok();
    app.settle().await;
    assert_eq!(
        breaker(&app).await,
        ("closed".to_owned(), 0),
        "so does its success"
    );
}

/// R8: an alert that somebody put aside leaves the badge and does not come back while the trouble lasts, and does when the
/// trouble does; staff may see and put aside, and do not learn who did.
#[tokio::test]
async fn a_dismissed_alert_comes_back_only_with_its_trouble() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let staff = app.user(Role::Staff).await;
    with_two_keys(&app, &admin).await;
    let control = app.sandbox.control().clone();
    let fail = async || {
        control.inject(Fault::status(402));
        let key = admin.key().await;
        test(&admin, &key).await.ok();
        control.clear_faults();
    };
    fail().await;
    let id =
        staff.query("{ alerts { nodes { id } } }").await.ok()["alerts"]["nodes"][0]["id"].clone();
    let dismiss = "mutation($input: DismissAlertInput!) { dismissAlert(input: $input) { alert { state dismissedAt } } }";
    let input = json!({ "input": { "alertId": id } });
    let told = staff.graphql(dismiss, input.clone()).await.ok();
    assert_eq!(told["dismissAlert"]["alert"]["state"], "DISMISSED");
    let again = admin.graphql(dismiss, input).await.ok();
    assert_eq!(
        again["dismissAlert"]["alert"]["dismissedAt"],
        told["dismissAlert"]["alert"]["dismissedAt"]
    );
    let badge = "{ alertSummary { openCount } alerts(filter: { state: [OPEN] }) { totalCount } }";
    let none = json!({ "alertSummary": { "openCount": 0 }, "alerts": { "totalCount": 0 } });
    assert_eq!(staff.query(badge).await.ok(), none);
    fail().await;
    assert_eq!(staff.query(badge).await.ok(), none, "it lasts");
    let key = admin.key().await;
    test(&admin, &key).await.ok();
    assert_eq!(alerts(&admin).await, [alert("KEY_NO_FUNDS", "RESOLVED", 3)]);
    fail().await;
    assert_eq!(
        staff.query(badge).await.ok()["alertSummary"]["openCount"],
        1
    );
    let who = "{ alerts { nodes { dismissedBy { name } } } }";
    assert_eq!(
        staff.query(who).await.errors[0]["extensions"]["code"],
        "FORBIDDEN"
    );
    let named = admin.query(who).await.ok();
    assert!(named["alerts"]["nodes"][1]["dismissedBy"]["name"].is_string());
}

/// E5, R7: a key that cannot be opened is left alone by the checks, and keeps no other from its turn.
#[tokio::test]
async fn an_unreadable_key_keeps_no_other_from_its_check() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Admin).await;
    admin.import(&app).await;
    stranger.save_key(keys::SECOND, None).await.ok();
    app.settle().await;
    app.sql(
        "UPDATE provider_key_versions SET sealed = wrapped_key \
         WHERE key_id = (SELECT k.id FROM provider_keys k JOIN agencies a ON a.id = k.agency_id WHERE a.slug = 'northside-voice')",
    )
    .await;
    let before = stranger.key().await["checkedAt"].clone();
    look_after(&app, DAY).await;
    assert_ne!(stranger.key().await["checkedAt"], before);
    assert_eq!(admin.key().await["health"], "VALID");
    asked(&app);
    look(&app).await;
    assert_eq!(asked(&app), 0, "nothing is tried in a circle");
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
}
