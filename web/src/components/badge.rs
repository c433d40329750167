//! The status badge: icon, word and colour together, never a colour alone (checklist 18), and the badges of the product's
//! own states.

use crate::api::enums::{AgentStatus, CallStatus, KeyHealth, PhoneNumberStatus, SyncState};
use crate::components::icons::{Icon, icon};
use crate::logic::call_words;
use leptos::prelude::*;

/// The colour of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Works.
    Good,
    /// Works with a limit, or needs a look.
    Warning,
    /// Does not work.
    Bad,
    /// Under way, or told for information.
    Info,
    /// Nothing to say.
    Neutral,
}

impl Tone {
    /// The class that colours a piece.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Neutral => "neutral",
        }
    }
}

/// A badge of icon, word and colour.
pub(crate) fn badge(tone: Tone, symbol: Icon, word: &'static str) -> AnyView {
    badge_of(tone, symbol, word.to_owned())
}

/// As [`badge`], with a count or a text of the moment.
pub(crate) fn badge_of(tone: Tone, symbol: Icon, word: String) -> AnyView {
    view! { <span class=format!("badge {}", tone.class())>{icon(symbol)} {word}</span> }.into_any()
}

/// Health of a key (R7); a key that cannot be opened says so first.
pub(crate) fn health_badge(health: KeyHealth, is_readable: bool) -> AnyView {
    let (tone, symbol, word) = match health {
        _ if !is_readable => (Tone::Bad, Icon::Lock, "Cannot be opened"),
        KeyHealth::Valid => (Tone::Good, Icon::Good, "Working"),
        KeyHealth::Limited => (Tone::Warning, Icon::Warning, "Limited"),
        KeyHealth::RateLimited => (Tone::Warning, Icon::Clock, "Rate limited"),
        KeyHealth::NoFunds => (Tone::Warning, Icon::Wallet, "Out of funds"),
        KeyHealth::Invalid => (Tone::Bad, Icon::Bad, "Rejected"),
        KeyHealth::Unreachable => (Tone::Warning, Icon::Unplugged, "Unreachable"),
        KeyHealth::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    badge(tone, symbol, word)
}

/// Status of an agent; an active one that no working key reaches says so.
pub(crate) fn agent_badge(status: AgentStatus, is_reachable: bool) -> AnyView {
    let (tone, symbol, word) = match status {
        AgentStatus::Active if !is_reachable => (Tone::Warning, Icon::Unplugged, "Unreachable"),
        AgentStatus::Active => (Tone::Good, Icon::Good, "Active"),
        AgentStatus::Inactive => (Tone::Neutral, Icon::Dashed, "Inactive"),
        AgentStatus::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    badge(tone, symbol, word)
}

/// Status of a number.
pub(crate) fn number_badge(status: PhoneNumberStatus) -> AnyView {
    let (tone, symbol, word) = match status {
        PhoneNumberStatus::Active => (Tone::Good, Icon::Good, "Active"),
        PhoneNumberStatus::Activating => (Tone::Info, Icon::Clock, "Activating"),
        PhoneNumberStatus::Blocked => (Tone::Bad, Icon::Bad, "Blocked"),
        PhoneNumberStatus::Inactive => (Tone::Neutral, Icon::Dashed, "Inactive"),
        PhoneNumberStatus::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    badge(tone, symbol, word)
}

/// State of a sync.
pub(crate) fn sync_badge(state: SyncState) -> AnyView {
    let (tone, symbol, word) = match state {
        SyncState::Queued => (Tone::Info, Icon::Clock, "Queued"),
        SyncState::Running => (Tone::Info, Icon::Refresh, "Syncing"),
        SyncState::Waiting => (Tone::Warning, Icon::Clock, "Waiting"),
        SyncState::NeedsConfirmation => (Tone::Warning, Icon::Question, "Needs your answer"),
        SyncState::Succeeded => (Tone::Good, Icon::Good, "Synced"),
        SyncState::Failed => (Tone::Bad, Icon::Bad, "Failed"),
        SyncState::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    badge(tone, symbol, word)
}

/// Where a call stands.
pub(crate) fn call_badge(status: CallStatus) -> AnyView {
    let (tone, symbol) = match status {
        CallStatus::Placing | CallStatus::Queued => (Tone::Info, Icon::Clock),
        CallStatus::Ringing => (Tone::Info, Icon::Bell),
        CallStatus::InProgress => (Tone::Info, Icon::Phone),
        CallStatus::Completed => (Tone::Good, Icon::Good),
        CallStatus::Busy | CallStatus::NoAnswer => (Tone::Warning, Icon::Dashed),
        CallStatus::Failed => (Tone::Bad, Icon::Bad),
        CallStatus::Canceled => (Tone::Neutral, Icon::Close),
        CallStatus::Unconfirmed | CallStatus::Unknown => (Tone::Neutral, Icon::Question),
    };
    badge(tone, symbol, call_words::status(status))
}
