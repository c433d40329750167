//! R5: what is made of an agency's agents in the account of its key, at each provider.

use std::collections::HashSet;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Fault, NewAccount},
};
use serde_json::{Value, json};

use super::{
    agents, asked, counts, items, keys_of, moved, newest, plan, remote_count, start, sync,
    to_the_end,
};
use crate::harness::{Frame, TestApp, TestClient, TestSocket};

/// The definitions of all agents, by their ids: what no placement may change.
async fn definitions(app: &TestApp) -> Vec<(String, String)> {
    let rows = app
        .sql("SELECT id, definition FROM agents ORDER BY id")
        .await;
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// R5: every agent is made once, is reached by its key from then on, and stays what it was; the next import finds nothing
/// new and nothing changed, and asks for nothing twice.
#[tokio::test]
async fn missing_placements_are_made_and_an_import_knows_them() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let second = keys_of(ProviderKind::Vapi).1;
    assert_eq!(
        (agents(&admin).await, remote_count(&app, second)),
        ((52, 40), 12)
    );
    let planned = plan(&admin, "VAPI").await;
    assert_eq!(
        (
            &planned["total"],
            &planned["placeableCount"],
            &planned["reducedCount"]
        ),
        (&json!(40), &json!(40), &json!(0))
    );
    assert_eq!(
        asked(&app, "POST /vapi/assistant"),
        0,
        "a plan asks nothing"
    );
    let before = definitions(&app).await;
    let started = start(&admin, "VAPI").await;
    assert_eq!(started["hasJoined"], false);
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(run["id"], started["placementRun"]["id"]);
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [40, 0, 0, 0])
    );
    assert_eq!(agents(&admin).await, (52, 0));
    assert_eq!(remote_count(&app, second), 52);
    assert_eq!(asked(&app, "POST /vapi/assistant"), 40);
    let made = items(&admin, "CREATED").await;
    let ids: HashSet<&str> = made
        .iter()
        .map(|it| it["remoteId"].as_str().unwrap())
        .collect();
    let remote: HashSet<String> = app
        .sandbox
        .control()
        .agent_ids(second)
        .unwrap()
        .into_iter()
        .collect();
    assert!(ids.len() == 40 && ids.iter().all(|id| remote.contains(*id)));
    assert_eq!(definitions(&app).await, before);
    let synced = sync(&app, &admin, "VAPI").await;
    for count in ["addedCount", "changedCount", "goneCount", "returnedCount"] {
        assert_eq!(synced[count], 0, "{count}");
    }
    assert_eq!(
        (&synced["agentCount"], agents(&admin).await),
        (&json!(52), (52, 0))
    );
    assert_eq!(definitions(&app).await, before);
    assert_eq!(plan(&admin, "VAPI").await["total"], 0);
}

/// R5: with nothing to make there is no run.
#[tokio::test]
async fn a_run_without_anything_to_make_is_refused() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let query = "mutation { startPlacementRun(input: { provider: VAPI }) { hasJoined } }";
    let refused = admin.query(query).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert!(refused.message().contains("has a placement"), "{refused:?}");
    assert_eq!(plan(&admin, "VAPI").await["total"], 0);
    let runs = admin.query("{ placementRuns { totalCount } }").await.ok();
    assert_eq!(runs["placementRuns"]["totalCount"], 0);
    let without_a_key = admin
        .query("{ placementPlan(provider: RETELL) { total } }")
        .await;
    assert_eq!(without_a_key.code(), "INVALID_INPUT");
}

/// What a plan says of its agents: how many are placed whole, in part, and not at all.
fn shares(planned: &Value) -> [usize; 3] {
    let mut shares = [0; 3];
    for agent in planned["agents"].as_array().unwrap() {
        let unsupported = agent["unsupported"].as_array().unwrap();
        let blocks = unsupported.iter().any(|part| part["effect"] == "BLOCKS");
        assert_eq!(agent["isPlaceable"], !blocks, "{agent}");
        let share = if blocks {
            2
        } else {
            usize::from(!unsupported.is_empty())
        };
        shares[share] += 1;
    }
    shares
}

