//! The one question of the overview page.

use crate::api::enums::{ErrorCode, KeyHealth, Provider, SyncPhase, SyncState, SyncTrigger};
use crate::api::{ApiError, DateTime, operation, send};

operation!(GetOverview, "src/api/overview/get_overview.graphql");

pub(crate) use get_overview::{
    GetOverviewAnsweredNumbersNodes as OverviewNumber, GetOverviewProviderKeysNodes as OverviewKey,
    ResponseData as Overview, SyncRunFields,
};

/// Everything that the overview shows.
pub(crate) async fn get(agency: &str) -> Result<Overview, ApiError> {
    send::<GetOverview>(agency, get_overview::Variables {}).await
}
