//! One attempt to deliver: signed, to the addresses that were looked up for it, without redirects and without a proxy. Of the
//! answer only its status is read; its body is not (H5).

use std::time::Duration;

use reqwest::{
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    redirect, retry,
};
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use super::{Failure, address, sign};
use crate::{app::App, error::Result};

/// A connection opens within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A whole attempt takes at most this long.
const ATTEMPT_TIME: Duration = Duration::from_secs(10);

static ID: HeaderName = HeaderName::from_static("webhook-id");
static TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
static SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How an attempt went.
pub(super) struct Attempt {
    pub(super) status: Option<u16>,
    pub(super) duration: Duration,
    /// `None` when it arrived: a status from 200 to 299.
    pub(super) failure: Option<Failure>,
}

/// Sends a body once.
pub(super) async fn send(
    app: &App,
    url: &str,
    secret: &SecretString,
    event_id: &str,
    body: &str,
) -> Result<Attempt> {
    let started = Instant::now();
    let seconds = sign::seconds(app.clock.now());
    let signature = sign::signature(secret, event_id, seconds, body)?;
    let sending = exchange(app, url, event_id, seconds, &signature, body);
    let outcome = tokio::time::timeout(ATTEMPT_TIME, sending)
        .await
        .unwrap_or(Err(Failure::Timeout));
    let duration = started.elapsed();
    let (status, failure) = match outcome {
        Ok(status @ 200..=299) => (Some(status), None),
        Ok(status @ 300..=399) => (Some(status), Some(Failure::Redirect)),
        Ok(410) => (Some(410), Some(Failure::Gone)),
        Ok(status) => (Some(status), Some(Failure::Status)),
        Err(failure) => (None, Some(failure)),
    };
    Ok(Attempt {
        status,
        duration,
        failure,
    })
}

async fn exchange(
    app: &App,
    url: &str,
    event_id: &str,
    seconds: i64,
    signature: &str,
    body: &str,
) -> std::result::Result<u16, Failure> {
    // The rules may have been looser when the address was saved.
    let is_open = address::is_loopback_open(app);
    let url = address::parse(url, is_open).map_err(|_| Failure::AddressRefused)?;
    let addresses = address::resolve(&url, is_open).await?;
    let client = client(&url, &addresses)?;
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_| Failure::ConnectionFailed);
    let response = client
        .post(url)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(&ID, header(event_id)?)
        .header(&TIMESTAMP, HeaderValue::from(seconds))
        .header(&SIGNATURE, header(signature)?)
        .body(body.to_owned())
        .send()
        .await
        .map_err(|error| {
            if error.is_timeout() {
                Failure::Timeout
            } else {
                Failure::ConnectionFailed
            }
        })?;
    Ok(response.status().as_u16())
}

/// A client for one attempt, which knows the host by these addresses alone.
fn client(
    url: &Url,
    addresses: &[std::net::SocketAddr],
) -> std::result::Result<reqwest::Client, Failure> {
    #[expect(
        clippy::disallowed_methods,
        reason = "no key goes this way, and each attempt is pinned to the addresses that were looked up for it"
    )]
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Ringfence/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(retry::never())
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_TIMEOUT);
    if let Some(name) = url.domain() {
        builder = builder.resolve_to_addrs(name, addresses);
    }
    builder.build().map_err(|_| Failure::ConnectionFailed)
}
