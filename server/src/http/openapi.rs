//! The OpenAPI document of the REST endpoints: their shapes as types that nothing else uses, so that the document can say more
//! than a deserializer needs. A test sends what is described here to the endpoints and compares.

use axum::Json;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// `GET /api/v1/openapi.json`, for everybody: it names no agency and no key.
pub(crate) async fn document() -> Json<openapi::OpenApi> {
    Json(Document::openapi())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ringfence",
        description = "Places calls over the key that each call's route leads to, and revokes keys that were found. Everything else is on /graphql, with the same keys.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(trigger_call, report_exposed_key),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("bvai_sk_…")
            .description(Some(
                "An API key of the agency. It is never sent in an address.",
            ))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("apiKey", SecurityScheme::Http(bearer));
    }
}

/// A call to place.
#[derive(ToSchema, serde::Deserialize)]
#[expect(dead_code, reason = "described, not built")]
#[serde(deny_unknown_fields)]
struct TriggerCallRequest {
    /// Who is called, with the country code.
    #[schema(example = "+15551234567")]
    phone_number: String,
    /// Ringfence's id of the agent that speaks, as `agents { nodes { id name } }` lists it.
    #[schema(example = "0199a4c2-7f00-7b3e-9c11-5f2a8d6e4b10")]
    agent_id: String,
    /// Ringfence's id of the number that it comes from; absent: the first that the agent answers in the account of the route.
    from_number_id: Option<String>,
    /// What the agent's prompt may name, such as `first_name`; at most 50, each with a text of at most 1,000 characters.
    variables: Option<std::collections::BTreeMap<String, String>>,
}

/// A call that was placed, or of which nobody knows yet.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, not built")]
struct TriggerCallAnswer {
    /// True.
    success: bool,
    /// Ringfence's id of the call; `call(id)` on /graphql tells how it goes on.
    call_id: String,
    /// Where it stands: `queued`, `ringing`, `in_progress`, or an end if it came at once; `unknown` with status 202.
    #[schema(example = "queued")]
    status: String,
    /// `vapi`, `retell` or `bland`.
    #[schema(example = "vapi")]
    provider: String,
    /// Whose account pays: `client` or `agency`.
    #[schema(example = "agency")]
    paid_by: String,
    /// The agent that speaks.
    agent_id: String,
    /// Who is called, E.164.
    #[schema(example = "+15551234567")]
    phone_number: String,
    /// Who calls, E.164; null where the provider lends a number.
    from_number: Option<String>,
    /// When it was asked for, RFC 3339 in UTC with milliseconds.
    #[schema(example = "2026-11-22T09:15:00.000Z")]
    created_at: String,
}

/// Why nothing was done, or why the provider refused the call.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, not built")]
struct Failure {
    /// False.
    success: bool,
    /// For people: what is wrong and what to do.
    #[schema(example = "Rate limit exceeded. Retry after 12 seconds.")]
    error: String,
    /// For programs; docs/API.md lists them.
    #[schema(example = "RATE_LIMITED")]
    code: String,
    /// The field that is wrong, where one is.
    field: Option<String>,
    /// The call, where it was written down before the provider refused it.
    call_id: Option<String>,
}

/// Places a call over the key that its route leads to at this moment. It costs money: `paid_by` says whose.
///
/// Sent again with the same `Idempotency-Key` within 24 hours, it is answered as it was first, with `Idempotent-Replayed: true`,
/// and nothing is dialled again.
#[utoipa::path(
    post,
    path = "/api/v1/calls/trigger",
    operation_id = "triggerCall",
    tag = "calls",
    security(("apiKey" = ["calls:trigger"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A new random name for this request, such as a UUID; 1 to 255 printable ASCII characters.")),
    request_body = TriggerCallRequest,
    responses(
        (status = 200, description = "The provider has taken the call.", body = TriggerCallAnswer),
        (status = 202, description = "No answer said whether it was dialled. It is looked for, and never dialled again.", body = TriggerCallAnswer),
        (status = 400, description = "The request is wrong; `field` names where.", body = Failure),
        (status = 401, description = "The API key is malformed, unknown, replaced or expired.", body = Failure),
        (status = 402, description = "The provider's account is out of funds.", body = Failure),
        (status = 403, description = "The key lacks the scope `calls:trigger`, or the agency has no API.", body = Failure),
        (status = 404, description = "No such agent in the key's agency.", body = Failure),
        (status = 409, description = "The Idempotency-Key was used for another request, or its first request is under way.", body = Failure),
        (status = 422, description = "The route stops the call, or the provider refused it: NO_KEY, BREAKER_OPEN, ACCOUNT_MISMATCH, AGENT_INACTIVE, CLIENT_ARCHIVED, NO_OUTBOUND_NUMBER, KEY_REJECTED, MISSING_PERMISSION, KEY_UNREADABLE, PROVIDER_REFUSED.", body = Failure),
        (status = 429, description = "Too many requests in 60 seconds, or too many calls under way. `Retry-After` says when to come again.", body = Failure),
        (status = 500, description = "A fault of the server. Nothing is known of the call; send the request again with its Idempotency-Key.", body = Failure),
        (status = 502, description = "The provider could not be reached, or its answer made no sense; nothing was dialled.", body = Failure),
        (status = 503, description = "The provider limits calls right now; nothing was dialled.", body = Failure)
    )
)]
#[expect(dead_code, reason = "the path's description")]
fn trigger_call() {}

/// A key that somebody found.
#[derive(ToSchema, serde::Deserialize)]
#[expect(dead_code, reason = "described, not built")]
#[serde(deny_unknown_fields)]
struct ExposedKey {
    /// The whole key.
    #[schema(example = "bvai_sk_…")]
    key: String,
}

/// The same for every key, so that nobody learns whether it was one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, not built")]
struct ExposedKeyAnswer {
    /// True.
    success: bool,
    /// What was done.
    message: String,
}

/// Revokes an API key that somebody found, which is the only thing that it does.
#[utoipa::path(
    post,
    path = "/api/v1/keys/exposed",
    operation_id = "reportExposedKey",
    tag = "keys",
    request_body = ExposedKey,
    responses(
        (status = 200, description = "If it was a key of this installation, it is revoked now.", body = ExposedKeyAnswer),
        (status = 400, description = "The body is not a JSON object with the key.", body = Failure),
        (status = 413, description = "The body is larger than 1 MiB.", body = Failure),
        (status = 429, description = "Too many reports from this network.", body = Failure)
    )
)]
#[expect(dead_code, reason = "the path's description")]
fn report_exposed_key() {}
