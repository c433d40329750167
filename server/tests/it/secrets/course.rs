//! The course: everything that touches a key, a password or a token, done right and done wrong.

use std::time::Duration;

use reqwest::Method;
use ringfence::{
    accounts::set_up,
    sandbox::{EchoStyle, Effect, Fault, NewAccount, NewKey, Resource},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::{canary::Secret, sinks::Sinks};
use crate::harness::{Frame, TestApp, TestClient, TestSocket, keys};

const GOOD: &str = "Kq7vXz3mTb9LwR5nHd2YcG8s";
const SECOND: &str = "Pf4jNs6eUa8BgQ1xZk7WtC3h";
const LIMITED: &str = "Yh2dMv9rCq5TpL8wXj4BnK6z";
const REVOKED: &str = "Ge6bRw3kJt7ZyS9uFv1DxH5m";
const FAULTY: &str = "Lx8cQn5gVf2MrT4pKd7JwB9y";
/// Typed where no key belongs, and never sent to the provider.
pub(super) const TYPED: &str = "Tz3nHb7wDk9XcP5vRg2QmJ8f";
const PASSWORD: &str = "Vr5 \"zebra\" & Qx81 mill/pond";
const WRONG_PASSWORD: &str = "Jm8 wrong +horse? Tn47 battery";

/// The account that the keys open, besides what the sample account of the sandbox holds.
fn seed(app: &TestApp) {
    let control = app.sandbox.control();
    control
        .add_account(&NewAccount::vapi(GOOD, 5).phone_numbers(4))
        .unwrap();
    control.add_account(&NewAccount::vapi(SECOND, 3)).unwrap();
    control.add_account(&NewAccount::vapi(FAULTY, 3)).unwrap();
    let limited = NewKey {
        key: LIMITED.to_owned(),
        same_account_as: GOOD.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::PhoneNumbers],
    };
    control.add_key(&limited).unwrap();
}

/// Runs the course and says what must be found nowhere.
pub(crate) async fn run(app: &TestApp, sinks: &Sinks) -> Vec<Secret> {
    seed(app);
    let token = set_up::open(&app.app).await.unwrap().unwrap();
    let mut course = Course {
        app,
        sinks,
        owner: app.nobody(),
    };
    course.people(&token).await;
    let signing_secrets = course.webhooks().await;
    let api_keys = course.api_keys().await;
    course.saves().await;
    course.faults().await;
    course.stored_key_in_trouble().await;
    course.misplaced().await;
    course.sockets().await;
    course.clear().await;
    let mut asked = Vec::new();
    for request in app.sandbox.control().requests() {
        let address = format!("{}?{}", request.path, request.query.unwrap_or_default());
        sinks.keep("nobody: an address at the provider", address);
        asked.extend(request.key);
    }
    for key in [GOOD, SECOND, LIMITED, REVOKED, FAULTY] {
        let last_four = &key[key.len() - 4..];
        assert!(
            asked.iter().any(|seen| seen.ends_with(last_four)),
            "{key} was never sent"
        );
    }
    let cookie = course.owner.cookie().unwrap();
    let signature = cookie.rsplit('.').next().unwrap().to_owned();
    let mut secrets: Vec<Secret> = [GOOD, SECOND, LIMITED, REVOKED, FAULTY, TYPED]
        .into_iter()
        .map(|key| Secret::new(format!("the key {key}"), key))
        .collect();
    secrets.push(Secret::new("the password", PASSWORD));
    secrets.push(Secret::new("the wrong password", WRONG_PASSWORD));
    secrets.push(Secret::new("the set-up token", token));
    for secret in signing_secrets {
        secrets.push(Secret::new("the signing secret", &secret["whsec_".len()..]));
    }
    for secret in api_keys {
        secrets.push(Secret::new("an API key", &secret["bvai_sk_".len()..]));
    }
    secrets.push(Secret::new("the session token", signature));
    secrets.push(Secret::new(
        "Twilio's auth token",
        "-auth-token-never-store-me",
    ));
    secrets.push(Secret::new("Twilio's secret", "-secret-never-store-me"));
    secrets
}

pub(super) struct Course<'a> {
    pub(super) app: &'a TestApp,
    pub(super) sinks: &'a Sinks,
    pub(super) owner: TestClient,
}

