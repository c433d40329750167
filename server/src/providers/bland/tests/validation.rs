//! K3, K4, K13: what becomes of each answer to a key.

use secrecy::SecretString;
use tokio::time::Instant;

use super::{Bench, Bland, KEY, create_agents, told};
use crate::providers::{
    Capability, CapabilityState, ProviderError, Target, ValidationOutcome, VoiceProvider,
};
use crate::sandbox::{Effect, Fault, NewKey, Resource};

/// K3, K4
#[tokio::test]
async fn a_good_key_works_and_names_its_account() {
    let bench = Bench::new().await;
    let validation = bench.validate(Bench::sample("29 personas")).await.unwrap();
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

/// K3: validation asks read-only questions, one item each where Bland lets one ask for that.
#[tokio::test]
async fn validation_only_reads() {
    let bench = Bench::new().await;
    bench.validate(Bench::sample("29 personas")).await.unwrap();
    let requests = bench.sandbox.control().requests().into_iter();
    let mut asked: Vec<String> = requests
        .map(|request| {
            let query = request.query.unwrap_or_default();
            format!("{} {}?{query}", request.method, request.path)
        })
        .collect();
    assert_eq!(asked[0], "GET /bland/v1/me?", "the key is proved first");
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /bland/v1/calls?limit=1",
            "GET /bland/v1/inbound?",
            "GET /bland/v1/me?",
            "GET /bland/v1/personas?page=1&limit=1",
            "GET /bland/v2/agents?limit=1",
        ]
    );
}

/// K3: personas and numbers do not name their account, so without a v2 agent it stays unknown.
#[tokio::test]
async fn only_a_v2_agent_names_the_account() {
    let bench = Bench::with_account(3, 2).await;
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::Works);
    assert_eq!(validation.account, None);
    create_agents(&bench, 1).await;
    assert!(bench.validate(KEY).await.unwrap().account.is_some());
    // Whatever becomes of that one question, the key is not blamed for it.
    for fault in [
        Fault::status(404),
        Fault::status(403),
        Fault::status(401),
        Fault::status(500),
        Fault::new(Effect::NotJson),
    ] {
        bench.sandbox.control().clear_faults();
        bench.inject(fault.on("/bland/v2/agents"));
        let validation = bench.validate(KEY).await.unwrap();
        assert_eq!(
            (validation.outcome, validation.account),
            (ValidationOutcome::Works, None)
        );
    }
}

/// K3
#[tokio::test]
async fn a_rejected_key_is_invalid() {
    let bench = Bench::new().await;
    for key in [
        Bench::sample("Revoked"),
        "nobody-knows-this-key-0000",
        // The header is the key and nothing else.
        &format!("Bearer {}", Bench::sample("29 personas")),
    ] {
        let error = bench.validate(key).await.unwrap_err();
        assert!(
            matches!(&error, ProviderError::InvalidKey { message: Some(text) } if text == "Unauthorized"),
            "{error:?}"
        );
        assert!(!error.is_transient());
    }
    assert_eq!(
        bench.asked().len(),
        3,
        "nothing else is tried with such a key"
    );
}

/// K3: a flagged account is closed, which no permission changes.
#[tokio::test]
async fn a_flagged_account_is_a_refused_key() {
    let bench = Bench::with_account(1, 0).await;
    let text = "The Bland Team has flagged your account. Contact support.";
    bench.inject(told(403, text));
    let error = bench.validate(KEY).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::InvalidKey { message: Some(told) } if told == text),
        "{error:?}"
    );
}

/// K3, K4
#[tokio::test]
async fn a_key_without_a_permission_is_limited() {
    let bench = Bench::new().await;
    let validation = bench.validate(Bench::sample("permission")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert!(validation.message.is_some() && validation.account.is_some());
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
    let key = NewKey {
        key: "narrow-key-Bd7w".to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::Agents],
    };
    bench.sandbox.control().add_key(&key).unwrap();
    let validation = bench.validate("narrow-key-Bd7w").await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(
        validation.capabilities[0],
        (Capability::ListAgents, CapabilityState::No)
    );
    bench.inject(Fault::status(403));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
}

/// K3: where even the account may not be asked for, one answer is enough to show that the key is accepted; without any, a
/// refusal of the key is one.
#[tokio::test]
async fn a_key_that_proves_nothing_and_is_refused_is_invalid() {
    let bench = Bench::with_account(1, 1).await;
    bench.inject(Fault::status(403).on("/bland/v1/me"));
    assert_eq!(
        bench.validate(KEY).await.unwrap().outcome,
        ValidationOutcome::Works
    );
    bench.inject(Fault::status(401).on("/bland/v1/inbound"));
    bench.inject(Fault::status(401).on("/bland/v1/calls"));
    let validation = bench.validate(KEY).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::LacksPermission);
    assert_eq!(
        validation.capabilities[..2],
        [
            (Capability::ListAgents, CapabilityState::Yes),
            (Capability::ListNumbers, CapabilityState::No)
        ]
    );
    bench.inject(Fault::status(403).on("/bland/v1/personas"));
    let error = bench.validate(KEY).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::InvalidKey { .. }),
        "{error:?}"
    );
}

