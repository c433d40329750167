//! A2, A4, A7, A8: which requests with a key are let in, and under which status the others are told why not.

use std::time::Duration;

use reqwest::Method;
use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
};
use serde_json::json;

use super::{NAME, ask, generate, revoke, rotate, script, send, status, switch, try_to_generate};
use crate::harness::{TestApp, TestClient};

/// A4: what is no key, none of ours or no more is 401, with the way to prove who asks.
#[tokio::test]
async fn what_is_no_key_any_more_is_401() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, good) = generate(&admin, "Good", &["READ"]).await;
    let (gone, unknown) = generate(&admin, "Unknown", &["READ"]).await;
    app.sql(&format!(
        "DELETE FROM api_keys WHERE id = {}",
        gone["id"].to_string().replace('"', "'")
    ))
    .await;
    let (key, revoked) = generate(&admin, "Revoked", &["READ"]).await;
    revoke(&admin, &key).await.ok();
    let (key, rotated) = generate(&admin, "Rotated", &["READ"]).await;
    rotate(&admin, &key, 0).await;
    let soon = json!({ "name": "Expired", "expiresAt": "2026-01-15T12:00:05Z" });
    let made = try_to_generate(&admin, soon).await.ok();
    let expired = made["generateApiKey"]["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(status(&app, &expired).await, 200);
    app.advance(Duration::from_secs(5));
    let bearer = |secret: &str| format!("Bearer {secret}");
    let last = if good.ends_with('a') { 'b' } else { 'a' };
    let mistyped = format!("{}{last}", &good[..45]);
    for (what, header) in [
        ("unknown", bearer(&unknown)),
        ("revoked", bearer(&revoked)),
        ("rotated", bearer(&rotated)),
        ("expired", bearer(&expired)),
        ("a wrong checksum", bearer(&mistyped)),
        ("cut off", bearer(&good[..30])),
        ("without a scheme", good.clone()),
        ("another scheme", format!("Basic {good}")),
        ("nothing", "Bearer ".to_owned()),
        ("empty", String::new()),
    ] {
        let request = app.nobody().request(Method::POST, "/graphql");
        let request = request.header("authorization", header);
        let heard = send(request.json(&json!({ "query": NAME }))).await;
        assert_eq!(
            (heard.status, heard.code()),
            (401, "UNAUTHENTICATED"),
            "{what}"
        );
        assert!(heard.header("www-authenticate").starts_with("Bearer"));
        assert!(heard.headers.get("ratelimit-limit").is_none(), "{what}");
    }
    let twice = script(&app, &good, NAME).header("authorization", "Bearer other");
    assert_eq!(send(twice).await.status, 401);
    let lower = app.nobody().request(Method::POST, "/graphql");
    let lower = lower.header("authorization", format!("bearer {good}"));
    assert_eq!(
        send(lower.json(&json!({ "query": NAME }))).await.status,
        200
    );
}

/// A4: switched off, without a plan, without the scope: 403, each with its code.
#[tokio::test]
async fn what_a_key_may_not_is_403() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let create = "mutation { createClient(input: { name: \"Bayview\" }) { client { name } } }";
    let heard = ask(&app, &secret, create).await;
    assert_eq!((heard.status, heard.code()), (403, "MISSING_SCOPE"));
    assert!(heard.text.contains("agents:manage"), "{}", heard.text);
    let heard = ask(&app, &secret, "{ apiKeys { id } }").await;
    assert_eq!((heard.status, heard.code()), (403, "FORBIDDEN"));
    admin::set_plan(&app.app, &app.agency, Plan::Starter)
        .await
        .unwrap();
    let heard = ask(&app, &secret, NAME).await;
    assert_eq!((heard.status, heard.code()), (403, "PLAN_WITHOUT_API"));
    assert!(heard.headers.get("ratelimit-remaining").is_some());
    admin::set_plan(&app.app, &app.agency, Plan::Agency)
        .await
        .unwrap();
    switch(&admin, false).await;
    let heard = ask(&app, &secret, NAME).await;
    assert_eq!((heard.status, heard.code()), (403, "API_SWITCHED_OFF"));
    assert_eq!(app.app.guard_alarm.count(), 0);
}

