//! S8: each sync keeps a change feed, of agents and of numbers.

use serde_json::{Value, json};

use super::{import, newest, sync};
use crate::harness::{TestApp, TestClient, keys};
use ringfence::{access::Role, sandbox::NewAccount};

const KEY: &str = "test-key-with-a-feed-Vb8w";

/// The newest run's changes as `KIND SUBJECT name fields`, in the order of the API.
async fn feed(client: &TestClient, filter: Value) -> Vec<String> {
    let run = newest(client).await["id"].clone();
    let query = "query($run: ID!, $filter: SyncChangeFilter) { syncChanges(syncRunId: $run, filter: $filter, first: 100) \
        { totalCount nodes { kind subject name fields at agent { name } phoneNumber { number } } } }";
    let data = client
        .graphql(query, json!({ "run": run, "filter": filter }))
        .await
        .ok();
    let list = &data["syncChanges"];
    let nodes = list["nodes"].as_array().unwrap();
    assert_eq!(list["totalCount"], nodes.len());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |node: &Value| {
        let fields: Vec<String> = node["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        let is_agent = node["subject"] == "AGENT";
        assert_eq!(node["agent"].is_null(), !is_agent, "{node}");
        assert_eq!(node["phoneNumber"].is_null(), is_agent, "{node}");
        let line = format!(
            "{} {} {} {}",
            text(&node["kind"]),
            text(&node["subject"]),
            text(&node["name"]),
            fields.join(",")
        );
        line.trim_end().to_owned()
    };
    nodes.iter().map(line).collect()
}

async fn account(agents: usize, numbers: usize) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let account = NewAccount::vapi(KEY, agents).phone_numbers(numbers);
    app.sandbox.control().add_account(&account).unwrap();
    let client = app.user(Role::Owner).await;
    import(&app, &client, KEY).await;
    (app, client)
}

/// S8: a first import adds; one that finds the same writes nothing.
#[tokio::test]
async fn a_first_import_adds_and_an_unchanged_one_is_silent() {
    let (app, client) = account(2, 1).await;
    assert_eq!(
        feed(&client, json!({})).await,
        [
            "ADDED PHONE_NUMBER +15550000001",
            "ADDED AGENT Seeded agent 00001",
            "ADDED AGENT Seeded agent 00002",
        ]
    );
    let run = sync(&app, &client).await;
    assert_eq!(run["state"], "SUCCEEDED");
    assert_eq!(feed(&client, json!({})).await, [] as [&str; 0]);
}

