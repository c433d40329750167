//! S1: the schedule, by the clock, as the housekeeping looks at it.

use std::time::Duration;

use ringfence::{access::Role, jobs, sandbox::Fault};
use serde_json::json;

use super::{import, newest, until_waiting};
use crate::{
    harness::{TestApp, TestClient, keys},
    keys::{counts, test},
};

const INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// A millisecond less.
const ALMOST: Duration = Duration::from_millis(6 * 3_600_000 - 1);

/// What the housekeeping does once a minute, and how many runs there are after it.
async fn tidy(app: &TestApp, client: &TestClient) -> i64 {
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    counts(client).await.runs
}

/// S1: an account is synced again six hours after its last sync began, whoever asked for that one.
#[tokio::test]
async fn an_account_is_synced_again_after_six_hours() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    app.advance(ALMOST);
    assert_eq!(tidy(&app, &admin).await, 1, "not before its time");
    app.advance(Duration::from_millis(1));
    assert_eq!(tidy(&app, &admin).await, 2);
    let run = newest(&admin).await;
    assert_eq!(
        (&run["trigger"], &run["state"]),
        (&json!("SCHEDULE"), &json!("SUCCEEDED"))
    );
    assert_eq!(tidy(&app, &admin).await, 2, "once");
    app.advance(INTERVAL / 2);
    admin.start_sync().await.ok();
    app.settle().await;
    app.advance(INTERVAL / 2);
    assert_eq!(tidy(&app, &admin).await, 3, "counted from the last one");
    app.advance(INTERVAL / 2);
    assert_eq!(tidy(&app, &admin).await, 4);
}

/// S1, R7: a refused key is tried again by the schedule, which finds out when the provider takes it again; a cleared key,
/// and one that may list nothing, are left alone.
#[tokio::test]
async fn the_schedule_finds_out_that_a_refused_key_works_again() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    let key = admin.key().await;
    app.sandbox.control().inject(Fault::status(401));
    test(&admin, &key).await.ok();
    app.advance(INTERVAL);
    assert_eq!(tidy(&app, &admin).await, 2);
    assert_eq!(newest(&admin).await["error"]["code"], "KEY_REJECTED");
    assert_eq!(admin.key().await["health"], "INVALID");
    app.sandbox.control().clear_faults();
    app.advance(INTERVAL);
    assert_eq!(tidy(&app, &admin).await, 3);
    assert_eq!(newest(&admin).await["state"], "SUCCEEDED");
    assert_eq!(admin.key().await["health"], "VALID");
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    app.advance(INTERVAL);
    assert_eq!(tidy(&app, &admin).await, 3);
}

/// S1, S6: where a sync is under way, the schedule joins it.
#[tokio::test]
async fn the_schedule_joins_a_sync_under_way() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    app.sandbox
        .control()
        .inject(Fault::rate_limit("3600").on("/vapi/v2/phone-number"));
    admin.start_sync().await.ok();
    let hour = Duration::from_secs(3600);
    for number in 1..=6 {
        until_waiting(&admin, hour * number).await;
        app.advance(hour);
    }
    // Six hours after it began: the schedule is due, and the run still waits.
    until_waiting(&admin, hour * 7).await;
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(counts(&admin).await.runs, 2);
    app.sandbox.control().clear_faults();
    app.advance(hour);
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["trigger"], &run["state"]),
        (&json!("MANUAL"), &json!("SUCCEEDED"))
    );
}

/// S1: a key that may list nothing is never due: its sync could only fail.
#[tokio::test]
async fn a_key_that_may_list_nothing_is_never_due() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let fault = Fault::status(403).for_key(keys::GOOD);
    app.sandbox.control().inject(fault);
    admin.save_key(keys::GOOD, None).await.ok();
    app.advance(INTERVAL);
    assert_eq!(tidy(&app, &admin).await, 0);
}
