//! The only way to the server: one POST to `/graphql` per operation, one error type that carries the server's code, and the
//! operations of each noun. Pages never fetch and never decode. An answer `UNAUTHENTICATED` to anything is told to the one
//! listener that [`on_unauthenticated`] registered, which leads to the log-in page.

use crate::api::enums::{ErrorCode, SortDirection};
use crate::logic::list_state::{PAGE_SIZE, PagePosition};
use gloo_net::http::Request;
use graphql_client::GraphQLQuery;
use serde_json::Value;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

pub(crate) mod agents;
pub(crate) mod alerts;
pub(crate) mod api_keys;
pub(crate) mod audit_entries;
pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod decode;
pub(crate) mod enums;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod phone_numbers;
pub(crate) mod placements;
pub(crate) mod portal;
pub(crate) mod provider_keys;
pub(crate) mod routes;
pub(crate) mod session;
pub(crate) mod socket;
pub(crate) mod standing;
pub(crate) mod sync_changes;
pub(crate) mod sync_runs;
pub(crate) mod webhooks;

/// RFC 3339 in UTC, as the contract's scalar; read by `components::time`.
pub(crate) type DateTime = String;

/// A day as `2026-11-22`, by the clock that was asked for.
pub(crate) type Date = String;

/// Declares one typed operation: its document is checked against `schema.graphql` when the web app is built.
macro_rules! operation {
    ($(#[$doc:meta])* $name:ident, $path:tt) => {
        $(#[$doc])*
        #[derive(graphql_client::GraphQLQuery)]
        #[graphql(
            schema_path = "../schema.graphql",
            query_path = $path,
            variables_derives = "Clone, Debug, PartialEq",
            response_derives = "Clone, Debug, PartialEq",
            // Absent and null differ in the contract (K6); we never send null.
            skip_serializing_none,
            extern_enums(
                "Role", "Permission", "Provider", "Region", "KeyHealth", "Capability", "CapabilityState", "Cipher", "AgentStatus",
                "InactiveReason", "PhoneNumberStatus", "SyncTrigger", "SyncState", "SyncPhase", "SyncDecision", "SortDirection",
                "AgentSortField", "PhoneNumberSortField", "SyncChangeKind", "SyncChangeSubject", "SyncChangeField", "ErrorCode",
                "AlertKind", "AlertState", "WebhookEvent", "WebhookDeliveryState", "WebhookFailure",
                "KeyScope", "AccountRelation", "KeyVersionState", "RouteState", "RouteStationState", "RouteBlockCode", "RouteDoubt",
                "PlacementRunState", "IntegrationState", "PortalPermission", "KeyHandInState", "ApiKeyScope", "ApiKeyState",
                "CallStatus", "CallOrigin", "CallDirection", "CallEndCause"
            )
        )]
        pub(crate) struct $name;
    };
}
pub(crate) use operation;

/// How long an answer is waited for. Saving a key takes up to 10 s at the provider (checklist 11).
pub(crate) const ANSWER_TIMEOUT_MS: u32 = 30_000;

/// How many rows a walk through all pages reads at a time: the most that the server gives.
const WALK_SIZE: i64 = 100;

/// Which rows of a list are asked for.
#[derive(Debug)]
pub(crate) struct Window {
    first: Option<i64>,
    after: Option<String>,
    last: Option<i64>,
    before: Option<String>,
}

impl Window {
    /// A page as its position in the URL says.
    pub(crate) fn of_page(position: &PagePosition) -> Self {
        let is_backwards = position.before.is_some();
        Self {
            first: (!is_backwards).then_some(PAGE_SIZE),
            after: position.after.clone(),
            last: is_backwards.then_some(PAGE_SIZE),
            before: position.before.clone(),
        }
    }

    /// The next rows of a walk.
    pub(crate) fn of_walk(after: Option<String>) -> Self {
        Self {
            first: Some(WALK_SIZE),
            after,
            last: None,
            before: None,
        }
    }
}

impl SortDirection {
    /// The direction as the URL says it.
    pub(crate) fn of(is_descending: bool) -> Self {
        if is_descending { Self::Desc } else { Self::Asc }
    }
}

/// Why an operation did not work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// What it was; pages choose their words by this and by nothing else.
    pub(crate) cause: Cause,
    /// The server's sentence; shown only where the server alone knows more, such as which field is wrong and why.
    pub(crate) message: String,
    /// The input field that is wrong.
    pub(crate) field: Option<String>,
    /// When another try makes sense.
    pub(crate) retry_after_ms: Option<f64>,
    /// To find the failure in the server's log.
    pub(crate) request_id: Option<String>,
    /// The provider's own words, scrubbed by the server.
    pub(crate) provider_message: Option<String>,
}

/// What an [`ApiError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server answered with this code.
    Code(ErrorCode),
    /// No answer: no network, no server, or no answer in time.
    NoAnswer,
    /// An answer that is not one of this contract, such as a proxy's error page.
    Unreadable,
}

