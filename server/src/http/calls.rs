//! `POST /api/v1/calls/trigger`: reads the body field by field, so that what is wrong is named (C2), asks the same use case as
//! `triggerCall` (C1), and gives each outcome its status. It holds no rule of the product.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};
use tracing::Instrument;

use super::{
    Edge, bearer,
    body::{self, Unread},
};
use crate::{
    access::{Permission, Viewer, policy::Use},
    api_keys,
    app::App,
    calls::{
        Origin, State as CallState,
        place::{self, Answered, NewCall},
    },
    error::{Code, Error, Result},
    graphql::trigger_call::checked_variables,
    id::{AgentId, PhoneNumberId},
    limits::Standing,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Places a call.
pub(crate) async fn trigger(State(edge): State<Edge>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body::read(body).await;
    // Only now: what is revoked while the body comes in is refused (A8), and what is counted is carried out (A5).
    let admitted = match bearer::admit(&edge.app, &parts.headers).await {
        Ok(Some(admitted)) => admitted,
        Ok(None) => {
            let error =
                Error::ApiKeyRefused("This needs an API key. Send Authorization: Bearer bvai_sk_…");
            return bearer::rest_refusal(&error, None);
        }
        Err(refused) => return bearer::rest_refusal(&refused.error, refused.standing.as_ref()),
    };
    let (viewer, standing) = (admitted.viewer, admitted.standing);
    let work = {
        let (app, viewer) = (edge.app.clone(), viewer.clone());
        async move { place(&app, &viewer, &parts.headers, body).await }
    };
    // In a task of its own, so that a client that hangs up does not cut the call in two.
    let task = edge.app.spawn(work.instrument(tracing::Span::current()));
    let answered = match task.await {
        Ok(answered) => answered,
        Err(panic) => Err(Error::internal(panic)),
    };
    let response = match answered {
        Ok(answered) => answer(&answered, &standing),
        Err(error) => refusal(&error, &standing),
    };
    if !response.status().is_success() {
        api_keys::usage::note_error(&edge.app, &viewer);
    }
    response
}

async fn place(
    app: &App,
    viewer: &Viewer,
    headers: &HeaderMap,
    body: Result<Bytes, Unread>,
) -> Result<Answered> {
    if let Some(refusal) = viewer.refusal(Permission::PlaceCalls, Use::Write) {
        return Err(refusal);
    }
    let body = body.map_err(|unread| Error::invalid("body", unread.refusal().1))?;
    let new = read(&body, idempotency_key(headers)?)?;
    place::place(app, viewer, &new).await
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let wrong = || {
        Error::invalid(
            "Idempotency-Key",
            "Send one Idempotency-Key of 1 to 255 printable ASCII characters.",
        )
    };
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.to_str().map_err(|_| wrong())?.to_owned())),
        _ => Err(wrong()),
    }
}

/// The fields of the body, each taken out of it once.
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, field: &'static str) -> Result<Option<String>> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(
                field,
                format!("{field} is a text, in quotation marks."),
            )),
        }
    }

    fn needed(&mut self, field: &'static str, example: &str) -> Result<String> {
        self.text(field)?.ok_or_else(|| {
            Error::invalid(
                field,
                format!("{field} is missing. Send it, such as {example}."),
            )
        })
    }

    fn variables(&mut self) -> Result<BTreeMap<String, String>> {
        let wrong = || {
            Error::invalid(
                "variables",
                "variables is an object of texts, such as {\"first_name\": \"Ada\"}.",
            )
        };
        let given = match self.0.remove("variables") {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Object(given)) => given,
            Some(_) => return Err(wrong()),
        };
        let texts: Option<Vec<(String, String)>> = given
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(value) => Some((name, value)),
                _ => None,
            })
            .collect();
        checked_variables(texts.ok_or_else(wrong)?.into_iter())
    }
}

