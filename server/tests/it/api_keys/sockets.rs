//! H1, H3: API keys over the socket: who is taken without an origin, what ends it, and what is counted.

use std::time::{Duration, Instant};

use ringfence::{access::Role, accounts::admin, api_keys::usage};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use super::{generate, listed, revoke, switch};
use crate::harness::{Frame, Settings, TestApp, TestClient, TestSocket};

const NOWHERE: &str = "subscription { syncProgress(syncRunId: \"none\") { state } }";

/// Opens a socket as a script does, and says hello with this.
async fn connect(
    app: &TestApp,
    client: &TestClient,
    origin: Option<&str>,
    authorization: &str,
    agency: Option<&str>,
) -> TestSocket {
    let mut socket = TestSocket::open(app, client, origin).await.unwrap();
    let payload = json!({ "authorization": authorization, "agency": agency });
    socket
        .send(json!({ "type": "connection_init", "payload": payload }))
        .await;
    socket
}

async fn closing(socket: &mut TestSocket) -> u16 {
    loop {
        if let Frame::Closed(code) = socket.next().await {
            return code;
        }
    }
}

async fn acknowledged(app: &TestApp, secret: &str) -> TestSocket {
    let mut socket = connect(app, &app.nobody(), None, &format!("Bearer {secret}"), None).await;
    match socket.next().await {
        Frame::Json(message) => assert_eq!(message["type"], "connection_ack", "{message}"),
        Frame::Closed(code) => panic!("closed with {code}"),
    }
    socket
}

/// The code of a subscription's refusal.
async fn refusal(socket: &mut TestSocket, id: &str) -> String {
    refusal_of(socket, id, NOWHERE).await
}

/// The same of another document.
async fn refusal_of(socket: &mut TestSocket, id: &str, document: &str) -> String {
    socket.subscribe(id, document).await;
    loop {
        let Frame::Json(message) = socket.next().await else {
            panic!("the socket was closed")
        };
        if message["id"] == id && message["type"] != "complete" {
            let payload = &message["payload"];
            let errors = if payload.is_array() {
                payload
            } else {
                &payload["errors"]
            };
            return errors[0]["extensions"]["code"].as_str().unwrap().to_owned();
        }
    }
}

/// H1, H3: a script's socket needs neither cookie nor origin and proves itself in its hello; scopes hold there too.
#[tokio::test]
async fn a_script_opens_a_socket_with_its_key() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let mut socket = acknowledged(&app, &secret).await;
    assert_eq!(refusal(&mut socket, "1").await, "NOT_FOUND");
    let (_, calling) = generate(&admin, "Calling", &["CALLS_TRIGGER"]).await;
    let mut socket = acknowledged(&app, &calling).await;
    assert_eq!(refusal(&mut socket, "1").await, "MISSING_SCOPE");
}

/// H1, H3: a socket without a cookie and without a key is nobody's; a foreign page's is refused whatever it brings, and a
/// cookie still needs the origin.
#[tokio::test]
async fn a_socket_without_an_origin_has_no_session() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let mut socket = TestSocket::open(&app, &app.nobody(), None).await.unwrap();
    let payload = json!({ "agency": app.agency });
    socket
        .send(json!({ "type": "connection_init", "payload": payload }))
        .await;
    assert_eq!(closing(&mut socket).await, 4401);
    let foreign = Some("https://evil.example.com");
    for (client, origin) in [(&app.nobody(), foreign), (&admin, foreign), (&admin, None)] {
        match TestSocket::open(&app, client, origin).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403),
            _ => panic!("the upgrade was taken"),
        }
    }
}

