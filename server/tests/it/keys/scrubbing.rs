//! K13: a provider that repeats a key, in whatever style, never gets a piece of it to a screen or into the database.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use ringfence::{
    access::Role,
    sandbox::{EchoStyle, Effect, Fault, NewAccount},
};
use serde_json::Value;

use super::test;
use crate::harness::{TestApp, TestClient};

/// No word of any text looks like a piece of it.
const KEY: &str = "Zq8xW3nTj5vB7yR2mHd9";

const STYLES: [EchoStyle; 4] = [
    EchoStyle::Plain,
    EchoStyle::Masked,
    EchoStyle::PercentEncoded,
    EchoStyle::Base64,
];

/// Four characters of the key in a row, in any of the ways that the sandbox writes it.
fn pieces() -> Vec<String> {
    let encoded = KEY.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    });
    let base64 = STANDARD.encode(format!("Bearer {KEY}"));
    let windows = |text: &str, size: usize| -> Vec<String> {
        let bytes: Vec<char> = text.chars().collect();
        bytes.windows(size).map(String::from_iter).collect()
    };
    // The first twelve characters of the base64 text are those of `Bearer `.
    [
        windows(KEY, 4),
        windows(&encoded, 9),
        windows(&base64[12..], 6),
    ]
    .concat()
}

fn assert_clean(what: &str, text: &str, but: &str) {
    let text = text.replace(but, "");
    for piece in pieces() {
        assert!(!text.contains(&piece), "{what} holds {piece}: {text}");
    }
}

async fn everything(admin: &TestClient) -> String {
    let query = "{ providerKeys { nodes { health healthMessage } } syncRuns { nodes { waitingReason hint error { message } } } \
        auditEntries { nodes { action actor summary } } }";
    admin.query(query).await.ok().to_string()
}

/// K13: the refusal of a save carries the provider's words without the key.
#[tokio::test]
async fn an_echoed_key_is_not_in_the_refusal() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .add_account(&NewAccount::vapi(KEY, 2))
        .unwrap();
    for style in STYLES {
        app.sandbox.control().clear_faults();
        app.sandbox
            .control()
            .inject(Fault::new(Effect::EchoKey { style }));
        let refused = admin.save_key(KEY, None).await;
        assert_eq!(refused.code(), "KEY_REJECTED");
        let said = refused.error()["extensions"]["providerMessage"]
            .as_str()
            .unwrap();
        assert!(
            said.starts_with("Invalid Key ") && said.contains("••••"),
            "{style:?}: {said}"
        );
        assert_clean("the refusal", &refused.error().to_string(), "");
        assert_clean("a list", &everything(&admin).await, "");
    }
}

/// K13: the health of a stored key, its sync's error and the audit log hold the provider's words without the key; the
/// mask alone shows its last four characters.
#[tokio::test]
async fn an_echoed_key_is_in_no_stored_message() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .add_account(&NewAccount::vapi(KEY, 2))
        .unwrap();
    admin.save_key(KEY, None).await.ok();
    app.settle().await;
    let mask = "…mHd9";
    for style in STYLES {
        let key = admin.key().await;
        app.sandbox
            .control()
            .inject(Fault::new(Effect::EchoKey { style }));
        let tested = test(&admin, &key).await.ok();
        let tested = &tested["testProviderKey"]["providerKey"];
        assert_eq!(tested["health"], "INVALID");
        let message = tested["healthMessage"].as_str().unwrap();
        assert!(message.starts_with("Invalid Key "), "{message}");
        assert_clean("the health", message, "");
        admin.start_sync().await.ok();
        app.settle().await;
        let run = admin.key().await["latestSyncRun"].clone();
        assert_eq!(run["error"]["code"], "KEY_REJECTED");
        app.sandbox.control().clear_faults();
        let all = everything(&admin).await.replace("key …mHd9", "");
        assert_clean("a list", &all, mask);
        let stored = admin.key().await;
        assert_eq!(stored["maskedKey"], Value::from(mask));
        test(&admin, &key).await.ok();
    }
}
