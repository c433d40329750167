//! The clients' portal: what its people may see (here), how they get in, and the keys that they hand in.

mod hand_ins;
mod people;

use ringfence::access::Role;
use serde_json::{Value, json};

use crate::{
    clients::{assign, create},
    harness::{Answer, PASSWORD, TestApp, TestClient},
};

const ALL: [&str; 4] = [
    "VIEW_AGENTS",
    "VIEW_CALLS",
    "TRIGGER_CALLS",
    "MANAGE_INTEGRATIONS",
];

/// An agency with an imported Vapi account, and two clients with agents.
pub(crate) struct Scene {
    pub(crate) app: TestApp,
    pub(crate) admin: TestClient,
    pub(crate) bayview: Value,
    pub(crate) luma: Value,
}

pub(crate) async fn scene() -> Scene {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let bayview = create(&admin, "Bayview").await;
    let luma = create(&admin, "Luma").await;
    assign(&admin, json!({ "search": "Bayview", "clientId": bayview }))
        .await
        .ok();
    assign(&admin, json!({ "search": "Luma", "clientId": luma }))
        .await
        .ok();
    Scene {
        app,
        admin,
        bayview,
        luma,
    }
}

async fn make(admin: &TestClient, input: Value) -> Answer {
    let document = "mutation($input: CreatePortalUserInput!) { createPortalUser(input: $input) { \
        portalUser { id permissions } logInLink { url expiresAt } } }";
    admin.graphql(document, json!({ "input": input })).await
}

async fn redeem(client: &TestClient, url: &Value, password: &str) -> Answer {
    let token = url.as_str().unwrap().split('#').nth(1).unwrap().to_owned();
    let document = "mutation($input: RedeemLogInLinkInput!) { redeemLogInLink(input: $input) { agencySlug viewer { \
        person { email } memberships { role clientName permissions } } } }";
    let input = json!({ "token": token, "password": password });
    client.graphql(document, json!({ "input": input })).await
}

/// A person of a client, logged in, who may see its agents.
pub(crate) async fn person_of(app: &TestApp, admin: &TestClient, client: &Value) -> TestClient {
    let input = json!({ "clientId": client, "name": "Pia", "email": "pia@bayview.example" });
    let made = make(admin, input).await.ok()["createPortalUser"].clone();
    let person = TestClient::new(app, Some(&app.agency));
    let url = &made["logInLink"]["url"];
    redeem(&person, url, PASSWORD).await.ok();
    person
}

impl Scene {
    /// A person of a client, logged in; with their id.
    pub(crate) async fn person(
        &self,
        client: &Value,
        email: &str,
        permissions: Value,
    ) -> (TestClient, Value) {
        let input = json!({ "clientId": client, "name": "Pia", "email": email, "permissions": permissions });
        let made = make(&self.admin, input).await.ok()["createPortalUser"].clone();
        let person = TestClient::new(&self.app, Some(&self.app.agency));
        redeem(&person, &made["logInLink"]["url"], PASSWORD)
            .await
            .ok();
        (person, made["portalUser"]["id"].clone())
    }
}

/// P1, P2: a person of a client begins with `view_agents` alone and sees the agents of the own client: no other's, none of
/// the agency's, and nothing of how they are made or kept.
#[tokio::test]
async fn a_clients_person_sees_the_own_clients_agents() {
    let scene = scene().await;
    let input = json!({ "clientId": scene.bayview, "name": "Pia", "email": "pia@example.com" });
    let made = make(&scene.admin, input).await.ok()["createPortalUser"].clone();
    assert_eq!(made["portalUser"]["permissions"], json!(["VIEW_AGENTS"]));
    let pia = TestClient::new(&scene.app, Some(&scene.app.agency));
    let viewer = redeem(&pia, &made["logInLink"]["url"], PASSWORD).await.ok();
    let membership =
        json!([{ "role": "PORTAL", "clientName": "Bayview", "permissions": ["VIEW_AGENTS"] }]);
    assert_eq!(viewer["redeemLogInLink"]["agencySlug"], scene.app.agency);
    assert_eq!(
        viewer["redeemLogInLink"]["viewer"]["memberships"],
        membership
    );
    let query =
        "{ agents { totalCount nodes { id name status isReachable phoneNumbers { number } } } }";
    let seen = pia.query(query).await.ok();
    let names: Vec<&str> = seen["agents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["name"].as_str().unwrap())
        .collect();
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("Bayview")),
        "{names:?}"
    );
    assert_eq!(
        seen["agents"]["totalCount"].as_u64(),
        Some(names.len() as u64)
    );
    let query = "query($id: ID) { agents(filter: { clientId: $id }) { totalCount } }";
    let other = pia.graphql(query, json!({ "id": scene.luma })).await.ok();
    assert_eq!(other["agents"]["totalCount"], 0);
    for query in [
        "{ agents { nodes { definition { prompt } } } }",
        "{ agents { nodes { placements { remoteId } } } }",
        "{ agents { nodes { client { name } } } }",
        "{ phoneNumbers { totalCount } }",
        "{ clients { totalCount } }",
        "{ providerKeys { totalCount } }",
        "{ syncRuns { totalCount } }",
        "{ alerts { totalCount } }",
        "{ clientIntegrations { state } }",
    ] {
        let answer = pia.query(query).await;
        let codes = answer
            .errors
            .iter()
            .map(|error| &error["extensions"]["code"]);
        assert!(!answer.errors.is_empty() && codes.into_iter().all(|code| code == "FORBIDDEN"));
        assert!(!answer.data.to_string().contains("Bayview"), "{query}");
    }
}

