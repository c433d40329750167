//! A9: whoever finds a key can have it revoked, and learns nothing by it.

use std::time::Duration;

use reqwest::Method;
use ringfence::{access::Role, jobs};
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

/// A9: each key that is found raises an alert of its own, under one name too, whose words are about that key and say what is
/// still let in; rotating answers them as generating does.
#[tokio::test]
async fn a_second_key_of_a_name_that_is_found_is_told_too() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let alerts = async || {
        let told = admin.query("{ alerts { nodes { state summary } } }").await;
        let alerts = told.ok()["alerts"]["nodes"].as_array().unwrap().clone();
        let of = |alert: &Value| {
            let text = |field: &str| alert[field].as_str().unwrap().to_owned();
            (text("state"), text("summary"))
        };
        alerts.iter().map(of).collect::<Vec<_>>()
    };
    // The earlier one is found first; the one in its place works on.
    let (key, earlier) = generate(&admin, "Default", &["READ"]).await;
    let (key, current, _) = rotate(&admin, &key, 24).await;
    report(&app, json!({ "key": earlier })).await;
    let told = alerts().await;
    assert_eq!(told.len(), 1);
    let words = "An earlier API key Default was reported as exposed and is revoked. The one in its place works on.";
    assert!(told[0].1.starts_with(words), "{told:?}");
    assert_eq!(status(&app, &current).await, 200);
    rotate(&admin, &key, 0).await;
    let told = alerts().await;
    assert_eq!((told.len(), told[0].0.as_str()), (1, "RESOLVED"));

    let (key, earlier) = generate(&admin, "Zapier", &["READ"]).await;
    let (_, current, _) = rotate(&admin, &key, 24).await;
    report(&app, json!({ "key": current })).await;
    let told = alerts().await;
    assert_eq!((told.len(), told[0].0.as_str()), (2, "OPEN"));
    let words = "The API key Zapier was reported as exposed and is revoked. The one before it works on until \
        2026-01-16T12:00:00.000Z.";
    assert!(told[0].1.starts_with(words), "{told:?}");
    report(&app, json!({ "key": earlier })).await;
    let told = alerts().await;
    assert_eq!((told.len(), told[0].0.as_str()), (3, "OPEN"));
    assert!(told[0].1.contains("Generate a new one"), "{told:?}");
    assert!(!told[0].1.contains("works on"), "{told:?}");
    report(&app, json!({ "key": earlier })).await;
    assert_eq!(alerts().await.len(), 3);
    generate(&admin, "Zapier", &["READ"]).await;
    let told = alerts().await;
    assert!(
        told.iter().all(|(state, _)| state == "RESOLVED"),
        "{told:?}"
    );
}

/// A9, X2: an alert about a key that was found ends when nothing is known of the key any more.
#[tokio::test]
async fn an_alert_does_not_outlive_what_is_known_of_its_key() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    report(&app, json!({ "key": secret })).await;
    for (hours, state) in [(90 * 24, "open"), (1, "resolved")] {
        app.advance(Duration::from_hours(hours));
        jobs::tidy(&app.app).await.unwrap();
        let rows = app
            .sql("SELECT CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END FROM alerts")
            .await;
        assert_eq!(rows[0].get::<String>(0), state);
    }
}

/// A4, C2: below `/api` every refusal is JSON of the same form, and the web app's page is nowhere: what is no endpoint, a
/// method that it does not take, and a body that is too large.
#[tokio::test]
async fn below_api_every_refusal_is_json() {
    let app = TestApp::new().await;
    let path = "/api/v1/keys/exposed";
    let of = |method, path: &str| app.nobody().request(method, path);
    let large = vec![b'x'; 1024 * 1024 + 1];
    for (request, status, code) in [
        (of(Method::GET, "/api/v1/no/such"), 404, "NOT_FOUND"),
        (of(Method::POST, "/api/v1/no/such"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api/v1/keys"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api/v1/keys/exposed/"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api/v1"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api/v1/"), 404, "NOT_FOUND"),
        (of(Method::DELETE, "/api/v2/calls"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api"), 404, "NOT_FOUND"),
        (of(Method::GET, "/api/"), 404, "NOT_FOUND"),
        (of(Method::GET, path), 405, "QUERY_REFUSED"),
        (of(Method::DELETE, path), 405, "QUERY_REFUSED"),
        (of(Method::POST, path).body(large), 413, "QUERY_REFUSED"),
    ] {
        let request = request.header("accept", "text/html");
        let heard = send(request).await;
        assert_eq!((heard.status, heard.code()), (status, code), "{heard:?}");
        assert_eq!(heard.body["success"], false);
        assert!(heard.body["error"].as_str().unwrap().len() > 5);
        assert_eq!(heard.body.as_object().unwrap().len(), 3);
        assert_eq!(heard.header("content-type"), "application/json");
        if status == 405 {
            assert_eq!(heard.header("allow"), "POST");
        }
    }
}
