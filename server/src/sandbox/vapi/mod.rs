//! Vapi as the sandbox speaks it: what happens to every request before a handler sees it (log, faults, delay, key,
//! permissions), the error bodies, and the sample keys. The handlers are in `assistants` and `phone_numbers`, what they
//! work on in `accounts`. It must keep to the wire facts and invent no endpoint.

mod accounts;
mod assistants;
mod phone_numbers;
mod query;
mod sample;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::providers::ProviderKind;

use super::fault::{self, Effect, Plan};
use super::request_log::{LoggedRequest, last_four};
use super::{SampleKey, Shared};

pub(super) use accounts::Accounts;

/// The keys that every fresh sandbox knows.
pub(super) const SAMPLE_KEYS: &[SampleKey] = &[
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::GOOD,
        outcome: "Works: an agency's account with 40 assistants and 12 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::GOOD_SECOND,
        outcome: "Works and opens another account, with 12 assistants and 3 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::NO_NUMBERS,
        outcome: "Works without permission for phone numbers: saved as limited.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::NO_FUNDS,
        outcome: "Accepted, but the account is out of funds.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::REVOKED,
        outcome: "Revoked: Vapi refuses it.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::THROTTLED,
        outcome: "Rate-limited: Vapi asks to wait 24 seconds.",
    },
    SampleKey {
        provider: ProviderKind::Vapi,
        key: sample::DOWN,
        outcome: "Vapi is down and answers 500.",
    },
];

/// A part of the interface that a key may be kept from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// `/assistant`
    Assistant,
    /// `/phone-number`, version 2 too.
    PhoneNumber,
    /// `/call`
    Call,
}

impl Resource {
    fn of_path(path: &str) -> Option<Resource> {
        let path = path.strip_prefix("/v2").unwrap_or(path);
        match path.trim_start_matches('/').split('/').next() {
            Some("assistant") => Some(Resource::Assistant),
            Some("phone-number") => Some(Resource::PhoneNumber),
            Some("call") => Some(Resource::Call),
            _ => None,
        }
    }
}

/// Whose request it is, for the handlers.
#[derive(Clone, Debug)]
struct Caller {
    account: usize,
    /// The assistants that the key may see; `None`: all.
    visible: Option<Arc<HashSet<String>>>,
}

/// The routes below `/vapi`.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/assistant", get(assistants::list).post(assistants::create))
        .route(
            "/assistant/{id}",
            get(assistants::read)
                .patch(assistants::update)
                .delete(assistants::delete),
        )
        .route("/phone-number", get(phone_numbers::list))
        .route("/v2/phone-number", get(phone_numbers::list_pages))
        .route(
            "/phone-number/{id}",
            get(phone_numbers::read).patch(phone_numbers::update),
        )
        .route("/call", get(list_calls))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route)
        .layer(middleware::from_fn_with_state(shared.clone(), gate))
        .with_state(shared)
}

/// There are no calls yet, but the query is checked as for any list.
async fn list_calls(uri: Uri) -> Result<Json<Value>, Refusal> {
    query::list(uri.query(), &["id", "assistantId", "phoneNumberId"])?;
    Ok(Json(json!([])))
}

async fn unknown_route(method: Method, uri: Uri) -> Refusal {
    Refusal::text(
        StatusCode::NOT_FOUND,
        &format!("Cannot {method} {}", uri.path()),
    )
}

