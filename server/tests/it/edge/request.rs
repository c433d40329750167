//! H1: `/graphql` takes one JSON object per POST, from the public URL's own pages or from no browser at all.

use reqwest::{Method, RequestBuilder, StatusCode};
use ringfence::access::Role;
use serde_json::{Value, json};

use crate::harness::{TestApp, TestClient};

const LOG_OUT: &str = "mutation { logOut { isLoggedOut } }";

fn post(client: &TestClient, kind: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    client
        .request(Method::POST, "/graphql")
        .header("content-type", kind)
        .body(body)
}

async fn is_logged_in(client: &TestClient) -> bool {
    let told = client.query("{ viewer { person { id } } }").await.ok();
    !told["viewer"].is_null()
}

/// H1: a mutation by GET is a 405 that names POST, and changes nothing.
#[tokio::test]
async fn a_mutation_by_get_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let sent = staff
            .request(
                method.clone(),
                "/graphql?query=mutation%20%7BlogOut%7BisLoggedOut%7D%7D",
            )
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(sent.headers()["allow"], "POST");
        let body: Value = sent.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "QUERY_REFUSED");
    }
    assert!(is_logged_in(&staff).await);
}

/// H1: a form, a text and a multipart body, which a page of another site could send without asking, are 415.
#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let json = json!({ "query": LOG_OUT }).to_string();
    let boundary = format!(
        "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{json}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{}}\r\n--x--\r\n"
    );
    for (kind, body) in [
        ("text/plain", json.clone()),
        (
            "application/x-www-form-urlencoded",
            format!("query={LOG_OUT}"),
        ),
        ("multipart/form-data; boundary=x", boundary),
        ("application/graphql", LOG_OUT.to_owned()),
        ("text/plain; application/json", json.clone()),
        ("application/jsonp", json.clone()),
    ] {
        let sent = post(&staff, kind, body).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let bare = staff.request(Method::POST, "/graphql").body(json.clone());
    let sent = bare.send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(is_logged_in(&staff).await);
    let proper = post(&staff, "Application/JSON; charset=utf-8", json);
    assert_eq!(proper.send().await.unwrap().status(), StatusCode::OK);
    assert!(!is_logged_in(&staff).await);
}

/// H1, H3: a batch, a body that is no JSON object and a body over 1 MiB are refused before anything is parsed further.
#[tokio::test]
async fn a_batch_a_broken_and_a_huge_body_are_refused() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    let batch = json!([{ "query": "{ __typename }" }, { "query": "{ __typename }" }]).to_string();
    for body in [
        batch,
        format!("  \n\t[{}]", json!({ "query": "{ __typename }" })),
        "{\"query\":".to_owned(),
        "null".to_owned(),
        "\"{ __typename }\"".to_owned(),
        String::new(),
        "{\"query\": 5}".to_owned(),
        "{\"query\": \"{ __typename }\", \"variables\": [1]}".to_owned(),
    ] {
        let sent = post(&nobody, "application/json", body.clone()).send().await;
        let sent = sent.unwrap();
        assert_eq!(sent.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = sent.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "QUERY_REFUSED");
        assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
    }
    let huge = json!({ "query": "{ __typename }", "variables": { "x": "x".repeat(1024 * 1024) } });
    let sent = post(&nobody, "application/json", huge.to_string());
    assert_eq!(
        sent.send().await.unwrap().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let large = json!({ "query": "{ __typename }", "variables": { "x": "x".repeat(1000 * 1024) } });
    let sent = post(&nobody, "application/json", large.to_string());
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
}

/// H1: a POST that a browser sends from another site is a 403 and changes nothing; the public URL's own pages and tools
/// that are no browsers are served.
#[tokio::test]
async fn a_post_from_another_site_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let own = app.url("");
    let body = json!({ "query": LOG_OUT }).to_string();
    let foreign: &[&[(&str, &str)]] = &[
        &[("origin", "https://evil.example.com")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    ];
    for headers in foreign {
        let mut request = post(&staff, "application/json", body.clone());
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let sent = request.send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert!(is_logged_in(&staff).await);
    let query = json!({ "query": "{ __typename }" }).to_string();
    for headers in [
        vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        vec![("origin", own.as_str())],
        vec![("sec-fetch-site", "same-origin")],
        vec![],
    ] {
        let mut request = post(&staff, "application/json", query.clone());
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let sent = request.send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::OK, "{headers:?}");
    }
}

/// P5: an agency that the viewer does not belong to is a 404 for the whole request; a header that is no slug is named.
#[tokio::test]
async fn an_unknown_agency_is_not_found() {
    let app = TestApp::new().await;
    let mut owner = app.user(Role::Owner).await;
    let query = json!({ "query": "{ viewer { person { id } } agency { name } }" }).to_string();
    owner.agency = Some("no-such-agency".to_owned());
    let sent = post(&owner, "application/json", query.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), StatusCode::NOT_FOUND);
    let body: Value = sent.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert!(body["data"].is_null());
    owner.agency = None;
    let answer = owner.query("{ agency { name } }").await;
    assert_eq!(answer.code(), "INVALID_INPUT");
    assert_eq!(answer.error()["extensions"]["field"], "Ringfence-Agency");
    let odd = post(&owner, "application/json", query).header("ringfence-agency", &b"\xff\xfe"[..]);
    assert_eq!(odd.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}
