//! Whose key a call goes over: `explainRoute` against clients, overrides and what becomes of them.

use ringfence::{access::Role, sandbox::Fault};
use serde_json::{Value, json};

use crate::{
    clients::{assign, create},
    harness::{TestApp, TestClient, keys},
    keys::{save, test},
};

/// The route of an agent.
pub(crate) async fn explain(user: &TestClient, agent: &Value) -> Value {
    let query = "query($id: ID!) { explainRoute(agentId: $id) { state payer doubt block { code message fix } \
        stations { scope state reason key { version health } } key { scope version maskedKey } account { remoteId } \
        otherAccounts { remoteId } placement { remoteId } fromNumber { number } client { name } agent { name isReachable } } }";
    user.graphql(query, json!({ "id": agent })).await.ok()["explainRoute"].clone()
}

/// An agency with an imported Vapi account, a client, and one agent of it that has a number.
struct Scene {
    app: TestApp,
    admin: TestClient,
    client: Value,
    agent: Value,
}

async fn scene() -> Scene {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview Legal").await;
    let input = json!({ "search": "Bayview", "clientId": client });
    assign(&admin, input).await.ok();
    let query =
        "query($id: ID!) { agents(filter: { clientId: $id }) { nodes { id phoneNumberCount } } }";
    let found = admin.graphql(query, json!({ "id": client })).await.ok();
    let agents = found["agents"]["nodes"].as_array().unwrap();
    let agent = agents.iter().find(|agent| agent["phoneNumberCount"] != 0);
    let agent = agent.unwrap()["id"].clone();
    Scene {
        app,
        admin,
        client,
        agent,
    }
}

impl Scene {
    async fn route(&self) -> Value {
        explain(&self.admin, &self.agent).await
    }

    /// Saves a key of the client's own; answers with it.
    async fn save_own(&self, key: &str, version: Option<i64>) -> Value {
        let input = json!({ "provider": "VAPI", "apiKey": key, "clientId": self.client, "expectedVersion": version });
        let saved = save(&self.admin, input).await.ok();
        self.app.settle().await;
        saved["saveProviderKey"]["providerKey"].clone()
    }

    /// A key of the account that the agency's key opens.
    fn add_key_of_the_same_account(&self, key: &str) {
        let new = ringfence::sandbox::NewKey {
            key: key.to_owned(),
            same_account_as: keys::GOOD.to_owned(),
            visible_agents: None,
            forbidden: vec![],
        };
        self.app.sandbox.control().add_key(&new).unwrap();
    }

    /// The client's own key, to clear or test it.
    async fn own_key(&self) -> Value {
        let query = "query($id: ID!) { providerKeys(clientId: $id) { nodes { id version health client { name } \
            clearImpact { agentCount movingAgentCount clientCount clients { name } phoneNumberCount answeringNumberCount \
            acknowledgement } } } }";
        let found = self
            .admin
            .graphql(query, json!({ "id": self.client }))
            .await
            .ok();
        found["providerKeys"]["nodes"][0].clone()
    }
}

