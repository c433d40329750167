//! Agents: the thin list, the older list of whole agents, single ones, and making, changing and publishing them. A handler locks the world for the time of one
//! answer and holds nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::{LANGUAGE_MODELS, Refusal, gone, millis, not_found, object, query, sample};

/// The older list answers so many at most.
const MAX_OLD_LIST: usize = 1000;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query())?;
    let channel = channel_filter(&object(&body)?)?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let is_listed = |item: &Item| {
        caller.sees(&item.id)
            && channel
                .as_deref()
                .is_none_or(|wanted| channel_of(item) == wanted)
    };
    Ok(Json(query.page(&account.agents, is_listed, thin)))
}

/// The one filter of the specification that matters here; anything else is refused rather than ignored.
fn channel_filter(body: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let refused = || Refusal::usual(StatusCode::BAD_REQUEST);
    let Some(criteria) = body.get("filter_criteria") else {
        return if body.is_empty() {
            Ok(None)
        } else {
            Err(refused())
        };
    };
    let criteria = criteria.as_object().ok_or_else(refused)?;
    let Some(channel) = criteria.get("channel") else {
        return if criteria.is_empty() {
            Ok(None)
        } else {
            Err(refused())
        };
    };
    let is_equality = channel["type"] == "string" && channel["op"] == "eq";
    match channel["value"].as_str() {
        Some(value @ ("voice" | "chat")) if is_equality => Ok(Some(value.to_owned())),
        _ => Err(refused()),
    }
}

pub(super) async fn list_of_old(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = account
        .agents
        .iter()
        .filter(|item| caller.sees(&item.id) && channel_of(item) == "voice");
    let agents = items.take(MAX_OLD_LIST).map(whole);
    Ok(Json(Value::Array(agents.collect())))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let at = query::position(&account.agents, &id).ok_or_else(not_found)?;
    let item = &account.agents[at];
    if !caller.sees(&id) {
        return Err(Refusal::usual(StatusCode::FORBIDDEN));
    }
    if channel_of(item) != "voice" {
        return Err(not_found());
    }
    Ok(Json(whole(item)))
}

/// What a new one has where the request says nothing: not what the fixture has.
fn fresh() -> Map<String, Value> {
    let fresh = json!({
        "version": 0, "base_version": null, "is_published": false, "agent_name": null, "language": "en-US",
        "webhook_url": null, "fallback_voice_ids": null, "voicemail_option": null, "post_call_analysis_data": null,
    });
    match fresh {
        Value::Object(fresh) => fresh,
        _ => Map::new(),
    }
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = object(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    for required in ["response_engine", "voice_id"] {
        if !body.contains_key(required) {
            let text = format!("request body must have required property '{required}'");
            return Err(Refusal::text(StatusCode::BAD_REQUEST, &text));
        }
    }
    check(account, &body)?;
    let mut item = fresh();
    item.extend(body);
    let at = account.tick();
    let id = sample::push_agent(account, item, at);
    let at = query::position(&account.agents, &id).ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Json(whole(&account.agents[at]))))
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
    let item = editable(account, &caller, &id)?;
    item.body.extend(changes);
    item.updated_at = now;
    Ok(Json(whole(item)))
}

/// Publishes the version that is there, in place.
pub(super) async fn publish(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let body = object(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let item = editable(account, &caller, &id)?;
    if whole(item)["version"] != body.get("version").cloned().unwrap_or_default() {
        return Err(Refusal::usual(StatusCode::BAD_REQUEST));
    }
    item.body.insert("is_published".to_owned(), json!(true));
    Ok(StatusCode::OK)
}

fn editable<'a>(
    account: &'a mut Account,
    caller: &Caller,
    id: &str,
) -> Result<&'a mut Item, Refusal> {
    let at = query::position(&account.agents, id).ok_or_else(not_found)?;
    if !caller.sees(id) {
        return Err(Refusal::usual(StatusCode::FORBIDDEN));
    }
    Ok(&mut account.agents[at])
}

/// A voice that the account has, a language as Retell writes it, and a language model that is there.
fn check(account: &Account, body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(voice) = body.get("voice_id") {
        let voice = voice.as_str().unwrap_or_default();
        // A voice of Retell's own list begins with its engine; a cloned one is only where it was made.
        let is_listed = voice.split_once('-').is_some_and(|(engine, rest)| {
            [
                "11labs", "openai", "cartesia", "minimax", "deepgram", "retell",
            ]
            .contains(&engine)
                && !rest.is_empty()
        });
        let is_own = account
            .agents
            .iter()
            .any(|item| item.text("voice_id") == Some(voice));
        if !is_listed && !is_own {
            return Err(not_found());
        }
    }
    let languages = match body.get("language") {
        Some(Value::Array(languages)) => languages.clone(),
        Some(language) => vec![language.clone()],
        None => Vec::new(),
    };
    let is_locale = |language: &Value| {
        language
            .as_str()
            .is_some_and(|language| language.contains('-'))
    };
    if !languages.iter().all(is_locale) {
        return Err(Refusal::usual(StatusCode::BAD_REQUEST));
    }
    match body.get("response_engine") {
        Some(engine) if engine["type"] == "retell-llm" => {
            let id = engine["llm_id"].as_str().unwrap_or_default();
            let llms = account.others.get(LANGUAGE_MODELS).ok_or_else(not_found)?;
            query::position(llms, id).map(|_| ()).ok_or_else(not_found)
        }
        Some(engine) if !engine["type"].is_string() => Err(Refusal::usual(StatusCode::BAD_REQUEST)),
        _ => Ok(()),
    }
}

fn channel_of(item: &Item) -> &str {
    item.text("channel").unwrap_or("voice")
}

/// An agent as the list shows it.
fn thin(item: &Item) -> Value {
    let mut object = sample::listed_agent();
    object.insert("agent_id".to_owned(), json!(item.id));
    object.insert("channel".to_owned(), json!(channel_of(item)));
    object.insert("agent_name".to_owned(), item.body["agent_name"].clone());
    object.insert("tags".to_owned(), json!({}));
    object.insert(
        "user_modified_timestamp".to_owned(),
        millis(item.updated_at),
    );
    Value::Object(object)
}

/// An agent as a single read shows it.
fn whole(item: &Item) -> Value {
    let mut object = sample::agent();
    object.extend(item.body.clone());
    object.remove(query::ORDINAL);
    object.insert("agent_id".to_owned(), json!(item.id));
    // Retell counts changes of its own as well, so that this is another time than the list's.
    let modified = item.updated_at + time::Duration::milliseconds(7);
    object.insert("last_modification_timestamp".to_owned(), millis(modified));
    Value::Object(object)
}
