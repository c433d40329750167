//! The one error type of the server, free of HTTP and GraphQL. Its [`Code`] is a closed list that clients match on;
//! the message is for people and never holds a secret. Internals travel in [`Error::Internal`] and are logged once, at
//! the edge; people read "Something went wrong" and the request id.

use std::time::Duration;

use async_graphql::Enum;

use crate::{
    access::Scope,
    providers::{ProviderKind, error::ProviderError},
    vault::VaultError,
};

/// What went wrong, or a value.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Stands in `errors[].extensions.code`. Clients match on it, never on the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "ErrorCode")]
pub enum Code {
    /// Nobody is logged in, or the session has ended.
    Unauthenticated,
    /// The role does not allow this, or no API key may do it.
    Forbidden,
    /// The API key lacks the scope that this needs; the message names it.
    MissingScope,
    /// Access with API keys is switched off for this agency; its keys are kept.
    ApiSwitchedOff,
    /// The agency's plan has no API.
    PlanWithoutApi,
    /// An API key, or its agency, has made as many requests in a minute as it may; `retryAfterMs` says when the next one is let
    /// through.
    RateLimited,
    /// There is no such thing here, or it belongs to somebody else.
    NotFound,
    /// A field of the input is wrong; `field` names it.
    InvalidInput,
    /// Somebody else changed it meanwhile; read it again.
    Conflict,
    /// What clearing would stop has changed since it was shown.
    ImpactChanged,
    /// A number could not be detached, so the key was not cleared.
    DetachFailed,
    /// Too many attempts; `retryAfterMs` says when to go on.
    TooManyAttempts,
    /// The email or the password is wrong.
    WrongCredentials,
    /// The set-up page is closed, or its token is used or expired.
    SetUpClosed,
    /// The provider refused the key.
    KeyRejected,
    /// The stored key cannot be opened with the master key in use.
    KeyUnreadable,
    /// The provider accepts the key, but it lacks a permission that is needed.
    MissingPermission,
    /// The provider's account is out of funds.
    NoFunds,
    /// The provider asks to wait; `retryAfterMs` says how long, where the provider tells.
    ProviderRateLimited,
    /// The provider did not answer.
    ProviderUnreachable,
    /// The provider's answer made no sense.
    ProviderAnswerMalformed,
    /// The provider refused the call itself, such as a number that it does not call.
    ProviderRefused,
    /// The agent's client is archived; nothing was dialled.
    ClientArchived,
    /// Neither the agent's client nor the agency has a key of the agent's provider; nothing was dialled.
    NoKey,
    /// The provider refused the key again and again, so that it is not asked until a check succeeds; nothing was dialled.
    BreakerOpen,
    /// The key opens an account that does not hold the agent; nothing was dialled.
    AccountMismatch,
    /// The account does not hold the agent any more; nothing was dialled.
    AgentInactive,
    /// The provider dials from a number of the account only, and there is none to dial from.
    NoOutboundNumber,
    /// As many calls are under way as there may be at once.
    TooManyCalls,
    /// The GraphQL document is malformed, too deep, too complex or not allowed here; or the HTTP request is none that the
    /// endpoint takes.
    QueryRefused,
    /// A fault of the server; `requestId` finds it in the log.
    Internal,
}

