//! K16: validation is no oracle for stolen keys.

use std::time::Duration;

use ringfence::access::Role;
use serde_json::json;

use super::{asked, counts, save, test};
use crate::harness::{TestApp, keys};

/// K16: the eleventh attempt of a person in a minute is refused with the wait and audited, and nothing is sent; another
/// person goes on, and so does the first one a minute later.
#[tokio::test]
async fn a_person_checks_at_most_ten_keys_a_minute() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let other = app.user(Role::Admin).await;
    for number in 0..10 {
        let key = format!("a-stolen-key-number-{number}");
        assert_eq!(admin.save_key(&key, None).await.code(), "KEY_REJECTED");
        app.advance(Duration::from_secs(2));
    }
    app.sandbox.control().clear_requests();
    let before = counts(&admin).await;
    let refused = admin.save_key(keys::GOOD, None).await;
    assert_eq!(refused.code(), "TOO_MANY_ATTEMPTS");
    assert_eq!(refused.error()["extensions"]["retryAfterMs"], 40_000);
    let message = refused.message();
    assert!(message.contains("try again in 40 seconds"), "{message}");
    assert!(message.contains("Nothing was sent to Vapi"), "{message}");
    assert_eq!(asked(&app), Vec::<String>::new());
    let after = counts(&admin).await;
    assert_eq!(after.entries, before.entries + 1);
    assert_eq!(after.newest_action, "provider_key.throttled");
    assert_eq!(
        other.save_key(keys::REVOKED, None).await.code(),
        "KEY_REJECTED"
    );
    app.advance(Duration::from_secs(40));
    admin.import(&app).await;
}

/// K16: testing a stored key counts like saving one; what is refused before anything is sent does not.
#[tokio::test]
async fn tests_and_saves_share_the_ten() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = admin.import(&app).await;
    for _ in 0..9 {
        test(&admin, &key).await.ok();
    }
    for _ in 0..12 {
        let masked = json!({ "provider": "VAPI", "apiKey": "••••k7Qd", "expectedVersion": 1 });
        assert_eq!(save(&admin, masked).await.code(), "INVALID_INPUT");
    }
    app.sandbox.control().clear_requests();
    assert_eq!(test(&admin, &key).await.code(), "TOO_MANY_ATTEMPTS");
    assert_eq!(
        admin.save_key(keys::SECOND, Some(1)).await.code(),
        "TOO_MANY_ATTEMPTS"
    );
    assert_eq!(asked(&app), Vec::<String>::new());
}

/// K16: the thirty-first attempt of an agency in an hour is refused, whoever makes it; other agencies go on.
#[tokio::test]
async fn an_agency_checks_at_most_thirty_keys_an_hour() {
    let app = TestApp::new().await;
    let people = [
        app.user(Role::Admin).await,
        app.user(Role::Admin).await,
        app.user(Role::Owner).await,
    ];
    for number in 0..10 {
        for person in &people {
            let key = format!("a-stolen-key-number-{number}");
            assert_eq!(person.save_key(&key, None).await.code(), "KEY_REJECTED");
        }
        app.advance(Duration::from_secs(60));
    }
    app.sandbox.control().clear_requests();
    let refused = people[0].save_key(keys::GOOD, None).await;
    assert_eq!(refused.code(), "TOO_MANY_ATTEMPTS");
    assert_eq!(
        refused.error()["extensions"]["retryAfterMs"],
        50 * 60 * 1000
    );
    assert!(refused.message().contains("30 keys in an hour"));
    for _ in 0..12 {
        // What the agency may not do is not held against the person.
        let again = people[0].save_key(keys::GOOD, None).await;
        assert!(again.message().contains("30 keys in an hour"));
    }
    assert_eq!(
        counts(&people[0]).await.newest_action,
        "provider_key.throttled"
    );
    assert_eq!(asked(&app), Vec::<String>::new());
    let stranger = app.stranger(Role::Admin).await;
    stranger.import(&app).await;
    app.advance(Duration::from_secs(50 * 60));
    people[0].import(&app).await;
}
