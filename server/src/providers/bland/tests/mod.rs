//! Bland's client against the sandbox. Here is the bench that the tests share.

mod accounts;
mod numbers;
mod validation;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use tokio::time::Instant;

use super::{Bland, post};
use crate::providers::http::HttpClient;
use crate::providers::{
    Page, ProviderError, ProviderKind, RemoteAgent, RemoteNumber, Target, Validation, VoiceProvider,
};
use crate::sandbox::{Effect, Fault, NewAccount, Sandbox, sample_keys};

const KEY: &str = "bench-key-Xw7Tq9Lm3-Zq3x";

struct Bench {
    sandbox: Sandbox,
    http: HttpClient,
    wait: Duration,
}

impl Bench {
    async fn new() -> Bench {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        Bench {
            sandbox,
            http: HttpClient::new().unwrap(),
            wait: Duration::from_secs(20),
        }
    }

    /// With an account behind [`KEY`].
    async fn with_account(personas: usize, phone_numbers: usize) -> Bench {
        let bench = Bench::new().await;
        let account = NewAccount::of(ProviderKind::Bland, KEY, personas);
        let account = account.phone_numbers(phone_numbers);
        bench.sandbox.control().add_account(&account).unwrap();
        bench
    }

    fn inject(&self, fault: Fault) {
        self.sandbox.control().inject(fault);
    }

    /// What was asked so far, without the query.
    fn asked(&self) -> Vec<String> {
        let requests = self.sandbox.control().requests().into_iter();
        requests
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    async fn ask<T>(&self, key: &str, question: impl AsyncFnOnce(&Target<'_>) -> T) -> T {
        let base_url = self.sandbox.base_url(ProviderKind::Bland);
        let key = SecretString::from(key);
        question(&Target {
            http: &self.http,
            base_url: &base_url,
            key: &key,
            deadline: Instant::now() + self.wait,
        })
        .await
    }

    async fn validate(&self, key: &str) -> Result<Validation, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Bland.validate(target).await
        })
        .await
    }

    async fn agents(
        &self,
        key: &str,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Bland.list_agents(target, cursor).await
        })
        .await
    }

    async fn agent(&self, key: &str, id: &str) -> Result<RemoteAgent, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Bland.get_agent(target, id).await
        })
        .await
    }

    async fn numbers(&self, key: &str) -> Result<Page<RemoteNumber>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Bland.list_numbers(target, None).await
        })
        .await
    }

    async fn detach(&self, key: &str, id: &str) -> Result<(), ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Bland.detach_number(target, id, "").await
        })
        .await
    }

    /// Makes v2 agents in the account of [`KEY`], which have no version yet.
    async fn create_agents(&self, count: usize) {
        self.ask(KEY, async |target: &Target<'_>| {
            for number in 1..=count {
                let body = json!({ "name": format!("Agent {number:04}") });
                let answer = post(target, "/v2/agents", &["v2", "agents"], &body).await;
                assert_eq!(answer.unwrap().status, 201);
            }
        })
        .await;
    }

    /// All agents, and whether every page said that the walk is complete; the last one alone must say it too.
    async fn all_agents(&self, key: &str) -> (Vec<RemoteAgent>, bool) {
        let (mut agents, mut is_complete, mut cursor) = (Vec::new(), true, None);
        loop {
            let page = self.agents(key, cursor.as_deref()).await.unwrap();
            agents.extend(page.items);
            is_complete &= page.is_complete;
            cursor = page.next;
            if cursor.is_none() {
                assert_eq!(page.is_complete, is_complete);
                return (agents, is_complete);
            }
        }
    }
}

/// A status with a text of its own.
fn told(status: u16, text: &str) -> Fault {
    Fault::new(Effect::Status {
        status,
        message: Some(text.to_owned()),
        retry_after: None,
    })
}

/// The sample key whose outcome contains this word.
fn sample(word: &str) -> &'static str {
    sample_keys()
        .iter()
        .find(|sample| sample.provider == ProviderKind::Bland && sample.outcome.contains(word))
        .unwrap()
        .key
}
