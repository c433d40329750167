//! How a request to a provider can fail, in words that every provider shares.
//! It owns the one error type of the provider clients. It must not decide what is saved, retried or shown: callers do,
//! by matching on the variant. Each `message` is the provider's own text after scrubbing (K13), never raw.

use std::time::Duration;

use super::Capability;

/// Why a request to a provider gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider does not know the key, or no longer accepts it.
    #[error("the provider refused the key")]
    InvalidKey {
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// The key is accepted, but not for this.
    #[error("the key lacks a permission")]
    MissingPermission {
        /// What the key may not do, where the request tells.
        which: Option<Capability>,
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// The key is accepted, but its account is out of funds.
    #[error("the account is out of funds")]
    NoFunds {
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// Too many requests.
    #[error("the provider's rate limit is reached")]
    RateLimited {
        /// How long to wait, where the provider tells: from one second to one hour.
        after: Option<Duration>,
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// There is no such thing in this account.
    #[error("the provider has no such item")]
    NotFound,
    /// The provider understood the request and refused it.
    #[error("the provider refused the request with status {status}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// The provider could not be reached, or could not answer.
    #[error("the provider is not available: {reason}")]
    Unavailable {
        /// What kept it from answering.
        reason: Unavailable,
        /// The provider's text, scrubbed.
        message: Option<String>,
    },
    /// The provider answered something that is not what its interface promises.
    #[error("the provider's answer cannot be read: {what}")]
    Malformed {
        /// What was wrong with it; never a piece of the answer.
        what: String,
    },
}

/// What kept a provider from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No connection: the name does not resolve, the port is closed, or TLS failed.
    #[error("no connection")]
    Connect,
    /// No answer, or not all of it, before the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The provider itself reported a failure, with this HTTP status.
    #[error("it answered with status {0}")]
    Status(u16),
    /// The connection was closed before an answer began.
    #[error("the connection was closed without an answer")]
    ConnectionLost,
    /// The answer broke off.
    #[error("the answer broke off")]
    BodyCut,
    /// The configured base URL is one that no key is sent to (K14).
    #[error("the configured address is neither https nor loopback")]
    ForbiddenAddress,
}

impl ProviderError {
    /// True when the same request may well work later without anybody changing anything (S4).
    pub fn is_transient(&self) -> bool {
        match self {
            ProviderError::RateLimited { .. } => true,
            ProviderError::Unavailable { reason, .. } => *reason != Unavailable::ForbiddenAddress,
            ProviderError::InvalidKey { .. }
            | ProviderError::MissingPermission { .. }
            | ProviderError::NoFunds { .. }
            | ProviderError::NotFound
            | ProviderError::Rejected { .. }
            | ProviderError::Malformed { .. } => false,
        }
    }

    /// True when a request that changes something may have changed it all the same: it was sent, and no answer that can
    /// be read says that it was refused. Such a request is never sent again before somebody has looked.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            ProviderError::Malformed { .. } => true,
            ProviderError::Unavailable { reason, .. } => {
                !matches!(reason, Unavailable::Connect | Unavailable::ForbiddenAddress)
            }
            ProviderError::InvalidKey { .. }
            | ProviderError::MissingPermission { .. }
            | ProviderError::NoFunds { .. }
            | ProviderError::RateLimited { .. }
            | ProviderError::NotFound
            | ProviderError::Rejected { .. } => false,
        }
    }

    /// The provider's own text, scrubbed, if it sent any.
    pub fn message(&self) -> Option<&str> {
        match self {
            ProviderError::InvalidKey { message }
            | ProviderError::MissingPermission { message, .. }
            | ProviderError::NoFunds { message }
            | ProviderError::RateLimited { message, .. }
            | ProviderError::Rejected { message, .. }
            | ProviderError::Unavailable { message, .. } => message.as_deref(),
            ProviderError::NotFound | ProviderError::Malformed { .. } => None,
        }
    }
}
