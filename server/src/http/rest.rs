//! The REST endpoints under `/api/v1`. Each reads its body, asks its use case and answers JSON with `success`; a refusal has
//! `error` for people and `code` for programs, and so has what is no endpoint: below `/api` nobody gets the web app's page.
//! It holds no rule of the product.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Response, StatusCode},
    response::IntoResponse,
    routing::{any, get, post},
};
use serde::Deserialize;
use serde_json::json;
use tracing::Instrument;
use zeroize::Zeroizing;

use super::{Edge, bearer, body, calls, openapi, origin};
use crate::{
    access::{api_key::ApiKeySecret, throttle::network_of},
    api_keys,
    app::App,
    error::{Error, Result},
};

/// A key that somebody found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exposed {
    key: String,
}

/// Everything below `/api`.
pub(crate) fn routes() -> Router<Edge> {
    Router::new()
        .route("/api/v1/calls/trigger", post(calls::trigger))
        .route("/api/v1/keys/exposed", post(report_exposed_key))
        .route("/api/v1/openapi.json", get(openapi::document))
        // Of the endpoints above, each of which has `post` or `get` of its own.
        .method_not_allowed_fallback(method_not_allowed)
        .route("/api", any(no_endpoint))
        .route("/api/", any(no_endpoint))
        .route("/api/{*path}", any(no_endpoint))
}

async fn no_endpoint() -> Response<Body> {
    bearer::rest_refusal(&Error::NotFound, None)
}

/// The router adds the methods that there are as `Allow`.
async fn method_not_allowed() -> Response<Body> {
    let message =
        "This endpoint does not take this method. The header Allow names those that it takes.";
    let error = Error::QueryRefused(message.to_owned());
    bearer::rest_refusal_as(StatusCode::METHOD_NOT_ALLOWED, &error, None)
}

/// `POST /api/v1/keys/exposed`: whoever found a key has it revoked (A9). The answer does not tell whether it was one.
async fn report_exposed_key(
    State(edge): State<Edge>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(unread) => {
            let (status, message) = unread.refusal();
            let error = Error::QueryRefused(message.to_owned());
            return bearer::rest_refusal_as(status, &error, None);
        }
    };
    let app = edge.app.clone();
    let address = origin::client_address(
        Some(&ConnectInfo(peer)),
        &headers,
        &app.config.trusted_proxies,
    );
    let network = address.map_or_else(
        || "unknown".to_owned(),
        |address| network_of(address).to_string(),
    );
    // In a task of its own, so that a client that hangs up does not cut the transaction in two.
    let work = async move { report(&app, &network, &body).await };
    let task = edge.app.spawn(work.instrument(tracing::Span::current()));
    let answer = match task.await {
        Ok(answer) => answer,
        Err(panic) => Err(Error::internal(panic)),
    };
    match answer {
        Ok(()) => Json(json!({
            "success": true,
            "message": "If this was an API key of this installation, it is revoked now.",
        }))
        .into_response(),
        Err(error) => {
            if let Error::Internal(source) = &error {
                tracing::error!(error = ?source, "a request failed");
            }
            bearer::rest_refusal(&error, None)
        }
    }
}

async fn report(app: &App, network: &str, body: &[u8]) -> Result<()> {
    let reports = &app.throttles.exposures_by_network;
    if let Err(retry_after) = reports.attempt(network, app.clock.now()) {
        let message = "Too many reports from this network. Go on in a minute.".to_owned();
        return Err(Error::TooManyAttempts {
            message,
            retry_after,
        });
    }
    // The parser's own words could repeat what was sent.
    let exposed: Exposed = serde_json::from_slice(body).map_err(|_| {
        Error::invalid(
            "key",
            "Send a JSON object with the key and nothing else: {\"key\": \"bvai_sk_…\"}.",
        )
    })?;
    let key = Zeroizing::new(exposed.key);
    match ApiKeySecret::parse(key.trim()) {
        Some(secret) => api_keys::report(app, &secret).await,
        None => Ok(()),
    }
}
