//! K3, K4, K13: what becomes of each answer to a key.

use super::{Bench, KEY};
use crate::providers::{Capability, CapabilityState, ProviderError, ValidationOutcome};
use crate::sandbox::{Effect, Fault, NewKey, Resource};

/// K3, K4
#[tokio::test]
async fn a_good_key_works_and_names_its_account() {
    let bench = Bench::new().await;
    let validation = bench
        .validate(Bench::sample("40 assistants"))
        .await
        .unwrap();
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
    let other = bench
        .validate(Bench::sample("another account"))
        .await
        .unwrap();
    assert_ne!(
        validation.account.unwrap().remote_id,
        other.account.unwrap().remote_id
    );
}

/// K3: validation asks read-only questions, one item each.
#[tokio::test]
async fn validation_only_reads() {
    let bench = Bench::new().await;
    bench
        .validate(Bench::sample("40 assistants"))
        .await
        .unwrap();
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
    for key in [Bench::sample("Revoked"), "nobody-knows-this-key"] {
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
    let validation = bench.validate(Bench::sample("permission")).await.unwrap();
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
    let error = bench
        .numbers(Bench::sample("permission"), None)
        .await
        .unwrap_err();
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
    let validation = bench.validate(Bench::sample("out of funds")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::NoFunds);
    assert_eq!(
        validation.message.as_deref(),
        Some("Billing Limits Exceeded")
    );
    assert!(matches!(
        bench.agents(Bench::sample("out of funds"), None).await,
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
