//! "Test key" (K15): the validation of the stored key, and what an outage, a revocation and a recovery do to its health.

use std::time::Duration;

use ringfence::{
    access::Role,
    sandbox::{Effect, Fault, NewAccount, NewKey},
};
use serde_json::{Value, json};

use super::{asked, counts, test};
use crate::harness::{START, TestApp};

/// K15: each answer becomes the key's health, the time of the check moves on, and no version and no sync comes of it.
#[tokio::test]
async fn testing_a_key_writes_down_what_the_provider_says() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let started = time::OffsetDateTime::from_unix_timestamp(START / 1000).unwrap();
    for (number, (fault, health, message)) in (1..).zip([
        (None, "VALID", Value::Null),
        (
            Some(Fault::status(401)),
            "INVALID",
            json!("Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."),
        ),
        (None, "VALID", Value::Null),
        (
            Some(Fault::rate_limit("24")),
            "RATE_LIMITED",
            json!("Rate limit exceeded"),
        ),
        (
            Some(Fault::status(500)),
            "UNREACHABLE",
            json!("Internal server error"),
        ),
        (
            Some(Fault::new(Effect::NotJson)),
            "UNREACHABLE",
            json!("the list of assistants is not JSON"),
        ),
        (
            Some(Fault::status(402)),
            "NO_FUNDS",
            json!("Billing Limits Exceeded"),
        ),
        (
            Some(Fault::status(403).on("/vapi/call")),
            "LIMITED",
            json!("Forbidden resource"),
        ),
        (None, "VALID", Value::Null),
    ]) {
        app.advance(Duration::from_secs(60));
        app.sandbox.control().clear_faults();
        if let Some(fault) = fault {
            app.sandbox.control().inject(fault);
        }
        let tested = test(&admin, &key).await.ok()["testProviderKey"]["providerKey"].clone();
        assert_eq!(tested["health"], health);
        assert_eq!(tested["healthMessage"], message, "{health}");
        assert_eq!(tested["version"], 1, "{health}");
        let at = started + time::Duration::minutes(number);
        let at = at
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap();
        assert_eq!(
            tested["checkedAt"].as_str().unwrap().replace(".000Z", "Z"),
            at,
            "{health}"
        );
        let stored = admin.key().await;
        assert_eq!(stored["health"], health);
        let call = &tested["capabilities"][2];
        let state = if health == "LIMITED" { "NO" } else { "YES" };
        if matches!(health, "VALID" | "LIMITED") {
            assert_eq!(*call, json!({ "capability": "READ_CALLS", "state": state }));
        }
    }
    let after = counts(&admin).await;
    assert_eq!((after.keys, after.runs), (1, 1));
    assert_eq!(after.newest_action, "provider_key.tested");
}

/// K15: the stored key is sent, and nobody types it again; a key revoked at the provider is found out, and the account's
/// agents count as unreachable until it works again.
#[tokio::test]
async fn a_revoked_key_is_found_out_by_its_test() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control().clone();
    control
        .add_account(&NewAccount::vapi("key-to-be-revoked-8Jf3", 3))
        .unwrap();
    let second = NewKey {
        key: "key-that-stays-2Lm6".to_owned(),
        same_account_as: "key-to-be-revoked-8Jf3".to_owned(),
        visible_agents: None,
        forbidden: Vec::new(),
    };
    control.add_key(&second).unwrap();
    admin.save_key("key-to-be-revoked-8Jf3", None).await.ok();
    app.settle().await;
    let reachable = "{ agents(filter: { isReachable: true }) { totalCount } }";
    let count = async || admin.query(reachable).await.ok()["agents"]["totalCount"].clone();
    assert_eq!(count().await, 3);
    control.revoke_key("key-to-be-revoked-8Jf3").unwrap();
    control.clear_requests();
    let key = admin.key().await;
    let tested = test(&admin, &key).await.ok();
    let refused = &tested["testProviderKey"]["providerKey"];
    assert_eq!(refused["health"], "INVALID");
    let states = async || {
        let key = admin.key().await;
        let capabilities = key["capabilities"].as_array().unwrap().clone();
        let states = capabilities.iter().map(|one| one["state"].clone());
        states.collect::<Vec<Value>>()
    };
    let refused: Vec<&Value> = (0..4)
        .map(|n| &refused["capabilities"][n]["state"])
        .collect();
    assert_eq!(
        refused, ["UNKNOWN"; 4],
        "K4: a refused key can nothing that we know of"
    );
    assert_eq!(states().await, ["UNKNOWN"; 4]);
    assert_eq!(asked(&app), ["GET /vapi/assistant 8Jf3"]);
    assert_eq!(count().await, 0);
    let new_key = NewKey {
        key: "key-to-be-revoked-8Jf3".to_owned(),
        same_account_as: "key-that-stays-2Lm6".to_owned(),
        ..second
    };
    control.add_key(&new_key).unwrap();
    test(&admin, &key).await.ok();
    assert_eq!(count().await, 3);
    assert_eq!(states().await, ["YES", "YES", "YES", "UNKNOWN"]);
}

/// K15, P5: a key of another agency, and one that is cleared, is not found.
#[tokio::test]
async fn only_a_stored_key_of_the_agency_can_be_tested() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let stranger = app.stranger(Role::Admin).await;
    assert_eq!(test(&stranger, &key).await.code(), "NOT_FOUND");
    let staff = app.user(Role::Staff).await;
    assert_eq!(test(&staff, &key).await.code(), "FORBIDDEN");
    admin.clear_key(&key, json!({})).await.ok();
    app.sandbox.control().clear_requests();
    assert_eq!(test(&admin, &key).await.code(), "NOT_FOUND");
    assert_eq!(asked(&app), Vec::<String>::new());
    assert_eq!(counts(&admin).await.keys, 0);
}
