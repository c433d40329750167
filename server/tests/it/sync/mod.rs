//! Importing accounts: what is read, what is marked, what waits, and what a killed process finds again.

mod changes;
mod details;
mod fault;
mod import;
mod joining;
mod missing;
mod provider_faults;
mod random_kills;
mod resume;
mod schedule;
mod waiting;

pub(crate) use random_kills::Dice;
pub(crate) use resume::end_lease;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{TestApp, TestClient};

/// Everything that a run says of itself.
const RUN: &str = "{ syncRuns(first: 1) { nodes { id trigger state phase done total agentCount phoneNumberCount voiceCount \
    addedCount changedCount goneCount returnedCount pendingRemovalCount unreadDetailCount waitingUntil waitingReason hint \
    error { code message } startedAt finishedAt } } }";

/// The newest run of the agency.
pub(crate) async fn newest(client: &TestClient) -> Value {
    client.query(RUN).await.ok()["syncRuns"]["nodes"][0].clone()
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

/// Moves the clock on until the newest run has ended, however often it waits, and answers with it.
pub(crate) async fn to_the_end(app: &TestApp, client: &TestClient) -> Value {
    for _ in 0..1500 {
        if !newest(client).await["finishedAt"].is_null() {
            app.settle().await;
            return newest(client).await;
        }
        app.advance(Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run did not end: {:#}", newest(client).await);
}

/// The newest run, once it waits until this instant of the test clock.
pub(crate) async fn until_waiting(client: &TestClient, after_start: Duration) -> Value {
    for _ in 0..1500 {
        let run = newest(client).await;
        if run["state"] == "WAITING" && run["waitingUntil"] == at(after_start) {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run does not wait: {:#}", newest(client).await);
}

/// "Sync now", to its end.
pub(crate) async fn sync(app: &TestApp, client: &TestClient) -> Value {
    client.start_sync().await.ok();
    app.settle().await;
    newest(client).await
}

/// Saves a key and imports its account.
pub(crate) async fn import(app: &TestApp, client: &TestClient, key: &str) -> Value {
    client.save_key(key, None).await.ok();
    app.settle().await;
    newest(client).await
}

/// All agents with their placements, by name.
pub(crate) async fn agents(client: &TestClient) -> Vec<Value> {
    let query = "query($after: String) { agents(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { \
        id name status isReachable placements { id remoteId status inactiveReason } } } }";
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let data = client.graphql(query, json!({ "after": after })).await.ok();
        let page = &data["agents"];
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// The agents' statuses: how many are active, how many not.
pub(crate) async fn statuses(client: &TestClient) -> (i64, i64) {
    let query = "{ active: agents(filter: { status: [ACTIVE] }) { totalCount } \
        inactive: agents(filter: { status: [INACTIVE] }) { totalCount } }";
    let data = client.query(query).await.ok();
    let count = |list: &str| data[list]["totalCount"].as_i64().unwrap();
    (count("active"), count("inactive"))
}

/// An instant of the test clock as the API writes it.
pub(crate) fn at(after_start: Duration) -> Value {
    let millis =
        i128::from(crate::harness::START) + i128::try_from(after_start.as_millis()).unwrap();
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).unwrap();
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    Value::from(at.format(format).unwrap())
}
