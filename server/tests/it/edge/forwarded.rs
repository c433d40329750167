//! H6: forwarded headers count only from trusted proxies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Settings, TestApp};

/// Six failed log-ins, each as if from another address; what the last one was told.
async fn sixth_log_in(app: &TestApp) -> String {
    let query = "mutation { logIn(input: { email: \"ann@example.com\", password: \"a guess\" }) { viewer { person { id } } } }";
    let mut body = Value::Null;
    for number in 1..=6 {
        let sent = app
            .nobody()
            .request(Method::POST, "/graphql")
            .header("x-forwarded-for", format!("203.0.113.{number}"))
            .header("forwarded", format!("for=203.0.113.{number}"))
            .header("x-real-ip", format!("203.0.113.{number}"))
            .json(&json!({ "query": query }))
            .send()
            .await
            .unwrap();
        body = sent.json().await.unwrap();
    }
    let code = body["errors"][0]["extensions"]["code"].as_str();
    code.unwrap().to_owned()
}

/// H6: whoever is no trusted proxy cannot pass for another address, so the throttle holds.
#[tokio::test]
async fn a_forwarded_address_from_anybody_does_not_count() {
    let app = TestApp::new().await;
    assert_eq!(sixth_log_in(&app).await, "TOO_MANY_ATTEMPTS");
}

/// H6: a trusted proxy tells the address, so that not everybody behind it shares one throttle.
#[tokio::test]
async fn a_forwarded_address_from_a_trusted_proxy_counts() {
    let app = TestApp::with(Settings {
        trusted_proxies: Some("127.0.0.0/8"),
        ..Settings::default()
    })
    .await;
    assert_eq!(sixth_log_in(&app).await, "WRONG_CREDENTIALS");
}
