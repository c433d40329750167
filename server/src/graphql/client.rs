//! Clients, and whom an agent works for.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use crate::{
    clients::{self, Chosen, MAX_NAMED_AGENTS},
    error::{Error, Result},
    graphql::{
        agent::{AgentFilter, narrowed},
        context::ContextExt,
        page::{self, PageArguments, complexity, search_text},
        provider_key::ProviderKey,
        scalars::DateTime,
    },
    id::ClientId,
    store::{
        self,
        clients::{AgentCountRow, ClientQuery as Narrowed, ClientRow},
        keyset::{KeysetPosition, like_pattern, yes_no},
    },
};

/// The client that an input names.
pub(crate) fn client_of(id: Option<&ID>) -> Option<ClientId> {
    id.map(|id| ClientId::from(id.as_str()))
}

/// A customer of the agency.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Client {
    /// Ringfence's id of the client.
    id: ID,
    /// What people call it; no two clients in use have the same name.
    name: String,
    /// Since when it is archived: its agents have no route meanwhile. Null while it is in use.
    archived_at: Option<DateTime>,
    /// When it was made.
    created_at: DateTime,
}

impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id.as_str().into(),
            name: row.name,
            archived_at: row.archived_at.map(Into::into),
            created_at: row.created_at.into(),
        }
    }
}

impl Client {
    /// The client of this id.
    pub(crate) async fn load(ctx: &Context<'_>, id: Option<&ClientId>) -> Result<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        let loading = ctx.loaders()?.clients.load_one(id.as_str().to_owned());
        Ok(loading.await.map_err(Error::internal)?.map(Self::from))
    }

    async fn counts(&self, ctx: &Context<'_>) -> Result<Option<AgentCountRow>> {
        let counts = &ctx.loaders()?.client_agents;
        let found = counts.load_one(self.id.to_string()).await;
        found.map_err(Error::internal)
    }
}

#[ComplexObject]
impl Client {
    /// How many agents work for it.
    async fn agent_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let counts = self.counts(ctx).await?;
        Ok(counts.map_or(0, |row| i32::try_from(row.agent_count).unwrap_or(i32::MAX)))
    }

    /// Those of them that are at their provider and cannot call: no key, a refused key, or a key of an account that does
    /// not hold them. `explainRoute` says which.
    async fn unreachable_agent_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let counts = self.counts(ctx).await?;
        Ok(counts.map_or(0, |row| {
            i32::try_from(row.unreachable_count).unwrap_or(i32::MAX)
        }))
    }

    /// The keys of its own, by provider; for any other provider it uses the agency's.
    async fn provider_keys(&self, ctx: &Context<'_>) -> Result<Vec<ProviderKey>> {
        let keys = &ctx.loaders()?.client_keys;
        let found = keys
            .load_one(self.id.to_string())
            .await
            .map_err(Error::internal)?;
        found
            .unwrap_or_default()
            .into_iter()
            .map(ProviderKey::try_from)
            .collect()
    }
}

page::connection!(
    Client,
    ClientConnection,
    ClientEdge,
    "ClientEdge",
    "ClientConnection"
);

/// What a list of clients is narrowed to.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct ClientFilter {
    /// Archived ones, or those in use.
    is_archived: Option<bool>,
}

#[derive(Default)]
pub(crate) struct ClientQuery;

#[Object]
impl ClientQuery {
    /// One client of the agency.
    async fn client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the client.")] id: ID,
    ) -> Result<Client> {
        let mut conn = ctx.app()?.db.read().await?;
        let client = ClientId::from(id.as_str());
        let found = store::clients::find(&mut conn, ctx.agency()?, &client).await?;
        found.map(Client::from).ok_or(Error::NotFound)
    }

    /// The agency's clients, by name.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a GraphQL connection"
    )]
    async fn clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ClientFilter>,
        #[graphql(desc = "Part of a name.")] search: Option<String>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ClientConnection> {
        let agency = ctx.agency()?.clone();
        let query = Narrowed {
            archived: yes_no(filter.unwrap_or_default().is_archived),
            name_pattern: like_pattern(&search_text(search)?),
        };
        let keyset = PageArguments::new(first, after, last, before).keyset("name")?;
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::clients::list(&mut conn, &agency, &query, &keyset).await?;
        let position = |row: &ClientRow| KeysetPosition {
            key: row.name_key.clone(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, |row| Ok(Client::from(row)))?;
        let count =
            page::counted!(agency, query => |conn| store::clients::count(conn, &agency, &query));
        Ok(ClientConnection { page, count })
    }
}

/// A client to make.
#[derive(InputObject)]
pub(crate) struct CreateClientInput {
    /// What people call it, at most 120 characters; no other client in use has this name.
    name: String,
}

/// The new client.
#[derive(SimpleObject)]
pub(crate) struct CreateClientPayload {
    /// As it is stored.
    client: Client,
}

