//! S3: what becomes of agents that a complete list did not hold, and that nothing is marked after any other list.

use std::time::Duration;

use ringfence::{
    access::Role,
    sandbox::{Fault, NewAccount, NewKey},
};
use serde_json::{Value, json};

use super::{agents, import, newest, statuses, sync, to_the_end, until};
use crate::{
    harness::{Answer, TestApp, TestClient, keys},
    keys::counts,
};

const KEY: &str = "key-of-a-changing-account-3Ks7";

/// An imported account of so many agents.
async fn imported(assistants: usize) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let account = NewAccount::vapi(KEY, assistants).phone_numbers(4);
    app.sandbox.control().add_account(&account).unwrap();
    assert_eq!(import(&app, &admin, KEY).await["state"], "SUCCEEDED");
    (app, admin)
}

/// Deletes so many agents at the provider.
fn remove(app: &TestApp, count: usize) -> Vec<String> {
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap()[..count].to_vec();
    control.remove_agents(KEY, &ids).unwrap();
    ids
}

async fn confirm(client: &TestClient, run: &Value, decision: &str) -> Answer {
    let query = "mutation($input: ConfirmSyncInput!) { confirmSync(input: $input) { syncRun { id state } } }";
    let input = json!({ "syncRunId": run["id"], "decision": decision });
    client.graphql(query, json!({ "input": input })).await
}

fn single_reads(app: &TestApp) -> usize {
    let requests = app.sandbox.control().requests();
    let reads = requests
        .iter()
        .filter(|request| request.path.starts_with("/vapi/assistant/"));
    reads.count()
}

/// S3: an agent that is gone is looked for once more, becomes inactive with the reason, and is never deleted.
#[tokio::test]
async fn an_agent_that_is_gone_becomes_inactive() {
    let (app, admin) = imported(20).await;
    let gone = remove(&app, 2);
    app.sandbox.control().clear_requests();
    let run = sync(&app, &admin).await;
    assert_eq!(run["state"], "SUCCEEDED");
    assert_eq!(
        (&run["goneCount"], &run["agentCount"]),
        (&json!(2), &json!(18))
    );
    assert_eq!(single_reads(&app), 2);
    let all = agents(&admin).await;
    assert_eq!(all.len(), 20);
    for agent in &all {
        let placement = &agent["placements"][0];
        let is_gone = gone.iter().any(|id| placement["remoteId"] == id.as_str());
        let (status, reason) = if is_gone {
            ("INACTIVE", json!("GONE"))
        } else {
            ("ACTIVE", Value::Null)
        };
        assert_eq!(agent["status"], status);
        assert_eq!(agent["isReachable"], !is_gone);
        assert_eq!(
            (&placement["status"], &placement["inactiveReason"]),
            (&json!(status), &reason)
        );
    }
    // It is not looked for again and again.
    app.sandbox.control().clear_requests();
    let again = sync(&app, &admin).await;
    assert_eq!((&again["goneCount"], single_reads(&app)), (&json!(0), 0));
}

/// S3: an agent that the key in use may not see is "not visible", and active again when a key sees it.
#[tokio::test]
async fn an_agent_that_the_key_may_not_see_returns_with_a_key_that_may() {
    let (app, admin) = imported(10).await;
    let narrow = NewKey {
        key: "key-that-sees-eight-5Nb1".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: Some(8),
        forbidden: Vec::new(),
    };
    app.sandbox.control().add_key(&narrow).unwrap();
    admin
        .save_key("key-that-sees-eight-5Nb1", Some(1))
        .await
        .ok();
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(2))
    );
    let hidden: Vec<Value> = agents(&admin)
        .await
        .into_iter()
        .filter(|agent| agent["status"] == "INACTIVE")
        .collect();
    assert_eq!(hidden.len(), 2);
    for agent in &hidden {
        assert_eq!(agent["placements"][0]["inactiveReason"], "NOT_VISIBLE");
    }
    admin.save_key(KEY, Some(2)).await.ok();
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["returnedCount"], &run["addedCount"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(statuses(&admin).await, (10, 0));
    for agent in agents(&admin).await {
        assert!(agent["placements"][0]["inactiveReason"].is_null());
        assert_eq!(agent["placements"].as_array().unwrap().len(), 1);
    }
}