/// What every request goes through.
async fn gate(
    State(shared): State<Arc<Shared>>,
    uri: OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let key = bearer(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let logged = LoggedRequest {
        at_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        key: key.as_deref().map(last_four),
        status: None,
    };
    let is_list =
        request.method() == Method::GET && !route.ends_with("/{id}") && route != "unknown";
    let (entry, plan, delay) = {
        let mut world = shared.world();
        let plan = world
            .faults
            .plan(key.as_deref(), request.method(), uri.path());
        let page_delay = if is_list {
            world.page_delay
        } else {
            Duration::ZERO
        };
        let delay = page_delay.saturating_add(Duration::from_millis(plan.delay_ms));
        (world.log.begin(&route, logged), plan, delay)
    };
    if !delay.is_zero() {
        // Stopping the sandbox does not wait for slow pages.
        let _ = shared
            .shutdown
            .run_until_cancelled(tokio::time::sleep(delay))
            .await;
    }
    let response = answer(&shared, plan, key.as_deref(), request, next).await;
    shared.world().log.end(entry, response.status().as_u16());
    response
}

async fn answer(
    shared: &Shared,
    plan: Plan,
    key: Option<&str>,
    request: Request,
    next: Next,
) -> Response {
    let effect = match plan.effect {
        // Everything that needs no usual answer.
        Some(effect) if !matches!(effect, Effect::CutBody | Effect::WrongShape) => {
            return struck(shared, effect, key).await;
        }
        effect => effect,
    };
    let response = match admit(shared, key, request.uri().path()) {
        Ok(caller) => {
            let mut request = request;
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    match effect {
        Some(Effect::CutBody) => fault::cut(response).await,
        Some(Effect::WrongShape) => fault::reshape(response).await,
        _ => response,
    }
}

/// The answer of a fault that does not need the usual one.
async fn struck(shared: &Shared, effect: Effect, key: Option<&str>) -> Response {
    match effect {
        Effect::Status {
            status,
            message,
            retry_after,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let refusal = message.map_or_else(
                || Refusal::usual(status),
                |text| Refusal::text(status, &text),
            );
            fault::with_retry_after(refusal.into_response(), retry_after.as_deref())
        }
        Effect::Hang => fault::hang(&shared.shutdown).await,
        Effect::Redirect { location } => fault::redirect(&location),
        Effect::EchoKey { style } => Refusal::text(
            StatusCode::UNAUTHORIZED,
            &fault::echo(key.unwrap_or_default(), style),
        )
        .into_response(),
        Effect::NotJson | Effect::CutBody | Effect::WrongShape | Effect::Delay { .. } => {
            fault::web_page()
        }
    }
}

/// Who asks, and whether the key may ask for this.
fn admit(shared: &Shared, key: Option<&str>, path: &str) -> Result<Caller, Refusal> {
    let Some(key) = key else {
        return Err(Refusal::missing_header());
    };
    let world = shared.world();
    let known = world
        .vapi
        .key(key)
        .ok_or_else(|| Refusal::usual(StatusCode::UNAUTHORIZED))?;
    if let Some(refusal) = &known.standing {
        return Err(refusal.clone());
    }
    if Resource::of_path(path).is_some_and(|resource| known.forbidden.contains(&resource)) {
        return Err(Refusal::usual(StatusCode::FORBIDDEN));
    }
    Ok(Caller {
        account: known.account,
        visible: known.visible.clone(),
    })
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim().to_owned())
}

/// An error as Vapi answers it.
#[derive(Clone, Debug)]
struct Refusal {
    status: StatusCode,
    body: Value,
    retry_after: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, message: &Value) -> Refusal {
        let error = status.canonical_reason().unwrap_or("Error");
        let body = json!({ "message": message, "error": error, "statusCode": status.as_u16() });
        Refusal {
            status,
            body,
            retry_after: None,
        }
    }

    fn text(status: StatusCode, message: &str) -> Refusal {
        Refusal::new(status, &json!(message))
    }

    /// What Vapi's validation answers: a list of texts.
    fn validation(messages: &[String]) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, &json!(messages))
    }

    fn missing_header() -> Refusal {
        Refusal::fixture(
            StatusCode::UNAUTHORIZED,
            include_str!("../../providers/vapi/fixtures/error_missing_header.json"),
        )
    }

    /// The text that Vapi usually has for a status.
    fn usual(status: StatusCode) -> Refusal {
        let fixture = match status.as_u16() {
            401 => include_str!("../../providers/vapi/fixtures/error_invalid_key.json"),
            402 => include_str!("../../providers/vapi/fixtures/error_no_funds.json"),
            403 => include_str!("../../providers/vapi/fixtures/error_forbidden.json"),
            429 => include_str!("../../providers/vapi/fixtures/error_rate_limit.json"),
            500 => include_str!("../../providers/vapi/fixtures/error_internal.json"),
            _ => return Refusal::text(status, status.canonical_reason().unwrap_or("Error")),
        };
        Refusal::fixture(status, fixture)
    }

    fn fixture(status: StatusCode, fixture: &str) -> Refusal {
        Refusal {
            status,
            body: serde_json::from_str(fixture).unwrap_or_default(),
            retry_after: None,
        }
    }

    fn with_retry_after(mut self, retry_after: &'static str) -> Refusal {
        self.retry_after = Some(retry_after);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let response = (self.status, Json(self.body)).into_response();
        fault::with_retry_after(response, self.retry_after)
    }
}

/// A JSON object from a request's body.
fn object(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::validation(&["body must be an object".to_owned()])),
        Err(error) => {
            let text = format!("Unexpected token in JSON at position {}", error.column());
            Err(Refusal::text(StatusCode::BAD_REQUEST, &text))
        }
    }
}

/// The texts for properties that the interface does not know.
fn unknown_properties(object: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let unknown = object.keys().filter(|name| !known.contains(&name.as_str()));
    unknown
        .map(|name| format!("property {name} should not exist"))
        .collect()
}
