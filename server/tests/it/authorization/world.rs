//! The agency that the walk goes through, with rows that leave no field null, and the people who ask.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use ringfence::{
    access::policy::Policy,
    accounts::admin::{self, Plan},
    graphql, http,
    providers::ProviderKind,
    sandbox::NewAccount,
};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::expected::Who;
use crate::harness::{PASSWORD, Settings, TestApp, TestClient, keys};

/// A document with its variables, and where in the answer the field that it is about stands.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) query: String,
    pub(crate) variables: Value,
    pub(crate) path: Vec<String>,
}

/// What came back, undecoded and decoded.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The codes of its errors.
    pub(crate) fn codes(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array();
        errors
            .into_iter()
            .flatten()
            .map(|error| {
                let code = error["extensions"]["code"].as_str();
                code.unwrap_or("no code").to_owned()
            })
            .collect()
    }

    /// Everything that stands at the path, through lists, without nulls.
    pub(crate) fn values(&self, path: &[String]) -> Vec<Value> {
        let mut level = vec![self.body["data"].clone()];
        for segment in path {
            level = level
                .into_iter()
                .flat_map(|value| match value {
                    Value::Array(items) => items,
                    other => vec![other],
                })
                .map(|value| value[segment].clone())
                .filter(|value| !value.is_null() && *value != json!([]))
                .collect();
        }
        level
    }
}

/// Opens a Retell account that holds nothing, so that accepting it changes no list.
pub(super) const EMPTY_RETELL: &str = "retell-key-of-an-empty-account-3Fz1";

/// A person with a session of their own.
pub(super) struct Person {
    pub(super) client: TestClient,
    pub(super) email: String,
}