/// A4, P5: a key belongs to its agency: the header may name that one, and any other is 404 as one that is not there. So is
/// another agency's row.
#[tokio::test]
async fn another_agencys_things_are_404() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Owner).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let named = |slug: &str| script(&app, &secret, NAME).header("ringfence-agency", slug);
    let heard = send(named(&app.agency)).await;
    assert_eq!(
        (heard.status, &heard.body["data"]["agency"]["slug"]),
        (200, &json!(app.agency))
    );
    let without_id = |text: &str| {
        let mut body: serde_json::Value = serde_json::from_str(text).unwrap();
        body["errors"][0]["extensions"]["requestId"].take();
        body
    };
    let other = send(named(stranger.agency.as_ref().unwrap())).await;
    let absent = send(named("no-such-agency")).await;
    assert_eq!(
        (other.status, absent.status, other.code()),
        (404, 404, "NOT_FOUND")
    );
    assert_eq!(without_id(&other.text), without_id(&absent.text));
    let made = stranger
        .query("mutation { createClient(input: { name: \"Theirs\" }) { client { id } } }")
        .await
        .ok();
    let theirs = made["createClient"]["client"]["id"].as_str().unwrap();
    let look = |id: &str| format!("{{ client(id: \"{id}\") {{ name }} }}");
    let theirs = ask(&app, &secret, &look(theirs)).await;
    let absent = ask(&app, &secret, &look("none")).await;
    assert_eq!(
        (theirs.status, absent.status, theirs.code()),
        (404, 404, "NOT_FOUND")
    );
    assert_eq!(without_id(&theirs.text), without_id(&absent.text));
    // Of somebody who belongs to both agencies a key opens only its own.
    admin::set_role(
        &app.app,
        stranger.agency.as_ref().unwrap(),
        admin.user_id.as_ref().unwrap(),
        Role::Owner,
    )
    .await
    .unwrap();
    assert_eq!(
        send(named(stranger.agency.as_ref().unwrap())).await.status,
        404
    );
    let heard = ask(
        &app,
        &secret,
        "{ viewer { memberships { role } } agencies { nodes { slug } } }",
    )
    .await;
    assert_eq!((heard.status, heard.code()), (403, "FORBIDDEN"));
}

/// A4: a document of which a part was served is 200 with the refusals beside the data; one of which nothing was has their
/// status.
#[tokio::test]
async fn an_answer_of_which_a_part_came_is_200() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["KEYS_MANAGE"]).await;
    let heard = ask(
        &app,
        &secret,
        "{ instance { needsSetUp } syncRun(id: \"x\") { id } }",
    )
    .await;
    assert_eq!((heard.status, heard.code()), (200, "NOT_FOUND"));
    assert_eq!(heard.body["data"]["instance"]["needsSetUp"], false);
    let heard = ask(&app, &secret, "{ syncRun(id: \"x\") { id } }").await;
    assert_eq!(heard.status, 404);
    let heard = ask(&app, &secret, "{ agents { nodes { id } } }").await;
    assert_eq!((heard.status, heard.code()), (403, "MISSING_SCOPE"));
    let heard = ask(&app, &secret, "{ no such document").await;
    assert_eq!((heard.status, heard.code()), (400, "QUERY_REFUSED"));
}

/// A2: a key in an address is refused on every route and says why, however it is spelt; so is the query's token.
#[tokio::test]
async fn a_key_in_an_address_is_refused() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let spelt = secret.replace("bvai_sk_", "bvai%5Fsk%5F");
    for (method, path) in [
        (Method::POST, format!("/graphql?key={secret}")),
        (
            Method::POST,
            format!("/graphql?access_token=Bearer%20{spelt}"),
        ),
        (Method::GET, format!("/graphql?{secret}")),
        (Method::POST, format!("/api/v1/keys/exposed?key={secret}")),
        (Method::POST, format!("/api/v1/calls/{secret}")),
        (Method::GET, format!("/settings/{spelt}")),
        (Method::GET, format!("/healthz?k={secret}")),
    ] {
        let request = app.nobody().request(method, &path).bearer_auth(&secret);
        let heard = send(request.json(&json!({ "query": NAME }))).await;
        assert_eq!(
            (heard.status, heard.code()),
            (400, "QUERY_REFUSED"),
            "{path}"
        );
        assert!(
            heard.text.contains("Authorization: Bearer"),
            "{}",
            heard.text
        );
        assert!(!heard.text.contains(&secret[8..16]));
    }
    // It is still the agency's own to rotate.
    assert_eq!(status(&app, &secret).await, 200);
}

