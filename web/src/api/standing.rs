//! What a list page knows of the keys: which providers there are, and how the last import of each account ended, so that an empty
//! list says what to check.

use crate::api::enums::{Capability, CapabilityState, Provider, SyncState};
use crate::api::{ApiError, operation, send};

operation!(GetStanding, "src/api/standing/get_standing.graphql");

pub(crate) use get_standing::ResponseData as Standing;

/// The keys and their last imports.
pub(crate) async fn get(agency: &str) -> Result<Standing, ApiError> {
    send::<GetStanding>(agency, get_standing::Variables {}).await
}
