//! Faults on demand: which requests go wrong, how often, and in which way. It owns matching and counting and the answers
//! that are the same for every provider; a provider's own error body comes from that provider's module.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// A fault: the requests that it strikes, and what it does to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Only requests with this key; `None`: with any, or without one.
    #[serde(default)]
    pub key: Option<String>,
    /// Only requests with this method; `None`: with any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests with this path, provider's prefix included; `*` stands for anything.
    #[serde(default = "any_path")]
    pub path: String,
    /// So many of those requests pass first.
    #[serde(default)]
    pub after: u32,
    /// How many it strikes then; `None`: all.
    #[serde(default)]
    pub times: Option<u32>,
    /// What it does.
    pub effect: Effect,
}

fn any_path() -> String {
    "*".to_owned()
}

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Effect {
    /// Answers with this status and the provider's error body.
    Status {
        /// The HTTP status.
        status: u16,
        /// Another text than the provider's usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// A `Retry-After` header: seconds, or an HTTP date.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// Never answers.
    Hang,
    /// Does what is asked, and never answers: what a caller sees who gives up too early.
    HangAfter,
    /// Does what is asked, and closes the connection without an answer.
    CutAfter,
    /// Does what is asked, and answers with this status and the provider's error body all the same.
    StatusAfter {
        /// The HTTP status.
        status: u16,
    },
    /// Answers as usual, but the connection breaks in the middle of the body.
    CutBody,
    /// Answers 200 with a web page.
    NotJson,
    /// Answers 200 with an object where a list belongs, and the other way round.
    WrongShape,
    /// Answers as usual, but so much later. Adds up with other faults.
    Delay {
        /// How much later, in milliseconds.
        ms: u64,
    },
    /// Answers 302.
    Redirect {
        /// Where it points.
        location: String,
    },
    /// Refuses the key and repeats it in the error text, as careless providers do (K13).
    EchoKey {
        /// How the key is written.
        #[serde(default)]
        style: EchoStyle,
    },
}

/// How [`Effect::EchoKey`] writes the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoStyle {
    /// As it is.
    #[default]
    Plain,
    /// Its first five and its last four characters around asterisks.
    Masked,
    /// In a URL.
    PercentEncoded,
    /// The whole header value in base64.
    Base64,
}

impl Fault {
    /// Strikes every request, forever.
    pub fn new(effect: Effect) -> Fault {
        Fault {
            key: None,
            method: None,
            path: any_path(),
            after: 0,
            times: None,
            effect,
        }
    }

    /// Answers with a status and nothing special.
    pub fn status(status: u16) -> Fault {
        Fault::new(Effect::Status {
            status,
            message: None,
            retry_after: None,
        })
    }

    /// Answers 429 with this `Retry-After`.
    pub fn rate_limit(retry_after: &str) -> Fault {
        Fault::new(Effect::Status {
            status: 429,
            message: None,
            retry_after: Some(retry_after.to_owned()),
        })
    }

    /// Only on this path.
    #[must_use]
    pub fn on(mut self, path: &str) -> Fault {
        path.clone_into(&mut self.path);
        self
    }

    /// Only with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Fault {
        self.method = Some(method.to_owned());
        self
    }

    /// Only with this key.
    #[must_use]
    pub fn for_key(mut self, key: &str) -> Fault {
        self.key = Some(key.to_owned());
        self
    }

    /// Only after so many have passed.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Fault {
        self.after = requests;
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    fn matches(&self, key: Option<&str>, method: &Method, path: &str) -> bool {
        self.key.as_deref().is_none_or(|wanted| Some(wanted) == key)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && path_matches(&self.path, path)
    }
}

/// `*` stands for anything, slashes too.
fn path_matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut remaining) = path.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return remaining.ends_with(part);
        }
        let Some(at) = remaining.find(part) else {
            return false;
        };
        remaining = &remaining[at + part.len()..];
    }
    true
}

