//! Retell as the sandbox speaks it: its routes, its error bodies, and what the shared gate must know of it. The handlers are
//! in `agents`, `calls`, `language_models` and `phone_numbers`, how lists are cut in `query`, the made-up accounts in `sample`. It
//! must keep to the wire facts and invent no endpoint.

mod agents;
mod calls;
mod language_models;
mod phone_numbers;
mod query;
mod sample;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::clock::Timestamp;
use crate::providers::ProviderKind;

use super::accounts::{Account, Item, Resource};
use super::calls::{Call, Hook};
use super::dialect::{Dialect, Samples, bearer};
use super::gate::{self, Caller};
use super::webhooks::hmac_hex;
use super::{SampleKey, Shared};

/// The keys that every fresh sandbox knows.
pub(super) const SAMPLE_KEYS: &[SampleKey] = &[
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::GOOD,
        outcome: "Works: an agency's account with 36 agents and 10 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::GOOD_SECOND,
        outcome: "Works and opens another account, with 8 agents and 2 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::NO_NUMBERS,
        outcome: "Works without permission for phone numbers: saved as limited.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::NO_FUNDS,
        outcome: "Accepted, but the account is out of funds.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::REVOKED,
        outcome: "Revoked: Retell refuses it.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::THROTTLED,
        outcome: "Rate-limited: Retell asks to wait 24 seconds.",
    },
    SampleKey {
        provider: ProviderKind::Retell,
        key: sample::DOWN,
        outcome: "Retell is down and answers 500.",
    },
];

/// Where an account keeps its language models.
const LANGUAGE_MODELS: &str = "language_models";
/// Where an account keeps what it is called.
const ORGANISATION: &str = "organisation";

/// Retell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retell;

impl Dialect for Retell {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Retell
    }

    fn key(&self, headers: &HeaderMap) -> Option<String> {
        bearer(headers)
    }

    fn refusal(&self, status: StatusCode, text: Option<&str>) -> Response {
        text.map_or_else(
            || Refusal::usual(status),
            |text| Refusal::text(status, text),
        )
        .into_response()
    }

    fn refusal_without_key(&self) -> Response {
        Refusal::usual(StatusCode::UNAUTHORIZED).into_response()
    }

    fn resource(&self, path: &str) -> Option<Resource> {
        let mut segments = path.trim_start_matches('/').split('/');
        let first = segments.next()?;
        let operation = match first {
            "v2" | "v3" => segments.next()?,
            operation => operation,
        };
        match operation {
            "list-agents"
            | "get-agent"
            | "create-agent"
            | "update-agent"
            | "publish-agent-version"
            | "list-retell-llms"
            | "get-retell-llm"
            | "create-retell-llm"
            | "update-retell-llm"
            | "delete-retell-llm" => Some(Resource::Agents),
            "list-phone-numbers" | "get-phone-number" | "update-phone-number" => {
                Some(Resource::PhoneNumbers)
            }
            "list-calls" | "create-phone-call" | "get-call" | "stop-call" => Some(Resource::Calls),
            _ => None,
        }
    }

    fn is_list(&self, _method: &Method, route: &str) -> bool {
        route.contains("/list-")
    }

    fn samples(&self) -> Samples {
        Samples {
            accounts: sample::accounts().into(),
            keys: sample::keys().into(),
        }
    }

    fn add_agent(&self, account: &mut Account, name: &str, at: OffsetDateTime) -> String {
        sample::add_seeded_agent(account, name, at)
    }

    fn add_number(
        &self,
        account: &mut Account,
        number: usize,
        answered_by: Option<&str>,
        at: OffsetDateTime,
    ) {
        sample::add_seeded_number(account, number, answered_by, at);
    }

    fn rename_agent(&self, agent: &mut Item, name: &str) {
        agent.body.insert("agent_name".to_owned(), json!(name));
    }

    fn call_id(&self, uuid: &str, ordinal: u64) -> String {
        query::id("call", uuid, ordinal)
    }

    fn agent_hook(&self, account: &Account, agent: Option<&str>) -> Option<Hook> {
        let agent = &account.agents[query::position(&account.agents, agent?)?];
        calls::hook(&agent.body)
    }

    fn call_events(
        &self,
        _account: &Account,
        call: &Call,
        _now: Timestamp,
    ) -> Vec<(String, Value)> {
        calls::events(call)
    }

    fn signature(
        &self,
        secret: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Option<(&'static str, String)> {
        let signed_at = now.as_millis().to_string();
        let digest = hmac_hex(secret, &[body, signed_at.as_bytes()]);
        Some(("x-retell-signature", format!("v={signed_at},d={digest}")))
    }

    fn first_webhook_secret(&self, key: &str) -> Option<String> {
        Some(key.to_owned())
    }

    fn webhook_retries(&self) -> u32 {
        3
    }
}

