//! The words of webhooks: what each event means, and how an attempt went.

use crate::api::enums::{WebhookEvent, WebhookFailure};
use crate::api::webhooks::{Delivery, TestResult};
use crate::logic::number::counted;

/// What an endpoint can listen to.
pub(crate) const SUBSCRIBABLE: [WebhookEvent; 3] = [
    WebhookEvent::ProviderKeyInvalid,
    WebhookEvent::ProviderKeyRestored,
    WebhookEvent::SyncFailed,
];

/// An event as payloads name it.
pub(crate) fn event_name(event: WebhookEvent) -> &'static str {
    match event {
        WebhookEvent::ProviderKeyInvalid => "provider_key.invalid",
        WebhookEvent::ProviderKeyRestored => "provider_key.restored",
        WebhookEvent::SyncFailed => "sync.failed",
        WebhookEvent::WebhookTest => "webhook.test",
        WebhookEvent::Unknown => "unknown",
    }
}

/// When an event is sent.
pub(crate) fn event_text(event: WebhookEvent) -> &'static str {
    match event {
        WebhookEvent::ProviderKeyInvalid => "a provider refuses a key, three times in a row",
        WebhookEvent::ProviderKeyRestored => "that key works again, or another took its place",
        WebhookEvent::SyncFailed => "an account could not be imported",
        WebhookEvent::WebhookTest | WebhookEvent::Unknown => "",
    }
}

/// The host of an address; the whole where there is none.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).to_owned()
}

/// What a test found, in short.
pub(crate) fn test_title(result: &TestResult) -> String {
    if result.failure.is_none() {
        "The test arrived".to_owned()
    } else {
        "The test did not arrive".to_owned()
    }
}

/// What a test found, and what to do.
pub(crate) fn test_text(result: &TestResult) -> String {
    let time = result.duration_ms.unwrap_or_default();
    let answered = result
        .status_code
        .map(|status| format!("The endpoint answered {status} within {time} ms."));
    match result.failure {
        None => answered.unwrap_or_default(),
        Some(failure) => match answered {
            Some(answered) => format!("{answered} {}", advice(failure)),
            None => advice(failure).to_owned(),
        },
    }
}

fn advice(failure: WebhookFailure) -> &'static str {
    match failure {
        WebhookFailure::NameNotFound => "Its name leads nowhere. Check the address.",
        WebhookFailure::AddressRefused => {
            "Its name leads into a private network. Webhooks go to public addresses only."
        }
        WebhookFailure::ConnectionFailed => {
            "No connection could be made. Check that it listens and that its certificate is valid."
        }
        WebhookFailure::Timeout => "No answer came within ten seconds. Answer first, work later.",
        WebhookFailure::Redirect => "Redirects are not followed. Enter the address it leads to.",
        WebhookFailure::Gone => "410 means that it wants nothing any more.",
        WebhookFailure::Status => "A status from 200 to 299 counts as delivered.",
        WebhookFailure::SwitchedOff => "It was switched off before this could be sent.",
        WebhookFailure::SecretUnreadable => {
            "The signing secret cannot be opened with the master key in use. Make a new one."
        }
        WebhookFailure::Unknown => "It did not arrive.",
    }
}

/// How the last attempt of a delivery went, for its line in the log.
pub(crate) fn answer(delivery: &Delivery) -> String {
    let tries = counted(delivery.attempts, "try", "tries");
    let outcome = match (delivery.failure, delivery.status_code) {
        (None, None) => return "not sent yet".to_owned(),
        (_, Some(status)) => {
            let time = delivery.duration_ms.unwrap_or_default();
            format!("{status}, {time} ms")
        }
        (Some(failure), None) => short(failure).to_owned(),
    };
    format!("{outcome}, {tries}")
}

fn short(failure: WebhookFailure) -> &'static str {
    match failure {
        WebhookFailure::NameNotFound => "name not found",
        WebhookFailure::AddressRefused => "address refused",
        WebhookFailure::ConnectionFailed => "no connection",
        WebhookFailure::Timeout => "no answer in time",
        WebhookFailure::Redirect => "redirect",
        WebhookFailure::Gone => "gone",
        WebhookFailure::Status => "refused",
        WebhookFailure::SwitchedOff => "switched off before",
        WebhookFailure::SecretUnreadable => "secret cannot be opened",
        WebhookFailure::Unknown => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_stands_before_the_path() {
        assert_eq!(host("https://hooks.example.com/a?b"), "hooks.example.com");
        assert_eq!(host("http://127.0.0.1:9000"), "127.0.0.1:9000");
        assert_eq!(host("https://hooks.example.com?token"), "hooks.example.com");
    }
}
