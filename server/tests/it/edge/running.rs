//! X2: how the server tells how it is, and how little it tells when something of its own breaks.

use reqwest::{Method, StatusCode};
use ringfence::access::Role;
use serde_json::{Value, json};

use crate::harness::TestApp;

/// X2: the server says that it lives and that it can work, to anyone.
#[tokio::test]
async fn the_server_says_that_it_lives_and_is_ready() {
    let app = TestApp::new().await;
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let response = app
            .nobody()
            .request(Method::GET, path)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.text().await.unwrap(), text);
    }
    app.app.shutdown.cancel();
    let response = app
        .nobody()
        .request(Method::GET, "/readyz")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.text().await.unwrap(), "stopping\n");
}

/// X2: the figures are for this machine; what a proxy forwards gets none. They count requests by route, and never name
/// a path that somebody typed.
#[tokio::test]
async fn the_figures_are_for_this_machine_alone() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    nobody.query("{ __typename }").await.ok();
    let odd = nobody.request(Method::GET, "/a-path-that-nobody-has");
    odd.send().await.unwrap();
    let figures = nobody
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    assert_eq!(figures.status(), StatusCode::OK);
    let text = figures.text().await.unwrap();
    assert!(
        text.contains("ringfence_http_requests_total{route=\"/graphql\",status=\"200\"}"),
        "{text}"
    );
    assert!(text.contains("ringfence_jobs 0"), "{text}");
    assert!(text.contains("ringfence_guard_bypassed 0"), "{text}");
    assert!(!text.contains("a-path-that-nobody-has"), "{text}");
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let forwarded = nobody
            .request(Method::GET, "/metrics")
            .header(header, "203.0.113.7")
            .send()
            .await
            .unwrap();
        assert_eq!(forwarded.status(), StatusCode::NOT_FOUND, "{header}");
        assert!(forwarded.text().await.unwrap().is_empty());
    }
}

/// X2: each answer has an id, which stands in its errors too and is never the client's own.
#[tokio::test]
async fn each_answer_has_an_id_of_its_own() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let response = app
            .nobody()
            .request(Method::POST, "/graphql")
            .header("x-request-id", "mine")
            .json(&json!({ "query": "{ agencies { totalCount } }" }))
            .send()
            .await
            .unwrap();
        let id = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["requestId"], id.as_str());
        assert_ne!(id, "mine");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let page = app
        .nobody()
        .request(Method::GET, "/missing.js")
        .send()
        .await;
    assert!(page.unwrap().headers().contains_key("x-request-id"));
}

/// X2: a fault of ours says "Something went wrong." and the request's id, and nothing of what is inside.
#[tokio::test]
async fn a_fault_of_ours_tells_nothing_internal() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    app.sql("DROP TABLE voices").await;
    let answer = owner.query("{ voices { nodes { id } } }").await;
    assert_eq!(answer.code(), "INTERNAL");
    assert_eq!(answer.message(), "Something went wrong.");
    assert!(answer.error()["extensions"]["requestId"].is_string());
    let told = format!("{:?}", answer.errors).to_lowercase();
    for word in ["sql", "table", "no such", "database", "panick", "src/"] {
        assert!(!told.contains(word), "{told}");
    }
    // A fault before the document runs is an error of the whole request, and says as little.
    app.sql("DROP TABLE memberships").await;
    let response = owner
        .request(Method::POST, "/graphql")
        .json(&json!({ "query": "{ agency { name } }" }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let text = response.text().await.unwrap().to_lowercase();
    assert!(text.contains("something went wrong."), "{text}");
    assert!(
        !text.contains("memberships") && !text.contains("sql"),
        "{text}"
    );
}