/// The seeded application and its people.
pub(crate) struct World {
    pub(crate) app: TestApp,
    people: Vec<(Who, Person)>,
    /// Who logs out, so that nobody else's session ends with theirs.
    leavers: Vec<(Who, Person)>,
    nobody: TestClient,
    /// The product as it is, for whatever prepares a sample.
    standard: Router,
    /// Takes what webhooks send.
    receiver: MockServer,
    /// Texts that belong to the first agency alone.
    pub(crate) ours: Vec<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let app = TestApp::with(Settings {
            is_demo: true,
            // The walk moves the clock by days. What the schedules then start would undo between two samples what was mended.
            sync_interval_hours: Some(0),
            health_check_interval_hours: Some(0),
            ..Settings::default()
        })
        .await;
        let standard = http::router(&app.app);
        let empty = NewAccount::of(ProviderKind::Retell, EMPTY_RETELL, 0);
        app.sandbox.control().add_account(&empty).unwrap();
        let receiver = MockServer::start().await;
        let accepted = ResponseTemplate::new(204);
        Mock::given(any())
            .respond_with(accepted)
            .mount(&receiver)
            .await;
        let other = admin::create_agency(&app.app, "Southside Calls", Plan::Agency)
            .await
            .unwrap();
        let first = app.agency.clone();
        let mut people = Vec::new();
        let mut leavers = Vec::new();
        for who in &Who::ALL[1..] {
            let agency = if matches!(who, Who::Stranger | Who::Intruder) {
                &other
            } else {
                &first
            };
            for group in [&mut people, &mut leavers] {
                let mut client = app.user_of(agency, who.role().unwrap()).await;
                let email = client.query("{ viewer { person { email } } }").await.ok();
                let email = email["viewer"]["person"]["email"].as_str().unwrap();
                if *who == Who::Intruder {
                    client.agency = Some(first.clone());
                }
                let email = email.to_owned();
                group.push((*who, Person { client, email }));
            }
        }
        let mut world = Self {
            nobody: app.nobody(),
            app,
            people,
            leavers,
            standard,
            receiver,
            ours: Vec::new(),
        };
        world.mend().await;
        world.ours = world.texts_of_ours().await;
        world
    }

    /// Makes whole what a sample has used up: the key, its imports, and rows that leave no field null.
    pub(crate) async fn mend(&self) {
        self.app.rest().await;
        self.forget_calls().await;
        // Attempts at keys are counted per minute and per hour (K16).
        self.app.advance(Duration::from_secs(3601));
        let owner = self.person(Who::Owner);
        if self.standing_key().await.is_null() {
            owner.client.save_key(keys::GOOD, None).await.ok();
            // The first import has brought everything before the second one begins.
            self.app.settle().await;
            // So that there is a version that is out of use.
            let version = self.standing_key().await["version"].as_i64();
            owner.client.save_key(keys::GOOD, version).await.ok();
        }
        self.app.settle().await;
        self.make_clients(&owner.client).await;
        // An import that is written over while it runs would never find its end.
        self.app.settle().await;
        while self.ask_owner("{ syncRuns { totalCount } }").await["syncRuns"]["totalCount"]
            .as_i64()
            .unwrap()
            < 4
        {
            owner.client.start_sync().await.ok();
            self.app.settle().await;
            self.app.advance(Duration::from_secs(1));
        }
        self.one_endpoint().await;
        self.ended_api_key().await;
        self.fill_in().await;
    }

    /// Nobody looks at the calls of samples any more: what becomes of them is for other tests.
    async fn forget_calls(&self) {
        self.app
            .sql(
                "DELETE FROM jobs WHERE kind = 'look_at_call';
                 DELETE FROM provider_key_holds;
                 DELETE FROM calls",
            )
            .await;
    }

    /// Leaves one webhook endpoint, with a delivery.
    async fn one_endpoint(&self) {
        let owner = &self.person(Who::Owner).client;
        self.app
            .sql(
                "DELETE FROM webhook_deliveries; DELETE FROM webhook_endpoints;
                 DELETE FROM alerts",
            )
            .await;
        let query = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { \
            webhookEndpoint { id } } }";
        let made = owner
            .graphql(query, json!({ "input": self.endpoint_input() }))
            .await
            .ok();
        let id = made["createWebhookEndpoint"]["webhookEndpoint"]["id"].clone();
        let query = "mutation($input: TestWebhookEndpointInput!) { testWebhookEndpoint(input: $input) { \
            delivery { id } } }";
        let input = json!({ "input": { "webhookEndpointId": id } });
        owner.graphql(query, input).await.ok();
    }

    /// An API key of which everything is known: it was used today, and has ended in each way.
    async fn ended_api_key(&self) {
        let now = self.app.app.clock.now().as_millis();
        self.app
            .sql(&format!(
                "DELETE FROM api_keys WHERE id = 'an-api-key-of-ours';
                 INSERT INTO api_keys (id, agency_id, lineage_id, name, name_key, hint, key_hash, scopes, created_by, created_at,
                 expires_at, ends_at, revoked_at, revoked_because, last_used_at)
                 SELECT 'an-api-key-of-ours', a.id, 'a-lineage-of-ours', 'A key of ours', 'a key of ours', 'aB3d',
                 w.mac, '|read|', min(m.user_id), {now}, {now}, {now}, {now}, 'exposed', {now}
                 FROM agencies a JOIN memberships m ON m.agency_id = a.id JOIN audit_entries w ON w.sequence = 1
                 WHERE a.slug = 'northside-voice' GROUP BY a.id, w.mac;
                 INSERT INTO api_key_days (api_key_id, agency_id, day, request_count, error_count)
                 SELECT id, agency_id, {now} / 86400000 * 86400000, 2, 1 FROM api_keys WHERE id = 'an-api-key-of-ours'"
            ))
            .await;
    }

    pub(super) fn endpoint_input(&self) -> Value {
        json!({ "url": self.receiver.uri(), "events": ["PROVIDER_KEY_INVALID"] })
    }

    /// Clients: with a key of another account, with the agency's very key, with agents and no key, with nothing, archived.
    async fn make_clients(&self, owner: &TestClient) {
        let found = self.ask_owner("{ clients { totalCount } }").await;
        if found["clients"]["totalCount"] != 0 {
            return;
        }
        for name in ["Bayview", "Cedar", "Dunmore", "Easel", "Fallow"] {
            let document = "mutation($input: CreateClientInput!) { createClient(input: $input) { client { id } } }";
            let answer = owner.graphql(document, json!({ "input": { "name": name } }));
            answer.await.ok();
        }
        for (name, key) in [("Bayview", keys::SECOND), ("Cedar", keys::GOOD)] {
            let document = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { id } } }";
            let input = json!({ "provider": "VAPI", "apiKey": key, "clientId": self.client_named(name).await });
            owner
                .graphql(document, json!({ "input": input }))
                .await
                .ok();
        }
        self.app.settle().await;
        for (name, search) in [("Cedar", "Cedar"), ("Dunmore", "Luma")] {
            let document = "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }";
            let input = json!({ "search": search, "clientId": self.client_named(name).await });
            owner
                .graphql(document, json!({ "input": input }))
                .await
                .ok();
        }
        let document = "mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }";
        let input = json!({ "clientId": self.client_named("Fallow").await });
        owner
            .graphql(document, json!({ "input": input }))
            .await
            .ok();
    }

    pub(super) async fn client_named(&self, name: &str) -> Value {
        let query = format!("{{ clients(search: \"{name}\") {{ nodes {{ id }} }} }}");
        self.ask_owner(&query).await["clients"]["nodes"][0]["id"].clone()
    }

    /// An agent of Cedar's that has a number.
    pub(super) async fn called_agent(&self) -> Value {
        let cedar = self.client_named("Cedar").await;
        let query = format!(
            "{{ agents(filter: {{ clientId: {cedar} }}) {{ nodes {{ id phoneNumberCount }} }} }}"
        );
        let found = self.ask_owner(&query).await;
        let agents = found["agents"]["nodes"].as_array().unwrap();
        let mut called = agents.iter().filter(|agent| agent["phoneNumberCount"] != 0);
        called.next().unwrap()["id"].clone()
    }

    /// An agent that the account does not hold any more, and that could be placed there again.
    pub(super) async fn lose_a_placement(&self) {
        self.app
            .sql(
                "UPDATE placements SET status = 'inactive', inactive_reason = 'gone'
                 WHERE id = (SELECT min(id) FROM placements);
                 UPDATE agents SET status = 'active', definition = replace(definition, '\"language\":\"', '\"language\":\"x')
                 WHERE id = (SELECT agent_id FROM placements WHERE id = (SELECT min(id) FROM placements))",
            )
            .await;
    }

    /// Rows as the provider would have to be in trouble to make them; imports among the newest, which a list shows first.
    async fn fill_in(&self) {
        self.lose_a_placement().await;
        // What has ended is younger than the 90 days after which a tidy forgets it: 1768478400000 is where the clock started.
        // A sample of confirmSync that was refused leaves its run waiting, hence the statement about them.
        self.app
            .sql(
                "UPDATE memberships SET client_id = (SELECT id FROM clients WHERE name = 'Cedar'),
                 portal_permissions = '|view_agents|view_calls|trigger_calls|manage_integrations|'
                 WHERE role = 'portal' AND client_id IS NULL;
                 UPDATE provider_keys SET active_version = NULL
                 WHERE provider = 'retell' AND scope_id = (SELECT id FROM clients WHERE name = 'Cedar');
                 INSERT INTO key_hand_ins (id, agency_id, client_id, provider, region, health, last_four, account_name, cipher,
                 master_key_id, state, handed_in_by, handed_in_at, decided_by, decided_at)
                 SELECT 'a-hand-in-of-ours', c.agency_id, c.id, 'vapi', 'default', 'valid', 'abcd', 'An account',
                 'xchacha20-poly1305', 'none', 'declined', min(m.user_id), 1, min(m.user_id), 2
                 FROM clients c JOIN memberships m ON m.agency_id = c.agency_id WHERE c.name = 'Cedar'
                 GROUP BY c.agency_id, c.id ON CONFLICT DO NOTHING;
                 UPDATE provider_keys SET health_message = 'said the provider';
                 UPDATE provider_keys SET breaker = 'open'
                 WHERE scope_id = (SELECT id FROM clients WHERE name = 'Cedar');
                 INSERT INTO placements (id, agency_id, agent_id, account_id, provider, remote_id, status, last_seen_at,
                 last_seen_run, is_detail_due)
                 SELECT 'elsewhere-' || a.id, a.agency_id, a.id, v.account_id, a.provider, 'elsewhere-' || a.id, 'active', 1,
                 'none', FALSE
                 FROM agents a JOIN clients c ON c.id = a.client_id AND c.name = 'Cedar'
                 JOIN clients b ON b.agency_id = a.agency_id AND b.name = 'Bayview'
                 JOIN provider_keys k ON k.scope_id = b.id
                 JOIN provider_key_versions v ON v.key_id = k.id AND v.version = 1 WHERE TRUE ON CONFLICT DO NOTHING;
                 UPDATE voices SET name = 'Ava' WHERE name IS NULL;
                 UPDATE sync_runs SET state = 'succeeded', finished_at = created_at WHERE state = 'needs_confirmation';
                 UPDATE sync_changes SET kind = 'changed', fields = '|name|prompt|';
                 UPDATE sessions SET user_agent = 'a browser';
                 UPDATE webhook_endpoints SET disabled_at = created_at;
                 UPDATE webhook_deliveries SET error = 'status', next_attempt_at = created_at;
                 INSERT INTO clients (id, agency_id, name, name_key, created_at, updated_at)
                 SELECT 'a-client-of-ours', id, 'Dental of ours', 'dental of ours', 0, 0 FROM agencies
                 WHERE slug = 'northside-voice' ON CONFLICT DO NOTHING;
                 INSERT INTO alerts (id, agency_id, kind, subject, provider, client_id, summary, agent_count, raised_at,
                 resolved_at, dismissed_at, dismissed_by)
                 SELECT 'an-alert-of-ours', a.id, 'key_invalid', k.id, 'vapi', 'a-client-of-ours', 'an alert of ours', 3,
                 1768478400001, 1768478400002, 1768478400003, min(m.user_id) FROM agencies a JOIN provider_keys k ON k.agency_id = a.id AND k.scope_kind = 'agency'
                 JOIN memberships m ON m.agency_id = a.id WHERE a.slug = 'northside-voice' GROUP BY a.id, k.id;
                 INSERT INTO placement_runs (id, agency_id, client_id, key_id, key_version, account_id, provider, state, total,
                 waiting_until, waiting_reason, error_code, error_message, requested_by, created_at, started_at, finished_at)
                 SELECT 'a-placement-run-of-ours', a.id, 'a-client-of-ours', min(k.id), 1, min(p.id), 'vapi', 'failed', 1, 1,
                 'a reason', 'CONFLICT', 'a failure', min(m.user_id), 1768478400001, 1768478400001, 1768478400001 FROM agencies a
                 JOIN provider_keys k ON k.agency_id = a.id JOIN provider_accounts p ON p.agency_id = a.id
                 JOIN memberships m ON m.agency_id = a.id WHERE a.slug = 'northside-voice' GROUP BY a.id
                 ON CONFLICT DO NOTHING;
                 INSERT INTO calls (id, agency_id, client_id, agent_id, provider, account_id, key_id, key_version, payer, origin,
                 direction, requested_by, remote_id, to_number, from_number, state, provider_status, ended_reason, end_cause,
                 error_code, error_message, route, cost_micros, cost_currency, duration_ms, created_at, updated_at, started_at,
                 ended_at) SELECT 'a-call-of-ours', c.agency_id, c.id, min(a.id), 'vapi', min(p.account_id), min(k.id), 1,
                 'client', 'app', 'outbound', min(m.user_id), 'a-remote-call-of-ours', '+15550100', '+15550101', 'failed',
                 'ended', 'a reason of ours', 'no_funds', 'NO_FUNDS', 'a failure of ours',
                 '{\"payer\":\"client\",\"key_id\":\"k\",\"key_version\":1,\"account_id\":\"a\",\"remote_agent_id\":\"r\",\"has_passed_over_agency\":true,\"doubt\":\"no_funds\"}',
                 1, 'USD', 1, 1, 1, 1, 1 FROM clients c JOIN agents a ON a.client_id = c.id
                 JOIN provider_keys k ON k.scope_id = c.id JOIN placements p ON p.agent_id = a.id
                 JOIN memberships m ON m.agency_id = c.agency_id WHERE c.name = 'Cedar' GROUP BY c.agency_id, c.id
                 ON CONFLICT DO NOTHING;
                 INSERT INTO call_imports (account_id, agency_id, is_walk_whole, is_complete, polled_at, next_poll_at, failures,
                 problem, problem_at, last_webhook_at, revision) SELECT id, agency_id, TRUE, FALSE, 1, 9999999999999, 1,
                 'unreachable', 9999999999999, 1, 0 FROM provider_accounts WHERE TRUE ON CONFLICT (account_id) DO UPDATE
                 SET polled_at = 1, next_poll_at = 9999999999999, problem = 'unreachable', problem_at = 9999999999999,
                 last_webhook_at = 1;
                 INSERT INTO placement_items (id, run_id, agency_id, agent_id, account_id, name, state, marker, is_look_first,
                 remote_id, message) SELECT 'a-placement-item-of-ours', r.id, r.agency_id, min(a.id), r.account_id,
                 'an item of ours', 'created', 'a mark', FALSE, 'a remote item of ours', 'a word' FROM placement_runs r
                 JOIN agents a ON a.agency_id = r.agency_id WHERE r.id = 'a-placement-run-of-ours'
                 GROUP BY r.id, r.agency_id, r.account_id ON CONFLICT DO NOTHING;
                 UPDATE placement_runs SET error_code = 'CONFLICT', error_message = 'a failure'
                 WHERE error_code IS NULL AND finished_at IS NOT NULL;
                 UPDATE sync_runs SET state = 'failed', error_code = 'KEY_REJECTED', error_message = 'refused',
                 phase = 'agents', total = 40, waiting_until = created_at, waiting_reason = 'Waiting for the provider'
                 WHERE id = (SELECT id FROM sync_runs WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET 1);
                 UPDATE sync_runs SET state = 'succeeded', agent_count = 0
                 WHERE id = (SELECT id FROM sync_runs WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET 2)",
            )
            .await;
    }

    /// Ids, names and numbers of the first agency's rows: what a stranger must never read.
    async fn texts_of_ours(&self) -> Vec<String> {
        let rows = self
            .app
            .sql(
                "WITH ours AS (SELECT id, slug, name FROM agencies WHERE slug = 'northside-voice') \
                 SELECT id FROM ours UNION SELECT slug FROM ours UNION SELECT name FROM ours \
                 UNION SELECT id FROM agents WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT name FROM agents WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM placements WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT remote_id FROM placements WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM phone_numbers WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT number FROM phone_numbers WHERE number IS NOT NULL \
                 UNION SELECT id FROM key_hand_ins WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM clients WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM voices WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM sync_runs WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM provider_keys WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM provider_accounts WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM placement_runs WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT remote_id FROM placement_items WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT name FROM placement_items WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM alerts WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT summary FROM alerts WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM webhook_endpoints WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM webhook_deliveries WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM calls WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT remote_id FROM calls WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT error_message FROM calls WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT id FROM api_keys WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT name FROM api_keys WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT user_id FROM memberships WHERE agency_id IN (SELECT id FROM ours) \
                 UNION SELECT email FROM users WHERE id IN \
                   (SELECT user_id FROM memberships WHERE agency_id IN (SELECT id FROM ours)) \
                 UNION SELECT sessions.id FROM sessions JOIN memberships USING (user_id) \
                   WHERE agency_id IN (SELECT id FROM ours)",
            )
            .await;
        rows.iter().map(|row| row.get::<String>(0)).collect()
    }

    /// The product over another access table.
    pub(crate) fn router(&self, policy: Policy) -> Router {
        http::router_with(&self.app.app, graphql::schema_with(&self.app.app, policy))
    }

    pub(super) fn person(&self, who: Who) -> &Person {
        let found = self.people.iter().find(|(is, _)| *is == who);
        &found.unwrap().1
    }

    /// Whoever sends this root field.
    async fn client(&self, who: Who, root: &str) -> &TestClient {
        if who == Who::Nobody {
            return &self.nobody;
        }
        if !root.starts_with("logOut") {
            return &self.person(who).client;
        }
        let found = self.leavers.iter().find(|(is, _)| *is == who);
        let leaver = &found.unwrap().1;
        let fresh = TestClient::new(&self.app, None);
        fresh.log_in(&leaver.email, PASSWORD).await;
        leaver.client.set_cookie(fresh.cookie());
        &leaver.client
    }

    /// Sends a sample through a router.
    pub(crate) async fn ask(&self, router: &Router, who: Who, sample: &Sample) -> Reply {
        let client = self.client(who, &sample.path[0]).await;
        ask(router, client, &sample.query, &sample.variables).await
    }

    pub(super) async fn ask_owner(&self, query: &str) -> Value {
        let client = &self.person(Who::Owner).client;
        let reply = ask(&self.standard, client, query, &json!({})).await;
        assert!(reply.codes().is_empty(), "{}", reply.text);
        reply.body["data"].clone()
    }
}

/// Sends a document through a router as a client would over HTTP.
pub(crate) async fn ask(
    router: &Router,
    client: &TestClient,
    query: &str,
    variables: &Value,
) -> Reply {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    if let Some(cookie) = client.cookie() {
        request = request.header(header::COOKIE, cookie);
    }
    if let Some(agency) = &client.agency {
        request = request.header("ringfence-agency", agency);
    }
    let request = request.body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    Reply { text, body }
}
