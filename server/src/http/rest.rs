//! The REST endpoints under `/api/v1`. Each reads its body, asks its use case and answers JSON with `success`; a refusal has
//! `error` for people and `code` for programs. It holds no rule of the product.

use std::net::SocketAddr;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{HeaderMap, Response},
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::json;
use tracing::Instrument;
use zeroize::Zeroizing;

use super::{Edge, bearer, origin};
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

/// `POST /api/v1/keys/exposed`: whoever found a key has it revoked (A9). The answer does not tell whether it was one.
pub(crate) async fn report_exposed_key(
    State(edge): State<Edge>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
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
