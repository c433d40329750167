//! R5: creating the placements that agents lack in an account: what is made, what is said before, what a killed process
//! finds again, and that an import at the same time takes no agent for a new one.

mod client;
mod course;
mod create;
mod lost;
mod race;
mod random_kills;
mod trouble;
mod update;

use std::time::Duration;

use ringfence::{access::Role, providers::ProviderKind};
use serde_json::{Value, json};

use crate::{
    harness::{TestApp, TestClient, keys},
    keys::save,
};

/// Everything that a run says of itself.
const RUN: &str = "id provider client { id } state total createdCount failedCount skippedCount unconfirmedCount waitingUntil \
    waitingReason error { code message } startedAt finishedAt";

pub(crate) const PLAN: &str = "query($provider: Provider!) { placementPlan(provider: $provider) { total placeableCount \
    reducedCount neverPlaced account { remoteId } agents { name isPlaceable isHalfRead agent { id } \
    unsupported { part effect reason } } } }";

/// What a run would make with the agency's key.
pub(crate) async fn plan(client: &TestClient, provider: &str) -> Value {
    let data = client.graphql(PLAN, json!({ "provider": provider })).await;
    data.ok()["placementPlan"].clone()
}

/// Asks for a run with the agency's key.
pub(crate) async fn start(client: &TestClient, provider: &str) -> Value {
    let query = format!(
        "mutation($input: StartPlacementRunInput!) {{ startPlacementRun(input: $input) {{ hasJoined \
         placementRun {{ {RUN} }} }} }}"
    );
    let input = json!({ "input": { "provider": provider } });
    client.graphql(&query, input).await.ok()["startPlacementRun"].clone()
}

/// The newest run.
pub(crate) async fn newest(client: &TestClient) -> Value {
    let query = format!("{{ placementRuns(first: 1) {{ nodes {{ {RUN} }} }} }}");
    client.query(&query).await.ok()["placementRuns"]["nodes"][0].clone()
}

/// The newest run, once it is in this state; fails the test after 15 seconds.
pub(crate) async fn until(client: &TestClient, state: &str) -> Value {
    let mut run = Value::Null;
    for _ in 0..1500 {
        run = newest(client).await;
        if run["state"] == state {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run did not become {state}: {run:#}");
}

/// Moves the clock on until the newest run has ended, and answers with it.
pub(crate) async fn to_the_end(app: &TestApp, client: &TestClient) -> Value {
    for _ in 0..1500 {
        if !newest(client).await["finishedAt"].is_null() {
            app.settle().await;
            return newest(client).await;
        }
        app.advance(Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run did not end: {:#}", newest(client).await);
}

/// The agents of the newest run that are in this state.
pub(crate) async fn items(client: &TestClient, state: &str) -> Vec<Value> {
    let query = "query($state: [PlacementItemState!]) { placementRuns(first: 1) { nodes { items(state: $state, first: 100) { \
        totalCount nodes { name state message remoteId agent { id name } } } } } }";
    let data = client
        .graphql(query, json!({ "state": [state] }))
        .await
        .ok();
    let items = &data["placementRuns"]["nodes"][0]["items"];
    let nodes = items["nodes"].as_array().unwrap().clone();
    assert_eq!(items["totalCount"], nodes.len());
    nodes
}

/// The counts of a run: created, failed, skipped, unconfirmed.
pub(crate) fn counts(run: &Value) -> [i64; 4] {
    [
        "createdCount",
        "failedCount",
        "skippedCount",
        "unconfirmedCount",
    ]
    .map(|count| run[count].as_i64().unwrap())
}

/// The sandbox's keys of a provider: one that opens an agency's account, and one of another account.
pub(crate) fn keys_of(provider: ProviderKind) -> (&'static str, &'static str) {
    match provider {
        ProviderKind::Vapi => (keys::GOOD, keys::SECOND),
        ProviderKind::Retell => (
            "sandbox-retell-good-agency-h5Tn",
            "sandbox-retell-good-second-w8Jb",
        ),
        ProviderKind::Bland => (
            "sandbox-bland-good-agency-h5Tg",
            "sandbox-bland-good-second-w2Jc",
        ),
    }
}

/// An agency whose agents are in one account and whose key opens another one by now.
pub(crate) async fn moved(provider: ProviderKind) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (first, second) = keys_of(provider);
    let name = provider.as_str().to_uppercase();
    let input = json!({ "provider": name, "apiKey": first });
    save(&admin, input).await.ok();
    app.settle().await;
    let input = json!({ "provider": name, "apiKey": second, "expectedVersion": 1 });
    save(&admin, input).await.ok();
    app.settle().await;
    app.sandbox.control().clear_requests();
    (app, admin)
}

/// How many agents there are, and how many of them no route leads to.
pub(crate) async fn agents(client: &TestClient) -> (i64, i64) {
    let query = "{ all: agents { totalCount } lost: agents(filter: { isReachable: false }) { totalCount } }";
    let data = client.query(query).await.ok();
    let count = |list: &str| data[list]["totalCount"].as_i64().unwrap();
    (count("all"), count("lost"))
}

/// "Sync now", to its end.
pub(crate) async fn sync(app: &TestApp, client: &TestClient, provider: &str) -> Value {
    start_sync(client, provider).await;
    app.settle().await;
    crate::sync::newest(client).await
}

/// "Sync now".
pub(crate) async fn start_sync(client: &TestClient, provider: &str) {
    let query =
        format!("mutation {{ startSync(input: {{ provider: {provider} }}) {{ hasJoined }} }}");
    client.query(&query).await.ok();
}

/// How many agents the account of this key holds.
pub(crate) fn remote_count(app: &TestApp, key: &str) -> usize {
    app.sandbox.control().agent_ids(key).unwrap().len()
}

/// How often this was asked, such as `POST /vapi/assistant`.
pub(crate) fn asked(app: &TestApp, route: &str) -> u64 {
    let counts = app.sandbox.control().request_counts();
    counts.get(route).copied().unwrap_or(0)
}
