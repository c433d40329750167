//! K12: two people save or clear at once. The later one, whose page is stale, is refused, and nothing is lost.

use std::time::Duration;

use ringfence::{
    access::Role,
    sandbox::{Effect, Fault},
};
use serde_json::json;

use super::counts;
use crate::harness::{Answer, Settings, TestApp, keys};

/// How many won, and that the others were told of the conflict.
fn winners(answers: &[Answer]) -> usize {
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.errors.is_empty());
    for answer in lost {
        assert_eq!(answer.code(), "CONFLICT");
        let message = answer.message();
        assert!(
            message.contains("Nothing was saved") || message.contains("Nothing was cleared"),
            "{message}"
        );
    }
    won.len()
}

/// K12: two replacements of one version at once: one is saved, the other refused with a conflict.
#[tokio::test]
async fn of_two_replacements_at_once_one_is_refused() {
    let app = TestApp::new().await;
    let (first, second) = (app.user(Role::Admin).await, app.user(Role::Owner).await);
    first.import(&app).await;
    for version in 1..4 {
        let (a, b) = tokio::join!(
            first.save_key(keys::GOOD, Some(version)),
            second.save_key(keys::SECOND, Some(version)),
        );
        app.settle().await;
        let a_won = a.errors.is_empty();
        assert_eq!(winners(&[a, b]), 1, "version {version}");
        let key = first.key().await;
        assert_eq!(key["version"], version + 1);
        let mask = if a_won { "…k7Qd" } else { "…x4Rm" };
        assert_eq!(key["maskedKey"], mask);
    }
    assert_eq!(
        app.sql("SELECT 1 FROM provider_key_versions").await.len(),
        4
    );
}

/// K12: two first saves at once, and a first save from a page that was loaded before another one.
#[tokio::test]
async fn of_two_first_saves_one_is_refused() {
    let app = TestApp::new().await;
    let (first, second) = (app.user(Role::Admin).await, app.user(Role::Owner).await);
    let (a, b) = tokio::join!(
        first.save_key(keys::GOOD, None),
        second.save_key(keys::SECOND, None)
    );
    app.settle().await;
    assert_eq!(winners(&[a, b]), 1);
    let stale = second.save_key(keys::SECOND, None).await;
    assert_eq!(winners(&[stale]), 0);
    assert_eq!(first.key().await["version"], 1);
    assert_eq!(counts(&first).await.keys, 1);
}

/// K12: a page that shows an older version, or a key that was cleared meanwhile, saves nothing and sends nothing.
#[tokio::test]
async fn a_stale_page_saves_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    app.sandbox.control().clear_requests();
    for version in [Some(1), Some(3), Some(0), None] {
        let stale = admin.save_key(keys::GOOD, version).await;
        assert_eq!(winners(&[stale]), 0);
    }
    let key = admin.key().await;
    assert_eq!(key["maskedKey"], "…x4Rm");
    admin.clear_key(&key, json!({})).await.ok();
    let stale = admin.save_key(keys::GOOD, Some(2)).await;
    assert_eq!(winners(&[stale]), 0);
    assert_eq!(super::asked(&app), Vec::<String>::new());
    assert_eq!(counts(&admin).await.keys, 0);
}

/// K12: a replacement and a clearing at once: one of them happens.
#[tokio::test]
async fn a_replacement_and_a_clearing_at_once_do_not_both_happen() {
    let app = TestApp::new().await;
    let (first, second) = (app.user(Role::Admin).await, app.user(Role::Admin).await);
    first.import(&app).await;
    let key = second.key().await;
    let (saved, cleared) = tokio::join!(
        first.save_key(keys::SECOND, Some(1)),
        second.clear_key(&key, json!({}))
    );
    app.settle().await;
    let is_cleared = cleared.errors.is_empty();
    assert_eq!(winners(&[saved, cleared]), 1);
    let expected = i64::from(!is_cleared);
    assert_eq!(counts(&first).await.keys, expected);
}

