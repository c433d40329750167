//! Agents: the list, a page at a time, and one agent with everything that its panel shows.

use crate::api::enums::{
    AgentSortField, AgentStatus, InactiveReason, PhoneNumberStatus, Provider, SortDirection,
};
use crate::api::{ApiError, DateTime, Window, operation, send, send_within};
use crate::logic::list_state::ListState;
use crate::logic::provider_name;

operation!(ListAgents, "src/api/agents/list_agents.graphql");
operation!(GetAgent, "src/api/agents/get_agent.graphql");
operation!(AssignAgents, "src/api/agents/assign_agents.graphql");

pub(crate) use assign_agents::AssignAgentsAssignAgents as Assigned;
pub(crate) use get_agent::{
    GetAgentAgent as Agent, GetAgentAgentClient as AgentClient,
    GetAgentAgentPhoneNumbers as AgentPhoneNumber, GetAgentAgentPlacements as AgentPlacement,
};
pub(crate) use list_agents::{ListAgentsAgents as AgentPage, ListAgentsAgentsNodes as AgentRow};

/// How long an assignment is waited for: all of an agency's agents may be meant.
const ASSIGN_TIMEOUT_MS: u32 = 60_000;

/// The filter of agents that a sync did not find any more, while it asks about them; its value is the sync.
pub(crate) const MISSING: &str = "missing";

/// The filter of the agents of one client; its value is the client's id.
pub(crate) const CLIENT: &str = "client";

/// The filter of agents by whether they work for a client.
pub(crate) const ASSIGNED: &str = "assigned";

/// The state's filters in the input type of an operation; each operation has its own.
macro_rules! agent_filter {
    ($operation:ident, $state:expr) => {
        $operation::AgentFilter {
            provider: provider_name::filtered($state),
            status: $state.value("status").map(|status| {
                vec![if status == "active" {
                    AgentStatus::Active
                } else {
                    AgentStatus::Inactive
                }]
            }),
            is_reachable: $state.value("reachable").map(|_| false),
            missing_from_sync_run: $state.value(MISSING).map(str::to_owned),
            client_id: $state.value(CLIENT).map(str::to_owned),
            is_assigned: $state.value(ASSIGNED).map(|_| false),
        }
    };
}

fn search_of(state: &ListState) -> Option<String> {
    Some(state.search.trim().to_owned()).filter(|text| !text.is_empty())
}

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
    let filter = agent_filter!(list_agents, &state);
    let variables = list_agents::Variables {
        filter: Some(filter),
        search: search_of(&state),
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

/// Gives these agents to a client, or back to the agency.
pub(crate) async fn assign(
    agency: &str,
    agent_ids: Vec<String>,
    client_id: Option<String>,
) -> Result<Assigned, ApiError> {
    let input = assign_agents::AssignAgentsInput {
        agent_ids: Some(agent_ids),
        filter: None,
        search: None,
        client_id,
    };
    assign_by(agency, input).await
}

/// Gives all agents that a state's filters let through to a client, or back to the agency.
pub(crate) async fn assign_all(
    agency: &str,
    state: &ListState,
    client_id: Option<String>,
) -> Result<Assigned, ApiError> {
    let input = assign_agents::AssignAgentsInput {
        agent_ids: None,
        filter: Some(agent_filter!(assign_agents, state)),
        search: search_of(state),
        client_id,
    };
    assign_by(agency, input).await
}

async fn assign_by(
    agency: &str,
    input: assign_agents::AssignAgentsInput,
) -> Result<Assigned, ApiError> {
    let variables = assign_agents::Variables { input };
    Ok(
        send_within::<AssignAgents>(agency, variables, ASSIGN_TIMEOUT_MS)
            .await?
            .assign_agents,
    )
}
