//! Outgoing webhooks (H5): what is sent, how it is signed, where it may go, and what becomes of an endpoint that fails.

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

/// H5, R8: the events of a key that is refused and works again, signed so that a receiver can check them, with whose key it
/// is and how many agents call with it, and without a character of any key.
#[tokio::test]
async fn a_receiver_learns_of_a_refused_key_and_of_its_recovery() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(204)).await;
    let (id, secret) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    refuse(&app, &admin).await;
    app.settle().await;
    let key = admin.key().await;
    test_key(&admin, &key).await.ok();
    app.settle().await;
    let requests = received(&server).await;
    let mut bodies = Vec::new();
    for request in &requests {
        assert_eq!(
            header(request, "webhook-signature"),
            signature(&secret, request)
        );
        let seconds: i64 = header(request, "webhook-timestamp").parse().unwrap();
        assert_eq!(seconds, crate::harness::START / 1000);
        assert_eq!(header(request, "content-type"), "application/json");
        let text = String::from_utf8(request.body.clone()).unwrap();
        let last_four = &keys::GOOD[keys::GOOD.len() - 4..];
        assert!(!text.contains(last_four), "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["id"], header(request, "webhook-id"));
        bodies.push(body);
    }
    bodies.sort_by_key(|body| body["type"].to_string());
    assert_ne!(bodies[0]["id"], bodies[1]["id"]);
    for body in &mut bodies {
        body.as_object_mut().unwrap().remove("id");
    }
    let body = |kind: &str, health: &str| {
        json!({
            "type": kind,
            "createdAt": "2026-01-15T12:00:00.000Z",
            "data": {
                "agency": app.agency,
                "provider": "vapi",
                "scope": "agency",
                "clientId": null,
                "clientName": null,
                "health": health,
                "agentCount": 40,
            },
        })
    };
    assert_eq!(
        bodies,
        [
            body("provider_key.invalid", "INVALID"),
            body("provider_key.restored", "VALID")
        ]
    );
    let delivered = log(&admin, &id).await;
    assert_eq!(delivered.len(), 2);
    for one in &delivered {
        assert_eq!(
            (&one["state"], &one["statusCode"]),
            (&json!("DELIVERED"), &json!(204))
        );
        assert_eq!(
            (&one["attempts"], &one["failure"]),
            (&json!(1), &Value::Null)
        );
    }
    let sealed = app
        .sql("SELECT sealed, wrapped_key FROM webhook_endpoints")
        .await;
    let plain = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    for column in [0, 1] {
        let bytes = sealed[0].get::<Vec<u8>>(column);
        assert!(!bytes.windows(8).any(|window| window == &plain[..8]));
        assert!(
            !bytes
                .windows(8)
                .any(|window| window == &secret.as_bytes()[6..14])
        );
    }
}

/// H5: what does not arrive is tried again after 5 s, 30 s, 2 min, 10 min, 1 h and 6 h, under one id and signed anew; then
/// the log says that it failed, and why.
#[tokio::test]
async fn a_delivery_is_tried_seven_times_with_growing_pauses() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server =
        receiver(ResponseTemplate::new(500).set_body_string("a secret of the receiver")).await;
    let (id, secret) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    fail_a_sync(&app, &admin).await;
    let mut attempts = 1;
    tried(&admin, &id, attempts).await;
    for seconds in [5, 30, 120, 600, 3600, 6 * 3600] {
        app.advance(Duration::from_secs(seconds).saturating_sub(Duration::from_millis(1)));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let waiting = tried(&admin, &id, attempts).await;
        assert_eq!(waiting["state"], "WAITING", "{seconds}");
        app.advance(Duration::from_millis(1));
        attempts += 1;
        tried(&admin, &id, attempts).await;
    }
    app.settle().await;
    let failed = log(&admin, &id).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (
            &failed[0]["state"],
            &failed[0]["failure"],
            &failed[0]["statusCode"]
        ),
        (&json!("FAILED"), &json!("STATUS"), &json!(500))
    );
    assert_eq!(failed[0]["nextAttemptAt"], Value::Null);
    assert!(!format!("{failed:?}").contains("a secret of the receiver"));
    let requests = received(&server).await;
    assert_eq!(requests.len(), 7);
    let ids: std::collections::BTreeSet<String> = requests
        .iter()
        .map(|request| header(request, "webhook-id"))
        .collect();
    let signatures: std::collections::BTreeSet<String> = requests
        .iter()
        .map(|request| header(request, "webhook-signature"))
        .collect();
    assert_eq!((ids.len(), signatures.len()), (1, 7));
    assert!(
        requests
            .iter()
            .all(|request| header(request, "webhook-signature") == signature(&secret, request))
    );
    assert_eq!(endpoint(&admin).await["failuresInARow"], 1);
}

