//! K3, K4, K13: what becomes of each answer to a key.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::{Bench, KEY, Vapi, sample};
use crate::providers::{
    Capability, CapabilityState, ProviderError, ProviderKind, Target, Unavailable,
    ValidationOutcome, VoiceProvider,
};
use crate::sandbox::{EchoStyle, Effect, Fault, NewKey, Resource};

/// K3, K4
#[tokio::test]
async fn a_good_key_works_and_names_its_account() {
    let bench = Bench::new().await;
    let validation = bench.validate(sample("40 assistants")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::Works);
    assert_eq!(validation.message, None);
    assert_eq!(
        validation.capabilities,
        [
            (Capability::ListAgents, CapabilityState::Yes),
            (Capability::ListNumbers, CapabilityState::Yes),
            (Capability::ReadCalls, CapabilityState::Yes),
            (Capability::PlaceCalls, CapabilityState::Unknown),
        ]
    );
    let other = bench.validate(sample("another account")).await.unwrap();
    assert_ne!(
        validation.account.unwrap().remote_id,
        other.account.unwrap().remote_id
    );
}

/// K3: validation asks read-only questions, one item each.
#[tokio::test]
async fn validation_only_reads() {
    let bench = Bench::new().await;
    bench.validate(sample("40 assistants")).await.unwrap();
    let mut asked: Vec<String> = bench
        .sandbox
        .control()
        .requests()
        .into_iter()
        .map(|request| {
            format!(
                "{} {}?{}",
                request.method,
                request.path,
                request.query.unwrap_or_default()
            )
        })
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /vapi/assistant?limit=1",
            "GET /vapi/call?limit=1",
            "GET /vapi/phone-number?limit=1"
        ]
    );
}

/// K3: an empty account is a good one whose id nothing tells.
#[tokio::test]
async fn a_key_of_an_empty_account_works_without_an_account_id() {
    let bench = Bench::with_account(0, 0).await;
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        (validation.outcome, validation.account),
        (ValidationOutcome::Works, None)
    );
}

/// K3
#[tokio::test]
async fn a_rejected_key_is_invalid() {
    let bench = Bench::new().await;
    for key in [sample("Revoked"), "nobody-knows-this-key"] {
        let error = bench.validate(key).await.unwrap_err();
        assert!(
            matches!(&error, ProviderError::InvalidKey { message: Some(text) }
            if text == "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."),
            "{error:?}"
        );
        assert!(!error.is_transient());
    }
}

/// K3, K4
#[tokio::test]
async fn a_key_without_a_permission_is_limited() {
    let bench = Bench::new().await;
    let validation = bench.validate(sample("permission")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(validation.message.as_deref(), Some("Forbidden resource"));
    assert!(validation.account.is_some());
    assert_eq!(
        validation.capabilities[1],
        (Capability::ListNumbers, CapabilityState::No)
    );
    assert_eq!(
        validation.capabilities[2],
        (Capability::ReadCalls, CapabilityState::Yes)
    );
    let error = bench.numbers(sample("permission"), None).await.unwrap_err();
    assert!(matches!(
        error,
        ProviderError::MissingPermission {
            which: Some(Capability::ListNumbers),
            ..
        }
    ));
}

/// K3, K4: accepted is accepted, even when everything that was tried is forbidden.
#[tokio::test]
async fn a_key_that_may_not_list_agents_is_limited_too() {
    let bench = Bench::with_account(3, 3).await;
    let forbidden = vec![Resource::Agents];
    let key = NewKey {
        key: "narrow-key-Bd7w".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: None,
        forbidden,
    };
    bench.sandbox.control().add_key(&key).unwrap();
    let validation = bench.validate("narrow-key-Bd7w").await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(
        validation.capabilities[0],
        (Capability::ListAgents, CapabilityState::No)
    );
    assert!(
        validation.account.is_some(),
        "the phone numbers name the account"
    );
    bench.inject(Fault::status(403));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        (validation.outcome, validation.account),
        (ValidationOutcome::LacksPermission, None)
    );
}

/// K3
#[tokio::test]
async fn a_key_without_funds_says_so() {
    let bench = Bench::new().await;
    let validation = bench.validate(sample("out of funds")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::NoFunds);
    assert_eq!(
        validation.message.as_deref(),
        Some("Billing Limits Exceeded")
    );
    assert!(matches!(
        bench.agents(sample("out of funds"), None).await,
        Err(ProviderError::NoFunds { .. })
    ));
}

