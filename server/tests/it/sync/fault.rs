//! A fault of our own in the middle of a sync: it is tried again, and a run that is given up ends, so that the next
//! request does not join a run that nobody works on (S5, S6).

use std::time::Duration;

use ringfence::access::Role;
use serde_json::{Value, json};

use super::{import, newest, statuses, sync};
use crate::harness::{TestApp, TestClient, keys};

async fn attempts(app: &TestApp) -> i64 {
    let rows = app
        .sql("SELECT attempts FROM jobs ORDER BY created_at DESC, id DESC LIMIT 1")
        .await;
    rows[0].get(0)
}

/// Lets the job be tried until it has been tried so often.
async fn try_until(app: &TestApp, wanted: i64) {
    for _ in 0..500 {
        if attempts(app).await >= wanted {
            return;
        }
        app.advance(Duration::from_secs(64));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job was not tried {wanted} times");
}

/// Two new agents at the provider, which the database does not take.
async fn stuck() -> (TestApp, TestClient, Value) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    app.database.refuse_rows("agents").await;
    let control = app.sandbox.control();
    control.add_agents(keys::GOOD, 2, "New agent").unwrap();
    admin.start_sync().await.ok();
    let run = newest(&admin).await["id"].clone();
    (app, admin, run)
}

/// S5: a fault of ours is tried again, and the sync ends well once it is over.
#[tokio::test]
async fn a_fault_of_ours_is_tried_again() {
    let (app, admin, run) = stuck().await;
    try_until(&app, 2).await;
    assert_eq!(
        statuses(&admin).await,
        (40, 0),
        "nothing of the page was kept"
    );
    app.database.accept_rows("agents").await;
    app.advance(Duration::from_secs(64));
    app.settle().await;
    let ended = newest(&admin).await;
    assert_eq!(ended["id"], run);
    assert_eq!(
        (&ended["state"], &ended["addedCount"]),
        (&json!("SUCCEEDED"), &json!(2))
    );
    assert_eq!(statuses(&admin).await, (42, 0));
}

/// S5, S6: a run that is given up says so without a word of the fault, the key stays valid, and the next request begins
/// a new run.
#[tokio::test]
async fn a_run_that_is_given_up_ends() {
    let (app, admin, run) = stuck().await;
    try_until(&app, 5).await;
    app.settle().await;
    let ended = newest(&admin).await;
    assert_eq!(ended["id"], run);
    assert_eq!(
        (&ended["state"], &ended["error"]["code"]),
        (&json!("FAILED"), &json!("INTERNAL"))
    );
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Something went wrong."), "{message}");
    assert!(!message.contains("the test says no"));
    assert_eq!(admin.key().await["health"], "VALID");
    assert_eq!(statuses(&admin).await, (40, 0));
    app.database.accept_rows("agents").await;
    let next = sync(&app, &admin).await;
    assert_ne!(next["id"], run);
    assert_eq!(
        (&next["state"], &next["addedCount"]),
        (&json!("SUCCEEDED"), &json!(2))
    );
}
