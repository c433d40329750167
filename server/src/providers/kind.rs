//! Which providers there are and what each can do, as static facts for people and for code.
//! It owns the short names that are stored in the database and shown on the wire, so they never change.
//! It must not speak HTTP; that is the business of each provider's own folder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A provider whose keys Ringfence keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Vapi, a voice provider.
    Vapi,
    /// Retell, a voice provider.
    Retell,
    /// Bland, a voice provider.
    Bland,
}

impl ProviderKind {
    /// Every provider, in the order in which the settings page shows them.
    pub const ALL: &'static [ProviderKind] = &[
        ProviderKind::Vapi,
        ProviderKind::Retell,
        ProviderKind::Bland,
    ];

    /// The short name that is stored and logged, such as `vapi`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProviderKind::Vapi => "vapi",
            ProviderKind::Retell => "retell",
            ProviderKind::Bland => "bland",
        }
    }

    /// The provider's own spelling of its name, for people.
    pub const fn display_name(self) -> &'static str {
        match self {
            ProviderKind::Vapi => "Vapi",
            ProviderKind::Retell => "Retell",
            ProviderKind::Bland => "Bland",
        }
    }

    /// The provider with this short name.
    pub fn parse(name: &str) -> Option<ProviderKind> {
        ProviderKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The short name belongs to no provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such provider")]
pub struct UnknownProvider;

impl FromStr for ProviderKind {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<ProviderKind, UnknownProvider> {
        ProviderKind::parse(name).ok_or(UnknownProvider)
    }
}

/// Something that a key may be allowed to do at its provider (K4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// List and read voice agents.
    ListAgents,
    /// List and read phone numbers.
    ListNumbers,
    /// List and read calls.
    ReadCalls,
    /// Place outbound calls.
    PlaceCalls,
}

impl Capability {
    /// Every capability, in the order in which a card shows them.
    pub const ALL: &'static [Capability] = &[
        Capability::ListAgents,
        Capability::ListNumbers,
        Capability::ReadCalls,
        Capability::PlaceCalls,
    ];

    /// The short name that is stored, such as `list_agents`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Capability::ListAgents => "list_agents",
            Capability::ListNumbers => "list_numbers",
            Capability::ReadCalls => "read_calls",
            Capability::PlaceCalls => "place_calls",
        }
    }

    /// The capability with this short name.
    pub fn parse(name: &str) -> Option<Capability> {
        Capability::ALL
            .iter()
            .copied()
            .find(|capability| capability.as_str() == name)
    }
}

/// What is known of one capability of one key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityState {
    /// The provider answered such a request.
    Yes,
    /// The provider refused such a request.
    No,
    /// Nothing without side effects can tell, or the provider could not be asked.
    Unknown,
}

impl CapabilityState {
    /// Every state.
    pub const ALL: &'static [CapabilityState] = &[
        CapabilityState::Yes,
        CapabilityState::No,
        CapabilityState::Unknown,
    ];

    /// The short name that is stored, such as `yes`.
    pub const fn as_str(self) -> &'static str {
        match self {
            CapabilityState::Yes => "yes",
            CapabilityState::No => "no",
            CapabilityState::Unknown => "unknown",
        }
    }

    /// The state with this short name.
    pub fn parse(name: &str) -> Option<CapabilityState> {
        CapabilityState::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == name)
    }
}

/// What a provider is, for people. Static text.
#[derive(Clone, Copy, Debug)]
pub struct ProviderInfo {
    /// The provider.
    pub kind: ProviderKind,
    /// Its name, as it spells it.
    pub name: &'static str,
    /// One line: what this provider powers.
    pub powers: &'static str,
    /// The way to the key in the provider's dashboard.
    pub key_location: &'static str,
    /// The page where that way begins.
    pub dashboard_url: &'static str,
    /// What the key must be allowed to do.
    pub required_rights: &'static str,
    /// Where funds are added, if there is such a page.
    pub top_up_url: Option<&'static str>,
    /// False until keys of this provider can be saved.
    pub is_available: bool,
    /// The capabilities that are shown for a key of this provider.
    pub capabilities: &'static [Capability],
}

const VOICE_CAPABILITIES: &[Capability] = Capability::ALL;

static VAPI: ProviderInfo = ProviderInfo {
    kind: ProviderKind::Vapi,
    name: "Vapi",
    powers: "Voice agents and their phone numbers: Vapi answers and places the calls, and bills its own account for them.",
    key_location: "Vapi → Organization → API Keys → Private Keys",
    dashboard_url: "https://dashboard.vapi.ai/org/api-keys",
    required_rights: "The private key, not the public one, without a restriction to single assistants: it reads assistants, phone numbers and calls.",
    top_up_url: Some("https://dashboard.vapi.ai/org/billing"),
    is_available: true,
    capabilities: VOICE_CAPABILITIES,
};

static RETELL: ProviderInfo = ProviderInfo {
    kind: ProviderKind::Retell,
    name: "Retell",
    powers: "Voice agents and their phone numbers: Retell answers and places the calls, and bills its own account for them.",
    key_location: "Retell → Settings → API Keys",
    dashboard_url: "https://dashboard.retellai.com/settings/api-keys",
    required_rights: "An API key, not a public key: it reads agents, phone numbers and calls. The key with the webhook badge also lets Ringfence check Retell's signatures.",
    top_up_url: Some("https://dashboard.retellai.com/settings/billing"),
    is_available: true,
    capabilities: VOICE_CAPABILITIES,
};

static BLAND: ProviderInfo = ProviderInfo {
    kind: ProviderKind::Bland,
    name: "Bland",
    powers: "Voice agents (personas, agents and pathways) and their phone numbers: Bland answers and places the calls, and bills its own balance for them.",
    key_location: "Bland → Settings → API Keys",
    dashboard_url: "https://app.bland.ai/dashboard/settings",
    required_rights: "An organization key that reads personas, agents, pathways, phone numbers, calls and the balance.",
    top_up_url: Some("https://app.bland.ai/dashboard/settings"),
    is_available: true,
    capabilities: VOICE_CAPABILITIES,
};

/// The static facts of a provider.
pub fn info(kind: ProviderKind) -> &'static ProviderInfo {
    match kind {
        ProviderKind::Vapi => &VAPI,
        ProviderKind::Retell => &RETELL,
        ProviderKind::Bland => &BLAND,
    }
}
