//! What an alert says: whose, what, next. No character of a key stands in it, because everybody who works for the agency
//! reads it.

use url::Url;

use super::{Cause, provider_name};
use crate::{error::Result, keys, store::api_keys::ApiKeyRow};

/// Whose key it is, and how many agents call with it.
pub(super) struct Whose<'a> {
    /// The client's name; `None` for the agency's own key.
    pub(super) client: Option<&'a str>,
    pub(super) agents: i64,
}

impl Whose<'_> {
    fn owner(&self) -> String {
        match self.client {
            Some(name) if name.ends_with('s') => format!("{name}'"),
            Some(name) => format!("{name}'s"),
            None => "The agency's".to_owned(),
        }
    }

    /// Which agents stop, until when.
    fn stopped(&self, until: &str) -> String {
        match self.agents {
            0 => "No agent calls with it now.".to_owned(),
            1 => format!("Its one agent cannot call until {until}"),
            count => format!("Its {} agents cannot call until {until}", grouped(count)),
        }
    }
}

/// The sentence or two that people read.
pub(super) fn summary(cause: &Cause<'_>, whose: &Whose<'_>) -> Result<String> {
    let owner = whose.owner();
    Ok(match cause {
        Cause::Invalid(key) => {
            let next = if whose.client.is_some() {
                "it is replaced; the agency key is not used instead."
            } else {
                "it is replaced."
            };
            let provider = provider_name(key)?;
            format!(
                "{owner} {provider} key was rejected. {}",
                whose.stopped(next)
            )
        }
        Cause::NoFunds(key) => {
            let provider = provider_name(key)?;
            let stopped = whose.stopped("it is topped up.");
            format!("{owner} {provider} account is out of funds. {stopped}")
        }
        Cause::SyncFailed { key, message } => {
            let provider = provider_name(key)?;
            format!("{owner} {provider} account could not be synced. {message}")
        }
        Cause::HandInWaiting { hand_in, client } => {
            let provider = keys::provider_of(&hand_in.provider)?.display_name();
            format!(
                "{client} handed in a {provider} key that waits for an owner or admin. Until it is accepted, nothing \
                 changes."
            )
        }
        Cause::ApiKeyOld(key) => format!(
            "The API key {} is older than 90 days. Rotate it; the old one can work on beside the new one for up to 72 hours.",
            key.name
        ),
        Cause::ApiKeyExposed { key, beside } => exposed(&key.name, *beside),
        Cause::WebhookDisabled { endpoint, failures } => {
            let host = Url::parse(&endpoint.url)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned))
                .unwrap_or_else(|| "an unknown host".to_owned());
            let why = match failures {
                0 | 1 => "after it answered that it is gone".to_owned(),
                count => format!("after {count} failed deliveries in a row"),
            };
            format!(
                "The webhook to {host} was switched off {why}. Send it a test; when that arrives, switch it on again."
            )
        }
    })
}

/// What was found is revoked; what else of its name is let in is said apart.
fn exposed(name: &str, beside: Option<&ApiKeyRow>) -> String {
    match beside.map(|beside| beside.ends_at) {
        None => format!(
            "The API key {name} was reported as exposed and is revoked. Generate a new one, and look at where this one was kept."
        ),
        Some(Some(end)) => format!(
            "The API key {name} was reported as exposed and is revoked. The one before it works on until {end}. Generate a new \
             one, and look at where this one was kept."
        ),
        Some(None) => format!(
            "An earlier API key {name} was reported as exposed and is revoked. The one in its place works on. Look at where the \
             earlier one was kept, and rotate the new one if it may be there too."
        ),
    }
}

/// A count with its thousands apart: `12,400`.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8: the words count the agents, and say of a client's key that the agency's does not step in (R2).
    #[test]
    fn what_stops_is_counted() {
        let whose = |client, agents| Whose { client, agents };
        assert_eq!(whose(Some("Harris"), 0).owner(), "Harris'");
        assert_eq!(
            whose(Some("Northside Dental"), 0).owner(),
            "Northside Dental's"
        );
        assert_eq!(
            whose(None, 12_400).stopped("it is replaced."),
            "Its 12,400 agents cannot call until it is replaced."
        );
        assert_eq!(
            whose(None, 1).stopped("it is replaced."),
            "Its one agent cannot call until it is replaced."
        );
        assert_eq!(whose(None, 0).stopped("x"), "No agent calls with it now.");
    }
}
