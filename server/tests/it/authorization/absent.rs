//! What belongs to somebody else is not there (P5): the same bytes and the same number of SQL statements as for an id
//! that nobody has.

use std::time::Duration;

use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::contract::Contract;
use crate::harness::{Frame, Row, Settings, TestApp, TestClient, TestSocket, keys};

/// An id that nobody has, of the form that ours have.
const ABSENT: &str = "01890000-0000-7000-8000-00000000dead";

/// The first agency's ids, and an app over its database in which no job runs, so that statements can be counted.
struct Scene {
    app: TestApp,
    agent: String,
    key: String,
    run: String,
    number: String,
    endpoint: String,
    delivery: String,
    alert: String,
    client: String,
    placement_run: String,
    person: String,
    hand_in: String,
    api_key: String,
    call: String,
    _folder: TempDir,
}

async fn scene() -> Scene {
    let folder = TempDir::new().unwrap();
    let settings = |is_without_jobs| Settings {
        data_dir: Some(folder.path().to_owned()),
        is_without_jobs,
        ..Settings::default()
    };
    let before = TestApp::with(settings(false)).await;
    admin::create_agency(&before.app, "Northside Voice", Plan::Agency)
        .await
        .unwrap();
    let owner = before.user(Role::Owner).await;
    owner.import(&before).await;
    let query = "mutation { createWebhookEndpoint(input: { url: \"http://127.0.0.1:9/\", events: [SYNC_FAILED] }) { \
        webhookEndpoint { id } } }";
    let made = owner.query(query).await.ok();
    let id = &made["createWebhookEndpoint"]["webhookEndpoint"]["id"];
    let query = "mutation($input: TestWebhookEndpointInput!) { testWebhookEndpoint(input: $input) { delivery { id } } }";
    let input = json!({ "input": { "webhookEndpointId": id } });
    owner.graphql(query, input).await.ok();
    before
        .sql(
            "INSERT INTO alerts (id, agency_id, kind, subject, summary, raised_at)
             SELECT 'an-alert-of-ours', id, 'sync_failed', 'a key', 'a summary', 0 FROM agencies;
             INSERT INTO placement_runs (id, agency_id, key_id, key_version, account_id, provider, state, total,
             created_at, finished_at) SELECT 'a-placement-run-of-ours', k.agency_id, k.id, 1, p.id,
             'vapi', 'succeeded', 1, 0, 0 FROM provider_keys k JOIN provider_accounts p ON p.agency_id = k.agency_id",
        )
        .await;
    let document = "mutation { createClient(input: { name: \"Bayview\" }) { client { id } } }";
    owner.query(document).await.ok();
    before
        .sql(
            "INSERT INTO memberships (agency_id, user_id, role, created_at, joined_at, client_id, portal_permissions, name)
             SELECT c.agency_id, u.id, 'portal', 0, 0, c.id, '', 'Pia' FROM clients c, users u WHERE TRUE
             ON CONFLICT (agency_id, user_id) DO UPDATE SET client_id = excluded.client_id, name = excluded.name;
             INSERT INTO key_hand_ins (id, agency_id, client_id, provider, region, health, last_four, cipher, master_key_id,
             wrapped_key, sealed, state, handed_in_by, handed_in_at)
             SELECT 'a-hand-in-of-ours', v.agency_id, c.id, 'vapi', 'default', 'valid', 'abcd', v.cipher, v.master_key_id,
             v.wrapped_key, v.sealed, 'waiting', v.saved_by, 1 FROM provider_key_versions v, clients c;
             INSERT INTO calls (id, agency_id, client_id, agent_id, provider, account_id, key_id, key_version, payer, origin,
             direction, state, route, created_at, updated_at) SELECT 'a-call-of-ours', c.agency_id, c.id, min(a.id), 'vapi',
             min(p.id), min(k.id), 1, 'agency', 'app', 'outbound', 'completed', '', 1, 1 FROM clients c
             JOIN agents a ON a.agency_id = c.agency_id JOIN provider_accounts p ON p.agency_id = c.agency_id
             JOIN provider_keys k ON k.agency_id = c.agency_id GROUP BY c.agency_id, c.id",
        )
        .await;
    let document = "mutation { generateApiKey(input: { name: \"Default\" }) { apiKey { id } } }";
    owner.query(document).await.ok();
    before.app.stop(Duration::from_millis(100)).await;
    drop(before);
    let app = TestApp::with(settings(true)).await;
    let first = |rows: Vec<Row>| rows[0].get::<String>(0);
    Scene {
        agent: first(app.sql("SELECT id FROM agents").await),
        key: first(app.sql("SELECT id FROM provider_keys").await),
        run: first(app.sql("SELECT id FROM sync_runs").await),
        number: first(app.sql("SELECT id FROM phone_numbers").await),
        endpoint: first(app.sql("SELECT id FROM webhook_endpoints").await),
        delivery: first(app.sql("SELECT id FROM webhook_deliveries").await),
        alert: first(app.sql("SELECT id FROM alerts").await),
        client: first(app.sql("SELECT id FROM clients").await),
        placement_run: first(app.sql("SELECT id FROM placement_runs").await),
        person: first(app.sql("SELECT id FROM users").await),
        hand_in: first(app.sql("SELECT id FROM key_hand_ins").await),
        api_key: first(app.sql("SELECT id FROM api_keys").await),
        call: first(app.sql("SELECT id FROM calls").await),
        app,
        _folder: folder,
    }
}