async fn places_what_it_can(provider: ProviderKind) {
    let (app, admin) = moved(provider).await;
    let name = provider.as_str().to_uppercase();
    let second = keys_of(provider).1;
    let (all, lost) = agents(&admin).await;
    let there = remote_count(&app, second);
    let planned = plan(&admin, &name).await;
    let [whole, reduced, blocked] = shares(&planned);
    assert!(whole > 0 && blocked > 0, "{planned:#}");
    assert_eq!(planned["total"], lost);
    assert_eq!(planned["reducedCount"], reduced);
    assert_eq!(planned["placeableCount"], whole + reduced);
    let before = definitions(&app).await;
    start(&admin, &name).await;
    app.settle().await;
    let run = newest(&admin).await;
    let (made, skipped) = (whole + reduced, i64::try_from(blocked).unwrap());
    let created = i64::try_from(made).unwrap();
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [created, 0, skipped, 0])
    );
    for item in items(&admin, "SKIPPED").await {
        let described = planned["agents"].as_array().unwrap().iter();
        let mut described = described.filter(|agent| agent["agent"]["id"] == item["agent"]["id"]);
        let reasons = described.next().unwrap()["unsupported"].as_array().unwrap();
        let reason = reasons
            .iter()
            .find(|part| part["effect"] == "BLOCKS")
            .unwrap();
        let message = item["message"].as_str().unwrap();
        assert!(
            message.contains(reason["reason"].as_str().unwrap()),
            "{message}"
        );
    }
    assert_eq!(agents(&admin).await, (all, skipped));
    assert_eq!(remote_count(&app, second), there + made);
    for _ in 0..2 {
        let synced = sync(&app, &admin, &name).await;
        for count in ["addedCount", "changedCount", "goneCount", "returnedCount"] {
            assert_eq!(synced[count], 0, "{provider}: {count}");
        }
        assert_eq!(agents(&admin).await, (all, skipped));
        assert_eq!(definitions(&app).await, before);
    }
}

/// R5: what Retell and Bland have no agent for is listed before and skipped with the same words; the rest is made, and their
/// imports know it, though Retell's list tells only names.
#[tokio::test]
async fn what_cannot_be_placed_is_skipped_in_the_words_of_the_plan() {
    places_what_it_can(ProviderKind::Retell).await;
    places_what_it_can(ProviderKind::Bland).await;
}

/// Vapi's assistant with what somebody has changed in it at Vapi.
async fn change_at_vapi(app: &TestApp, key: &str, id: &str, change: Value) {
    let url = format!(
        "{}/assistant/{id}",
        app.sandbox.base_url(ProviderKind::Vapi)
    );
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.patch(url).bearer_auth(key).json(&change);
    assert!(request.send().await.unwrap().status().is_success());
}

/// R5, S8: a name too long for Vapi is shortened there alone, and an import does not write it over the agent's own; what
/// somebody changes in a placed agent is told as a change, and changes no other placement.
#[tokio::test]
async fn a_placed_agent_never_writes_over_the_definition() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let second = keys_of(ProviderKind::Vapi).1;
    let long = "A name that is a good deal longer than forty characters";
    app.sql(&format!(
        "UPDATE agents SET name = '{long}', definition = replace(definition, '\"name\":\"', '\"name\":\"{long}|') \
         WHERE id = (SELECT min(a.id) FROM agents a JOIN placements p ON p.agent_id = a.id WHERE p.status = 'active' \
         AND p.account_id NOT IN (SELECT account_id FROM provider_key_versions WHERE version = 2))"
    ))
    .await;
    let planned = plan(&admin, "VAPI").await;
    assert_eq!(planned["reducedCount"], 1);
    let agents = planned["agents"].as_array().unwrap();
    let named = agents.iter().find(|agent| agent["name"] == long).unwrap();
    assert_eq!(named["unsupported"][0]["effect"], "CHANGED");
    start(&admin, "VAPI").await;
    app.settle().await;
    let before = definitions(&app).await;
    let made = items(&admin, "CREATED").await;
    let id = named["agent"]["id"].as_str().unwrap();
    let item = made.iter().find(|item| item["agent"]["id"] == id).unwrap();
    let short = item["name"].as_str().unwrap();
    assert!(
        short.chars().count() <= 40 && short.ends_with('…'),
        "{short}"
    );
    assert_eq!(sync(&app, &admin, "VAPI").await["changedCount"], 0);
    assert_eq!(definitions(&app).await, before);
    let remote_id = item["remoteId"].as_str().unwrap();
    change_at_vapi(
        &app,
        second,
        remote_id,
        json!({ "firstMessage": "Another one." }),
    )
    .await;
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(synced["changedCount"], 1);
    let query =
        "query($id: ID!) { syncChanges(syncRunId: $id) { nodes { kind fields agent { id } } } }";
    let feed = admin
        .graphql(query, json!({ "id": synced["id"] }))
        .await
        .ok();
    assert_eq!(
        feed["syncChanges"]["nodes"],
        json!([{ "kind": "CHANGED", "fields": ["FIRST_MESSAGE"], "agent": { "id": id } }])
    );
    assert_eq!(definitions(&app).await, before);
    assert_eq!(sync(&app, &admin, "VAPI").await["changedCount"], 0);
}