/// A client to change.
#[derive(InputObject)]
pub(crate) struct UpdateClientInput {
    /// Ringfence's id of the client.
    client_id: ID,
    /// Its new name.
    name: String,
}

/// The changed client.
#[derive(SimpleObject)]
pub(crate) struct UpdateClientPayload {
    /// As it is stored.
    client: Client,
}

/// A client to archive.
#[derive(InputObject)]
pub(crate) struct ArchiveClientInput {
    /// Ringfence's id of the client.
    client_id: ID,
}

/// The archived client.
#[derive(SimpleObject)]
pub(crate) struct ArchiveClientPayload {
    /// As it is stored.
    client: Client,
}

/// A client to bring back.
#[derive(InputObject)]
pub(crate) struct RestoreClientInput {
    /// Ringfence's id of the client.
    client_id: ID,
}

/// The client, in use again.
#[derive(SimpleObject)]
pub(crate) struct RestoreClientPayload {
    /// As it is stored.
    client: Client,
}

/// Which agents are to work for whom: name them by their ids, or as `agents` lists them.
#[derive(InputObject)]
pub(crate) struct AssignAgentsInput {
    /// These agents, at most 1,000.
    agent_ids: Option<Vec<ID>>,
    /// Instead of ids: all agents that this filter lists.
    filter: Option<AgentFilter>,
    /// With or without a filter: all agents that this search lists.
    search: Option<String>,
    /// The client; null or absent gives them back to the agency.
    client_id: Option<ID>,
}

/// What became of them.
#[derive(SimpleObject)]
pub(crate) struct AssignAgentsPayload {
    /// How many were assigned.
    assigned_count: i32,
    /// Those of them that are at their provider and cannot call any more or yet: the key of their calls opens an account
    /// that does not hold them, or there is none.
    unreachable_count: i32,
}

#[derive(Default)]
pub(crate) struct ClientMutation;

#[Object]
impl ClientMutation {
    /// Makes a client. Until it has keys of its own, its agents use the agency's.
    async fn create_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client's name.")] input: CreateClientInput,
    ) -> Result<CreateClientPayload> {
        let row = clients::create(ctx.app()?, ctx.viewer()?, &input.name).await?;
        Ok(CreateClientPayload { client: row.into() })
    }

    /// Gives a client another name.
    async fn update_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client, and its new name.")] input: UpdateClientInput,
    ) -> Result<UpdateClientPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let row = clients::rename(ctx.app()?, ctx.viewer()?, &client, &input.name).await?;
        Ok(UpdateClientPayload { client: row.into() })
    }

    /// Archives a client: nothing of it is deleted, and none of its agents has a route until it is restored.
    async fn archive_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client to archive.")] input: ArchiveClientInput,
    ) -> Result<ArchiveClientPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let row = clients::set_archived(ctx.app()?, ctx.viewer()?, &client, true).await?;
        Ok(ArchiveClientPayload { client: row.into() })
    }

    /// Brings an archived client back, with the agents and keys that it had.
    async fn restore_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client to bring back.")] input: RestoreClientInput,
    ) -> Result<RestoreClientPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let row = clients::set_archived(ctx.app()?, ctx.viewer()?, &client, false).await?;
        Ok(RestoreClientPayload { client: row.into() })
    }

    /// Gives agents to a client, or back to the agency. From then on their calls go over the client's key, where it has
    /// one for their provider.
    async fn assign_agents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agents, and whose they are.")] input: AssignAgentsInput,
    ) -> Result<AssignAgentsPayload> {
        let client = client_of(input.client_id.as_ref());
        let chosen = match (input.agent_ids, input.filter, input.search) {
            (Some(ids), None, None) => Chosen::Named(named_agents(ids)?),
            (None, None, None) => {
                return Err(Error::invalid(
                    "agentIds",
                    "Name the agents by their ids, or as a list shows them with a filter or a search.",
                ));
            }
            (None, filter, search) => Chosen::Listed(narrowed(filter.unwrap_or_default(), search)?),
            (Some(_), _, _) => {
                return Err(Error::invalid(
                    "agentIds",
                    "Send either ids, or a filter and a search.",
                ));
            }
        };
        let assigned = clients::assign(ctx.app()?, ctx.viewer()?, &chosen, client.as_ref()).await?;
        let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(AssignAgentsPayload {
            assigned_count: count(assigned.count),
            unreachable_count: count(assigned.unreachable_count),
        })
    }
}

/// The distinct agents that an input names: 1 to 1,000.
pub(crate) fn named_agents(ids: Vec<ID>) -> Result<Vec<String>> {
    let mut ids: Vec<String> = ids.into_iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MAX_NAMED_AGENTS {
        return Err(Error::invalid(
            "agentIds",
            format!("Name 1 to {MAX_NAMED_AGENTS} agents at a time."),
        ));
    }
    Ok(ids)
}
