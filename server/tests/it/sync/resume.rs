//! S5: a process that is killed in the middle of a sync goes on after its start, with no duplicate, nothing lost and
//! nothing half-marked.

use std::time::Duration;

use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::json;
use tempfile::TempDir;

use super::{newest, statuses, until};
use crate::{
    harness::{Settings, TestApp, keys},
    process::Installation,
};

const KEY: &str = "key-of-thousands-9Gw3";

/// Placements that stand for one remote agent twice, agents without exactly one, and agents whose status is another than
/// that of their placement.
const DUPLICATES: &str =
    "SELECT count(*) - count(DISTINCT account_id || '/' || remote_id) FROM placements";
const ODD_AGENTS: &str = "SELECT count(*) FROM agents a \
    WHERE (SELECT count(*) FROM placements p WHERE p.agent_id = a.id) <> 1";
const HALF_MARKED: &str = "SELECT count(*) FROM agents a JOIN placements p ON p.agent_id = a.id \
    WHERE a.status <> p.status OR (p.status = 'inactive') <> (p.inactive_reason IS NOT NULL)";

pub(super) async fn assert_whole(installation: &Installation) {
    for sql in [DUPLICATES, ODD_AGENTS, HALF_MARKED] {
        assert_eq!(installation.number(sql).await, 0, "{sql}");
    }
}

/// On PostgreSQL another replica may still hold the job, so its lease has to run out; this spares the test that wait.
pub(crate) async fn end_lease(installation: &Installation) {
    if installation.database.is_postgres() {
        let sql = "UPDATE jobs SET lock_until = 0 WHERE state = 'running'";
        installation.database.sql(sql).await;
    }
}

/// How many requests of this route were answered.
fn answered(installation: &Installation, path: &str) -> usize {
    let requests = installation.sandbox.control().requests().into_iter();
    requests
        .filter(|request| request.status.is_some() && request.path.starts_with(path))
        .count()
}

async fn wait_for(installation: &Installation, path: &str, count: usize) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while answered(installation, path) < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    if waited.await.is_err() {
        let requests = installation.sandbox.control().requests();
        panic!("{path} was not answered {count} times: {requests:#?}");
    }
}

/// S5: killed while it reads, while it writes and between the phases of a first import of 3,000 agents and 500 numbers,
/// and then while missing agents are marked; each time the next process goes on, and in the end all is there once.
#[tokio::test]
async fn a_killed_import_goes_on_and_has_everyone_once() {
    let installation = Installation::new().await;
    let control = installation.sandbox.control().clone();
    let account = NewAccount::vapi(KEY, 3000).phone_numbers(500);
    control.add_account(&account).unwrap();
    let mut server = installation.start().await;
    control.set_page_delay(Duration::from_millis(60));
    control.clear_requests();
    server.admin.save_key(KEY, None).await.ok();
    let run = newest(&server.admin).await["id"].clone();
    // How many answers this process may get, and how long the write behind the last one is left alone. The first is the
    // validation's.
    for (path, count, pause) in [
        ("/vapi/assistant", 2, 0),
        ("/vapi/assistant", 1, 40),
        ("/vapi/assistant", 1, 400),
        ("/vapi/assistant", 1, 5),
        ("/vapi/v2/phone-number", 1, 10),
    ] {
        wait_for(&installation, path, count).await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        server.kill_nine().await;
        assert_whole(&installation).await;
        end_lease(&installation).await;
        control.clear_requests();
        server = installation.spawn().await;
    }
    control.set_page_delay(Duration::ZERO);
    server.log_in().await;
    let ended = until(&server.admin, "SUCCEEDED").await;
    assert_eq!(ended["id"], run, "the same run went on");
    for (count, expected) in [
        ("agentCount", 3000),
        ("addedCount", 3000),
        ("phoneNumberCount", 500),
        ("goneCount", 0),
        ("returnedCount", 0),
    ] {
        assert_eq!(ended[count], expected, "{count}");
    }
    assert_whole(&installation).await;
    assert_eq!(statuses(&server.admin).await, (3000, 0));
    let numbers = "SELECT count(DISTINCT remote_id) FROM phone_numbers WHERE status = 'active'";
    assert_eq!(installation.number(numbers).await, 500);

    let ids = control.agent_ids(KEY).unwrap()[..45].to_vec();
    control.remove_agents(KEY, &ids).unwrap();
    control.inject(Fault::new(Effect::Delay { ms: 25 }).on("/vapi/assistant/*"));
    control.clear_requests();
    server.admin.start_sync().await.ok();
    for count in [5, 23] {
        wait_for(&installation, "/vapi/assistant/", count).await;
        server.kill_nine().await;
        assert_whole(&installation).await;
        end_lease(&installation).await;
        control.clear_requests();
        server = installation.spawn().await;
    }
    server.log_in().await;
    let ended = until(&server.admin, "SUCCEEDED").await;
    assert_eq!(ended["goneCount"], 45);
    assert_eq!(ended["agentCount"], 2955);
    assert_eq!(statuses(&server.admin).await, (2955, 45));
    assert_whole(&installation).await;
    let live = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
    assert_eq!(installation.number(live).await, 0);
    let runs = "SELECT count(*) FROM sync_runs";
    assert_eq!(installation.number(runs).await, 2);
}