/// A2, H1: with the header the cookie counts for nothing, in either direction; a key needs no origin, and a cookie needs it
/// as before.
#[tokio::test]
async fn beside_a_key_the_cookie_counts_for_nothing() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let (_, secret) = generate(&owner, "Default", &["READ"]).await;
    let body = json!({ "query": "mutation { createClient(input: { name: \"Bayview\" }) { client { name } } }" });
    let post = |client: &TestClient| client.request(Method::POST, "/graphql").json(&body);
    let heard = send(post(&owner).bearer_auth(&secret)).await;
    assert_eq!((heard.status, heard.code()), (403, "MISSING_SCOPE"));
    assert!(heard.headers.get("set-cookie").is_none());
    let heard = send(post(&owner).bearer_auth("bvai_sk_none")).await;
    assert_eq!(heard.status, 401);
    let evil = "https://evil.example.com";
    let heard = send(post(&owner).header("origin", evil)).await;
    assert_eq!(heard.status, 403);
    assert!(heard.text.contains("another site"));
    let heard = send(script(&app, &secret, NAME).header("origin", evil)).await;
    assert_eq!(heard.status, 200);
    let heard = send(post(&owner).header("origin", evil).bearer_auth("x")).await;
    assert_eq!(heard.status, 401);
    assert_eq!(
        owner.query("{ clients { totalCount } }").await.ok()["clients"]["totalCount"],
        0
    );
}

/// A7: switching API access off and on keeps the keys.
#[tokio::test]
async fn switching_off_and_on_keeps_the_keys() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(
        switch(&admin, false).await,
        json!({ "isOn": false, "isInPlan": true })
    );
    assert_eq!(status(&app, &secret).await, 403);
    assert_eq!(super::listed(&admin).await[0]["state"], "ACTIVE");
    switch(&admin, true).await;
    assert_eq!(status(&app, &secret).await, 200);
}

/// A3, A8: a key is never more than its creator is at that moment; of one who left, is suspended or has become a client's
/// person it is refused like a revoked one.
#[tokio::test]
async fn a_key_is_never_more_than_its_creator() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ", "KEYS_MANAGE"]).await;
    let person = admin.user_id.clone().unwrap();
    let versions = "{ providerKeyVersions(provider: VAPI) { version } }";
    assert_eq!(ask(&app, &secret, versions).await.status, 200);
    admin::set_role(&app.app, &app.agency, &person, Role::Staff)
        .await
        .unwrap();
    let heard = ask(&app, &secret, versions).await;
    assert_eq!((heard.status, heard.code()), (403, "FORBIDDEN"));
    assert_eq!(status(&app, &secret).await, 200);
    admin::set_suspended(&app.app, &person, true).await.unwrap();
    assert_eq!(status(&app, &secret).await, 401);
    admin::set_suspended(&app.app, &person, false)
        .await
        .unwrap();
    assert_eq!(status(&app, &secret).await, 200);
    let set = |what: &str| format!("UPDATE memberships SET {what} WHERE user_id = '{person}'");
    app.sql(&set("role = 'portal'")).await;
    assert_eq!(status(&app, &secret).await, 401);
    app.sql(&set("role = 'admin', joined_at = NULL")).await;
    assert_eq!(status(&app, &secret).await, 401);
    app.sql(&format!(
        "DELETE FROM memberships WHERE user_id = '{person}'"
    ))
    .await;
    let heard = ask(&app, &secret, NAME).await;
    assert_eq!(heard.status, 401);
    assert!(heard.text.contains("unknown or revoked"), "{}", heard.text);
    assert_eq!(app.app.guard_alarm.count(), 0);
}

/// A8: what one server revokes or switches off, another refuses at its next request.
#[tokio::test]
async fn a_revocation_holds_on_every_replica() {
    let here = TestApp::new().await;
    let there = here.replica(true).await;
    let admin = here.user(Role::Admin).await;
    let (key, secret) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(status(&there, &secret).await, 200);
    switch(&admin, false).await;
    assert_eq!(status(&there, &secret).await, 403);
    switch(&admin, true).await;
    assert_eq!(status(&there, &secret).await, 200);
    revoke(&admin, &key).await.ok();
    assert_eq!(status(&there, &secret).await, 401);
}

/// P6: a key reads the schema, as the agency's own people do.
#[tokio::test]
async fn a_key_reads_the_schema() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let heard = ask(&app, &secret, "{ __schema { queryType { name } } }").await;
    assert_eq!(heard.body["data"]["__schema"]["queryType"]["name"], "Query");
}

/// A2: a proxy's own password in the header locks people out, and the answer says whose header it is and what to do, without
/// repeating it.
#[tokio::test]
async fn a_proxys_password_is_told_from_a_key() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let post = || {
        let request = owner.request(Method::POST, "/graphql");
        request.json(&json!({ "query": NAME }))
    };
    let password = "open-sesame-9Kd";
    let heard = send(post().basic_auth("proxy", Some(password))).await;
    assert_eq!((heard.status, heard.code()), (401, "UNAUTHENTICATED"));
    for words in ["(Basic)", "have the proxy take the header away"] {
        assert!(heard.text.contains(words), "{}", heard.text);
    }
    assert!(!heard.text.contains(password));
    // Taken away, people are in again.
    assert_eq!(send(post()).await.status, 200);
}
