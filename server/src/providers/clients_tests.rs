//! K3, K4, K13, S4: what holds for the client of every provider, whatever its words.

use std::time::Duration;

use super::bench::{Bench, KEY, Played};
use super::bland::Bland;
use super::retell::Retell;
use super::vapi::Vapi;
use super::{Capability, CapabilityState, ProviderError, Target, Unavailable, ValidationOutcome};
use crate::sandbox::{EchoStyle, Effect, Fault};

fn unavailable(reason: Unavailable) -> ProviderError {
    ProviderError::Unavailable {
        reason,
        message: None,
    }
}

async fn says_how_long_to_wait<P: Played>(text: &str) {
    let bench = Bench::<P>::with_account(1, 0).await;
    let limited = Bench::<P>::sample("Rate-limited");
    let error = bench.validate(limited).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::RateLimited { after: Some(wait), message: Some(message) }
        if wait.as_secs() == 24 && message == text),
        "{error:?}"
    );
    assert!(error.is_transient());
    bench.inject(Fault::status(429));
    assert!(matches!(
        bench.validate(KEY).await,
        Err(ProviderError::RateLimited { after: None, .. })
    ));
}

/// K3, S4
#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    says_how_long_to_wait::<Vapi>("Rate limit exceeded").await;
    says_how_long_to_wait::<Retell>("Account rate limited, please throttle your requests.").await;
    says_how_long_to_wait::<Bland>("Rate limit exceeded").await;
}

async fn is_unavailable_when_down<P: Played>(text: &str) {
    let bench = Bench::<P>::new().await;
    let down = Bench::<P>::sample("is down");
    let error = bench.validate(down).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Unavailable { reason: Unavailable::Status(500), message: Some(message) }
        if message == text),
        "{error:?}"
    );
    assert!(error.is_transient());
    let address = bench.sandbox.base_url(Bench::<P>::kind());
    bench.sandbox.stop().await;
    let other = Bench::<P>::new().await;
    let error = other
        .ask_at(&address, KEY, async |target: &Target<'_>| {
            P::CLIENT.validate(target).await
        })
        .await
        .unwrap_err();
    assert_eq!(error, unavailable(Unavailable::Connect));
}

/// K3
#[tokio::test]
async fn a_provider_that_is_down_is_unavailable() {
    is_unavailable_when_down::<Vapi>("Internal server error").await;
    is_unavailable_when_down::<Retell>("An unexpected server error occurred.").await;
    is_unavailable_when_down::<Bland>("Internal server error").await;
}

async fn gives_up_at_the_deadline<P: Played>() {
    let mut bench = Bench::<P>::with_account(1, 0).await;
    bench.wait = Duration::from_millis(300);
    bench.inject(Fault::new(Effect::Hang));
    let error = bench.validate(KEY).await.unwrap_err();
    assert_eq!(error, unavailable(Unavailable::Timeout));
    bench.sandbox.stop().await;
}

/// K3
#[tokio::test]
async fn a_hanging_provider_is_unavailable_at_the_deadline() {
    gives_up_at_the_deadline::<Vapi>().await;
    gives_up_at_the_deadline::<Retell>().await;
    gives_up_at_the_deadline::<Bland>().await;
}

async fn notices_a_cut_answer<P: Played>() {
    let bench = Bench::<P>::with_account(5, 0).await;
    bench.inject(Fault::new(Effect::CutBody));
    for error in [
        bench.validate(KEY).await.unwrap_err(),
        bench.agents(KEY, None).await.unwrap_err(),
    ] {
        assert_eq!(error, unavailable(Unavailable::BodyCut));
    }
}

/// K3
#[tokio::test]
async fn a_cut_answer_is_unavailable() {
    notices_a_cut_answer::<Vapi>().await;
    notices_a_cut_answer::<Retell>().await;
    notices_a_cut_answer::<Bland>().await;
}

async fn leaves_it_unknown<P: Played>(numbers: &str) {
    for fault in [
        Fault::status(500),
        Fault::rate_limit("9"),
        Fault::new(Effect::NotJson),
    ] {
        let bench = Bench::<P>::with_account(1, 1).await;
        bench.inject(fault.on(numbers));
        let validation = bench.validate(KEY).await.unwrap();
        assert_eq!(validation.outcome, ValidationOutcome::Works);
        assert_eq!(
            validation.capabilities[1],
            (Capability::ListNumbers, CapabilityState::Unknown)
        );
    }
}

/// K4: a probe that could not be asked leaves its capability unknown, and the key is not blamed.
#[tokio::test]
async fn a_capability_that_could_not_be_tried_stays_unknown() {
    leaves_it_unknown::<Vapi>("/vapi/phone-number").await;
    leaves_it_unknown::<Retell>("/retell/v2/list-phone-numbers").await;
    leaves_it_unknown::<Bland>("/bland/v1/inbound").await;
}

async fn keeps_the_echo_to_itself<P: Played>() {
    for style in [
        EchoStyle::Plain,
        EchoStyle::Masked,
        EchoStyle::PercentEncoded,
        EchoStyle::Base64,
    ] {
        let bench = Bench::<P>::with_account(1, 0).await;
        bench.inject(Fault::new(Effect::EchoKey { style }));
        let error = bench.validate(KEY).await.unwrap_err();
        let masked = if style == EchoStyle::PercentEncoded {
            "https://api.example/keys?••••"
        } else {
            "••••"
        };
        let expected = format!("Invalid Key {masked}. Check the key and send the request again.");
        assert_eq!(error.message(), Some(expected.as_str()), "{style:?}");
        for text in [format!("{error:?}"), error.to_string()] {
            assert!(
                !text.contains("Zq3x") && !text.contains("bench-key"),
                "{text}"
            );
        }
    }
}

/// K13
#[tokio::test]
async fn a_key_that_the_provider_echoes_gets_no_further() {
    keeps_the_echo_to_itself::<Vapi>().await;
    keeps_the_echo_to_itself::<Retell>().await;
    keeps_the_echo_to_itself::<Bland>().await;
}
