//! Log-in, log-out and what holds at once (H2).

use std::time::Duration;

use ringfence::{access::Role, accounts::admin};
use serde_json::json;

use crate::harness::{PASSWORD, TestApp};

const WHO: &str =
    "{ viewer { person { email } memberships { role permissions agency { slug } } } }";
const LOG_IN: &str =
    "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { name } } } }";

/// H2: log-out ends the session at the server, so that a copied cookie is worth nothing.
#[tokio::test]
async fn a_logged_out_cookie_is_worth_nothing() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let stolen = staff.cookie();
    assert_eq!(
        staff.query(WHO).await.ok()["viewer"]["memberships"][0]["role"],
        "STAFF"
    );
    staff
        .query("mutation { logOut { isLoggedOut } }")
        .await
        .ok();
    assert_eq!(staff.cookie(), None);
    staff.set_cookie(stolen);
    assert!(staff.query(WHO).await.ok()["viewer"].is_null());
}

/// H2: log-out everywhere ends every session of the person and nobody else's.
#[tokio::test]
async fn log_out_everywhere_ends_every_session_of_the_person() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let other = app.user(Role::Staff).await;
    let email = staff.query(WHO).await.ok()["viewer"]["person"]["email"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = app.nobody();
    second.log_in(&email, PASSWORD).await;
    let ended = staff
        .query("mutation { logOutEverywhere { endedCount } }")
        .await
        .ok();
    assert_eq!(ended["logOutEverywhere"]["endedCount"], 2);
    assert!(second.query(WHO).await.ok()["viewer"].is_null());
    assert!(!other.query(WHO).await.ok()["viewer"].is_null());
}

/// H2: suspension holds at the next request.
#[tokio::test]
async fn a_suspended_person_is_nobody_at_once() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    admin::set_suspended(&app.app, staff.user_id.as_ref().unwrap(), true)
        .await
        .unwrap();
    assert!(staff.query(WHO).await.ok()["viewer"].is_null());
    admin::set_suspended(&app.app, staff.user_id.as_ref().unwrap(), false)
        .await
        .unwrap();
    assert!(!staff.query(WHO).await.ok()["viewer"].is_null());
}

/// H2: with another password, which only the operator gives, the one before and every session of the person are over.
#[tokio::test]
async fn a_reset_password_ends_the_one_before_and_every_session() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let email = staff.query(WHO).await.ok()["viewer"]["person"]["email"].clone();
    let email = email.as_str().unwrap();
    let refused = admin::reset_password(&app.app, email, "short".into()).await;
    assert!(refused.is_err());
    assert!(!staff.query(WHO).await.ok()["viewer"].is_null());
    let ended = admin::reset_password(&app.app, email, "another long password".into()).await;
    assert_eq!(ended.unwrap(), 1);
    assert!(staff.query(WHO).await.ok()["viewer"].is_null());
    let input = json!({ "input": { "email": email, "password": PASSWORD } });
    let before = app.nobody().graphql(LOG_IN, input).await;
    assert_eq!(before.code(), "WRONG_CREDENTIALS");
    app.nobody().log_in(email, "another long password").await;
    let owner = app.user(Role::Owner).await;
    let seen = owner
        .query("{ auditEntries(first: 5) { nodes { summary } } }")
        .await
        .ok();
    assert!(
        seen.to_string().contains("gave staff"),
        "the agency reads of it: {seen}"
    );
}

/// H2: a session ends after 14 days without use, and each use moves the end.
#[tokio::test]
async fn a_session_expires_when_it_is_not_used() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    for _ in 0..3 {
        app.advance(Duration::from_secs(13 * 24 * 3600));
        assert!(!staff.query(WHO).await.ok()["viewer"].is_null());
    }
    app.advance(Duration::from_secs(14 * 24 * 3600 + 1));
    assert!(staff.query(WHO).await.ok()["viewer"].is_null());
}

/// H2: failed log-ins are throttled per email, and the answer does not tell an unknown email from a wrong password.
#[tokio::test]
async fn failed_log_ins_are_throttled_and_tell_nothing() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let email = staff.query(WHO).await.ok()["viewer"]["person"]["email"].clone();
    let nobody = app.nobody();
    let attempt = async |email: &serde_json::Value, password: &str| {
        nobody
            .graphql(
                LOG_IN,
                json!({ "input": { "email": email, "password": password } }),
            )
            .await
    };
    let unknown = attempt(&json!("no-one@example.com"), "wrong password").await;
    let wrong = attempt(&email, "wrong password").await;
    assert_eq!(unknown.code(), "WRONG_CREDENTIALS");
    assert_eq!(unknown.message(), wrong.message());
    for _ in 0..4 {
        assert_eq!(
            attempt(&email, "wrong password").await.code(),
            "WRONG_CREDENTIALS"
        );
    }
    let refused = attempt(&email, PASSWORD).await;
    assert_eq!(refused.code(), "TOO_MANY_ATTEMPTS");
    assert_eq!(refused.error()["extensions"]["retryAfterMs"], 900_000);
    app.advance(Duration::from_secs(15 * 60));
    assert!(attempt(&email, PASSWORD).await.errors.is_empty());
}

/// H2, H3: an email longer than any account's is refused at its field before it is counted, so that strangers cannot fill the
/// memory with them.
#[tokio::test]
async fn an_endless_email_is_refused_and_not_counted() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    for number in 0..40 {
        let email = format!("{number}{}@example.com", "a".repeat(500_000));
        let input = json!({ "input": { "email": email, "password": "wrong password" } });
        let refused = nobody.graphql(LOG_IN, input).await;
        assert_eq!(refused.code(), "INVALID_INPUT");
        assert_eq!(refused.error()["extensions"]["field"], "email");
    }
    let input = json!({ "input": { "email": "no-one@example.com", "password": "wrong password" } });
    let counted = nobody.graphql(LOG_IN, input).await;
    assert_eq!(counted.code(), "WRONG_CREDENTIALS");
}
