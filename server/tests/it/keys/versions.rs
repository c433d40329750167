//! K10: the versions of a key, the way back to one of them, and their end.

use std::time::Duration;

use ringfence::{access::Role, jobs, sandbox::Fault};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient, keys};

async fn versions(user: &TestClient) -> Vec<(i64, String)> {
    let query = "{ providerKeyVersions(provider: VAPI) { version state maskedKey retiredAt destroyedAfter } }";
    let data = user.query(query).await.ok();
    let rows = data["providerKeyVersions"].as_array().unwrap().iter();
    rows.map(|row| {
        let state = row["state"].as_str().unwrap();
        assert_eq!(row["retiredAt"].is_null(), state == "IN_USE", "{row}");
        (row["version"].as_i64().unwrap(), state.to_owned())
    })
    .collect()
}

async fn roll_back(user: &TestClient, version: i64, expected: Option<i64>) -> Answer {
    let document = "mutation($input: RollBackProviderKeyInput!) { rollBackProviderKey(input: $input) { \
        providerKey { version maskedKey health } syncRun { id } } }";
    let input = json!({ "provider": "VAPI", "version": version, "expectedVersion": expected });
    user.graphql(document, json!({ "input": input })).await
}

fn states(rows: &[(i64, &str)]) -> Vec<(i64, String)> {
    rows.iter()
        .map(|(version, state)| (*version, (*state).to_owned()))
        .collect()
}

/// K10: one action brings the version before back, as the newest; after a clear, too.
#[tokio::test]
async fn an_old_version_comes_back_as_the_newest() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    assert_eq!(
        versions(&admin).await,
        states(&[(2, "IN_USE"), (1, "RETIRED")])
    );
    let back = roll_back(&admin, 1, Some(2)).await.ok();
    let key = json!({ "version": 3, "maskedKey": "…k7Qd", "health": "VALID" });
    assert_eq!(back["rollBackProviderKey"]["providerKey"], key);
    app.settle().await;
    let agents = admin
        .query("{ agents(filter: { isReachable: true }) { totalCount } }")
        .await
        .ok();
    assert_eq!(agents["agents"]["totalCount"], 40);
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    assert_eq!(
        roll_back(&admin, 3, Some(3)).await.code(),
        "CONFLICT",
        "the page has not seen the clearing"
    );
    roll_back(&admin, 3, None).await.ok();
    app.settle().await;
    assert_eq!(
        versions(&admin).await,
        states(&[
            (4, "IN_USE"),
            (3, "RETIRED"),
            (2, "RETIRED"),
            (1, "RETIRED")
        ])
    );
    let log = app
        .sql("SELECT count(*) FROM audit_entries WHERE action = 'provider_key.rolled_back'")
        .await;
    assert_eq!(log[0].get::<i64>(0), 2);
}

/// K10, K3: a version that the provider refuses by now is not brought back, and the one in use stays.
#[tokio::test]
async fn a_version_that_is_refused_by_now_stays_where_it_is() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    app.sandbox
        .control()
        .inject(Fault::status(401).for_key(keys::GOOD));
    assert_eq!(roll_back(&admin, 1, Some(2)).await.code(), "KEY_REJECTED");
    assert_eq!(
        versions(&admin).await,
        states(&[(2, "IN_USE"), (1, "RETIRED")])
    );
    assert_eq!(
        roll_back(&admin, 2, Some(2)).await.error()["extensions"]["field"],
        "version"
    );
    assert_eq!(roll_back(&admin, 7, Some(2)).await.code(), "NOT_FOUND");
}

/// K10: "clear and destroy now" leaves no sealed byte of any version, and nothing to go back to.
#[tokio::test]
async fn clear_and_destroy_now_skips_the_grace() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let key = admin.key().await;
    admin
        .clear_key(&key, json!({ "destroyNow": true }))
        .await
        .ok();
    let left = app
        .sql("SELECT count(*) FROM provider_key_versions WHERE sealed IS NOT NULL")
        .await;
    assert_eq!(left[0].get::<i64>(0), 0);
    assert_eq!(
        versions(&admin).await,
        states(&[(2, "DESTROYED"), (1, "DESTROYED")])
    );
    let refused = roll_back(&admin, 2, None).await;
    assert_eq!(refused.error()["extensions"]["field"], "version");
    assert!(
        refused.message().contains("destroyed"),
        "{}",
        refused.message()
    );
}

/// K10: a version that something still needs, such as a call that began on it, outlives its grace and even "destroy now",
/// and goes when it is let go.
#[tokio::test]
async fn a_version_that_is_held_is_not_destroyed() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    app.sql(
        "INSERT INTO provider_key_holds (key_id, version, holder, agency_id, held_at) \
        SELECT id, 1, 'a call', agency_id, 1 FROM provider_keys",
    )
    .await;
    let key = admin.key().await;
    admin
        .clear_key(&key, json!({ "destroyNow": true }))
        .await
        .ok();
    app.advance(Duration::from_secs(48 * 3600));
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(versions(&admin).await, states(&[(1, "RETIRED")]));
    app.sql("DELETE FROM provider_key_holds").await;
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(versions(&admin).await, states(&[(1, "DESTROYED")]));
}

/// K7, P1: staff see no version, and admins see no key.
#[tokio::test]
async fn versions_are_for_admins_and_masked() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let query =
        "{ providerKeyVersions(provider: VAPI) { maskedKey savedBy { name } account { name } } }";
    let text = admin.query(query).await.ok().to_string();
    assert!(text.contains("…k7Qd") && !text.contains(keys::GOOD));
    let staff = app.user(Role::Staff).await;
    assert_eq!(staff.query(query).await.code(), "FORBIDDEN");
    assert_eq!(roll_back(&staff, 1, Some(1)).await.code(), "FORBIDDEN");
    let nothing: Value = admin
        .query("{ providerKeyVersions(provider: BLAND) { version } }")
        .await
        .ok();
    assert_eq!(nothing["providerKeyVersions"], json!([]));
}
