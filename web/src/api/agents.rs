//! Agents: the list, a page at a time, and one agent with everything that its panel shows.

use crate::api::enums::{
    AgentSortField, AgentStatus, InactiveReason, PhoneNumberStatus, Provider, SortDirection,
};
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::ListState;
use crate::logic::provider_name;

operation!(ListAgents, "src/api/agents/list_agents.graphql");
operation!(GetAgent, "src/api/agents/get_agent.graphql");

pub(crate) use get_agent::{
    GetAgentAgent as Agent, GetAgentAgentPhoneNumbers as AgentPhoneNumber,
    GetAgentAgentPlacements as AgentPlacement,
};
pub(crate) use list_agents::{ListAgentsAgents as AgentPage, ListAgentsAgentsNodes as AgentRow};

/// The filter of agents that a sync did not find any more, while it asks about them; its value is the sync.
pub(crate) const MISSING: &str = "missing";

/// One page of the list as its state in the URL describes it.
pub(crate) async fn list(agency: &str, state: ListState) -> Result<AgentPage, ApiError> {
    let field = match state.sort.field {
        "status" => AgentSortField::Status,
        "created" => AgentSortField::CreatedAt,
        "updated" => AgentSortField::UpdatedAt,
        _ => AgentSortField::Name,
    };
    let direction = SortDirection::of(state.sort.is_descending);
    let window = Window::of_page(&state.position);
    ask(agency, state, field, direction, window).await
}

/// The hundred agents behind a cursor, of all that the state's filters let through. In the order in which they were made, which
/// nothing changes while the pages are walked.
pub(crate) async fn walk(
    agency: &str,
    state: ListState,
    after: Option<String>,
) -> Result<AgentPage, ApiError> {
    let (field, direction) = (AgentSortField::CreatedAt, SortDirection::Asc);
    ask(agency, state, field, direction, Window::of_walk(after)).await
}

async fn ask(
    agency: &str,
    state: ListState,
    field: AgentSortField,
    direction: SortDirection,
    window: Window,
) -> Result<AgentPage, ApiError> {
    let filter = list_agents::AgentFilter {
        provider: provider_name::filtered(&state),
        status: state.value("status").map(|status| {
            vec![if status == "active" {
                AgentStatus::Active
            } else {
                AgentStatus::Inactive
            }]
        }),
        is_reachable: state.value("reachable").map(|_| false),
        missing_from_sync_run: state.value(MISSING).map(str::to_owned),
    };
    let variables = list_agents::Variables {
        filter: Some(filter),
        search: Some(state.search.trim().to_owned()).filter(|text| !text.is_empty()),
        sort: Some(list_agents::AgentSort { field, direction }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListAgents>(agency, variables).await?.agents)
}

/// One agent; the names of accounts only for those who may see them.
pub(crate) async fn get(agency: &str, id: String, details: bool) -> Result<Agent, ApiError> {
    Ok(
        send::<GetAgent>(agency, get_agent::Variables { id, details })
            .await?
            .agent,
    )
}
