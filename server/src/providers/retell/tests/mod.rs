//! Retell's client against the sandbox. Here is the bench that the tests share.

mod accounts;
mod details;
mod validation;

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use super::Retell;
use crate::providers::http::HttpClient;
use crate::providers::{
    Page, ProviderError, ProviderKind, RemoteAgent, RemoteNumber, Target, Validation, VoiceProvider,
};
use crate::sandbox::{Fault, NewAccount, Sandbox, sample_keys};

const KEY: &str = "test-key-of-an-account-Zq3x";

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
    async fn with_account(agents: usize, phone_numbers: usize) -> Bench {
        let bench = Bench::new().await;
        let account =
            NewAccount::of(ProviderKind::Retell, KEY, agents).phone_numbers(phone_numbers);
        bench.sandbox.control().add_account(&account).unwrap();
        bench
    }

    fn inject(&self, fault: Fault) {
        self.sandbox.control().inject(fault);
    }

    /// What was asked so far, as `METHOD /path?query`, and forgotten with that.
    fn asked(&self) -> Vec<String> {
        let control = self.sandbox.control();
        let requests = control.requests().into_iter().map(|request| {
            let query = request.query.map(|query| format!("?{query}"));
            format!(
                "{} {}{}",
                request.method,
                request.path,
                query.unwrap_or_default()
            )
        });
        let requests = requests.collect();
        control.clear_requests();
        requests
    }

    async fn ask<T>(&self, key: &str, question: impl AsyncFnOnce(&Target<'_>) -> T) -> T {
        let base_url = self.sandbox.base_url(ProviderKind::Retell);
        self.ask_at(&base_url, key, question).await
    }

    async fn ask_at<T>(
        &self,
        base_url: &Url,
        key: &str,
        question: impl AsyncFnOnce(&Target<'_>) -> T,
    ) -> T {
        let key = SecretString::from(key);
        question(&Target {
            http: &self.http,
            base_url,
            key: &key,
            deadline: Instant::now() + self.wait,
        })
        .await
    }

    async fn validate(&self, key: &str) -> Result<Validation, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Retell.validate(target).await
        })
        .await
    }

    async fn agents(
        &self,
        key: &str,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Retell.list_agents(target, cursor).await
        })
        .await
    }

    async fn agent(&self, key: &str, id: &str) -> Result<RemoteAgent, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Retell.get_agent(target, id).await
        })
        .await
    }

    async fn numbers(
        &self,
        key: &str,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Retell.list_numbers(target, cursor).await
        })
        .await
    }

    async fn detach(&self, key: &str, id: &str) -> Result<(), ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            Retell.detach_number(target, id, "retell-twilio").await
        })
        .await
    }

    async fn all_agents(&self, key: &str) -> (Vec<RemoteAgent>, bool) {
        let (mut agents, mut is_complete, mut cursor) = (Vec::new(), true, None);
        loop {
            let page = self.agents(key, cursor.as_deref()).await.unwrap();
            agents.extend(page.items);
            is_complete &= page.is_complete;
            cursor = page.next;
            if cursor.is_none() {
                return (agents, is_complete);
            }
        }
    }

    async fn all_numbers(&self, key: &str) -> (Vec<RemoteNumber>, bool) {
        let (mut numbers, mut is_complete, mut cursor) = (Vec::new(), true, None);
        loop {
            let page = self.numbers(key, cursor.as_deref()).await.unwrap();
            numbers.extend(page.items);
            is_complete &= page.is_complete;
            cursor = page.next;
            if cursor.is_none() {
                return (numbers, is_complete);
            }
        }
    }
}

/// Retell's sample key whose outcome contains this word.
fn sample(word: &str) -> &'static str {
    sample_keys()
        .iter()
        .find(|sample| sample.provider == ProviderKind::Retell && sample.outcome.contains(word))
        .unwrap()
        .key
}
