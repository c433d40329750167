//! The clients of the providers: what every voice provider can be asked, and the registry of those that there are.
//! A client is stateless; key, base URL, HTTP client and deadline come as arguments, and it never retries, stores or
//! decides anything. `http` is the only way out, `error` the only way to fail, `remote` the values that come back.

mod amount;
#[cfg(test)]
mod bench;
pub mod bland;
#[cfg(test)]
mod call_webhooks_tests;
mod calls;
#[cfg(test)]
mod calls_tests;
#[cfg(test)]
mod clients_tests;
mod creation;
#[cfg(test)]
mod creation_tests;
mod cursor;
pub mod error;
pub mod http;
mod kind;
mod probe;
mod redact;
mod remote;
mod remote_call;
pub mod retell;
mod signature;
mod trail;
pub mod vapi;
mod wire;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

pub use calls::{
    CallEvent, CallFilter, CallInfo, CallProvider, CallSearch, CallStopper, CallWebhook,
    FromNumber, NotPlaced, PlaceCall, PlacedCall, ReceivedWebhook, SoughtCall, WebhookPerCall,
    WebhookProof, WebhookRefused, call_provider, find_call,
};
pub use creation::{
    Created, DefinitionPart, Fitted, NotCreated, Unsupported, UnsupportedEffect, fit, never_placed,
};
pub use error::{ProviderError, Unavailable};
pub use kind::{Capability, CapabilityState, ProviderInfo, ProviderKind, UnknownProvider, info};
pub use remote::{
    AgentDefinition, Model, NumberStatus, Page, RemoteAccount, RemoteAgent, RemoteEngine,
    RemoteNumber, RemoteVoice, Validation, ValidationOutcome, Voice,
};
pub use remote_call::{CallCost, CallDirection, CallStatus, EndCause, RemoteCall};

/// Where a request goes, with which key, and how long it may take.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The one HTTP client.
    pub http: &'a http::HttpClient,
    /// The provider's configured base URL: https, or http to loopback (K14).
    pub base_url: &'a Url,
    /// The key, opened for this request only.
    pub key: &'a SecretString,
    /// When to give up, the whole answer included.
    pub deadline: Instant,
}

/// What every voice provider can be asked.
#[async_trait]
pub trait VoiceProvider: Send + Sync {
    /// The provider's static facts.
    fn info(&self) -> &'static ProviderInfo;

    /// Tries the key with read-only requests (K3, K4). A rejected key, a rate limit, an unreachable provider and an
    /// answer that cannot be read are errors.
    async fn validate(&self, target: &Target<'_>) -> Result<Validation, ProviderError>;

    /// One page of the account's agents, from the beginning or from a cursor of [`Page::next`]. Where the list tells
    /// only a part of each agent, [`RemoteAgent::is_whole`] is false and [`VoiceProvider::get_agent`] has the rest.
    async fn list_agents(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError>;

    /// One agent; [`ProviderError::NotFound`] when it is gone, `InvalidKey` or `MissingPermission` when this key
    /// cannot see it.
    async fn get_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteAgent, ProviderError>;

    /// One page of the objects that hold a part of the agents' definitions and can change without the agents' own time of
    /// change, such as Retell's language models. `None`: the provider has no such objects.
    async fn list_engines(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteEngine>>, ProviderError>;

    /// One page of the account's phone numbers.
    async fn list_numbers(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError>;

    /// One page of the voices that the account may use. `None`: the provider has no such list, and the voices in use
    /// are collected from its agents.
    async fn list_voices(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteVoice>>, ProviderError>;

    /// Makes an agent of what [`fit`] leaves of the definition. `marker` goes along where nobody hears it, and comes back as
    /// [`RemoteAgent::marker`]: after an answer that did not arrive it tells whether the agent is there. Never repeats a
    /// request.
    async fn create_agent(
        &self,
        target: &Target<'_>,
        definition: &AgentDefinition,
        marker: &str,
    ) -> Result<Created, NotCreated>;

    /// Writes what [`fit`] leaves of the definition over an agent, and answers with the agent as it is then. What the
    /// definition does not hold stays as it was.
    async fn update_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        definition: &AgentDefinition,
    ) -> Result<RemoteAgent, ProviderError>;

    /// Makes the provider stop answering a number by itself (K8). `carrier` is [`RemoteNumber::carrier`].
    async fn detach_number(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        carrier: &str,
    ) -> Result<(), ProviderError>;
}

/// The client of a voice provider; `None` while keys of it cannot be saved yet.
pub fn voice_provider(kind: ProviderKind) -> Option<&'static dyn VoiceProvider> {
    match kind {
        ProviderKind::Vapi => Some(&vapi::Vapi),
        ProviderKind::Retell => Some(&retell::Retell),
        ProviderKind::Bland => Some(&bland::Bland),
    }
}