impl ApiError {
    /// The server's code, if it answered with one.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self.cause {
            Cause::Code(code) => Some(code),
            Cause::NoAnswer | Cause::Unreadable => None,
        }
    }

    /// True for this code.
    pub(crate) fn is(&self, code: ErrorCode) -> bool {
        self.cause == Cause::Code(code)
    }

    pub(crate) fn local(cause: Cause, message: String) -> Self {
        Self {
            cause,
            message,
            field: None,
            retry_after_ms: None,
            request_id: None,
            provider_message: None,
        }
    }
}

thread_local! {
    static UNAUTHENTICATED: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Registers what happens when the server no longer knows the session. The last registration holds.
pub(crate) fn on_unauthenticated(listener: impl Fn() + 'static) {
    UNAUTHENTICATED.with_borrow_mut(|slot| *slot = Some(Rc::new(listener)));
}

fn tell_unauthenticated() {
    let listener = UNAUTHENTICATED.with_borrow(Clone::clone);
    if let Some(listener) = listener {
        listener();
    }
}

/// Sends one operation for an agency, or for none with an empty slug, and reads its answer.
pub(crate) async fn send<Q: GraphQLQuery>(
    agency: &str,
    variables: Q::Variables,
) -> Result<Q::ResponseData, ApiError> {
    send_within::<Q>(agency, variables, ANSWER_TIMEOUT_MS).await
}

/// As [`send`], for an operation that takes the server longer.
pub(crate) async fn send_within<Q: GraphQLQuery>(
    agency: &str,
    variables: Q::Variables,
    timeout_ms: u32,
) -> Result<Q::ResponseData, ApiError> {
    let body = serde_json::to_string(&Q::build_query(variables)).unwrap_or_default();
    decode::decode_tree(exchange(agency.to_owned(), body, timeout_ms).await?)
}

/// One POST and its answer. Boxed, so that it is compiled once and not into each operation.
fn exchange(
    agency: String,
    body: String,
    timeout_ms: u32,
) -> Pin<Box<dyn Future<Output = Result<Value, ApiError>>>> {
    Box::pin(async move {
        let answer = decode::parse(&post(&agency, body, timeout_ms).await?)?;
        if let Err(error) = decode::error_in(&answer)
            && error.is(ErrorCode::Unauthenticated)
        {
            tell_unauthenticated();
        }
        Ok(answer)
    })
}

async fn post(agency: &str, body: String, timeout_ms: u32) -> Result<String, ApiError> {
    let no_answer = |error: gloo_net::Error| ApiError::local(Cause::NoAnswer, error.to_string());
    let mut request = Request::post("/graphql")
        .header("content-type", "application/json")
        .abort_signal(Some(&web_sys::AbortSignal::timeout_with_u32(timeout_ms)));
    if !agency.is_empty() {
        request = request.header("Ringfence-Agency", agency);
    }
    let response = request
        .body(body)
        .map_err(no_answer)?
        .send()
        .await
        .map_err(no_answer)?;
    response.text().await.map_err(no_answer)
}

#[cfg(test)]
mod tests {
    use super::decode::decode;
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Data {
        name: String,
    }

    #[test]
    fn data_without_errors_is_the_answer() {
        let answer: Result<Data, ApiError> = decode(r#"{"data":{"name":"x"}}"#);
        assert_eq!(
            answer,
            Ok(Data {
                name: "x".to_owned()
            })
        );
    }

    /// Errors are told apart by code, and carry what the words need.
    #[test]
    fn an_error_carries_its_code_and_extensions() {
        let answer: Result<Data, ApiError> = decode(
            r#"{"data":null,"errors":[{"message":"m","path":["x"],"extensions":{"code":"PROVIDER_RATE_LIMITED","retryAfterMs":24000,"requestId":"r1","providerMessage":"slow down","more":1}}]}"#,
        );
        let error = answer.expect_err("an error was answered");
        assert!(error.is(ErrorCode::ProviderRateLimited));
        assert_eq!(
            (error.retry_after_ms, error.request_id.as_deref()),
            (Some(24_000.0), Some("r1"))
        );
        assert_eq!(error.provider_message.as_deref(), Some("slow down"));
    }

    #[test]
    fn an_error_beside_partial_data_wins() {
        let answer: Result<Data, ApiError> = decode(
            r#"{"data":{"name":null},"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}"#,
        );
        assert!(
            answer
                .expect_err("an error was answered")
                .is(ErrorCode::Forbidden)
        );
    }

    #[test]
    fn a_page_of_a_proxy_is_unreadable() {
        let answer: Result<Data, ApiError> = decode("<html>502</html>");
        assert_eq!(answer.expect_err("not JSON").cause, Cause::Unreadable);
        let unknown: Result<Data, ApiError> =
            decode(r#"{"errors":[{"message":"m","extensions":{"code":"NEW_CODE"}}]}"#);
        assert!(
            unknown
                .expect_err("an error was answered")
                .is(ErrorCode::Unknown)
        );
    }
}
