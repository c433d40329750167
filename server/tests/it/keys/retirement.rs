//! K10, as far as this version goes: a replaced or cleared version stays sealed for the signature grace and is then
//! destroyed in the live database; what it answers never changes the health of the version in use.

use std::time::Duration;

use ringfence::{
    access::Role,
    jobs,
    sandbox::{Effect, Fault},
};
use serde_json::json;

use super::counts;
use crate::harness::{TestApp, keys};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A millisecond less.
const ALMOST: Duration = Duration::from_millis(24 * 3_600_000 - 1);

/// The versions that still have their sealed bytes.
async fn sealed(app: &TestApp) -> Vec<i64> {
    let sql = "SELECT version FROM provider_key_versions WHERE sealed IS NOT NULL AND wrapped_key IS NOT NULL ORDER BY 1";
    app.sql(sql).await.iter().map(|row| row.get(0)).collect()
}

/// K10: the replaced version is kept for 24 hours, not shorter; then its bytes are gone from the files.
#[tokio::test]
async fn a_replaced_version_is_destroyed_after_its_grace() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let row = &app
        .sql("SELECT sealed, wrapped_key FROM provider_key_versions WHERE version = 1")
        .await[0];
    let (bytes, wrapped): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
    assert!(app.keeps(&bytes).await && app.keeps(&wrapped).await);
    app.advance(ALMOST);
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    assert_eq!(sealed(&app).await, [1, 2], "not before its time");
    let before = counts(&admin).await;
    app.advance(Duration::from_millis(1));
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    assert_eq!(sealed(&app).await, [2]);
    assert!(!app.keeps(&bytes).await, "the sealed key is still there");
    assert!(!app.keeps(&wrapped).await, "the data key is still there");
    let shredded = app
        .sql("SELECT summary FROM audit_entries WHERE action = 'provider_key.shredded'")
        .await;
    assert_eq!(shredded.len(), 1);
    assert_eq!(
        counts(&admin).await.entries,
        before.entries,
        "the entry is the installation's, not the agency's"
    );
    let key = admin.key().await;
    assert_eq!(key["isReadable"], true);
    assert_eq!(
        super::test(&admin, &key).await.ok()["testProviderKey"]["providerKey"]["health"],
        "VALID"
    );
}

/// K10: a cleared key's version is kept as long, and then nothing is left of it.
#[tokio::test]
async fn a_cleared_version_is_destroyed_after_its_grace() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(sealed(&app).await, [1]);
    app.advance(DAY);
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(sealed(&app).await, Vec::<i64>::new());
    app.settle().await;
}

/// K10: "clear and destroy now" leaves the sealed bytes of no version in any file, the database's log included, and does not
/// leave it to the housekeeping.
#[tokio::test]
async fn a_key_that_is_destroyed_now_is_in_no_file() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let rows = app
        .sql("SELECT sealed, wrapped_key FROM provider_key_versions ORDER BY version")
        .await;
    let secrets: Vec<Vec<u8>> = rows
        .iter()
        .flat_map(|row| [row.get(0), row.get(1)])
        .collect();
    assert_eq!(secrets.len(), 4);
    for bytes in &secrets {
        assert!(app.keeps(bytes).await);
    }
    let key = admin.key().await;
    let more = json!({ "destroyNow": true });
    admin.clear_key(&key, more).await.ok();
    assert_eq!(sealed(&app).await, Vec::<i64>::new());
    for bytes in &secrets {
        assert!(!app.keeps(bytes).await, "sealed bytes are still there");
    }
}

/// K10: a sync that began with the old version ends when the key is replaced, and what the provider answers it changes
/// nothing about the new one.
#[tokio::test]
async fn what_an_old_version_answers_does_not_touch_the_new_one() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control().clone();
    admin.import(&app).await;
    // The sync's list waits in the provider, and then the old key is refused.
    control.inject(Fault::new(Effect::Delay { ms: 700 }).for_key(keys::GOOD));
    control.inject(Fault::status(401).for_key(keys::GOOD));
    let old = admin.start_sync().await.ok()["startSync"]["syncRun"]["id"].clone();
    while control
        .requests()
        .iter()
        .all(|request| request.status.is_some())
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let refused = control
        .requests()
        .iter()
        .filter(|request| request.status == Some(401))
        .count();
    assert_eq!(refused, 1, "the old sync got its answer");
    let key = admin.key().await;
    assert_eq!(key["health"], "VALID");
    assert_eq!(key["latestSyncRun"]["state"], "SUCCEEDED");
    let query = "query($id: ID!) { syncRun(id: $id) { state error { code message } } }";
    let run = admin.graphql(query, json!({ "id": old })).await.ok();
    assert_eq!(run["syncRun"]["state"], "FAILED");
    assert_eq!(run["syncRun"]["error"]["code"], "CONFLICT");
}