/// A fault that is in force.
#[derive(Clone, Debug)]
pub(super) struct ActiveFault {
    pub(super) id: u64,
    pub(super) fault: Fault,
    /// How many matching requests there have been.
    pub(super) seen: u32,
}

impl ActiveFault {
    /// How often it has struck.
    pub(super) fn struck(&self) -> u32 {
        let beyond = self.seen.saturating_sub(self.fault.after);
        self.fault.times.map_or(beyond, |times| beyond.min(times))
    }
}

/// All faults in force, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    active: Vec<ActiveFault>,
    last_id: u64,
}

/// What the faults do to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) delay_ms: u64,
    pub(super) effect: Option<Effect>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.active.push(ActiveFault {
            id: self.last_id,
            fault,
            seen: 0,
        });
        self.last_id
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.active.clear();
    }

    pub(super) fn active(&self) -> &[ActiveFault] {
        &self.active
    }

    /// Counts the request with every fault that matches it. Delays add up; of the rest the oldest one strikes.
    pub(super) fn plan(&mut self, key: Option<&str>, method: &Method, path: &str) -> Plan {
        let mut plan = Plan::default();
        for active in &mut self.active {
            if !active.fault.matches(key, method, path) {
                continue;
            }
            let turn = active.seen;
            active.seen = active.seen.saturating_add(1);
            let fault = &active.fault;
            let is_over = fault
                .times
                .is_some_and(|times| turn >= fault.after.saturating_add(times));
            if turn < fault.after || is_over {
                continue;
            }
            match &fault.effect {
                Effect::Delay { ms } => plan.delay_ms = plan.delay_ms.saturating_add(*ms),
                effect => plan.effect = plan.effect.or_else(|| Some(effect.clone())),
            }
        }
        plan
    }
}

/// A status with its `Retry-After`.
pub(super) fn with_retry_after(mut response: Response, retry_after: Option<&str>) -> Response {
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// A web page with status 200, as a misconfigured proxy gives it.
pub(super) fn web_page() -> Response {
    let page = "<!doctype html><title>Welcome</title><p>This is not the interface that you are looking for.</p>\n";
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// A redirect.
pub(super) fn redirect(location: &str) -> Response {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

/// The same answer with the wrong one of list and object in its body.
pub(super) async fn reshape(response: Response) -> Response {
    let body = body_of(response).await;
    let other = if body.first() == Some(&b'[') {
        r#"{"data":[],"count":0}"#
    } else {
        "[]"
    };
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], other).into_response()
}

/// The same answer, broken off in the middle of its body.
pub(super) async fn cut(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = body.slice(..body.len() / 2);
    let pieces = stream::iter([Ok(half)]).chain(stream::once(async {
        // Without the pause the server notices the end before it has sent the beginning.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(CutError)
    }));
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// An answer that closes the connection before its head is sent: the server flushes a head together with the beginning of
/// its body, and this one has none.
pub(super) fn cut_before_the_answer() -> Response {
    Response::new(Body::from_stream(stream::once(async {
        Err::<Bytes, CutError>(CutError)
    })))
}

#[derive(Debug, thiserror::Error)]
#[error("the body is cut on demand")]
struct CutError;

async fn body_of(response: Response) -> Bytes {
    to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap_or_default()
}

/// The text of an error that gives the key away.
pub(super) fn echo(key: &str, style: EchoStyle) -> String {
    let written = match style {
        EchoStyle::Plain => key.to_owned(),
        EchoStyle::Masked => {
            let first: String = key.chars().take(5).collect();
            format!("{first}****{}", super::request_log::last_four(key))
        }
        EchoStyle::PercentEncoded => {
            let mut url = "https://api.example/keys?key=".to_owned();
            for byte in key.bytes() {
                // Writing to a string cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
            url
        }
        EchoStyle::Base64 => STANDARD.encode(format!("Bearer {key}")),
    };
    format!("Invalid Key {written}. Check the key and send the request again.")
}

/// Never answers; ends when the sandbox stops, so that stopping does not wait for it.
pub(super) async fn hang(shutdown: &CancellationToken) -> Response {
    shutdown.cancelled().await;
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
