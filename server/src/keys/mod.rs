//! Provider keys: saving, testing and clearing them. A key's plain text exists here only between the vault and one
//! request to the provider, as a `SecretString` on the stack of that request (E2).

pub(crate) mod account;
pub(crate) mod attempts;
pub(crate) mod candidate;
pub(crate) mod check;
pub(crate) mod clear;
pub(crate) mod impact;
pub(crate) mod preview;
pub(crate) mod save;
pub(crate) mod secret;
pub(crate) mod versions;
pub(crate) mod words;

use std::time::Duration;

use async_graphql::Enum;
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use crate::{
    app::App,
    config::Region,
    error::{Error, Result},
    id::{AgencyId, ClientId},
    providers::{
        Capability, CapabilityState, ProviderError, ProviderKind, Target, ValidationOutcome,
        VoiceProvider, voice_provider,
    },
    store::{
        self, Conn,
        clients::ClientRow,
        provider_keys::{KeyRow, Scope},
    },
    vault::{Binding, Cipher, Sealed},
};

/// A validation answers within this time, or the provider counts as unreachable.
pub(crate) const VALIDATION_TIME: Duration = Duration::from_secs(10);
/// An old version can still check signatures, and be rolled back to, for this long (K10).
pub(crate) const SIGNATURE_GRACE: Duration = Duration::from_hours(24);

/// How a key fared at its last check (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "KeyHealth")]
pub(crate) enum Health {
    /// The provider accepts it.
    Valid,
    /// The provider accepts it, but it lacks a permission; `capabilities` says which.
    Limited,
    /// The provider asked to wait.
    RateLimited,
    /// The account is out of funds.
    NoFunds,
    /// The provider refuses it.
    Invalid,
    /// The provider did not answer, or not in a way that makes sense.
    Unreachable,
}

impl Health {
    /// As the database keeps it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Limited => "limited",
            Self::RateLimited => "rate_limited",
            Self::NoFunds => "no_funds",
            Self::Invalid => "invalid",
            Self::Unreachable => "unreachable",
        }
    }

    /// What [`Health::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [
            Self::Valid,
            Self::Limited,
            Self::RateLimited,
            Self::NoFunds,
            Self::Invalid,
            Self::Unreachable,
        ]
        .into_iter()
        .find(|health| health.as_str() == text)
    }
}

impl From<ValidationOutcome> for Health {
    fn from(outcome: ValidationOutcome) -> Self {
        match outcome {
            ValidationOutcome::Works => Self::Valid,
            ValidationOutcome::LacksPermission => Self::Limited,
            ValidationOutcome::NoFunds => Self::NoFunds,
        }
    }
}

impl From<&ProviderError> for Health {
    fn from(error: &ProviderError) -> Self {
        match error {
            ProviderError::InvalidKey { .. } => Self::Invalid,
            ProviderError::MissingPermission { .. } => Self::Limited,
            ProviderError::NoFunds { .. } => Self::NoFunds,
            ProviderError::RateLimited { .. } => Self::RateLimited,
            _ => Self::Unreachable,
        }
    }
}

/// Whose key: the client's, or the agency's own.
pub(crate) fn scope<'a>(agency: &'a AgencyId, client: Option<&'a ClientId>) -> Scope<'a> {
    match client {
        Some(client) => Scope {
            kind: "client",
            id: client.as_str(),
        },
        None => Scope {
            kind: "agency",
            id: agency.as_str(),
        },
    }
}

/// The client whose key this is; none of the agency's own.
pub(crate) fn client_of(row: &KeyRow) -> Option<ClientId> {
    (row.scope_kind == "client").then(|| ClientId::from(row.scope_id.as_str()))
}

/// What a key is called in the audit log: `Vapi key`, or `Vapi key of Northside Dental`.
pub(crate) fn label(provider: ProviderKind, client: Option<&ClientRow>) -> String {
    let name = provider.display_name();
    match client {
        Some(client) => format!("{name} key of {}", client.name),
        None => format!("{name} key"),
    }
}

/// The same for a stored key.
pub(crate) async fn label_of(conn: &mut Conn, row: &KeyRow) -> Result<String> {
    let client = match client_of(row) {
        Some(client) => store::clients::find(conn, &row.agency_id, &client).await?,
        None => None,
    };
    Ok(label(provider_of(&row.provider)?, client.as_ref()))
}

