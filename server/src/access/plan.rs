//! What an agency has paid for. It says which parts of the product the agency has; who of its people may use them is the
//! affair of `policy`.

use async_graphql::Enum;

/// What an agency has paid for; set by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
pub enum Plan {
    /// Without the API.
    Starter,
    /// With the API.
    Agency,
    /// With the API, and clients that choose their own provider.
    Enterprise,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 3] = [Self::Starter, Self::Agency, Self::Enterprise];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starter => "starter",
            Self::Agency => "agency",
            Self::Enterprise => "enterprise",
        }
    }

    /// What [`Plan::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == text)
    }

    /// Whether scripts may use API keys of the agency.
    pub fn has_api(self) -> bool {
        self >= Self::Agency
    }
}
