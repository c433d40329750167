//! Where a walk through a list stands, as the text that [`Page::next`](super::Page::next) carries and a sync stores. Each
//! provider's folder has its own cursors; here is only their form, which is JSON and holds no secret.

use serde::{Deserialize, Serialize};

use super::ProviderError;

/// A cursor as text.
pub(super) fn encode(cursor: &impl Serialize) -> Option<String> {
    serde_json::to_string(cursor).ok()
}

/// The cursor back from its text.
pub(super) fn decode<'a, C: Deserialize<'a>>(
    cursor: Option<&'a str>,
) -> Result<Option<C>, ProviderError> {
    cursor
        .map(serde_json::from_str)
        .transpose()
        .map_err(|_| ProviderError::Malformed {
            what: "the stored position in the list is not one of this provider's".to_owned(),
        })
}
