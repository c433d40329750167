//! K3, row by row: which answers of a provider save a key, and what stays when they do not. Each row is tried for a first
//! key and for a replacement.

use std::time::{Duration, Instant};

use ringfence::{
    access::Role,
    sandbox::{Effect, Fault, Sandbox},
};
use serde_json::{Value, json};

use super::{asked, counts, test};
use crate::harness::{TestApp, TestClient, keys};

/// An answer that does not save a key.
struct Refusal {
    name: &'static str,
    key: &'static str,
    fault: Option<Fault>,
    code: &'static str,
    says: &'static str,
    retry_after_ms: Option<u64>,
}

fn refusals() -> Vec<Refusal> {
    let row = |name, key, code, says| Refusal {
        name,
        key,
        fault: None,
        code,
        says,
        retry_after_ms: None,
    };
    let struck = |name, fault: Fault, code, says| Refusal {
        fault: Some(fault.for_key(keys::SECOND)),
        ..row(name, keys::SECOND, code, says)
    };
    let redirect = Effect::Redirect {
        location: "https://example.com/".to_owned(),
    };
    let unreachable = "PROVIDER_UNREACHABLE";
    let malformed = "PROVIDER_ANSWER_MALFORMED";
    vec![
        row(
            "rejected",
            keys::REVOKED,
            "KEY_REJECTED",
            "refused this key",
        ),
        row(
            "unknown",
            "a-key-that-nobody-knows-4Fd1",
            "KEY_REJECTED",
            "Copy the private key",
        ),
        Refusal {
            retry_after_ms: Some(24_000),
            ..row(
                "rate-limited",
                keys::THROTTLED,
                "PROVIDER_RATE_LIMITED",
                "Try again in 24 seconds",
            )
        },
        struck(
            "rate-limited without a wait",
            Fault::status(429),
            "PROVIDER_RATE_LIMITED",
            "Try again in a minute",
        ),
        row("down", keys::DOWN, unreachable, "status 500"),
        struck("bad gateway", Fault::status(502), unreachable, "status 502"),
        struck(
            "cut body",
            Fault::new(Effect::CutBody),
            unreachable,
            "broke off",
        ),
        struck(
            "not JSON",
            Fault::new(Effect::NotJson),
            malformed,
            "does not understand",
        ),
        struck(
            "wrong shape",
            Fault::new(Effect::WrongShape),
            malformed,
            "does not understand",
        ),
        struck(
            "redirect",
            Fault::new(redirect),
            malformed,
            "does not understand",
        ),
        struck(
            "teapot",
            Fault::status(418),
            malformed,
            "does not understand",
        ),
    ]
}

/// Tries a row and checks what the refusal says.
async fn try_row(
    app: &TestApp,
    admin: &TestClient,
    row: &Refusal,
    expected_version: Option<i64>,
    kept: &str,
) {
    // A row must not run into the limit on attempts.
    app.advance(Duration::from_secs(3600));
    if let Some(fault) = &row.fault {
        app.sandbox.control().inject(fault.clone());
    }
    let refused = admin.save_key(row.key, expected_version).await;
    app.sandbox.control().clear_faults();
    let name = row.name;
    assert_eq!(refused.code(), row.code, "{name}");
    let message = refused.message();
    assert!(message.contains("Vapi"), "{name}: {message}");
    assert!(message.contains(row.says), "{name}: {message}");
    assert!(message.contains(kept), "{name}: {message}");
    let extensions = &refused.error()["extensions"];
    assert_eq!(
        extensions["retryAfterMs"],
        json!(row.retry_after_ms),
        "{name}"
    );
    let field = if row.code == "KEY_REJECTED" {
        json!("apiKey")
    } else {
        Value::Null
    };
    assert_eq!(extensions["field"], field, "{name}");
    assert!(refused.data["saveProviderKey"].is_null(), "{name}");
    assert!(
        !refused.error().to_string().contains(row.key),
        "{name} repeats the key"
    );
}

/// K3: rejected, rate-limited, unreachable, malformed: a first key is not saved, and the answer says which it was.
#[tokio::test]
async fn a_first_key_that_is_not_accepted_is_not_saved() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    for row in refusals() {
        let before = counts(&admin).await;
        try_row(&app, &admin, &row, None, "Nothing was saved").await;
        let after = counts(&admin).await;
        assert_eq!((after.keys, after.runs), (0, 0), "{}", row.name);
        assert_eq!(after.entries, before.entries + 1, "{}", row.name);
        assert_eq!(after.newest_action, "provider_key.refused", "{}", row.name);
    }
    let rows = app.sql("SELECT 1 FROM provider_key_versions").await;
    assert!(rows.is_empty());
    assert_eq!(admin.import(&app).await["version"], 1);
}

/// K3: the same for a replacement: the key that was there stays in use, and still opens the provider.
#[tokio::test]
async fn a_replacement_that_is_not_accepted_leaves_the_key_in_use() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let before = admin.key().await;
    for row in refusals() {
        try_row(
            &app,
            &admin,
            &row,
            Some(1),
            "The key that was here (…k7Qd) is still in use",
        )
        .await;
        assert_eq!(admin.key().await, before, "{}", row.name);
        assert_eq!(counts(&admin).await.runs, 1, "{}", row.name);
        app.sandbox.control().clear_requests();
        let tested = test(&admin, &before).await.ok();
        let key = &tested["testProviderKey"]["providerKey"];
        assert_eq!(key["health"], "VALID", "{}", row.name);
        let requests = asked(&app);
        assert!(
            !requests.is_empty() && requests.iter().all(|request| request.ends_with("k7Qd")),
            "{}: {requests:?}",
            row.name
        );
        // What the test wrote is not part of the comparison.
        app.sql(
            "UPDATE provider_keys SET checked_at = (SELECT saved_at FROM provider_key_versions)",
        )
        .await;
    }
    let versions = app.sql("SELECT 1 FROM provider_key_versions").await;
    assert_eq!(versions.len(), 1);
}