/// S3, S5: a page that fails for good marks nothing, although others are missing from what was read.
#[tokio::test]
async fn a_failed_page_marks_nothing() {
    let (app, admin) = imported(20).await;
    remove(&app, 3);
    app.sandbox
        .control()
        .inject(Fault::status(500).on("/vapi/assistant").after(1));
    admin.start_sync().await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_eq!(run["state"], "FAILED");
    assert_eq!(run["error"]["code"], "PROVIDER_UNREACHABLE");
    assert_eq!(run["goneCount"], 0);
    assert_eq!(statuses(&admin).await, (20, 0));
    assert_eq!(single_reads(&app), 0);
    assert_eq!(admin.key().await["health"], "VALID");
    app.sandbox.control().clear_faults();
    assert_eq!(sync(&app, &admin).await["goneCount"], 3);
    assert_eq!(statuses(&admin).await, (17, 3));
}

/// S3: a list that the provider caps marks nothing: what is missing from it proves nothing.
#[tokio::test]
async fn a_partial_list_marks_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control().clone();
    let account = NewAccount::vapi(KEY, 1003).same_timestamp();
    control.add_account(&account).unwrap();
    let run = import(&app, &admin, KEY).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(1000))
    );
    remove(&app, 2);
    let run = sync(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(
        statuses(&admin).await,
        (1002, 0),
        "two that were beyond the cap came in"
    );
    assert_eq!(single_reads(&app), 0);
}

/// S3: in an account that nothing names, nothing is marked, however empty it is.
#[tokio::test]
async fn an_unknown_account_marks_nothing() {
    let (app, admin) = imported(3).await;
    app.sql("UPDATE provider_accounts SET remote_id = NULL")
        .await;
    remove(&app, 3);
    let run = sync(&app, &admin).await;
    assert_eq!(run["state"], "SUCCEEDED");
    assert!(run["hint"].is_string());
    assert_eq!(statuses(&admin).await, (3, 0));
    app.sql("UPDATE phone_numbers SET remote_id = 'a-number-of-old', last_seen_run = '' WHERE sort_key = (SELECT min(sort_key) FROM phone_numbers)")
        .await;
    assert_eq!(sync(&app, &admin).await["state"], "SUCCEEDED");
    let inactive = "{ phoneNumbers(filter: { status: [INACTIVE] }) { totalCount } }";
    let data = admin.query(inactive).await.ok();
    assert_eq!(data["phoneNumbers"]["totalCount"], 0);
}

/// S3: up to 50 agents, and up to 20 %, go without a question.
#[tokio::test]
async fn few_missing_agents_need_no_decision() {
    for (count, missing) in [(10, 2), (250, 50)] {
        let (app, admin) = imported(count).await;
        remove(&app, missing);
        let run = sync(&app, &admin).await;
        assert_eq!(
            (&run["state"], &run["goneCount"]),
            (&json!("SUCCEEDED"), &json!(missing))
        );
    }
}

/// S3: more than 50 agents, or more than 20 %, stop the run before anything is marked; later requests join it.
#[tokio::test]
async fn many_missing_agents_wait_for_a_decision() {
    for (count, missing) in [(10, 3), (260, 51)] {
        let (app, admin) = imported(count).await;
        remove(&app, missing);
        let run = sync(&app, &admin).await;
        assert_eq!(run["state"], "NEEDS_CONFIRMATION");
        assert_eq!(run["pendingRemovalCount"], missing);
        assert_eq!(run["goneCount"], 0);
        assert_eq!(single_reads(&app), 0);
        let all = i64::try_from(count).unwrap();
        assert_eq!(statuses(&admin).await, (all, 0));
        let joined = admin.start_sync().await.ok()["startSync"].clone();
        assert_eq!(joined["hasJoined"], true);
        assert_eq!(joined["syncRun"]["id"], run["id"]);
    }
}

/// S3: `MARK_INACTIVE` lets the run go on: each is looked for once more, and those that are gone become inactive.
#[tokio::test]
async fn a_decision_to_mark_is_carried_out() {
    let (app, admin) = imported(100).await;
    remove(&app, 60);
    let run = sync(&app, &admin).await;
    assert_eq!(run["state"], "NEEDS_CONFIRMATION");
    confirm(&admin, &run, "MARK_INACTIVE").await.ok();
    app.settle().await;
    let ended = newest(&admin).await;
    assert_eq!(ended["id"], run["id"]);
    assert_eq!(
        (&ended["state"], &ended["goneCount"]),
        (&json!("SUCCEEDED"), &json!(60))
    );
    assert_eq!(single_reads(&app), 60);
    assert_eq!(statuses(&admin).await, (40, 60));
    let again = confirm(&admin, &run, "KEEP_ACTIVE").await;
    assert_eq!(again.code(), "CONFLICT");
    let entry = counts(&admin).await;
    assert_eq!(entry.newest_action, "sync.confirmed");
}

