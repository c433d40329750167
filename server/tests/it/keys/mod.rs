//! Saving, testing and clearing provider keys over GraphQL, against the provider sandbox.

mod account;
mod check;
mod clear;
mod client;
mod detach;
mod preview;
mod refusal;
mod retirement;
mod save;
mod scrubbing;
mod seal;
mod shared;
mod throttle;
mod turns;
mod versions;

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient};

/// Saves with exactly this input.
pub(crate) async fn save(client: &TestClient, input: Value) -> Answer {
    let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { \
        providerKey { id version maskedKey health region } syncRun { id state } } }";
    client.graphql(query, json!({ "input": input })).await
}

/// "Test key" on the key as `TestClient::key` showed it.
pub(crate) async fn test(client: &TestClient, key: &Value) -> Answer {
    let query = "mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { \
        id version health healthMessage checkedAt capabilities { capability state } } } }";
    let input = json!({ "input": { "providerKeyId": key["id"] } });
    client.graphql(query, input).await
}

/// How many keys, imports and audit entries an agency has, with the newest entry's action.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) keys: i64,
    pub(crate) runs: i64,
    pub(crate) entries: i64,
    pub(crate) newest_action: String,
}

/// Counts what an admin of the agency sees.
pub(crate) async fn counts(client: &TestClient) -> Counts {
    let query = "{ providerKeys { totalCount } syncRuns { totalCount } \
        auditEntries(first: 1) { totalCount nodes { action } } }";
    let data = client.query(query).await.ok();
    let count = |list: &str| data[list]["totalCount"].as_i64().unwrap();
    Counts {
        keys: count("providerKeys"),
        runs: count("syncRuns"),
        entries: count("auditEntries"),
        newest_action: data["auditEntries"]["nodes"][0]["action"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// The sandbox's requests so far, as `GET /vapi/assistant k7Qd`.
pub(crate) fn asked(app: &TestApp) -> Vec<String> {
    let requests = app.sandbox.control().requests().into_iter();
    requests
        .map(|request| {
            let key = request.key.unwrap_or_default();
            format!("{} {} {key}", request.method, request.path)
        })
        .collect()
}

/// The last four characters of a key, as masks and the sandbox's log show them.
pub(crate) fn last_four(key: &str) -> &str {
    &key[key.len() - 4..]
}