fn read(body: &[u8], idempotency_key: Option<String>) -> Result<NewCall> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(Error::invalid(
            "body",
            "The body is not a JSON object, such as {\"phone_number\": \"+15551234567\", \"agent_id\": \"…\"}.",
        ));
    };
    let mut fields = Fields(fields);
    let to = fields.needed("phone_number", "\"+15551234567\"")?;
    let agent = fields.needed(
        "agent_id",
        "the id of one of `agents { nodes { id name } }`",
    )?;
    let from = fields.text("from_number_id")?;
    let variables = fields.variables()?;
    if !fields.0.is_empty() {
        return Err(Error::invalid(
            "body",
            "The body has a field that is not known here. Send phone_number, agent_id, and perhaps from_number_id and variables.",
        ));
    }
    Ok(NewCall {
        agent: AgentId::from(agent.as_str()),
        to,
        from: from.map(|id| PhoneNumberId::from(id.as_str())),
        variables,
        origin: Origin::Api,
        idempotency_key,
    })
}

/// The answer to a call whose intent was written down.
fn answer(answered: &Answered, standing: &Standing) -> Response<Body> {
    let row = &answered.row;
    let about = json!({
        "call_id": row.id,
        "status": answered.state.as_str(),
        "provider": row.provider,
        "paid_by": row.payer,
        "agent_id": row.agent_id,
        "phone_number": row.to_number,
        "from_number": row.from_number,
        "created_at": row.created_at.to_string(),
    });
    let (status, outcome) = match answered.placed() {
        // Whether it was dialled is found out later; the call's own page and `call(id)` tell.
        Ok(_) if answered.state == CallState::Unknown => {
            (StatusCode::ACCEPTED, json!({ "success": true }))
        }
        Ok(_) => (StatusCode::OK, json!({ "success": true })),
        Err(error) => (
            status_of(error.code()),
            json!({ "success": false, "error": error.to_string(), "code": error.code().as_str() }),
        ),
    };
    let mut body = outcome;
    if let (Value::Object(body), Value::Object(about)) = (&mut body, about) {
        body.extend(about);
    }
    let mut response = (status, Json(body)).into_response();
    if answered.is_replay {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    bearer::mark(&mut response, Some(standing), None);
    response
}

/// The answer to a request of which nothing was written down.
fn refusal(error: &Error, standing: &Standing) -> Response<Body> {
    if let Error::Internal(source) = error {
        tracing::error!(error = ?source, "a request failed");
    }
    let message = match error {
        Error::Internal(_) => "Something went wrong.".to_owned(),
        error => error.to_string(),
    };
    let mut body = json!({ "success": false, "error": message, "code": error.code().as_str() });
    if let Some(field) = error.field() {
        body["field"] = json!(snake_case(field));
    }
    let mut response = (status_of(error.code()), Json(body)).into_response();
    bearer::mark(&mut response, Some(standing), error.retry_after());
    response
}

/// A field as this endpoint writes it: the use case names it as GraphQL does.
fn snake_case(field: &str) -> String {
    match field {
        "idempotencyKey" => "Idempotency-Key".to_owned(),
        "phoneNumber" => "phone_number".to_owned(),
        "fromNumberId" => "from_number_id".to_owned(),
        "agentId" => "agent_id".to_owned(),
        other => other.to_owned(),
    }
}

/// The status of an outcome: here what a provider answered is one, too, because the request was for nothing else.
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::NoFunds => StatusCode::PAYMENT_REQUIRED,
        Code::KeyRejected
        | Code::MissingPermission
        | Code::KeyUnreadable
        | Code::ProviderRefused => StatusCode::UNPROCESSABLE_ENTITY,
        Code::ProviderRateLimited => StatusCode::SERVICE_UNAVAILABLE,
        Code::ProviderUnreachable | Code::ProviderAnswerMalformed => StatusCode::BAD_GATEWAY,
        other => bearer::status_of(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A4: docs/API.md lists each error code once, with the status that it has here.
    #[test]
    fn the_documented_statuses_are_those_of_the_answers() {
        const DOCUMENT: &str = include_str!("../../../docs/API.md");
        let rows: Vec<(&str, &str)> = DOCUMENT
            .lines()
            .filter_map(|line| {
                let mut cells = line.split('|').map(str::trim).skip(1);
                let code = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
                Code::parse(code).map(|_| (code, cells.next().unwrap_or_default()))
            })
            .collect();
        assert_eq!(rows.len(), Code::ALL.len());
        for code in Code::ALL {
            let status = status_of(code);
            let status = if status == StatusCode::OK {
                "–"
            } else {
                status.as_str()
            };
            assert!(rows.contains(&(code.as_str(), status)), "{code:?} {status}");
        }
    }
}