impl Course<'_> {
    pub(super) async fn ask(&self, what: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let request = self.owner.request(Method::POST, "/graphql").json(&body);
        let (answer, cookie) = self.sinks.send(what, request).await;
        if let Some(cookie) = cookie {
            self.owner.set_cookie(Some(cookie));
        }
        answer
    }

    /// Everything that the owner can read of keys, imports and the audit log.
    async fn read_all(&self) -> Value {
        let query = "{ instance { cipher masterKeyId } providers { name keyLocation } \
            providerKeys { nodes { id version maskedKey health healthMessage isReadable cipher account { name remoteId } \
            savedBy { name email } capabilities { capability state } clearImpact { agentCount acknowledgement \
            agents { name definition { prompt firstMessage } } answeringNumbers { number carrier } } \
            latestSyncRun { state hint waitingReason error { code message } } } } \
            agents { nodes { name definition { prompt firstMessage } placements { remoteId account { name } } } } \
            phoneNumbers { nodes { number sipUri name carrier } } syncRuns { nodes { state error { message } } } \
            alerts { nodes { summary } } webhookEndpoints { nodes { id url } } \
            auditEntries { nodes { action actor summary } } viewer { sessions { id userAgent } } }";
        self.ask("reading everything", query, json!({})).await
    }

    async fn standing(&self) -> Value {
        let all = self.read_all().await;
        all["data"]["providerKeys"]["nodes"][0].clone()
    }

    /// Saves over whatever is there; the code of the refusal, if it was one.
    async fn save(&self, what: &str, key: &str) -> Option<String> {
        // Attempts are counted (K16).
        self.app.advance(Duration::from_secs(301));
        let version = self.standing().await["version"].clone();
        let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { maskedKey \
            health healthMessage } syncRun { id state } } }";
        let input = json!({ "provider": "VAPI", "apiKey": key, "expectedVersion": version });
        let answer = self.ask(what, query, json!({ "input": input })).await;
        self.app.settle().await;
        answer["errors"][0]["extensions"]["code"]
            .as_str()
            .map(str::to_owned)
    }

    async fn test(&self, what: &str) -> Value {
        self.app.advance(Duration::from_secs(301));
        let key = self.standing().await;
        let query = "mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health \
            healthMessage } } }";
        let input = json!({ "input": { "providerKeyId": key["id"] } });
        self.ask(what, query, input).await
    }

    async fn sync(&self, what: &str) {
        let query = "mutation { startSync(input: { provider: VAPI }) { syncRun { id state } } }";
        self.ask(what, query, json!({})).await;
        self.app.settle().await;
    }

    /// An endpoint that hears of everything that follows. Its secrets are in two answers, which are not kept, and nowhere
    /// else.
    async fn webhooks(&self) -> Vec<String> {
        let server = MockServer::start().await;
        let accepted = ResponseTemplate::new(204);
        Mock::given(any())
            .respond_with(accepted)
            .mount(&server)
            .await;
        let query = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { \
            signingSecret webhookEndpoint { id } } }";
        let events = [
            "PROVIDER_KEY_INVALID",
            "PROVIDER_KEY_RESTORED",
            "SYNC_FAILED",
        ];
        let input = json!({ "input": { "url": server.uri(), "events": events } });
        let made = self.owner.graphql(query, input).await.ok()["createWebhookEndpoint"].clone();
        let id = json!({ "input": { "webhookEndpointId": made["webhookEndpoint"]["id"] } });
        let test = "mutation($input: TestWebhookEndpointInput!) { testWebhookEndpoint(input: $input) { \
            delivery { state payload failure } } }";
        self.ask("a webhook's test", test, id.clone()).await;
        let query = "mutation($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) { signingSecret } }";
        let told = self.owner.graphql(query, id.clone()).await.ok();
        self.ask("another test", test, id).await;
        let secret = |value: &Value| value["signingSecret"].as_str().unwrap().to_owned();
        vec![secret(&made), secret(&told["rotateWebhookSecret"])]
    }

    /// API keys, sent where they belong and where they do not. They are in two answers, which are not kept, and nowhere else.
    async fn api_keys(&self) -> Vec<String> {
        let query =
            "mutation { generateApiKey(input: { name: \"Default\" }) { secret apiKey { id } } }";
        let made = self.owner.query(query).await.ok()["generateApiKey"].clone();
        let query = "mutation($id: ID!) { rotateApiKey(input: { apiKeyId: $id, overlapHours: 1 }) { secret } }";
        let variables = json!({ "id": made["apiKey"]["id"] });
        let rotated = self.owner.graphql(query, variables).await.ok();
        let secret = |value: &Value| value["secret"].as_str().unwrap().to_owned();
        let secrets = vec![secret(&made), secret(&rotated["rotateApiKey"])];
        let body = json!({ "query": "{ agency { slug } apiKeys { id } }" });
        let report = json!({ "key": secrets[0] });
        let nobody = self.app.nobody();
        let post = |path: &str| nobody.request(Method::POST, path);
        for key in &secrets {
            for (what, request) in [
                ("an API key", post("/graphql").bearer_auth(key).json(&body)),
                (
                    "an API key cut off",
                    post("/graphql").bearer_auth(&key[..40]).json(&body),
                ),
                (
                    "another scheme",
                    post("/graphql").basic_auth("key", Some(key)).json(&body),
                ),
                (
                    "an API key as the query",
                    post("/graphql").json(&json!({ "query": key })),
                ),
                (
                    "an API key in the address",
                    post(&format!("/graphql?key={key}")).json(&body),
                ),
                (
                    "an API key in a page's address",
                    nobody.request(Method::GET, &format!("/{key}")),
                ),
                (
                    "an API key as an agency",
                    post("/graphql").header("ringfence-agency", key).json(&body),
                ),
                (
                    "half a report",
                    post("/api/v1/keys/exposed").body(format!("{{\"key\": \"{key}")),
                ),
                (
                    "a wrong report",
                    post("/api/v1/keys/exposed").json(&json!({ "token": key })),
                ),
            ] {
                self.sinks.send(what, request).await;
            }
            let mut socket = TestSocket::open(self.app, &nobody, None).await.unwrap();
            let payload = json!({ "authorization": format!("Bearer {key}") });
            socket
                .send(json!({ "type": "connection_init", "payload": payload }))
                .await;
            let Frame::Json(message) = socket.next().await else {
                panic!("the socket was closed")
            };
            self.sinks
                .keep("a hello with an API key", message.to_string());
        }
        for what in ["a report", "the report again"] {
            let request = post("/api/v1/keys/exposed").json(&report);
            self.sinks.send(what, request).await;
        }
        ringfence::api_keys::usage::write(&self.app.app).await;
        let query = "{ apiKeys { id name hint scopes state usage { date requestCount } } alerts { nodes { summary } } }";
        self.ask("the API keys", query, json!({})).await;
        secrets
    }

    /// Set-up, log-in, wrong log-ins.
    async fn people(&mut self, token: &str) {
        let set_up = "mutation($input: SetUpInput!) { setUp(input: $input) { viewer { person { email } memberships { \
            agency { slug } } } } }";
        let input = |token: &str, password: &str| {
            json!({ "input": { "token": token, "agencyName": "Northside Voice", "name": "Ada",
                "email": "ada@example.com", "password": password } })
        };
        self.ask(
            "set-up with a wrong token",
            set_up,
            input("a guess", WRONG_PASSWORD),
        )
        .await;
        let made = self.ask("set-up", set_up, input(token, PASSWORD)).await;
        let agency = &made["data"]["setUp"]["viewer"]["memberships"][0]["agency"]["slug"];
        self.owner.agency = Some(agency.as_str().unwrap().to_owned());
        self.ask("set-up again", set_up, input(token, PASSWORD))
            .await;
        let log_in = "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { email } } } }";
        for (what, email, password) in [
            ("a wrong password", "ada@example.com", WRONG_PASSWORD),
            ("an unknown email", "eve@example.com", WRONG_PASSWORD),
            ("a password as the email", WRONG_PASSWORD, WRONG_PASSWORD),
            ("a log-in", "ada@example.com", PASSWORD),
        ] {
            let input = json!({ "input": { "email": email, "password": password } });
            self.ask(what, log_in, input).await;
        }
        let malformed = format!(
            "mutation {{ logIn(input: {{ email: \"ada@example.com\", password: {PASSWORD} }}) }}"
        );
        self.ask("a malformed log-in", &malformed, json!({})).await;
        let listed = json!({ "input": { "email": "a@example.com", "password": [PASSWORD] } });
        self.ask("a listed password", log_in, listed).await;
    }

    /// Each outcome of a save.
    async fn saves(&self) {
        assert_eq!(
            self.save("a refused key", REVOKED).await.as_deref(),
            Some("KEY_REJECTED")
        );
        assert_eq!(self.save("a good key", GOOD).await, None);
        assert_eq!(
            self.save("the sandbox's sample account", keys::GOOD).await,
            None
        );
        assert_eq!(self.save("a key without a permission", LIMITED).await, None);
        assert_eq!(self.save("another account's key", SECOND).await, None);
        for (what, input) in [
            (
                "a stale version",
                json!({ "provider": "VAPI", "apiKey": TYPED, "expectedVersion": 1 }),
            ),
            ("no version", json!({ "provider": "VAPI", "apiKey": TYPED })),
            (
                "another provider's key",
                json!({ "provider": "RETELL", "apiKey": TYPED }),
            ),
            (
                "a region that is not there",
                json!({ "provider": "VAPI", "apiKey": TYPED, "region": "EU", "expectedVersion": 4 }),
            ),
            (
                "a broken line",
                json!({ "provider": "VAPI", "apiKey": format!("{TYPED}\n{TYPED}"), "expectedVersion": 4 }),
            ),
            (
                "a mask",
                json!({ "provider": "VAPI", "apiKey": format!("••••{TYPED}"), "expectedVersion": 4 }),
            ),
            (
                "a long key",
                json!({ "provider": "VAPI", "apiKey": TYPED.repeat(40), "expectedVersion": 4 }),
            ),
        ] {
            let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { health } } }";
            let answer = self.ask(what, query, json!({ "input": input })).await;
            assert!(
                answer["errors"][0]["message"].is_string(),
                "{what}: {answer}"
            );
        }
        assert_eq!(self.save("the good key again", GOOD).await, None);
        for attempt in 0..11 {
            let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { health } } }";
            let version = self.standing().await["version"].clone();
            let input =
                json!({ "provider": "VAPI", "apiKey": REVOKED, "expectedVersion": version });
            self.ask(
                &format!("guess {attempt}"),
                query,
                json!({ "input": input }),
            )
            .await;
        }
    }

    /// Everything that a provider can do to a save.
    async fn faults(&self) {
        let message = format!(
            "the key {FAULTY} is not known; keys start with {}",
            &FAULTY[..9]
        );
        let status = |status| Effect::Status {
            status,
            message: Some(message.clone()),
            retry_after: Some("7".to_owned()),
        };
        let effects = [
            status(400),
            status(401),
            status(402),
            status(403),
            status(404),
            status(429),
            status(500),
            status(503),
            Effect::CutBody,
            Effect::NotJson,
            Effect::WrongShape,
            Effect::Redirect {
                location: format!("http://127.0.0.1:9/?key={FAULTY}"),
            },
            Effect::EchoKey {
                style: EchoStyle::Plain,
            },
            Effect::EchoKey {
                style: EchoStyle::Masked,
            },
            Effect::EchoKey {
                style: EchoStyle::PercentEncoded,
            },
            Effect::EchoKey {
                style: EchoStyle::Base64,
            },
        ];
        for effect in effects {
            let what = format!("a save under {effect:?}").replace(FAULTY, "KEY");
            self.app
                .sandbox
                .control()
                .inject(Fault::new(effect).for_key(FAULTY));
            self.save(&what, FAULTY).await;
            self.app.sandbox.control().clear_faults();
        }
    }

    /// What goes wrong with a key that is stored.
    async fn stored_key_in_trouble(&self) {
        assert_eq!(
            self.save("the key that gets into trouble", FAULTY).await,
            None
        );
        self.test("a test").await;
        for style in [
            EchoStyle::Plain,
            EchoStyle::Masked,
            EchoStyle::PercentEncoded,
            EchoStyle::Base64,
        ] {
            let fault = Fault::new(Effect::EchoKey { style }).for_key(FAULTY);
            self.app.sandbox.control().inject(fault);
            self.test("a test that echoes").await;
            self.sync("an import that echoes").await;
            self.read_all().await;
            self.app.sandbox.control().clear_faults();
        }
        self.app
            .sql("UPDATE provider_key_versions SET sealed = wrapped_key WHERE last_four = 'wB9y'")
            .await;
        let answer = self.test("a test of a row that does not open").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "KEY_UNREADABLE");
        self.sync("an import with a row that does not open").await;
        assert_eq!(self.standing().await["isReadable"], false);
        assert_eq!(self.save("the key anew", FAULTY).await, None);
    }

    /// Clears, first with the wrong words.
    async fn clear(&self) {
        let query = "mutation($input: ClearProviderKeyInput!) { clearProviderKey(input: $input) { clearedVersion \
            stillAnswering { number } } }";
        let key = self.standing().await;
        let mut input = json!({ "providerKeyId": key["id"], "expectedVersion": key["version"], "acknowledgement": TYPED,
            "detachNumbers": true });
        self.ask(
            "a clearing with a wrong acknowledgement",
            query,
            json!({ "input": input }),
        )
        .await;
        input["acknowledgement"] = key["clearImpact"]["acknowledgement"].clone();
        let answer = self
            .ask("a clearing", query, json!({ "input": input }))
            .await;
        assert!(answer["errors"].is_null(), "{answer}");
        self.app.settle().await;
        self.read_all().await;
    }
}
