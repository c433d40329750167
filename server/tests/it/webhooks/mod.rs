//! Outgoing webhooks (H5): what is sent, how it is signed, where it may go, and what becomes of an endpoint that fails.

mod delivery;
mod endpoints;

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use ringfence::{access::Role, sandbox::Fault};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use crate::{
    harness::{Answer, Settings, TestApp, TestClient, keys},
    keys::test as test_key,
};

/// A receiver that answers everything like this.
async fn receiver(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// Makes the receiver answer otherwise from now on.
async fn answer(server: &MockServer, answer: ResponseTemplate) {
    server.reset().await;
    Mock::given(any()).respond_with(answer).mount(server).await;
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

async fn try_to_create(client: &TestClient, url: &str) -> Answer {
    let query = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { \
        signingSecret webhookEndpoint { id url events isEnabled } } }";
    let events = [
        "PROVIDER_KEY_INVALID",
        "PROVIDER_KEY_RESTORED",
        "SYNC_FAILED",
    ];
    client
        .graphql(query, json!({ "input": { "url": url, "events": events } }))
        .await
}

/// A new endpoint's id and its signing secret.
async fn create(client: &TestClient, url: &str) -> (String, String) {
    let made = try_to_create(client, url).await.ok()["createWebhookEndpoint"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&made["webhookEndpoint"]["id"]),
        text(&made["signingSecret"]),
    )
}

/// Sends a mutation that takes an endpoint's id.
async fn send(client: &TestClient, name: &str, id: &str, fields: &str) -> Answer {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {fields} }} }}");
    let input = json!({ "input": { "webhookEndpointId": id } });
    client.graphql(&query, input).await
}

/// "Send a test": the delivery.
async fn send_test(client: &TestClient, id: &str) -> Value {
    let fields = "delivery { state attempts statusCode durationMs failure event eventId }";
    let told = send(client, "testWebhookEndpoint", id, fields).await;
    told.ok()["testWebhookEndpoint"]["delivery"].clone()
}

async fn switch(client: &TestClient, id: &str, is_enabled: bool) {
    let query = "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { \
        webhookEndpoint { isEnabled } } }";
    let input = json!({ "input": { "webhookEndpointId": id, "isEnabled": is_enabled } });
    client.graphql(query, input).await.ok();
}

async fn endpoint(client: &TestClient) -> Value {
    let query = "{ webhookEndpoints { totalCount nodes { id url description events isEnabled disabledAt failuresInARow } } }";
    client.query(query).await.ok()["webhookEndpoints"]["nodes"][0].clone()
}

/// The endpoint's log, newest first.
async fn log(client: &TestClient, id: &str) -> Vec<Value> {
    let query = "query($id: ID!) { webhookDeliveries(webhookEndpointId: $id) { nodes { id event eventId state attempts \
        nextAttemptAt statusCode failure payload } } }";
    let data = client.graphql(query, json!({ "id": id })).await.ok();
    data["webhookDeliveries"]["nodes"]
        .as_array()
        .unwrap()
        .clone()
}

/// The newest delivery, once it was tried so often.
async fn tried(client: &TestClient, id: &str, attempts: i64) -> Value {
    for _ in 0..1500 {
        if let Some(newest) = log(client, id).await.first()
            && newest["attempts"] == attempts
        {
            return newest.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "it was not tried {attempts} times: {:#?}",
        log(client, id).await
    );
}

/// Refuses the stored key so often that its breaker opens.
async fn refuse(app: &TestApp, client: &TestClient) {
    app.sandbox.control().inject(Fault::status(401));
    let key = client.key().await;
    for _ in 0..3 {
        test_key(client, &key).await.ok();
    }
    app.sandbox.control().clear_faults();
}

/// A sync that fails.
async fn fail_a_sync(app: &TestApp, client: &TestClient) {
    let fault = Fault::status(403).on("/vapi/assistant");
    app.sandbox.control().inject(fault);
    client.start_sync().await.ok();
    for _ in 0..1500 {
        let run = client.key().await["latestSyncRun"].clone();
        if run["state"] == "FAILED" {
            app.sandbox.control().clear_faults();
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the sync did not fail");
}

fn header(request: &Request, name: &str) -> String {
    request.headers[name].to_str().unwrap().to_owned()
}

/// The signature as a receiver computes it, apart from the product's own code.
fn signature(secret: &str, request: &Request) -> String {
    let bytes = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let mut text = format!(
        "{}.{}.",
        header(request, "webhook-id"),
        header(request, "webhook-timestamp")
    )
    .into_bytes();
    text.extend_from_slice(&request.body);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &text)))
}
