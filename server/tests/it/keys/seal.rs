//! Stored keys at rest: which cipher sealed them, what a restart opens, and what one damaged row means (E1, E5).

use std::time::Duration;

use ringfence::access::Role;
use serde_json::json;
use tempfile::TempDir;

use super::test;
use crate::harness::{Settings, TestApp, keys};

const XCHACHA: &str = "xchacha20-poly1305";
const AES: &str = "aes-256-gcm";

/// E1: a row says which cipher sealed it, and opens after a restart with the other one as the setting.
#[tokio::test]
async fn a_key_opens_whatever_the_cipher_setting_has_become() {
    for (first, then, shown) in [
        (Some(AES), None, ["AES_256_GCM", "XCHACHA20_POLY1305"]),
        (None, Some(AES), ["XCHACHA20_POLY1305", "AES_256_GCM"]),
    ] {
        let folder = TempDir::new().unwrap();
        let at = |cipher| Settings {
            cipher,
            data_dir: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let app = TestApp::with(at(first)).await;
        ringfence::accounts::admin::create_agency(
            &app.app,
            "Northside Voice",
            ringfence::accounts::admin::Plan::Agency,
        )
        .await
        .unwrap();
        let admin = app.user(Role::Admin).await;
        admin.import(&app).await;
        assert_eq!(admin.key().await["cipher"], shown[0]);
        app.app.stop(Duration::from_millis(100)).await;
        drop(app);

        let app = TestApp::with(at(then)).await;
        let admin = app.user(Role::Admin).await;
        let key = admin.key().await;
        assert_eq!(
            (&key["cipher"], &key["isReadable"]),
            (&json!(shown[0]), &json!(true))
        );
        let tested = test(&admin, &key).await.ok();
        assert_eq!(tested["testProviderKey"]["providerKey"]["health"], "VALID");
        admin.save_key(keys::SECOND, Some(1)).await.ok();
        app.settle().await;
        let key = admin.key().await;
        assert_eq!(key["cipher"], shown[1], "a new version follows the setting");
        let rows = app
            .sql("SELECT cipher FROM provider_key_versions ORDER BY version")
            .await;
        let ciphers: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let expected = if first.is_some() {
            [AES, XCHACHA]
        } else {
            [XCHACHA, AES]
        };
        assert_eq!(ciphers, expected);
    }
}

/// E1: a sealed key moved to another row, another agency's or another version's, does not open there.
#[tokio::test]
async fn a_sealed_key_opens_only_in_its_own_row() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Admin).await;
    admin.import(&app).await;
    stranger.save_key(keys::SECOND, None).await.ok();
    app.settle().await;
    // Every cell that belongs to the sealing comes along.
    app.sql(
        "UPDATE provider_key_versions SET \
         sealed = (SELECT v.sealed FROM provider_key_versions v WHERE v.last_four = 'k7Qd'), \
         wrapped_key = (SELECT v.wrapped_key FROM provider_key_versions v WHERE v.last_four = 'k7Qd'), \
         cipher = (SELECT v.cipher FROM provider_key_versions v WHERE v.last_four = 'k7Qd'), \
         master_key_id = (SELECT v.master_key_id FROM provider_key_versions v WHERE v.last_four = 'k7Qd') \
         WHERE last_four = 'x4Rm'",
    )
    .await;
    let key = stranger.key().await;
    assert_eq!(key["isReadable"], false);
    assert_eq!(test(&stranger, &key).await.code(), "KEY_UNREADABLE");
    assert_eq!(admin.key().await["isReadable"], true);
}

/// E5: a row that does not open degrades only itself: it says so, its sync fails with the reason and leaves the agents,
/// the other agency goes on, and the key can be entered again or cleared.
#[tokio::test]
async fn a_row_that_does_not_open_degrades_only_itself() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Admin).await;
    admin.import(&app).await;
    stranger.save_key(keys::SECOND, None).await.ok();
    app.settle().await;
    app.sql("UPDATE provider_key_versions SET sealed = wrapped_key WHERE last_four = 'k7Qd'")
        .await;
    let key = admin.key().await;
    assert_eq!(key["isReadable"], false);
    assert_eq!(key["maskedKey"], "…k7Qd");
    app.sandbox.control().clear_requests();
    let refused = test(&admin, &key).await;
    assert_eq!(refused.code(), "KEY_UNREADABLE");
    assert!(refused.message().contains("Enter it again"));
    admin.start_sync().await.ok();
    app.settle().await;
    let run = admin.key().await["latestSyncRun"].clone();
    assert_eq!(run["error"]["code"], "KEY_UNREADABLE");
    let active = "{ agents(filter: { status: [ACTIVE] }) { totalCount } }";
    assert_eq!(admin.query(active).await.ok()["agents"]["totalCount"], 40);
    assert!(super::asked(&app).is_empty());
    let key = admin.key().await;
    let refused = admin
        .clear_key(&key, json!({ "detachNumbers": true }))
        .await;
    assert_eq!(refused.code(), "DETACH_FAILED");

    let other = stranger.key().await;
    let tested = test(&stranger, &other).await.ok();
    assert_eq!(tested["testProviderKey"]["providerKey"]["health"], "VALID");

    let saved = admin.save_key(keys::GOOD, Some(1)).await.ok();
    app.settle().await;
    let saved = &saved["saveProviderKey"]["providerKey"];
    assert_eq!(
        (&saved["version"], &saved["isReadable"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(saved["account"], key["account"]);
}
