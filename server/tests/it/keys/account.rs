//! What a key opens: when two keys are one account, and when that cannot be told.

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Fault, NewAccount, NewKey, Resource},
};
use serde_json::{Value, json};

use crate::harness::{TestApp, TestClient, keys};

const BLIND: &str = "key-without-lists-6Wc2";

/// A key of the good key's account whose lists are refused, so that nothing names the account; its agents can be read one
/// by one.
fn add_blind_key(app: &TestApp) {
    let control = app.sandbox.control();
    let blind = NewKey {
        key: BLIND.to_owned(),
        same_account_as: keys::GOOD.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::PhoneNumbers, Resource::Calls],
    };
    control.add_key(&blind).unwrap();
    control.inject(Fault::status(403).for_key(BLIND).on("/vapi/assistant"));
}

/// Saves a Bland key; answers with the account that it opens.
async fn saved_at_bland(
    app: &TestApp,
    admin: &TestClient,
    key: &str,
    version: Option<i64>,
) -> Value {
    let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { \
        providerKey { account { id } } } }";
    let input = json!({ "provider": "BLAND", "apiKey": key, "expectedVersion": version });
    let saved = admin.graphql(query, json!({ "input": input })).await.ok();
    app.settle().await;
    saved["saveProviderKey"]["providerKey"]["account"]["id"].clone()
}

async fn saved(app: &TestApp, admin: &TestClient, key: &str, version: Option<i64>) -> Value {
    let saved = admin.save_key(key, version).await.ok();
    app.settle().await;
    saved["saveProviderKey"]["providerKey"]["account"].clone()
}

/// K9's ground: the provider's own id names the account, so a second key of it is the same account and its agents stay
/// one each.
#[tokio::test]
async fn a_second_key_of_an_account_opens_the_same_account() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = saved(&app, &admin, keys::GOOD, None).await;
    assert!(first["remoteId"].is_string());
    let second = saved(&app, &admin, keys::LIMITED, Some(1)).await;
    assert_eq!(first, second);
    let agents = admin.query("{ agents { totalCount } }").await.ok();
    assert_eq!(agents["agents"]["totalCount"], 40);
    assert_eq!(app.sql("SELECT 1 FROM provider_accounts").await.len(), 1);
}

/// A key of another account opens another account; the agents of the one before stay, unreachable, and are reached again
/// when its key returns.
#[tokio::test]
async fn a_key_of_another_account_opens_another_account() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = saved(&app, &admin, keys::GOOD, None).await;
    let second = saved(&app, &admin, keys::SECOND, Some(1)).await;
    assert_ne!(first["id"], second["id"]);
    assert_ne!(first["remoteId"], second["remoteId"]);
    let query = "{ all: agents { totalCount } active: agents(filter: { status: [ACTIVE] }) { totalCount } \
        reachable: agents(filter: { isReachable: true }) { totalCount } }";
    let counts = async || {
        let data = admin.query(query).await.ok();
        ["all", "active", "reachable"].map(|list| data[list]["totalCount"].as_i64().unwrap())
    };
    assert_eq!(counts().await, [52, 52, 12], "nothing was marked inactive");
    assert_eq!(saved(&app, &admin, keys::GOOD, Some(2)).await, first);
    assert_eq!(counts().await, [52, 52, 40]);
}

/// An account that nothing names gets its id once an answer names it, and stays the same row.
#[tokio::test]
async fn an_empty_account_is_named_once_it_holds_something() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    let remote = control
        .add_account(&NewAccount::vapi("key-of-an-empty-account-1Xd5", 0))
        .unwrap();
    let unnamed = saved(&app, &admin, "key-of-an-empty-account-1Xd5", None).await;
    assert!(unnamed["remoteId"].is_null());
    control
        .add_agents("key-of-an-empty-account-1Xd5", 2, "First agent")
        .unwrap();
    admin.start_sync().await.ok();
    app.settle().await;
    let named = admin.key().await["account"].clone();
    assert_eq!(named["id"], unnamed["id"]);
    assert_eq!(named["remoteId"], Value::from(remote));
}

