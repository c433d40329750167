//! `/call`: place, list, read, with Vapi's statuses and texts, and the messages that Vapi sends about a call. Calls answer
//! with made-up transcripts, addresses and secrets, so that a client that keeps them is found out.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

use super::super::Shared;
use super::super::accounts::Account;
use super::super::calls::{Call, CallOutcome, CallStep, Hook, NewCall, find, hook_url, is_e164};
use super::super::gate::Caller;
use super::assistants::gone;
use super::{Refusal, Vapi, iso, object, query, unknown_properties};

const CALL: &str = include_str!("../../providers/vapi/fixtures/call.json");

/// The properties of `CreateCallDTO`.
const PROPERTIES: &[&str] = &[
    "assistantVersion",
    "squadVersion",
    "customers",
    "name",
    "schedulePlan",
    "transport",
    "assistantId",
    "assistant",
    "assistantOverrides",
    "squadId",
    "squad",
    "squadOverrides",
    "workflowId",
    "workflow",
    "workflowOverrides",
    "phoneNumberId",
    "phoneNumber",
    "customerId",
    "customer",
];

pub(super) async fn place(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = object(&body)?;
    let problems = unknown_properties(&body, PROPERTIES);
    if !problems.is_empty() {
        return Err(Refusal::validation(&problems));
    }
    let mut world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let new = new_call(account, &caller, &body)?;
    let id = world
        .begin_call(caller.account, &Vapi, new)
        .map_err(|_| Refusal::text(StatusCode::BAD_REQUEST, "Over Concurrency Limit."))?;
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let call = find(account, &id).ok_or_else(gone)?;
    Ok((StatusCode::CREATED, Json(wire_form(account, call))))
}

fn new_call(
    account: &Account,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<NewCall, Refusal> {
    let refused = |text: &str| Refusal::text(StatusCode::BAD_REQUEST, text);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let agent = text("assistantId")
        .ok_or_else(|| refused("Need Either `assistant`, `assistantId`, `squad` Or `squadId`."))?;
    let is_known = account.agents.iter().any(|item| item.id == agent);
    if !is_known || !caller.sees(agent) {
        return Err(refused("Couldn't Get Assistant."));
    }
    let number = text("phoneNumberId").ok_or_else(|| {
        refused("Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`.")
    })?;
    let number = account
        .numbers
        .iter()
        .find(|item| item.id == number)
        .ok_or_else(|| refused("Couldn't Get Phone Number."))?;
    let to = body
        .get("customer")
        .and_then(|customer| customer["number"].as_str())
        .filter(|number| is_e164(number))
        .ok_or_else(|| {
            Refusal::validation(&[
                "customer.number must be a valid phone number in the E.164 format".to_owned(),
            ])
        })?;
    let overrides = match body.get("assistantOverrides") {
        None => Map::new(),
        Some(Value::Object(overrides)) => overrides.clone(),
        Some(_) => {
            let text = "assistantOverrides must be an object".to_owned();
            return Err(Refusal::validation(&[text]));
        }
    };
    Ok(NewCall {
        to: to.to_owned(),
        from: number.text("number").map(str::to_owned),
        agent: Some(agent.to_owned()),
        hook: hook(&overrides),
        said: Value::Object(overrides),
        is_dialled: true,
        ..NewCall::default()
    })
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query(), &["id", "assistantId", "phoneNumberId"])?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let calls = account
        .calls
        .iter()
        .filter(|call| query.matches_times(call.created_at, call.updated_at))
        .take(query.limit);
    Ok(Json(calls.map(|call| wire_form(account, call)).collect()))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let call = find(account, &id).ok_or_else(|| {
        let text = format!("Couldn't Find Call With Id {id}.");
        Refusal::text(StatusCode::NOT_FOUND, &text)
    })?;
    Ok(Json(wire_form(account, call)))
}

/// Where an assistant, or what overrides it, sends its messages.
pub(super) fn hook(assistant: &Map<String, Value>) -> Option<Hook> {
    let server = assistant.get("server")?;
    let headers = server["headers"].as_object().into_iter().flatten();
    let events = assistant.get("serverMessages").and_then(Value::as_array);
    Some(Hook {
        url: hook_url(server["url"].as_str()?)?,
        headers: headers
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        events: events.map(|events| {
            let events = events.iter().filter_map(Value::as_str);
            events.map(str::to_owned).collect()
        }),
    })
}

