//! Vapi as the sandbox speaks it: its routes, the error bodies, the form of its items and the sample keys. The handlers
//! are in `assistants`, `calls` and `phone_numbers`. It must keep to the wire facts and invent no endpoint.

mod assistants;
mod calls;
mod phone_numbers;
mod query;
mod sample;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::Timestamp;
use crate::providers::ProviderKind;

use super::accounts::{Account, Item, Resource};
use super::calls::{Call, Hook};
use super::dialect::{Dialect, Samples, bearer};
use super::{SampleKey, Shared, gate};

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

/// Vapi.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vapi;

impl Dialect for Vapi {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Vapi
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
        Refusal::missing_header().into_response()
    }

    fn resource(&self, path: &str) -> Option<Resource> {
        let path = path.strip_prefix("/v2").unwrap_or(path);
        match path.trim_start_matches('/').split('/').next() {
            Some("assistant") => Some(Resource::Agents),
            Some("phone-number") => Some(Resource::PhoneNumbers),
            Some("call") => Some(Resource::Calls),
            _ => None,
        }
    }

    fn is_list(&self, method: &Method, route: &str) -> bool {
        method == Method::GET && !route.ends_with("/{id}") && route != "unknown"
    }

    fn samples(&self) -> Samples {
        Samples {
            accounts: sample::accounts().into(),
            keys: sample::keys().into(),
        }
    }

    fn add_agent(&self, account: &mut Account, name: &str, at: OffsetDateTime) -> String {
        let body = sample::seeded_assistant(name);
        let id = account.next_id("assistant");
        account.agents.push_front(Item {
            id: id.clone(),
            created_at: at,
            updated_at: at,
            body,
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
        let id = account.next_id("phone-number");
        account.numbers.push_front(Item {
            id,
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

    fn agent_hook(&self, account: &Account, agent: Option<&str>) -> Option<Hook> {
        let agent = account
            .agents
            .iter()
            .find(|item| Some(item.id.as_str()) == agent)?;
        calls::hook(&agent.body)
    }

    fn call_events(&self, account: &Account, call: &Call, now: Timestamp) -> Vec<(String, Value)> {
        calls::events(account, call, now)
    }

    /// Vapi signs nothing: what proves the origin is a header that was set along with the address.
    fn signature(&self, _: &str, _: &[u8], _: Timestamp) -> Option<(&'static str, String)> {
        None
    }

    fn first_webhook_secret(&self, _key: &str) -> Option<String> {
        None
    }

    fn webhook_retries(&self) -> u32 {
        0
    }
}

/// The routes below `/vapi`.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
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
        .route("/call", get(calls::list).post(calls::place))
        .route("/call/{id}", get(calls::read))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route);
    gate::guarded(routes, shared, &Vapi)
}

async fn unknown_route(method: Method, uri: Uri) -> Refusal {
    Refusal::text(
        StatusCode::NOT_FOUND,
        &format!("Cannot {method} {}", uri.path()),
    )
}

/// An error as Vapi answers it.
#[derive(Clone, Debug)]
struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn new(status: StatusCode, message: &Value) -> Refusal {
        let error = status.canonical_reason().unwrap_or("Error");
        let body = json!({ "message": message, "error": error, "statusCode": status.as_u16() });
        Refusal { status, body }
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
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
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

/// An item as on the wire.
fn wire_form(item: &Item, org_id: &str) -> Value {
    let mut object = item.body.clone();
    object.insert("id".to_owned(), json!(item.id));
    object.insert("orgId".to_owned(), json!(org_id));
    object.insert("createdAt".to_owned(), json!(iso(item.created_at)));
    object.insert("updatedAt".to_owned(), json!(iso(item.updated_at)));
    Value::Object(object)
}

/// ISO 8601 with milliseconds, as Vapi writes it.
fn iso(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(format).unwrap_or_default()
}