/// K3: Vapi tells some billing refusals only by the text of a 400.
#[tokio::test]
async fn a_bad_request_about_money_is_no_funds() {
    for (text, is_no_funds) in [
        ("Wallet Balance Is Too Low.", true),
        ("Your Subscription Is Frozen.", true),
        ("property credentialId should not exist", false),
    ] {
        let bench = Bench::with_account(1, 0).await;
        bench.inject(Fault::new(Effect::Status {
            status: 400,
            message: Some(text.to_owned()),
            retry_after: None,
        }));
        let error = bench.agents(KEY, None).await.unwrap_err();
        match error {
            ProviderError::NoFunds { message } if is_no_funds => {
                assert_eq!(message.as_deref(), Some(text));
            }
            ProviderError::Rejected {
                status: 400,
                message,
            } if !is_no_funds => {
                assert_eq!(message.as_deref(), Some(text));
            }
            error => panic!("{text}: {error:?}"),
        }
    }
}

/// K3, S4
#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let bench = Bench::with_account(1, 0).await;
    let error = bench.validate(sample("Rate-limited")).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::RateLimited { after: Some(wait), message: Some(text) }
        if wait.as_secs() == 24 && text == "Rate limit exceeded"),
        "{error:?}"
    );
    assert!(error.is_transient());
    bench.inject(Fault::status(429));
    assert!(matches!(
        bench.validate(KEY).await,
        Err(ProviderError::RateLimited { after: None, .. })
    ));
}

/// K3
#[tokio::test]
async fn a_provider_that_is_down_is_unavailable() {
    let bench = Bench::new().await;
    let error = bench.validate(sample("down")).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Unavailable { reason: Unavailable::Status(500), message: Some(text) }
        if text == "Internal server error"),
        "{error:?}"
    );
    assert!(error.is_transient());
    let address = bench.sandbox.base_url(ProviderKind::Vapi);
    bench.sandbox.stop().await;
    let key = SecretString::from(KEY);
    let deadline = Instant::now() + Duration::from_secs(5);
    let error = Vapi
        .validate(&Target {
            http: &bench.http,
            base_url: &address,
            key: &key,
            deadline,
        })
        .await
        .unwrap_err();
    assert_eq!(
        error,
        ProviderError::Unavailable {
            reason: Unavailable::Connect,
            message: None
        }
    );
}

/// K3
#[tokio::test]
async fn a_hanging_provider_is_unavailable_at_the_deadline() {
    let mut bench = Bench::with_account(1, 0).await;
    bench.wait = Duration::from_millis(300);
    bench.inject(Fault::new(Effect::Hang));
    let error = bench.validate(KEY).await.unwrap_err();
    assert_eq!(
        error,
        ProviderError::Unavailable {
            reason: Unavailable::Timeout,
            message: None
        }
    );
    bench.sandbox.stop().await;
}

/// K3
#[tokio::test]
async fn a_cut_answer_is_unavailable() {
    let bench = Bench::with_account(5, 0).await;
    bench.inject(Fault::new(Effect::CutBody));
    let error = bench.agents(KEY, None).await.unwrap_err();
    assert_eq!(
        error,
        ProviderError::Unavailable {
            reason: Unavailable::BodyCut,
            message: None
        }
    );
}

/// K3: each malformed answer is told apart in words.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_malformed() {
    for (effect, expected) in [
        (Effect::NotJson, "the list of assistants is not JSON"),
        (
            Effect::WrongShape,
            "the list of assistants is an object where a list belongs",
        ),
        (
            Effect::Redirect {
                location: "https://example.com/".to_owned(),
            },
            "it is a redirect (302), and redirects are not followed",
        ),
        (
            Effect::Status {
                status: 404,
                message: None,
                retry_after: None,
            },
            "the list of assistants is not found at the configured address",
        ),
    ] {
        let bench = Bench::with_account(1, 0).await;
        bench.inject(Fault::new(effect));
        for error in [
            bench.validate(KEY).await.unwrap_err(),
            bench.agents(KEY, None).await.unwrap_err(),
        ] {
            assert_eq!(
                error,
                ProviderError::Malformed {
                    what: expected.to_owned()
                }
            );
            assert!(!error.is_transient());
        }
    }
}

/// K4: a later probe that could not be asked leaves its capability unknown, and the key is not blamed.
#[tokio::test]
async fn a_capability_that_could_not_be_tried_stays_unknown() {
    for fault in [
        Fault::status(500),
        Fault::rate_limit("9"),
        Fault::new(Effect::NotJson),
    ] {
        let bench = Bench::with_account(1, 1).await;
        bench.inject(fault.on("/vapi/phone-number"));
        let validation = bench.validate(KEY).await.unwrap();
        assert_eq!(validation.outcome, ValidationOutcome::Works);
        assert_eq!(
            validation.capabilities[1],
            (Capability::ListNumbers, CapabilityState::Unknown)
        );
    }
}

/// K13
#[tokio::test]
async fn a_key_that_the_provider_echoes_gets_no_further() {
    for style in [
        EchoStyle::Plain,
        EchoStyle::Masked,
        EchoStyle::PercentEncoded,
        EchoStyle::Base64,
    ] {
        let bench = Bench::with_account(1, 0).await;
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
                !text.contains("Zq3x") && !text.contains("test-key"),
                "{text}"
            );
        }
    }
}
