//! The audit log (E7): what is written, who may read it, and that tampering is found from the command line.

use std::process::{Command, Stdio};

use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
    audit::Verdict,
};
use serde_json::json;

use crate::harness::{TestApp, keys};

const LOG: &str =
    "{ auditEntries(first: 100) { totalCount nodes { sequence action actor summary provider } } }";

/// Every key event once, by one admin.
async fn events(app: &TestApp) -> crate::harness::TestClient {
    let admin = app.user(Role::Admin).await;
    admin.import(app).await;
    assert_eq!(
        admin.save_key(keys::REVOKED, Some(1)).await.code(),
        "KEY_REJECTED"
    );
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let key = admin.key().await;
    let test = "mutation($id: ID!) { testProviderKey(input: { providerKeyId: $id }) { providerKey { health } } }";
    admin.graphql(test, json!({ "id": key["id"] })).await.ok();
    admin.start_sync().await.ok();
    app.settle().await;
    let key = admin.key().await;
    let more = json!({ "detachNumbers": true });
    admin.clear_key(&key, more).await.ok();
    admin
}

/// Runs `audit` on the data folder of a running application.
fn audit(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("audit")
        .args(arguments)
        .args(["--data-dir", app.folder.to_str().unwrap()])
        .env_clear()
        .envs(
            app.database
                .url()
                .map(|url| ("RINGFENCE_DATABASE_URL", url)),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let both = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(both).unwrap())
}

/// E7: each key event has an entry with who and what, and none holds more of a key than its mask.
#[tokio::test]
async fn every_key_event_is_written_down() {
    let app = TestApp::new().await;
    let admin = events(&app).await;
    let log = admin.query(LOG).await.ok();
    let entries = log["auditEntries"]["nodes"].as_array().unwrap();
    assert_eq!(log["auditEntries"]["totalCount"], entries.len());
    for action in [
        "provider_key.saved",
        "provider_key.refused",
        "provider_key.replaced",
        "provider_key.tested",
        "provider_key.numbers_detached",
        "provider_key.cleared",
        "sync.requested",
        "session.opened",
    ] {
        let entry = entries.iter().find(|entry| entry["action"] == action);
        let entry = entry.unwrap_or_else(|| panic!("no entry for {action}: {entries:#?}"));
        assert_ne!(entry["actor"], "system", "{action}");
    }
    let text = log.to_string();
    for key in [keys::GOOD, keys::SECOND, keys::REVOKED] {
        assert!(!text.contains(&key[..key.len() - 4]));
    }
}

/// E7, P1: staff may not read the log.
#[tokio::test]
async fn staff_may_not_read_the_log() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    assert_eq!(staff.query(LOG).await.code(), "FORBIDDEN");
}

/// E7: an untouched log is whole, and its head can be exported.
#[tokio::test]
async fn an_untouched_log_is_whole() {
    let app = TestApp::new().await;
    events(&app).await;
    let (is_whole, text) = audit(&app, &["verify"]);
    assert!(is_whole, "{text}");
    let (_, head) = audit(&app, &["head"]);
    let (is_whole, text) = audit(&app, &["verify", "--head", head.trim()]);
    assert!(is_whole, "{text}");
}

/// E7: a check while the server goes on writing raises no alarm.
#[tokio::test]
async fn a_log_that_grows_during_the_check_is_whole() {
    let app = TestApp::new().await;
    let writing = app.app.clone();
    let writer = app.app.tasks.spawn(async move {
        for number in 0..200 {
            let name = format!("Agency {number}");
            admin::create_agency(&writing, &name, Plan::Agency)
                .await
                .unwrap();
        }
    });
    let mut checks = 0;
    while !writer.is_finished() {
        let verdict = app.app.audit.verify(&app.app.db, None).await.unwrap();
        assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
        checks += 1;
    }
    writer.await.unwrap();
    assert!(checks > 3, "only {checks} checks ran beside the writer");
}

/// E7: a head that was moved back leaves entries behind it that are no later ones.
#[tokio::test]
async fn a_head_that_was_moved_back_is_found() {
    let app = TestApp::new().await;
    events(&app).await;
    app.sql("UPDATE audit_head SET sequence = 4, mac = (SELECT mac FROM audit_entries WHERE sequence = 4)").await;
    let verdict = app.app.audit.verify(&app.app.db, None).await.unwrap();
    assert!(matches!(verdict, Verdict::CutOff { .. }), "{verdict:?}");
}

