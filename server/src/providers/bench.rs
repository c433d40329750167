//! What the tests of every provider's client share: a client, a sandbox that plays its provider, and short ways to ask
//! one with the other. The provider's own tests stand in its folder, what holds for all of them in `clients_tests`.

use std::fmt::Write as _;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use super::bland::Bland;
use super::http::HttpClient;
use super::retell::Retell;
use super::vapi::Vapi;
use super::{
    CallProvider, Page, ProviderError, ProviderKind, RemoteAgent, RemoteNumber, Target, Validation,
    VoiceProvider,
};
use crate::sandbox::{Fault, NewAccount, Sandbox, sample_keys};

/// Opens the account of [`Bench::with_account`]. No five characters of it stand in a provider's texts, which scrubbing
/// would mask.
pub(super) const KEY: &str = "bench-key-Xw7Tq9Lm3-Zq3x";

/// An HMAC-SHA256 in lower-case hex, made apart from both the clients and the sandbox.
pub(super) fn hmac_hex(secret: &str, text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A client that the sandbox plays the provider of.
pub(super) trait Played: VoiceProvider + CallProvider + Copy + 'static {
    const CLIENT: Self;
}

impl Played for Vapi {
    const CLIENT: Self = Vapi;
}

impl Played for Retell {
    const CLIENT: Self = Retell;
}

impl Played for Bland {
    const CLIENT: Self = Bland;
}

/// A client and its provider.
pub(super) struct Bench<P> {
    pub(super) sandbox: Sandbox,
    pub(super) http: HttpClient,
    pub(super) wait: Duration,
    pub(super) client: P,
}

impl<P: Played> Bench<P> {
    pub(super) async fn new() -> Self {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self {
            sandbox,
            http: HttpClient::new().unwrap(),
            wait: Duration::from_secs(20),
            client: P::CLIENT,
        }
    }

    /// With an account behind [`KEY`].
    pub(super) async fn with_account(agents: usize, phone_numbers: usize) -> Self {
        let bench = Self::new().await;
        let account = NewAccount::of(Self::kind(), KEY, agents).phone_numbers(phone_numbers);
        bench.sandbox.control().add_account(&account).unwrap();
        bench
    }

    pub(super) fn kind() -> ProviderKind {
        P::CLIENT.info().kind
    }

    /// The provider's sample key whose outcome contains this word.
    pub(super) fn sample(word: &str) -> &'static str {
        let mut own = sample_keys()
            .iter()
            .filter(|sample| sample.provider == Self::kind());
        own.find(|sample| sample.outcome.contains(word))
            .unwrap()
            .key
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.sandbox.control().inject(fault);
    }

    /// What was asked so far, as `METHOD /path?query`, and forgotten with that.
    pub(super) fn asked(&self) -> Vec<String> {
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

    pub(super) async fn ask<T>(
        &self,
        key: &str,
        question: impl AsyncFnOnce(&Target<'_>) -> T,
    ) -> T {
        self.ask_at(&self.sandbox.base_url(Self::kind()), key, question)
            .await
    }

    pub(super) async fn ask_at<T>(
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

    pub(super) async fn validate(&self, key: &str) -> Result<Validation, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            self.client.validate(target).await
        })
        .await
    }

    pub(super) async fn agents(
        &self,
        key: &str,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            self.client.list_agents(target, cursor).await
        })
        .await
    }

    pub(super) async fn agent(&self, key: &str, id: &str) -> Result<RemoteAgent, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            self.client.get_agent(target, id).await
        })
        .await
    }

    pub(super) async fn numbers(
        &self,
        key: &str,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            self.client.list_numbers(target, cursor).await
        })
        .await
    }

    pub(super) async fn detach(
        &self,
        key: &str,
        id: &str,
        carrier: &str,
    ) -> Result<(), ProviderError> {
        self.ask(key, async |target: &Target<'_>| {
            self.client.detach_number(target, id, carrier).await
        })
        .await
    }

    /// All agents, and whether the walk is complete; the last page alone must say so too.
    pub(super) async fn all_agents(&self, key: &str) -> (Vec<RemoteAgent>, bool) {
        walk(async |cursor| self.agents(key, cursor).await.unwrap()).await
    }

    /// All numbers, and whether the walk is complete; the last page alone must say so too.
    pub(super) async fn all_numbers(&self, key: &str) -> (Vec<RemoteNumber>, bool) {
        walk(async |cursor| self.numbers(key, cursor).await.unwrap()).await
    }
}

pub(super) async fn walk<T>(page: impl AsyncFn(Option<&str>) -> Page<T>) -> (Vec<T>, bool) {
    let (mut items, mut is_complete, mut cursor) = (Vec::new(), true, None::<String>);
    loop {
        let page = page(cursor.as_deref()).await;
        items.extend(page.items);
        is_complete &= page.is_complete;
        cursor = page.next;
        if cursor.is_none() {
            assert_eq!(page.is_complete, is_complete);
            return (items, is_complete);
        }
    }
}