/// H5: the fifth failed delivery in a row switches the endpoint off, with an alert and an entry in the audit log; nothing is
/// sent there until somebody switches it on, which forgets the failures and ends the alert.
#[tokio::test]
async fn an_endpoint_that_fails_again_and_again_is_switched_off() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(500)).await;
    let (id, _) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    app.sql("UPDATE webhook_endpoints SET failures_in_a_row = 4")
        .await;
    fail_a_sync(&app, &admin).await;
    for attempts in 1..7 {
        tried(&admin, &id, attempts).await;
        app.advance(Duration::from_hours(6));
    }
    app.settle().await;
    let off = endpoint(&admin).await;
    assert_eq!(
        (&off["isEnabled"], &off["failuresInARow"]),
        (&json!(false), &json!(5))
    );
    assert!(off["disabledAt"].is_string());
    let query = "{ alerts(filter: { kind: [WEBHOOK_DISABLED] }) { nodes { state summary } } \
        auditEntries(first: 1) { nodes { action actor } } }";
    let told = admin.query(query).await.ok();
    assert_eq!(
        told["alerts"]["nodes"][0],
        json!({
            "state": "OPEN",
            "summary": "The webhook to 127.0.0.1 was switched off after 5 failed deliveries in a row. Send it a test; when \
                that arrives, switch it on again.",
        })
    );
    let entry = json!({ "action": "webhook.disabled", "actor": "system" });
    assert_eq!(told["auditEntries"]["nodes"][0], entry);
    answer(&server, ResponseTemplate::new(200)).await;
    fail_a_sync(&app, &admin).await;
    app.settle().await;
    assert_eq!(received(&server).await.len(), 0, "nothing is sent to it");
    assert_eq!(
        send_test(&admin, &id).await["state"],
        "DELIVERED",
        "but a test is"
    );
    assert_eq!(endpoint(&admin).await["isEnabled"], false);
    switch(&admin, &id, true).await;
    let on = endpoint(&admin).await;
    assert_eq!(
        (&on["isEnabled"], &on["failuresInARow"], &on["disabledAt"]),
        (&json!(true), &json!(0), &Value::Null)
    );
    assert_eq!(
        admin.query(query).await.ok()["alerts"]["nodes"][0]["state"],
        "RESOLVED"
    );
    fail_a_sync(&app, &admin).await;
    app.settle().await;
    assert_eq!(received(&server).await.len(), 2);
}

/// H5: an endpoint that is switched off while a delivery waits gets it neither now nor later; one that answers 410 is
/// switched off at once.
#[tokio::test]
async fn what_waits_for_a_switched_off_endpoint_is_not_sent() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(503)).await;
    let (id, _) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    fail_a_sync(&app, &admin).await;
    tried(&admin, &id, 1).await;
    switch(&admin, &id, false).await;
    app.advance(Duration::from_secs(5));
    app.settle().await;
    let ended = log(&admin, &id).await[0].clone();
    assert_eq!(
        (&ended["state"], &ended["failure"], &ended["attempts"]),
        (&json!("FAILED"), &json!("SWITCHED_OFF"), &json!(1))
    );
    assert_eq!(received(&server).await.len(), 1);
    switch(&admin, &id, true).await;
    answer(&server, ResponseTemplate::new(410)).await;
    fail_a_sync(&app, &admin).await;
    app.settle().await;
    assert_eq!(endpoint(&admin).await["isEnabled"], false);
    assert_eq!(log(&admin, &id).await[0]["failure"], "GONE");
}