/// What a document gives, without the request's own id, and how many statements it took.
async fn cost(scene: &Scene, client: &TestClient, query: &str, variables: Value) -> (String, u64) {
    let before = scene.app.app.db.statement_count();
    let response = client
        .request(reqwest::Method::POST, "/graphql")
        .json(&json!({ "query": query, "variables": variables }))
        .send()
        .await
        .unwrap();
    let status = response.status();
    let mut body: Value = response.json().await.unwrap();
    let count = scene.app.app.db.statement_count() - before;
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        let id = error["extensions"]
            .as_object_mut()
            .unwrap()
            .remove("requestId");
        assert!(id.is_some());
    }
    (format!("{status} {body}"), count)
}

/// Where the id stands, the first agency's id, a document, and its variables.
type Case = (
    &'static str,
    fn(&Scene) -> &str,
    &'static str,
    fn(&str) -> Value,
);

const CASES: &[Case] = &[
    (
        "agent(id)",
        |scene| &scene.agent,
        "query($id: ID!) { agent(id: $id) { name } }",
        |id| json!({ "id": id }),
    ),
    (
        "phoneNumber(id)",
        |scene| &scene.number,
        "query($id: ID!) { phoneNumber(id: $id) { number } }",
        |id| json!({ "id": id }),
    ),
    (
        "syncRun(id)",
        |scene| &scene.run,
        "query($id: ID!) { syncRun(id: $id) { state } }",
        |id| json!({ "id": id }),
    ),
    (
        "phoneNumbers(filter.agentId)",
        |scene| &scene.agent,
        "query($id: ID!) { phoneNumbers(filter: { agentId: $id }) { totalCount nodes { id } } }",
        |id| json!({ "id": id }),
    ),
    (
        "agents(filter.missingFromSyncRun)",
        |scene| &scene.run,
        "query($id: ID!) { agents(filter: { missingFromSyncRun: $id }) { totalCount nodes { id } } }",
        |id| json!({ "id": id }),
    ),
    (
        "syncChanges(syncRunId)",
        |scene| &scene.run,
        "query($id: ID!) { syncChanges(syncRunId: $id) { totalCount nodes { name } } }",
        |id| json!({ "id": id }),
    ),
    (
        "clearProviderKey(input.providerKeyId)",
        |scene| &scene.key,
        "mutation($input: ClearProviderKeyInput!) { clearProviderKey(input: $input) { clearedVersion } }",
        |id| json!({ "input": { "providerKeyId": id, "expectedVersion": 1, "acknowledgement": "seen" } }),
    ),
    (
        "testProviderKey(input.providerKeyId)",
        |scene| &scene.key,
        "mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health } } }",
        |id| json!({ "input": { "providerKeyId": id } }),
    ),
    (
        "client(id)",
        |scene| &scene.client,
        "query($id: ID!) { client(id: $id) { name } }",
        |id| json!({ "id": id }),
    ),
    (
        "call(id)",
        |scene| &scene.call,
        "query($id: ID!) { call(id: $id) { status } }",
        |id| json!({ "id": id }),
    ),
    (
        "calls(filter.clientId)",
        |scene| &scene.client,
        "query($id: ID!) { calls(filter: { clientId: $id }) { totalCount } }",
        |id| json!({ "id": id }),
    ),
    (
        "calls(filter.agentId)",
        |scene| &scene.agent,
        "query($id: ID!) { calls(filter: { agentId: $id }) { totalCount } }",
        |id| json!({ "id": id }),
    ),
    (
        "callStats(filter.clientId)",
        |scene| &scene.client,
        "query($id: ID!) { callStats(filter: { clientId: $id }) { totalCount: count } }",
        |id| json!({ "id": id }),
    ),
    (
        "callStats(filter.agentId)",
        |scene| &scene.agent,
        "query($id: ID!) { callStats(filter: { agentId: $id }) { totalCount: count } }",
        |id| json!({ "id": id }),
    ),
    (
        "triggerCall(input.agentId)",
        |scene| &scene.agent,
        "mutation($input: TriggerCallInput!) { triggerCall(input: $input) { callId } }",
        |id| json!({ "input": { "agentId": id, "phoneNumber": "+15551230000" } }),
    ),
    (
        "triggerCall(input.fromNumberId)",
        |scene| &scene.number,
        "mutation($input: TriggerCallInput!) { triggerCall(input: $input) { callId } }",
        |id| json!({ "input": { "agentId": "none", "phoneNumber": "+15551230000", "fromNumberId": id } }),
    ),
    (
        "explainRoute(agentId)",
        |scene| &scene.agent,
        "query($id: ID!) { explainRoute(agentId: $id) { state } }",
        |id| json!({ "id": id }),
    ),
    (
        "providerKeys(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { providerKeys(clientId: $id) { totalCount } }",
        |id| json!({ "id": id }),
    ),
    (
        "providerKeyVersions(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { providerKeyVersions(provider: VAPI, clientId: $id) { version } }",
        |id| json!({ "id": id }),
    ),
    (
        "agents(filter.clientId)",
        |scene| &scene.client,
        "query($id: ID!) { agents(filter: { clientId: $id }) { totalCount nodes { id } } }",
        |id| json!({ "id": id }),
    ),
    (
        "updateClient(input.clientId)",
        |scene| &scene.client,
        "mutation($input: UpdateClientInput!) { updateClient(input: $input) { client { id } } }",
        |id| json!({ "input": { "clientId": id, "name": "Mine" } }),
    ),
    (
        "archiveClient(input.clientId)",
        |scene| &scene.client,
        "mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }",
        |id| json!({ "input": { "clientId": id } }),
    ),
    (
        "restoreClient(input.clientId)",
        |scene| &scene.client,
        "mutation($input: RestoreClientInput!) { restoreClient(input: $input) { client { id } } }",
        |id| json!({ "input": { "clientId": id } }),
    ),
    (
        "assignAgents(input.clientId)",
        |scene| &scene.client,
        "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }",
        |id| json!({ "input": { "clientId": id, "search": "" } }),
    ),
    (
        "assignAgents(input.agentIds)",
        |scene| &scene.agent,
        "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }",
        |id| json!({ "input": { "agentIds": [id] } }),
    ),
    (
        "saveProviderKey(input.clientId)",
        |scene| &scene.client,
        "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { id } } }",
        |id| json!({ "input": { "clientId": id, "provider": "VAPI", "apiKey": keys::GOOD } }),
    ),
    (
        "previewProviderKey(input.clientId)",
        |scene| &scene.client,
        "mutation($input: PreviewProviderKeyInput!) { previewProviderKey(input: $input) { preview { health } } }",
        |id| json!({ "input": { "clientId": id, "provider": "VAPI", "apiKey": keys::GOOD } }),
    ),
    (
        "rollBackProviderKey(input.clientId)",
        |scene| &scene.client,
        "mutation($input: RollBackProviderKeyInput!) { rollBackProviderKey(input: $input) { providerKey { id } } }",
        |id| json!({ "input": { "clientId": id, "provider": "VAPI", "version": 1 } }),
    ),
    (
        "startSync(input.clientId)",
        |scene| &scene.client,
        "mutation($input: StartSyncInput!) { startSync(input: $input) { hasJoined } }",
        |id| json!({ "input": { "clientId": id, "provider": "VAPI" } }),
    ),
    (
        "confirmSync(input.syncRunId)",
        |scene| &scene.run,
        "mutation($input: ConfirmSyncInput!) { confirmSync(input: $input) { syncRun { id } } }",
        |id| json!({ "input": { "syncRunId": id, "decision": "MARK_INACTIVE" } }),
    ),
    (
        "updateWebhookEndpoint(input.webhookEndpointId)",
        |scene| &scene.endpoint,
        "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { webhookEndpoint { id } } }",
        |id| json!({ "input": { "webhookEndpointId": id } }),
    ),
    (
        "rotateWebhookSecret(input.webhookEndpointId)",
        |scene| &scene.endpoint,
        "mutation($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) { signingSecret } }",
        |id| json!({ "input": { "webhookEndpointId": id } }),
    ),
    (
        "deleteWebhookEndpoint(input.webhookEndpointId)",
        |scene| &scene.endpoint,
        "mutation($input: DeleteWebhookEndpointInput!) { deleteWebhookEndpoint(input: $input) { deletedId } }",
        |id| json!({ "input": { "webhookEndpointId": id } }),
    ),
    (
        "testWebhookEndpoint(input.webhookEndpointId)",
        |scene| &scene.endpoint,
        "mutation($input: TestWebhookEndpointInput!) { testWebhookEndpoint(input: $input) { delivery { id } } }",
        |id| json!({ "input": { "webhookEndpointId": id } }),
    ),
    (
        "redeliverWebhook(input.webhookDeliveryId)",
        |scene| &scene.delivery,
        "mutation($input: RedeliverWebhookInput!) { redeliverWebhook(input: $input) { delivery { id } } }",
        |id| json!({ "input": { "webhookDeliveryId": id } }),
    ),
    (
        "webhookDeliveries(webhookEndpointId)",
        |scene| &scene.endpoint,
        "query($id: ID!) { webhookDeliveries(webhookEndpointId: $id) { totalCount nodes { id } } }",
        |id| json!({ "id": id }),
    ),
    (
        "dismissAlert(input.alertId)",
        |scene| &scene.alert,
        "mutation($input: DismissAlertInput!) { dismissAlert(input: $input) { alert { id } } }",
        |id| json!({ "input": { "alertId": id } }),
    ),
    (
        "placementRun(id)",
        |scene| &scene.placement_run,
        "query($id: ID!) { placementRun(id: $id) { state } }",
        |id| json!({ "id": id }),
    ),
    (
        "placementRuns(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { placementRuns(clientId: $id) { totalCount nodes { id } } }",
        |id| json!({ "id": id }),
    ),
    (
        "placementPlan(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { placementPlan(clientId: $id, provider: VAPI) { total } }",
        |id| json!({ "id": id }),
    ),
    (
        "startPlacementRun(input.clientId)",
        |scene| &scene.client,
        "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { placementRun { id } } }",
        |id| json!({ "input": { "clientId": id, "provider": "VAPI" } }),
    ),
    (
        "startPlacementRun(input.agentIds)",
        |scene| &scene.agent,
        "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { placementRun { id } } }",
        |id| json!({ "input": { "agentIds": [id], "provider": "VAPI" } }),
    ),
    (
        "createAgent(input.clientId)",
        |scene| &scene.client,
        "mutation($input: CreateAgentInput!) { createAgent(input: $input) { agent { id } } }",
        |id| {
            let model = json!({ "vendor": "openai", "name": "gpt-4.1" });
            json!({ "input": { "clientId": id, "provider": "VAPI", "name": "N", "prompt": "P", "model": model } })
        },
    ),
    (
        "rotateApiKey(input.apiKeyId)",
        |scene| &scene.api_key,
        "mutation($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { apiKey { id } } }",
        |id| json!({ "input": { "apiKeyId": id } }),
    ),
    (
        "revokeApiKey(input.apiKeyId)",
        |scene| &scene.api_key,
        "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }",
        |id| json!({ "input": { "apiKeyId": id } }),
    ),
    (
        "updateAgent(input.agentId)",
        |scene| &scene.agent,
        "mutation($input: UpdateAgentInput!) { updateAgent(input: $input) { agent { id } } }",
        |id| json!({ "input": { "agentId": id, "firstMessage": "Hello." } }),
    ),
    (
        "portalUsers(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { portalUsers(clientId: $id) { id } }",
        |id| json!({ "id": id }),
    ),
    (
        "keyHandIns(clientId)",
        |scene| &scene.client,
        "query($id: ID!) { keyHandIns(clientId: $id) { id } }",
        |id| json!({ "id": id }),
    ),
    (
        "previewProviderKey(input.keyHandInId)",
        |scene| &scene.hand_in,
        "mutation($input: PreviewProviderKeyInput!) { previewProviderKey(input: $input) { preview { health } } }",
        |id| json!({ "input": { "keyHandInId": id, "provider": "VAPI" } }),
    ),
    (
        "acceptKeyHandIn(input.keyHandInId)",
        |scene| &scene.hand_in,
        "mutation($input: AcceptKeyHandInInput!) { acceptKeyHandIn(input: $input) { providerKey { id } } }",
        |id| json!({ "input": { "keyHandInId": id } }),
    ),
    (
        "declineKeyHandIn(input.keyHandInId)",
        |scene| &scene.hand_in,
        "mutation($input: DeclineKeyHandInInput!) { declineKeyHandIn(input: $input) { keyHandIn { id } } }",
        |id| json!({ "input": { "keyHandInId": id } }),
    ),
    (
        "createPortalUser(input.clientId)",
        |scene| &scene.client,
        "mutation($input: CreatePortalUserInput!) { createPortalUser(input: $input) { portalUser { id } } }",
        |id| json!({ "input": { "clientId": id, "name": "Pia", "email": "pia@example.com" } }),
    ),
    (
        "updatePortalUser(input.clientId)",
        |scene| &scene.client,
        "mutation($input: UpdatePortalUserInput!) { updatePortalUser(input: $input) { portalUser { id } } }",
        |id| json!({ "input": { "clientId": id, "userId": "nobody", "permissions": [] } }),
    ),
    (
        "updatePortalUser(input.userId)",
        |scene| &scene.person,
        "mutation($input: UpdatePortalUserInput!) { updatePortalUser(input: $input) { portalUser { id } } }",
        |id| json!({ "input": { "clientId": "none", "userId": id, "permissions": [] } }),
    ),
    (
        "removePortalUser(input.clientId)",
        |scene| &scene.client,
        "mutation($input: RemovePortalUserInput!) { removePortalUser(input: $input) { removedId } }",
        |id| json!({ "input": { "clientId": id, "userId": "nobody" } }),
    ),
    (
        "removePortalUser(input.userId)",
        |scene| &scene.person,
        "mutation($input: RemovePortalUserInput!) { removePortalUser(input: $input) { removedId } }",
        |id| json!({ "input": { "clientId": "none", "userId": id } }),
    ),
    (
        "createLogInLink(input.clientId)",
        |scene| &scene.client,
        "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }",
        |id| json!({ "input": { "clientId": id, "userId": "nobody" } }),
    ),
    (
        "createLogInLink(input.userId)",
        |scene| &scene.person,
        "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }",
        |id| json!({ "input": { "clientId": "none", "userId": id } }),
    ),
];

