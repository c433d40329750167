//! Bland as the sandbox speaks it: its routes, the error bodies of both envelopes, the form of its items and the sample
//! keys. The handlers are in `agents`, `calls` and `numbers`. It must keep to the wire facts and invent no endpoint.

mod agents;
mod calls;
mod numbers;
mod personas;
mod query;
mod sample;

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::Timestamp;
use crate::providers::ProviderKind;

use super::accounts::{Account, Item, Resource};
use super::calls::{Call, Hook};
use super::dialect::{Dialect, Samples};
use super::gate::Caller;
use super::webhooks::hmac_hex;
use super::{SampleKey, Shared, gate};

/// Where an account keeps its v2 agents; its personas are its agents to the rest of the sandbox.
const AGENTS: &str = "agents";
/// Where it keeps its pathways.
const PATHWAYS: &str = "pathways";
/// Where it keeps its balance, when that is not the usual one: one item.
const BILLING: &str = "billing";

/// The keys that every fresh sandbox knows.
pub(super) const SAMPLE_KEYS: &[SampleKey] = &[
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::GOOD,
        outcome: "Works: an agency's account with 29 personas, 4 agents, 4 pathways and 11 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::GOOD_SECOND,
        outcome: "Works and opens another account, with 9 personas, an agent and 2 phone numbers.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::NO_NUMBERS,
        outcome: "Works without permission for phone numbers: saved as limited.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::NO_FUNDS,
        outcome: "Accepted, but the account's balance is below zero.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::REVOKED,
        outcome: "Revoked: Bland refuses it.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::THROTTLED,
        outcome: "Rate-limited: Bland asks to wait 24 seconds.",
    },
    SampleKey {
        provider: ProviderKind::Bland,
        key: sample::DOWN,
        outcome: "Bland is down and answers 500.",
    },
];

/// Bland.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bland;

impl Dialect for Bland {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Bland
    }

    /// The header's whole value: with a scheme before it, it is another key.
    fn key(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        Some(value.to_owned())
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
        if path.ends_with("/inbound/detach") {
            return Some(Resource::PhoneNumbers);
        }
        match path.trim_start_matches('/').split('/').nth(1) {
            Some("personas" | "agents" | "pathway") => Some(Resource::Agents),
            Some("inbound") => Some(Resource::PhoneNumbers),
            Some("calls") => Some(Resource::Calls),
            _ => None,
        }
    }

    fn is_list(&self, method: &Method, route: &str) -> bool {
        method == Method::GET
            && !route.contains('{')
            && !route.ends_with("/v1/me")
            && route != "unknown"
    }

    fn samples(&self) -> Samples {
        Samples {
            accounts: sample::accounts().into(),
            keys: sample::keys().into(),
        }
    }

    fn add_agent(&self, account: &mut Account, name: &str, at: OffsetDateTime) -> String {
        let id = account.next_id("persona");
        account.agents.push_front(Item {
            id: id.clone(),
            created_at: at,
            updated_at: at,
            body: sample::seeded_persona(name),
        });
        id
    }

    fn add_number(
        &self,
        account: &mut Account,
        number: usize,
        answered_by: Option<&str>,
        at: OffsetDateTime,
    ) {
        account.numbers.push_front(Item {
            id: format!("+1555{number:07}"),
            created_at: at,
            updated_at: at,
            body: sample::seeded_number(number, answered_by),
        });
    }

    fn rename_agent(&self, agent: &mut Item, name: &str) {
        agent.body.insert("name".to_owned(), json!(name));
    }

    fn call_id(&self, uuid: &str, _ordinal: u64) -> String {
        uuid.to_owned()
    }

    /// A persona has no webhook of its own.
    fn agent_hook(&self, _account: &Account, _agent: Option<&str>) -> Option<Hook> {
        None
    }

    fn call_events(
        &self,
        _account: &Account,
        call: &Call,
        _now: Timestamp,
    ) -> Vec<(String, Value)> {
        calls::events(call)
    }

    fn signature(&self, secret: &str, body: &[u8], _: Timestamp) -> Option<(&'static str, String)> {
        Some(("X-Webhook-Signature", hmac_hex(secret, &[body])))
    }

    /// Nothing is signed until a secret is made in the dashboard.
    fn first_webhook_secret(&self, _key: &str) -> Option<String> {
        None
    }

    fn webhook_retries(&self) -> u32 {
        2
    }
}

