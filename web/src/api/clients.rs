//! Clients: the list, a page at a time, one client with how each provider is paid for, and what is done to one. Giving agents
//! to a client stands with the agents.

use crate::api::enums::{KeyHealth, Provider};
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::ListState;

operation!(ListClients, "src/api/clients/list_clients.graphql");
operation!(
    CountArchivedClients,
    "src/api/clients/count_archived_clients.graphql"
);
operation!(GetClient, "src/api/clients/get_client.graphql");
operation!(CreateClient, "src/api/clients/create_client.graphql");
operation!(UpdateClient, "src/api/clients/update_client.graphql");
operation!(ArchiveClient, "src/api/clients/archive_client.graphql");
operation!(RestoreClient, "src/api/clients/restore_client.graphql");

pub(crate) use get_client::{GetClientClient as Client, ResponseData as ClientDetails};
pub(crate) use list_clients::{
    ListClientsClients as ClientList, ListClientsClientsNodes as ClientRow,
};

/// One page of the list as its state in the URL describes it; without the filter, those in use.
pub(crate) async fn list(agency: &str, state: ListState) -> Result<ClientList, ApiError> {
    let window = Window::of_page(&state.position);
    let variables = list_clients::Variables {
        filter: Some(list_clients::ClientFilter {
            is_archived: Some(state.value("archived").is_some()),
        }),
        search: Some(state.search.trim().to_owned()).filter(|text| !text.is_empty()),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListClients>(agency, variables).await?.clients)
}

/// How many clients are archived.
pub(crate) async fn archived_count(agency: &str) -> Result<i64, ApiError> {
    let variables = count_archived_clients::Variables {};
    let answer = send::<CountArchivedClients>(agency, variables).await?;
    Ok(answer.clients.total_count)
}

/// One client, and the providers with the agency's keys that it uses where it has none of its own.
pub(crate) async fn get(agency: &str, id: String) -> Result<ClientDetails, ApiError> {
    send::<GetClient>(agency, get_client::Variables { id }).await
}

/// Makes a client and answers its id.
pub(crate) async fn create(agency: &str, name: String) -> Result<String, ApiError> {
    let input = create_client::CreateClientInput { name };
    let answer = send::<CreateClient>(agency, create_client::Variables { input }).await?;
    Ok(answer.create_client.client.id)
}

/// Gives a client another name.
pub(crate) async fn rename(agency: &str, client_id: String, name: String) -> Result<(), ApiError> {
    let input = update_client::UpdateClientInput { client_id, name };
    send::<UpdateClient>(agency, update_client::Variables { input }).await?;
    Ok(())
}

/// Archives a client, or brings it back.
pub(crate) async fn set_archived(
    agency: &str,
    client_id: String,
    is_archived: bool,
) -> Result<(), ApiError> {
    if is_archived {
        let input = archive_client::ArchiveClientInput { client_id };
        send::<ArchiveClient>(agency, archive_client::Variables { input }).await?;
    } else {
        let input = restore_client::RestoreClientInput { client_id };
        send::<RestoreClient>(agency, restore_client::Variables { input }).await?;
    }
    Ok(())
}