/// P5: for every root field that takes an id, a row of another agency and no row at all give the same bytes after the
/// same number of statements.
#[tokio::test]
async fn another_agencys_row_is_as_absent_as_no_row() {
    let scene = scene().await;
    let stranger = scene.app.stranger(Role::Owner).await;
    let mut taking_ids = Contract::read().id_arguments();
    let watched = [
        "syncProgress(syncRunId)",
        "placementRunProgress(placementRunId)",
    ];
    taking_ids.retain(|place| !watched.contains(&place.as_str()));
    let covered: Vec<&str> = CASES.iter().map(|(place, ..)| *place).collect();
    taking_ids.sort();
    let mut sorted = covered.clone();
    sorted.sort_unstable();
    assert_eq!(
        taking_ids, sorted,
        "each root field that takes an id has its case here"
    );
    for (place, foreign, query, variables) in CASES {
        let absent = cost(&scene, &stranger, query, variables(ABSENT)).await;
        let theirs = cost(&scene, &stranger, query, variables(foreign(&scene))).await;
        assert_eq!(absent, theirs, "{place}");
        let is_empty_list = absent.0.contains("\"totalCount\":0");
        assert!(
            absent.0.contains("NOT_FOUND") || is_empty_list,
            "{place}: {}",
            absent.0
        );
        assert!(absent.1 > 0);
        for other in ["", "no id at all", "' OR 1=1 --"] {
            let other = cost(&scene, &stranger, query, variables(other)).await;
            assert_eq!(absent, other, "{place}");
        }
    }
}

