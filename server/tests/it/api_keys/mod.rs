//! The platform's own API keys (A1–A9): made, rotated and revoked by people, sent by scripts, counted, and found by
//! strangers.

mod authenticate;
mod exposed;
mod generate;
mod limits;
mod rotate;
mod scopes;
mod sockets;
mod usage;

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient};

/// What a key with `read` may ask.
const NAME: &str = "{ agency { slug } }";

/// What a script got.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Heard {
    /// The code of the only error, on `/graphql` or of a REST endpoint.
    pub(crate) fn code(&self) -> &str {
        let code = &self.body["errors"][0]["extensions"]["code"];
        let code = code.as_str().or(self.body["code"].as_str());
        code.unwrap_or_else(|| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("{name}: {self:?}"))
            .to_str()
            .unwrap()
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Heard {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Heard {
        status,
        headers,
        text,
        body,
    }
}

/// A request of a script, to be changed at will.
fn script(app: &TestApp, secret: &str, query: &str) -> RequestBuilder {
    app.nobody()
        .request(Method::POST, "/graphql")
        .bearer_auth(secret)
        .json(&json!({ "query": query }))
}

/// Asks with a key.
async fn ask(app: &TestApp, secret: &str, query: &str) -> Heard {
    send(script(app, secret, query)).await
}

/// The status of a simple question with a key.
async fn status(app: &TestApp, secret: &str) -> u16 {
    ask(app, secret, NAME).await.status
}

/// Tries to make a key.
async fn try_to_generate(client: &TestClient, input: Value) -> Answer {
    let query = "mutation($input: GenerateApiKeyInput!) { generateApiKey(input: $input) { secret apiKey { id name hint \
        scopes state expiresAt isDueForRotation createdBy { id } } } }";
    client.graphql(query, json!({ "input": input })).await
}

/// Makes a key with these scopes; the key, and its secret.
pub(crate) async fn generate(client: &TestClient, name: &str, scopes: &[&str]) -> (Value, String) {
    let made = try_to_generate(client, json!({ "name": name, "scopes": scopes })).await;
    let made = made.ok()["generateApiKey"].clone();
    let secret = made["secret"].as_str().unwrap().to_owned();
    (made["apiKey"].clone(), secret)
}

/// Tries to rotate a key.
async fn try_to_rotate(client: &TestClient, key: &Value, overlap_hours: Option<i64>) -> Answer {
    let query = "mutation($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { secret apiKey { id name hint scopes \
        state expiresAt } previousApiKey { id state endsAt } } }";
    let input = json!({ "apiKeyId": key["id"], "overlapHours": overlap_hours });
    client.graphql(query, json!({ "input": input })).await
}

/// Rotates a key; the new one, its secret, and the old one.
pub(crate) async fn rotate(
    client: &TestClient,
    key: &Value,
    overlap_hours: i64,
) -> (Value, String, Value) {
    let rotated =
        try_to_rotate(client, key, Some(overlap_hours)).await.ok()["rotateApiKey"].clone();
    let secret = rotated["secret"].as_str().unwrap().to_owned();
    (
        rotated["apiKey"].clone(),
        secret,
        rotated["previousApiKey"].clone(),
    )
}

/// Revokes a key.
async fn revoke(client: &TestClient, key: &Value) -> Answer {
    let query = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { state revokedAt } } }";
    let input = json!({ "input": { "apiKeyId": key["id"] } });
    client.graphql(query, input).await
}

/// Switches the agency's API.
async fn switch(client: &TestClient, is_on: bool) -> Value {
    let query = "mutation($input: UpdateApiAccessInput!) { updateApiAccess(input: $input) { apiAccess { isOn isInPlan } } }";
    let answer = client.graphql(query, json!({ "input": { "isOn": is_on } }));
    answer.await.ok()["updateApiAccess"]["apiAccess"].clone()
}

/// The agency's keys, as an admin reads them.
async fn listed(client: &TestClient) -> Vec<Value> {
    let query = "{ apiKeys { id name hint scopes state createdAt expiresAt endsAt revokedAt lastUsedAt isDueForRotation \
        createdBy { id } usage { date requestCount errorCount } } }";
    let told = client.query(query).await.ok();
    told["apiKeys"].as_array().unwrap().clone()
}