/// K3, K4: the balance tells it, and what the key can do is found out all the same.
#[tokio::test]
async fn a_key_without_funds_says_so() {
    let bench = Bench::new().await;
    let validation = bench.validate(Bench::sample("below zero")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::NoFunds);
    assert_eq!(validation.message.as_deref(), Some("The balance is -3.40."));
    assert_eq!(
        validation.capabilities[0],
        (Capability::ListAgents, CapabilityState::Yes)
    );
    bench.inject(Fault::status(402));
    let validation = bench.validate(Bench::sample("29 personas")).await.unwrap();
    assert_eq!(validation.outcome, ValidationOutcome::NoFunds);
    assert_eq!(validation.message.as_deref(), Some("Insufficient balance."));
}

/// K3, S4: the same status means other things by its text, and a success may be a failure.
#[tokio::test]
async fn what_an_answer_means_stands_in_its_body() {
    type Check = fn(&ProviderError) -> bool;
    let rows: [(u16, &str, Check); 10] = [
        (429, "This number is blacklisted.", |error| {
            matches!(error, ProviderError::Rejected { status: 429, .. })
        }),
        (
            429,
            "International rate limit exceeded for your account type.",
            |error| matches!(error, ProviderError::RateLimited { .. }),
        ),
        (418, "OBJECTIVE_VALIDATION_ERROR", |error| {
            matches!(error, ProviderError::Rejected { status: 418, .. })
        }),
        (403, "This key may not do that.", |error| {
            matches!(error, ProviderError::MissingPermission { .. })
        }),
        (400, "No billing record found.", |error| {
            matches!(error, ProviderError::NoFunds { .. })
        }),
        (200, "Something is wrong.", |error| {
            matches!(error, ProviderError::Rejected { status: 200, .. })
        }),
        (200, "Insufficient balance.", |error| {
            matches!(error, ProviderError::NoFunds { .. })
        }),
        (200, "Rate limit exceeded", |error| {
            matches!(error, ProviderError::RateLimited { .. })
        }),
        (408, "Took too long.", |error| error.is_transient()),
        (503, "Insufficient balance.", |error| error.is_transient()),
    ];
    let bench = Bench::with_account(1, 0).await;
    for (status, text, is_expected) in rows {
        bench.sandbox.control().clear_faults();
        bench.inject(told(status, text));
        let error = bench.agents(KEY, None).await.unwrap_err();
        assert!(is_expected(&error), "{status} {text}: {error:?}");
        assert_eq!(error.message(), Some(text));
    }
}

/// K3: each of the two envelopes can refuse with status 200.
#[tokio::test]
async fn a_success_with_errors_is_a_failure() {
    for (body, is_expected) in [
        (
            include_str!("../fixtures/error_invalid_key.json"),
            (|error| matches!(error, ProviderError::InvalidKey { .. }))
                as fn(&ProviderError) -> bool,
        ),
        (include_str!("../fixtures/error_no_persona.json"), |error| {
            matches!(error, ProviderError::NotFound)
        }),
        (r#"{"data":[],"errors":["odd"]}"#, |error| {
            matches!(error, ProviderError::Rejected { status: 200, .. })
        }),
    ] {
        let server = wiremock::MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(200).set_body_string(body);
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(answer)
            .mount(&server)
            .await;
        let bench = Bench::new().await;
        let base_url = url::Url::parse(&server.uri()).unwrap();
        let key = SecretString::from(KEY);
        let target = Target {
            http: &bench.http,
            base_url: &base_url,
            key: &key,
            deadline: Instant::now() + bench.wait,
        };
        let error = Bland.get_agent(&target, "p").await.unwrap_err();
        assert!(is_expected(&error), "{body}: {error:?}");
    }
}

/// K3, K14: each malformed answer is told apart in words, and a redirect is not followed.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_malformed() {
    for (effect, expected) in [
        (Effect::NotJson, "{} is not JSON"),
        (Effect::WrongShape, "{} is a list where an object belongs"),
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
            "{} is not found at the configured address",
        ),
    ] {
        let bench = Bench::with_account(1, 0).await;
        bench.inject(Fault::new(effect));
        let malformed = |subject: &str| ProviderError::Malformed {
            what: expected.replace("{}", subject),
        };
        let error = bench.validate(KEY).await.unwrap_err();
        assert_eq!(error, malformed("the account"));
        assert!(!error.is_transient());
        let error = bench.agents(KEY, None).await.unwrap_err();
        assert_eq!(error, malformed("the list of personas"));
        let error = bench.numbers(KEY, None).await.unwrap_err();
        assert_eq!(error, malformed("the list of phone numbers"));
    }
}
