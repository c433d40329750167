//! The route that a call took, as it is kept with the call (R6): ids and words of the product, never a character of a key.

use serde::{Deserialize, Serialize};

use crate::routing::{Explained, resolve::Scope};

/// A call's route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// `client` or `agency`: whose key, and whose account pays.
    pub(crate) payer: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) key_version: Option<i64>,
    pub(crate) account_id: Option<String>,
    /// The agent's id at the provider.
    pub(crate) remote_agent_id: Option<String>,
    /// Whether the agency has a key that a client's own passed over.
    pub(crate) has_passed_over_agency: bool,
    /// Why the provider was likely to refuse it.
    pub(crate) doubt: Option<String>,
}

impl Receipt {
    /// Of a route as it was resolved.
    pub(crate) fn of(explained: &Explained) -> Self {
        let key = explained.key();
        let taken = explained.route.taken;
        Self {
            payer: taken.map(|scope| scope.as_str().to_owned()),
            key_id: key.map(|key| key.id.as_str().to_owned()),
            key_version: key.map(|key| key.version.version),
            account_id: key.map(|key| key.version.account_id.as_str().to_owned()),
            remote_agent_id: explained.placement().map(|row| row.remote_id.clone()),
            has_passed_over_agency: taken == Some(Scope::Client) && explained.agency_key.is_some(),
            doubt: explained.route.doubt.map(|doubt| doubt.as_str().to_owned()),
        }
    }
}