/// R1, R6: without a key of its own a client's agents go over the agency's key; with one they go over that, at once. Nothing
/// is asked of the provider for an explanation.
#[tokio::test]
async fn the_clients_key_comes_first_and_the_agencys_second() {
    let scene = scene().await;
    scene.app.sandbox.control().clear_requests();
    let route = scene.route().await;
    assert_eq!(route["state"], "READY");
    assert_eq!(route["payer"], "AGENCY");
    assert_eq!(route["client"]["name"], "Bayview Legal");
    assert!(route["fromNumber"]["number"].is_string());
    let states: Vec<&Value> = route["stations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["NOT_STORED", "TAKEN"]);
    assert!(scene.app.sandbox.control().requests().is_empty());
    scene.add_key_of_the_same_account("key-of-bayview-itself-9Pq4");
    scene.save_own("key-of-bayview-itself-9Pq4", None).await;
    let route = scene.route().await;
    assert_eq!(
        (&route["state"], &route["payer"]),
        (&json!("READY"), &json!("CLIENT"))
    );
    assert_eq!(route["key"]["maskedKey"], "…9Pq4");
    let states: Vec<&Value> = route["stations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["TAKEN", "PASSED_OVER"]);
    let unassigned = scene
        .admin
        .query("{ agents(filter: { isAssigned: false }, first: 1) { nodes { id } } }")
        .await
        .ok();
    let route = explain(&scene.admin, &unassigned["agents"]["nodes"][0]["id"]).await;
    assert_eq!(route["payer"], "AGENCY");
    assert_eq!(route["stations"].as_array().unwrap().len(), 1);
}

/// R2: a client key that the provider refuses does not fall back: it stays the one that is taken.
#[tokio::test]
async fn a_refused_client_key_does_not_fall_back() {
    let scene = scene().await;
    scene.add_key_of_the_same_account("key-of-bayview-itself-9Pq4");
    scene.save_own("key-of-bayview-itself-9Pq4", None).await;
    let refusal = Fault::status(401).for_key("key-of-bayview-itself-9Pq4");
    scene.app.sandbox.control().inject(refusal);
    test(&scene.admin, &scene.own_key().await).await.ok();
    let route = scene.route().await;
    assert_eq!(route["payer"], "CLIENT");
    assert_eq!(route["doubt"], "KEY_REFUSED");
    assert_eq!(route["state"], "DOUBTFUL");
    assert_eq!(route["agent"]["isReachable"], false);
    assert!(
        route["stations"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("no other key is used instead")
    );
    scene.app.sandbox.control().reset();
    scene.app.settle().await;
}

/// R3: clearing the client's key brings the agency's back on the next route, and the impact says who pays then.
#[tokio::test]
async fn clearing_the_clients_key_returns_to_the_agencys_at_once() {
    let scene = scene().await;
    scene.add_key_of_the_same_account("key-of-bayview-itself-9Pq4");
    scene.save_own("key-of-bayview-itself-9Pq4", None).await;
    let own = scene.own_key().await;
    assert_eq!(own["client"]["name"], "Bayview Legal");
    assert_eq!(own["clearImpact"]["agentCount"], 0);
    assert!(own["clearImpact"]["movingAgentCount"].as_i64().unwrap() > 0);
    // The agency's key opens the account too, so that no number of it is left alone.
    assert_eq!(own["clearImpact"]["phoneNumberCount"], 0);
    assert_eq!(own["clearImpact"]["answeringNumberCount"], 0);
    assert_eq!(
        own["clearImpact"]["clients"],
        json!([{ "name": "Bayview Legal" }])
    );
    scene.admin.clear_key(&own, json!({})).await.ok();
    let route = scene.route().await;
    assert_eq!(
        (&route["state"], &route["payer"]),
        (&json!("READY"), &json!("AGENCY"))
    );
}

/// R5: a client key of another account reaches none of the agents that are not placed there; both accounts are named, and
/// clearing it makes them reachable again. What the key's account holds is imported for the client.
#[tokio::test]
async fn a_key_of_another_account_is_a_mismatch_that_names_both() {
    let scene = scene().await;
    let before = scene.route().await["account"]["remoteId"].clone();
    scene.save_own(keys::SECOND, None).await;
    let route = scene.route().await;
    assert_eq!(route["block"]["code"], "ACCOUNT_MISMATCH");
    assert_eq!(route["state"], "BLOCKED");
    assert_eq!(route["otherAccounts"], json!([{ "remoteId": before }]));
    assert_ne!(route["account"]["remoteId"], before);
    assert_eq!(route["agent"]["isReachable"], false);
    let query = "query($id: ID!) { agents(filter: { clientId: $id, isReachable: true }) { totalCount } \
        client(id: $id) { agentCount unreachableAgentCount } }";
    let data = scene
        .admin
        .graphql(query, json!({ "id": scene.client }))
        .await
        .ok();
    assert_eq!(
        data["agents"]["totalCount"], 12,
        "what the key's account holds works for the client"
    );
    let unreachable = data["client"]["unreachableAgentCount"].as_i64().unwrap();
    assert_eq!(
        data["client"]["agentCount"].as_i64().unwrap(),
        12 + unreachable
    );
    let own = scene.own_key().await;
    assert_eq!(own["clearImpact"]["agentCount"], 12);
    assert_eq!(
        own["clearImpact"]["movingAgentCount"].as_i64(),
        Some(unreachable)
    );
    scene.admin.clear_key(&own, json!({})).await.ok();
    assert_eq!(scene.route().await["state"], "READY");
}

/// E5, R6: a row that cannot be opened stops its own agents and no others. What lists say opens no key, and leaves that to the
/// route.
#[tokio::test]
async fn an_unreadable_client_key_stops_its_own_agents_alone() {
    let scene = scene().await;
    scene.add_key_of_the_same_account("key-of-bayview-itself-9Pq4");
    scene.save_own("key-of-bayview-itself-9Pq4", None).await;
    scene
        .app
        .sql(
            "UPDATE provider_key_versions SET sealed = wrapped_key WHERE key_id IN \
            (SELECT id FROM provider_keys WHERE scope_kind = 'client')",
        )
        .await;
    let route = scene.route().await;
    assert_eq!(route["block"]["code"], "KEY_UNREADABLE");
    assert_eq!(route["agent"]["isReachable"], true);
    let unassigned = scene
        .admin
        .query("{ agents(filter: { isAssigned: false }, first: 1) { nodes { id } } }")
        .await
        .ok();
    let route = explain(&scene.admin, &unassigned["agents"]["nodes"][0]["id"]).await;
    assert_eq!(route["state"], "READY");
}

/// R6, P1: staff see the route and whether keys work, and neither masks nor accounts.
#[tokio::test]
async fn staff_see_a_route_without_keys() {
    let scene = scene().await;
    let staff = scene.app.user(Role::Staff).await;
    let query = "query($id: ID!) { explainRoute(agentId: $id) { state stations { reason key { health } } } }";
    let seen = staff
        .graphql(query, json!({ "id": scene.agent }))
        .await
        .ok();
    assert_eq!(seen["explainRoute"]["state"], "READY");
    for field in [
        "account { id }",
        "otherAccounts { id }",
        "key { maskedKey }",
        "stations { key { id } }",
    ] {
        let query = format!("query($id: ID!) {{ explainRoute(agentId: $id) {{ {field} }} }}");
        assert_eq!(
            staff
                .graphql(&query, json!({ "id": scene.agent }))
                .await
                .code(),
            "FORBIDDEN"
        );
    }
}

/// R1: an archived client's agents have no route, and have one again when it is restored.
#[tokio::test]
async fn an_archived_clients_agents_have_no_route() {
    let scene = scene().await;
    for (mutation, code) in [
        ("archiveClient", json!("CLIENT_ARCHIVED")),
        ("restoreClient", Value::Null),
    ] {
        let kind = mutation[..1].to_uppercase() + &mutation[1..];
        let document = format!(
            "mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ client {{ id }} }} }}"
        );
        let input = json!({ "input": { "clientId": scene.client } });
        scene.admin.graphql(&document, input).await.ok();
        let route = scene.route().await;
        assert_eq!(route["block"]["code"], code);
        assert_eq!(route["agent"]["isReachable"], code.is_null());
    }
}
