//! The clients' portal: its people, what they may see, and the keys that they hand in.

use ringfence::{
    access::Role,
    sandbox::{Fault, NewKey},
};
use serde_json::{Value, json};

use crate::{
    clients::{assign, create},
    harness::{Answer, PASSWORD, TestApp, TestClient, keys},
};

const ALL: [&str; 4] = [
    "VIEW_AGENTS",
    "VIEW_CALLS",
    "TRIGGER_CALLS",
    "MANAGE_INTEGRATIONS",
];

/// An agency with an imported Vapi account, and two clients with agents.
struct Scene {
    app: TestApp,
    admin: TestClient,
    bayview: Value,
    luma: Value,
}

async fn scene() -> Scene {
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
    let document = "mutation($input: RedeemLogInLinkInput!) { redeemLogInLink(input: $input) { viewer { \
        person { email } memberships { role clientName permissions } } } }";
    let input = json!({ "token": token, "password": password });
    client.graphql(document, json!({ "input": input })).await
}

impl Scene {
    /// A person of a client, logged in; with their id.
    async fn person(&self, client: &Value, email: &str, permissions: Value) -> (TestClient, Value) {
        let input = json!({ "clientId": client, "name": "Pia", "email": email, "permissions": permissions });
        let made = make(&self.admin, input).await.ok()["createPortalUser"].clone();
        let person = TestClient::new(&self.app, Some(&self.app.agency));
        redeem(&person, &made["logInLink"]["url"], PASSWORD)
            .await
            .ok();
        (person, made["portalUser"]["id"].clone())
    }
}

async fn hand_in(person: &TestClient, provider: &str, key: &str) -> Answer {
    let document = "mutation($input: HandInProviderKeyInput!) { handInProviderKey(input: $input) { \
        integration { provider state } } }";
    let input = json!({ "provider": provider, "apiKey": key });
    person.graphql(document, json!({ "input": input })).await
}

fn state(answer: Answer) -> Value {
    answer.ok()["handInProviderKey"]["integration"]["state"].clone()
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
    change("restoreClient", "client { id }", json!({})).await;
    pia.query("{ clientIntegrations { state } }").await.ok();
    change("removePortalUser", "removedId", json!({ "userId": id })).await;
    assert_eq!(
        pia.query("{ clientIntegrations { state } }").await.code(),
        "NOT_FOUND"
    );
}

/// A link works once and for seven days; it makes nobody the master of a log-in that belongs to somebody elsewhere too.
#[tokio::test]
async fn a_log_in_link_works_once_and_takes_over_nobody() {
    let scene = scene().await;
    let input = json!({ "clientId": scene.bayview, "name": "Pia", "email": "pia@example.com" });
    let made = make(&scene.admin, input.clone()).await.ok()["createPortalUser"].clone();
    assert_eq!(
        make(&scene.admin, input).await.error()["extensions"]["field"],
        "email"
    );
    let link = &made["logInLink"]["url"];
    let nobody = scene.app.nobody();
    assert_eq!(
        redeem(&nobody, link, "short").await.error()["extensions"]["field"],
        "password"
    );
    redeem(&nobody, link, PASSWORD).await.ok();
    assert_eq!(
        redeem(&scene.app.nobody(), link, PASSWORD).await.error()["extensions"]["field"],
        "token"
    );
    scene.app.nobody().log_in("pia@example.com", PASSWORD).await;
    let renew = "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }";
    let who = json!({ "input": { "clientId": scene.bayview, "userId": made["portalUser"]["id"] } });
    let fresh = scene.admin.graphql(renew, who.clone()).await.ok()["createLogInLink"]["logInLink"]
        ["url"]
        .clone();
    scene
        .app
        .advance(std::time::Duration::from_secs(7 * 24 * 3600 + 1));
    assert_eq!(
        redeem(&scene.app.nobody(), &fresh, PASSWORD).await.error()["extensions"]["field"],
        "token"
    );
    scene.app.settle().await;
    // Somebody of another agency: no link, and no way to their password.
    let stranger = scene.app.stranger(Role::Owner).await;
    let email =
        stranger.query("{ viewer { person { email } } }").await.ok()["viewer"]["person"]["email"]
            .clone();
    let admin = scene.app.user(Role::Admin).await;
    let input = json!({ "clientId": scene.bayview, "name": "Otto", "email": email });
    let made = make(&admin, input).await.ok()["createPortalUser"].clone();
    assert!(made["logInLink"].is_null());
    let who = json!({ "input": { "clientId": scene.bayview, "userId": made["portalUser"]["id"] } });
    assert_eq!(admin.graphql(renew, who).await.code(), "CONFLICT");
    let staff = scene.app.user(Role::Staff).await;
    let input = json!({ "clientId": scene.bayview, "name": "X", "email": "x@example.com" });
    assert_eq!(make(&staff, input).await.code(), "FORBIDDEN");
}