/// What Vapi sends about a step: its status, and after the end a report. The report has no status, and the times and the
/// cost stand beside the call and not in it.
pub(super) fn events(account: &Account, call: &Call, now: Timestamp) -> Vec<(String, Value)> {
    let whole = wire_form(account, call);
    let mut inner = whole.clone();
    if let Some(inner) = inner.as_object_mut() {
        for settled in [
            "endedReason",
            "endedAt",
            "startedAt",
            "cost",
            "costBreakdown",
        ] {
            inner.remove(settled);
        }
    }
    let mut update = json!({ "message": {
        "type": "status-update",
        "status": word(call.step),
        "timestamp": now.as_millis(),
        "call": inner,
        "customer": whole["customer"],
    }});
    if call.step != CallStep::Ended {
        return vec![("status-update".to_owned(), update)];
    }
    update["message"]["endedReason"] = whole["endedReason"].clone();
    let mut report = update.clone();
    if let Some(message) = report["message"].as_object_mut() {
        message.remove("status");
        message.insert("type".to_owned(), json!("end-of-call-report"));
        for told in ["startedAt", "endedAt", "cost", "artifact", "analysis"] {
            message.insert(told.to_owned(), whole[told].clone());
        }
    }
    vec![
        ("status-update".to_owned(), update),
        ("end-of-call-report".to_owned(), report),
    ]
}

fn word(step: CallStep) -> &'static str {
    match step {
        CallStep::Queued => "queued",
        CallStep::Ringing => "ringing",
        CallStep::InProgress => "in-progress",
        CallStep::Ended => "ended",
    }
}

fn ended_reason(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Answered => "customer-ended-call",
        CallOutcome::Busy => "customer-busy",
        CallOutcome::NoAnswer => "customer-did-not-answer",
        CallOutcome::Failed => "twilio-failed-to-connect-call",
        CallOutcome::NeverEnds => "exceeded-max-duration",
        CallOutcome::Voicemail => "voicemail",
        CallOutcome::NoFunds => "call.start.error-subscription-insufficient-credits",
        CallOutcome::Canceled => "manually-canceled",
    }
}

fn wire_form(account: &Account, call: &Call) -> Value {
    let mut body: Map<String, Value> =
        serde_json::from_str(CALL).expect("the fixtures are checked by the conversion tests");
    let kind = if call.is_inbound {
        "inboundPhoneCall"
    } else {
        "outboundPhoneCall"
    };
    let (own, other) = if call.is_inbound {
        (Some(&call.to), call.from.as_ref())
    } else {
        (call.from.as_ref(), Some(&call.to))
    };
    let number = account
        .numbers
        .iter()
        .find(|item| item.text("number") == own.map(String::as_str));
    for (name, value) in [
        ("id", json!(call.id)),
        ("orgId", json!(account.remote_id)),
        ("type", json!(kind)),
        ("status", json!(word(call.step))),
        ("assistantId", json!(call.agent)),
        ("assistantOverrides", call.said.clone()),
        ("phoneNumberId", json!(number.map(|item| &item.id))),
        ("customer", json!({ "number": other })),
        ("createdAt", json!(iso(call.created_at))),
        ("updatedAt", json!(iso(call.updated_at))),
        ("startedAt", json!(call.started_at.map(iso))),
        ("endedAt", json!(call.ended_at.map(iso))),
        ("endedReason", json!(ended_reason(call.outcome))),
    ] {
        body.insert(name.to_owned(), value);
    }
    if call.step != CallStep::Ended {
        for later in [
            "endedAt",
            "endedReason",
            "costBreakdown",
            "artifact",
            "analysis",
        ] {
            body.remove(later);
        }
    }
    if call.step != CallStep::Ended || !call.was_answered() {
        body.insert("cost".to_owned(), json!(0));
    }
    // An optional property without a value is absent.
    body.retain(|_, value| !value.is_null());
    Value::Object(body)
}
