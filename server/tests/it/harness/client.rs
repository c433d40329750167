//! A client of the server: a browser without a browser, or a script.

use std::sync::{Mutex, OnceLock};

use reqwest::{Method, RequestBuilder, Response};
use ringfence::id::UserId;
use serde_json::{Value, json};

use super::{TestApp, keys};

fn http() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
            let builder = reqwest::Client::builder();
            builder
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                // Each test has a runtime of its own; a pooled connection would outlive it.
                .pool_max_idle_per_host(0)
                .build()
                .unwrap()
        })
        .clone()
}

/// Somebody, or nobody, in front of the server.
pub(crate) struct TestClient {
    base: String,
    pub(crate) agency: Option<String>,
    pub(crate) user_id: Option<UserId>,
    cookie: Mutex<Option<String>>,
}

/// What GraphQL answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) data: Value,
    pub(crate) errors: Vec<Value>,
}

impl Answer {
    /// The data; fails the test on any error.
    pub(crate) fn ok(self) -> Value {
        assert!(self.errors.is_empty(), "{:#?}", self.errors);
        self.data
    }

    /// The code of the only error; fails the test on anything else.
    pub(crate) fn code(&self) -> &str {
        assert_eq!(self.errors.len(), 1, "{:#?} {:#?}", self.data, self.errors);
        self.errors[0]["extensions"]["code"].as_str().unwrap()
    }

    /// The only error.
    pub(crate) fn error(&self) -> &Value {
        assert_eq!(self.errors.len(), 1, "{:#?} {:#?}", self.data, self.errors);
        &self.errors[0]
    }

    /// The message of the only error.
    pub(crate) fn message(&self) -> &str {
        self.error()["message"].as_str().unwrap()
    }
}

impl TestClient {
    pub(crate) fn new(app: &TestApp, agency: Option<&str>) -> Self {
        Self::at(app.url(""), agency)
    }

    /// A client of the server at this address, such as a process of its own.
    pub(crate) fn at(base: String, agency: Option<&str>) -> Self {
        Self {
            base,
            agency: agency.map(str::to_owned),
            user_id: None,
            cookie: Mutex::new(None),
        }
    }

    /// The cookie header that the client sends.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap().clone()
    }

    /// Takes over somebody's cookie.
    pub(crate) fn set_cookie(&self, cookie: Option<String>) {
        *self.cookie.lock().unwrap() = cookie;
    }

    /// A request with the cookie and the agency, to be changed at will.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = http().request(method, format!("{}{path}", self.base));
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        if let Some(agency) = &self.agency {
            request = request.header("ringfence-agency", agency);
        }
        request
    }

    /// Sends a document and takes the cookie of the answer.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let response = self
            .request(Method::POST, "/graphql")
            .json(&body)
            .send()
            .await
            .unwrap();
        self.keep_cookie(&response);
        let body: Value = response.json().await.unwrap();
        Answer {
            data: body["data"].clone(),
            errors: body["errors"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// A document without variables.
    pub(crate) async fn query(&self, query: &str) -> Answer {
        self.graphql(query, json!({})).await
    }

    fn keep_cookie(&self, response: &Response) {
        if let Some(header) = response.headers().get("set-cookie") {
            let pair = header.to_str().unwrap().split(';').next().unwrap();
            let is_cleared = pair.ends_with('=');
            self.set_cookie((!is_cleared).then(|| pair.to_owned()));
        }
    }

    /// Logs in, or fails the test.
    pub(crate) async fn log_in(&self, email: &str, password: &str) {
        let query = "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { email } } } }";
        let variables = json!({ "input": { "email": email, "password": password } });
        self.graphql(query, variables).await.ok();
    }

    /// Saves a Vapi key and answers with whatever came.
    pub(crate) async fn save_key(&self, api_key: &str, expected_version: Option<i64>) -> Answer {
        let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { \
            providerKey { id version maskedKey health healthMessage account { id remoteId } \
            capabilities { capability state } isReadable } syncRun { id state } } }";
        let mut input = json!({ "provider": "VAPI", "apiKey": api_key });
        if let Some(version) = expected_version {
            input["expectedVersion"] = version.into();
        }
        self.graphql(query, json!({ "input": input })).await
    }

    /// Saves the good key and waits for its import.
    pub(crate) async fn import(&self, app: &TestApp) -> Value {
        let saved = self.save_key(keys::GOOD, None).await.ok();
        app.settle().await;
        saved["saveProviderKey"]["providerKey"].clone()
    }

    /// The stored Vapi key as an admin sees it; null when there is none.
    pub(crate) async fn key(&self) -> Value {
        let query = "{ providerKeys(provider: [VAPI]) { nodes { id version maskedKey health healthMessage checkedAt \
            isReadable cipher savedAt account { id remoteId } capabilities { capability state } \
            clearImpact { agentCount phoneNumberCount answeringNumberCount acknowledgement } \
            latestSyncRun { id state phase done total agentCount phoneNumberCount voiceCount addedCount changedCount \
            goneCount returnedCount pendingRemovalCount waitingUntil waitingReason hint error { code message } } } } }";
        self.query(query).await.ok()["providerKeys"]["nodes"][0].clone()
    }

    /// Clears the key as `key` showed it.
    pub(crate) async fn clear_key(&self, key: &Value, more: Value) -> Answer {
        let query = "mutation($input: ClearProviderKeyInput!) { clearProviderKey(input: $input) { clearedVersion \
            detachedNumberCount stillAnswering { id number } } }";
        let mut input = json!({
            "providerKeyId": key["id"],
            "expectedVersion": key["version"],
            "acknowledgement": key["clearImpact"]["acknowledgement"],
        });
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            input[name] = value;
        }
        self.graphql(query, json!({ "input": input })).await
    }

    /// "Sync now".
    pub(crate) async fn start_sync(&self) -> Answer {
        self.query(
            "mutation { startSync(input: { provider: VAPI }) { hasJoined syncRun { id state } } }",
        )
        .await
    }
}
