//! Making, changing and promoting personas, with Bland's statuses and texts. A new one is in production at once; a change is
//! a draft until it is promoted. A handler locks the world for the time of one answer and holds nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::agents::{no_persona, numbers_of_personas, persona};
use super::{Refusal, check_visible, enveloped, gone, sample::DRAFT};

/// "Must be under 200 characters."
const FIRST_SENTENCE_CHARS: usize = 200;

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = checked(&body)?;
    let mut item = said(&body, &Map::new());
    item.insert("name".to_owned(), body["name"].clone());
    let tags = body.get("tags").cloned().unwrap_or_else(|| json!([]));
    item.insert("tags".to_owned(), tags);
    item.insert(DRAFT.to_owned(), Value::Object(said(&body, &Map::new())));
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let at = account.tick();
    let id = account.next_id("persona");
    account.agents.push_front(Item {
        id: id.clone(),
        created_at: at,
        updated_at: at,
        body: item,
    });
    shown(account, &id)
}

/// Writes the draft alone; the name belongs to no version.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = checked(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let at = account.tick();
    let item = find(account, &caller, &id)?;
    let before = item.body.get(DRAFT).and_then(Value::as_object);
    let draft = said(&body, before.unwrap_or(&item.body));
    item.body.insert(DRAFT.to_owned(), Value::Object(draft));
    item.body.insert("name".to_owned(), body["name"].clone());
    item.updated_at = at;
    shown(account, &id)
}

pub(super) async fn promote(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let at = account.tick();
    let item = find(account, &caller, &id)?;
    if let Some(Value::Object(draft)) = item.body.get(DRAFT).cloned() {
        item.body.extend(draft);
    }
    item.updated_at = at;
    shown(account, &id)
}

/// What a request says of a version, and for the rest what was said before.
fn said(body: &Map<String, Value>, before: &Map<String, Value>) -> Map<String, Value> {
    let names = ["prompt", "voice", "language", "first_sentence"];
    let mut said: Map<String, Value> = before
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(prompt) = body.get("personality_prompt") {
        said.insert("prompt".to_owned(), prompt.clone());
    }
    if let Some(config) = body.get("call_config").and_then(Value::as_object) {
        for name in ["voice", "language", "first_sentence"] {
            match config.get(name) {
                Some(value) => said.insert(name.to_owned(), value.clone()),
                None => said.remove(name),
            };
        }
    }
    said
}

fn find<'a>(account: &'a mut Account, caller: &Caller, id: &str) -> Result<&'a mut Item, Refusal> {
    check_visible(caller, id)?;
    let item = account.agents.iter_mut().find(|item| item.id == id);
    item.ok_or_else(no_persona)
}

fn shown(account: &Account, id: &str) -> Result<Json<Value>, Refusal> {
    let item = account.agents.iter().find(|item| item.id == id);
    let item = item.ok_or_else(no_persona)?;
    Ok(enveloped(&persona(item, &numbers_of_personas(account))))
}

fn checked(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    let refused = |text: &str| Refusal::coded(StatusCode::BAD_REQUEST, "INVALID_BODY", text);
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Err(refused("the body must be an object"));
    };
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(refused("name must be a non-empty string"));
    }
    let config = body.get("call_config").cloned().unwrap_or_default();
    if !config.is_object() && !config.is_null() {
        return Err(refused("call_config must be an object"));
    }
    let first = config["first_sentence"].as_str().unwrap_or_default();
    if first.chars().count() >= FIRST_SENTENCE_CHARS {
        return Err(refused("first_sentence must be under 200 characters"));
    }
    Ok(body)
}