/// P5: an agent of another client is as absent as one that nobody has, at the same cost.
#[tokio::test]
async fn another_clients_agent_is_as_absent_as_no_agent() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let query = "query($id: ID!) { agents(filter: { clientId: $id }, first: 1) { nodes { id } } }";
    let luma = scene
        .admin
        .graphql(query, json!({ "id": scene.luma }))
        .await
        .ok();
    let unassigned = scene
        .admin
        .query("{ agents(filter: { isAssigned: false }, first: 1) { nodes { id } } }")
        .await
        .ok();
    let mut answers = Vec::new();
    for id in [
        &luma["agents"]["nodes"][0]["id"],
        &unassigned["agents"]["nodes"][0]["id"],
        &json!("nobody's"),
    ] {
        let before = scene.app.app.db.statement_count();
        let answer = pia
            .graphql(
                "query($id: ID!) { agent(id: $id) { name } }",
                json!({ "id": id }),
            )
            .await;
        answers.push((
            answer.code().to_owned(),
            answer.message().to_owned(),
            scene.app.app.db.statement_count() - before,
        ));
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0].0, "NOT_FOUND");
}

/// P2: what an admin takes away is gone at the next request, and so is the whole portal of a person who is removed or whose
/// client is archived.
#[tokio::test]
async fn permissions_hold_at_the_next_request() {
    let scene = scene().await;
    let (pia, id) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let agents = "{ agents { totalCount } }";
    pia.query(agents).await.ok();
    let change = async |mutation: &str, selection: &str, more: Value| {
        let kind = mutation[..1].to_uppercase() + &mutation[1..];
        let document = format!(
            "mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        );
        let mut input = more;
        input["clientId"] = scene.bayview.clone();
        scene
            .admin
            .graphql(&document, json!({ "input": input }))
            .await
            .ok();
    };
    change(
        "updatePortalUser",
        "portalUser { id }",
        json!({ "userId": id, "permissions": ["MANAGE_INTEGRATIONS"] }),
    )
    .await;
    assert_eq!(pia.query(agents).await.code(), "FORBIDDEN");
    pia.query("{ clientIntegrations { state } }").await.ok();
    change("archiveClient", "client { id }", json!({})).await;
    assert_eq!(
        pia.query("{ clientIntegrations { state } }").await.code(),
        "NOT_FOUND"
    );
    let elsewhere = scene.app.nobody();
    elsewhere.set_cookie(pia.cookie());
    let agencies = elsewhere
        .query("{ agencies { totalCount nodes { name } } }")
        .await
        .ok();
    assert_eq!(
        agencies["agencies"],
        json!({ "totalCount": 0, "nodes": [] })
    );
    change("restoreClient", "client { id }", json!({})).await;
    pia.query("{ clientIntegrations { state } }").await.ok();
    change("removePortalUser", "removedId", json!({ "userId": id })).await;
    assert_eq!(
        pia.query("{ clientIntegrations { state } }").await.code(),
        "NOT_FOUND"
    );
}

/// P6: a person of a client reads nothing of the schema, whether or not the request names the agency; whoever works for an
/// agency does.
#[tokio::test]
async fn a_clients_person_cannot_read_the_schema() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let elsewhere = scene.app.nobody();
    elsewhere.set_cookie(pia.cookie());
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"ProviderKey\") { fields { name } } }",
        "fragment F on Query { x: __schema { queryType { name } } } { ...F }",
    ] {
        for person in [&pia, &elsewhere] {
            let told = person.query(query).await.data.to_string();
            assert!(!told.contains("name"), "{query}: {told}");
        }
        let told = scene.admin.query(query).await.ok().to_string();
        assert!(told.contains("name"), "{query}: {told}");
    }
}
