//! H5: how an event is delivered: signed, tried again, logged, and when an endpoint is switched off.

use super::*;

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
