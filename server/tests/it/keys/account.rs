//! What a key opens: when two keys are one account, and when that cannot be told.

use ringfence::{
    access::Role,
    sandbox::{NewAccount, NewKey},
};
use serde_json::Value;

use crate::harness::{TestApp, TestClient, keys};

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
    // Its lists are empty, so that nothing names the account; three of its agents can be read one by one.
    let blind = NewKey {
        key: "key-without-lists-6Wc2".to_owned(),
        same_account_as: keys::GOOD.to_owned(),
        visible_agents: None,
        forbidden: vec![
            ringfence::sandbox::Resource::PhoneNumbers,
            ringfence::sandbox::Resource::Calls,
        ],
    };
    control.add_key(&blind).unwrap();
    control.inject(
        ringfence::sandbox::Fault::status(403)
            .for_key("key-without-lists-6Wc2")
            .on("/vapi/assistant"),
    );
    let second = saved(&app, &admin, "key-without-lists-6Wc2", Some(1)).await;
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
