//! K3, K4, K13, K14: what becomes of each answer to a key.

use super::{Bench, KEY, Retell};
use crate::providers::{
    Capability, CapabilityState, ProviderError, RemoteAccount, Target, ValidationOutcome,
    VoiceProvider,
};
use crate::sandbox::{Effect, Fault, NewKey, Resource};

const IDENTITY: &str = "/retell/get-api-key-info";

/// A key of [`KEY`]'s account that may not use these parts.
async fn limited(forbidden: &[Resource]) -> Bench {
    let bench = Bench::with_account(3, 3).await;
    let key = NewKey {
        key: "narrow-key-Bd7w".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: None,
        forbidden: forbidden.to_vec(),
    };
    bench.sandbox.control().add_key(&key).unwrap();
    bench
}

/// K3, K4
#[tokio::test]
async fn a_good_key_works_and_names_its_account() {
    let bench = Bench::new().await;
    let validation = bench.validate(Bench::sample("36 agents")).await.unwrap();
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
    let account = validation.account.unwrap();
    assert_eq!(account.name.as_deref(), Some("Northside Voice"));
    let other = bench
        .validate(Bench::sample("another account"))
        .await
        .unwrap();
    assert_ne!(account.remote_id, other.account.unwrap().remote_id);
}

/// K3: validation asks read-only questions, one item each.
#[tokio::test]
async fn validation_only_reads() {
    let bench = Bench::new().await;
    bench.validate(Bench::sample("36 agents")).await.unwrap();
    let mut asked = bench.asked();
    assert_eq!(asked.remove(0), "GET /retell/get-api-key-info");
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /retell/v2/list-phone-numbers?limit=1",
            "POST /retell/v2/list-agents?limit=1",
            "POST /retell/v3/list-calls",
        ]
    );
}

/// K3: an empty account is as good as any.
#[tokio::test]
async fn a_key_of_an_empty_account_works() {
    let bench = Bench::with_account(0, 0).await;
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::Works);
    assert!(validation.account.is_some());
}

/// K3: a Retell that cannot describe a key is asked for what it can tell, and the account stays unknown.
#[tokio::test]
async fn a_retell_without_descriptions_of_keys_is_asked_another_way() {
    let bench = Bench::with_account(1, 1).await;
    bench.inject(Fault::status(404).on(IDENTITY));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        (validation.outcome, validation.account),
        (ValidationOutcome::Works, None)
    );
    assert!(bench.asked()[1].ends_with("/get-concurrency"));
    bench.inject(Fault::status(404).on("/retell/v2/list-agents"));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        validation.capabilities[0],
        (Capability::ListAgents, CapabilityState::Yes)
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
            if text == "API key is missing or invalid."),
            "{error:?}"
        );
        assert!(!error.is_transient());
    }
    assert_eq!(
        bench.asked().len(),
        2,
        "nothing more is asked with a refused key"
    );
}

/// K3, K4
#[tokio::test]
async fn a_key_without_a_permission_is_limited() {
    let bench = Bench::new().await;
    let validation = bench.validate(Bench::sample("permission")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(validation.message.as_deref(), Some("Forbidden"));
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
async fn a_key_that_may_nothing_is_limited_too() {
    let bench = limited(&[Resource::Agents, Resource::PhoneNumbers, Resource::Calls]).await;
    let validation = bench.validate("narrow-key-Bd7w").await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert!(validation.account.is_some());
    for (capability, state) in &validation.capabilities[..3] {
        assert_eq!(*state, CapabilityState::No, "{capability:?}");
    }
    bench.inject(Fault::status(403));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        (validation.outcome, validation.account),
        (ValidationOutcome::LacksPermission, None)
    );
}

/// K3, K4: a key that may not be described works when everything else does, and its account is unknown.
#[tokio::test]
async fn a_key_that_may_not_be_described_works_without_an_account() {
    let bench = Bench::with_account(1, 1).await;
    bench.inject(Fault::status(403).on(IDENTITY));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(
        (validation.outcome, validation.account),
        (ValidationOutcome::Works, None)
    );
}

/// K3, K4: one answer is enough to show that a key is accepted, whatever the others refuse; so is a bill that is not paid.
#[tokio::test]
async fn a_key_that_one_answer_accepts_is_limited() {
    let bench = Bench::with_account(1, 1).await;
    bench.inject(Fault::status(403).on(IDENTITY));
    bench.inject(Fault::status(401).on("/retell/v2/list-phone-numbers"));
    bench.inject(Fault::status(401).on("/retell/v3/list-calls"));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(
        validation.capabilities[..2],
        [
            (Capability::ListAgents, CapabilityState::Yes),
            (Capability::ListNumbers, CapabilityState::No)
        ]
    );
    bench.sandbox.control().clear_faults();
    bench.inject(Fault::status(402).on(IDENTITY));
    bench.inject(Fault::status(401).on("/retell/v2/*"));
    bench.inject(Fault::status(401).on("/retell/v3/*"));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::NoFunds);
}

