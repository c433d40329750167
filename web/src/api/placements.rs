//! Placements that agents lack in an account (R5): what would be made of them there, and the run that makes them, asked after
//! until it ends.

use crate::api::enums::{PlacementRunState, Provider};
use crate::api::{ApiError, operation, send};

operation!(PlanPlacements, "src/api/placements/plan_placements.graphql");
operation!(
    StartPlacementRun,
    "src/api/placements/start_placement_run.graphql"
);
operation!(
    GetPlacementRun,
    "src/api/placements/get_placement_run.graphql"
);

pub(crate) use get_placement_run::PlacementRunFields as PlacementRun;
pub(crate) use plan_placements::{
    PlanPlacementsPlacementPlan as PlacementPlan,
    PlanPlacementsPlacementPlanAgents as PlannedPlacement,
};

/// True when nothing about a run changes any more.
pub(crate) fn has_ended(state: PlacementRunState) -> bool {
    matches!(
        state,
        PlacementRunState::Succeeded | PlacementRunState::Incomplete | PlacementRunState::Failed
    )
}

/// What a run would make in the account of a client's own key, or of the agency's.
pub(crate) async fn plan(
    agency: &str,
    provider: Provider,
    client_id: Option<String>,
) -> Result<PlacementPlan, ApiError> {
    let variables = plan_placements::Variables {
        client_id,
        provider,
    };
    Ok(send::<PlanPlacements>(agency, variables)
        .await?
        .placement_plan)
}

/// Makes all that the agents lack there, or joins the run that does so; answers its id.
pub(crate) async fn start(
    agency: &str,
    provider: Provider,
    client_id: Option<String>,
) -> Result<String, ApiError> {
    let input = start_placement_run::StartPlacementRunInput {
        client_id,
        provider,
        agent_ids: None,
    };
    let answer = send::<StartPlacementRun>(agency, start_placement_run::Variables { input });
    Ok(answer.await?.start_placement_run.placement_run.id)
}

/// A run as it stands now.
pub(crate) async fn get(agency: &str, id: String) -> Result<PlacementRun, ApiError> {
    Ok(
        send::<GetPlacementRun>(agency, get_placement_run::Variables { id })
            .await?
            .placement_run,
    )
}
