//! A3: last use, and requests and errors per day.

use std::time::Duration;

use ringfence::{access::Role, api_keys::usage};
use serde_json::{Value, json};

use super::{ask, generate, listed, status, switch};
use crate::harness::TestApp;

fn of<'a>(keys: &'a [Value], name: &str) -> &'a Value {
    keys.iter().find(|key| key["name"] == name).unwrap()
}

/// A3: requests and errors are counted per key and UTC day, and the last use is told; what is refused with 403 or 429 was a
/// request too, and an unknown key is nobody's.
#[tokio::test]
async fn requests_and_errors_are_counted_by_day() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    generate(&admin, "Idle", &["READ"]).await;
    for _ in 0..3 {
        assert_eq!(status(&app, &secret).await, 200);
    }
    assert_eq!(ask(&app, &secret, "{ apiKeys { id } }").await.status, 403);
    assert_eq!(status(&app, "bvai_sk_none").await, 401);
    // Until the counts are written, nothing is told.
    assert_eq!(
        of(&listed(&admin).await, "Default")["lastUsedAt"],
        Value::Null
    );
    usage::write(&app.app).await;
    app.advance(Duration::from_hours(12));
    switch(&admin, false).await;
    assert_eq!(status(&app, &secret).await, 403);
    switch(&admin, true).await;
    assert_eq!(status(&app, &secret).await, 200);
    usage::write(&app.app).await;
    assert_eq!(status(&app, &secret).await, 200);
    usage::write(&app.app).await;
    let keys = listed(&admin).await;
    let used = of(&keys, "Default");
    assert_eq!(used["lastUsedAt"], "2026-01-16T00:00:00.000Z");
    let days = json!([
        { "date": "2026-01-16", "requestCount": 3, "errorCount": 1 },
        { "date": "2026-01-15", "requestCount": 4, "errorCount": 1 },
    ]);
    assert_eq!(used["usage"], days);
    let idle = of(&keys, "Idle");
    assert_eq!(
        (&idle["lastUsedAt"], &idle["usage"]),
        (&Value::Null, &json!([]))
    );
    let today = admin
        .query("{ apiKeys { name usage(days: 1) { date } } }")
        .await
        .ok();
    let today = today["apiKeys"].as_array().unwrap();
    assert_eq!(
        of(today, "Default")["usage"],
        json!([{ "date": "2026-01-16" }])
    );
    for days in [0, 91] {
        let refused = admin
            .query(&format!(
                "{{ apiKeys {{ usage(days: {days}) {{ date }} }} }}"
            ))
            .await;
        assert_eq!(refused.errors[0]["extensions"]["field"], "days");
    }
}

/// A3: counts that cannot be written are kept and written later, beside what came meanwhile; requests do not wait for it.
#[tokio::test]
async fn counts_that_cannot_be_written_are_kept() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(status(&app, &secret).await, 200);
    app.database.refuse_rows("api_key_days").await;
    usage::write(&app.app).await;
    assert_eq!(status(&app, &secret).await, 200);
    usage::write(&app.app).await;
    assert_eq!(of(&listed(&admin).await, "Default")["usage"], json!([]));
    app.database.accept_rows("api_key_days").await;
    assert_eq!(status(&app, &secret).await, 200);
    usage::write(&app.app).await;
    let keys = listed(&admin).await;
    assert_eq!(of(&keys, "Default")["usage"][0]["requestCount"], 3);
}

/// A3: a clock that is set back leaves no use in the future: neither a last use nor a day that has not come.
#[tokio::test]
async fn a_clock_set_back_leaves_no_use_in_the_future() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, written) = generate(&admin, "Written", &["READ"]).await;
    let (_, waiting) = generate(&admin, "Waiting", &["READ"]).await;
    app.advance(Duration::from_hours(25));
    assert_eq!(status(&app, &written).await, 200);
    usage::write(&app.app).await;
    assert_eq!(status(&app, &waiting).await, 200);
    app.set_back(Duration::from_hours(25));
    assert_eq!(status(&app, &written).await, 200);
    usage::write(&app.app).await;
    let keys = listed(&admin).await;
    for name in ["Written", "Waiting"] {
        let key = of(&keys, name);
        assert_eq!(key["lastUsedAt"], "2026-01-15T12:00:00.000Z", "{name}");
        let today = json!([{ "date": "2026-01-15", "requestCount": 1, "errorCount": 0 }]);
        assert_eq!(key["usage"], today, "{name}");
    }
}