/// H5: a test goes out at once and tells how it went, whatever that is: arrived, a redirect that is not followed, an error,
/// a closed port. It is no failed delivery, and ten a minute are enough.
#[tokio::test]
async fn a_test_tells_how_it_went() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let elsewhere = receiver(ResponseTemplate::new(200)).await;
    let server = receiver(ResponseTemplate::new(200)).await;
    let (id, secret) = create(&admin, &server.uri()).await;
    let sent = send_test(&admin, &id).await;
    assert_eq!(
        (
            &sent["state"],
            &sent["statusCode"],
            &sent["failure"],
            &sent["event"]
        ),
        (
            &json!("DELIVERED"),
            &json!(200),
            &Value::Null,
            &json!("WEBHOOK_TEST")
        )
    );
    let request = &received(&server).await[0];
    assert_eq!(
        header(request, "webhook-signature"),
        signature(&secret, request)
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["type"], "webhook.test");
    assert_eq!(body["data"], json!({ "agency": app.agency }));
    let to_elsewhere = ResponseTemplate::new(302).insert_header("location", elsewhere.uri());
    for (told, status, failure) in [
        (to_elsewhere, 302, "REDIRECT"),
        (ResponseTemplate::new(404), 404, "STATUS"),
        (ResponseTemplate::new(500), 500, "STATUS"),
    ] {
        answer(&server, told).await;
        let sent = send_test(&admin, &id).await;
        assert_eq!(
            (&sent["state"], &sent["statusCode"]),
            (&json!("FAILED"), &json!(status))
        );
        assert_eq!(
            (&sent["failure"], &sent["attempts"]),
            (&json!(failure), &json!(1))
        );
    }
    assert_eq!(
        received(&elsewhere).await.len(),
        0,
        "a redirect is not followed"
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    app.sql(&format!(
        "UPDATE webhook_endpoints SET url = 'http://{closed}/'"
    ))
    .await;
    let sent = send_test(&admin, &id).await;
    assert_eq!(
        (&sent["failure"], &sent["statusCode"]),
        (&json!("CONNECTION_FAILED"), &Value::Null)
    );
    assert_eq!(endpoint(&admin).await["failuresInARow"], 0);
    assert_eq!(log(&admin, &id).await.len(), 5);
    for _ in 0..5 {
        send_test(&admin, &id).await;
    }
    let throttled = send(&admin, "testWebhookEndpoint", &id, "delivery { id }").await;
    assert_eq!(throttled.code(), "TOO_MANY_ATTEMPTS");
    app.advance(Duration::from_secs(61));
    send_test(&admin, &id).await;
}

/// H5: an endpoint that takes too long is not waited for.
#[tokio::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let server = receiver(slow).await;
    let (id, _) = create(&admin, &server.uri()).await;
    let began = std::time::Instant::now();
    assert_eq!(send_test(&admin, &id).await["failure"], "TIMEOUT");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
}

/// H5: where Ringfence is reached from outside, webhooks go nowhere inside: not by address, not by name, and not to an
/// address that was saved when the rules were looser.
#[tokio::test]
async fn no_webhook_goes_inside() {
    let app = TestApp::with(Settings {
        public_url: Some("https://keys.example.com"),
        ..Settings::default()
    })
    .await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(200)).await;
    for url in [
        server.uri(),
        "http://hooks.example.com/".to_owned(),
        "https://127.0.0.1/".to_owned(),
        "https://localhost/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:192.168.0.1]/".to_owned(),
        "https://user:pass@hooks.example.com/".to_owned(),
    ] {
        let refused = try_to_create(&admin, &url).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{url}");
        assert_eq!(refused.error()["extensions"]["field"], "url", "{url}");
    }
    let (id, _) = create(&admin, "https://hooks.example.com/a").await;
    let local = format!("UPDATE webhook_endpoints SET url = '{}'", server.uri());
    app.sql(&local).await;
    assert_eq!(send_test(&admin, &id).await["failure"], "ADDRESS_REFUSED");
    let by_name = server
        .uri()
        .replace("http://127.0.0.1", "https://localhost.");
    app.sql(&format!("UPDATE webhook_endpoints SET url = '{by_name}'"))
        .await;
    assert_eq!(send_test(&admin, &id).await["failure"], "ADDRESS_REFUSED");
    assert_eq!(received(&server).await.len(), 0);
}

