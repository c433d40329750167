//! S1, S4, S5: agents whose list tells only a part of them are read one by one, at Retell; what trouble with one of them,
//! or with the provider, means.

use std::time::Duration;

use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{newest, to_the_end, until};
use crate::{
    harness::{Settings, TestApp, TestClient},
    keys::save,
};

const KEY: &str = "test-key-of-thin-lists-Qm4z";
/// The sandbox's own account of 36 agents.
const SAMPLE: &str = "sandbox-retell-good-agency-h5Tn";

/// An account of so many agents, and an admin who has not connected it yet.
async fn account(agents: usize) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let account = NewAccount::of(ProviderKind::Retell, KEY, agents);
    app.sandbox.control().add_account(&account).unwrap();
    let admin = app.user(Role::Admin).await;
    (app, admin)
}

async fn save_key(admin: &TestClient) {
    save(admin, json!({ "provider": "RETELL", "apiKey": KEY }))
        .await
        .ok();
}

async fn start(admin: &TestClient) {
    let start = "mutation { startSync(input: { provider: RETELL }) { hasJoined } }";
    admin.query(start).await.ok();
}

/// How many agents have a prompt, of how many.
async fn prompted(admin: &TestClient) -> (usize, usize) {
    let query = "{ agents(first: 100) { nodes { status definition { prompt } } } }";
    let data = admin.query(query).await.ok();
    let agents = data["agents"]["nodes"].as_array().unwrap();
    let has_prompt = |agent: &&Value| agent["definition"]["prompt"].is_string();
    assert!(agents.iter().all(|agent| agent["status"] == "ACTIVE"));
    (agents.iter().filter(has_prompt).count(), agents.len())
}

fn path(id: &str) -> String {
    format!("/retell/get-agent/{id}")
}

/// S1, S2, S4: one agent that stays unreadable costs itself and no other: the sync waits for it as for any outage, says how
/// many it could not read, and the next one reads it.
#[tokio::test]
async fn an_unreadable_agent_costs_only_itself() {
    let (app, admin) = account(30).await;
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    let fault = control.inject(Fault::status(500).on(&path(&ids[7])));
    save_key(&admin).await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    assert_eq!(prompted(&admin).await, (29, 30));
    control.remove_fault(fault).unwrap();
    start(&admin).await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(run["unreadDetailCount"], 0);
    // Its first reading is no change of the agent.
    assert_eq!(run["changedCount"], 0);
    assert_eq!(prompted(&admin).await, (30, 30));
}

/// S1: a refusal that one agent's read gets, while the account's list answers, keeps none of the others from being read.
#[tokio::test]
async fn a_refusal_of_one_read_skips_no_other_agent() {
    let (app, admin) = account(20).await;
    let control = app.sandbox.control();
    control.inject(Fault::status(401).on("/retell/get-agent/*").times(1));
    save_key(&admin).await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    assert_eq!(prompted(&admin).await, (19, 20));
    start(&admin).await;
    assert_eq!(to_the_end(&app, &admin).await["unreadDetailCount"], 0);
    assert_eq!(prompted(&admin).await, (20, 20));
}

/// S1, K4: an agent that the key may list and not read is left as listed, and counted.
#[tokio::test]
async fn an_agent_that_the_key_may_not_read_is_left_as_listed() {
    let (app, admin) = account(5).await;
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    control.inject(Fault::status(403).on(&path(&ids[0])));
    save_key(&admin).await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    assert_eq!(prompted(&admin).await, (4, 5));
}

/// S4: a rate limit between single reads is waited for as long as the provider asks, and what was read before it stays.
#[tokio::test]
async fn a_rate_limit_between_single_reads_is_waited_for() {
    let (app, admin) = account(30).await;
    let control = app.sandbox.control();
    control.inject(
        Fault::rate_limit("24")
            .on("/retell/get-agent/*")
            .after(10)
            .times(1),
    );
    save_key(&admin).await;
    let run = until(&admin, "WAITING").await;
    assert_eq!(
        (&run["phase"], &run["waitingReason"]),
        (
            &json!("AGENT_DETAILS"),
            &json!("Waiting for Retell's rate limit")
        )
    );
    assert!(prompted(&admin).await.0 >= 10);
    app.advance(Duration::from_secs(25));
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(prompted(&admin).await, (30, 30));
}

/// S4, S5: an outage of the whole provider while details are read ends the run in the end, and undoes nothing: the key is
/// valid, the agents are there, and the next sync goes on where this one gave up.
#[tokio::test]
async fn an_outage_while_details_are_read_is_no_fault_of_the_agents() {
    let (app, admin) = account(30).await;
    let control = app.sandbox.control();
    control.inject(Fault::status(503).on("/retell/get-agent/*").after(20));
    control.inject(Fault::status(503).on("/retell/v2/list-agents").after(2));
    save_key(&admin).await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&json!("FAILED"), &json!("PROVIDER_UNREACHABLE"))
    );
    assert_eq!(run["unreadDetailCount"], 0);
    assert_eq!(prompted(&admin).await.1, 30);
    let key = "{ providerKeys { nodes { health } } }";
    let key = admin.query(key).await.ok();
    assert_eq!(key["providerKeys"]["nodes"][0]["health"], "VALID");
    control.clear_faults();
    control.clear_requests();
    start(&admin).await;
    app.settle().await;
    assert_eq!(prompted(&admin).await, (30, 30));
    let reads = control.request_counts();
    let reads = reads["GET /retell/get-agent/{id}"];
    assert!(reads <= 12, "{reads} agents were read again");
}

