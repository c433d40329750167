//! K8: clearing needs the version and the impact that were shown, and from then on nothing of the key is served.

use ringfence::access::Role;
use serde_json::{Value, json};

use super::{asked, counts};
use crate::harness::{TestApp, TestClient, keys};

const IMPACT: &str = "{ providerKeys { nodes { clearImpact { agentCount agents { name } phoneNumberCount \
    answeringNumbers { number sipUri } answeringNumberCount acknowledgement } } } }";

async fn impact(client: &TestClient) -> Value {
    client.query(IMPACT).await.ok()["providerKeys"]["nodes"][0]["clearImpact"].clone()
}

/// K8: the impact counts what stops and names the first five agents and the numbers that go on answering.
#[tokio::test]
async fn the_impact_says_what_stops_and_what_goes_on_answering() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let impact = impact(&admin).await;
    assert_eq!(impact["agentCount"], 40);
    let names: Vec<&str> = impact["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 5);
    assert!(names.is_sorted_by_key(|name| name.to_lowercase()));
    assert_eq!(impact["phoneNumberCount"], 12);
    assert_eq!(impact["answeringNumberCount"], 11);
    let numbers = impact["answeringNumbers"].as_array().unwrap();
    assert_eq!(numbers.len(), 11);
    assert!(
        numbers
            .iter()
            .all(|number| number["number"] != "+18015550109"),
        "nothing answers the spare line"
    );
    assert!(
        numbers
            .iter()
            .any(|number| number["sipUri"] == "sip:front-desk@summit-insurance.example")
    );
}

/// K8: of two accounts, only the one that the key opens stops; a number out of service does not answer.
#[tokio::test]
async fn only_the_account_of_the_key_stops() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let impact = impact(&admin).await;
    assert_eq!(impact["agentCount"], 12);
    assert_eq!(impact["phoneNumberCount"], 3);
    assert_eq!(impact["answeringNumberCount"], 2);
}

/// K8: without the version that is in use, or with an acknowledgement of something else, nothing is cleared.
#[tokio::test]
async fn clearing_needs_the_version_and_the_impact_that_were_shown() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    app.sandbox.control().clear_requests();
    for version in [0, 2] {
        let refused = admin
            .clear_key(&key, json!({ "expectedVersion": version }))
            .await;
        assert_eq!(refused.code(), "CONFLICT");
    }
    for acknowledgement in ["", "yes", "0123456789abcdef0123456789abcdef"] {
        let more = json!({ "acknowledgement": acknowledgement, "detachNumbers": true });
        let refused = admin.clear_key(&key, more).await;
        assert_eq!(refused.code(), "IMPACT_CHANGED");
    }
    let query = "mutation { clearProviderKey(input: { providerKeyId: \"x\", expectedVersion: 1 }) { clearedVersion } }";
    assert_eq!(admin.query(query).await.code(), "QUERY_REFUSED");
    assert_eq!(asked(&app), Vec::<String>::new(), "nothing was detached");
    assert_eq!(counts(&admin).await.keys, 1);
    let stranger = app.stranger(Role::Admin).await;
    assert_eq!(
        stranger.clear_key(&key, json!({})).await.code(),
        "NOT_FOUND"
    );
    let staff = app.user(Role::Staff).await;
    assert_eq!(staff.clear_key(&key, json!({})).await.code(), "FORBIDDEN");
    assert_eq!(counts(&admin).await.keys, 1);
}

/// K8: what would stop has changed since it was shown: more agents, another number that answers. Nothing is cleared until
/// it is shown again.
#[tokio::test]
async fn an_impact_that_has_changed_must_be_seen_again() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let shown = admin.key().await;
    app.sandbox
        .control()
        .add_agents(keys::GOOD, 3, "Late agent")
        .unwrap();
    admin.start_sync().await.ok();
    app.settle().await;
    let refused = admin.clear_key(&shown, json!({})).await;
    assert_eq!(refused.code(), "IMPACT_CHANGED");
    let shown = admin.key().await;
    assert_eq!(shown["clearImpact"]["agentCount"], 43);
    app.sql("UPDATE phone_numbers SET is_answering = TRUE WHERE number = '+18015550109'")
        .await;
    let refused = admin.clear_key(&shown, json!({})).await;
    assert_eq!(refused.code(), "IMPACT_CHANGED");
    let shown = admin.key().await;
    assert_eq!(shown["clearImpact"]["answeringNumberCount"], 12);
    admin.clear_key(&shown, json!({})).await.ok();
    assert_eq!(counts(&admin).await.keys, 0);
}

/// K8: what the provider still answers by itself is listed; from then on nothing of the account is served.
#[tokio::test]
async fn a_cleared_key_serves_nothing_any_more() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    app.sandbox.control().clear_requests();
    let cleared = admin.clear_key(&key, json!({})).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["clearedVersion"], 1);
    assert_eq!(cleared["detachedNumberCount"], 0);
    assert_eq!(cleared["stillAnswering"].as_array().unwrap().len(), 11);
    assert_eq!(
        asked(&app),
        Vec::<String>::new(),
        "the provider was not asked"
    );
    let query = "{ providerKeys { totalCount nodes { health } } agents { totalCount } \
        reachable: agents(filter: { isReachable: true }) { totalCount } \
        unreachable: agents(filter: { isReachable: false, status: [ACTIVE] }) { totalCount } }";
    let data = admin.query(query).await.ok();
    assert_eq!(
        data["providerKeys"],
        json!({ "totalCount": 0, "nodes": [] })
    );
    assert_eq!(data["agents"]["totalCount"], 40, "nothing is deleted");
    assert_eq!(data["reachable"]["totalCount"], 0);
    assert_eq!(data["unreachable"]["totalCount"], 40);
    let refused = admin.start_sync().await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.error()["extensions"]["field"], "provider");
    assert_eq!(admin.clear_key(&key, json!({})).await.code(), "NOT_FOUND");
    let entry = "{ auditEntries(first: 1) { nodes { action summary } } }";
    let entry = admin.query(entry).await.ok()["auditEntries"]["nodes"][0].clone();
    assert_eq!(entry["action"], "provider_key.cleared");
    let summary = entry["summary"].as_str().unwrap();
    assert!(
        summary.contains("40 agents") && summary.contains("11 still answering"),
        "{summary}"
    );
}

/// K8: a sync that is under way when its key is cleared ends, and writes nothing more.
#[tokio::test]
async fn clearing_ends_the_sync_under_way() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .set_page_delay(std::time::Duration::from_millis(2000));
    admin.save_key(keys::GOOD, None).await.ok();
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    app.settle().await;
    let query = "{ syncRuns { nodes { state error { code message } } } agents { totalCount } }";
    let data = admin.query(query).await.ok();
    let run = &data["syncRuns"]["nodes"][0];
    assert_eq!(run["state"], "FAILED");
    assert_eq!(run["error"]["code"], "CONFLICT");
    assert_eq!(run["error"]["message"], "The key was cleared.");
    assert_eq!(data["agents"]["totalCount"], 0);
}

/// K8: a key that is saved after a clearing goes on with the numbers of its versions, and its agents are reached again.
#[tokio::test]
async fn a_key_saved_after_a_clearing_is_the_next_version() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    let again = admin.import(&app).await;
    assert_eq!(again["id"], key["id"]);
    assert_eq!(again["version"], 2);
    assert_eq!(again["account"], key["account"]);
    let query = "{ agents(filter: { isReachable: true }) { totalCount } }";
    let reachable = admin.query(query).await.ok();
    assert_eq!(reachable["agents"]["totalCount"], 40);
}
