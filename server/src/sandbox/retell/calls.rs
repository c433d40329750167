//! Calls: place, end, list, read, with Retell's statuses and texts, and the events that Retell sends about one. Calls answer
//! with made-up transcripts and addresses, so that a client that keeps them is found out; the list leaves transcripts out.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::Account;
use super::super::calls::{
    Call, CallOutcome, CallStep, Hook, NewCall, find, find_by_key, hook_url, is_e164,
};
use super::super::gate::Caller;
use super::{Refusal, Retell, gone, millis, not_found, object, query};

const CALL: &str = include_str!("../../providers/retell/fixtures/call.json");

/// The parameters of `POST /v2/create-phone-call`.
const PARAMETERS: &[&str] = &[
    "from_number",
    "to_number",
    "agent_override",
    "custom_sip_headers",
    "idempotency_key",
    "ignore_e164_validation",
    "metadata",
    "override_agent_id",
    "override_agent_version",
    "retell_llm_dynamic_variables",
];

pub(super) async fn place(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = object(&body)?;
    if body.keys().any(|name| !PARAMETERS.contains(&name.as_str())) {
        return Err(Refusal::usual(StatusCode::BAD_REQUEST));
    }
    let mut world = shared.world();
    let now = world.calls.now();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let key = body.get("idempotency_key").and_then(Value::as_str);
    if let Some(call) = key.and_then(|key| find_by_key(&account.calls, key, now)) {
        return Ok((StatusCode::CREATED, Json(whole(call))));
    }
    let new = new_call(account, &caller, &body)?;
    let id = world
        .begin_call(caller.account, &Retell, new)
        .map_err(|_| Refusal::usual(StatusCode::TOO_MANY_REQUESTS))?;
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let call = find(account, &id).ok_or_else(gone)?;
    Ok((StatusCode::CREATED, Json(whole(call))))
}

fn new_call(
    account: &Account,
    caller: &Caller,
    body: &Map<String, Value>,
) -> Result<NewCall, Refusal> {
    let refused = || Refusal::usual(StatusCode::BAD_REQUEST);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let from = text("from_number").ok_or_else(refused)?;
    let to = text("to_number")
        .filter(|number| is_e164(number))
        .ok_or_else(refused)?;
    let number = account
        .numbers
        .iter()
        .find(|item| item.id == from)
        .ok_or_else(not_found)?;
    let of_number = || number.body["outbound_agents"][0]["agent_id"].as_str();
    let agent = text("override_agent_id")
        .or_else(of_number)
        .ok_or_else(refused)?;
    if query::position(&account.agents, agent).is_none() || !caller.sees(agent) {
        return Err(not_found());
    }
    let variables = body.get("retell_llm_dynamic_variables");
    let are_strings = variables.is_none_or(|variables| {
        variables
            .as_object()
            .is_some_and(|variables| variables.values().all(Value::is_string))
    });
    if !are_strings {
        return Err(refused());
    }
    let overrides = body
        .get("agent_override")
        .and_then(|overrides| overrides["agent"].as_object());
    let said = ["metadata", "retell_llm_dynamic_variables"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), body.get(name)?.clone())));
    Ok(NewCall {
        to: to.to_owned(),
        from: Some(from.to_owned()),
        agent: Some(agent.to_owned()),
        said: Value::Object(said.collect()),
        idempotency_key: text("idempotency_key").map(str::to_owned),
        hook: overrides.and_then(hook),
        is_dialled: true,
        ..NewCall::default()
    })
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    Ok(Json(whole(find(account, &id).ok_or_else(not_found)?)))
}

pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    find(account, &id).ok_or_else(not_found)?;
    world
        .end_call(&id, CallOutcome::Canceled)
        .map_err(|_| Refusal::usual(StatusCode::BAD_REQUEST))?;
    Ok(StatusCode::NO_CONTENT)
}

/// By `start_timestamp`, or by a top-level key of the metadata: the two filters that the client uses. Anything else is refused
/// rather than ignored.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = object(&body)?;
    let query = ListQuery::parse(&body).ok_or_else(|| Refusal::usual(StatusCode::BAD_REQUEST))?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let is_behind = |call: &&Call| match query.after {
        None => true,
        Some(last) if query.is_ascending => call.ordinal > last,
        Some(last) => call.ordinal < last,
    };
    let mut calls: Vec<&Call> = account
        .calls
        .iter()
        .filter(|call| query.matches(call))
        .filter(is_behind)
        .collect();
    if query.is_ascending {
        calls.reverse();
    }
    let has_more = calls.len() > query.limit;
    calls.truncate(query.limit);
    let mut answer = json!({ "has_more": has_more });
    if let Some(last) = calls.last().filter(|_| has_more) {
        answer["pagination_key"] = json!(format!("{:012x}", last.ordinal));
    }
    answer["items"] = calls.into_iter().map(listed).collect();
    Ok(Json(answer))
}

struct ListQuery {
    limit: usize,
    is_ascending: bool,
    after: Option<u64>,
    since_ms: Option<i64>,
    metadata: Option<(String, String)>,
}

