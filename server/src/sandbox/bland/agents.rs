//! `/v1/personas`, `/v2/agents` and `/v1/pathway`: lists and reads with Bland's statuses and texts, and the making of a v2
//! agent. A handler locks the world for the time of one answer and holds nothing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::{AGENTS, PATHWAYS, Refusal, check_visible, enveloped, gone, query, sample, wire_form};

const MAX_PERSONAS: usize = 100;
const MAX_AGENTS: usize = 500;

pub(super) async fn list_personas(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let page = query::number(uri.query(), "page", 1, usize::MAX);
    let limit = query::number(uri.query(), "limit", 20, MAX_PERSONAS);
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let numbers = numbers_of_personas(account);
    let items = account
        .agents
        .iter()
        .filter(|item| caller.sees(&item.id))
        .skip((page - 1).saturating_mul(limit))
        .take(limit)
        .map(|item| persona(item, &numbers));
    Ok(enveloped(&items.collect()))
}

pub(super) async fn read_persona(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = account
        .agents
        .iter()
        .find(|item| item.id == id)
        .ok_or_else(no_persona)?;
    check_visible(&caller, &id)?;
    Ok(enveloped(&persona(item, &numbers_of_personas(account))))
}

/// The numbers that each persona answers.
pub(super) fn numbers_of_personas(account: &Account) -> HashMap<&str, Vec<&str>> {
    let mut numbers: HashMap<&str, Vec<&str>> = HashMap::new();
    for number in &account.numbers {
        if let Some(persona) = number.text("persona_id") {
            numbers.entry(persona).or_default().push(&number.id);
        }
    }
    numbers
}

pub(super) fn persona(item: &Item, numbers: &HashMap<&str, Vec<&str>>) -> Value {
    let mut persona = wire_form(item, sample::persona_form(&item.body));
    persona["inbound_numbers"] = json!(
        numbers
            .get(item.id.as_str())
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    );
    persona
}

pub(super) fn no_persona() -> Refusal {
    Refusal::not_found(include_str!(
        "../../providers/bland/fixtures/error_no_persona.json"
    ))
}

pub(super) async fn list_agents(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let limit = query::number(uri.query(), "limit", 100, MAX_AGENTS);
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = others(account, AGENTS)
        .filter(|item| caller.sees(&item.id))
        .take(limit)
        .map(|item| agent(account, item));
    Ok(enveloped(&items.collect()))
}

/// A fresh agent has three empty environments and no version.
pub(super) async fn create_agent(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<impl IntoResponse, Refusal> {
    let body: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Refusal::coded(
            StatusCode::BAD_REQUEST,
            "INVALID_BODY",
            "name must be a non-empty string",
        ));
    }
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let at = account.tick();
    let item = Item {
        id: account.next_id("agent"),
        created_at: at,
        updated_at: at,
        body: sample::fresh_agent(name),
    };
    let created = agent(account, &item);
    account.others.entry(AGENTS).or_default().push_front(item);
    Ok((StatusCode::CREATED, enveloped(&created)))
}

pub(super) async fn read_agent(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = find_agent(account, &caller, &id)?;
    let mut record = agent(account, item);
    let mut environments = item.body.get("environments").cloned().unwrap_or_default();
    for environment in environments.as_array_mut().into_iter().flatten() {
        if let Some(environment) = environment.as_object_mut() {
            environment.remove("current_version");
        }
    }
    record["environments"] = environments;
    Ok(enveloped(&record))
}

pub(super) async fn environments(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = find_agent(account, &caller, &id)?;
    let environments = item.body.get("environments").cloned().unwrap_or_default();
    Ok(enveloped(&environments))
}

/// `latest`, or a published version by its semantic version.
pub(super) async fn version(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path((id, version)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = find_agent(account, &caller, &id)?;
    let versions = item.body.get("versions").and_then(Value::as_object);
    let found = versions.and_then(|versions| versions.get(&version));
    match found {
        Some(found) => Ok(enveloped(found)),
        None if version == "latest" => Err(Refusal::not_found(include_str!(
            "../../providers/bland/fixtures/error_no_versions.json"
        ))),
        None => Err(Refusal::coded(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "Agent version not found",
        )),
    }
}

fn find_agent<'a>(account: &'a Account, caller: &Caller, id: &str) -> Result<&'a Item, Refusal> {
    let item = others(account, AGENTS)
        .find(|item| item.id == id)
        .ok_or_else(|| {
            Refusal::not_found(include_str!(
                "../../providers/bland/fixtures/error_no_agent.json"
            ))
        })?;
    check_visible(caller, id)?;
    Ok(item)
}

/// The record of an agent, without what only its own pages tell.
fn agent(account: &Account, item: &Item) -> Value {
    let mut record = wire_form(item, item.body.clone());
    if let Some(record) = record.as_object_mut() {
        record.remove("environments");
        record.remove("versions");
        record.insert("org_id".to_owned(), json!(account.remote_id));
    }
    record
}

pub(super) async fn list_pathways(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = others(account, PATHWAYS)
        .filter(|item| caller.sees(&item.id))
        .map(|item| {
            let mut body = item.body.clone();
            body.insert("id".to_owned(), json!(item.id));
            Value::Object(body)
        });
    Ok(Json(items.collect()))
}

pub(super) async fn read_pathway(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = others(account, PATHWAYS)
        .find(|item| item.id == id)
        .ok_or_else(|| {
            Refusal::not_found(include_str!(
                "../../providers/bland/fixtures/error_no_pathway.json"
            ))
        })?;
    check_visible(&caller, &id)?;
    let mut pathway = super::fixture(include_str!(
        "../../providers/bland/fixtures/pathway_single.json"
    ));
    for field in ["name", "description"] {
        pathway[field] = item.body.get(field).cloned().unwrap_or_default();
    }
    Ok(Json(pathway))
}

fn others<'a>(account: &'a Account, kind: &str) -> impl Iterator<Item = &'a Item> {
    account.others.get(kind).into_iter().flatten()
}