/// R5: an agent whose details were never read is not placed by halves.
#[tokio::test]
async fn an_agent_that_was_read_in_part_waits() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (first, second) = keys_of(ProviderKind::Retell);
    app.sandbox
        .control()
        .inject(Fault::status(403).on("/retell/get-agent/*"));
    for (version, key) in [(0, first), (1, second)] {
        let mut input = json!({ "provider": "RETELL", "apiKey": key });
        if version > 0 {
            input["expectedVersion"] = json!(version);
        }
        crate::keys::save(&admin, input).await.ok();
        app.settle().await;
    }
    app.sandbox.control().clear_faults();
    let planned = plan(&admin, "RETELL").await;
    assert_eq!(planned["placeableCount"], 0);
    assert!(
        planned["agents"]
            .as_array()
            .unwrap()
            .iter()
            .all(|agent| agent["isHalfRead"] == true)
    );
    start(&admin, "RETELL").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(counts(&run)[2], run["total"].as_i64().unwrap());
    assert_eq!(asked(&app, "POST /retell/create-agent"), 0);
}

async fn frame(socket: &mut TestSocket) -> Value {
    match socket.next().await {
        Frame::Json(message) => message,
        Frame::Closed(code) => panic!("the socket was closed with {code}"),
    }
}

/// R5: a run is watched from its beginning to its end, and a second request joins it.
#[tokio::test]
async fn a_run_is_watched_and_joined() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    app.sandbox
        .control()
        .set_read_delay(std::time::Duration::from_millis(3));
    let held = Fault::rate_limit("30")
        .on("/vapi/assistant")
        .method("POST")
        .after(5)
        .times(1);
    app.sandbox.control().inject(held);
    let started = start(&admin, "VAPI").await;
    let id = started["placementRun"]["id"].as_str().unwrap();
    let mut socket = TestSocket::connected(&app, &admin).await;
    let query = format!(
        "subscription {{ placementRunProgress(placementRunId: \"{id}\") {{ state createdCount total }} }}"
    );
    socket.subscribe("a", &query).await;
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let message = frame(&mut socket).await;
        if message["type"] == "complete" {
            break;
        }
        let run = message["payload"]["data"]["placementRunProgress"].clone();
        if run["state"] == "WAITING" {
            let again = start(&admin, "VAPI").await;
            assert_eq!(again["hasJoined"], true);
            assert_eq!(again["placementRun"]["id"], id);
            app.advance(std::time::Duration::from_secs(31));
        }
        seen.push(run);
    }
    let created = |run: &Value| run["createdCount"].as_i64().unwrap();
    assert!(
        seen.is_sorted_by(|a, b| created(a) <= created(b)),
        "{seen:#?}"
    );
    assert!(
        seen.iter()
            .any(|run| run["state"] == "WAITING" && created(run) == 5)
    );
    assert_eq!(
        seen.last().unwrap(),
        &json!({ "state": "SUCCEEDED", "createdCount": 40, "total": 40 })
    );
    app.settle().await;
    let runs = admin.query("{ placementRuns { totalCount } }").await.ok();
    assert_eq!(runs["placementRuns"]["totalCount"], 1);
}

/// R5: only the agents that were named are made.
#[tokio::test]
async fn only_the_named_agents_are_made() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let planned = plan(&admin, "VAPI").await;
    let ids: Vec<&Value> = planned["agents"].as_array().unwrap()[..3]
        .iter()
        .map(|agent| &agent["agent"]["id"])
        .collect();
    let query = "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { placementRun { total } } }";
    let input = json!({ "input": { "provider": "VAPI", "agentIds": ids } });
    let started = admin.graphql(query, input).await.ok();
    assert_eq!(started["startPlacementRun"]["placementRun"]["total"], 3);
    app.settle().await;
    assert_eq!(agents(&admin).await, (52, 37));
}

/// R5: a run is longer than one batch.
#[tokio::test]
async fn three_hundred_agents_are_each_made_once() {
    let app = TestApp::new().await;
    let admin: TestClient = app.user(Role::Admin).await;
    let control = app.sandbox.control().clone();
    control
        .add_account(&NewAccount::vapi("many-agents-0001", 300))
        .unwrap();
    control
        .add_account(&NewAccount::vapi("no-agents-00002", 1))
        .unwrap();
    admin.save_key("many-agents-0001", None).await.ok();
    app.settle().await;
    admin.save_key("no-agents-00002", Some(1)).await.ok();
    app.settle().await;
    let planned = plan(&admin, "VAPI").await;
    assert_eq!(
        (
            &planned["total"],
            planned["agents"].as_array().unwrap().len()
        ),
        (&json!(300), 200)
    );
    start(&admin, "VAPI").await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [300, 0, 0, 0])
    );
    assert_eq!(remote_count(&app, "no-agents-00002"), 301);
}
