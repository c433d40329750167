//! How an error leaves the server: `message` for people, `extensions.code` for programs, `field`, `retryAfterMs`,
//! `providerMessage` where there are such, and `requestId` always. Faults of ours are logged here, once, and their text
//! stays in the log. What async-graphql says about a document never repeats the document: a key may stand in it.

use std::{collections::HashSet, sync::LazyLock};

use async_graphql::{Response, ServerError};

use crate::{
    error::{Code, Error},
    graphql,
};

impl Error {
    /// As async-graphql carries errors; the rest is filled in when the response is complete.
    pub(crate) fn into_server_error(self) -> ServerError {
        let error: async_graphql::Error = self.into();
        error.into_server_error(async_graphql::Pos::default())
    }
}

/// Most errors of one answer: a document can have one for each of its words, and nobody reads more.
const MAX_ERRORS: usize = 20;

/// Fills in what each error of the response lacks.
pub(crate) fn complete(request_id: &str, response: &mut Response) {
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        complete_error(request_id, error);
    }
}

/// The code of a completed response's first error.
pub(crate) fn code_of(response: &Response) -> Option<Code> {
    let extensions = response.errors.first()?.extensions.as_ref()?;
    match extensions.get("code")? {
        async_graphql::Value::String(code) => Code::parse(code),
        _ => None,
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
        None => {
            error.message = without_quotations(&error.message);
            Code::QueryRefused
        }
    };
    if code == Code::Internal {
        "Something went wrong.".clone_into(&mut error.message);
    }
    let extensions = error.extensions.get_or_insert_with(Default::default);
    extensions.set("code", code.as_str());
    extensions.set("requestId", request_id);
}

/// What async-graphql says of a document, without what stood in it. Its syntax errors print the line, and others quote
/// names and values; only names of our own schema are let through. `locations` still say where to look.
fn without_quotations(message: &str) -> String {
    if message.contains('\n') || message.contains(" is defined twice") {
        return "The document is not well-formed GraphQL; `locations` says where.".to_owned();
    }
    // What follows these is typed text, whose own quotation marks would make the rest ambiguous.
    for before_typed in [", found ", " the value ", "unknown field "] {
        if let Some((before, _)) = message.split_once(before_typed) {
            let end = before_typed.trim_end().trim_start_matches(", found");
            return without_quotations(&format!("{before}{end}."));
        }
    }
    let mut text = String::new();
    for (index, part) in message.split('"').enumerate() {
        let is_told = index % 2 == 0
            || part
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .all(|word| word.is_empty() || is_ours(word));
        if index > 0 {
            text.push('"');
        }
        text.push_str(if is_told { part } else { "…" });
    }
    text
}

/// Whether the schema has this word, or it is the place in a list.
fn is_ours(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        graphql::sdl()
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map(str::to_owned)
            .collect()
    });
    WORDS.contains(word) || (word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A response that is an error alone.
pub(crate) fn response(error: Error, request_id: &str) -> Response {
    let mut response = Response::from_errors(vec![error.into_server_error()]);
    complete(request_id, &mut response);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K7, K13: an error about a document repeats names of the schema and nothing else of the document.
    #[test]
    fn an_error_about_a_document_does_not_quote_it() {
        let message = r#"Unknown field "sk_live_51abcdef" on type "Query"."#;
        assert_eq!(
            without_quotations(message),
            r#"Unknown field "…" on type "Query"."#
        );
        let message = r#"Invalid value for argument "input.provider", enumeration type "Provider" does not contain the value "a-"secret"-key-1""#;
        assert_eq!(
            without_quotations(message),
            r#"Invalid value for argument "input.provider", enumeration type "Provider" does not contain the value."#
        );
        let message = r#"Failed to parse "SaveProviderKeyInput": Expected input type "SaveProviderKeyInput", found {k: "a-key"}."#;
        assert_eq!(
            without_quotations(message),
            r#"Failed to parse "SaveProviderKeyInput": Expected input type "SaveProviderKeyInput"."#
        );
        let message = " --> 1:9\n  |\n1 | { viewer(a-key\n";
        assert!(!without_quotations(message).contains("a-key"));
    }

    /// What helps whoever wrote the document stays as it is.
    #[test]
    fn an_error_about_a_document_names_what_is_ours() {
        for message in [
            r#"Invalid value for argument "input.provider", expected type "Provider!""#,
            "Query is nested too deep.",
            r#"Field "viewer" must have a selection of subfields"#,
            r#"Invalid value for argument "filter.status.0", expected type "AgentStatus""#,
        ] {
            assert_eq!(without_quotations(message), message);
        }
    }
}
