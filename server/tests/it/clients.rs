//! Clients of an agency, and whom agents work for.

use ringfence::access::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient};

/// Makes a client; answers with its id.
pub(crate) async fn create(user: &TestClient, name: &str) -> Value {
    let made = try_create(user, name).await.ok();
    made["createClient"]["client"]["id"].clone()
}

async fn try_create(user: &TestClient, name: &str) -> Answer {
    let document = "mutation($input: CreateClientInput!) { createClient(input: $input) { client { id name } } }";
    let input = json!({ "input": { "name": name } });
    user.graphql(document, input).await
}

/// Gives agents to a client, or to nobody.
pub(crate) async fn assign(user: &TestClient, input: Value) -> Answer {
    let document = "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount unreachableCount } }";
    user.graphql(document, json!({ "input": input })).await
}

async fn change(user: &TestClient, mutation: &str, input: Value) -> Answer {
    let kind = mutation[..1].to_uppercase() + &mutation[1..];
    let document = format!(
        "mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ client {{ id name archivedAt }} }} }}"
    );
    user.graphql(&document, json!({ "input": input })).await
}

/// P1: staff make, name, archive and restore clients; what goes wrong is said at the field, and nothing is lost.
#[tokio::test]
async fn a_client_is_made_named_archived_and_restored() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let id = create(&staff, "  Northside \t Dental ").await;
    let list = "{ clients { totalCount nodes { id name agentCount unreachableAgentCount providerKeys { provider } } } }";
    let found = staff.query(list).await.ok();
    let expected = json!({ "totalCount": 1, "nodes": [{ "id": id, "name": "Northside Dental", "agentCount": 0,
        "unreachableAgentCount": 0, "providerKeys": [] }] });
    assert_eq!(found["clients"], expected);
    let again = try_create(&staff, "NORTHSIDE dental").await;
    assert_eq!(again.code(), "INVALID_INPUT");
    assert_eq!(again.error()["extensions"]["field"], "name");
    for (name, word) in [
        ("", "Enter"),
        (" \u{3000}", "Enter"),
        (&"x".repeat(121)[..], "120"),
        ("a\u{7}b", "nobody sees"),
        ("Northside\u{200b} Dental", "nobody sees"),
        ("\u{202e}Northside", "nobody sees"),
        ("\u{feff}", "nobody sees"),
    ] {
        let refused = try_create(&staff, name).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{name:?}");
        assert!(refused.message().contains(word), "{}", refused.message());
    }
    let renamed = change(
        &staff,
        "updateClient",
        json!({ "clientId": id, "name": "Dental North" }),
    )
    .await
    .ok();
    assert_eq!(renamed["updateClient"]["client"]["name"], "Dental North");
    let archived = change(&staff, "archiveClient", json!({ "clientId": id }))
        .await
        .ok();
    assert!(archived["archiveClient"]["client"]["archivedAt"].is_string());
    // The name is free while its holder is archived, and taken when it would come back.
    create(&staff, "Dental North").await;
    let taken = change(&staff, "restoreClient", json!({ "clientId": id })).await;
    assert_eq!(taken.code(), "INVALID_INPUT");
    change(
        &staff,
        "updateClient",
        json!({ "clientId": id, "name": "Old Dental" }),
    )
    .await
    .ok();
    change(&staff, "restoreClient", json!({ "clientId": id }))
        .await
        .ok();
    let counts = staff
        .query("{ all: clients { totalCount } archived: clients(filter: { isArchived: true }) { totalCount } \
            found: clients(search: \"old\") { nodes { name } } }")
        .await
        .ok();
    assert_eq!(counts["all"]["totalCount"], 2);
    assert_eq!(counts["archived"]["totalCount"], 0);
    assert_eq!(counts["found"]["nodes"], json!([{ "name": "Old Dental" }]));
}

/// P1: agents are assigned one by one, in bulk and by search, and given back; unknown agents refuse the whole.
#[tokio::test]
async fn agents_are_assigned_by_ids_and_by_search() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview Legal").await;
    let found = admin
        .query("{ agents(first: 3) { nodes { id } } }")
        .await
        .ok();
    let ids: Vec<Value> = found["agents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["id"].clone())
        .collect();
    let assigned = assign(
        &admin,
        json!({ "agentIds": [ids[0], ids[1], ids[1]], "clientId": client }),
    )
    .await
    .ok();
    assert_eq!(
        assigned["assignAgents"],
        json!({ "assignedCount": 2, "unreachableCount": 0 })
    );
    let refused = assign(
        &admin,
        json!({ "agentIds": [ids[2], "no such agent"], "clientId": client }),
    )
    .await;
    assert_eq!(refused.code(), "NOT_FOUND");
    let of_client = async || {
        let query = "query($id: ID!) { agents(filter: { clientId: $id }) { totalCount nodes { client { id } } } \
            client(id: $id) { agentCount } }";
        let data = admin.graphql(query, json!({ "id": client })).await.ok();
        assert_eq!(data["agents"]["totalCount"], data["client"]["agentCount"]);
        data["agents"]["totalCount"].as_i64().unwrap()
    };
    assert_eq!(of_client().await, 2, "the refused request changed nothing");
    let query = "{ agents(search: \"bayview\") { totalCount } }";
    let bayview = admin.query(query).await.ok()["agents"]["totalCount"]
        .as_i64()
        .unwrap();
    let assigned = assign(&admin, json!({ "search": "bayview", "clientId": client }))
        .await
        .ok();
    assert_eq!(
        assigned["assignAgents"]["assignedCount"].as_i64(),
        Some(bayview)
    );
    let all = of_client().await;
    assert!(all >= bayview);
    let rest = json!({ "filter": { "clientId": client } });
    let back = assign(&admin, rest).await.ok();
    assert_eq!(back["assignAgents"]["assignedCount"].as_i64(), Some(all));
    assert_eq!(of_client().await, 0, "given back to the agency");
    for input in [
        json!({ "clientId": client }),
        json!({ "agentIds": [ids[0]], "search": "x" }),
        json!({ "agentIds": [] }),
    ] {
        assert_eq!(
            assign(&admin, input).await.error()["extensions"]["field"],
            "agentIds"
        );
    }
    change(&admin, "archiveClient", json!({ "clientId": client }))
        .await
        .ok();
    let archived = assign(&admin, json!({ "search": "", "clientId": client })).await;
    assert_eq!(archived.code(), "CONFLICT");
}