/// A4, H3: a key that is none or no more closes the socket with 4401, another agency's name with 4404, an agency without the
/// API with 4403; beside a key the session counts for nothing.
#[tokio::test]
async fn a_refused_hello_says_why() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let own = app.url("");
    let (key, secret) = generate(&admin, "Default", &["READ"]).await;
    let bearer = format!("Bearer {secret}");
    for (authorization, agency, code) in [
        ("Bearer bvai_sk_none", None, 4401),
        (secret.as_str(), None, 4401),
        (bearer.as_str(), Some("no-such-agency"), 4404),
    ] {
        let mut socket = connect(&app, &admin, Some(&own), authorization, agency).await;
        assert_eq!(closing(&mut socket).await, code);
    }
    switch(&admin, false).await;
    let mut socket = connect(&app, &app.nobody(), None, &bearer, None).await;
    assert_eq!(closing(&mut socket).await, 4403);
    switch(&admin, true).await;
    revoke(&admin, &key).await.ok();
    let mut socket = connect(&app, &admin, Some(&own), &bearer, Some(&app.agency)).await;
    assert_eq!(closing(&mut socket).await, 4401);
}

/// A8, H3: a revoked key, a demoted creator and a switched-off API end an open socket within two seconds.
#[tokio::test]
async fn an_open_socket_ends_with_its_key() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let demoted = app.user(Role::Admin).await;
    let (key, revoked) = generate(&owner, "Revoked", &["READ"]).await;
    let (_, of_demoted) = generate(&demoted, "Demoted", &["READ"]).await;
    let (_, kept) = generate(&owner, "Kept", &["READ"]).await;
    let mut sockets = Vec::new();
    for secret in [&revoked, &of_demoted, &kept] {
        sockets.push(acknowledged(&app, secret).await);
    }
    let began = Instant::now();
    revoke(&owner, &key).await.ok();
    let person = demoted.user_id.as_ref().unwrap();
    admin::set_role(&app.app, &app.agency, person, Role::Staff)
        .await
        .unwrap();
    assert_eq!(closing(&mut sockets[0]).await, 4401);
    assert_eq!(closing(&mut sockets[1]).await, 4403);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(refusal(&mut sockets[2], "1").await, "NOT_FOUND");
    switch(&owner, false).await;
    assert_eq!(closing(&mut sockets[2]).await, 4403);
}

/// A5: the hello and each subscription of a key count as a request; without room a hello is closed with 4429.
#[tokio::test]
async fn subscriptions_of_a_key_are_counted() {
    let app = TestApp::with(Settings {
        api_requests: Some("agency=3"),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let mut socket = acknowledged(&app, &secret).await;
    assert_eq!(refusal(&mut socket, "1").await, "NOT_FOUND");
    assert_eq!(refusal(&mut socket, "2").await, "NOT_FOUND");
    assert_eq!(refusal(&mut socket, "3").await, "RATE_LIMITED");
    let mut late = connect(&app, &app.nobody(), None, &format!("Bearer {secret}"), None).await;
    assert_eq!(closing(&mut late).await, 4429);
}

/// A5, A3: a query, a mutation and what is no document are refused on a socket and count as they do over HTTP: against the
/// limit, as a request and as an error.
#[tokio::test]
async fn what_a_socket_refuses_is_counted_too() {
    let app = TestApp::with(Settings {
        api_requests: Some("agency=5"),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let mut socket = acknowledged(&app, &secret).await;
    let documents = [
        "{ agency { slug } }",
        "mutation { logOut { isLoggedOut } }",
        "{ no",
    ];
    for (id, document) in documents.into_iter().enumerate() {
        let code = refusal_of(&mut socket, &id.to_string(), document).await;
        assert_eq!(code, "QUERY_REFUSED", "{document}");
    }
    assert_eq!(refusal(&mut socket, "3").await, "NOT_FOUND");
    let code = refusal_of(&mut socket, "4", "{ agency { slug } }").await;
    assert_eq!(code, "RATE_LIMITED");
    usage::write(&app.app).await;
    let used = &listed(&admin).await[0]["usage"][0];
    // The hello is the one without an error.
    assert_eq!(
        (&used["requestCount"], &used["errorCount"]),
        (&json!(6), &json!(5))
    );
}
