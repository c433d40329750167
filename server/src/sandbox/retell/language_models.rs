//! Language models (`retell-llm`): objects of their own that hold prompt, first message and model of the agents that name
//! them. Changing one does not touch the time of those agents, as with Retell.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::super::Shared;
use super::super::accounts::Item;
use super::super::gate::Caller;
use super::{LANGUAGE_MODELS, Refusal, gone, millis, not_found, object, query, sample};

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query())?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let none = VecDeque::new();
    let items = account.others.get(LANGUAGE_MODELS).unwrap_or(&none);
    Ok(Json(query.page(items, |_| true, wire_form)))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = account.others.get(LANGUAGE_MODELS).ok_or_else(not_found)?;
    let at = query::position(items, &id).ok_or_else(not_found)?;
    let model = wire_form(&items[at]);
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    for (name, value) in pairs {
        if name != "version" {
            return Err(Refusal::usual(StatusCode::BAD_REQUEST));
        }
        let version: u64 = value
            .parse()
            .map_err(|_| Refusal::usual(StatusCode::BAD_REQUEST))?;
        if model["version"] != json!(version) {
            return Err(not_found());
        }
    }
    Ok(Json(model))
}

/// What a new one has where the request says nothing: not what the fixture has.
fn fresh() -> Value {
    json!({
        "version": 0, "is_published": false, "model": "gpt-4.1", "s2s_model": null, "begin_message": null,
        "general_prompt": null, "general_tools": [], "default_dynamic_variables": {},
    })
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = object(&body)?;
    check(&body)?;
    if !matches!(
        body.get("start_speaker").and_then(Value::as_str),
        Some("user" | "agent")
    ) {
        return Err(Refusal::text(
            StatusCode::BAD_REQUEST,
            "start_speaker is required and must be either 'user' or 'agent'",
        ));
    }
    let mut item = match fresh() {
        Value::Object(fresh) => fresh,
        _ => Map::new(),
    };
    item.extend(body);
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let at = account.tick();
    let id = sample::push_llm(account, item, at);
    let items = account.others.get(LANGUAGE_MODELS).ok_or_else(not_found)?;
    let at = query::position(items, &id).ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Json(wire_form(&items[at]))))
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let items = account
        .others
        .get_mut(LANGUAGE_MODELS)
        .ok_or_else(not_found)?;
    let at = query::position(items, &id).ok_or_else(not_found)?;
    items.remove(at);
    Ok(StatusCode::NO_CONTENT)
}

/// `LlmCreateParams.model` of Retell's SDK 6.2.13, by family and number.
fn check(body: &Map<String, Value>) -> Result<(), Refusal> {
    let is_text = |name: &str| {
        body.get(name)
            .is_none_or(|value| value.is_null() || value.is_string())
    };
    let is_model = body.get("model").is_none_or(|model| match model.as_str() {
        Some("gpt-4o" | "gpt-4o-mini" | "gpt-3.5-turbo") => false,
        Some(name) => [
            "gpt-4.1", "gpt-5", "gpt-6", "claude-4", "claude-5", "gemini-3", "gemini-4",
        ]
        .iter()
        .any(|family| name.starts_with(family)),
        None => model.is_null(),
    });
    if is_model && is_text("general_prompt") && is_text("begin_message") {
        Ok(())
    } else {
        Err(Refusal::usual(StatusCode::BAD_REQUEST))
    }
}

/// Merges at the top level.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let changes = object(&body)?;
    check(&changes)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let now = account.tick();
    let items = account
        .others
        .get_mut(LANGUAGE_MODELS)
        .ok_or_else(not_found)?;
    let at = query::position(items, &id).ok_or_else(not_found)?;
    let item = &mut items[at];
    item.body.extend(changes);
    item.updated_at = now;
    Ok(Json(wire_form(item)))
}

fn wire_form(item: &Item) -> Value {
    let mut object = sample::language_model();
    object.extend(item.body.clone());
    object.remove(query::ORDINAL);
    object.insert("llm_id".to_owned(), json!(item.id));
    object.insert(
        "last_modification_timestamp".to_owned(),
        millis(item.updated_at),
    );
    Value::Object(object)
}
