//! What a client's people ask: the log-in link that they use up, their client's agents, and the providers that they hand in
//! keys for. It asks for nothing that the access table keeps from them (P1, P3); a typed key and a link's token pass through
//! and are dropped with their variables.

use crate::api::enums::{
    AgentSortField, AgentStatus, IntegrationState, PhoneNumberStatus, Provider, Region,
    SortDirection,
};
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::ListState;
use crate::logic::provider_name;

operation!(RedeemLogInLink, "src/api/portal/redeem_log_in_link.graphql");
operation!(ListIntegrations, "src/api/portal/list_integrations.graphql");
operation!(
    HandInProviderKey,
    "src/api/portal/hand_in_provider_key.graphql"
);
operation!(
    ListPortalAgents,
    "src/api/portal/list_portal_agents.graphql"
);
operation!(GetPortalAgent, "src/api/portal/get_portal_agent.graphql");

pub(crate) use get_portal_agent::GetPortalAgentAgent as Agent;
pub(crate) use hand_in_provider_key::HandInProviderKeyInput;
pub(crate) use list_integrations::ListIntegrationsClientIntegrations as Integration;
pub(crate) use list_portal_agents::{
    ListPortalAgentsAgents as AgentPage, ListPortalAgentsAgentsNodes as AgentRow,
};

/// Uses a log-in link up: its person joins the agency of this slug and is logged in.
pub(crate) async fn redeem(token: String, password: String) -> Result<String, ApiError> {
    let input = redeem_log_in_link::RedeemLogInLinkInput { token, password };
    let answer = send::<RedeemLogInLink>("", redeem_log_in_link::Variables { input }).await?;
    Ok(answer.redeem_log_in_link.agency_slug)
}

/// How each provider stands for the viewer's own client.
pub(crate) async fn integrations(agency: &str) -> Result<Vec<Integration>, ApiError> {
    Ok(
        send::<ListIntegrations>(agency, list_integrations::Variables {})
            .await?
            .client_integrations,
    )
}

/// Hands a key in (P4), and says how the provider stands then.
pub(crate) async fn hand_in(
    agency: &str,
    input: HandInProviderKeyInput,
) -> Result<IntegrationState, ApiError> {
    Ok(
        send::<HandInProviderKey>(agency, hand_in_provider_key::Variables { input })
            .await?
            .hand_in_provider_key
            .integration
            .state,
    )
}

/// One page of the client's agents as its state in the URL describes it.
pub(crate) async fn agents(agency: &str, state: ListState) -> Result<AgentPage, ApiError> {
    let field = match state.sort.field {
        "status" => AgentSortField::Status,
        "updated" => AgentSortField::UpdatedAt,
        _ => AgentSortField::Name,
    };
    let direction = SortDirection::of(state.sort.is_descending);
    let status = state.value("status").map(|status| {
        vec![if status == "active" {
            AgentStatus::Active
        } else {
            AgentStatus::Inactive
        }]
    });
    let filter = list_portal_agents::AgentFilter {
        provider: provider_name::filtered(&state),
        status,
        is_reachable: state.value("reachable").map(|_| false),
        missing_from_sync_run: None,
        client_id: None,
        is_assigned: None,
    };
    let window = Window::of_page(&state.position);
    let variables = list_portal_agents::Variables {
        filter: Some(filter),
        search: Some(state.search.trim().to_owned()).filter(|text| !text.is_empty()),
        sort: Some(list_portal_agents::AgentSort { field, direction }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListPortalAgents>(agency, variables).await?.agents)
}

/// One agent of the client, with the numbers that it answers.
pub(crate) async fn agent(agency: &str, id: String) -> Result<Agent, ApiError> {
    Ok(
        send::<GetPortalAgent>(agency, get_portal_agent::Variables { id })
            .await?
            .agent,
    )
}
