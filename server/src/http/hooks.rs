//! `POST /hooks/{provider}/{id}`: where providers report on calls (C5). It reads the body within its bounds, hands it with its
//! headers to the use case and answers with a status and no word: who cannot prove a webhook is not told what was wrong with
//! it. It holds no rule of the product.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use tracing::Instrument;

use super::{
    Edge,
    body::{Unread, read_up_to},
};
use crate::{
    calls::webhook::{self, Received},
    providers::{ProviderKind, ReceivedWebhook},
};

/// The report of a long call comes with all that was said in it.
const MAX_WEBHOOK: usize = 4 * 1024 * 1024;
/// A webhook that finds no room within this time is asked to come again.
const ROOM_TIME: Duration = Duration::from_secs(5);

/// Takes a webhook in. A repetition is taken like the first; the same 401 says that nothing has this address, and that the
/// signature is wrong or too old.
pub(crate) async fn receive(
    State(edge): State<Edge>,
    Path((provider, id)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match read_up_to(body, MAX_WEBHOOK).await {
        Ok(body) => body,
        Err(Unread::TooLarge) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(Unread::TooSlow) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let Some(provider) = ProviderKind::parse(&provider) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let work = {
        let app = edge.app.clone();
        async move {
            let room = tokio::time::timeout(ROOM_TIME, app.webhook_permits.acquire()).await;
            let Ok(Ok(_permit)) = room else {
                return Ok(None);
            };
            let webhook = ReceivedWebhook {
                headers: &parts.headers,
                body: &body,
            };
            webhook::receive(&app, provider, &id, &webhook)
                .await
                .map(Some)
        }
    };
    // In a task of its own, so that a client that hangs up does not cut the transaction in two.
    let task = edge.app.spawn(work.instrument(tracing::Span::current()));
    let received = task
        .await
        .unwrap_or_else(|panic| Err(crate::error::Error::internal(panic)));
    match received {
        Ok(Some(Received::Taken)) => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(Received::Refused)) => StatusCode::UNAUTHORIZED.into_response(),
        Ok(Some(Received::Unreadable)) => StatusCode::BAD_REQUEST.into_response(),
        Ok(None) => busy(),
        Err(error) => {
            tracing::error!(error = ?error, "a webhook could not be taken in");
            busy()
        }
    }
}

/// Providers that repeat webhooks send it again; what others lose is found by asking.
fn busy() -> Response<Body> {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, "5")],
    )
        .into_response()
}
