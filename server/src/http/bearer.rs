//! API keys over HTTP (A2, A4, A5): the `Authorization` header, the status of each refusal, and the headers that every
//! answer to a key carries. A key in an address is refused before anything looks at it. It decides nothing itself:
//! `api_keys::admit` does.

use std::time::Duration;

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    middleware::Next,
    response::IntoResponse,
};
use serde_json::json;

use super::session;
use crate::{
    access::api_key::{self, ApiKeySecret},
    api_keys::{self, Admitted, Refused},
    app::App,
    error::{Code, Error},
    graphql::failure,
    limits::Standing,
};

const MALFORMED: &str = "This is no API key. Send Authorization: Bearer bvai_sk_… with the whole key, as it was shown when it was made.";
const BASIC: &str = "This request has a password in its Authorization header (Basic), as browsers send it along where a proxy asks for one. Ringfence takes API keys there and nothing else: have the proxy take the header away before it passes the request on.";
const IN_ADDRESS: &str = "An API key stands in the address of this request, where proxies and logs keep it. Send it in the Authorization header, and rotate the key: Authorization: Bearer bvai_sk_…";
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"Ringfence\"");

/// The key of a text such as `Bearer bvai_sk_…`.
pub(crate) fn key_of(authorization: &str) -> Result<ApiKeySecret, Error> {
    let parts = authorization.split_once(' ');
    if parts.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) {
        return Err(Error::ApiKeyRefused(BASIC));
    }
    parts
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, key)| ApiKeySecret::parse(key.trim()))
        .ok_or(Error::ApiKeyRefused(MALFORMED))
}

/// The key of a request's header; none of a request without the header. One that is no key is an error, never nobody: its
/// sender meant to prove something.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Option<ApiKeySecret>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => key_of(text).map(Some),
        _ => Err(Error::ApiKeyRefused(MALFORMED)),
    }
}

/// Lets a request with an API key in; none of a request without the header. The cookie of a request with the header counts
/// for nothing.
pub(crate) async fn admit(app: &App, headers: &HeaderMap) -> Result<Option<Admitted>, Refused> {
    let Some(secret) = presented(headers)? else {
        return Ok(None);
    };
    let slug = session::agency_slug(headers)?;
    api_keys::admit(app, &secret, slug.as_deref())
        .await
        .map(Some)
}

/// The status under which an error is told to scripts (A4).
pub(crate) fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::MissingScope | Code::ApiSwitchedOff | Code::PlanWithoutApi => {
            StatusCode::FORBIDDEN
        }
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::RateLimited | Code::TooManyAttempts | Code::TooManyCalls => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Code::NoOutboundNumber
        | Code::ClientArchived
        | Code::NoKey
        | Code::BreakerOpen
        | Code::AccountMismatch
        | Code::AgentInactive => StatusCode::UNPROCESSABLE_ENTITY,
        Code::InvalidInput | Code::QueryRefused => StatusCode::BAD_REQUEST,
        Code::Conflict | Code::ImpactChanged => StatusCode::CONFLICT,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        // What a provider answered, told in the body: the request itself was served.
        _ => StatusCode::OK,
    }
}

/// Writes what every answer to a key says in its headers: how the key stands with its limits, and for a refusal when to come
/// again or how to prove who asks.
pub(crate) fn mark(
    response: &mut Response<Body>,
    standing: Option<&Standing>,
    retry_after: Option<Duration>,
) {
    let headers = response.headers_mut();
    if let Some(standing) = standing {
        let reset = standing.reset_after.as_millis().div_ceil(1000);
        for (name, value) in [
            ("ratelimit-limit", standing.limit.to_string()),
            ("ratelimit-remaining", standing.remaining.to_string()),
            ("ratelimit-reset", reset.to_string()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    if let Some(wait) = retry_after {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            headers.insert(header::RETRY_AFTER, value);
        }
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
}

/// A refusal as REST endpoints tell it: `{"success": false, "error", "code"}`.
pub(crate) fn rest_refusal(error: &Error, standing: Option<&Standing>) -> Response<Body> {
    rest_refusal_as(status_of(error.code()), error, standing)
}

/// The same under a status that HTTP has for it.
pub(crate) fn rest_refusal_as(
    status: StatusCode,
    error: &Error,
    standing: Option<&Standing>,
) -> Response<Body> {
    let body =
        json!({ "success": false, "error": error.to_string(), "code": error.code().as_str() });
    let mut response = (status, Json(body)).into_response();
    mark(&mut response, standing, error.retry_after());
    response
}

/// Refuses a request whose address holds a key, wherever it goes (A2). Log lines hold no address.
pub(crate) async fn refuse_in_address(request: Request, next: Next) -> Response<Body> {
    let uri = request.uri();
    let address = uri
        .path_and_query()
        .map_or_else(|| uri.path(), |both| both.as_str());
    if !api_key::is_mentioned_in(address) {
        return next.run(request).await;
    }
    let error = Error::QueryRefused(IN_ADDRESS.to_owned());
    if uri.path() == "/graphql" {
        let id = request.extensions().get::<super::observe::RequestId>();
        let id = id.map_or_else(String::new, |id| id.0.clone());
        let body = failure::response(error, &id);
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    rest_refusal(&error, None)
}
