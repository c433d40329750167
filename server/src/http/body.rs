//! Reading a request's body whole, within a size and a time, and what to answer when it cannot be. It knows neither formats
//! nor who asks.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use tokio::time::timeout;

/// Largest body that is read.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// A body comes within this time.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Why a body was not read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unread {
    /// It is larger than [`MAX_BODY`], or broke off.
    TooLarge,
    /// It did not come within 30 seconds.
    TooSlow,
}

impl Unread {
    /// The status and the words of the refusal.
    pub(crate) fn refusal(self) -> (StatusCode, &'static str) {
        match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is larger than 1 MiB.",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "The body did not come within 30 seconds.",
            ),
        }
    }
}

/// Reads a body to its end.
pub(crate) async fn read(body: Body) -> Result<Bytes, Unread> {
    read_up_to(body, MAX_BODY).await
}

/// The same of a body that may be of another size.
pub(crate) async fn read_up_to(body: Body, most: usize) -> Result<Bytes, Unread> {
    match timeout(BODY_TIME, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Unread::TooLarge),
        Err(_) => Err(Unread::TooSlow),
    }
}
