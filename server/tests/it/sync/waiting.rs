//! S4 and S5: what is retried, how long is waited, when a run gives up, and what that means for the key.

use std::time::Duration;

use ringfence::{
    access::Role,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};

use super::{at, import, newest, statuses, sync, to_the_end, until, until_waiting};
use crate::harness::{TestApp, TestClient, keys};

const LIST: &str = "/vapi/assistant";
const MILLISECOND: Duration = Duration::from_millis(1);

/// An imported account whose next sync meets the fault.
async fn struck(fault: Fault) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    app.sandbox.control().inject(fault);
    (app, admin)
}

/// Waits until the workers have looked at the clock and decided to go on waiting.
async fn still_waiting(client: &TestClient) {
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(newest(client).await["state"], "WAITING");
}

/// S4: a rate limit is waited for as long as the provider asks, and the run says until when.
#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let (app, admin) = struck(Fault::rate_limit("24").on(LIST).after(1).times(1)).await;
    admin.start_sync().await.ok();
    let run = until(&admin, "WAITING").await;
    let wait = Duration::from_secs(24);
    assert_eq!(run["waitingUntil"], at(wait));
    assert_eq!(run["waitingReason"], "Waiting for Vapi's rate limit");
    assert_eq!(
        (&run["phase"], &run["done"]),
        (&json!("AGENTS"), &json!(40))
    );
    app.advance(Duration::from_millis(23_999));
    still_waiting(&admin).await;
    app.advance(MILLISECOND);
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(40))
    );
    assert!(run["waitingUntil"].is_null() && run["waitingReason"].is_null());
    assert_eq!(admin.key().await["health"], "VALID");
}

/// S4: without a `Retry-After`, and for outages, each wait is twice the one before, up to a minute; the eighth failure
/// of one page ends the run.
#[tokio::test]
async fn waits_double_until_the_run_gives_up() {
    for (fault, code, reason) in [
        (
            Fault::status(429),
            "PROVIDER_RATE_LIMITED",
            "Waiting for Vapi's rate limit",
        ),
        (
            Fault::status(503),
            "PROVIDER_UNREACHABLE",
            "Vapi has a problem of its own (status 503)",
        ),
        (
            Fault::new(Effect::CutBody),
            "PROVIDER_UNREACHABLE",
            "Vapi could not be reached",
        ),
    ] {
        let (app, admin) = struck(fault.on(LIST)).await;
        app.sandbox.control().clear_requests();
        admin.start_sync().await.ok();
        let mut gone_by = Duration::ZERO;
        for seconds in [1, 2, 4, 8, 16, 32, 60] {
            gone_by += Duration::from_secs(seconds);
            let run = until_waiting(&admin, gone_by).await;
            assert_eq!(run["waitingReason"], reason);
            app.advance(Duration::from_secs(seconds));
        }
        app.settle().await;
        let run = newest(&admin).await;
        assert_eq!(run["state"], "FAILED");
        assert_eq!(run["error"]["code"], code);
        let message = run["error"]["message"].as_str().unwrap();
        assert!(message.contains("after several tries"), "{message}");
        assert!(
            message.contains("What was read so far is kept"),
            "{message}"
        );
        assert_eq!(app.sandbox.control().requests().len(), 8);
        assert_eq!(admin.key().await["health"], "VALID", "S5");
        assert_eq!(statuses(&admin).await, (40, 0));
    }
}

/// S4: an answer that makes no sense is tried three times.
#[tokio::test]
async fn a_senseless_answer_is_tried_three_times() {
    let (app, admin) = struck(Fault::new(Effect::NotJson).on(LIST)).await;
    app.sandbox.control().clear_requests();
    admin.start_sync().await.ok();
    for seconds in [1, 2] {
        let run = until(&admin, "WAITING").await;
        assert_eq!(
            run["waitingReason"],
            "Vapi answered in a way that makes no sense"
        );
        app.advance(Duration::from_secs(seconds));
        while app.sandbox.control().requests().len() <= usize::try_from(seconds).unwrap() {
            tokio::time::sleep(MILLISECOND).await;
        }
    }
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(run["error"]["code"], "PROVIDER_ANSWER_MALFORMED");
    assert_eq!(app.sandbox.control().requests().len(), 3);
}

/// S4: a page that succeeds forgets the failures before it: only failures in a row end a run.
#[tokio::test]
async fn only_failures_in_a_row_end_a_run() {
    let fault = |path: &str| Fault::status(500).on(path).times(5);
    let (app, admin) = struck(fault(LIST)).await;
    app.sandbox.control().inject(fault("/vapi/v2/phone-number"));
    admin.start_sync().await.ok();
    let mut waits = 0;
    while newest(&admin).await["finishedAt"].is_null() {
        if newest(&admin).await["state"] == "WAITING" {
            waits += 1;
            app.advance(Duration::from_secs(60));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app.settle().await;
    assert_eq!(newest(&admin).await["state"], "SUCCEEDED");
    assert!(waits >= 10, "{waits}");
}

/// S4, S5: a run that gave up keeps the pages that it has read, and the next one adds the rest.
#[tokio::test]
async fn what_was_read_before_a_failure_is_kept() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = "key-of-two-pages-4Vz2";
    let control = app.sandbox.control().clone();
    control.add_account(&NewAccount::vapi(key, 1500)).unwrap();
    // The first request is the validation's.
    let fault = Fault::new(Effect::NotJson).on(LIST).after(2);
    control.inject(fault);
    admin.save_key(key, None).await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("FAILED"), &json!(1000))
    );
    assert_eq!(statuses(&admin).await, (1000, 0));
    assert_eq!(admin.key().await["health"], "VALID");
    control.clear_faults();
    let run = sync(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["addedCount"]),
        (&json!("SUCCEEDED"), &json!(500))
    );
    assert_eq!(statuses(&admin).await, (1500, 0));
}

/// S5: a definite answer about the key ends the run at once, becomes the key's health, and changes no agent.
#[tokio::test]
async fn a_definite_answer_about_the_key_ends_the_run() {
    for (status, code, health) in [
        (401, "KEY_REJECTED", "INVALID"),
        (402, "NO_FUNDS", "NO_FUNDS"),
        (403, "MISSING_PERMISSION", "VALID"),
    ] {
        let (app, admin) = struck(Fault::status(status).on(LIST).after(1)).await;
        app.advance(Duration::from_secs(5));
        let run = sync(&app, &admin).await;
        assert_eq!(
            (&run["state"], &run["error"]["code"]),
            (&json!("FAILED"), &json!(code))
        );
        let key = admin.key().await;
        assert_eq!(key["health"], health);
        assert_eq!(
            (&key["version"], &key["isReadable"]),
            (&json!(1), &json!(true))
        );
        let checked = if health == "VALID" { 0 } else { 5 };
        assert_eq!(key["checkedAt"], at(Duration::from_secs(checked)));
        assert_eq!(statuses(&admin).await, (40, 0));
    }
}

/// S5: a key without funds is kept, and its sync says what to do.
#[tokio::test]
async fn a_key_without_funds_fails_its_sync_and_stays() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, keys::NO_FUNDS).await;
    assert_eq!(run["error"]["code"], "NO_FUNDS");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("Top it up"), "{message}");
    assert!(
        run["hint"] == Value::Null,
        "the hint is for a sync that succeeded"
    );
    assert_eq!(admin.key().await["health"], "NO_FUNDS");
}
