//! Agents: the thin list, the older list of whole agents, and single ones. A handler locks the world for the time of one
//! answer and holds nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::Item;
use super::super::gate::Caller;
use super::{Refusal, gone, millis, not_found, object, query, sample};

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
