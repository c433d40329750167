//! The one way out to a provider. It owns the HTTP client and what holds for every request: which addresses a key may
//! be sent to (K14), the deadline, the size limit, no redirects, no proxies, no retries, and what is logged.
//! It knows no provider's errors, and it must never log or return a header, a body or a query.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, field};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{ProviderError, ProviderKind, Target, Unavailable};

pub use super::redact::{scrub, scrub_message};

/// How long a connection may take to open; the deadline of the request counts too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A page of a thousand agents with long prompts stays far below it.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Bounds of what a provider may ask us to wait. Zero would make callers spin.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// The date form of HTTP headers, RFC 9110 5.6.7.
const HTTP_DATE: &[BorrowedFormatItem<'static>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client for providers cannot be set up; it needs the system's CA certificates \
     (on Debian the package ca-certificates)"
)]
pub struct HttpClientError(#[source] reqwest::Error);

/// Why a base URL is none that a key may be sent to (K14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Plain http beyond this machine, or another scheme.
    #[error("must begin with https:// (plain http:// only to a loopback address)")]
    Scheme,
    /// A user name or password in the URL.
    #[error("must not contain a user name or password")]
    Credentials,
    /// Something after the path.
    #[error("must end with the path, without a query or fragment")]
    Query,
}

/// Whether a key may be sent to this base URL: https, or http to loopback (K14).
pub fn check_base_url(url: &Url) -> Result<(), BaseUrlError> {
    match url.scheme() {
        "https" if url.host().is_some() => {}
        "http" if is_loopback(url) => {}
        _ => return Err(BaseUrlError::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Query);
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The one HTTP client of the process. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    max_body_bytes: usize,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// How a provider wants the key in the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authorization {
    /// After the word `Bearer`.
    Bearer,
    /// By itself.
    Bare,
}

/// A request as a provider's folder describes it.
pub(super) struct ApiRequest<'a> {
    pub(super) provider: ProviderKind,
    pub(super) authorization: Authorization,
    pub(super) method: Method,
    /// The path with placeholders, for the log.
    pub(super) route: &'static str,
    /// The path below the base URL; each segment is encoded, so an id cannot leave its place.
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a serde_json::Value>,
}

/// An answer with any status but a redirect. It has no `Debug`, so that it cannot be logged.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    body: Zeroizing<Vec<u8>>,
}

/// What an answer begins with when it is what the interface promises.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    List,
    Object,
}

impl HttpClient {
    /// Sets the client up. Once per process, so that connections are shared.
    pub fn new() -> Result<HttpClient, HttpClientError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that owns the client"
        )]
        let builder = reqwest::Client::builder();
        let client = builder
            .user_agent(concat!("Ringfence/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy from the environment would see requests to loopback, keys included.
            .no_proxy()
            .referer(false)
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(HttpClientError)?;
        Ok(HttpClient {
            client,
            max_body_bytes: MAX_BODY_BYTES,
        })
    }

    /// The same with a small size limit, so that a test need not send 64 MiB.
    #[cfg(test)]
    pub(super) fn with_max_body_bytes(mut self, max_body_bytes: usize) -> HttpClient {
        self.max_body_bytes = max_body_bytes;
        self
    }

    /// Sends one request and reads the whole answer before the target's deadline.
    pub(super) async fn send(
        &self,
        target: &Target<'_>,
        request: &ApiRequest<'_>,
    ) -> Result<Answer, ProviderError> {
        let span = tracing::debug_span!(
            "provider.request",
            provider.kind = request.provider.as_str(),
            http.method = request.method.as_str(),
            http.route = request.route,
            http.status = field::Empty,
            duration_ms = field::Empty,
        );
        let started = Instant::now();
        let result = match timeout_at(target.deadline, self.exchange(target, request))
            .instrument(span.clone())
            .await
        {
            Ok(result) => result,
            Err(_) => Err(unavailable(Unavailable::Timeout)),
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        span.record("duration_ms", duration_ms);
        span.in_scope(|| match &result {
            Ok(answer) => tracing::debug!(
                http.status = answer.status.as_u16(),
                duration_ms,
                "provider answered"
            ),
            Err(error) => {
                tracing::debug!(provider.error = %error, duration_ms, "no answer from provider");
            }
        });
        result
    }

    async fn exchange(
        &self,
        target: &Target<'_>,
        request: &ApiRequest<'_>,
    ) -> Result<Answer, ProviderError> {
        if check_base_url(target.base_url).is_err() {
            return Err(unavailable(Unavailable::ForbiddenAddress));
        }
        let mut outgoing = self
            .client
            .request(
                request.method.clone(),
                request_url(target.base_url, request),
            )
            .header(
                AUTHORIZATION,
                authorization(request.authorization, target.key)?,
            );
        if let Some(body) = request.body {
            outgoing = outgoing.json(body);
        }
        let mut response = outgoing
            .send()
            .await
            .map_err(|error| transport_error(&error))?;
        let status = response.status();
        Span::current().record("http.status", status.as_u16());
        if status.is_redirection() {
            return Err(ProviderError::Malformed {
                what: format!(
                    "it is a redirect ({}), and redirects are not followed",
                    status.as_u16()
                ),
            });
        }
        let retry_after = retry_after(response.headers());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| body_error(&error))? {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Err(ProviderError::Malformed {
                    what: format!("it is longer than {} bytes", self.max_body_bytes),
                });
            }
            body.extend_from_slice(&chunk);
        }
        replace_zero_characters(&mut body);
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

impl Answer {
    /// Reads the body as JSON. `subject` names what was asked for, such as `the list of assistants`.
    /// Error texts say where it went wrong, never what stood there.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        shape: Shape,
        subject: &str,
    ) -> Result<T, ProviderError> {
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let what = match (first, shape) {
            (None, _) => format!("{subject} is empty"),
            (Some(b'{'), Shape::List) => format!("{subject} is an object where a list belongs"),
            (Some(b'['), Shape::Object) => format!("{subject} is a list where an object belongs"),
            (Some(b'{' | b'['), _) => match serde_json::from_slice(&self.body) {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    match error.classify() {
                        serde_json::error::Category::Data => {
                            format!(
                                "{subject} has another shape than it should (line {line}, column {column})"
                            )
                        }
                        serde_json::error::Category::Eof => format!("{subject} ends in the middle"),
                        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                            format!("{subject} is not JSON (line {line}, column {column})")
                        }
                    }
                }
            },
            (Some(_), _) => format!("{subject} is not JSON"),
        };
        Err(ProviderError::Malformed { what })
    }

    /// Refuses a list that is not found: that is no missing item, the configured address is not the provider's.
    pub(super) fn check_list_exists(&self, subject: &str) -> Result<(), ProviderError> {
        if self.status == StatusCode::NOT_FOUND {
            return Err(ProviderError::Malformed {
                what: format!("{subject} is not found at the configured address"),
            });
        }
        Ok(())
    }

    /// The body if it is a JSON object; for error bodies, where anything may stand.
    pub(super) fn json_if_any<T: DeserializeOwned>(&self) -> Option<T> {
        // Serde would read the items of a list as the fields of a struct, one by one.
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        first.filter(|byte| **byte == b'{')?;
        serde_json::from_slice(&self.body).ok()
    }
}