/// The routes below `/bland`.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/v1/me", get(me))
        .route(
            "/v1/personas",
            get(agents::list_personas).post(personas::create),
        )
        .route(
            "/v1/personas/{id}",
            get(agents::read_persona).patch(personas::update),
        )
        .route(
            "/v1/personas/{id}/versions/promote",
            post(personas::promote),
        )
        .route("/v1/personas/{id}/inbound/detach", post(numbers::detach))
        .route(
            "/v2/agents",
            get(agents::list_agents).post(agents::create_agent),
        )
        .route("/v2/agents/{id}", get(agents::read_agent))
        .route("/v2/agents/{id}/environments", get(agents::environments))
        .route("/v2/agents/{id}/versions/{version}", get(agents::version))
        .route("/v1/pathway", get(agents::list_pathways))
        .route("/v1/pathway/{id}", get(agents::read_pathway))
        .route("/v1/inbound", get(numbers::list))
        .route(
            "/v1/inbound/{number}",
            get(numbers::read).post(numbers::update),
        )
        .route("/v1/voices", get(voices))
        .route("/v1/calls", get(calls::list).post(calls::place))
        .route("/v1/calls/{id}", get(calls::read))
        .route("/v1/calls/{id}/stop", post(calls::stop))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route);
    gate::guarded(routes, shared, &Bland)
}

async fn me(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let mut body = fixture(include_str!("../../providers/bland/fixtures/me.json"));
    let billing = account
        .others
        .get(BILLING)
        .and_then(|billing| billing.front());
    if let Some(billing) = billing {
        body["billing"] = Value::Object(billing.body.clone());
    }
    Ok(Json(body))
}

async fn voices() -> Json<Value> {
    Json(fixture(include_str!(
        "../../providers/bland/fixtures/voices.json"
    )))
}

async fn unknown_route(method: Method, uri: Uri) -> Response {
    let page = format!("<!DOCTYPE html><pre>Cannot {method} {}</pre>\n", uri.path());
    (StatusCode::NOT_FOUND, axum::response::Html(page)).into_response()
}

/// An error as Bland answers it, in the envelope of the part that refuses.
#[derive(Clone, Debug)]
struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    /// In the older envelope; a refused key is always told in the newer one.
    fn text(status: StatusCode, message: &str) -> Refusal {
        if status == StatusCode::UNAUTHORIZED {
            return Refusal::coded(status, "AUTH_FAILURE", message);
        }
        let body = json!({ "status": "error", "message": message });
        Refusal { status, body }
    }

    /// In the newer envelope.
    fn coded(status: StatusCode, code: &str, message: &str) -> Refusal {
        let body = json!({ "data": null, "errors": [{ "error": code, "message": message }] });
        Refusal { status, body }
    }

    /// The text that Bland usually has for a status.
    fn usual(status: StatusCode) -> Refusal {
        let fixture = match status.as_u16() {
            401 => include_str!("../../providers/bland/fixtures/error_invalid_key.json"),
            402 => include_str!("../../providers/bland/fixtures/error_no_funds.json"),
            403 => include_str!("../../providers/bland/fixtures/error_forbidden.json"),
            429 => include_str!("../../providers/bland/fixtures/error_rate_limit.json"),
            500 => include_str!("../../providers/bland/fixtures/error_internal.json"),
            _ => return Refusal::text(status, status.canonical_reason().unwrap_or("Error")),
        };
        Refusal::fixture(status, fixture)
    }

    fn not_found(fixture: &str) -> Refusal {
        Refusal::fixture(StatusCode::NOT_FOUND, fixture)
    }

    fn fixture(status: StatusCode, text: &str) -> Refusal {
        let body = fixture(text);
        Refusal { status, body }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// A success in the newer envelope.
fn enveloped(data: &Value) -> Json<Value> {
    Json(json!({ "data": data, "errors": null }))
}

/// A key that is restricted to some agents is refused the others.
fn check_visible(caller: &Caller, id: &str) -> Result<(), Refusal> {
    if caller.sees(id) {
        Ok(())
    } else {
        Err(Refusal::usual(StatusCode::FORBIDDEN))
    }
}

/// The account went away with a reset between the check of the key and the answer.
fn gone() -> Refusal {
    Refusal::usual(StatusCode::UNAUTHORIZED)
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// An item as on the wire: this, its id and its times.
fn wire_form(item: &Item, mut object: Map<String, Value>) -> Value {
    object.insert("id".to_owned(), json!(item.id));
    object.insert("created_at".to_owned(), json!(iso(item.created_at)));
    object.insert("updated_at".to_owned(), json!(iso(item.updated_at)));
    Value::Object(object)
}

/// ISO 8601 with milliseconds, as Bland writes it.
fn iso(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(format).unwrap_or_default()
}
