//! A client's own key: saved, replaced, tested and cleared like the agency's, beside it and never mixed up with it.

use ringfence::{access::Role, sandbox::NewKey};
use serde_json::{Value, json};

use super::save;
use crate::{
    clients::create,
    harness::{TestApp, TestClient, keys},
};

async fn keys_of(user: &TestClient, client: &Value) -> Value {
    let query = "query($id: ID) { providerKeys(clientId: $id) { totalCount nodes { id version scope maskedKey \
        account { id } sameKeys { scope client { name } } latestSyncRun { state agentCount addedCount } } } }";
    user.graphql(query, json!({ "id": client })).await.ok()["providerKeys"].clone()
}

/// K3, K5, K12: a client's key has versions of its own, its import is its own, and the agency's key stays as it is.
#[tokio::test]
async fn a_clients_key_is_saved_beside_the_agencys() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview").await;
    let input = json!({ "provider": "VAPI", "apiKey": keys::SECOND, "clientId": client });
    save(&admin, input.clone()).await.ok();
    app.settle().await;
    let own = keys_of(&admin, &client).await;
    assert_eq!(own["nodes"][0]["scope"], "CLIENT");
    assert_eq!(own["nodes"][0]["version"], 1);
    let run = json!({ "state": "SUCCEEDED", "agentCount": 12, "addedCount": 12 });
    assert_eq!(own["nodes"][0]["latestSyncRun"], run);
    let agencys = keys_of(&admin, &Value::Null).await;
    assert_eq!(agencys["nodes"][0]["scope"], "AGENCY");
    assert_eq!(agencys["nodes"][0]["maskedKey"], "…k7Qd");
    assert_ne!(agencys["nodes"][0]["account"], own["nodes"][0]["account"]);
    // A page that has not seen it, and one that has.
    assert_eq!(save(&admin, input.clone()).await.code(), "CONFLICT");
    let mut seen = input;
    seen["expectedVersion"] = json!(1);
    save(&admin, seen).await.ok();
    app.settle().await;
    assert_eq!(keys_of(&admin, &client).await["nodes"][0]["version"], 2);
    let refused = json!({ "provider": "VAPI", "apiKey": keys::REVOKED, "clientId": client, "expectedVersion": 2 });
    assert_eq!(save(&admin, refused).await.code(), "KEY_REJECTED");
    assert_eq!(keys_of(&admin, &client).await["nodes"][0]["version"], 2);
    let log = admin
        .query("{ auditEntries(first: 3) { nodes { summary } } }")
        .await
        .ok();
    let log = log["auditEntries"].to_string();
    assert!(
        log.contains("Vapi key of Bayview …x4Rm saved as version 2"),
        "{log}"
    );
    assert!(
        log.contains("A Vapi key of Bayview was not saved; check: invalid."),
        "{log}"
    );
}

/// K11: the very same key in two places is pointed out at both, and opens one account; it brings in nothing twice.
#[tokio::test]
async fn the_same_key_in_two_places_is_pointed_out() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview").await;
    save(
        &admin,
        json!({ "provider": "VAPI", "apiKey": keys::GOOD, "clientId": client }),
    )
    .await
    .ok();
    app.settle().await;
    let (own, agencys) = (
        keys_of(&admin, &client).await,
        keys_of(&admin, &Value::Null).await,
    );
    assert_eq!(
        own["nodes"][0]["sameKeys"],
        json!([{ "scope": "AGENCY", "client": null }])
    );
    let others = json!([{ "scope": "CLIENT", "client": { "name": "Bayview" } }]);
    assert_eq!(agencys["nodes"][0]["sameKeys"], others);
    assert_eq!(own["nodes"][0]["account"], agencys["nodes"][0]["account"]);
    let agents = admin.query("{ agents { totalCount } }").await.ok();
    assert_eq!(agents["agents"]["totalCount"], 40);
}

/// K11's ground: a client's other key of the agency's account is that account where it can read an agent of it, though no
/// answer names the account.
#[tokio::test]
async fn a_clients_key_of_the_agencys_account_is_known_by_what_it_reads() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { account { id } } } }";
    let save = async |input: Value| {
        let saved = admin.graphql(query, json!({ "input": input })).await.ok();
        app.settle().await;
        saved["saveProviderKey"]["providerKey"]["account"]["id"].clone()
    };
    let agencys = "sandbox-bland-good-agency";
    let agencys = app_key(agencys);
    let first = save(json!({ "provider": "BLAND", "apiKey": agencys })).await;
    let other = NewKey {
        key: "another-key-of-that-account-5Tz8".to_owned(),
        same_account_as: agencys.to_owned(),
        visible_agents: None,
        forbidden: vec![],
    };
    app.sandbox.control().add_key(&other).unwrap();
    let client = create(&admin, "Bayview").await;
    let second =
        save(json!({ "provider": "BLAND", "apiKey": other.key, "clientId": client })).await;
    assert_eq!(first, second);
    let imported = app
        .sql("SELECT count(*) FROM agents WHERE client_id IS NOT NULL")
        .await;
    assert_eq!(
        imported[0].get::<i64>(0),
        0,
        "known agents stay whose they are"
    );
}

/// The sample key that begins like this.
fn app_key(start: &str) -> &'static str {
    let samples = ringfence::sandbox::sample_keys().iter();
    let mut found = samples.filter(|sample| sample.key.starts_with(start));
    found.next().unwrap().key
}

/// K8: an archived client's key can be cleared and not replaced.
#[tokio::test]
async fn an_archived_clients_key_is_not_replaced() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let client = create(&admin, "Bayview").await;
    save(
        &admin,
        json!({ "provider": "VAPI", "apiKey": keys::SECOND, "clientId": client }),
    )
    .await
    .ok();
    app.settle().await;
    let document =
        "mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }";
    admin
        .graphql(document, json!({ "input": { "clientId": client } }))
        .await
        .ok();
    let input = json!({ "provider": "VAPI", "apiKey": keys::GOOD, "clientId": client, "expectedVersion": 1 });
    assert_eq!(save(&admin, input).await.code(), "CONFLICT");
    let query = "query($id: ID) { providerKeys(clientId: $id) { nodes { id version clearImpact { acknowledgement } } } }";
    let found = admin.graphql(query, json!({ "id": client })).await.ok();
    let key = found["providerKeys"]["nodes"][0].clone();
    admin.clear_key(&key, json!({})).await.ok();
}
