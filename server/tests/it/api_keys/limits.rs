//! A5: how many requests are let through, what every answer says of it, and who is counted together.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use ringfence::access::Role;

use super::{NAME, ask, generate, rotate, script, send, status};
use crate::harness::{Settings, TestApp};

async fn limited(per_key: &'static str, per_agency: Option<&'static str>) -> TestApp {
    TestApp::with(Settings {
        api_requests: Some(per_key),
        api_requests_of_agency: per_agency,
        ..Settings::default()
    })
    .await
}

/// A5: of a burst a hundred requests are let through, each with what is left; the next is 429 with the wait, is not counted,
/// and passes when the first has left the window.
#[tokio::test]
async fn a_burst_is_stopped_at_a_hundred() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    for number in 0..100 {
        let heard = ask(&app, &secret, NAME).await;
        assert_eq!(heard.status, 200, "{number}");
        assert_eq!(heard.header("ratelimit-limit"), "100");
        assert_eq!(
            heard.header("ratelimit-remaining"),
            (99 - number).to_string()
        );
        assert_eq!(heard.header("ratelimit-reset"), "60");
        assert!(heard.headers.get("retry-after").is_none());
    }
    app.advance(Duration::from_millis(48_500));
    for _ in 0..3 {
        let heard = ask(&app, &secret, NAME).await;
        assert_eq!((heard.status, heard.code()), (429, "RATE_LIMITED"));
        assert_eq!(heard.header("retry-after"), "12");
        assert_eq!(heard.header("ratelimit-remaining"), "0");
        assert_eq!(
            heard.body["errors"][0]["message"],
            "Rate limit exceeded. Retry after 12 seconds."
        );
        assert_eq!(
            heard.body["errors"][0]["extensions"]["retryAfterMs"],
            11_500
        );
    }
    app.advance(Duration::from_millis(11_500));
    assert_eq!(
        ask(&app, &secret, NAME).await.header("ratelimit-remaining"),
        "99"
    );
}

/// A5: evenly spaced requests at the limit's own pace are never refused; one among them is.
#[tokio::test]
async fn even_spacing_is_let_through() {
    let app = limited("agency=10", None).await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    for number in 0..40 {
        assert_eq!(status(&app, &secret).await, 200, "{number}");
        app.advance(Duration::from_secs(6));
    }
    assert_eq!(status(&app, &secret).await, 200);
    app.advance(Duration::from_secs(3));
    assert_eq!(status(&app, &secret).await, 429);
}

/// A5: what is used at the end of one minute is not there at the beginning of the next: no 60 seconds hold more.
#[tokio::test]
async fn the_edge_of_a_minute_lets_no_more_through() {
    let app = limited("agency=10", None).await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    app.advance(Duration::from_secs(59));
    for _ in 0..10 {
        assert_eq!(status(&app, &secret).await, 200);
    }
    app.advance(Duration::from_secs(2));
    let heard = ask(&app, &secret, NAME).await;
    assert_eq!((heard.status, heard.header("retry-after")), (429, "58"));
    app.advance(Duration::from_secs(58));
    assert_eq!(status(&app, &secret).await, 200);
}

/// A5: a rotated key inherits the count, and so does one that is generated in its place; another name is counted apart.
#[tokio::test]
async fn a_rotated_key_inherits_the_count() {
    let app = limited("agency=3", None).await;
    let admin = app.user(Role::Admin).await;
    let (key, first) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(status(&app, &first).await, 200);
    let (_, second, _) = rotate(&admin, &key, 1).await;
    assert_eq!(status(&app, &second).await, 200);
    assert_eq!(status(&app, &first).await, 200);
    assert_eq!(status(&app, &second).await, 429);
    let (_, third) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(status(&app, &third).await, 429);
    let (_, other) = generate(&admin, "Other", &["READ"]).await;
    assert_eq!(status(&app, &other).await, 200);
}

/// A5: all keys of an agency share its ceiling, another agency's have their own, and people are not counted.
#[tokio::test]
async fn an_agency_has_a_ceiling() {
    let app = limited("agency=5", Some("agency=8")).await;
    let admin = app.user(Role::Admin).await;
    let stranger = app.stranger(Role::Owner).await;
    let (_, one) = generate(&admin, "One", &["READ"]).await;
    let (_, two) = generate(&admin, "Two", &["READ"]).await;
    let (_, theirs) = generate(&stranger, "One", &["READ"]).await;
    for _ in 0..5 {
        assert_eq!(status(&app, &one).await, 200);
    }
    for _ in 0..3 {
        assert_eq!(status(&app, &two).await, 200);
    }
    let heard = ask(&app, &two, NAME).await;
    assert_eq!((heard.status, heard.header("ratelimit-limit")), (429, "8"));
    assert_eq!(status(&app, &theirs).await, 200);
    admin.query(NAME).await.ok();
    let told = admin
        .query("{ apiAccess { requestsPerMinutePerKey requestsPerMinutePerAgency } }")
        .await
        .ok();
    let access = &told["apiAccess"];
    assert_eq!(access["requestsPerMinutePerKey"], 5);
    assert_eq!(access["requestsPerMinutePerAgency"], 8);
}

/// A5: every answer to a key that lives says how it stands, those that refuse something among them.
#[tokio::test]
async fn every_answer_says_what_is_left() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    let plain = || {
        app.nobody()
            .request(Method::POST, "/graphql")
            .bearer_auth(&secret)
    };
    let mut left = 100;
    for (request, status) in [
        (script(&app, &secret, NAME), 200),
        (script(&app, &secret, "{ no"), 400),
        (script(&app, &secret, "{ apiKeys { id } }"), 403),
        (
            script(&app, &secret, NAME).header("ringfence-agency", "none"),
            404,
        ),
        (plain().header("content-type", "text/plain").body("{}"), 415),
        (
            plain()
                .header("content-type", "application/json")
                .body("[]"),
            400,
        ),
    ] {
        let heard = send(request).await;
        left -= 1;
        assert_eq!(heard.status, status, "{heard:?}");
        assert_eq!(heard.header("ratelimit-remaining"), left.to_string());
    }
}

/// A5: of requests that come at the same moment as many are let through as there is room for, and not one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_at_one_moment_is_counted_exactly() {
    let app = limited("agency=10", Some("agency=14")).await;
    let admin = app.user(Role::Admin).await;
    let (_, one) = generate(&admin, "One", &["READ"]).await;
    let (_, two) = generate(&admin, "Two", &["READ"]).await;
    for (secret, let_through) in [(&one, 10), (&two, 4)] {
        let statuses = join_all((0..30).map(|_| status(&app, secret))).await;
        let count = |of: u16| statuses.iter().filter(|status| **status == of).count();
        assert_eq!((count(200), count(429)), (let_through, 30 - let_through));
    }
}

/// A5: a clock that is set back holds a key that has used its window up for a window, and no longer.
#[tokio::test]
async fn a_clock_set_back_shuts_nobody_out_for_long() {
    let app = limited("agency=2", None).await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    for _ in 0..2 {
        assert_eq!(status(&app, &secret).await, 200);
    }
    app.set_back(Duration::from_hours(2));
    let heard = ask(&app, &secret, NAME).await;
    assert_eq!((heard.status, heard.header("retry-after")), (429, "60"));
    app.advance(Duration::from_secs(60));
    assert_eq!(status(&app, &secret).await, 200);
}
