//! R1, R3, R5: a client's own key: its agents are placed in its account, nobody else's are, and without the key they are back
//! at once.

use ringfence::{access::Role, providers::ProviderKind};
use serde_json::{Value, json};

use super::{agents, counts, items, keys_of, newest, remote_count};
use crate::{
    harness::{TestApp, TestClient},
    keys::save,
};

/// A client with the first five of the agency's agents, and its key of another account.
async fn client_with_a_key(app: &TestApp, admin: &TestClient) -> Value {
    let (first, second) = keys_of(ProviderKind::Vapi);
    admin.save_key(first, None).await.ok();
    app.settle().await;
    let made = "mutation { createClient(input: { name: \"Bayview\" }) { client { id } } }";
    let made = admin.query(made).await.ok();
    let id = made["createClient"]["client"]["id"].clone();
    let agents = admin
        .query("{ agents(first: 5) { nodes { id } } }")
        .await
        .ok();
    let ids: Vec<&Value> = agents["agents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| &agent["id"])
        .collect();
    let query =
        "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }";
    let input = json!({ "input": { "clientId": id, "agentIds": ids } });
    admin.graphql(query, input).await.ok();
    let input = json!({ "provider": "VAPI", "apiKey": second, "clientId": id });
    save(admin, input).await.ok();
    app.settle().await;
    id
}

/// R1, R3, R5: the client's five agents are made in the client's account and nobody else's are; while its key is there they go
/// over it, and both placements stay.
#[tokio::test]
async fn a_clients_agents_are_placed_in_its_own_account() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let client = client_with_a_key(&app, &admin).await;
    // Its own twelve are reached; the five that came to it have no place there yet.
    assert_eq!(agents(&admin).await, (52, 5));
    let query = "query($client: ID) { placementPlan(clientId: $client, provider: VAPI) { total placeableCount } }";
    let planned = admin.graphql(query, json!({ "client": client })).await.ok();
    assert_eq!(
        planned["placementPlan"],
        json!({ "total": 5, "placeableCount": 5 })
    );
    let agencys = admin.graphql(query, json!({ "client": null })).await.ok();
    assert_eq!(
        agencys["placementPlan"]["total"], 0,
        "the agency's own lack nothing"
    );
    let query = "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { placementRun { \
        total client { id } } } }";
    let input = json!({ "input": { "clientId": client, "provider": "VAPI" } });
    let started = admin.graphql(query, input).await.ok();
    let run = &started["startPlacementRun"]["placementRun"];
    assert_eq!((&run["total"], &run["client"]["id"]), (&json!(5), &client));
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [5, 0, 0, 0]);
    assert_eq!(items(&admin, "CREATED").await.len(), 5);
    let (first, second) = keys_of(ProviderKind::Vapi);
    assert_eq!(
        (remote_count(&app, first), remote_count(&app, second)),
        (40, 17)
    );
    assert_eq!(agents(&admin).await, (52, 0));
    let rows = app
        .sql(
            "SELECT count(*) FROM agents a WHERE (SELECT count(*) FROM placements p WHERE p.agent_id = a.id \
             AND p.status = 'active') = 2",
        )
        .await;
    assert_eq!(rows[0].get::<i64>(0), 5, "both placements stay");
    let of_client = admin
        .graphql(
            "query($client: ID) { placementRuns(clientId: $client) { totalCount } }",
            json!({ "client": client }),
        )
        .await
        .ok();
    assert_eq!(of_client["placementRuns"]["totalCount"], 1);
}

/// R5: a client without a key of its own has no account to place anything in.
#[tokio::test]
async fn a_client_without_a_key_has_no_account_of_its_own() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let made = "mutation { createClient(input: { name: \"Bayview\" }) { client { id } } }";
    let made = admin.query(made).await.ok();
    let query = "query($client: ID) { placementPlan(clientId: $client, provider: VAPI) { total } }";
    let client = &made["createClient"]["client"]["id"];
    let refused = admin.graphql(query, json!({ "client": client })).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert!(refused.message().contains("no Vapi key of its own"));
}