impl Code {
    /// As it stands in `extensions.code`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::MissingScope => "MISSING_SCOPE",
            Self::ApiSwitchedOff => "API_SWITCHED_OFF",
            Self::PlanWithoutApi => "PLAN_WITHOUT_API",
            Self::RateLimited => "RATE_LIMITED",
            Self::NotFound => "NOT_FOUND",
            Self::InvalidInput => "INVALID_INPUT",
            Self::Conflict => "CONFLICT",
            Self::ImpactChanged => "IMPACT_CHANGED",
            Self::DetachFailed => "DETACH_FAILED",
            Self::TooManyAttempts => "TOO_MANY_ATTEMPTS",
            Self::WrongCredentials => "WRONG_CREDENTIALS",
            Self::SetUpClosed => "SET_UP_CLOSED",
            Self::KeyRejected => "KEY_REJECTED",
            Self::KeyUnreadable => "KEY_UNREADABLE",
            Self::MissingPermission => "MISSING_PERMISSION",
            Self::NoFunds => "NO_FUNDS",
            Self::ProviderRateLimited => "PROVIDER_RATE_LIMITED",
            Self::ProviderUnreachable => "PROVIDER_UNREACHABLE",
            Self::ProviderAnswerMalformed => "PROVIDER_ANSWER_MALFORMED",
            Self::ProviderRefused => "PROVIDER_REFUSED",
            Self::ClientArchived => "CLIENT_ARCHIVED",
            Self::NoKey => "NO_KEY",
            Self::BreakerOpen => "BREAKER_OPEN",
            Self::AccountMismatch => "ACCOUNT_MISMATCH",
            Self::AgentInactive => "AGENT_INACTIVE",
            Self::NoOutboundNumber => "NO_OUTBOUND_NUMBER",
            Self::TooManyCalls => "TOO_MANY_CALLS",
            Self::QueryRefused => "QUERY_REFUSED",
            Self::Internal => "INTERNAL",
        }
    }

    /// Every code.
    pub const ALL: [Self; 31] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::MissingScope,
        Self::ApiSwitchedOff,
        Self::PlanWithoutApi,
        Self::RateLimited,
        Self::NotFound,
        Self::InvalidInput,
        Self::Conflict,
        Self::ImpactChanged,
        Self::DetachFailed,
        Self::TooManyAttempts,
        Self::WrongCredentials,
        Self::SetUpClosed,
        Self::KeyRejected,
        Self::KeyUnreadable,
        Self::MissingPermission,
        Self::NoFunds,
        Self::ProviderRateLimited,
        Self::ProviderUnreachable,
        Self::ProviderAnswerMalformed,
        Self::ProviderRefused,
        Self::ClientArchived,
        Self::NoKey,
        Self::BreakerOpen,
        Self::AccountMismatch,
        Self::AgentInactive,
        Self::NoOutboundNumber,
        Self::TooManyCalls,
        Self::QueryRefused,
        Self::Internal,
    ];

    /// The code that [`Code::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// Anything that can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is logged in.
    #[error("Log in to go on.")]
    Unauthenticated,
    /// The role does not allow this.
    #[error("Your role does not allow this. An owner or an admin of the agency can do it.")]
    Forbidden,
    /// An API key that is none, or no more: a sentence that says which.
    #[error("{0}")]
    ApiKeyRefused(&'static str),
    /// The API key lacks this scope.
    #[error(
        "This API key lacks the scope {}. Make one that has it, or log in.",
        .0.as_str()
    )]
    MissingScope(Scope),
    /// A person has to do this.
    #[error("No API key can do this, whatever its scopes. Log in to do it.")]
    NotForApiKeys,
    /// API access is switched off; the keys stay.
    #[error(
        "API access is switched off for this agency. An owner or an admin can switch it on again; the keys stay as they are."
    )]
    ApiSwitchedOff,
    /// The agency's plan has no API.
    #[error("The plan of this agency has no API. The plans AGENCY and ENTERPRISE have.")]
    PlanWithoutApi,
    /// As many requests in a minute as there may be.
    #[error("Rate limit exceeded. Retry after {}.", whole_seconds(*.retry_after))]
    RateLimited {
        /// Until the next one is let through.
        retry_after: Duration,
    },
    /// Absent, or somebody else's: the two are told apart nowhere.
    #[error("Not found.")]
    NotFound,
    /// A field of the input is wrong.
    #[error("{message}")]
    InvalidInput {
        /// The input field, as the schema spells it.
        field: &'static str,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// Somebody else changed it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// PostgreSQL ended this transaction because it and another one waited for each other.
    #[error(
        "Somebody else was writing the same rows at the same moment. Nothing was changed; send it again."
    )]
    Busy(#[source] sqlx::Error),
    /// What clearing would stop has changed since it was shown.
    #[error(
        "What this would stop has changed since it was shown. Read the list again before you go on."
    )]
    ImpactChanged,
    /// A number could not be detached.
    #[error("{0}")]
    DetachFailed(String),
    /// Throttled by Ringfence itself.
    #[error("{message}")]
    TooManyAttempts {
        /// What was attempted too often.
        message: String,
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// The email or the password is wrong; which of them is not told.
    #[error("Email or password is wrong.")]
    WrongCredentials,
    /// The set-up page is closed.
    #[error("{0}")]
    SetUpClosed(&'static str),
    /// A provider said no, with what to tell people about it.
    #[error("{message}")]
    Provider {
        /// Which provider.
        provider: ProviderKind,
        /// What happened.
        cause: ProviderError,
        /// Whose, what, next: a sentence for people.
        message: String,
    },
    /// A call that was not placed: its route stops it, or the provider refused it.
    #[error("{message}")]
    CallRefused {
        /// Why.
        code: Code,
        /// What is wrong and what to do, for people.
        message: String,
    },
    /// There is no number to dial from.
    #[error(
        "{} dials from a number of the account only, and the agent answers none there. Name one with fromNumberId, or attach one to the agent.",
        .0.display_name()
    )]
    NoOutboundNumber(ProviderKind),
    /// As many calls as there may be at once.
    #[error(
        "{most} calls of {} are under way, which is as many as there may be at once. Nothing was dialled; place the call when one has ended.",
        if *.is_of_key { "this API key" } else { "this agency" }
    )]
    TooManyCalls {
        /// How many there may be.
        most: i64,
        /// Whether the API key has no room, or the whole agency.
        is_of_key: bool,
    },
    /// A stored key that the master key in use does not open.
    #[error(
        "This key was sealed with another master key and cannot be opened. Enter it again, or start the server with the master key that sealed it."
    )]
    KeyUnreadable,
    /// A GraphQL document that is not served.
    #[error("{0}")]
    QueryRefused(String),
    /// A fault of ours.
    #[error("Something went wrong.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A wrong input field.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidInput {
            field,
            message: message.into(),
        }
    }

    /// A fault of ours, kept for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// What clients match on.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated | Self::ApiKeyRefused(_) => Code::Unauthenticated,
            Self::Forbidden | Self::NotForApiKeys => Code::Forbidden,
            Self::MissingScope(_) => Code::MissingScope,
            Self::ApiSwitchedOff => Code::ApiSwitchedOff,
            Self::PlanWithoutApi => Code::PlanWithoutApi,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::NotFound => Code::NotFound,
            Self::InvalidInput { .. } => Code::InvalidInput,
            Self::Conflict(_) | Self::Busy(_) => Code::Conflict,
            Self::ImpactChanged => Code::ImpactChanged,
            Self::DetachFailed(_) => Code::DetachFailed,
            Self::TooManyAttempts { .. } => Code::TooManyAttempts,
            Self::WrongCredentials => Code::WrongCredentials,
            Self::SetUpClosed(_) => Code::SetUpClosed,
            Self::Provider { cause, .. } => provider_code(cause),
            Self::CallRefused { code, .. } => *code,
            Self::NoOutboundNumber(_) => Code::NoOutboundNumber,
            Self::TooManyCalls { .. } => Code::TooManyCalls,
            Self::KeyUnreadable => Code::KeyUnreadable,
            Self::QueryRefused(_) => Code::QueryRefused,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// The input field at fault, as the schema spells it.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::InvalidInput { field, .. } => Some(field),
            Self::Provider {
                cause: ProviderError::InvalidKey { .. },
                ..
            } => Some("apiKey"),
            Self::SetUpClosed(_) => Some("token"),
            _ => None,
        }
    }

    /// How long to wait before the next attempt, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after, .. } | Self::RateLimited { retry_after } => {
                Some(*retry_after)
            }
            Self::Provider {
                cause: ProviderError::RateLimited { after, .. },
                ..
            } => *after,
            // Nobody knows when a call ends; a script that asks so often loses little.
            Self::TooManyCalls { .. } => Some(Duration::from_secs(5)),
            _ => None,
        }
    }

    /// The provider's own words, scrubbed of anything key-like (K13).
    pub fn provider_message(&self) -> Option<&str> {
        match self {
            Self::Provider { cause, .. } => cause.message(),
            _ => None,
        }
    }
}

