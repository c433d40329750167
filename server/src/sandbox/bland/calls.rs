//! `/v1/calls`: place, end, list, read, with Bland's statuses and texts, and what Bland sends during and after a call. Calls
//! answer with made-up transcripts and addresses, so that a client that keeps them is found out. The list is as thin as the
//! documentation shows it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};
use time::Date;
use time::macros::format_description;
use url::form_urlencoded;

use super::super::Shared;
use super::super::accounts::Account;
use super::super::calls::{Call, CallOutcome, CallStep, Hook, NewCall, find, hook_url, is_e164};
use super::super::gate::Caller;
use super::{AGENTS, Bland, PATHWAYS, Refusal, fixture, gone, iso, query};

const CALL: &str = include_str!("../../providers/bland/fixtures/call.json");
const ITEM: &str = include_str!("../../providers/bland/fixtures/call_item.json");
const PLACED: &str = include_str!("../../providers/bland/fixtures/call_placed.json");

const MAX_LIMIT: usize = 1000;

pub(super) async fn place(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let Ok(Value::Object(body)) = serde_json::from_slice(&body) else {
        return Err(refused("Call parameters must be an object."));
    };
    let mut world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let new = new_call(account, &caller, &body)?;
    let id = world
        .begin_call(caller.account, &Bland, new)
        .map_err(|_| Refusal::usual(StatusCode::TOO_MANY_REQUESTS))?;
    let mut answer = fixture(PLACED);
    answer["call_id"] = json!(id);
    Ok(Json(answer))
}

fn refused(text: &str) -> Refusal {
    Refusal::text(StatusCode::BAD_REQUEST, text)
}

fn new_call(
    account: &Account,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<NewCall, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let to = text("phone_number")
        .filter(|number| is_e164(number))
        .ok_or_else(|| refused("Invalid phone number format"))?;
    let from = text("from");
    if from.is_some_and(|from| !account.numbers.iter().any(|item| item.id == from)) {
        return Err(refused("Invalid from phone number."));
    }
    for name in ["metadata", "request_data"] {
        if body.get(name).is_some_and(|value| !value.is_object()) {
            return Err(refused(&format!("{name} must be an object.")));
        }
    }
    let agent = agent(account, caller, body)?;
    // Bland takes https alone; the sandbox sends to this machine and to nothing else, and takes its http too.
    let webhook =
        text("webhook").filter(|url| url.starts_with("https://") || hook_url(url).is_some());
    if webhook.is_none() && body.contains_key("webhook") {
        return Err(refused(
            "webhook must be a string that starts with https://.",
        ));
    }
    let events = body.get("webhook_events").and_then(Value::as_array);
    let mut wanted: Vec<String> = events
        .into_iter()
        .flatten()
        .filter_map(|event| event.as_str().map(str::to_owned))
        .collect();
    wanted.push(POST_CALL.to_owned());
    let mut said = agent;
    said.insert("metadata".to_owned(), body.get("metadata").cloned().into());
    Ok(NewCall {
        to: to.to_owned(),
        from: from.map(str::to_owned),
        said: Value::Object(said),
        hook: webhook.and_then(hook_url).map(|url| Hook {
            url,
            headers: Vec::new(),
            events: Some(wanted),
        }),
        is_dialled: true,
        ..NewCall::default()
    })
}

/// Exactly one of what can speak, by its own name.
fn agent(
    account: &Account,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let named: Vec<(&str, &str)> = ["task", "persona_id", "agent_id", "pathway_id"]
        .into_iter()
        .filter_map(|name| Some((name, body.get(name)?.as_str()?)))
        .collect();
    let [(name, id)] = named.as_slice() else {
        return Err(refused(
            "Exactly one of task, pathway_id, persona_id and agent_id is required.",
        ));
    };
    let others = |list: &'static str| account.others.get(list).into_iter().flatten();
    let is_known = match *name {
        "persona_id" => account.agents.iter().any(|item| item.id == *id) && caller.sees(id),
        "agent_id" => others(AGENTS).any(|item| item.id == *id),
        "pathway_id" => others(PATHWAYS).any(|item| item.id == *id),
        _ => true,
    };
    if !is_known {
        let text = format!("{name} \"{id}\" not found");
        return Err(Refusal::text(StatusCode::NOT_FOUND, &text));
    }
    Ok([((*name).to_owned(), json!(id))].into_iter().collect())
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let parameter = |name: &str| {
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let format = format_description!("[year]-[month]-[day]");
    let since = parameter("start_date").map(|text| Date::parse(&text, format));
    if matches!(since, Some(Err(_))) {
        return Err(refused("start_date must be YYYY-MM-DD."));
    }
    let since = since.and_then(Result::ok);
    let is_ascending = parameter("ascending").as_deref() == Some("true");
    let row: usize = parameter("from")
        .and_then(|row| row.parse().ok())
        .unwrap_or(0);
    let limit = query::number(uri.query(), "limit", MAX_LIMIT, MAX_LIMIT);
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let mut calls: Vec<&Call> = account
        .calls
        .iter()
        .filter(|call| since.is_none_or(|since| call.created_at.date() >= since))
        .collect();
    if is_ascending {
        calls.reverse();
    }
    let total = calls.len();
    let calls: Vec<Value> = calls
        .into_iter()
        .skip(row)
        .take(limit)
        .map(listed)
        .collect();
    Ok(Json(json!({
        "total_count": total, "count": calls.len(), "calls": calls,
    })))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    Ok(Json(whole(find(account, &id).ok_or_else(no_call)?)))
}

pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    find(account, &id).ok_or_else(no_call)?;
    world
        .end_call(&id, CallOutcome::Canceled)
        .map_err(|_| no_call())?;
    Ok(Json(
        json!({ "status": "success", "message": "Call ended successfully." }),
    ))
}

