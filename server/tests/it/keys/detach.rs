//! K8: detaching the numbers that the provider would go on answering, while the key still works.

use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};

use super::{asked, counts};
use crate::harness::{Answer, TestApp, TestClient, keys};

/// The account's numbers as the provider has them, with what each is attached to.
async fn remote_numbers(app: &TestApp) -> Vec<Value> {
    let url = format!("{}/phone-number", app.sandbox.base_url(ProviderKind::Vapi));
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(keys::GOOD).send().await;
    answer.unwrap().json().await.unwrap()
}

fn is_attached(number: &Value) -> bool {
    ["assistantId", "squadId", "workflowId"]
        .iter()
        .any(|field| number[field].is_string())
}

/// K8: every answering number is detached at the provider before the key is cleared, and keeps everything else.
#[tokio::test]
async fn numbers_are_detached_at_the_provider_before_the_key_goes() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let before = remote_numbers(&app).await;
    assert_eq!(
        before.iter().filter(|number| is_attached(number)).count(),
        11
    );
    app.sandbox.control().clear_requests();
    let more = json!({ "detachNumbers": true });
    let cleared = admin.clear_key(&key, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 11);
    assert_eq!(cleared["stillAnswering"], json!([]));
    let changes = asked(&app);
    assert_eq!(changes.len(), 11, "the spare line was not touched");
    assert!(changes.iter().all(|change| change.starts_with("PATCH ")));
    let after = remote_numbers(&app).await;
    assert!(!after.iter().any(is_attached));
    for (mut old, mut new) in before.into_iter().zip(after) {
        for number in [&mut old, &mut new] {
            number["assistantId"] = Value::Null;
            number["updatedAt"] = Value::Null;
        }
        assert_eq!(old, new);
    }
    let with_agent = "{ phoneNumbers(filter: { hasAgent: true }) { totalCount } }";
    let data = admin.query(with_agent).await.ok();
    assert_eq!(data["phoneNumbers"]["totalCount"], 0);
}

/// K8: a failed detach stops the clearing; what was detached stays so, the key stays in use, and the shown impact is
/// another one. Overridden, the key goes, and what still answers is listed.
#[tokio::test]
async fn a_failed_detach_stops_the_clearing_unless_overridden() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let fault = Fault::status(500).method("PATCH").after(4);
    app.sandbox.control().inject(fault);
    let more = json!({ "detachNumbers": true });
    let refused = admin.clear_key(&key, more.clone()).await;
    assert_eq!(refused.code(), "DETACH_FAILED");
    let message = refused.message();
    assert!(
        message.contains("and 6 more could not be detached at Vapi"),
        "{message}"
    );
    assert!(message.contains("The key is still in use"), "{message}");
    assert!(
        message.contains("4 numbers were detached and stay so"),
        "{message}"
    );
    let attached = remote_numbers(&app).await;
    let attached = attached.iter().filter(|number| is_attached(number)).count();
    assert_eq!(attached, 7);
    let now = admin.key().await;
    assert_eq!(now["version"], 1);
    assert_eq!(now["clearImpact"]["answeringNumberCount"], 7);
    assert_eq!(counts(&admin).await.keys, 1);
    let stale = admin.clear_key(&key, more).await;
    assert_eq!(
        stale.code(),
        "IMPACT_CHANGED",
        "seven is not what was shown"
    );
    let more = json!({ "detachNumbers": true, "clearDespiteFailedDetach": true });
    let cleared = admin.clear_key(&now, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 0);
    assert_eq!(cleared["stillAnswering"].as_array().unwrap().len(), 7);
    assert_eq!(counts(&admin).await.keys, 0);
}

/// K8: a key that is refused cannot detach; the clearing says so, and can be overridden.
#[tokio::test]
async fn a_key_that_is_refused_detaches_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    app.sandbox
        .control()
        .inject(Fault::status(401).method("PATCH"));
    let more = json!({ "detachNumbers": true });
    let refused = admin.clear_key(&key, more).await;
    assert_eq!(refused.code(), "DETACH_FAILED");
    assert!(refused.message().contains("the provider refused the key"));
    let more = json!({ "detachNumbers": true, "clearDespiteFailedDetach": true });
    let cleared = admin.clear_key(&key, more).await.ok();
    let still = &cleared["clearProviderKey"]["stillAnswering"];
    assert_eq!(still.as_array().unwrap().len(), 11);
}

/// K8: a number that is gone at the provider answers no more, and does not keep a key from being cleared.
#[tokio::test]
async fn a_number_that_is_gone_counts_as_detached() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    app.sandbox
        .control()
        .inject(Fault::status(404).method("PATCH").times(2));
    let more = json!({ "detachNumbers": true });
    let cleared = admin.clear_key(&key, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 11);
    assert_eq!(cleared["stillAnswering"], json!([]));
}

/// Clears with detaching, and lets `meanwhile` happen while the provider takes its time over the numbers.
async fn clear_slowly(
    app: &TestApp,
    admin: &TestClient,
    key: &Value,
    meanwhile: impl AsyncFnOnce(),
) -> Answer {
    let delay = Fault::new(Effect::Delay { ms: 400 }).method("PATCH");
    app.sandbox.control().inject(delay);
    app.sandbox.control().clear_requests();
    let more = json!({ "detachNumbers": true });
    let (answer, ()) = tokio::join!(admin.clear_key(key, more), async {
        while asked(app).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        meanwhile().await;
    });
    answer
}