/// K3: works, lacks a permission, is out of funds: saved with that health, as a first key and as a replacement.
#[tokio::test]
async fn an_accepted_key_is_saved_with_what_the_check_found() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let rows = [
        (keys::GOOD, "VALID", Value::Null),
        (keys::LIMITED, "LIMITED", json!("Forbidden resource")),
        (keys::NO_FUNDS, "NO_FUNDS", json!("Billing Limits Exceeded")),
    ];
    for (key, health, message) in &rows {
        let stranger = app.stranger(Role::Admin).await;
        let saved = stranger.save_key(key, None).await.ok();
        let saved = &saved["saveProviderKey"]["providerKey"];
        assert_eq!(saved["health"], *health);
        assert_eq!(saved["healthMessage"], *message);
        assert_eq!(saved["version"], 1);
    }
    for (number, (key, health, message)) in (1..).zip(&rows) {
        let version = (number > 1).then(|| number - 1);
        let saved = admin.save_key(key, version).await.ok();
        let saved = &saved["saveProviderKey"];
        assert_eq!(saved["providerKey"]["health"], *health);
        assert_eq!(saved["providerKey"]["healthMessage"], *message);
        assert_eq!(saved["providerKey"]["version"], number);
        assert_eq!(saved["providerKey"]["isReadable"], true);
        assert!(saved["syncRun"]["id"].is_string());
    }
    app.settle().await;
}

/// K3: a key that may list nothing is saved as limited, and no sync is started that could only fail.
#[tokio::test]
async fn a_key_that_may_list_nothing_starts_no_sync() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .inject(Fault::status(403).for_key(keys::GOOD));
    let saved = admin.save_key(keys::GOOD, None).await.ok()["saveProviderKey"].clone();
    assert_eq!(saved["providerKey"]["health"], "LIMITED");
    assert!(saved["syncRun"].is_null());
    assert_eq!(counts(&admin).await.runs, 0);
}

/// K3, S5: a sync that a replacement ends says whether another one follows.
#[tokio::test]
async fn a_replaced_key_promises_only_a_sync_that_follows() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.set_page_delay(Duration::from_millis(250));
    let promise = async |key: &str, version: i64| {
        admin.save_key(key, Some(version)).await.ok();
        let query = "{ syncRuns { nodes { error { message } } } }";
        let runs = admin.query(query).await.ok()["syncRuns"]["nodes"].clone();
        let runs = runs.as_array().unwrap().iter();
        let mut messages = runs.filter_map(|run| run["error"]["message"].as_str());
        messages.next().unwrap().to_owned()
    };
    admin.save_key(keys::GOOD, None).await.ok();
    assert_eq!(
        promise(keys::SECOND, 1).await,
        "The key was replaced; a sync with the new key follows."
    );
    control.inject(Fault::status(403).for_key(keys::GOOD));
    assert_eq!(
        promise(keys::GOOD, 2).await,
        "The key was replaced by one that may list neither agents nor numbers; no sync follows."
    );
    app.settle().await;
}

/// K3: a provider that does not answer is unreachable after about ten seconds, and nothing is saved.
#[tokio::test]
async fn a_provider_that_hangs_is_given_up_after_ten_seconds() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox.control().inject(Fault::new(Effect::Hang));
    let began = Instant::now();
    let refused = admin.save_key(keys::GOOD, None).await;
    let took = began.elapsed();
    assert_eq!(refused.code(), "PROVIDER_UNREACHABLE");
    assert!(refused.message().contains("did not answer in time"));
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(13)).contains(&took),
        "{took:?}"
    );
    assert_eq!(counts(&admin).await.keys, 0);
}

/// K3: a provider that nothing listens for is unreachable at once.
#[tokio::test]
async fn a_provider_that_cannot_be_reached_saves_nothing() {
    let mut app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let elsewhere = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    std::mem::replace(&mut app.sandbox, elsewhere).stop().await;
    let refused = admin.save_key(keys::SECOND, Some(1)).await;
    assert_eq!(refused.code(), "PROVIDER_UNREACHABLE");
    assert!(refused.message().contains("could not be reached"));
    assert!(refused.message().contains("(…k7Qd) is still in use"));
    let key = admin.key().await;
    assert_eq!(
        (&key["version"], &key["health"]),
        (&json!(1), &json!("VALID"))
    );
}

/// K14: a redirect is not followed: nothing arrives where it points, the key least of all.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let target = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    for path in ["vapi/assistant?limit=1", "vapi/phone-number"] {
        app.sandbox.control().clear_faults();
        let location = format!("http://{}/{path}", target.address());
        app.sandbox
            .control()
            .inject(Fault::new(Effect::Redirect { location }));
        let refused = admin.save_key(keys::GOOD, None).await;
        assert_eq!(refused.code(), "PROVIDER_ANSWER_MALFORMED");
    }
    assert!(target.control().requests().is_empty());
    // The same behind the first answer: a key whose other probes are redirected is saved, and they stay unknown.
    app.sandbox.control().clear_faults();
    let location = format!("http://{}/vapi/phone-number", target.address());
    let fault = Fault::new(Effect::Redirect { location }).on("/vapi/phone-number");
    app.sandbox.control().inject(fault);
    let saved = admin.save_key(keys::GOOD, None).await.ok();
    app.settle().await;
    let capabilities = &saved["saveProviderKey"]["providerKey"]["capabilities"];
    assert_eq!(capabilities[1]["state"], "UNKNOWN");
    assert!(target.control().requests().is_empty());
}