/// The routes below `/retell`.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/get-api-key-info", get(api_key_info))
        .route("/get-concurrency", get(concurrency))
        .route("/v2/list-agents", post(agents::list))
        .route("/list-agents", get(agents::list_of_old))
        .route("/get-agent/{id}", get(agents::read))
        .route("/create-agent", post(agents::create))
        .route("/update-agent/{id}", patch(agents::update))
        .route("/publish-agent-version/{id}", post(agents::publish))
        .route("/v2/list-retell-llms", get(language_models::list))
        .route("/create-retell-llm", post(language_models::create))
        .route("/delete-retell-llm/{id}", delete(language_models::delete))
        .route("/get-retell-llm/{id}", get(language_models::read))
        .route("/update-retell-llm/{id}", patch(language_models::update))
        .route("/v2/list-phone-numbers", get(phone_numbers::list))
        .route("/get-phone-number/{id}", get(phone_numbers::read))
        .route("/update-phone-number/{id}", patch(phone_numbers::update))
        .route("/v3/list-calls", post(calls::list))
        .route("/v2/create-phone-call", post(calls::place))
        .route("/v2/get-call/{id}", get(calls::read))
        .route("/v2/stop-call/{id}", post(calls::stop))
        .route("/list-voices", get(list_voices))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route);
    gate::guarded(routes, shared, &Retell)
}

async fn api_key_info(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let organisation = account
        .others
        .get(ORGANISATION)
        .and_then(|items| items.front());
    let name = organisation.and_then(|item| item.text("org_name"));
    let mut info = template(include_str!(
        "../../providers/retell/fixtures/api_key_info.json"
    ));
    info.insert("org_id".to_owned(), json!(account.remote_id));
    info.insert(
        "org_name".to_owned(),
        json!(name.unwrap_or("Seeded organisation")),
    );
    Ok(Json(Value::Object(info)))
}

async fn concurrency() -> Json<Value> {
    let fixture = include_str!("../../providers/retell/fixtures/concurrency.json");
    Json(Value::Object(template(fixture)))
}

async fn list_voices() -> Json<Value> {
    let fixture = include_str!("../../providers/retell/fixtures/voices.json");
    Json(serde_json::from_str(fixture).unwrap_or_default())
}

async fn unknown_route() -> Refusal {
    Refusal::text(StatusCode::NOT_FOUND, "Not Found")
}

/// An error as Retell answers it.
#[derive(Clone, Debug)]
struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn text(status: StatusCode, message: &str) -> Refusal {
        Refusal {
            status,
            body: json!({ "status": "error", "message": message }),
        }
    }

    /// The text that Retell usually has for a status.
    fn usual(status: StatusCode) -> Refusal {
        let fixture = match status.as_u16() {
            400 => include_str!("../../providers/retell/fixtures/error_bad_request.json"),
            401 => include_str!("../../providers/retell/fixtures/error_invalid_key.json"),
            402 => include_str!("../../providers/retell/fixtures/error_no_funds.json"),
            403 => include_str!("../../providers/retell/fixtures/error_forbidden.json"),
            422 => include_str!("../../providers/retell/fixtures/error_not_found.json"),
            429 => include_str!("../../providers/retell/fixtures/error_rate_limit.json"),
            500 => include_str!("../../providers/retell/fixtures/error_internal.json"),
            _ => return Refusal::text(status, status.canonical_reason().unwrap_or("Error")),
        };
        Refusal {
            status,
            body: serde_json::from_str(fixture).unwrap_or_default(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// What is asked for is not there: a 422 with Retell.
fn not_found() -> Refusal {
    Refusal::usual(StatusCode::UNPROCESSABLE_ENTITY)
}

/// The account has gone since the key was looked at: a reset came between.
fn gone() -> Refusal {
    Refusal::usual(StatusCode::UNAUTHORIZED)
}

/// A JSON object from a request's body; no body is an empty one.
fn object(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Refusal::usual(StatusCode::BAD_REQUEST)),
    }
}

/// A fixture of Retell's client.
fn template(fixture: &str) -> Map<String, Value> {
    serde_json::from_str(fixture).expect("the fixtures are checked by the conversion tests")
}

/// Milliseconds of the Unix epoch, as Retell writes times.
fn millis(at: OffsetDateTime) -> Value {
    json!(at.unix_timestamp_nanos() / 1_000_000)
}