mod sqlite {
    use super::*;

    /// S5: on SQLite, where one process owns the file, the job of a dead process goes on at the next start and not only when
    /// its lease is over.
    #[tokio::test]
    async fn the_job_of_a_dead_process_goes_on_at_once() {
        let folder = TempDir::new().unwrap();
        let settings = |is_without_jobs| Settings {
            is_without_jobs,
            data_dir: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let app = TestApp::with(settings(true)).await;
        admin::create_agency(&app.app, "Northside Voice", Plan::Agency)
            .await
            .unwrap();
        let user = app.user(Role::Admin).await;
        user.save_key(keys::GOOD, None).await.ok();
        // As a process leaves it that died right after it had claimed the job; the lease has 30 seconds to go.
        app.sql(
            "UPDATE jobs SET state = 'running', locked_by = 'a dead process', attempts = 1, lock_until = run_at + 30000",
        )
        .await;
        let payload = app.sql("SELECT payload FROM jobs").await;
        let payload: String = payload[0].get(0);
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&payload).unwrap();
        let names: Vec<&String> = fields.keys().collect();
        assert_eq!(names, ["agency", "run"], "ids alone");
        app.app.stop(Duration::from_millis(50)).await;
        drop(app);

        let app = TestApp::with(settings(false)).await;
        app.settle().await;
        let user = app.user(Role::Admin).await;
        let run = newest(&user).await;
        assert_eq!(
            (&run["state"], &run["agentCount"]),
            (&json!("SUCCEEDED"), &json!(40))
        );
    }
}

/// S5: a run that waits for the provider keeps its wait over a restart.
#[tokio::test]
async fn a_wait_survives_a_restart() {
    let folder = TempDir::new().unwrap();
    let settings = |is_without_jobs| Settings {
        is_without_jobs,
        data_dir: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    let app = TestApp::with(settings(false)).await;
    admin::create_agency(&app.app, "Northside Voice", Plan::Agency)
        .await
        .unwrap();
    let user = app.user(Role::Admin).await;
    let fault = Fault::rate_limit("600").on("/vapi/assistant").after(2);
    app.sandbox.control().inject(fault);
    user.save_key(keys::GOOD, None).await.ok();
    let waiting = until(&user, "WAITING").await;
    app.app.stop(Duration::from_millis(50)).await;
    std::mem::forget(app);

    let app = TestApp::with(settings(false)).await;
    let user = app.user(Role::Admin).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let run = newest(&user).await;
    assert_eq!(run, waiting, "not before its time");
    assert!(app.sandbox.control().requests().is_empty());
    app.advance(Duration::from_secs(600));
    app.settle().await;
    let run = newest(&user).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(40))
    );
}

/// S5: a worker whose lease went to another one cannot write over what that one wrote: it reads the run again.
#[tokio::test]
async fn a_page_of_an_overtaken_worker_is_not_kept() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = "key-of-an-overtaken-run-4Jq1";
    let control = app.sandbox.control();
    control.add_account(&NewAccount::vapi(key, 1500)).unwrap();
    control.inject(
        Fault::new(Effect::Delay { ms: 400 })
            .on("/vapi/assistant")
            .after(2)
            .times(1),
    );
    control.clear_requests();
    admin.save_key(key, None).await.ok();
    while control.request_counts().get("GET /vapi/assistant") < Some(&3) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app.sql("UPDATE sync_runs SET revision = revision + 1")
        .await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"], &run["addedCount"]),
        (&json!("SUCCEEDED"), &json!(1500), &json!(1500))
    );
    let pages = control.request_counts()["GET /vapi/assistant"];
    assert!(
        pages > 4,
        "the page that was not kept is read again: {pages}"
    );
}
