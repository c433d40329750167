//! Subscriptions over graphql-transport-ws: who may open a socket (H1), what ends it (H3), and what it carries (S2).

use std::time::{Duration, Instant};

use ringfence::{access::Role, accounts::admin};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};

use crate::harness::{Frame, Settings, TestApp, TestClient, TestSocket, keys};

/// An id that nobody has, of the form that ours have.
const ABSENT: &str = "01890000-0000-7000-8000-00000000dead";

fn watching(run: &str) -> String {
    format!(
        "subscription {{ syncProgress(syncRunId: \"{run}\") {{ state phase done agentCount }} }}"
    )
}

/// The status of a refused upgrade.
async fn refused(app: &TestApp, client: &TestClient, origin: Option<&str>) -> StatusCode {
    match TestSocket::open(app, client, origin).await {
        Ok(_) => panic!("the upgrade was taken"),
        Err(Error::Http(response)) => response.status(),
        Err(error) => panic!("{error}"),
    }
}

/// The close code, with the messages before it passed over.
async fn closing(socket: &mut TestSocket) -> u16 {
    loop {
        if let Frame::Closed(code) = socket.next().await {
            return code;
        }
    }
}

/// The next message for this subscription.
async fn message(socket: &mut TestSocket, id: &str) -> Value {
    loop {
        match socket.next().await {
            Frame::Json(message) if message["id"] == id => return message,
            Frame::Json(_) => {}
            Frame::Closed(code) => panic!("closed with {code}"),
        }
    }
}

/// The code of the first error for this subscription, which has no data.
async fn refusal(socket: &mut TestSocket, id: &str) -> String {
    let message = message(socket, id).await;
    let payload = &message["payload"];
    let errors = if payload.is_array() {
        payload
    } else {
        &payload["errors"]
    };
    assert!(payload["data"].is_null(), "{message}");
    assert!(
        errors[0]["extensions"]["requestId"].is_string(),
        "{message}"
    );
    errors[0]["extensions"]["code"].as_str().unwrap().to_owned()
}

/// A running import: its pages are slow.
async fn slow_run(app: &TestApp, client: &TestClient) -> String {
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(700));
    let saved = client.save_key(keys::GOOD, None).await.ok();
    saved["saveProviderKey"]["syncRun"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// H1: an upgrade is taken from the public URL's own pages alone: a foreign or absent origin is refused.
#[tokio::test]
async fn an_upgrade_from_another_origin_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example.com"),
        Some("http://127.0.0.1:1"),
        Some("http://127.0.0.1.evil.example.com"),
    ] {
        assert_eq!(
            refused(&app, &staff, origin).await,
            StatusCode::FORBIDDEN,
            "{origin:?}"
        );
    }
    let secured = TestApp::with(Settings {
        public_url: Some("https://keys.example.com"),
        ..Settings::default()
    })
    .await;
    let own = secured.url("");
    assert_eq!(
        refused(&secured, &staff, Some(&own)).await,
        StatusCode::FORBIDDEN
    );
    assert!(
        TestSocket::open(&secured, &staff, Some("https://keys.example.com"))
            .await
            .is_ok()
    );
}

/// H3: a socket without a session is closed with 4401, and one for an agency that the viewer does not belong to with
/// 4404, whether there is such an agency or not.
#[tokio::test]
async fn a_socket_is_for_members_of_the_agency() {
    let app = TestApp::new().await;
    let mut nobody = app.nobody();
    nobody.agency = Some(app.agency.clone());
    assert_eq!(
        closing(&mut TestSocket::connect(&app, &nobody).await).await,
        4401
    );
    let mut stranger = app.stranger(Role::Owner).await;
    for agency in [app.agency.as_str(), "no-such-agency"] {
        stranger.agency = Some(agency.to_owned());
        let code = closing(&mut TestSocket::connect(&app, &stranger).await).await;
        assert_eq!(code, 4404, "{agency}");
    }
}

/// H3: nothing is served before the hello.
#[tokio::test]
async fn a_subscription_before_the_hello_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let origin = app.url("");
    let mut socket = TestSocket::open(&app, &staff, Some(&origin)).await.unwrap();
    socket.subscribe("1", &watching(ABSENT)).await;
    assert_eq!(closing(&mut socket).await, 4401);
}

/// H3: whoever does not say hello is not kept, so that nobody holds sockets without a session.
#[tokio::test]
async fn a_socket_without_a_hello_is_closed() {
    let app = TestApp::new().await;
    let origin = app.url("");
    let mut socket = TestSocket::open(&app, &app.nobody(), Some(&origin))
        .await
        .unwrap();
    assert_eq!(closing(&mut socket).await, 4408);
}

/// H3: a frame longer than any message is not waited for, so that nobody fills the memory, not even before the hello.
#[tokio::test]
async fn a_frame_that_is_too_long_is_not_read() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    let mut socket = TestSocket::open(&app, &nobody, Some(&app.url("")))
        .await
        .unwrap();
    let began = Instant::now();
    socket.announce(1024 * 1024).await;
    assert_ne!(closing(&mut socket).await, 4408);
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// H3: log-out, suspension and another role each end an open socket within two seconds, with the code that tells why.
#[tokio::test]
async fn a_socket_ends_with_the_session_and_with_the_role() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let run = slow_run(&app, &owner).await;
    let (leaving, suspended, demoted) = (
        app.user(Role::Staff).await,
        app.user(Role::Staff).await,
        app.user(Role::Admin).await,
    );
    let mut sockets = Vec::new();
    for client in [&leaving, &suspended, &demoted, &owner] {
        let mut socket = TestSocket::connected(&app, client).await;
        socket.subscribe("1", &watching(&run)).await;
        assert_eq!(message(&mut socket, "1").await["type"], "next");
        sockets.push(socket);
    }
    let began = Instant::now();
    leaving
        .query("mutation { logOut { isLoggedOut } }")
        .await
        .ok();
    admin::set_suspended(&app.app, suspended.user_id.as_ref().unwrap(), true)
        .await
        .unwrap();
    admin::set_role(
        &app.app,
        &app.agency,
        demoted.user_id.as_ref().unwrap(),
        Role::Staff,
    )
    .await
    .unwrap();
    let codes = [4401, 4401, 4403];
    for (socket, code) in sockets.iter_mut().zip(codes) {
        assert_eq!(closing(socket).await, code);
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    // Nobody else's socket ended with them.
    assert_eq!(message(&mut sockets[3], "1").await["type"], "next");
    app.sandbox.control().set_page_delay(Duration::ZERO);
    app.settle().await;
}