/// P5: the same for the subscription, whose errors come over the socket.
#[tokio::test]
async fn another_agencys_run_is_as_absent_to_a_subscription_as_no_run() {
    let scene = scene().await;
    let stranger = scene.app.stranger(Role::Owner).await;
    let mut socket = TestSocket::connected(&scene.app, &stranger).await;
    for (field, run) in [
        ("syncProgress(syncRunId", &scene.run),
        ("placementRunProgress(placementRunId", &scene.placement_run),
    ] {
        is_as_absent(&scene, &mut socket, field, run).await;
    }
}

/// Whether a subscription to a run of ours answers as one to no run.
async fn is_as_absent(scene: &Scene, socket: &mut TestSocket, field: &str, ours: &str) {
    let mut answers = Vec::new();
    for (id, run) in [("a", ABSENT), ("a", ours)] {
        // The socket's own look at session and membership, each second, may fall in between: the least count is ours.
        let mut least = u64::MAX;
        let mut text = String::new();
        for _ in 0..3 {
            let before = scene.app.app.db.statement_count();
            let query = format!("subscription {{ {field}: \"{run}\") {{ state }} }}");
            socket.subscribe(id, &query).await;
            text = refusal(socket).await;
            least = least.min(scene.app.app.db.statement_count() - before);
        }
        answers.push((text, least));
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].0.contains("NOT_FOUND"), "{answers:?}");
}

