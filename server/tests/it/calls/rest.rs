//! C1, C2, A4: `POST /api/v1/calls/trigger`, its statuses, and the document that describes it.

use reqwest::Method;
use ringfence::sandbox::{Effect, Fault};
use serde_json::{Value, json};

use super::{
    ANSWERS, agent, call, dialled, end_all, holds, place, post, ready, script_key, to_the_end,
};
use crate::{
    api_keys::{generate, send},
    harness::TestClient,
};

/// C1: the endpoint places the call, and says what was done and who pays; the call is the one that GraphQL tells of.
#[tokio::test]
async fn a_script_places_a_call() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    let heard = place(&app, &secret, &id, ANSWERS).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    let body = &heard.body;
    assert_eq!(body["success"], true);
    assert_eq!(body["status"], "queued");
    assert_eq!(body["provider"], "vapi");
    assert_eq!(body["paid_by"], "agency");
    assert_eq!(body["agent_id"], id);
    assert_eq!(body["phone_number"], ANSWERS);
    assert_eq!(heard.header("ratelimit-remaining"), "99");
    let kept = call(&admin, &body["call_id"]).await;
    assert_eq!(kept["origin"], "API");
    assert_eq!(kept["fromNumber"], body["from_number"]);
    assert_eq!(kept["createdAt"], body["created_at"]);
    assert_eq!(dialled(&app, ANSWERS), 1);
    end_all(&app);
    to_the_end(&app).await;
}

/// C2: each mistake gets 400 and names its field, and nothing is dialled.
#[tokio::test]
async fn each_mistake_is_named() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    let cases: [(Value, &str); 8] = [
        (json!({ "agent_id": id }), "phone_number"),
        (json!({ "phone_number": ANSWERS }), "agent_id"),
        (json!({ "phone_number": 5, "agent_id": id }), "phone_number"),
        (
            json!({ "phone_number": "555", "agent_id": id }),
            "phone_number",
        ),
        (
            json!({ "phone_number": ANSWERS, "agent_id": id, "to": "x" }),
            "body",
        ),
        (
            json!({ "phone_number": ANSWERS, "agent_id": id, "from_number_id": "x" }),
            "from_number_id",
        ),
        (
            json!({ "phone_number": ANSWERS, "agent_id": id, "variables": [1] }),
            "variables",
        ),
        (json!([1]), "body"),
    ];
    for (body, field) in cases {
        let heard = send(post(&app, &secret, &body)).await;
        assert_eq!(heard.status, 400, "{body} {}", heard.text);
        assert_eq!(heard.body["success"], false);
        assert_eq!(heard.code(), "INVALID_INPUT");
        assert_eq!(heard.body["field"], field, "{body}");
    }
    let raw = |text: String| {
        let request = app.nobody().request(Method::POST, "/api/v1/calls/trigger");
        send(request.bearer_auth(&secret).body(text))
    };
    assert_eq!(raw("phone_number=1".to_owned()).await.body["field"], "body");
    let heard = raw(" ".repeat(1_100_000)).await;
    assert_eq!((heard.status, &heard.body["field"]), (400, &json!("body")));
    let body = json!({ "phone_number": ANSWERS, "agent_id": id });
    let heard = send(post(&app, &secret, &body).header("idempotency-key", "")).await;
    assert_eq!(heard.body["field"], "Idempotency-Key");
    assert_eq!((dialled(&app, ANSWERS), holds(&app).await), (0, 0));
}

async fn without_scope(admin: &TestClient) -> String {
    generate(admin, "Reader", &["READ"]).await.1
}