/// S8: changed agents and numbers say in what, those that went and those that returned are told, and each kind can be
/// asked for by itself.
#[tokio::test]
async fn changes_say_what_is_different() {
    let (app, client) = account(12, 4).await;
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    control.rename_agent(KEY, &ids[3], "Renamed").unwrap();
    control.remove_agents(KEY, &ids[..1]).unwrap();
    control.add_agents(KEY, 1, "Fresh").unwrap();
    let run = sync(&app, &client).await;
    assert_eq!(
        (&run["addedCount"], &run["changedCount"], &run["goneCount"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let expected = [
        "ADDED AGENT Fresh 00012",
        "CHANGED AGENT Renamed NAME",
        "GONE AGENT Seeded agent 00012",
    ];
    assert_eq!(feed(&client, json!({})).await, expected);
    let only = json!({ "kind": ["CHANGED"], "subject": ["AGENT"] });
    assert_eq!(feed(&client, only).await, ["CHANGED AGENT Renamed NAME"]);
    let none = json!({ "subject": ["PHONE_NUMBER"] });
    assert_eq!(feed(&client, none).await, [] as [&str; 0]);
}

/// S8: an agent that is back is told as returned, with its number's new state.
#[tokio::test]
async fn what_returns_is_told() {
    let (app, client) = account(10, 2).await;
    app.sql("UPDATE placements SET status = 'inactive', inactive_reason = 'gone'")
        .await;
    app.sql("UPDATE agents SET status = 'inactive'").await;
    app.sql("UPDATE phone_numbers SET status = 'inactive' WHERE number = '+15550000001'")
        .await;
    app.sql("UPDATE phone_numbers SET agent_remote_id = NULL, name = 'Old' WHERE number = '+15550000002'")
        .await;
    let run = sync(&app, &client).await;
    assert_eq!(run["returnedCount"], 10);
    let returned = feed(&client, json!({ "kind": ["RETURNED"] })).await;
    assert_eq!(returned.len(), 11);
    assert_eq!(returned[0], "RETURNED PHONE_NUMBER +15550000001");
    assert_eq!(
        feed(&client, json!({ "kind": ["CHANGED"] })).await,
        ["CHANGED PHONE_NUMBER +15550000002 NAME,AGENT"]
    );
}

/// S8, S3: numbers that a complete list did not hold are told as gone.
#[tokio::test]
async fn numbers_that_are_gone_are_told() {
    let (app, client) = account(3, 2).await;
    app.sql("UPDATE phone_numbers SET remote_id = 'elsewhere' WHERE number = '+15550000001'")
        .await;
    sync(&app, &client).await;
    // One name twice: which comes first, the ids decide.
    let mut lines = feed(&client, json!({ "subject": ["PHONE_NUMBER"] })).await;
    lines.sort();
    assert_eq!(
        lines,
        [
            "ADDED PHONE_NUMBER +15550000001",
            "GONE PHONE_NUMBER +15550000001"
        ]
    );
}

/// S8, P5: the feed of another agency's run is not there.
#[tokio::test]
async fn the_feed_of_another_agency_is_not_found() {
    let (app, client) = account(1, 0).await;
    let run = newest(&client).await["id"].clone();
    let stranger = app.stranger(Role::Owner).await;
    let query = "query($run: ID!) { syncChanges(syncRunId: $run) { totalCount } }";
    let answer = stranger.graphql(query, json!({ "run": run })).await;
    assert_eq!(answer.code(), "NOT_FOUND");
}

/// S3: while a decision is due, the agents that it is about can be listed and searched; afterwards there are none.
#[tokio::test]
async fn the_agents_of_a_decision_can_be_listed() {
    let (app, client) = account(10, 0).await;
    let control = app.sandbox.control();
    let ids = control.agent_ids(KEY).unwrap();
    control.remove_agents(KEY, &ids[..4]).unwrap();
    let run = sync(&app, &client).await;
    assert_eq!(run["state"], "NEEDS_CONFIRMATION");
    let missing = async |client: &TestClient, search: &str| {
        let query = "query($run: ID!, $search: String) { agents(filter: { missingFromSyncRun: $run }, search: $search) \
            { totalCount nodes { name } } }";
        let variables = json!({ "run": run["id"], "search": search });
        let data = client.graphql(query, variables).await.ok();
        let nodes = data["agents"]["nodes"].as_array().unwrap().clone();
        assert_eq!(data["agents"]["totalCount"], nodes.len());
        nodes
    };
    let all = missing(&client, "").await;
    assert_eq!(all.len(), 4);
    assert_eq!(all[0]["name"], "Seeded agent 00007");
    assert_eq!(missing(&client, "00009").await.len(), 1);
    let stranger = app.stranger(Role::Owner).await;
    assert_eq!(missing(&stranger, "").await.len(), 0);
    let keep = json!({ "input": { "syncRunId": run["id"], "decision": "KEEP_ACTIVE" } });
    let mutation =
        "mutation($input: ConfirmSyncInput!) { confirmSync(input: $input) { syncRun { state } } }";
    client.graphql(mutation, keep).await.ok();
    app.settle().await;
    assert_eq!(missing(&client, "").await.len(), 0);
}

/// S8: the feed of the sample account names each of its agents and numbers once.
#[tokio::test]
async fn a_whole_account_is_in_its_feed() {
    let app = TestApp::new().await;
    let client = app.user(Role::Staff).await;
    let owner = app.user(Role::Owner).await;
    import(&app, &owner, keys::GOOD).await;
    let lines = feed(&client, json!({})).await;
    assert_eq!(lines.len(), 40 + 12);
    assert!(lines.iter().all(|line| line.starts_with("ADDED ")));
}
