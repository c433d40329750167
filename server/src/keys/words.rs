//! What people read when a provider says no: whose, what, next. The provider's own text, scrubbed, travels beside it.

use std::time::Duration;

use crate::{
    error::Error,
    providers::{ProviderError, ProviderKind, Unavailable, info},
};

/// What stays in use when a new key is not saved.
pub(crate) enum Kept<'a> {
    /// There was no key.
    Nothing,
    /// The key with these last characters.
    Key { last_four: &'a str },
    /// A key of which the reader may see nothing (P3).
    Hidden,
}

/// The error of a key that was not saved (K3).
pub(crate) fn not_saved(
    provider: ProviderKind,
    cause: ProviderError,
    kept: &Kept<'_>,
    hint: Option<String>,
) -> Error {
    let name = provider.display_name();
    let kept = match kept {
        Kept::Nothing => "Nothing was saved.".to_owned(),
        Kept::Hidden => "Nothing was changed.".to_owned(),
        Kept::Key { last_four } => format!("The key that was here (…{last_four}) is still in use."),
    };
    let message = match &cause {
        ProviderError::InvalidKey { .. } => {
            let hint = hint.map(|hint| format!(" {hint}")).unwrap_or_default();
            format!(
                "{name} refused this key. {kept}{hint} Copy the private key, not the public one, from {}.",
                info(provider).key_location
            )
        }
        ProviderError::RateLimited { after, .. } => match after {
            Some(after) => format!(
                "{name} limits how often it is asked right now. {kept} Try again in {}.",
                wait(*after)
            ),
            None => format!(
                "{name} limits how often it is asked right now. {kept} Try again in a minute."
            ),
        },
        ProviderError::Unavailable { reason, .. } => {
            let what = match reason {
                Unavailable::Timeout => format!("{name} did not answer in time."),
                Unavailable::Status(status) => {
                    format!("{name} has a problem of its own (status {status}).")
                }
                Unavailable::BodyCut | Unavailable::ConnectionLost => {
                    format!("The answer of {name} broke off.")
                }
                Unavailable::Connect => format!("{name} could not be reached."),
                Unavailable::ForbiddenAddress => {
                    format!("The host that is configured for {name} may not be used.")
                }
            };
            format!("{what} {kept} This says nothing about the key: try again in a few minutes.")
        }
        ProviderError::MissingPermission { .. } | ProviderError::NoFunds { .. } => {
            format!("{name} did not allow the check. {kept}")
        }
        ProviderError::NotFound
        | ProviderError::Rejected { .. }
        | ProviderError::Malformed { .. } => format!(
            "{name} answered in a way that this version does not understand. {kept} Try again in a few minutes, and look \
             for a newer version of Ringfence when it stays."
        ),
    };
    Error::Provider {
        provider,
        cause,
        message,
    }
}

/// What a check of the stored key found, for its card; `None` when there is nothing to say.
pub(crate) fn health_message(error: &ProviderError) -> Option<String> {
    match error {
        ProviderError::Malformed { what } => Some(what.clone()),
        other => other.message().map(str::to_owned),
    }
}

/// A wait in words: `24 seconds`, `3 minutes`.
pub(crate) fn wait(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000).max(1);
    let (count, unit) = if seconds < 120 {
        (seconds, "second")
    } else {
        (seconds.div_ceil(60), "minute")
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_units() {
        assert_eq!(wait(Duration::from_millis(1)), "1 second");
        assert_eq!(wait(Duration::from_millis(23_001)), "24 seconds");
        assert_eq!(wait(Duration::from_secs(121)), "3 minutes");
    }

    /// K3: a refused key says whose, what stays and what to do.
    #[test]
    fn a_refused_key_says_what_stays_and_where_the_right_one_is() {
        let cause = ProviderError::InvalidKey { message: None };
        let error = not_saved(
            ProviderKind::Vapi,
            cause,
            &Kept::Key { last_four: "4f2A" },
            None,
        );
        assert_eq!(error.field(), Some("apiKey"));
        let text = error.to_string();
        assert!(
            text.starts_with(
                "Vapi refused this key. The key that was here (…4f2A) is still in use."
            ),
            "{text}"
        );
    }
}
