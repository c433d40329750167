//! Agents: the list, a page at a time, and one agent with everything that its panel shows.

use crate::api::enums::{
    AgentSortField, AgentStatus, InactiveReason, PhoneNumberStatus, Provider, SortDirection,
};
use crate::api::{ApiError, DateTime, operation, send};
use crate::logic::list_state::{AgentListState, PAGE_SIZE};

operation!(ListAgents, "src/api/agents/list_agents.graphql");
operation!(GetAgent, "src/api/agents/get_agent.graphql");

pub(crate) use get_agent::{
    GetAgentAgent as Agent, GetAgentAgentPhoneNumbers as AgentPhoneNumber,
    GetAgentAgentPlacements as AgentPlacement,
};
pub(crate) use list_agents::{ListAgentsAgents as AgentPage, ListAgentsAgentsNodes as AgentRow};

/// One page of the list as its state in the URL describes it.
pub(crate) async fn list(agency: &str, state: AgentListState) -> Result<AgentPage, ApiError> {
    let AgentListState {
        search,
        status,
        only_unreachable,
        provider,
        sort,
        position,
        open_agent: _,
    } = state;
    let is_backwards = position.before.is_some();
    let filter = list_agents::AgentFilter {
        provider: provider.map(|provider| vec![provider]),
        status: status.map(|status| vec![status]),
        is_reachable: only_unreachable.then_some(false),
    };
    let variables = list_agents::Variables {
        filter: Some(filter),
        search: Some(search.trim().to_owned()).filter(|text| !text.is_empty()),
        sort: Some(list_agents::AgentSort {
            field: sort.field,
            direction: sort.direction,
        }),
        first: (!is_backwards).then_some(PAGE_SIZE),
        after: position.after,
        last: is_backwards.then_some(PAGE_SIZE),
        before: position.before,
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
