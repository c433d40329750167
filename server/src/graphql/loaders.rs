//! Dataloaders: each answers for all rows of a page with one statement. They are made per request and bound to the
//! viewer's agency, so that none can hand a row to another tenant.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader};

use crate::{
    access::Viewer,
    app::App,
    error::Error,
    id::AgencyId,
    store::{
        self,
        accounts::AccountRow,
        agents::AgentRow,
        api_keys::DayRow,
        batch::BATCH,
        clients::{AgentCountRow, ClientRow},
        phone_numbers::{AgentNumberRow, PhoneNumberRow},
        placements::PlacementRow,
        provider_keys::KeyRow,
        sync_runs::SyncRunRow,
        users::UserRow,
    },
};

/// All loaders of a request.
pub(crate) struct Loaders {
    pub(crate) agents: DataLoader<AgentsById>,
    pub(crate) accounts: DataLoader<AccountsById>,
    pub(crate) members: DataLoader<MembersById>,
    pub(crate) clients: DataLoader<ClientsById>,
    pub(crate) client_agents: DataLoader<AgentCountsByClient>,
    pub(crate) client_keys: DataLoader<KeysByClient>,
    pub(crate) placements: DataLoader<PlacementsByAgent>,
    pub(crate) numbers: DataLoader<NumbersByAgent>,
    pub(crate) phone_numbers: DataLoader<PhoneNumbersById>,
    pub(crate) latest_runs: DataLoader<LatestRunByKey>,
    pub(crate) api_key_days: DataLoader<DaysByApiKey>,
}

impl Loaders {
    /// For the agency of the viewer; none without one.
    pub(crate) fn new(app: &App, viewer: &Viewer) -> Option<Self> {
        let agency = viewer.membership.as_ref()?.agency_id.clone();
        let source = Source {
            app: app.clone(),
            agency,
        };
        Some(Self {
            agents: loader(AgentsById(source.clone())),
            accounts: loader(AccountsById(source.clone())),
            members: loader(MembersById(source.clone())),
            clients: loader(ClientsById(source.clone())),
            client_agents: loader(AgentCountsByClient(source.clone())),
            client_keys: loader(KeysByClient(source.clone())),
            placements: loader(PlacementsByAgent(source.clone())),
            numbers: loader(NumbersByAgent(source.clone())),
            phone_numbers: loader(PhoneNumbersById(source.clone())),
            latest_runs: loader(LatestRunByKey(source.clone())),
            api_key_days: loader(DaysByApiKey(source)),
        })
    }
}

fn loader<L>(loader: L) -> DataLoader<L>
where
    L: Loader<String>,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "the loader's batches end with the request that waits for them"
    )]
    DataLoader::new(loader, tokio::spawn).max_batch_size(BATCH)
}

#[derive(Clone)]
struct Source {
    app: App,
    agency: AgencyId,
}

type LoadError = Arc<Error>;

macro_rules! loader {
    ($(#[$doc:meta])* $name:ident, $value:ty, |$conn:ident, $agency:ident, $ids:ident| $load:expr, |$rows:ident| $group:expr) => {
        $(#[$doc])*
        pub(crate) struct $name(Source);

        impl Loader<String> for $name {
            type Value = $value;
            type Error = LoadError;

            async fn load(&self, keys: &[String]) -> Result<HashMap<String, $value>, LoadError> {
                let $ids = keys;
                let $agency = &self.0.agency;
                let mut conn = self.0.app.db.read().await.map_err(Arc::new)?;
                let $conn = &mut conn;
                let $rows = $load.await.map_err(Arc::new)?;
                Ok($group)
            }
        }
    };
}

fn grouped<T>(rows: Vec<T>, key: impl Fn(&T) -> String) -> HashMap<String, Vec<T>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

loader!(
    /// Agents by id.
    AgentsById, AgentRow,
    |conn, agency, ids| store::agents::list_by_ids(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.id.as_str().to_owned(), row)).collect()
);

loader!(
    /// Accounts by id.
    AccountsById, AccountRow,
    |conn, agency, ids| store::accounts::list_by_ids(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.id.as_str().to_owned(), row)).collect()
);

loader!(
    /// The agency's people by id.
    MembersById, UserRow,
    |conn, agency, ids| store::users::list_members_by_ids(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.id.as_str().to_owned(), row)).collect()
);

loader!(
    /// Clients by id.
    ClientsById, ClientRow,
    |conn, agency, ids| store::clients::list_by_ids(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.id.as_str().to_owned(), row)).collect()
);

loader!(
    /// How many agents clients have.
    AgentCountsByClient, AgentCountRow,
    |conn, agency, ids| store::clients::list_agent_counts(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.client_id.clone(), row)).collect()
);

loader!(
    /// Keys by the client that has them.
    KeysByClient, Vec<KeyRow>,
    |conn, agency, ids| store::provider_keys::list_by_clients(conn, agency, ids),
    |rows| grouped(rows, |row| row.scope_id.clone())
);

loader!(
    /// Placements by agent.
    PlacementsByAgent, Vec<PlacementRow>,
    |conn, agency, ids| store::placements::list_by_agents(conn, agency, ids),
    |rows| grouped(rows, |row| row.agent_id.as_str().to_owned())
);

loader!(
    /// The first numbers by the agent that answers them.
    NumbersByAgent, Vec<AgentNumberRow>,
    |conn, agency, ids| store::phone_numbers::list_by_agents(conn, agency, ids),
    |rows| grouped(rows, |row| row.number.agent_id.clone().unwrap_or_default())
);

loader!(
    /// Phone numbers by id.
    PhoneNumbersById, PhoneNumberRow,
    |conn, agency, ids| store::phone_numbers::list_by_ids(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.id.as_str().to_owned(), row)).collect()
);

loader!(
    /// The newest sync run by key.
    LatestRunByKey, SyncRunRow,
    |conn, agency, ids| store::sync_runs::list_latest_by_keys(conn, agency, ids),
    |rows| rows.into_iter().map(|row| (row.key_id.as_str().to_owned(), row)).collect()
);

loader!(
    /// What API keys were used for, newest day first, by key.
    DaysByApiKey, Vec<DayRow>,
    |conn, agency, ids| store::api_keys::list_days_by_keys(conn, agency, ids),
    |rows| grouped(rows, |row| row.api_key_id.as_str().to_owned())
);
