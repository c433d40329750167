//! The routes of `/__control` that are about calls and their webhooks: JSON in, JSON out, one per method of [`Control`]. The
//! curl examples stand in the sandbox's module documentation. It holds no state and no rule of its own.

use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call_control::{AccountHook, CallSettings, ForeignCall};
use super::calls::CallOutcome;
use super::control::Control;
use super::control_api::{Answer, Body, done};
use super::webhooks::WebhookFault;

/// The routes below `/__control`.
pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/calls", get(list_calls).post(add_calls))
        .route("/calls/settings", put(change_settings))
        .route("/calls/{id}/advance", post(advance))
        .route("/calls/{id}/end", post(end))
        .route("/outcomes", post(set_outcome))
        .route("/dialled", get(dialled))
        .route("/webhooks", get(sent_webhooks).put(set_hook))
        .route("/webhooks/faults", post(inject).delete(clear_faults))
        .route("/webhooks/release", post(release))
}

async fn list_calls(State(control): State<Control>) -> Json<Value> {
    Json(json!(control.calls()))
}

async fn add_calls(State(control): State<Control>, Body(foreign): Body<ForeignCall>) -> Answer {
    let ids = control.add_calls(&foreign)?;
    Ok(Json(json!({ "ids": ids })))
}

async fn change_settings(
    State(control): State<Control>,
    Body(settings): Body<CallSettings>,
) -> Json<Value> {
    control.set_calls(settings);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    steps: Option<u32>,
}

async fn advance(
    State(control): State<Control>,
    Path(id): Path<String>,
    Body(advance): Body<Advance>,
) -> Answer {
    let step = control.advance_call(&id, advance.steps.unwrap_or(1))?;
    control.webhooks_settled().await;
    Ok(Json(json!({ "step": step })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    outcome: CallOutcome,
}

async fn end(
    State(control): State<Control>,
    Path(id): Path<String>,
    Body(end): Body<End>,
) -> Answer {
    control.end_call(&id, end.outcome)?;
    control.webhooks_settled().await;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    to: String,
    outcome: CallOutcome,
}

async fn set_outcome(State(control): State<Control>, Body(outcome): Body<Outcome>) -> Json<Value> {
    control.set_outcome(&outcome.to, outcome.outcome);
    done()
}

async fn dialled(State(control): State<Control>) -> Json<Value> {
    Json(json!(control.dialled()))
}

async fn sent_webhooks(State(control): State<Control>) -> Json<Value> {
    Json(json!(control.sent_webhooks()))
}

async fn set_hook(State(control): State<Control>, Body(hook): Body<AccountHook>) -> Answer {
    control.set_account_hook(&hook)?;
    Ok(done())
}

async fn inject(State(control): State<Control>, Body(fault): Body<WebhookFault>) -> Json<Value> {
    control.inject_webhook(fault);
    done()
}

async fn clear_faults(State(control): State<Control>) -> Json<Value> {
    control.clear_webhook_faults();
    done()
}

async fn release(State(control): State<Control>) -> Json<Value> {
    control.release_webhooks();
    control.webhooks_settled().await;
    done()
}