/// E7: a changed, a removed, a reordered and a cut-off entry are each found.
#[tokio::test]
async fn tampering_is_found_from_the_command_line() {
    for (tampering, finding) in [
        (
            "UPDATE audit_entries SET summary = 'nothing happened' WHERE sequence = 3",
            "changed at entry 3",
        ),
        (
            "UPDATE audit_entries SET actor = 'somebody else' WHERE sequence = 4",
            "changed at entry 4",
        ),
        (
            "DELETE FROM audit_entries WHERE sequence = 3",
            "entry 3 of the audit log is missing",
        ),
        (
            "UPDATE audit_entries SET sequence = CASE sequence WHEN 3 THEN -4 WHEN 4 THEN -3 END WHERE sequence IN (3, 4)",
            "entry",
        ),
        (
            "DELETE FROM audit_entries WHERE sequence > 4",
            "cut off after entry 4",
        ),
    ] {
        let app = TestApp::new().await;
        events(&app).await;
        app.sql(tampering).await;
        if tampering.contains("-4") {
            app.sql("UPDATE audit_entries SET sequence = -sequence WHERE sequence < 0")
                .await;
        }
        let (is_whole, text) = audit(&app, &["verify"]);
        assert!(!is_whole, "{tampering}: {text}");
        assert!(text.contains(finding), "{tampering}: {text}");
    }
}

/// E7: who also moves the head back is found with a head that was exported before.
#[tokio::test]
async fn a_cut_off_end_is_found_with_an_exported_head() {
    let app = TestApp::new().await;
    events(&app).await;
    let (_, head) = audit(&app, &["head"]);
    app.sql("DELETE FROM audit_entries WHERE sequence > 4")
        .await;
    app.sql("UPDATE audit_head SET sequence = 4, mac = (SELECT mac FROM audit_entries WHERE sequence = 4)").await;
    let (is_whole, _) = audit(&app, &["verify"]);
    assert!(
        is_whole,
        "without a head outside, this end cannot be told from a shorter log"
    );
    let (is_whole, text) = audit(&app, &["verify", "--head", head.trim()]);
    assert!(!is_whole, "{text}");
    assert!(text.contains("cut off after entry 4"), "{text}");
}

/// E7: each cell of an entry is covered, so that none can be changed alone.
#[tokio::test]
async fn every_cell_of_an_entry_is_covered() {
    let app = TestApp::new().await;
    events(&app).await;
    let verdict = async || app.app.audit.verify(&app.app.db, None).await.unwrap();
    let saved = "SELECT sequence FROM audit_entries WHERE action = 'provider_key.saved'";
    let sequence: i64 = app.sql(saved).await[0].get(0);
    macro_rules! saved {
        ($change:literal) => {
            concat!(
                "UPDATE audit_entries SET ",
                $change,
                " WHERE action LIKE 'provider_key.saved%'"
            )
        };
    }
    for (change, undo) in [
        (
            saved!("agency_id = agency_id || 'x'"),
            saved!("agency_id = rtrim(agency_id, 'x')"),
        ),
        (saved!("at = at + 1"), saved!("at = at - 1")),
        (
            saved!("actor_id = actor_id || 'x'"),
            saved!("actor_id = rtrim(actor_id, 'x')"),
        ),
        (
            saved!("actor = actor || 'x'"),
            saved!("actor = rtrim(actor, 'x')"),
        ),
        (
            saved!("action = action || 'x'"),
            saved!("action = rtrim(action, 'x')"),
        ),
        (
            saved!("subject = subject || 'x'"),
            saved!("subject = rtrim(subject, 'x')"),
        ),
        (saved!("provider = NULL"), saved!("provider = 'vapi'")),
        (
            saved!("summary = summary || 'x'"),
            saved!("summary = rtrim(summary, 'x')"),
        ),
    ] {
        app.sql(change).await;
        assert_eq!(verdict().await, Verdict::Changed { sequence }, "{change}");
        app.sql(undo).await;
        assert!(matches!(verdict().await, Verdict::Whole { .. }), "{undo}");
    }
    // What moves from one cell to its neighbour is found too.
    app.sql(saved!(
        "action = action || substr(subject, 1, 1), subject = substr(subject, 2)"
    ))
    .await;
    assert_eq!(verdict().await, Verdict::Changed { sequence });
}
