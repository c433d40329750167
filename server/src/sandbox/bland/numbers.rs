//! `/v1/inbound` and the detaching of a persona: list, read, change, with Bland's statuses and texts. The numbers answer
//! with made-up secrets in webhooks and tools, so that a client that keeps them is found out.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::{Refusal, agents, enveloped, gone, iso, sample};

/// What setting a pathway puts back to nothing.
const REPLACED_BY_A_PATHWAY: &[&str] = &["prompt", "first_sentence", "dynamic_data"];

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let numbers: Vec<Value> = account.numbers.iter().map(wire_form).collect();
    Ok(Json(json!({ "inbound_numbers": numbers })))
}

/// The documented fields of a single number, which the persona is none of.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = account
        .numbers
        .iter()
        .find(|item| item.id == number)
        .ok_or_else(no_number)?;
    let mut body = wire_form(item);
    if let Some(body) = body.as_object_mut() {
        body.remove("persona_id");
        body.remove("persona_settings");
    }
    Ok(Json(body))
}

pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let changes: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| Refusal::text(StatusCode::BAD_REQUEST, "The body must be a JSON object."))?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let item = find_mut(account, &number).ok_or_else(no_number)?;
    let sets_pathway = changes
        .get("pathway_id")
        .and_then(Value::as_str)
        .is_some_and(|id| !id.is_empty());
    if sets_pathway {
        for field in REPLACED_BY_A_PATHWAY {
            item.body.insert((*field).to_owned(), Value::Null);
        }
    }
    item.body.extend(changes.clone());
    let message = format!("Successfully updated number {number}.");
    Ok(Json(
        json!({ "status": "success", "message": message, "updates": changes }),
    ))
}

/// Takes a persona off those of the numbers that it answers; others are passed over.
pub(super) async fn detach(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(persona): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let numbers = body
        .get("inbound_numbers")
        .and_then(Value::as_array)
        .filter(|numbers| !numbers.is_empty() && numbers.iter().all(Value::is_string));
    let Some(numbers) = numbers else {
        return Err(Refusal::coded(
            StatusCode::BAD_REQUEST,
            "INVALID_BODY",
            "inbound_numbers must be a non-empty array of phone numbers",
        ));
    };
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let is_known = account.agents.iter().any(|item| item.id == persona)
        || account
            .numbers
            .iter()
            .any(|item| item.text("persona_id") == Some(&persona));
    if !is_known {
        return Err(agents::no_persona());
    }
    for number in numbers.iter().filter_map(Value::as_str) {
        if let Some(item) = find_mut(account, number)
            && item.text("persona_id") == Some(&persona)
        {
            item.body.insert("persona_id".to_owned(), Value::Null);
            item.body.insert("persona_settings".to_owned(), Value::Null);
        }
    }
    Ok(enveloped(&json!({ "id": persona })))
}

fn find_mut<'a>(account: &'a mut Account, number: &str) -> Option<&'a mut Item> {
    account.numbers.iter_mut().find(|item| item.id == number)
}

fn no_number() -> Refusal {
    Refusal::not_found(include_str!(
        "../../providers/bland/fixtures/error_no_number.json"
    ))
}

fn wire_form(item: &Item) -> Value {
    let mut body = sample::number_form(&item.id, &item.body);
    body.insert("phone_number".to_owned(), json!(item.id));
    body.insert("created_at".to_owned(), json!(iso(item.created_at)));
    Value::Object(body)
}
