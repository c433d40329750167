//! `/__control` over HTTP: JSON in, JSON out, one route per method of [`Control`]. The curl examples stand in the
//! sandbox's module documentation. It holds no state and no rule of its own.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call_control_api;
use super::control::{Control, ControlError, NewAccount, NewKey};
use super::fault::Fault;

/// A body, whose errors are answered as JSON too.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(ControlFailure))]
pub(super) struct Body<T>(pub(super) T);

pub(super) struct ControlFailure {
    status: StatusCode,
    text: String,
}

impl From<JsonRejection> for ControlFailure {
    fn from(rejection: JsonRejection) -> ControlFailure {
        ControlFailure {
            status: rejection.status(),
            text: rejection.body_text(),
        }
    }
}

impl From<ControlError> for ControlFailure {
    fn from(error: ControlError) -> ControlFailure {
        let status = match error {
            ControlError::UnknownKey
            | ControlError::UnknownAgent
            | ControlError::UnknownCall
            | ControlError::UnknownFault => StatusCode::NOT_FOUND,
            ControlError::KeyTaken => StatusCode::CONFLICT,
            ControlError::EmptyKey
            | ControlError::NotSpoken
            | ControlError::NotLoopback
            | ControlError::TooMany => StatusCode::BAD_REQUEST,
        };
        ControlFailure {
            status,
            text: error.to_string(),
        }
    }
}

impl IntoResponse for ControlFailure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.text }))).into_response()
    }
}

pub(super) type Answer = Result<Json<Value>, ControlFailure>;

/// The routes below `/__control`.
pub(super) fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/accounts", post(add_account))
        .route("/keys", post(add_key).delete(revoke_key))
        .route(
            "/agents",
            post(add_agents).patch(rename_agent).delete(remove_agents),
        )
        .route(
            "/faults",
            get(list_faults).post(add_fault).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/settings", put(change_settings))
        .route("/requests", get(list_requests).delete(clear_requests))
        .route("/reset", post(reset))
        .merge(call_control_api::router())
        .fallback(unknown)
        .with_state(control)
}

async fn overview(State(control): State<Control>) -> Json<Value> {
    Json(control.overview())
}

async fn unknown() -> Response {
    let text = json!({ "error": "there is no such part of /__control" });
    (StatusCode::NOT_FOUND, Json(text)).into_response()
}

async fn add_account(State(control): State<Control>, Body(account): Body<NewAccount>) -> Answer {
    let account_id = control.add_account(&account)?;
    Ok(Json(json!({ "accountId": account_id })))
}

async fn add_key(State(control): State<Control>, Body(key): Body<NewKey>) -> Answer {
    control.add_key(&key)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeKey {
    key: String,
}

async fn revoke_key(State(control): State<Control>, Body(revoke): Body<RevokeKey>) -> Answer {
    control.revoke_key(&revoke.key)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AddAgents {
    key: String,
    count: usize,
    #[serde(default)]
    name_prefix: Option<String>,
}

async fn add_agents(State(control): State<Control>, Body(add): Body<AddAgents>) -> Answer {
    let prefix = add.name_prefix.as_deref().unwrap_or("Added agent");
    let ids = control.add_agents(&add.key, add.count, prefix)?;
    Ok(Json(json!({ "ids": ids })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameAgent {
    key: String,
    id: String,
    name: String,
}

async fn rename_agent(State(control): State<Control>, Body(rename): Body<RenameAgent>) -> Answer {
    control.rename_agent(&rename.key, &rename.id, &rename.name)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveAgents {
    key: String,
    #[serde(default)]
    ids: Vec<String>,
    /// So many of the newest, besides those that are named.
    #[serde(default)]
    count: usize,
}

async fn remove_agents(State(control): State<Control>, Body(remove): Body<RemoveAgents>) -> Answer {
    let mut ids = remove.ids;
    let newest = control
        .agent_ids(&remove.key)?
        .into_iter()
        .filter(|id| !ids.contains(id));
    let newest: Vec<String> = newest.take(remove.count).collect();
    ids.extend(newest);
    control.remove_agents(&remove.key, &ids)?;
    Ok(Json(json!({ "removed": ids.len() })))
}

async fn list_faults(State(control): State<Control>) -> Json<Value> {
    Json(control.faults())
}

async fn add_fault(State(control): State<Control>, Body(fault): Body<Fault>) -> Answer {
    Ok(Json(json!({ "id": control.inject(fault) })))
}

async fn remove_fault(State(control): State<Control>, Path(id): Path<u64>) -> Answer {
    control.remove_fault(id)?;
    Ok(done())
}

async fn clear_faults(State(control): State<Control>) -> Json<Value> {
    control.clear_faults();
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    page_delay_ms: u64,
    #[serde(default)]
    read_delay_ms: u64,
}

async fn change_settings(
    State(control): State<Control>,
    Body(settings): Body<Settings>,
) -> Json<Value> {
    control.set_page_delay(Duration::from_millis(settings.page_delay_ms));
    control.set_read_delay(Duration::from_millis(settings.read_delay_ms));
    done()
}

async fn list_requests(State(control): State<Control>) -> Json<Value> {
    let counts = control.request_counts();
    let total: u64 = counts.values().sum();
    Json(json!({ "total": total, "counts": counts, "requests": control.requests() }))
}

async fn clear_requests(State(control): State<Control>) -> Json<Value> {
    control.clear_requests();
    done()
}

async fn reset(State(control): State<Control>) -> Json<Value> {
    control.reset();
    done()
}

pub(super) fn done() -> Json<Value> {
    Json(json!({ "done": true }))
}