/// K3: of a key that no answer accepted nothing is claimed.
#[tokio::test]
async fn a_key_that_nothing_accepts_is_not_saved() {
    let bench = Bench::with_account(1, 1).await;
    bench.inject(Fault::status(403).on(IDENTITY));
    bench.inject(Fault::status(503).on("/retell/v2/*"));
    bench.inject(Fault::status(503).on("/retell/v3/*"));
    let error = bench.validate(KEY).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    bench.sandbox.control().clear_faults();
    bench.inject(Fault::status(403).on(IDENTITY));
    bench.inject(Fault::status(401).on("/retell/v3/list-calls"));
    bench.inject(Fault::status(403).on("/retell/v2/*"));
    let error = bench.validate(KEY).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::InvalidKey { .. }),
        "{error:?}"
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
        Some("Trial has ended, please add payment method.")
    );
    assert!(matches!(
        bench.agents(Bench::sample("out of funds"), None).await,
        Err(ProviderError::NoFunds { .. })
    ));
    let bench = Bench::with_account(1, 1).await;
    for path in [IDENTITY, "/retell/v3/list-calls"] {
        bench.sandbox.control().clear_faults();
        bench.inject(Fault::status(402).on(path));
        let validation = bench.validate(KEY).await.unwrap();
        assert_eq!(validation.outcome, ValidationOutcome::NoFunds, "{path}");
        assert!(validation.message.is_some());
    }
}

/// K3: a request that Retell does not understand says nothing about the key or its funds.
#[tokio::test]
async fn a_bad_request_is_rejected_with_its_text() {
    let bench = Bench::with_account(1, 0).await;
    bench.inject(Fault::status(400));
    let error = bench.agents(KEY, None).await.unwrap_err();
    assert_eq!(
        error,
        ProviderError::Rejected {
            status: 400,
            message: Some("Invalid request format, please check API reference.".to_owned())
        }
    );
}

/// K3, K14: each malformed answer is told apart in words, and a redirect leads nowhere.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_malformed() {
    let not_found = Effect::Status {
        status: 404,
        message: None,
        retry_after: None,
    };
    let redirect = Effect::Redirect {
        location: "https://example.com/".to_owned(),
    };
    for (effect, of_the_key, of_the_list) in [
        (Effect::NotJson, "is not JSON", "is not JSON"),
        (
            Effect::WrongShape,
            "is a list where an object belongs",
            "is a list where an object belongs",
        ),
        (
            not_found,
            "at the configured address",
            "at the configured address",
        ),
        (
            redirect,
            "redirects are not followed",
            "redirects are not followed",
        ),
    ] {
        let bench = Bench::with_account(1, 0).await;
        bench.inject(Fault::new(effect));
        for (error, expected) in [
            (bench.validate(KEY).await.unwrap_err(), of_the_key),
            (bench.agents(KEY, None).await.unwrap_err(), of_the_list),
        ] {
            assert!(
                matches!(&error, ProviderError::Malformed { what } if what.ends_with(expected)),
                "{error:?}"
            );
            assert!(!error.is_transient());
        }
    }
}

/// K3: Retell's usual "not found" is none of a list or a key, of which every account has one.
#[tokio::test]
async fn a_list_that_is_not_found_for_a_key_is_malformed() {
    let bench = Bench::with_account(1, 0).await;
    bench.inject(Fault::status(422));
    for error in [
        bench.validate(KEY).await.unwrap_err(),
        bench.agents(KEY, None).await.unwrap_err(),
        bench.numbers(KEY, None).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, ProviderError::Malformed { what } if what.ends_with("is not found for this key")),
            "{error:?}"
        );
    }
}

/// K14: what an answer says about itself leads to no further request.
#[tokio::test]
async fn an_address_in_an_answer_is_not_used() {
    let server = wiremock::MockServer::start().await;
    let body = serde_json::json!({
        "org_id": "org_1", "org_name": "Elsewhere", "url": "https://example.com/", "next": "https://example.com/2",
        "items": [], "has_more": false, "next_page_uri": "https://example.com/3",
    });
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(&body))
        .mount(&server)
        .await;
    let bench = Bench::new().await;
    let address = url::Url::parse(&server.uri()).unwrap();
    let validation = bench
        .ask_at(&address, KEY, async |target: &Target<'_>| {
            Retell.validate(target).await
        })
        .await
        .unwrap();
    assert_eq!(
        validation.account,
        Some(RemoteAccount {
            remote_id: "org_1".to_owned(),
            name: Some("Elsewhere".to_owned())
        })
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
}
