//! A3: rotating keys, at once, with an overlap, and under load; revoking them.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use ringfence::access::Role;

use super::{generate, listed, revoke, rotate, status, try_to_rotate};
use crate::harness::{Settings, TestApp};

/// A3: a rotated key has name, scopes and expiry of the old one, which is refused from then on.
#[tokio::test]
async fn a_rotated_key_is_refused_at_once() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, old) = generate(&admin, "Default", &["READ", "CALLS_TRIGGER"]).await;
    let (new_key, new, previous) = rotate(&admin, &key, 0).await;
    assert_ne!(old, new);
    for field in ["name", "scopes", "expiresAt"] {
        assert_eq!(key[field], new_key[field], "{field}");
    }
    assert_eq!(previous["state"], "REPLACED");
    assert_eq!(
        (status(&app, &old).await, status(&app, &new).await),
        (401, 200)
    );
    let again = try_to_rotate(&admin, &key, None).await;
    assert_eq!(again.code(), "CONFLICT");
}

/// A3: an overlap lets both keys in until its end, and no longer than 72 hours; the next rotation ends it before.
#[tokio::test]
async fn an_overlap_lets_both_in_until_its_end() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, old) = generate(&admin, "Default", &["READ"]).await;
    for hours in [73, -1] {
        let refused = try_to_rotate(&admin, &key, Some(hours)).await;
        assert_eq!(refused.code(), "INVALID_INPUT");
        assert_eq!(refused.error()["extensions"]["field"], "overlapHours");
    }
    let (key, new, previous) = rotate(&admin, &key, 72).await;
    assert_eq!(previous["state"], "ENDING");
    assert_eq!(previous["endsAt"], "2026-01-18T12:00:00.000Z");
    app.advance(Duration::from_hours(72) - Duration::from_secs(1));
    assert_eq!(
        (status(&app, &old).await, status(&app, &new).await),
        (200, 200)
    );
    app.advance(Duration::from_secs(1));
    assert_eq!(
        (status(&app, &old).await, status(&app, &new).await),
        (401, 200)
    );
    let (key, newer, _) = rotate(&admin, &key, 24).await;
    assert_eq!(
        (status(&app, &new).await, status(&app, &newer).await),
        (200, 200)
    );
    let (_, newest, _) = rotate(&admin, &key, 24).await;
    assert_eq!(status(&app, &new).await, 401);
    assert_eq!(
        (status(&app, &newer).await, status(&app, &newest).await),
        (200, 200)
    );
}

/// A3: revoking the key in use ends what overlaps with it; revoking the one that overlaps leaves the new one.
#[tokio::test]
async fn a_revoked_key_takes_its_overlap_with_it() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, first) = generate(&admin, "Default", &["READ"]).await;
    let (new_key, second, _) = rotate(&admin, &key, 24).await;
    let gone = revoke(&admin, &key).await.ok();
    assert_eq!(gone["revokeApiKey"]["apiKey"]["state"], "REVOKED");
    assert_eq!(
        (status(&app, &first).await, status(&app, &second).await),
        (401, 200)
    );
    let (newest_key, third, _) = rotate(&admin, &new_key, 24).await;
    revoke(&admin, &newest_key).await.ok();
    assert_eq!(
        (status(&app, &second).await, status(&app, &third).await),
        (401, 401)
    );
    assert!(
        listed(&admin)
            .await
            .iter()
            .all(|key| key["state"] == "REVOKED")
    );
}