/// P4, P3: a first key waits sealed for an admin, who sees what it would change; accepted, it is in use; a later key of the
/// same account is used at once, one of another account waits. The person who hands it in reads states and never a
/// character of a key.
#[tokio::test]
async fn a_handed_in_key_waits_unless_it_opens_the_same_account() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let mut told = String::new();
    let first = hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    told.push_str(&first.to_string());
    assert_eq!(
        first["handInProviderKey"]["integration"]["state"],
        "WAITING"
    );
    let waiting = async || {
        let query = "{ keyHandIns { id state maskedKey client { name } handedInBy { name } } alertSummary { openCount } \
            alerts { nodes { kind state summary } } }";
        scene.admin.query(query).await.ok()
    };
    let seen = waiting().await;
    assert_eq!(seen["keyHandIns"][0]["state"], "WAITING");
    assert_eq!(seen["keyHandIns"][0]["maskedKey"], "…x4Rm");
    assert_eq!(seen["alerts"]["nodes"][0]["kind"], "HAND_IN_WAITING");
    assert!(
        seen["alerts"]["nodes"][0]["summary"]
            .as_str()
            .unwrap()
            .starts_with("Bayview handed in a Vapi key")
    );
    let preview = "mutation($input: PreviewProviderKeyInput!) { previewProviderKey(input: $input) { preview { relation \
        becomingUnreachable { count } } } }";
    let input = json!({ "provider": "VAPI", "clientId": scene.bayview, "keyHandInId": seen["keyHandIns"][0]["id"] });
    let shown = scene
        .admin
        .graphql(preview, json!({ "input": input }))
        .await
        .ok();
    assert_eq!(shown["previewProviderKey"]["preview"]["relation"], "OTHER");
    let accept = "mutation($input: AcceptKeyHandInInput!) { acceptKeyHandIn(input: $input) { providerKey { version maskedKey } } }";
    let input = json!({ "input": { "keyHandInId": seen["keyHandIns"][0]["id"] } });
    assert_eq!(pia.graphql(accept, input.clone()).await.code(), "FORBIDDEN");
    let accepted = scene.admin.graphql(accept, input.clone()).await.ok();
    assert_eq!(
        accepted["acceptKeyHandIn"]["providerKey"],
        json!({ "version": 1, "maskedKey": "…x4Rm" })
    );
    scene.app.settle().await;
    assert_eq!(waiting().await["alertSummary"]["openCount"], 0);
    let again = scene.admin.graphql(accept, input).await;
    assert_eq!(again.code(), "CONFLICT");
    let left = scene
        .app
        .sql("SELECT count(*) FROM key_hand_ins WHERE sealed IS NOT NULL")
        .await;
    assert_eq!(
        left[0].get::<i64>(0),
        0,
        "a decided hand-in keeps no sealed byte"
    );
    // Another key of that account is used at once, and one of another account waits.
    let same = NewKey {
        key: "another-key-of-the-second-8Kd3".to_owned(),
        same_account_as: keys::SECOND.to_owned(),
        visible_agents: None,
        forbidden: vec![],
    };
    scene.app.sandbox.control().add_key(&same).unwrap();
    assert_eq!(state(hand_in(&pia, "VAPI", &same.key).await), "CONNECTED");
    scene.app.settle().await;
    assert_eq!(state(hand_in(&pia, "VAPI", keys::GOOD).await), "WAITING");
    let route = scene
        .app
        .sql(
            "SELECT last_four FROM provider_key_versions v JOIN provider_keys k ON k.id = v.key_id \
        AND k.active_version = v.version WHERE k.scope_kind = 'client'",
        )
        .await;
    assert_eq!(
        route[0].get::<String>(0),
        "8Kd3",
        "what waits is not in use"
    );
    // A refusal says nothing of the key that is there.
    let refused = hand_in(&pia, "VAPI", keys::REVOKED).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    told.push_str(refused.message());
    let all = "{ clientIntegrations { provider name state keyLocation isHandInOpen } agents { nodes { name } } \
        viewer { memberships { role clientName permissions agency { name } } } }";
    told.push_str(&pia.query(all).await.ok().to_string());
    for secret in ["x4Rm", "8Kd3", "k7Qd", "p9Wn", "…"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

/// P4: an admin may decline, which destroys the key; a later hand-in takes the place of one that waits; the agency's switch
/// closes the door; and without the permission there is none.
#[tokio::test]
async fn hand_ins_are_declined_replaced_and_switched_off() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    assert_eq!(state(hand_in(&pia, "VAPI", keys::SECOND).await), "WAITING");
    assert_eq!(state(hand_in(&pia, "VAPI", keys::LIMITED).await), "WAITING");
    let list = "{ keyHandIns { id state maskedKey } }";
    let seen = scene.admin.query(list).await.ok()["keyHandIns"].clone();
    assert_eq!(
        (&seen[0]["state"], &seen[1]["state"]),
        (&json!("WAITING"), &json!("REPLACED"))
    );
    let decline = "mutation($input: DeclineKeyHandInInput!) { declineKeyHandIn(input: $input) { keyHandIn { state } } }";
    let input = json!({ "input": { "keyHandInId": seen[0]["id"] } });
    let declined = scene.admin.graphql(decline, input.clone()).await.ok();
    assert_eq!(
        declined["declineKeyHandIn"]["keyHandIn"]["state"],
        "DECLINED"
    );
    assert_eq!(scene.admin.graphql(decline, input).await.code(), "CONFLICT");
    let left = scene
        .app
        .sql("SELECT count(*) FROM key_hand_ins WHERE sealed IS NOT NULL")
        .await;
    assert_eq!(left[0].get::<i64>(0), 0);
    let states = pia.query("{ clientIntegrations { state } }").await.ok();
    assert!(
        states["clientIntegrations"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["state"] == "NOT_CONNECTED")
    );
    let switch = "mutation($input: UpdateHandInsInput!) { updateHandIns(input: $input) { agency { allowsHandIns } } }";
    scene
        .admin
        .graphql(switch, json!({ "input": { "isOpen": false } }))
        .await
        .ok();
    assert_eq!(hand_in(&pia, "VAPI", keys::SECOND).await.code(), "CONFLICT");
    let (looker, _) = scene
        .person(&scene.bayview, "lou@example.com", json!(["VIEW_AGENTS"]))
        .await;
    assert_eq!(
        hand_in(&looker, "VAPI", keys::SECOND).await.code(),
        "FORBIDDEN"
    );
    assert_eq!(
        hand_in(&scene.admin, "VAPI", keys::SECOND).await.code(),
        "FORBIDDEN"
    );
}