/// S3: the share is taken of the agents that were known before, so that new ones do not hide a loss.
#[tokio::test]
async fn new_agents_do_not_hide_a_loss() {
    let (app, admin) = imported(10).await;
    let gone = remove(&app, 10).len();
    app.sandbox.control().add_agents(KEY, 41, "New").unwrap();
    let run = sync(&app, &admin).await;
    assert_eq!(run["state"], "NEEDS_CONFIRMATION");
    assert_eq!(run["pendingRemovalCount"], gone);
}

/// S3, S6: a decision that comes before the job has quite stopped waits for it, and the run goes on.
#[tokio::test]
async fn a_decision_waits_for_the_job_to_stop() {
    let (app, admin) = imported(10).await;
    remove(&app, 9);
    let run = sync(&app, &admin).await;
    app.sql("UPDATE jobs SET state = 'running', locked_by = 'slow', lock_until = 9000000000000 WHERE kind = 'sync' AND id = (SELECT max(id) FROM jobs)")
        .await;
    let decided = confirm(&admin, &run, "MARK_INACTIVE");
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.sql("UPDATE jobs SET state = 'done', locked_by = NULL, lock_until = NULL WHERE locked_by = 'slow'")
            .await;
    };
    let (decided, ()) = tokio::join!(decided, stopped);
    decided.ok();
    app.settle().await;
    assert_eq!(newest(&admin).await["state"], "SUCCEEDED");
    assert_eq!(statuses(&admin).await, (1, 9));
}

/// S1, S3: the voices are those of the agents that are still there when the sync ends.
#[tokio::test]
async fn voices_of_agents_that_are_gone_go_with_them() {
    let (app, admin) = imported(2).await;
    remove(&app, 2);
    let run = sync(&app, &admin).await;
    confirm(&admin, &run, "MARK_INACTIVE").await.ok();
    app.settle().await;
    let data = admin.query("{ voices { totalCount } }").await.ok();
    assert_eq!(data["voices"]["totalCount"], 0);
    assert_eq!(newest(&admin).await["voiceCount"], 0);
}