/// Puts U+FFFD in the place of each zero character of a JSON text: PostgreSQL stores none, and one in a name, an id or a
/// prompt would fail the whole import. JSON has no other way to write one, and both are six bytes long.
pub(super) fn replace_zero_characters(body: &mut [u8]) {
    let mut at = 0;
    while let Some(offset) = body
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
    {
        at += offset;
        if let Some(escape) = body.get_mut(at..at + 6).filter(|text| *text == b"\\u0000") {
            escape.copy_from_slice(b"\\ufffd");
        }
        // With what the backslash escapes, which may be another one.
        at += 2;
    }
}

/// An id that can stand in a path. The URL library drops dot segments, which would ask for the list instead.
pub(super) fn path_id(remote_id: &str) -> Result<&str, ProviderError> {
    match remote_id {
        "" | "." | ".." => Err(ProviderError::NotFound),
        id => Ok(id),
    }
}

fn request_url(base_url: &Url, request: &ApiRequest<'_>) -> Url {
    let mut url = base_url.clone();
    // Cannot fail after `check_base_url`: only URLs without a host have no path segments.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(request.segments);
    }
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(request.query);
    }
    url
}

/// The header with the key, marked sensitive, so that it is neither printed nor kept in the HPACK table.
fn authorization(form: Authorization, key: &SecretString) -> Result<HeaderValue, ProviderError> {
    let prefix = match form {
        Authorization::Bearer => "Bearer ",
        Authorization::Bare => "",
    };
    let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + key.expose_secret().len()));
    text.extend_from_slice(prefix.as_bytes());
    text.extend_from_slice(key.expose_secret().as_bytes());
    let mut value = HeaderValue::from_bytes(&text).map_err(|_| ProviderError::InvalidKey {
        message: Some("The key contains characters that no key has.".to_owned()),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// How long to wait, from seconds or an HTTP date. A date is read against the answer's own `Date`, so that neither
/// clock needs to be right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        let until = PrimitiveDateTime::parse(text, HTTP_DATE).ok()?;
        let now =
            PrimitiveDateTime::parse(headers.get(DATE)?.to_str().ok()?.trim(), HTTP_DATE).ok()?;
        Duration::try_from(until - now).unwrap_or(Duration::ZERO)
    };
    Some(wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

fn transport_error(error: &reqwest::Error) -> ProviderError {
    unavailable(if error.is_connect() {
        Unavailable::Connect
    } else if error.is_timeout() {
        Unavailable::Timeout
    } else {
        Unavailable::ConnectionLost
    })
}

fn body_error(error: &reqwest::Error) -> ProviderError {
    unavailable(if error.is_timeout() {
        Unavailable::Timeout
    } else {
        Unavailable::BodyCut
    })
}

fn unavailable(reason: Unavailable) -> ProviderError {
    ProviderError::Unavailable {
        reason,
        message: None,
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
