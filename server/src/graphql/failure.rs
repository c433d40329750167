//! How an error leaves the server: `message` for people, `extensions.code` for programs, `field`, `retryAfterMs`,
//! `providerMessage` where there are such, and `requestId` always. Faults of ours are logged here, once, and their text
//! stays in the log.

use async_graphql::{Response, ServerError};

use crate::error::{Code, Error};

impl Error {
    /// As async-graphql carries errors; the rest is filled in when the response is complete.
    pub(crate) fn into_server_error(self) -> ServerError {
        let error: async_graphql::Error = self.into();
        error.into_server_error(async_graphql::Pos::default())
    }
}

/// Fills in what each error of the response lacks.
pub(crate) fn complete(request_id: &str, response: &mut Response) {
    for error in &mut response.errors {
        complete_error(request_id, error);
    }
}

fn complete_error(request_id: &str, error: &mut ServerError) {
    let code = match error.source::<Error>() {
        Some(Error::Internal(source)) => {
            tracing::error!(request.id = request_id, error = ?source, "a request failed");
            Code::Internal
        }
        Some(ours) => {
            let field = ours.field();
            let retry_after = ours.retry_after();
            let provider_message = ours.provider_message().map(str::to_owned);
            let code = ours.code();
            let extensions = error.extensions.get_or_insert_with(Default::default);
            if let Some(field) = field {
                extensions.set("field", field);
            }
            if let Some(after) = retry_after {
                extensions.set(
                    "retryAfterMs",
                    u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                );
            }
            if let Some(message) = provider_message {
                extensions.set("providerMessage", message);
            }
            code
        }
        // Not ours: the document itself was refused.
        None => Code::QueryRefused,
    };
    if code == Code::Internal {
        "Something went wrong.".clone_into(&mut error.message);
    }
    let extensions = error.extensions.get_or_insert_with(Default::default);
    extensions.set("code", code.as_str());
    extensions.set("requestId", request_id);
}

/// A response that is an error alone.
pub(crate) fn response(error: Error, request_id: &str) -> Response {
    let mut response = Response::from_errors(vec![error.into_server_error()]);
    complete(request_id, &mut response);
    response
}
