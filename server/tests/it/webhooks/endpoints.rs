//! H5: what an endpoint is: where it may be, what it hears, its signing secret, its end.

use super::*;

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
