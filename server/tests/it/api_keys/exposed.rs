//! A9: whoever finds a key can have it revoked, and learns nothing by it.

use std::time::Duration;

use reqwest::Method;
use ringfence::access::Role;
use serde_json::{Value, json};

use super::{Heard, generate, listed, rotate, send, status};
use crate::harness::TestApp;

async fn report(app: &TestApp, body: Value) -> Heard {
    send(
        app.nobody()
            .request(Method::POST, "/api/v1/keys/exposed")
            .json(&body),
    )
    .await
}

/// A9: a reported key is dead at once, its agency has an alert and the log an entry of nobody's; the answer is the same for
/// what was no key of ours. A new key of the name ends the alert.
#[tokio::test]
async fn a_found_key_is_revoked_and_the_answer_tells_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, old) = generate(&admin, "Default", &["READ"]).await;
    let (_, secret, _) = rotate(&admin, &key, 24).await;
    let found = report(&app, json!({ "key": secret })).await;
    assert_eq!((found.status, &found.body["success"]), (200, &json!(true)));
    assert_eq!(
        (status(&app, &secret).await, status(&app, &old).await),
        (401, 200)
    );
    for nothing in [secret.as_str(), "bvai_sk_none", "", "anything else"] {
        let again = report(&app, json!({ "key": nothing })).await;
        assert_eq!((again.status, &again.text), (found.status, &found.text));
    }
    let exposed = listed(&admin).await;
    let states: Vec<_> = exposed
        .iter()
        .map(|key| key["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["ENDING", "EXPOSED"]);
    let told = admin
        .query("{ alerts { nodes { kind state summary } } auditEntries(first: 1) { nodes { action actor summary } } }")
        .await
        .ok();
    let alerts = told["alerts"]["nodes"].as_array().unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["kind"], "API_KEY_EXPOSED");
    let words = alerts[0]["summary"].as_str().unwrap();
    assert!(
        words.contains("Default was reported as exposed and is revoked"),
        "{words}"
    );
    let entry = &told["auditEntries"]["nodes"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"]),
        (&json!("api_key.exposed"), &json!("system"))
    );
    generate(&admin, "Default", &["READ"]).await;
    let told = admin.query("{ alerts { nodes { state } } }").await.ok();
    assert_eq!(told["alerts"]["nodes"][0]["state"], "RESOLVED");
}

/// A9, C2: a body that is no report is refused by its field and not repeated; other methods find nothing.
#[tokio::test]
async fn what_is_no_report_is_refused() {
    let app = TestApp::new().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "key": 1 }),
        json!({ "key": "a-secret", "more": 1 }),
    ] {
        let heard = report(&app, body).await;
        assert_eq!(
            (heard.status, heard.code()),
            (400, "INVALID_INPUT"),
            "{heard:?}"
        );
        assert_eq!(heard.body["success"], false);
        assert!(!heard.text.contains("a-secret"));
    }
    let read = app.nobody().request(Method::GET, "/api/v1/keys/exposed");
    assert_eq!(send(read).await.status, 405);
}

/// A9: reports are counted per network, so that nobody has us look for keys without end.
#[tokio::test]
async fn reports_are_throttled() {
    let app = TestApp::new().await;
    for _ in 0..30 {
        assert_eq!(report(&app, json!({ "key": "x" })).await.status, 200);
    }
    let heard = report(&app, json!({ "key": "x" })).await;
    assert_eq!((heard.status, heard.code()), (429, "TOO_MANY_ATTEMPTS"));
    assert_eq!(heard.header("retry-after"), "60");
    app.advance(Duration::from_secs(60));
    assert_eq!(report(&app, json!({ "key": "x" })).await.status, 200);
}