/// A new key whose answers name no account is the same one when it can read a stored agent, else an unknown one.
#[tokio::test]
async fn a_key_that_names_no_account_is_known_by_what_it_reads() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = saved(&app, &admin, keys::GOOD, None).await;
    let control = app.sandbox.control();
    add_blind_key(&app);
    let second = saved(&app, &admin, BLIND, Some(1)).await;
    assert_eq!(second, first, "the stored agents are readable");
    control
        .add_account(&NewAccount::vapi("key-of-an-empty-account-1Xd5", 0))
        .unwrap();
    let third = saved(&app, &admin, "key-of-an-empty-account-1Xd5", Some(2)).await;
    assert_ne!(third["id"], first["id"]);
    assert!(third["remoteId"].is_null());
    let active = "{ agents(filter: { status: [ACTIVE] }) { totalCount } }";
    assert_eq!(
        admin.query(active).await.ok()["agents"]["totalCount"],
        40,
        "an unknown account marks nothing"
    );
}

/// S3: an account that nothing names and that holds numbers alone, or agents that are gone, is not taken over by a key that
/// names another one: nothing of it becomes the other account's, and nothing of it is marked.
#[tokio::test]
async fn a_nameless_account_that_held_something_is_not_taken_over() {
    for (agents, phone_numbers) in [(0, 3), (2, 0)] {
        let app = TestApp::new().await;
        let admin = app.user(Role::Admin).await;
        let account = NewAccount::of(ProviderKind::Bland, "nameless-account-key-3Rt8", agents)
            .phone_numbers(phone_numbers);
        app.sandbox.control().add_account(&account).unwrap();
        let first = saved_at_bland(&app, &admin, "nameless-account-key-3Rt8", None).await;
        app.sql("UPDATE placements SET status = 'inactive'").await;
        let before = "SELECT account_id, status FROM phone_numbers ORDER BY id";
        let before: Vec<(String, String)> = rows(&app, before).await;
        assert_eq!(before.len(), phone_numbers);
        let other = "sandbox-bland-good-second-w2Jc";
        let second = saved_at_bland(&app, &admin, other, Some(1)).await;
        assert_ne!(first, second, "{agents} agents, {phone_numbers} numbers");
        let first = first.as_str().unwrap();
        let after = format!(
            "SELECT account_id, status FROM phone_numbers WHERE account_id = '{first}' ORDER BY id"
        );
        assert_eq!(rows(&app, &after).await, before);
        let remote =
            format!("SELECT 1 FROM provider_accounts WHERE id = '{first}' AND remote_id IS NULL");
        assert_eq!(app.sql(&remote).await.len(), 1);
    }
}

async fn rows(app: &TestApp, sql: &str) -> Vec<(String, String)> {
    let rows = app.sql(sql).await;
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// K3, S3: when the comparison itself meets a rate limit or an outage, nothing is known of the account: the key is not saved,
/// the one that was there stays, and later the same key opens the same account.
#[tokio::test]
async fn a_comparison_that_fails_saves_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = saved(&app, &admin, keys::GOOD, None).await;
    add_blind_key(&app);
    for (status, code) in [
        (429, "PROVIDER_RATE_LIMITED"),
        (503, "PROVIDER_UNREACHABLE"),
    ] {
        let one = Fault::status(status).for_key(BLIND).on("/vapi/assistant/*");
        let fault = app.sandbox.control().inject(one);
        let refused = admin.save_key(BLIND, Some(1)).await;
        assert_eq!(refused.code(), code);
        let message = refused.message();
        assert!(message.contains("(…k7Qd) is still in use"), "{message}");
        assert_eq!(admin.key().await["version"], 1);
        let entry = "{ auditEntries(first: 1) { nodes { action } } }";
        let entry = admin.query(entry).await.ok();
        assert_eq!(
            entry["auditEntries"]["nodes"][0]["action"],
            "provider_key.refused"
        );
        app.sandbox.control().remove_fault(fault).unwrap();
    }
    assert_eq!(app.sql("SELECT 1 FROM provider_accounts").await.len(), 1);
    assert_eq!(saved(&app, &admin, BLIND, Some(1)).await, first);
}

/// K3: where nothing names the account and nothing in it can be read one by one, the very same key opens the very same
/// account.
#[tokio::test]
async fn the_same_key_opens_the_same_account() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = "nameless-account-key-8Yw2";
    let account = NewAccount::of(ProviderKind::Bland, key, 0).phone_numbers(3);
    app.sandbox.control().add_account(&account).unwrap();
    let first = saved_at_bland(&app, &admin, key, None).await;
    assert_eq!(saved_at_bland(&app, &admin, key, Some(1)).await, first);
    assert_eq!(app.sql("SELECT 1 FROM provider_accounts").await.len(), 1);
    assert_eq!(app.sql("SELECT 1 FROM phone_numbers").await.len(), 3);
}