/// S5: a key that is refused while details are read ends the run at once and becomes the key's health.
#[tokio::test]
async fn a_key_refused_while_details_are_read_ends_the_run() {
    let (app, admin) = account(30).await;
    let control = app.sandbox.control();
    control.inject(Fault::new(Effect::Delay { ms: 20 }).on("/retell/get-agent/*"));
    save_key(&admin).await;
    for _ in 0..500 {
        if prompted(&admin).await.0 > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    control.revoke_key(KEY).unwrap();
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&json!("FAILED"), &json!("KEY_REJECTED"))
    );
    assert_eq!(prompted(&admin).await.1, 30);
}

/// S5: a server that is stopped while details are read goes on with those that are left.
#[tokio::test]
async fn a_stopped_reading_goes_on_with_the_rest() {
    let folder = TempDir::new().unwrap();
    let settings = || Settings {
        data_dir: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    let app = TestApp::with(settings()).await;
    admin::create_agency(&app.app, "Northside Voice", Plan::Agency)
        .await
        .unwrap();
    let user = app.user(Role::Admin).await;
    let fault = Fault::rate_limit("600").on("/retell/get-agent/*").after(12);
    app.sandbox.control().inject(fault);
    let input = json!({ "provider": "RETELL", "apiKey": SAMPLE });
    save(&user, input).await.ok();
    until(&user, "WAITING").await;
    let (read, all) = prompted(&user).await;
    assert!(read >= 8 && read < all, "{read} of {all}");
    app.app.stop(Duration::from_millis(50)).await;
    std::mem::forget(app);

    let app = TestApp::with(settings()).await;
    app.advance(Duration::from_secs(600));
    app.settle().await;
    let user = app.user(Role::Admin).await;
    let run = newest(&user).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    let counts = app.sandbox.control().request_counts();
    let again = counts["GET /retell/get-agent/{id}"];
    assert_eq!(
        again,
        36 - 12,
        "those that had been read are not read again"
    );
}

/// S1, S4: a provider that lets a few reads through between its refusals is read to the end, however often it asks to wait.
#[tokio::test]
async fn a_slow_provider_is_read_to_the_end() {
    let (app, admin) = account(60).await;
    let control = app.sandbox.control();
    // Each fault lets three more pass than the one before and then refuses once.
    for turn in 1..=15 {
        let fault = Fault::rate_limit("30").on("/retell/get-agent/*");
        control.inject(fault.after(turn * 4).times(1));
    }
    save_key(&admin).await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["unreadDetailCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(prompted(&admin).await, (60, 60));
}

/// S1, S8: of an agent that may be read only in part, what the answer leaves out stays, what it tells is written, and both
/// are in the feed as one change.
#[tokio::test]
async fn what_a_partial_answer_leaves_out_stays() {
    let (app, admin) = account(3).await;
    save_key(&admin).await;
    app.settle().await;
    assert_eq!(prompted(&admin).await, (3, 3));
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    control.inject(Fault::status(403).on("/retell/get-retell-llm/*"));
    control.rename_agent(KEY, &ids[0], "Renamed").unwrap();
    start(&admin).await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (
            &run["state"],
            &run["changedCount"],
            &run["unreadDetailCount"]
        ),
        (&json!("SUCCEEDED"), &json!(1), &json!(1))
    );
    assert_eq!(prompted(&admin).await, (3, 3));
    let query = "query($run: ID!) { syncChanges(syncRunId: $run) { nodes { name fields } } }";
    let feed = admin.graphql(query, json!({ "run": run["id"] })).await.ok();
    assert_eq!(
        feed["syncChanges"]["nodes"],
        json!([{ "name": "Renamed", "fields": ["NAME"] }])
    );
}

/// K4, S5: a key that may not list voices, or engines, imports everything else, and stays as its check found it.
#[tokio::test]
async fn a_key_without_voices_imports_everything_else() {
    for status in [403, 401] {
        let (app, admin) = account(4).await;
        let control = app.sandbox.control();
        control.inject(Fault::status(status).on("/retell/list-voices"));
        control.inject(Fault::status(status).on("/retell/v2/list-retell-llms"));
        save_key(&admin).await;
        app.settle().await;
        let run = newest(&admin).await;
        assert_eq!(run["state"], "SUCCEEDED", "{status}: {run}");
        assert_eq!(prompted(&admin).await, (4, 4));
        let data = admin
            .query("{ providerKeys { nodes { health } } voices { totalCount } }")
            .await
            .ok();
        assert_eq!(data["providerKeys"]["nodes"][0]["health"], "VALID");
        assert_eq!(data["voices"]["totalCount"], 1, "those that agents use");
    }
}
