//! What an answer of Bland's means. It has two envelopes, and an answer with status 200 may carry errors, so the body is
//! looked at whatever the status. It turns refusals into the words that every provider shares; each text is scrubbed
//! before it leaves (K13).

use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::providers::http::{Answer, Shape, scrub_message};
use crate::providers::{Capability, ProviderError, Target, Unavailable};

use super::wire::{Enveloped, ErrorBody};

/// What is asked for: what a refusal takes away, and what to call it.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) capability: Capability,
    pub(super) name: &'static str,
}

/// The body of an answer in neither envelope.
pub(super) fn read<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    shape: Shape,
    subject: Subject,
) -> Result<T, ProviderError> {
    check(answer, target, subject.capability)?;
    answer.json(shape, subject.name)
}

/// What is in the newer envelope.
pub(super) fn read_data<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    subject: Subject,
) -> Result<T, ProviderError> {
    read(answer, target, Shape::Object, subject).map(|envelope: Enveloped<T>| envelope.data)
}

/// Whether the answer is a success by its status and by its body.
pub(super) fn check(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
) -> Result<(), ProviderError> {
    let body: Option<ErrorBody> = answer.json_if_any();
    let is_refused = body.as_ref().is_some_and(ErrorBody::is_error);
    if answer.status.is_success() && !is_refused {
        return Ok(());
    }
    Err(refusal(answer, target, capability, body.as_ref()))
}

/// The code of the newer envelope's first error, where the answer has one.
pub(super) fn error_code(answer: &Answer) -> Option<String> {
    let body: ErrorBody = answer.json_if_any()?;
    body.code().map(str::to_owned)
}

fn refusal(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
    body: Option<&ErrorBody>,
) -> ProviderError {
    let status = answer.status;
    let code = body.and_then(ErrorBody::code).unwrap_or_default();
    let text = body.and_then(ErrorBody::text);
    let is_blands_own = text.is_some();
    let lower = text.as_deref().unwrap_or_default().to_lowercase();
    let message = text.and_then(|text| scrub_message(&text, target.key));
    let is_ok = status.is_success();
    match status {
        StatusCode::UNAUTHORIZED => ProviderError::InvalidKey { message },
        _ if is_ok && code == "AUTH_FAILURE" => ProviderError::InvalidKey { message },
        StatusCode::PAYMENT_REQUIRED => ProviderError::NoFunds { message },
        _ if !status.is_server_error() && is_about_money(&lower) => {
            ProviderError::NoFunds { message }
        }
        // The account is closed by Bland's staff, so no permission helps: nothing that this key opens works any more.
        StatusCode::FORBIDDEN if is_blands_own && lower.contains("flagged") => {
            ProviderError::InvalidKey { message }
        }
        StatusCode::FORBIDDEN if is_blands_own => ProviderError::MissingPermission {
            which: Some(capability),
            message,
        },
        StatusCode::NOT_FOUND if is_blands_own => ProviderError::NotFound,
        _ if is_ok && code.ends_with("NOT_FOUND") => ProviderError::NotFound,
        // A number that is blacklisted stays so: waiting changes nothing.
        StatusCode::TOO_MANY_REQUESTS if lower.contains("blacklisted") => ProviderError::Rejected {
            status: status.as_u16(),
            message,
        },
        _ if status == StatusCode::TOO_MANY_REQUESTS
            || is_ok && lower.contains("rate limit exceeded") =>
        {
            ProviderError::RateLimited {
                after: answer.retry_after,
                message,
            }
        }
        // A page of something in between, such as a firewall, says nothing about the key or the item.
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT => {
            unavailable(status, message)
        }
        _ if status.is_server_error() => unavailable(status, message),
        _ => ProviderError::Rejected {
            status: status.as_u16(),
            message,
        },
    }
}

fn unavailable(status: StatusCode, message: Option<String>) -> ProviderError {
    ProviderError::Unavailable {
        reason: Unavailable::Status(status.as_u16()),
        message,
    }
}

/// The two texts of Bland's billing refusals, in lower case.
fn is_about_money(text: &str) -> bool {
    text.contains("insufficient balance") || text.contains("no billing record")
}
