//! A5, A6: so many calls may be under way, and each gives its place back when it is over, however that comes to be known.

use std::time::Duration;

use serde_json::json;

use super::{
    ANSWERS, agent, call, calls, dialled, end, end_all, leases, place, ready, script_key,
    to_the_end, trigger, try_to_trigger, until,
};
use crate::{
    api_keys::{generate, rotate},
    harness::{Settings, TestApp},
};

/// A5: ten calls of a key are under way; the eleventh gets 429 and is not dialled, also with the key that came in the place
/// of that one; when one ends, the next passes.
#[tokio::test]
async fn the_eleventh_call_waits_for_one_to_end() {
    let (app, admin) = ready().await;
    let (key, secret) = generate(&admin, "Caller", &["CALLS_TRIGGER"]).await;
    let id = agent(&admin).await;
    for _ in 0..10 {
        assert_eq!(place(&app, &secret, &id, ANSWERS).await.status, 200);
    }
    let (_, secret, _) = rotate(&admin, &key, 0).await;
    let heard = place(&app, &secret, &id, ANSWERS).await;
    assert_eq!((heard.status, heard.code()), (429, "TOO_MANY_CALLS"));
    assert_eq!(heard.header("retry-after"), "5");
    assert_eq!(heard.body["success"], false);
    assert_eq!(dialled(&app, ANSWERS), 10);
    // Another key has ten of its own, and a person is not counted with any.
    let other = generate(&admin, "Other", &["CALLS_TRIGGER"]).await.1;
    assert_eq!(place(&app, &other, &id, ANSWERS).await.status, 200);
    trigger(&admin, ANSWERS).await;

    let first = calls(&admin).await.pop().unwrap();
    end(&app, &first);
    until(&app, &admin, &first["id"], "COMPLETED").await;
    assert_eq!(place(&app, &secret, &id, ANSWERS).await.status, 200);
    let heard = place(&app, &secret, &id, ANSWERS).await;
    assert_eq!(heard.status, 429);
    end_all(&app);
    to_the_end(&app).await;
    assert_eq!(leases(&app).await, 0);
}

/// A5: twenty requests at once, and ten places: ten are dialled.
#[tokio::test]
async fn ten_places_are_not_taken_twice() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    let all = (0..20).map(|_| place(&app, &secret, &id, ANSWERS));
    let heard = futures_util::future::join_all(all).await;
    let count = |status| heard.iter().filter(|one| one.status == status).count();
    assert_eq!((count(200), count(429)), (10, 10));
    assert_eq!(dialled(&app, ANSWERS), 10);
    end_all(&app);
    to_the_end(&app).await;
}

/// A5: an agency has a ceiling of its own, which the operator sets by plan; those that people place count too.
#[tokio::test]
async fn an_agency_has_a_ceiling() {
    let app = TestApp::with(Settings {
        calls_per_agency: Some("agency=2"),
        ..Settings::default()
    })
    .await;
    let admin = app.user(ringfence::access::Role::Admin).await;
    admin.import(&app).await;
    app.sandbox.control().hold_calls();
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    assert_eq!(place(&app, &secret, &id, ANSWERS).await.status, 200);
    trigger(&admin, ANSWERS).await;
    let heard = place(&app, &secret, &id, ANSWERS).await;
    assert_eq!((heard.status, heard.code()), (429, "TOO_MANY_CALLS"));
    assert!(
        heard.body["error"]
            .as_str()
            .unwrap()
            .contains("this agency")
    );
    let refused = try_to_trigger(&admin, json!({ "agentId": id, "phoneNumber": ANSWERS })).await;
    assert_eq!(refused.code(), "TOO_MANY_CALLS");
    end_all(&app);
    to_the_end(&app).await;
}

/// A6: a call that no webhook tells the end of is found out by asking; its place is free soon after.
#[tokio::test]
async fn an_end_that_nobody_told_frees_its_place() {
    let (app, admin) = ready().await;
    let placed = trigger(&admin, "+15551230004").await;
    let remote = placed["call"]["remoteId"].as_str().unwrap();
    app.sandbox.control().advance_call(remote, 2).unwrap();
    until(&app, &admin, &placed["callId"], "IN_PROGRESS").await;
    assert_eq!(leases(&app).await, 1);
    end(&app, &placed["call"]);
    for _ in 0..6 {
        app.rest().await;
        app.advance(Duration::from_mins(1));
    }
    app.rest().await;
    assert_eq!(leases(&app).await, 0);
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "COMPLETED");
    to_the_end(&app).await;
}

/// A6: a call that goes on at the provider for ever, or that the provider does not answer about any more, counts for four
/// hours and no longer.
#[tokio::test]
async fn a_place_is_given_back_after_four_hours() {
    let (app, admin) = ready().await;
    let (_, secret) = generate(&admin, "Caller", &["CALLS_TRIGGER"]).await;
    let id = agent(&admin).await;
    for _ in 0..10 {
        place(&app, &secret, &id, "+15551230004").await;
    }
    let gone = ringfence::sandbox::Fault::new(ringfence::sandbox::Effect::Status {
        status: 500,
        message: None,
        retry_after: None,
    });
    app.sandbox
        .control()
        .inject(gone.on("/vapi/call/*").method("GET"));
    app.rest().await;
    app.advance(Duration::from_hours(3));
    app.rest().await;
    assert_eq!(place(&app, &secret, &id, ANSWERS).await.status, 429);
    app.advance(Duration::from_mins(61));
    app.rest().await;
    assert_eq!(place(&app, &secret, &id, ANSWERS).await.status, 200);
    app.sandbox.control().clear_faults();
    end_all(&app);
    to_the_end(&app).await;
}
