//! X4: calls over HTTP: what control makes of them, and what each provider refuses with which text.

use serde_json::{Value, json};

use super::super::{NewAccount, OUTCOMES_BY_LAST_DIGITS};
use super::{ask, control, raw, start};
use crate::providers::ProviderKind;
use crate::sandbox::Sandbox;

const KEY: &str = "wire-key-0001";

async fn with_account(provider: ProviderKind) -> Sandbox {
    let sandbox = start().await;
    let account = NewAccount::of(provider, KEY, 1).phone_numbers(1);
    sandbox.control().add_account(&account).unwrap();
    sandbox.control().hold_calls();
    sandbox
}

fn agent(sandbox: &Sandbox) -> String {
    sandbox.control().agent_ids(KEY).unwrap().remove(0)
}

async fn bland(sandbox: &Sandbox, body: Value) -> (u16, Value) {
    let headers = [
        ("Host", "127.0.0.1"),
        ("Content-Type", "application/json"),
        ("Authorization", KEY),
    ];
    let path = "/bland/v1/calls";
    let (status, text) = raw(sandbox, "POST", path, &headers, &body.to_string()).await;
    (status.as_u16(), serde_json::from_str(&text).unwrap())
}

/// X4: a call is placed, taken on, ended, counted and told, all over HTTP.
#[tokio::test]
async fn calls_are_played_over_http() {
    let sandbox = with_account(ProviderKind::Retell).await;
    let place = json!({
        "from_number": "+15550000001", "to_number": "+15035550142", "override_agent_id": agent(&sandbox),
    });
    let path = "/retell/v2/create-phone-call";
    let (status, call) = ask(&sandbox, "POST", path, Some(KEY), Some(place)).await;
    assert_eq!((status, &call["call_status"]), (201, &json!("registered")));
    let id = call["call_id"].as_str().unwrap();
    let advance = format!("/calls/{id}/advance");
    let (_, step) = control(&sandbox, "POST", &advance, json!({ "steps": 2 })).await;
    assert_eq!(step, json!({ "step": "in_progress" }));
    let end = format!("/calls/{id}/end");
    let (status, _) = control(&sandbox, "POST", &end, json!({ "outcome": "voicemail" })).await;
    assert_eq!(status, 200);
    assert_eq!(
        control(&sandbox, "POST", &end, json!({ "outcome": "busy" }))
            .await
            .0,
        404
    );
    let path = format!("/retell/v2/get-call/{id}");
    let (_, read) = ask(&sandbox, "GET", &path, Some(KEY), None).await;
    assert_eq!(
        (&read["call_status"], &read["disconnection_reason"]),
        (&json!("ended"), &json!("voicemail_reached"))
    );
    let (_, dialled) = control(&sandbox, "GET", "/dialled", json!({})).await;
    assert_eq!(dialled, json!({ "+15035550142": 1 }));
    let foreign = json!({
        "key": KEY, "isInbound": true, "to": "+15550000001", "from": "+15035550177", "count": 2, "steps": 1,
    });
    let (_, added) = control(&sandbox, "POST", "/calls", foreign).await;
    assert_eq!(added["ids"].as_array().unwrap().len(), 2);
    let (_, calls) = control(&sandbox, "GET", "/calls", json!({})).await;
    let steps: Vec<&Value> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| &call["step"])
        .collect();
    assert_eq!(steps, ["ringing", "ringing", "ended"]);
    assert_eq!(sandbox.control().dialled().len(), 1);
    control(&sandbox, "POST", "/reset", json!({})).await;
    assert_eq!(
        control(&sandbox, "GET", "/calls", json!({})).await.1,
        json!([])
    );
}

/// X4: the last digits of a number choose how its calls go, and control may say otherwise.
#[tokio::test]
async fn numbers_choose_how_their_calls_go() {
    let sandbox = with_account(ProviderKind::Vapi).await;
    let outcome = async |to: &str| {
        let foreign = json!({ "key": KEY, "to": to });
        let (status, _) = control(&sandbox, "POST", "/calls", foreign).await;
        assert_eq!(status, 200);
        json!(sandbox.control().calls()[0].outcome)
    };
    for (digits, expected) in OUTCOMES_BY_LAST_DIGITS {
        assert_eq!(
            outcome(&format!("+150355501{digits}")).await,
            json!(expected)
        );
    }
    assert_eq!(outcome("+15035550142").await, json!("answered"));
    let told = json!({ "to": "+15035550142", "outcome": "no_answer" });
    assert_eq!(control(&sandbox, "POST", "/outcomes", told).await.0, 200);
    assert_eq!(outcome("+15035550142").await, json!("no_answer"));
}