impl ListQuery {
    fn parse(body: &Map<String, Value>) -> Option<ListQuery> {
        let mut query = ListQuery {
            limit: 50,
            is_ascending: false,
            after: None,
            since_ms: None,
            metadata: None,
        };
        for (name, value) in body {
            match (name.as_str(), value) {
                ("limit", limit) => {
                    query.limit = usize::try_from(limit.as_u64()?).ok()?;
                    (1..=1000).contains(&query.limit).then_some(())?;
                }
                ("sort_order", order) => {
                    query.is_ascending = match order.as_str()? {
                        "ascending" => true,
                        "descending" => false,
                        _ => return None,
                    }
                }
                ("pagination_key", key) => {
                    query.after = Some(u64::from_str_radix(key.as_str()?, 16).ok()?);
                }
                ("filter_criteria", criteria) => query.read_criteria(criteria.as_object()?)?,
                _ => return None,
            }
        }
        Some(query)
    }

    fn read_criteria(&mut self, criteria: &Map<String, Value>) -> Option<()> {
        for (name, value) in criteria {
            match name.as_str() {
                "start_timestamp" => {
                    (value["type"] == "number" && value["op"] == "ge").then_some(())?;
                    self.since_ms = Some(value["value"].as_i64()?);
                }
                "metadata" => {
                    let [filter] = value.as_array()?.as_slice() else {
                        return None;
                    };
                    (filter["type"] == "string" && filter["op"] == "eq").then_some(())?;
                    let key = filter["key"].as_str()?.to_owned();
                    self.metadata = Some((key, filter["value"].as_str()?.to_owned()));
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn matches(&self, call: &Call) -> bool {
        let is_since = self.since_ms.is_none_or(|since| {
            start(call).is_some_and(|start| start.as_i64().is_some_and(|start| start >= since))
        });
        let has_metadata = self
            .metadata
            .as_ref()
            .is_none_or(|(key, value)| call.said["metadata"][key] == json!(value));
        is_since && has_metadata
    }
}

/// Where an agent, or what overrides it, sends its events.
pub(super) fn hook(agent: &Map<String, Value>) -> Option<Hook> {
    let events = agent.get("webhook_events").and_then(Value::as_array);
    Some(Hook {
        url: hook_url(agent.get("webhook_url")?.as_str()?)?,
        headers: Vec::new(),
        events: events.map(|events| {
            let events = events.iter().filter_map(Value::as_str);
            events.map(str::to_owned).collect()
        }),
    })
}

/// What Retell sends about a step. A call that was not connected never begins.
pub(super) fn events(call: &Call) -> Vec<(String, Value)> {
    let names: &[&str] = match call.step {
        CallStep::Queued | CallStep::Ringing => &[],
        CallStep::InProgress => &["call_started"],
        CallStep::Ended => &["call_ended", "call_analyzed"],
    };
    let event = |name: &&str| {
        let body = json!({ "event": name, "call": whole(call) });
        ((*name).to_owned(), body)
    };
    names.iter().map(event).collect()
}

fn reason(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Answered => "user_hangup",
        CallOutcome::Busy => "dial_busy",
        CallOutcome::NoAnswer => "dial_no_answer",
        CallOutcome::Failed => "dial_failed",
        CallOutcome::NeverEnds => "max_duration_reached",
        CallOutcome::Voicemail => "voicemail_reached",
        CallOutcome::NoFunds => "credit_exhausted",
        CallOutcome::Canceled => "manual_stopped",
    }
}

fn status(call: &Call) -> &'static str {
    match call.step {
        CallStep::Queued | CallStep::Ringing => "registered",
        CallStep::InProgress => "ongoing",
        CallStep::Ended if call.was_answered() => "ended",
        CallStep::Ended => "not_connected",
    }
}

/// When it began: once it is connected, or over without having been.
fn start(call: &Call) -> Option<Value> {
    call.started_at.or(call.ended_at).map(millis)
}

/// A call of the list, which has no transcript.
fn listed(call: &Call) -> Value {
    let mut body = whole(call);
    if let Some(body) = body.as_object_mut() {
        body.remove("transcript");
    }
    body
}

fn whole(call: &Call) -> Value {
    let mut body = super::template(CALL);
    let direction = if call.is_inbound {
        "inbound"
    } else {
        "outbound"
    };
    let duration = call
        .ended_at
        .zip(call.started_at.or(call.ended_at))
        .map(|(end, start)| (end - start).whole_milliseconds());
    for (name, value) in [
        ("call_id", json!(call.id)),
        ("agent_id", json!(call.agent)),
        ("call_status", json!(status(call))),
        ("direction", json!(direction)),
        ("from_number", json!(call.from)),
        ("to_number", json!(call.to)),
        ("metadata", call.said["metadata"].clone()),
        (
            "retell_llm_dynamic_variables",
            call.said["retell_llm_dynamic_variables"].clone(),
        ),
        ("start_timestamp", json!(start(call))),
        ("end_timestamp", json!(call.ended_at.map(millis))),
        ("duration_ms", json!(duration)),
        ("disconnection_reason", json!(reason(call.outcome))),
    ] {
        body.insert(name.to_owned(), value);
    }
    if call.step != CallStep::Ended {
        for later in [
            "disconnection_reason",
            "call_cost",
            "recording_url",
            "public_log_url",
            "transcript",
            "call_analysis",
        ] {
            body.remove(later);
        }
    } else if !call.was_answered() {
        body["call_cost"]["combined_cost"] = json!(0);
    }
    body.retain(|_, value| !value.is_null());
    Value::Object(body)
}
