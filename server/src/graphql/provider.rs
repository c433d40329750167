//! The catalogue of providers: what each is, where its key is found, what a key can do.

use async_graphql::{Context, Enum, Object, SimpleObject};

use crate::{
    config::Region,
    error::{Error, Result},
    graphql::context::ContextExt,
    keys,
    providers::{self, ProviderKind},
};

/// A service whose keys Ringfence keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Provider {
    /// Vapi, for voice agents.
    Vapi,
    /// Retell, for voice agents.
    Retell,
    /// Bland, for voice agents.
    Bland,
}

impl Provider {
    /// The provider of a row that we wrote.
    pub(crate) fn of_row(text: &str) -> Result<Self> {
        keys::provider_of(text).map(Self::from)
    }
}

impl From<ProviderKind> for Provider {
    fn from(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Vapi => Self::Vapi,
            ProviderKind::Retell => Self::Retell,
            ProviderKind::Bland => Self::Bland,
        }
    }
}

impl From<Provider> for ProviderKind {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Vapi => Self::Vapi,
            Provider::Retell => Self::Retell,
            Provider::Bland => Self::Bland,
        }
    }
}

/// Providers of a filter, as the store takes them.
pub(crate) fn provider_set(providers: Option<Vec<Provider>>) -> String {
    let kinds = providers
        .unwrap_or_default()
        .into_iter()
        .map(ProviderKind::from);
    crate::store::keyset::word_set(kinds.map(ProviderKind::as_str))
}

/// What a key may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Capability {
    /// List the account's agents.
    ListAgents,
    /// List the account's phone numbers.
    ListNumbers,
    /// Read the account's calls.
    ReadCalls,
    /// Place calls; providers tell this only when one is placed.
    PlaceCalls,
}

impl From<providers::Capability> for Capability {
    fn from(capability: providers::Capability) -> Self {
        match capability {
            providers::Capability::ListAgents => Self::ListAgents,
            providers::Capability::ListNumbers => Self::ListNumbers,
            providers::Capability::ReadCalls => Self::ReadCalls,
            providers::Capability::PlaceCalls => Self::PlaceCalls,
        }
    }
}

/// Whether a key has a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum CapabilityState {
    /// The key can.
    Yes,
    /// The key cannot.
    No,
    /// The provider does not tell.
    Unknown,
}

impl From<providers::CapabilityState> for CapabilityState {
    fn from(state: providers::CapabilityState) -> Self {
        match state {
            providers::CapabilityState::Yes => Self::Yes,
            providers::CapabilityState::No => Self::No,
            providers::CapabilityState::Unknown => Self::Unknown,
        }
    }
}

/// What a provider is and where its key is found.
#[derive(SimpleObject)]
pub(crate) struct ProviderInfo {
    /// The provider that this describes.
    provider: Provider,
    /// Its name as it writes it.
    name: &'static str,
    /// One line: what it powers.
    powers: &'static str,
    /// Where the key is found in its dashboard, such as: Vapi → Organization → API Keys.
    key_location: &'static str,
    /// Address of its dashboard.
    dashboard_url: &'static str,
    /// Where its account is topped up, if there is such a page.
    top_up_url: Option<&'static str>,
    /// What the key must be allowed to do.
    required_rights: &'static str,
    /// False until keys of this provider can be saved.
    is_available: bool,
    /// The regions that the operator has configured.
    regions: Vec<Region>,
    /// What a key of this provider may be able to do.
    capabilities: Vec<Capability>,
}

#[derive(Default)]
pub(crate) struct ProviderQuery;

#[Object]
impl ProviderQuery {
    /// Every provider, whether a key is stored or not.
    async fn providers(&self, ctx: &Context<'_>) -> Result<Vec<ProviderInfo>> {
        let app = ctx.app()?;
        Ok(ProviderKind::ALL
            .iter()
            .map(|kind| {
                let info = providers::info(*kind);
                ProviderInfo {
                    provider: (*kind).into(),
                    name: info.name,
                    powers: info.powers,
                    key_location: info.key_location,
                    dashboard_url: info.dashboard_url,
                    top_up_url: info.top_up_url,
                    required_rights: info.required_rights,
                    is_available: info.is_available,
                    regions: app.config.hosts.regions(*kind),
                    capabilities: info.capabilities.iter().map(|c| (*c).into()).collect(),
                }
            })
            .collect())
    }
}

/// An internal error for a word in a row that this version does not know.
pub(crate) fn unknown_word(what: &str, text: &str) -> Error {
    Error::internal(format!("unknown {what} {text:?} in a row"))
}