/// The client of a provider whose keys can be saved.
pub(crate) fn client(provider: ProviderKind) -> Result<&'static dyn VoiceProvider> {
    voice_provider(provider).ok_or_else(|| {
        Error::invalid(
            "provider",
            format!(
                "{} keys cannot be saved in this version.",
                provider.display_name()
            ),
        )
    })
}

/// The host of a region that the operator configured (K1).
pub(crate) fn host(app: &App, provider: ProviderKind, region: Region) -> Result<&Url> {
    app.config.hosts.get(provider, region).ok_or_else(|| {
        Error::invalid(
            "region",
            format!(
                "This installation has no host for that region of {}.",
                provider.display_name()
            ),
        )
    })
}

/// Where and how a request to the provider goes.
pub(crate) fn target<'a>(
    app: &'a App,
    base_url: &'a Url,
    key: &'a SecretString,
    time: Duration,
) -> Target<'a> {
    Target {
        http: &app.http,
        base_url,
        key,
        deadline: Instant::now() + time,
    }
}

/// The provider of a row that we wrote.
pub(crate) fn provider_of(text: &str) -> Result<ProviderKind> {
    ProviderKind::parse(text)
        .ok_or_else(|| Error::internal(format!("unknown provider {text:?} in a row")))
}

/// The region of a row that we wrote.
pub(crate) fn region_of(text: &str) -> Result<Region> {
    Region::parse(text).ok_or_else(|| Error::internal(format!("unknown region {text:?} in a row")))
}

/// Opens a stored key for one use. `KeyUnreadable` when the master key in use does not open it (E5).
pub(crate) fn open(app: &App, row: &KeyRow) -> Result<SecretString> {
    let sealed = sealed(row).ok_or(Error::KeyUnreadable)?;
    let binding = Binding {
        agency_id: row.agency_id.as_str(),
        scope_kind: &row.scope_kind,
        scope_id: &row.scope_id,
        provider: &row.provider,
        key_id: row.id.as_str(),
        version: row.version.version,
        field: "api_key",
    };
    Ok(app.vault.open(&binding, &sealed)?)
}

fn sealed(row: &KeyRow) -> Option<Sealed> {
    Some(Sealed {
        cipher: Cipher::parse(&row.version.cipher).ok()?,
        master_key_id: row.version.master_key_id.clone(),
        wrapped_key: row.version.wrapped_key.clone()?,
        sealed: row.version.sealed.clone()?,
    })
}

/// Whether the stored key opens; nothing of it leaves this function.
pub(crate) fn is_readable(app: &App, row: &KeyRow) -> bool {
    open(app, row).is_ok()
}

/// Capabilities as a row keeps them.
pub(crate) fn write_capabilities(states: &[(Capability, CapabilityState)]) -> Result<String> {
    let map: std::collections::BTreeMap<&str, &str> = states
        .iter()
        .map(|(capability, state)| (capability.as_str(), state.as_str()))
        .collect();
    Ok(serde_json::to_string(&map)?)
}

/// Whether the provider refused the key something that is on its list.
pub(crate) fn lacks_any(key: &KeyRow) -> bool {
    read_capabilities(&key.version.capabilities)
        .into_iter()
        .any(|(_, state)| state == CapabilityState::No)
}

/// Whether the provider let the key do this when it was last checked.
pub(crate) fn can(key: &KeyRow, wanted: Capability) -> bool {
    read_capabilities(&key.version.capabilities)
        .into_iter()
        .any(|(capability, state)| capability == wanted && state == CapabilityState::Yes)
}

/// What a key is known to be able to do: nothing, while the provider refuses it (K4). What was found before stays in the
/// row, and counts again when the provider accepts the key again.
pub(crate) fn known_capabilities(row: &KeyRow) -> Vec<(Capability, CapabilityState)> {
    let mut capabilities = read_capabilities(&row.version.capabilities);
    if row.health == Health::Invalid.as_str() {
        for (_, state) in &mut capabilities {
            *state = CapabilityState::Unknown;
        }
    }
    capabilities
}

/// Every capability with its state; what a row does not name is unknown (K4).
pub(crate) fn read_capabilities(text: &str) -> Vec<(Capability, CapabilityState)> {
    let map: std::collections::BTreeMap<String, String> =
        serde_json::from_str(text).unwrap_or_default();
    Capability::ALL
        .iter()
        .map(|capability| {
            let state = map
                .get(capability.as_str())
                .and_then(|state| CapabilityState::parse(state))
                .unwrap_or(CapabilityState::Unknown);
            (*capability, state)
        })
        .collect()
}