/// H3: the 21st subscription on a socket ends it with 4429; twenty are served, and an ended one makes room.
#[tokio::test]
async fn a_socket_carries_twenty_subscriptions() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let run = slow_run(&app, &owner).await;
    let mut socket = TestSocket::connected(&app, &owner).await;
    for number in 0..20 {
        socket.subscribe(&number.to_string(), &watching(&run)).await;
    }
    assert_eq!(message(&mut socket, "19").await["type"], "next");
    socket.send(json!({ "id": "0", "type": "complete" })).await;
    socket.subscribe("20", &watching(&run)).await;
    assert_eq!(message(&mut socket, "20").await["type"], "next");
    socket.subscribe("21", &watching(&run)).await;
    assert_eq!(closing(&mut socket).await, 4429);
    app.sandbox.control().set_page_delay(Duration::ZERO);
    app.settle().await;
}

/// H3: subscriptions that ended by themselves make room too, so that a page that stays open is never cut off.
#[tokio::test]
async fn ended_subscriptions_are_not_counted() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let mut socket = TestSocket::connected(&app, &staff).await;
    for number in 0..25 {
        let id = number.to_string();
        socket.subscribe(&id, &watching(ABSENT)).await;
        assert_eq!(refusal(&mut socket, &id).await, "NOT_FOUND");
    }
}

/// H1, H3: queries and mutations go by POST; over the socket they are refused and change nothing. The limits on documents
/// hold there as they do for POST.
#[tokio::test]
async fn a_socket_serves_subscriptions_within_the_limits_alone() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let mut socket = TestSocket::connected(&app, &staff).await;
    let event = format!("syncProgress(syncRunId: \"{ABSENT}\")");
    let aliases: Vec<String> = (0..31).map(|n| format!("a{n}: state")).collect();
    let directives = "@include(if: true) ".repeat(11);
    let doubling: Vec<String> = (1..28)
        .map(|n| format!("fragment F{n} on SyncRun {{ ...F{0} ...F{0} }}", n - 1))
        .collect();
    let doubling = doubling.join(" ");
    for (number, query) in [
        "{ viewer { person { id } } }".to_owned(),
        "mutation { logOut { isLoggedOut } }".to_owned(),
        "query A { __typename } subscription B { syncProgress(syncRunId: \"x\") { id } }"
            .to_owned(),
        format!("subscription {{ {event} {{ {} }} }}", aliases.join(" ")),
        format!("subscription {{ {event} {{ state {directives} }} }}"),
        "subscription { syncProgress(syncRunId: \"x\") { noSuchField } }".to_owned(),
        "subscription {".to_owned(),
        format!(
            "fragment F0 on SyncRun {{ id }} {doubling} subscription {{ {event} {{ ...F27 }} }}"
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let id = number.to_string();
        socket.subscribe(&id, &query).await;
        assert_eq!(refusal(&mut socket, &id).await, "QUERY_REFUSED", "{query}");
    }
    assert!(!staff.query("{ viewer { person { id } } }").await.ok()["viewer"].is_null());
}

/// S2: everybody who sees that keys work can watch an import from its beginning to its end.
#[tokio::test]
async fn an_import_is_watched_to_its_end() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let run = slow_run(&app, &owner).await;
    app.sandbox
        .control()
        .set_page_delay(Duration::from_millis(100));
    for role in Role::AGENCY {
        let watcher = app.user(role).await;
        let mut socket = TestSocket::connected(&app, &watcher).await;
        socket.subscribe("1", &watching(&run)).await;
        let mut states: Vec<String> = Vec::new();
        let mut agents = 0;
        loop {
            let event = message(&mut socket, "1").await;
            if event["type"] == "complete" {
                break;
            }
            let seen = &event["payload"]["data"]["syncProgress"];
            states.push(
                seen["state"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{event}"))
                    .to_owned(),
            );
            let now = seen["agentCount"].as_i64().unwrap();
            assert!(now >= agents, "{event}");
            agents = now;
        }
        states.dedup();
        let whole = ["QUEUED", "RUNNING", "SUCCEEDED"];
        assert!(
            whole.ends_with(&states.iter().map(String::as_str).collect::<Vec<_>>()),
            "{states:?}"
        );
        assert_eq!(agents, 40);
        if role == Role::AGENCY[0] {
            assert!(states.len() > 1, "{states:?}");
        }
    }
    app.settle().await;
}

/// H3: a server that stops says so to its sockets.
#[tokio::test]
async fn a_stopping_server_closes_its_sockets() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let mut socket = TestSocket::connected(&app, &staff).await;
    app.app.shutdown.cancel();
    assert_eq!(closing(&mut socket).await, 1001);
}