/// A4: without a key, with a wrong one, without the scope, and with another agency's agent: 401, 401, 403 and 404.
#[tokio::test]
async fn each_refusal_has_its_status() {
    let (app, admin) = ready().await;
    let id = agent(&admin).await;
    let body = json!({ "phone_number": ANSWERS, "agent_id": id });
    let bare = app.nobody().request(Method::POST, "/api/v1/calls/trigger");
    let heard = send(bare.json(&body)).await;
    assert_eq!((heard.status, heard.code()), (401, "UNAUTHENTICATED"));
    assert_eq!(
        heard.header("www-authenticate"),
        "Bearer realm=\"Ringfence\""
    );
    // A log-in is for people in the web app.
    let heard = send(
        admin
            .request(Method::POST, "/api/v1/calls/trigger")
            .json(&body),
    )
    .await;
    assert_eq!(heard.status, 401);
    let heard = send(post(&app, "bvai_sk_wrong", &body)).await;
    assert_eq!(heard.status, 401);
    let heard = send(post(&app, &without_scope(&admin).await, &body)).await;
    assert_eq!((heard.status, heard.code()), (403, "MISSING_SCOPE"));
    let stranger = app.stranger(ringfence::access::Role::Owner).await;
    let secret = script_key(&stranger).await;
    let foreign = send(post(&app, &secret, &body)).await;
    let nowhere = json!({ "phone_number": ANSWERS, "agent_id": "nowhere" });
    let nowhere = send(post(&app, &secret, &nowhere)).await;
    assert_eq!((foreign.status, foreign.code()), (404, "NOT_FOUND"));
    assert_eq!(foreign.text, nowhere.text);
    assert_eq!((dialled(&app, ANSWERS), holds(&app).await), (0, 0));
}

/// A4, C4: what the provider refuses has a status of its own, and names the call that was written down.
#[tokio::test]
async fn a_provider_that_refuses_has_its_status() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    for (status, answered, code) in [
        (401, 422, "KEY_REJECTED"),
        (402, 402, "NO_FUNDS"),
        (400, 422, "PROVIDER_REFUSED"),
        (429, 503, "PROVIDER_RATE_LIMITED"),
    ] {
        let effect = Effect::Status {
            status,
            message: None,
            retry_after: None,
        };
        let fault = Fault::new(effect).on("/vapi/call").method("POST").times(1);
        app.sandbox.control().inject(fault);
        let heard = place(&app, &secret, &id, ANSWERS).await;
        assert_eq!(
            (heard.status, heard.code()),
            (answered, code),
            "{}",
            heard.text
        );
        assert_eq!(heard.body["success"], false);
        let kept = call(&admin, &heard.body["call_id"]).await;
        assert_eq!(kept["failure"]["code"], code);
    }
    assert_eq!((dialled(&app, ANSWERS), holds(&app).await), (0, 0));
}

/// The schema's name of a `$ref`.
fn name_of(reference: &Value) -> &str {
    let reference = reference["$ref"].as_str().unwrap();
    reference.rsplit('/').next().unwrap()
}

/// C1: the OpenAPI document describes what the endpoints do: each status that a test sees stands in it, and each field of a
/// real answer, and no other.
#[tokio::test]
async fn the_document_says_what_is_done() {
    let (app, admin) = ready().await;
    let heard = send(app.nobody().request(Method::GET, "/api/v1/openapi.json")).await;
    assert_eq!(heard.status, 200);
    let document = &heard.body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let schemas = &document["components"]["schemas"];
    let operation = &document["paths"]["/api/v1/calls/trigger"]["post"];
    let fields = |schema: &str| {
        let properties = schemas[schema]["properties"].as_object().unwrap();
        properties.keys().cloned().collect::<Vec<_>>()
    };
    let content = |status: &str| {
        name_of(&operation["responses"][status]["content"]["application/json"]["schema"])
    };
    let secret = script_key(&admin).await;
    let placed = place(&app, &secret, &agent(&admin).await, ANSWERS).await;
    let told: Vec<_> = placed.body.as_object().unwrap().keys().cloned().collect();
    let mut described = fields(content("200"));
    described.sort();
    assert_eq!(told, described);
    for status in [
        "400", "401", "402", "403", "404", "409", "422", "429", "502", "503",
    ] {
        assert_eq!(content(status), "Failure", "{status}");
    }
    let refused = send(post(&app, &secret, &json!({}))).await;
    for field in refused.body.as_object().unwrap().keys() {
        assert!(fields("Failure").contains(field), "{field}");
    }
    let request = name_of(&operation["requestBody"]["content"]["application/json"]["schema"]);
    assert_eq!(
        fields(request),
        ["agent_id", "from_number_id", "phone_number", "variables"]
    );
    assert_eq!(schemas[request]["additionalProperties"], false);
    assert_eq!(document["paths"].as_object().unwrap().len(), 2);
    end_all(&app);
    to_the_end(&app).await;
}
