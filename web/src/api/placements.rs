//! Placements that agents lack in an account (R5): what would be made of them there, and the run that makes them, asked after
//! until it ends.

use crate::api::enums::{PlacementRunState, Provider};
use crate::api::{ApiError, DateTime, operation, send};

operation!(PlanPlacements, "src/api/placements/plan_placements.graphql");
operation!(
    StartPlacementRun,
    "src/api/placements/start_placement_run.graphql"
);
operation!(
    GetPlacementRun,
    "src/api/placements/get_placement_run.graphql"
);

operation!(
    ListPlacementRuns,
    "src/api/placements/list_placement_runs.graphql"
);
operation!(
    ListUnmadeAgents,
    "src/api/placements/list_unmade_agents.graphql"
);

pub(crate) use get_placement_run::PlacementRunFields as PlacementRun;
pub(crate) use list_unmade_agents::ListUnmadeAgentsPlacementRun as Unmade;
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

/// The newest run for a client's own key, once it was stored, unless it made all that it was for: the run, and when it was
/// asked for.
pub(crate) async fn newest(
    agency: &str,
    provider: Provider,
    client_id: String,
) -> Result<Option<(PlacementRun, DateTime)>, ApiError> {
    let variables = list_placement_runs::Variables { client_id };
    let runs = send::<ListPlacementRuns>(agency, variables)
        .await?
        .placement_runs
        .nodes;
    let newest = runs.into_iter().find(|run| run.provider == provider);
    match newest.filter(|run| run.state != PlacementRunState::Succeeded) {
        Some(run) => Ok(Some((get(agency, run.id).await?, run.created_at))),
        None => Ok(None),
    }
}

/// The first agents that a run did not make, each with why.
pub(crate) async fn unmade(agency: &str, id: String) -> Result<Unmade, ApiError> {
    let answer = send::<ListUnmadeAgents>(agency, list_unmade_agents::Variables { id }).await?;
    Ok(answer.placement_run)
}

/// A run as it stands now.
pub(crate) async fn get(agency: &str, id: String) -> Result<PlacementRun, ApiError> {
    Ok(
        send::<GetPlacementRun>(agency, get_placement_run::Variables { id })
            .await?
            .placement_run,
    )
}