/// X4, H6: settings and webhooks over HTTP; nothing is sent beyond this machine.
#[tokio::test]
async fn webhooks_are_ordered_over_http() {
    let sandbox = with_account(ProviderKind::Vapi).await;
    let settings = json!({ "stepMs": 40, "concurrencyLimit": 0, "webhookRetryMs": 5 });
    assert_eq!(
        control(&sandbox, "PUT", "/calls/settings", settings)
            .await
            .0,
        200
    );
    let beyond = json!({ "key": KEY, "url": "https://example.com/hook" });
    assert_eq!(control(&sandbox, "PUT", "/webhooks", beyond).await.0, 400);
    let here = json!({ "key": KEY, "url": "http://127.0.0.1:9/hook", "secret": "s" });
    assert_eq!(control(&sandbox, "PUT", "/webhooks", here).await.0, 200);
    for effect in ["lose", "hold", "duplicate", "swap", "bad_signature"] {
        let fault = json!({ "event": "x", "times": 1, "effect": { "kind": effect } });
        assert_eq!(
            control(&sandbox, "POST", "/webhooks/faults", fault).await.0,
            200
        );
    }
    let odd = json!({ "effect": { "kind": "explode" } });
    assert_eq!(
        control(&sandbox, "POST", "/webhooks/faults", odd).await.0,
        422
    );
    let lose = json!({ "effect": { "kind": "lose" } });
    control(&sandbox, "POST", "/webhooks/faults", lose).await;
    control(
        &sandbox,
        "POST",
        "/calls",
        json!({ "key": KEY, "to": "+15035550100" }),
    )
    .await;
    control(&sandbox, "POST", "/webhooks/release", json!({})).await;
    let (_, sent) = control(&sandbox, "GET", "/webhooks", json!({})).await;
    let attempts: Vec<&Value> = sent
        .as_array()
        .unwrap()
        .iter()
        .map(|sent| &sent["attempt"])
        .collect();
    assert_eq!(attempts, [0, 0, 0, 0, 0]);
    assert_eq!(
        control(&sandbox, "DELETE", "/webhooks/faults", json!({}))
            .await
            .0,
        200
    );
}

/// X4: what Vapi refuses of a call.
#[tokio::test]
async fn vapi_names_what_a_call_lacks() {
    let sandbox = with_account(ProviderKind::Vapi).await;
    let (_, numbers) = ask(&sandbox, "GET", "/vapi/phone-number", Some(KEY), None).await;
    let whole = json!({
        "assistantId": agent(&sandbox), "phoneNumberId": numbers[0]["id"], "customer": { "number": "+15035550100" },
    });
    for (field, value, text) in [
        ("assistantId", json!(null), "Need Either"),
        ("assistantId", json!("nobody"), "Couldn't Get Assistant."),
        (
            "phoneNumberId",
            json!(null),
            "Couldn't Get Phone Number. Need Either",
        ),
        ("phoneNumberId", json!("none"), "Couldn't Get Phone Number."),
        (
            "customer",
            json!({ "number": "5035550100" }),
            "customer.number must be",
        ),
        ("metadata", json!({}), "property metadata should not exist"),
    ] {
        let mut body = whole.clone();
        body[field] = value;
        let (status, answer) = ask(&sandbox, "POST", "/vapi/call", Some(KEY), Some(body)).await;
        let told = answer["message"].to_string();
        assert!(status == 400 && told.contains(text), "{told}");
    }
    let (status, _) = ask(&sandbox, "POST", "/vapi/call", Some(KEY), Some(whole)).await;
    assert_eq!(status, 201);
    assert_eq!(sandbox.control().dialled().values().sum::<u64>(), 1);
    let narrow = json!({ "key": "no-calls", "sameAccountAs": KEY, "forbidden": ["calls"] });
    control(&sandbox, "POST", "/keys", narrow).await;
    let (status, _) = ask(&sandbox, "GET", "/vapi/call", Some("no-calls"), None).await;
    assert_eq!(status, 403);
}

/// X4: what Retell and Bland refuse of a call.
#[tokio::test]
async fn retell_and_bland_refuse_what_they_do_not_know() {
    let sandbox = with_account(ProviderKind::Retell).await;
    let whole = json!({
        "from_number": "+15550000001", "to_number": "+15035550100", "override_agent_id": agent(&sandbox),
    });
    for (field, value, expected) in [
        ("from_number", json!("+15550000999"), 422),
        ("to_number", json!("5035550100"), 400),
        ("override_agent_id", json!("agent_none"), 422),
        ("retell_llm_dynamic_variables", json!({ "n": 1 }), 400),
        ("webhook_url", json!("http://127.0.0.1/"), 400),
    ] {
        let mut body = whole.clone();
        body[field] = value;
        let path = "/retell/v2/create-phone-call";
        let (status, _) = ask(&sandbox, "POST", path, Some(KEY), Some(body)).await;
        assert_eq!(status, expected, "{field}");
    }
    let odd = json!({ "filter_criteria": { "agent": [] } });
    let (status, _) = ask(
        &sandbox,
        "POST",
        "/retell/v3/list-calls",
        Some(KEY),
        Some(odd),
    )
    .await;
    assert_eq!(status, 400);
    let sandbox = with_account(ProviderKind::Bland).await;
    let whole = json!({ "phone_number": "+15035550100", "persona_id": agent(&sandbox) });
    for (field, value, expected) in [
        ("phone_number", json!("12"), 400),
        ("from", json!("+15550000999"), 400),
        ("task", json!("Say hello."), 400),
        ("persona_id", json!("nobody"), 404),
        ("metadata", json!("x"), 400),
        ("webhook", json!(7), 400),
        ("webhook", json!("ftp://127.0.0.1/"), 400),
    ] {
        let mut body = whole.clone();
        body[field] = value;
        let (status, answer) = bland(&sandbox, body).await;
        assert_eq!(
            (status, &answer["status"]),
            (expected, &json!("error")),
            "{field}"
        );
    }
    assert!(sandbox.control().dialled().is_empty());
    let (status, answer) = bland(&sandbox, whole).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
}
