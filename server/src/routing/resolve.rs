//! The rule itself, as a pure function: a client's key is taken where one is stored, whatever its health, else the
//! agency's (R1, R2); a call is refused where it could not be meant (R5, R8), and tried where the provider has to be heard.
//! The tests print its table of cases into docs/RULES.md.

use crate::{id::AccountId, keys::Health};

/// Whose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The agent's client's own.
    Client,
    /// The agency's.
    Agency,
}

impl Scope {
    /// As the database keeps it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Agency => "agency",
        }
    }

    /// What [`Scope::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Client, Self::Agency]
            .into_iter()
            .find(|scope| scope.as_str() == text)
    }
}

/// What is known of a stored key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyFacts<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) health: Health,
    pub(crate) is_breaker_open: bool,
    /// Whether the master key in use opens it.
    pub(crate) is_readable: bool,
    /// False when the provider is known to forbid this key to call.
    pub(crate) may_call: bool,
}

/// Where the agent is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacementFacts<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) is_active: bool,
}

/// Everything that decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) is_client_archived: bool,
    pub(crate) client_key: Option<KeyFacts<'a>>,
    pub(crate) agency_key: Option<KeyFacts<'a>>,
    pub(crate) placements: &'a [PlacementFacts<'a>],
}

/// Why nothing would be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "RouteBlockCode")]
pub(crate) enum Block {
    /// The agent's client is archived.
    ClientArchived,
    /// Neither the client nor the agency has a key of the agent's provider.
    NoKey,
    /// The stored key cannot be opened with the master key in use.
    KeyUnreadable,
    /// The provider refused the key again and again, so it is not asked any more until a check succeeds.
    BreakerOpen,
    /// The key opens an account that does not hold the agent.
    AccountMismatch,
    /// The account does not hold the agent any more, or the key may not see it.
    AgentInactive,
    /// The provider does not let this key place calls.
    CannotPlaceCalls,
}

/// Why the provider may refuse a call that would be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "RouteDoubt")]
pub(crate) enum Doubt {
    /// It refused the key at the last check.
    KeyRefused,
    /// The account was out of funds at the last check.
    NoFunds,
    /// It asked to wait at the last check.
    RateLimited,
    /// It did not answer the last check.
    Unreachable,
}

impl Doubt {
    /// As the database keeps it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::KeyRefused => "key_refused",
            Self::NoFunds => "no_funds",
            Self::RateLimited => "rate_limited",
            Self::Unreachable => "unreachable",
        }
    }

    /// What [`Doubt::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [
            Self::KeyRefused,
            Self::NoFunds,
            Self::RateLimited,
            Self::Unreachable,
        ]
        .into_iter()
        .find(|doubt| doubt.as_str() == text)
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Whose key is taken, and who pays; blocked or not.
    pub(crate) taken: Option<Scope>,
    /// Index of the placement in the key's account.
    pub(crate) placement: Option<usize>,
    /// Set: nothing is dialled.
    pub(crate) block: Option<Block>,
    /// Set: it is tried, and likely refused.
    pub(crate) doubt: Option<Doubt>,
}

/// The route of a call, at this moment.
pub(crate) fn resolve(case: &Case<'_>) -> Route {
    let taken = match (&case.client_key, &case.agency_key) {
        (Some(key), _) => Some((Scope::Client, key)),
        (None, Some(key)) => Some((Scope::Agency, key)),
        (None, None) => None,
    };
    let placement = taken.and_then(|(_, key)| {
        let mut placements = case.placements.iter();
        placements.position(|placement| placement.account == key.account)
    });
    let block = block(case, taken.map(|(_, key)| key), placement);
    Route {
        taken: taken.map(|(scope, _)| scope),
        placement,
        block,
        doubt: taken
            .filter(|_| block.is_none())
            .and_then(|(_, key)| doubt(key.health)),
    }
}

/// What stops the call, the fault that people would have to mend first before all others.
fn block(case: &Case<'_>, key: Option<&KeyFacts<'_>>, placement: Option<usize>) -> Option<Block> {
    if case.is_client_archived {
        return Some(Block::ClientArchived);
    }
    let Some(key) = key else {
        return Some(Block::NoKey);
    };
    if !key.is_readable {
        return Some(Block::KeyUnreadable);
    }
    if key.is_breaker_open {
        return Some(Block::BreakerOpen);
    }
    match placement.map(|index| case.placements[index].is_active) {
        None => Some(Block::AccountMismatch),
        Some(false) => Some(Block::AgentInactive),
        Some(true) if !key.may_call => Some(Block::CannotPlaceCalls),
        Some(true) => None,
    }
}

fn doubt(health: Health) -> Option<Doubt> {
    match health {
        Health::Valid | Health::Limited => None,
        Health::RateLimited => Some(Doubt::RateLimited),
        Health::NoFunds => Some(Doubt::NoFunds),
        Health::Invalid => Some(Doubt::KeyRefused),
        Health::Unreachable => Some(Doubt::Unreachable),
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