/// Bland documents the text and not the status.
fn no_call() -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        body: fixture(include_str!(
            "../../providers/bland/fixtures/error_no_call.json"
        )),
    }
}

/// The record after a call, which has no name of its own on the wire.
const POST_CALL: &str = "post_call";

/// What Bland sends about a step: lines of its log during a call, the whole record after it.
pub(super) fn events(call: &Call) -> Vec<(String, Value)> {
    let has_asked = call.hook.as_ref().is_some_and(|hook| hook.events.is_some());
    if call.step != CallStep::Ended && !has_asked {
        return Vec::new();
    }
    let line = |category: &str, message: &str| {
        let body = json!({
            "message": message, "call_id": call.id, "category": category, "log_level": "info",
        });
        (category.to_owned(), body)
    };
    match call.step {
        CallStep::Queued => vec![line("queue", "Call enqueued")],
        CallStep::Ringing => Vec::new(),
        CallStep::InProgress => vec![
            line("call", "Call connected"),
            line("call", "Agent speech: never-store-me"),
        ],
        CallStep::Ended => vec![(POST_CALL.to_owned(), whole(call))],
    }
}

/// How a call ended: `status`, `answered_by`, `error_message`, `call_ended_by`.
fn ending(outcome: CallOutcome) -> [Value; 4] {
    match outcome {
        CallOutcome::Answered => [
            json!("completed"),
            json!("human"),
            json!(null),
            json!("USER"),
        ],
        CallOutcome::NeverEnds => [
            json!("completed"),
            json!("human"),
            json!(null),
            json!("ASSISTANT"),
        ],
        CallOutcome::Voicemail => [
            json!("completed"),
            json!("voicemail"),
            json!(null),
            json!("ASSISTANT"),
        ],
        CallOutcome::Busy => [json!("busy"), json!(null), json!(null), json!(null)],
        CallOutcome::NoAnswer => [
            json!("no-answer"),
            json!("no-answer"),
            json!(null),
            json!(null),
        ],
        CallOutcome::Failed => [
            json!("failed"),
            json!(null),
            json!("The number is not in service."),
            json!(null),
        ],
        CallOutcome::NoFunds => [
            json!("failed"),
            json!(null),
            json!("Insufficient balance."),
            json!(null),
        ],
        CallOutcome::Canceled => [json!("canceled"), json!(null), json!(null), json!(null)],
    }
}

/// What both forms of a call have.
fn common(call: &Call) -> Vec<(&'static str, Value)> {
    let is_over = call.step == CallStep::Ended;
    let queue_status = match call.step {
        CallStep::Queued => "queued",
        CallStep::Ringing => "allocated",
        CallStep::InProgress => "started",
        CallStep::Ended => "complete",
    };
    let [_, answered_by, error_message, _] = ending(call.outcome);
    let minutes = call
        .ended_at
        .zip(call.started_at)
        .map(|(end, start)| (end - start).as_seconds_f64() / 60.0);
    // A North American callee stands without its country, as in the documentation.
    let to = call
        .to
        .strip_prefix("+1")
        .filter(|digits| digits.len() == 10)
        .unwrap_or(&call.to);
    vec![
        ("call_id", json!(call.id)),
        ("created_at", json!(iso(call.created_at))),
        ("call_length", json!(minutes)),
        ("to", json!(to)),
        ("from", json!(call.from.as_deref().unwrap_or(LENT_NUMBER))),
        ("completed", json!(is_over)),
        ("queue_status", json!(queue_status)),
        (
            "error_message",
            if is_over { error_message } else { Value::Null },
        ),
        (
            "answered_by",
            if is_over { answered_by } else { Value::Null },
        ),
    ]
}

/// What a call without a number of the account's own is dialled from.
const LENT_NUMBER: &str = "+15035550190";

fn listed(call: &Call) -> Value {
    let mut body = fixture(ITEM);
    for (name, value) in common(call) {
        body[name] = value;
    }
    body
}

fn whole(call: &Call) -> Value {
    let is_over = call.step == CallStep::Ended;
    let [status, _, _, ended_by] = ending(call.outcome);
    let mut body = fixture(CALL);
    for (name, value) in common(call) {
        body[name] = value;
    }
    for name in ["persona_id", "agent_id", "pathway_id", "metadata"] {
        body[name] = call.said[name].clone();
    }
    if body["persona_id"].is_null() {
        body["persona_id"] = json!(call.agent);
    }
    body["inbound"] = json!(call.is_inbound);
    body["started_at"] = json!(call.started_at.map(iso));
    body["end_at"] = json!(call.ended_at.map(iso));
    body["status"] = if is_over { status } else { Value::Null };
    body["call_ended_by"] = if is_over { ended_by } else { Value::Null };
    if !is_over || !call.was_answered() {
        body["price"] = json!(0);
        body["corrected_duration"] = json!("0");
    }
    body
}
