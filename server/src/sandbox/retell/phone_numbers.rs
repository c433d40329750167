//! Phone numbers, whose id is the number itself: list, read, change, with Retell's statuses and texts. Numbers of one's own
//! trunk answer with made-up secrets, so that a client that keeps them is found out.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::{Refusal, gone, millis, not_found, object, query, sample};

/// The properties of `PhoneNumberUpdateParams`, from the official SDK of 2026-11.
const PROPERTIES: &[&str] = &[
    "allowed_inbound_country_list",
    "allowed_outbound_country_list",
    "auth_password",
    "auth_username",
    "codecs",
    "fallback_number",
    "inbound_agents",
    "inbound_sms_agents",
    "inbound_sms_webhook_url",
    "inbound_webhook_url",
    "nickname",
    "outbound_agents",
    "outbound_sms_agents",
    "termination_uri",
    "transport",
];

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query())?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    Ok(Json(query.page(&account.numbers, |_| true, wire_form)))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = account.numbers.iter().find(|item| item.id == id);
    Ok(Json(wire_form(item.ok_or_else(not_found)?)))
}

/// Merges at the top level.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let changes = object(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    check(account, &changes)?;
    let now = account.tick();
    let item = account.numbers.iter_mut().find(|item| item.id == id);
    let item = item.ok_or_else(not_found)?;
    item.body.extend(changes);
    item.updated_at = now;
    Ok(Json(wire_form(item)))
}

fn check(account: &Account, changes: &Map<String, Value>) -> Result<(), Refusal> {
    let refused = || Refusal::usual(StatusCode::BAD_REQUEST);
    if changes
        .keys()
        .any(|name| !PROPERTIES.contains(&name.as_str()))
    {
        return Err(refused());
    }
    for field in ["inbound_agents", "outbound_agents"] {
        let Some(value) = changes.get(field).filter(|value| !value.is_null()) else {
            continue;
        };
        let agents = value.as_array().ok_or_else(refused)?;
        let mut sum = 0.0;
        for agent in agents {
            let id = agent["agent_id"].as_str().ok_or_else(refused)?;
            query::position(&account.agents, id).ok_or_else(not_found)?;
            sum += agent["weight"].as_f64().ok_or_else(refused)?;
        }
        if !agents.is_empty() && (sum - 1.0_f64).abs() > 1e-6 {
            return Err(refused());
        }
    }
    Ok(())
}

fn wire_form(item: &Item) -> Value {
    let mut object = sample::phone_number(item.text("phone_number_type").unwrap_or_default());
    object.extend(item.body.clone());
    object.remove(query::ORDINAL);
    object.insert("phone_number".to_owned(), json!(item.id));
    object.insert(
        "last_modification_timestamp".to_owned(),
        millis(item.updated_at),
    );
    Value::Object(object)
}