/// K16, E7: who loses a race learns that the provider accepted the key, so that try stands in the audit log as well.
#[tokio::test]
async fn a_check_that_ends_in_a_conflict_is_audited() {
    let app = TestApp::new().await;
    let (first, second) = (app.user(Role::Admin).await, app.user(Role::Owner).await);
    first.import(&app).await;
    let slow = Fault::new(Effect::Delay { ms: 1500 }).for_key(keys::SECOND);
    app.sandbox.control().inject(slow);
    app.sandbox.control().clear_requests();
    let (lost, won) = tokio::join!(second.save_key(keys::SECOND, Some(1)), async {
        // The provider is being asked already: the stale version was not seen before that.
        while super::asked(&app).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        first.save_key(keys::GOOD, Some(1)).await
    });
    app.settle().await;
    won.ok();
    assert_eq!(lost.code(), "CONFLICT");
    let sql = "SELECT actor, summary FROM audit_entries WHERE action = 'provider_key.refused'";
    let entries = app.sql(sql).await;
    assert_eq!(entries.len(), 1);
    let (actor, summary): (String, String) = (entries[0].get(0), entries[0].get(1));
    assert!(actor.starts_with("owner "), "{actor}");
    assert_eq!(
        summary,
        "A Vapi key was not saved; check: valid, but somebody else changed the stored key meanwhile."
    );
}

/// K16, E7: a test of a key that is cleared before the provider has answered stands in the audit log.
#[tokio::test]
async fn a_test_of_a_key_that_is_cleared_meanwhile_is_audited() {
    let app = TestApp::new().await;
    let (first, second) = (app.user(Role::Admin).await, app.user(Role::Owner).await);
    first.import(&app).await;
    let key = first.key().await;
    let control = app.sandbox.control();
    control.inject(Fault::new(Effect::Delay { ms: 1500 }));
    control.clear_requests();
    let (tested, cleared) = tokio::join!(super::test(&second, &key), async {
        while super::asked(&app).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        first.clear_key(&key, json!({})).await
    });
    cleared.ok();
    assert_eq!(tested.code(), "NOT_FOUND");
    assert_eq!(counts(&first).await.newest_action, "provider_key.tested");
}

/// E7: each transaction locks the head of the audit chain last. Two that lock it and another row in different orders would
/// wait for each other where rows are locked one by one.
#[tokio::test]
async fn the_audit_entry_is_written_last() {
    let app = TestApp::with(Settings {
        is_without_jobs: true,
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    app.sql("CREATE TABLE written (place INTEGER PRIMARY KEY, what TEXT)")
        .await;
    for table in [
        "agencies",
        "audit_entries",
        "jobs",
        "phone_numbers",
        "provider_accounts",
        "provider_key_versions",
        "provider_keys",
        "sync_runs",
    ] {
        for event in ["INSERT", "UPDATE"] {
            let name = format!("written_{table}_{event}");
            let event = format!("AFTER {event}");
            let note = format!(
                "INSERT INTO written SELECT COALESCE(max(place), 0) + 1, '{table}' FROM written"
            );
            app.database.trigger(&name, &event, table, &note).await;
        }
    }
    let check = async |what: &str, is_with_changes: bool| {
        let rows = app.sql("SELECT what FROM written ORDER BY place").await;
        let written: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let (last, before) = written.split_last().unwrap();
        assert_eq!(last, "audit_entries", "{what}: {written:?}");
        assert_eq!(!before.is_empty(), is_with_changes, "{what}: {written:?}");
        app.sql("DELETE FROM written").await;
    };
    admin.save_key(keys::GOOD, None).await.ok();
    check("a first save", true).await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    check("a replacement", true).await;
    let refused = admin.save_key(keys::REVOKED, Some(2)).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    check("a refusal", false).await;
    let key = admin.key().await;
    super::test(&admin, &key).await.ok();
    check("a test", true).await;
    admin.clear_key(&key, json!({})).await.ok();
    check("a clearing", true).await;
}
