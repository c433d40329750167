//! Calls (C1–C4, A5, A6, R4, R6): placed by people and scripts, counted while they are under way, and looked for when nobody
//! answered. The sandbox plays them, and counts what was really dialled.

mod idempotency;
mod import;
mod kills;
mod limits;
mod list;
mod portal;
mod rest;
mod trigger;
mod unknown;
mod watch;
mod webhooks;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use ringfence::{access::Role, sandbox::CallOutcome};
use serde_json::{Value, json};

use crate::{
    api_keys::{Heard, generate, send},
    harness::{Answer, TestApp, TestClient},
};

/// Everything that a call says of itself to an admin.
const CALL: &str = "id status providerStatus provider payer origin direction toNumber fromNumber remoteId agentName clientName \
    endCause endedReason failure { code message } createdAt startedAt endedAt durationMs agent { id } client { id } \
    route { reason hasPassedOverAgencyKey doubt remoteAgentId keyVersion } cost { amount currency } account { remoteId } \
    requestedBy { id }";

/// Somebody answers a number with this end, and hangs up.
const ANSWERS: &str = "+15551230000";

/// An agency with the agents of a Vapi account, where calls go on when they are told to.
async fn ready() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    app.sandbox.control().hold_calls();
    app.sandbox.control().clear_requests();
    (app, admin)
}

/// The id of an agent that answers a number.
async fn agent(client: &TestClient) -> Value {
    let query = "{ agents(first: 100) { nodes { id status phoneNumberCount } } }";
    let data = client.query(query).await.ok();
    let agents = data["agents"]["nodes"].as_array().unwrap();
    let mut fit = agents
        .iter()
        .filter(|agent| agent["phoneNumberCount"] != 0 && agent["status"] == "ACTIVE");
    fit.next().unwrap()["id"].clone()
}

/// Asks for a call.
async fn try_to_trigger(client: &TestClient, input: Value) -> Answer {
    let query = format!(
        "mutation($input: TriggerCallInput!) {{ triggerCall(input: $input) {{ callId status provider paidBy isReplay \
         call {{ {CALL} }} }} }}"
    );
    client.graphql(&query, json!({ "input": input })).await
}

/// Places a call to this number.
async fn trigger(client: &TestClient, to: &str) -> Value {
    let input = json!({ "agentId": agent(client).await, "phoneNumber": to });
    try_to_trigger(client, input).await.ok()["triggerCall"].clone()
}

/// A call as it is now.
async fn call(client: &TestClient, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ call(id: $id) {{ {CALL} }} }}");
    client.graphql(&query, json!({ "id": id })).await.ok()["call"].clone()
}

/// All calls, newest first.
async fn calls(client: &TestClient) -> Vec<Value> {
    let query = format!("{{ calls(first: 100) {{ nodes {{ {CALL} }} }} }}");
    let data = client.query(&query).await.ok();
    data["calls"]["nodes"].as_array().unwrap().clone()
}

/// Ends a live call at the provider.
fn end(app: &TestApp, call: &Value) {
    let id = call["remoteId"].as_str().unwrap();
    let answered = CallOutcome::Answered;
    app.sandbox.control().end_call(id, answered).unwrap();
}

/// Ends every call that the provider still plays.
fn end_all(app: &TestApp) {
    let control = app.sandbox.control();
    for call in control.calls() {
        // One that is over already says so.
        control.end_call(&call.id, CallOutcome::Answered).ok();
    }
}

/// Moves the clock on until nothing is looked at any more.
async fn to_the_end(app: &TestApp) {
    for _ in 0..1500 {
        app.rest().await;
        let live = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
        if app.sql(live).await[0].get::<i64>(0) == 0 {
            return;
        }
        app.advance(Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!(
        "calls are still looked at: {:#?}",
        app.sql("SELECT 1").await.len()
    );
}

/// Waits until a call stands so, moving the clock on.
async fn until(app: &TestApp, client: &TestClient, id: &Value, status: &str) -> Value {
    let mut found = Value::Null;
    for _ in 0..1500 {
        found = call(client, id).await;
        if found["status"] == status {
            return found;
        }
        app.rest().await;
        app.advance(Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the call did not become {status}: {found:#}");
}

/// How often a number was really dialled.
fn dialled(app: &TestApp, number: &str) -> u64 {
    let counts = app.sandbox.control().dialled();
    counts.get(number).copied().unwrap_or(0)
}

/// How many versions of keys are held for calls.
async fn holds(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM provider_key_holds";
    app.sql(sql).await[0].get(0)
}

/// How many calls count as under way.
async fn leases(app: &TestApp) -> i64 {
    let now = app.app.clock.now().as_millis();
    let sql = format!("SELECT count(*) FROM calls WHERE lease_until > {now}");
    app.sql(&sql).await[0].get(0)
}

/// A key that places calls, and nothing else.
async fn script_key(admin: &TestClient) -> String {
    generate(admin, "Caller", &["CALLS_TRIGGER"]).await.1
}

/// A request of a script to `POST /api/v1/calls/trigger`, to be changed at will.
fn post(app: &TestApp, secret: &str, body: &Value) -> RequestBuilder {
    app.nobody()
        .request(Method::POST, "/api/v1/calls/trigger")
        .bearer_auth(secret)
        .json(body)
}

/// Places a call with a key.
async fn place(app: &TestApp, secret: &str, agent: &Value, to: &str) -> Heard {
    let body = json!({ "agent_id": agent, "phone_number": to });
    send(post(app, secret, &body)).await
}