/// K8: while numbers are detached, one agent goes and another comes: as many stop as were shown, but not the same ones.
#[tokio::test]
async fn an_agent_that_is_swapped_while_detaching_must_be_seen_first() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let refused = clear_slowly(&app, &admin, &key, async || {
        let control = app.sandbox.control();
        let ids = control.agent_ids(keys::GOOD).unwrap();
        control.remove_agents(keys::GOOD, &ids[..1]).unwrap();
        control.add_agents(keys::GOOD, 1, "Late agent").unwrap();
        admin.start_sync().await.ok();
        app.settle().await;
    })
    .await;
    assert_eq!(refused.code(), "IMPACT_CHANGED");
    let now = admin.key().await;
    assert_eq!(now["clearImpact"]["agentCount"], 40);
    assert_eq!(now["clearImpact"]["phoneNumberCount"], 12);
    admin.clear_key(&now, json!({})).await.ok();
}

/// K8: while numbers are detached, the provider begins to answer one that nobody was shown.
#[tokio::test]
async fn a_number_that_begins_to_answer_while_detaching_must_be_seen_first() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let refused = clear_slowly(&app, &admin, &key, async || {
        app.sql("UPDATE phone_numbers SET is_answering = TRUE WHERE number = '+18015550109'")
            .await;
    })
    .await;
    assert_eq!(refused.code(), "IMPACT_CHANGED");
    let now = admin.key().await;
    assert_eq!(now["clearImpact"]["answeringNumberCount"], 1);
    admin.clear_key(&now, json!({})).await.ok();
}

/// K8: while numbers are detached, one of the account is replaced by another: as many, but not the one that was shown.
#[tokio::test]
async fn a_number_that_is_swapped_while_detaching_must_be_seen_first() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let refused = clear_slowly(&app, &admin, &key, async || {
        app.sql("UPDATE phone_numbers SET id = 'another' WHERE number = '+18015550109'")
            .await;
    })
    .await;
    assert_eq!(refused.code(), "IMPACT_CHANGED");
    assert_eq!(counts(&admin).await.keys, 1);
}

const DETACHED: &str = "SELECT actor, summary FROM audit_entries WHERE action = 'provider_key.numbers_detached' ORDER BY sequence";

/// E7, K8: a clearing that changes numbers at the provider and then stops says who did it, and to which numbers.
#[tokio::test]
async fn what_a_stopped_clearing_did_to_numbers_is_in_the_audit_log() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let control = app.sandbox.control();
    control.inject(Fault::status(404).method("PATCH").times(1));
    control.inject(Fault::status(500).method("PATCH").after(4));
    let more = json!({ "detachNumbers": true });
    let refused = admin.clear_key(&key, more.clone()).await;
    assert_eq!(refused.code(), "DETACH_FAILED");
    let after = remote_numbers(&app).await;
    let entries = app.sql(DETACHED).await;
    assert_eq!(entries.len(), 1);
    let (actor, summary): (String, String) = (entries[0].get(0), entries[0].get(1));
    assert!(actor.starts_with("admin "), "{actor}");
    let parts: Vec<&str> = summary.split("; ").collect();
    let [detached, gone, failed] = parts[..] else {
        panic!("{summary}");
    };
    assert!(detached.starts_with("Numbers at Vapi, before key …k7Qd is cleared: 3 detached ("));
    assert!(gone.starts_with("1 gone there already ("), "{summary}");
    assert!(failed.starts_with("7 could not be detached ("), "{summary}");
    let attached = after.iter().filter(|number| is_attached(number));
    for number in attached.filter_map(|number| number["number"].as_str()) {
        assert!(
            !detached.contains(number),
            "{number} is still attached: {summary}"
        );
        assert!(summary.contains(number), "{number} is not named: {summary}");
    }

    control.clear_faults();
    let now = admin.key().await;
    let refused = clear_slowly(&app, &admin, &now, async || {
        admin.save_key(keys::SECOND, Some(1)).await.ok();
    })
    .await;
    app.settle().await;
    assert_eq!(refused.code(), "CONFLICT");
    assert_eq!(
        app.sql(DETACHED).await.len(),
        2,
        "a conflict after detaching"
    );
}

/// E7, K8: who closes the page while numbers are being detached does not keep it out of the audit log.
#[tokio::test]
async fn what_an_abandoned_clearing_did_to_numbers_is_in_the_audit_log() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let key = admin.key().await;
    let control = app.sandbox.control();
    control.inject(Fault::new(Effect::Delay { ms: 300 }).method("PATCH"));
    let patience = Duration::from_millis(400);
    let more = json!({ "detachNumbers": true });
    let given_up = tokio::time::timeout(patience, admin.clear_key(&key, more)).await;
    assert!(given_up.is_err());
    for _ in 0..500 {
        if counts(&admin).await.keys == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(counts(&admin).await.newest_action, "provider_key.cleared");
    let entries = app.sql(DETACHED).await;
    assert_eq!(entries.len(), 1);
    let summary: String = entries[0].get(1);
    assert!(summary.contains("11 detached ("), "{summary}");
}

/// E7: a long list of numbers is written down bit by bit, so that a process that is killed loses little.
#[tokio::test]
async fn many_numbers_are_written_down_in_batches() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let account = NewAccount::vapi("key-of-many-numbers-0001", 2).phone_numbers(60);
    app.sandbox.control().add_account(&account).unwrap();
    admin.save_key("key-of-many-numbers-0001", None).await.ok();
    app.settle().await;
    app.sql("UPDATE phone_numbers SET is_answering = TRUE")
        .await;
    let key = admin.key().await;
    assert_eq!(key["clearImpact"]["answeringNumberCount"], 60);
    let more = json!({ "detachNumbers": true });
    let cleared = admin.clear_key(&key, more).await.ok();
    assert_eq!(cleared["clearProviderKey"]["detachedNumberCount"], 60);
    assert_eq!(app.sql(DETACHED).await.len(), 3);
}