/// The messages up to the end of the subscription, without the request's id.
async fn refusal(socket: &mut TestSocket) -> String {
    let mut text = String::new();
    loop {
        let Frame::Json(mut message) = socket.next().await else {
            panic!("the socket was closed")
        };
        let is_last = message["type"] == "complete" || message["type"] == "error";
        let payload = &mut message["payload"];
        let errors = if payload.is_array() {
            payload
        } else {
            &mut payload["errors"]
        };
        for error in errors.as_array_mut().into_iter().flatten() {
            error["extensions"]
                .as_object_mut()
                .unwrap()
                .remove("requestId");
        }
        text.push_str(&message.to_string());
        if is_last {
            return text;
        }
    }
}

/// P5: an agency that the viewer does not belong to, and one that does not exist, are one answer at one cost.
#[tokio::test]
async fn another_agency_is_as_absent_as_no_agency() {
    let scene = scene().await;
    let mut stranger = scene.app.stranger(Role::Owner).await;
    let mut answers = Vec::new();
    for slug in [scene.app.agency.as_str(), "no-such-agency", "%", ""] {
        stranger.agency = Some(slug.to_owned());
        answers.push(cost(&scene, &stranger, "{ agency { name } }", json!({})).await);
    }
    assert!(answers[0].0.starts_with("404"), "{answers:?}");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}