/// S3: `KEEP_ACTIVE` ends the run and leaves every agent as it is.
#[tokio::test]
async fn a_decision_to_keep_leaves_everything() {
    let (app, admin) = imported(10).await;
    remove(&app, 9);
    let run = sync(&app, &admin).await;
    confirm(&admin, &run, "KEEP_ACTIVE").await.ok();
    app.settle().await;
    let ended = newest(&admin).await;
    assert_eq!(
        (&ended["state"], &ended["goneCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(statuses(&admin).await, (10, 0));
    assert_eq!(single_reads(&app), 0);
}

/// S3, P1, P5: the decision is for owners and admins of the agency.
#[tokio::test]
async fn only_an_admin_of_the_agency_decides() {
    let (app, admin) = imported(10).await;
    remove(&app, 5);
    let run = sync(&app, &admin).await;
    let staff = app.user(Role::Staff).await;
    let stranger = app.stranger(Role::Owner).await;
    assert_eq!(
        confirm(&staff, &run, "MARK_INACTIVE").await.code(),
        "FORBIDDEN"
    );
    assert_eq!(
        confirm(&stranger, &run, "MARK_INACTIVE").await.code(),
        "NOT_FOUND"
    );
    assert_eq!(newest(&admin).await["state"], "NEEDS_CONFIRMATION");
    assert_eq!(statuses(&admin).await, (10, 0));
}

/// S3: a key that is refused while missing agents are looked for has proven nothing about them.
#[tokio::test]
async fn a_key_refused_on_the_way_marks_nothing() {
    let (app, admin) = imported(20).await;
    remove(&app, 3);
    // Two pages of the list, then every answer about assistants is a refusal.
    app.sandbox
        .control()
        .inject(Fault::status(401).on("/vapi/assistant*").after(2));
    let run = sync(&app, &admin).await;
    assert_eq!(run["state"], "FAILED");
    assert_eq!(run["error"]["code"], "KEY_REJECTED");
    assert_eq!(single_reads(&app), 1);
    assert_eq!(statuses(&admin).await, (20, 0));
    assert_eq!(admin.key().await["health"], "INVALID");
}

/// S3, S4: an outage while missing agents are looked for is waited for, and nobody is counted twice.
#[tokio::test]
async fn an_outage_between_single_reads_is_waited_for() {
    let (app, admin) = imported(250).await;
    remove(&app, 45);
    // In the third batch of twenty.
    app.sandbox.control().inject(
        Fault::status(503)
            .on("/vapi/assistant/*")
            .after(42)
            .times(1),
    );
    admin.start_sync().await.ok();
    let run = until(&admin, "WAITING").await;
    assert_eq!(run["phase"], "MISSING_AGENTS");
    assert_eq!(
        (&run["goneCount"], &run["done"], &run["total"]),
        (&json!(42), &json!(42), &json!(45))
    );
    app.advance(Duration::from_secs(60));
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(45))
    );
    assert_eq!(statuses(&admin).await, (205, 45));
}

/// S3 for numbers: one that a complete list did not hold becomes inactive and is kept.
#[tokio::test]
async fn a_number_that_is_gone_becomes_inactive() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    // As if the provider had known another number at the time of the sync before.
    app.sql(
        "UPDATE phone_numbers SET remote_id = 'a-number-of-old', number = '+15005550006', sort_key = '+15005550006' \
         WHERE number = '+18015550109'",
    )
    .await;
    let fault = Fault::status(500).on("/vapi/v2/phone-number").times(1);
    app.sandbox.control().inject(fault);
    admin.start_sync().await.ok();
    until(&admin, "WAITING").await;
    let inactive = "{ phoneNumbers(filter: { status: [INACTIVE] }) { nodes { number } } }";
    let listed = async || admin.query(inactive).await.ok()["phoneNumbers"]["nodes"].clone();
    assert_eq!(listed().await, json!([]), "a failed page marks nothing");
    app.advance(Duration::from_secs(1));
    app.settle().await;
    assert_eq!(listed().await, json!([{ "number": "+15005550006" }]));
}

/// S3, S4: a missing agent whose single read stays in trouble keeps no other from being looked at, and stays as it is.
#[tokio::test]
async fn one_unreadable_missing_agent_holds_up_no_other() {
    for status in [500, 400] {
        let (app, client) = imported(40).await;
        let control = app.sandbox.control();
        let ids = control.agent_ids(KEY).unwrap()[..5].to_vec();
        control.remove_agents(KEY, &ids).unwrap();
        control.inject(Fault::status(status).on(&format!("/vapi/assistant/{}", ids[2])));
        client.start_sync().await.ok();
        let run = to_the_end(&app, &client).await;
        assert_eq!(
            (&run["state"], &run["goneCount"], &run["unreadDetailCount"]),
            (&json!("SUCCEEDED"), &json!(4), &json!(1)),
            "{status}"
        );
        assert_eq!(statuses(&client).await, (36, 4));
    }
}

/// S3: agents that return in the same run do not hide a loss.
#[tokio::test]
async fn returning_agents_do_not_hide_a_loss() {
    let (app, client) = imported(60).await;
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    // Ten are active; the other fifty are there again at the provider, and of the ten five are gone.
    app.sql("UPDATE placements SET status = 'inactive', inactive_reason = 'gone' WHERE id NOT IN (SELECT id FROM placements ORDER BY remote_id LIMIT 10)")
        .await;
    app.sql("UPDATE agents SET status = 'inactive' WHERE id IN (SELECT agent_id FROM placements WHERE status = 'inactive')")
        .await;
    let mut sorted = ids.clone();
    sorted.sort();
    control.remove_agents(KEY, &sorted[..5]).unwrap();
    client.start_sync().await.ok();
    app.settle().await;
    let run = newest(&client).await;
    assert_eq!(
        (&run["state"], &run["returnedCount"]),
        (&json!("NEEDS_CONFIRMATION"), &json!(50))
    );
    confirm(&client, &run, "KEEP_ACTIVE").await.ok();
    app.settle().await;
}