/// P4, K3: a key that waits is tried once more when it is accepted; refused by then, it stays where it is.
#[tokio::test]
async fn a_key_that_is_refused_by_then_is_not_accepted() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let seen = scene.admin.query("{ keyHandIns { id } }").await.ok();
    scene
        .app
        .sandbox
        .control()
        .inject(Fault::status(401).for_key(keys::SECOND));
    let accept = "mutation($input: AcceptKeyHandInInput!) { acceptKeyHandIn(input: $input) { providerKey { version } } }";
    let input = json!({ "input": { "keyHandInId": seen["keyHandIns"][0]["id"] } });
    assert_eq!(
        scene.admin.graphql(accept, input).await.code(),
        "KEY_REJECTED"
    );
    let seen = scene.admin.query("{ keyHandIns { state } }").await.ok();
    assert_eq!(seen["keyHandIns"][0]["state"], "WAITING");
}

/// K16: what a client's people try uses up none of the agency's own attempts.
#[tokio::test]
async fn a_clients_attempts_are_not_the_agencys() {
    let scene = scene().await;
    for number in 0..4 {
        let (person, _) = scene
            .person(&scene.bayview, &format!("{number}@example.com"), json!(ALL))
            .await;
        for _ in 0..10 {
            hand_in(&person, "VAPI", keys::REVOKED).await;
        }
    }
    scene.admin.save_key(keys::GOOD, Some(1)).await.ok();
    scene.app.settle().await;
}
