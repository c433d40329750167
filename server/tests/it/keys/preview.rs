//! K9: what a key would change, before it is put in use.

use ringfence::{
    access::Role,
    sandbox::{Fault, NewKey},
};
use serde_json::{Value, json};

use super::counts;
use crate::{
    clients::{assign, create},
    harness::{Answer, TestApp, TestClient, keys},
};

async fn preview(user: &TestClient, input: Value) -> Answer {
    let document = "mutation($input: PreviewProviderKeyInput!) { previewProviderKey(input: $input) { preview { health maskedKey \
        relation isComplete listedAgentCount newAgentCount stopsAnything account { remoteId name } sameKeys { scope } \
        goingInactive { count agents { name } } becomingUnreachable { count agents { name } } returning { count } } } }";
    user.graphql(document, json!({ "input": input })).await
}

async fn previewed(user: &TestClient, input: Value) -> Value {
    preview(user, input).await.ok()["previewProviderKey"]["preview"].clone()
}

fn fates(preview: &Value) -> (i64, i64, i64) {
    let count = |fate: &str| preview[fate]["count"].as_i64().unwrap();
    (
        count("goingInactive"),
        count("becomingUnreachable"),
        count("returning"),
    )
}

/// K9: a key of the same account that sees fewer agents says which would go inactive; it writes nothing but the audit entry
/// of a check, the key least of all.
#[tokio::test]
async fn the_same_account_seen_by_a_narrower_key() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let narrow = NewKey {
        key: "key-that-sees-thirty-2Bn7".to_owned(),
        same_account_as: keys::GOOD.to_owned(),
        visible_agents: Some(30),
        forbidden: vec![],
    };
    app.sandbox.control().add_key(&narrow).unwrap();
    let before = counts(&admin).await;
    let dump = app.database.dump().await;
    let seen = previewed(&admin, json!({ "provider": "VAPI", "apiKey": narrow.key })).await;
    assert_eq!(seen["relation"], "SAME");
    assert_eq!(seen["maskedKey"], "…2Bn7");
    assert_eq!(
        (&seen["isComplete"], &seen["stopsAnything"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (
            seen["listedAgentCount"].as_i64(),
            seen["newAgentCount"].as_i64()
        ),
        (Some(30), Some(0))
    );
    assert_eq!(fates(&seen), (10, 0, 0));
    assert_eq!(
        seen["goingInactive"]["agents"].as_array().unwrap().len(),
        10
    );
    let after = counts(&admin).await;
    assert_eq!((after.keys, after.runs), (before.keys, before.runs));
    assert_eq!(after.entries, before.entries + 1);
    assert_eq!(after.newest_action, "provider_key.previewed");
    let changed: Vec<_> = app
        .database
        .dump()
        .await
        .into_iter()
        .filter(|table| !dump.contains(table))
        .collect();
    let tables: Vec<&str> = changed.iter().map(|(table, _)| table.as_str()).collect();
    assert!(
        tables
            .iter()
            .all(|table| ["audit_entries", "audit_head"].contains(table)),
        "{tables:?}"
    );
    assert!(changed.iter().all(|(_, rows)| !rows.contains("2Bn7")));
}

/// K9: a key of another account says whom it would cut off, and what it would bring.
#[tokio::test]
async fn another_account_cuts_off_what_it_does_not_hold() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let seen = previewed(
        &admin,
        json!({ "provider": "VAPI", "apiKey": keys::SECOND }),
    )
    .await;
    assert_eq!(seen["relation"], "OTHER");
    assert!(seen["account"]["remoteId"].is_string());
    assert_eq!(seen["newAgentCount"], 12);
    assert_eq!(fates(&seen), (0, 40, 0));
    assert_eq!(
        seen["becomingUnreachable"]["agents"]
            .as_array()
            .unwrap()
            .len(),
        20
    );
    // Once it is in use, the way back says what returns.
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let back = previewed(&admin, json!({ "provider": "VAPI", "version": 1 })).await;
    assert_eq!(back["relation"], "OTHER");
    assert_eq!(fates(&back), (0, 12, 40));
    assert_eq!(back["newAgentCount"], 0);
}

/// K9: a client's first key is compared with the agency's, over which its agents call now.
#[tokio::test]
async fn a_clients_first_key_is_compared_with_the_agencys() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview").await;
    let given = assign(&admin, json!({ "search": "Bayview", "clientId": client }))
        .await
        .ok();
    let given = given["assignAgents"]["assignedCount"].as_i64().unwrap();
    assert!(given > 0);
    let input = json!({ "provider": "VAPI", "apiKey": keys::SECOND, "clientId": client });
    let seen = previewed(&admin, input).await;
    assert_eq!(seen["relation"], "OTHER");
    assert_eq!(fates(&seen), (0, given, 0));
    let input = json!({ "provider": "VAPI", "apiKey": keys::GOOD, "clientId": client });
    let seen = previewed(&admin, input).await;
    assert_eq!(seen["relation"], "SAME");
    assert_eq!(seen["sameKeys"], json!([{ "scope": "AGENCY" }]));
    assert_eq!(
        (fates(&seen), &seen["stopsAnything"]),
        ((0, 0, 0), &json!(false))
    );
}

/// K9: a list that breaks off is partial, says so, and lets nothing go.
#[tokio::test]
async fn a_partial_list_lets_nothing_go() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    // The check itself asks once; what lists the account is refused.
    let fault = Fault::status(500).on("/vapi/assistant").after(1);
    app.sandbox.control().inject(fault);
    let seen = previewed(&admin, json!({ "provider": "VAPI", "apiKey": keys::GOOD })).await;
    assert_eq!(seen["isComplete"], false);
    assert_eq!(fates(&seen), (0, 0, 0));
}

/// K9, K3, K16: what would not be saved has no preview; a preview is an attempt, and staff make none.
#[tokio::test]
async fn a_refused_key_has_no_preview() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let input = json!({ "provider": "VAPI", "apiKey": keys::REVOKED });
    let refused = preview(&admin, input.clone()).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    assert!(!refused.message().contains(keys::REVOKED));
    let staff = app.user(Role::Staff).await;
    assert_eq!(preview(&staff, input.clone()).await.code(), "FORBIDDEN");
    for wrong in [
        json!({ "provider": "VAPI" }),
        json!({ "provider": "VAPI", "apiKey": "x", "version": 1 }),
    ] {
        assert_eq!(
            preview(&admin, wrong).await.error()["extensions"]["field"],
            "apiKey"
        );
    }
    for _ in 1..10 {
        preview(&admin, input.clone()).await;
    }
    assert_eq!(preview(&admin, input).await.code(), "TOO_MANY_ATTEMPTS");
}