/// What of the rotations has happened, so that each request knows what it may be answered.
#[derive(Default)]
struct Rotations {
    /// The keys that were answered, oldest first.
    secrets: Mutex<Vec<String>>,
    /// Rotations that were asked for.
    begun: AtomicUsize,
    /// Requests that only one answer was right for: with the newest key, and with the one before it.
    passed: AtomicUsize,
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Rotations {
    /// Sends with the newest key and with the one before it, until it is over.
    async fn load(&self, app: &TestApp) {
        while !self.is_over.load(SeqCst) {
            let secrets = self.secrets.lock().unwrap().clone();
            let newest = secrets.len() - 1;
            let heard = status(app, &secrets[newest]).await;
            // With no rotation asked for since it was sent, the newest is let in.
            if self.begun.load(SeqCst) == newest {
                assert_eq!(heard, 200, "the key of rotation {newest}");
                self.passed.fetch_add(1, SeqCst);
            }
            if let Some(before) = newest.checked_sub(1) {
                assert_eq!(status(app, &secrets[before]).await, 401, "a key of before");
                self.refused.fetch_add(1, SeqCst);
            }
        }
    }

    /// Waits until so many more requests have had their one answer.
    async fn more(&self, count: usize) {
        let of = [&self.passed, &self.refused];
        let is_refusing = self.begun.load(SeqCst) > 0;
        let due = of.map(|counted| counted.load(SeqCst) + count);
        while self.passed.load(SeqCst) < due[0]
            || (is_refusing && self.refused.load(SeqCst) < due[1])
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A3, A8: under load, from the moment that a rotation is answered no request with the old key is let in, and at no time one
/// with the new key is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_old_key_passes_and_no_new_one_fails() {
    let app = TestApp::with(Settings {
        api_requests: Some("agency=100000"),
        api_requests_of_agency: Some("agency=100000"),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    let (mut key, secret) = generate(&admin, "Default", &["READ"]).await;
    let rotations = Rotations::default();
    rotations.secrets.lock().unwrap().push(secret);
    let rotating = async {
        for _ in 0..5 {
            rotations.more(12).await;
            rotations.begun.fetch_add(1, SeqCst);
            let (new_key, new, _) = rotate(&admin, &key, 0).await;
            rotations.secrets.lock().unwrap().push(new);
            key = new_key;
        }
        rotations.more(12).await;
        rotations.is_over.store(true, SeqCst);
    };
    let load = join_all((0..8).map(|_| rotations.load(&app)));
    tokio::join!(load, rotating);
}

/// A3: of two rotations at once one is made and the other refused, and one key is in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_rotations_at_once_one_is_refused() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, _) = generate(&admin, "Default", &["READ"]).await;
    let (one, other) = tokio::join!(
        try_to_rotate(&admin, &key, None),
        try_to_rotate(&admin, &key, None)
    );
    let refused: Vec<_> = [&one, &other]
        .into_iter()
        .filter(|answer| !answer.errors.is_empty())
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].code(), "CONFLICT");
    let states: Vec<_> = listed(&admin)
        .await
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    assert_eq!(states, ["ACTIVE", "REPLACED"]);
}

/// A8, A5: a key is asked about when the whole request is there: what is revoked while the body comes in carries out nothing.
#[tokio::test]
async fn a_held_back_body_does_not_outlive_a_revocation() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, secret) = generate(&admin, "Default", &["AGENTS_MANAGE"]).await;
    let document =
        r#"{"query":"mutation { createClient(input: {name: \"Late\"}) { client { id } } }"}"#;
    let (first, rest) = document.split_at(5);
    let mut socket = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{first}",
        app.address,
        document.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // So that the server has begun to read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    revoke(&admin, &key).await;
    socket.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let made = admin.query("{ clients { totalCount } }").await.ok();
    assert_eq!(made["clients"]["totalCount"], 0);
}

/// A3: a name never gains scopes by itself: generated again after its key was revoked, it has those of that key.
#[tokio::test]
async fn a_name_keeps_its_scopes_after_its_key_has_ended() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, _) = generate(&admin, "Reports", &["READ"]).await;
    revoke(&admin, &key).await;
    let query = "mutation { generateApiKey(input: { name: \"Reports\" }) { apiKey { scopes } } }";
    let again = admin.query(query).await.ok();
    assert_eq!(
        again["generateApiKey"]["apiKey"]["scopes"],
        serde_json::json!(["READ"])
    );
}