/// H5, E1: a signing secret is shown once; a new one signs from then on; a record that does not open is said to.
#[tokio::test]
async fn a_signing_secret_is_shown_once_and_can_be_replaced() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(200)).await;
    let (id, secret) = create(&admin, &server.uri()).await;
    let everything = endpoint(&admin).await.to_string();
    assert!(!everything.contains(&secret[6..14]));
    let told = send(&admin, "rotateWebhookSecret", &id, "signingSecret")
        .await
        .ok();
    let new = told["rotateWebhookSecret"]["signingSecret"]
        .as_str()
        .unwrap();
    assert_ne!(new, secret);
    send_test(&admin, &id).await;
    let request = &received(&server).await[0];
    assert_eq!(
        header(request, "webhook-signature"),
        signature(new, request)
    );
    app.sql("UPDATE webhook_endpoints SET secret_version = 1")
        .await;
    assert_eq!(send_test(&admin, &id).await["failure"], "SECRET_UNREADABLE");
    assert_eq!(received(&server).await.len(), 1);
}

/// H5: what was sent can be sent once more, as a delivery of its own with the same event id and body.
#[tokio::test]
async fn a_delivery_can_be_sent_once_more() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(200)).await;
    let (id, _) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    fail_a_sync(&app, &admin).await;
    app.settle().await;
    let first = log(&admin, &id).await[0].clone();
    let query = "mutation($input: RedeliverWebhookInput!) { redeliverWebhook(input: $input) { delivery { id eventId state } } }";
    let input = json!({ "input": { "webhookDeliveryId": first["id"] } });
    let again =
        admin.graphql(query, input.clone()).await.ok()["redeliverWebhook"]["delivery"].clone();
    assert_ne!(again["id"], first["id"]);
    assert_eq!(again["eventId"], first["eventId"]);
    app.settle().await;
    let requests = received(&server).await;
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(
        header(&requests[0], "webhook-id"),
        header(&requests[1], "webhook-id")
    );
    switch(&admin, &id, false).await;
    assert_eq!(admin.graphql(query, input).await.code(), "CONFLICT");
}

/// H5: an endpoint that is deleted takes its log along, and what waited is not sent.
#[tokio::test]
async fn a_deleted_endpoint_gets_nothing_any_more() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(500)).await;
    let (id, _) = create(&admin, &server.uri()).await;
    admin.import(&app).await;
    fail_a_sync(&app, &admin).await;
    tried(&admin, &id, 1).await;
    send(&admin, "deleteWebhookEndpoint", &id, "deletedId")
        .await
        .ok();
    app.advance(Duration::from_secs(5));
    app.settle().await;
    assert_eq!(received(&server).await.len(), 1);
    assert_eq!(app.sql("SELECT id FROM webhook_deliveries").await.len(), 0);
    assert!(endpoint(&admin).await.is_null());
}

/// H5: an endpoint listens to what it chose and to nothing else.
#[tokio::test]
async fn an_endpoint_hears_what_it_listens_to() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let server = receiver(ResponseTemplate::new(200)).await;
    let (id, _) = create(&admin, &server.uri()).await;
    let query = "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { \
        webhookEndpoint { events description } } }";
    let update = async |more: Value| {
        let mut input = json!({ "webhookEndpointId": id });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        admin.graphql(query, json!({ "input": input })).await
    };
    let told =
        update(json!({ "events": ["PROVIDER_KEY_INVALID"], "description": " On call " })).await;
    assert_eq!(
        told.ok()["updateWebhookEndpoint"]["webhookEndpoint"],
        json!({ "events": ["PROVIDER_KEY_INVALID"], "description": "On call" })
    );
    for (field, wrong) in [
        ("events", json!({ "events": [] })),
        ("events", json!({ "events": ["WEBHOOK_TEST"] })),
        ("url", json!({ "url": "ftp://example.com" })),
        ("description", json!({ "description": "x".repeat(201) })),
    ] {
        let refused = update(wrong).await;
        assert_eq!(refused.error()["extensions"]["field"], field);
    }
    admin.import(&app).await;
    fail_a_sync(&app, &admin).await;
    app.settle().await;
    assert_eq!(received(&server).await.len(), 0);
    refuse(&app, &admin).await;
    app.settle().await;
    assert_eq!(received(&server).await.len(), 1);
}
