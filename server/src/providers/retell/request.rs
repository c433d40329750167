//! One request to Retell and what its status means. It owns the mapping of Retell's errors, whose texts are scrubbed before
//! they leave (K13), and it knows no list and no agent.

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::providers::http::{Answer, ApiRequest, Authorization, Shape, scrub_message};
use crate::providers::{Capability, ProviderError, ProviderKind, Target, Unavailable};

use super::wire;

/// A request, apart from where it goes and with which key.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a Value>,
}

impl<'a> Request<'a> {
    pub(super) fn get(route: &'static str, segments: &'a [&'a str]) -> Request<'a> {
        Request {
            method: Method::GET,
            route,
            segments,
            query: &[],
            body: None,
        }
    }

    pub(super) fn with_query(mut self, query: &'a [(&'a str, &'a str)]) -> Request<'a> {
        self.query = query;
        self
    }
}

pub(super) async fn send(
    target: &Target<'_>,
    request: &Request<'_>,
) -> Result<Answer, ProviderError> {
    let request = ApiRequest {
        provider: ProviderKind::Retell,
        authorization: Authorization::Bearer,
        method: request.method.clone(),
        route: request.route,
        segments: request.segments,
        query: request.query,
        body: request.body,
    };
    target.http.send(target, &request).await
}

/// A page of a list; `subject` names the list.
pub(super) fn read_list<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
    subject: &str,
) -> Result<wire::ListPage<T>, ProviderError> {
    read_whole(answer, target, capability, Shape::Object, subject)
}

/// What every account has, such as a list: when it is not found, the configured address is not Retell's.
pub(super) fn read_whole<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
    shape: Shape,
    subject: &str,
) -> Result<T, ProviderError> {
    answer.check_list_exists(subject)?;
    read(answer, target, capability, shape, subject).map_err(|error| match error {
        ProviderError::NotFound => ProviderError::Malformed {
            what: format!("{subject} is not found for this key"),
        },
        error => error,
    })
}

/// A single thing; what is not found is [`ProviderError::NotFound`].
pub(super) fn read<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
    shape: Shape,
    subject: &str,
) -> Result<T, ProviderError> {
    if answer.status.is_success() {
        answer.json(shape, subject)
    } else {
        Err(failure(answer, target, capability))
    }
}

/// Whether the answer is a success, where nothing in it matters.
pub(super) fn check(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
) -> Result<(), ProviderError> {
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(failure(answer, target, capability))
    }
}

/// What a status other than success means at Retell. What it does not find under a key is a 422 as often as a 404.
fn failure(answer: &Answer, target: &Target<'_>, capability: Capability) -> ProviderError {
    let status = answer.status;
    let text = answer
        .json_if_any::<wire::ErrorBody>()
        .and_then(wire::ErrorBody::text);
    let is_retells_own = text.is_some();
    let message = text.and_then(|text| scrub_message(&text, target.key));
    match status {
        StatusCode::UNAUTHORIZED => ProviderError::InvalidKey { message },
        StatusCode::PAYMENT_REQUIRED => ProviderError::NoFunds { message },
        StatusCode::FORBIDDEN if is_retells_own => ProviderError::MissingPermission {
            which: Some(capability),
            message,
        },
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY if is_retells_own => {
            ProviderError::NotFound
        }
        StatusCode::TOO_MANY_REQUESTS => ProviderError::RateLimited {
            after: answer.retry_after,
            message,
        },
        // A page of something in between, such as a firewall, says nothing about the key or the item.
        StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::REQUEST_TIMEOUT => ProviderError::Unavailable {
            reason: Unavailable::Status(status.as_u16()),
            message,
        },
        _ if status.is_server_error() => ProviderError::Unavailable {
            reason: Unavailable::Status(status.as_u16()),
            message,
        },
        _ => ProviderError::Rejected {
            status: status.as_u16(),
            message,
        },
    }
}