/// A wait in seconds, rounded up, as `Retry-After` says it too.
fn whole_seconds(wait: Duration) -> String {
    match wait.as_millis().div_ceil(1000) {
        0 | 1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

/// The code under which a provider's answer is told.
pub(crate) fn provider_code(error: &ProviderError) -> Code {
    match error {
        ProviderError::InvalidKey { .. } => Code::KeyRejected,
        ProviderError::MissingPermission { .. } => Code::MissingPermission,
        ProviderError::NoFunds { .. } => Code::NoFunds,
        ProviderError::RateLimited { .. } => Code::ProviderRateLimited,
        ProviderError::NotFound => Code::NotFound,
        ProviderError::Unavailable { .. } => Code::ProviderUnreachable,
        ProviderError::Rejected { .. } | ProviderError::Malformed { .. } => {
            Code::ProviderAnswerMalformed
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // PostgreSQL's word for a text with a zero character, which SQLite takes and finds nowhere.
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        let code = code.as_deref();
        if code == Some("22021") {
            return Self::QueryRefused(
                "A text of this request holds a zero character (U+0000), which no stored text has."
                    .to_owned(),
            );
        }
        // A deadlock, or a serialization that failed: this side was given up, the other goes on.
        if matches!(code, Some("40P01" | "40001")) {
            return Self::Busy(error);
        }
        Self::internal(error)
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Random => Self::internal(error),
            _ => Self::KeyUnreadable,
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
