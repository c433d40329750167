//! Agents and where they live.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        client::Client,
        context::ContextExt,
        page::{self, PageArguments, complexity, exact_id, search_text},
        phone_number::PhoneNumber,
        provider::{Provider, provider_set, unknown_word},
        provider_key::ProviderAccount,
        scalars::DateTime,
    },
    id::ClientId,
    providers::AgentDefinition as Definition,
    store::{
        self,
        agents::{AgentOrder, AgentQuery as Narrowed, AgentRow},
        keyset::{KeysetPosition, like_pattern, word_set, yes_no},
        phone_numbers::AgentNumberRow,
        placements::PlacementRow,
    },
};

/// Whether an agent is at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AgentStatus {
    /// The last complete sync saw it.
    Active,
    /// It is gone, or the key may not see it any more. It is kept, and active again when it returns.
    Inactive,
}

impl AgentStatus {
    fn of_row(text: &str) -> Result<Self> {
        match text {
            "active" => Ok(Self::Active),
            "inactive" => Ok(Self::Inactive),
            other => Err(unknown_word("agent status", other)),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// Why a placement is inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum InactiveReason {
    /// The provider does not have it any more.
    Gone,
    /// The key in use may not see it.
    NotVisible,
}

/// Direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum SortDirection {
    /// The smallest or earliest first.
    Asc,
    /// The largest or latest first.
    Desc,
}

/// What agents can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AgentSortField {
    /// Name, without regard to case.
    Name,
    /// Active before inactive.
    Status,
    /// When it was made at the provider.
    CreatedAt,
    /// When it was last changed at the provider.
    UpdatedAt,
}

/// How a list of agents is sorted.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct AgentSort {
    /// What to sort by.
    field: AgentSortField,
    /// Up or down.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// What a list of agents is narrowed to. All conditions hold together.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct AgentFilter {
    /// Any of these providers.
    provider: Option<Vec<Provider>>,
    /// Any of these.
    status: Option<Vec<AgentStatus>>,
    /// Whether the key of its calls was not refused at its last check, and opens an account that holds it.
    is_reachable: Option<bool>,
    /// Agents that this import did not find any more, while it waits for a decision about them.
    missing_from_sync_run: Option<ID>,
    /// Agents of this client.
    client_id: Option<ID>,
    /// Whether they work for a client, or for the agency itself.
    is_assigned: Option<bool>,
}

/// A voice as an agent uses it.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AgentVoice {
    /// Who makes the voice, such as 11labs.
    engine: String,
    /// The voice's id there.
    voice_id: String,
}

/// A language model as an agent uses it.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AgentModel {
    /// Who makes the model, such as openai.
    vendor: String,
    /// The model, such as gpt-4.1.
    name: String,
}

/// What makes an agent, apart from any provider.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AgentDefinition {
    /// What the agent is told to do.
    prompt: Option<String>,
    /// What it says first.
    first_message: Option<String>,
    /// How it sounds.
    voice: Option<AgentVoice>,
    /// Which language it hears, such as en.
    language: Option<String>,
    /// What it thinks with.
    model: Option<AgentModel>,
}

/// Where an agent lives: at most once per account.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Placement {
    /// Ringfence's id of the placement.
    id: ID,
    /// The provider of the account.
    provider: Provider,
    /// The agent's id at the provider.
    remote_id: String,
    /// Whether it is there.
    status: AgentStatus,
    /// Why it is not.
    inactive_reason: Option<InactiveReason>,
    /// When it was last changed there.
    remote_updated_at: Option<DateTime>,
    /// When a sync last saw it.
    last_seen_at: DateTime,
    #[graphql(skip)]
    account_id: String,
}

#[ComplexObject]
impl Placement {
    /// The account; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        let found = ctx
            .loaders()?
            .accounts
            .load_one(self.account_id.clone())
            .await
            .map_err(Error::internal)?;
        found.map(ProviderAccount::try_from).transpose()
    }
}

impl TryFrom<PlacementRow> for Placement {
    type Error = Error;

    fn try_from(row: PlacementRow) -> Result<Self> {
        let inactive_reason = match row.inactive_reason.as_deref() {
            None => None,
            Some("gone") => Some(InactiveReason::Gone),
            Some("not_visible") => Some(InactiveReason::NotVisible),
            Some(other) => return Err(unknown_word("reason", other)),
        };
        Ok(Self {
            id: row.id.as_str().into(),
            provider: Provider::of_row(&row.provider)?,
            remote_id: row.remote_id,
            status: AgentStatus::of_row(&row.status)?,
            inactive_reason,
            remote_updated_at: row.remote_updated_at.map(Into::into),
            last_seen_at: row.last_seen_at.into(),
            account_id: row.account_id.as_str().to_owned(),
        })
    }
}

/// A voice agent.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Agent {
    /// Ringfence's id of the agent.
    id: ID,
    /// The name it has at its provider.
    name: String,
    /// Whether it is at its provider.
    status: AgentStatus,
    /// Whether calls are expected to work: the key of its calls was not refused at its last check, and opens an account that
    /// holds it. No key is opened for this; `explainRoute` asks more closely, and says what a call would do.
    is_reachable: bool,
    /// The provider that it was imported from.
    provider: Provider,
    /// Prompt, first message, voice, language and model.
    definition: AgentDefinition,
    /// When it was made at the provider.
    created_at: DateTime,
    /// When it was last changed at the provider.
    updated_at: DateTime,
    #[graphql(skip)]
    client_id: Option<ClientId>,
}

#[ComplexObject]
impl Agent {
    /// Whom it works for; null: the agency itself.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        Client::load(ctx, self.client_id.as_ref()).await
    }

    /// Where it lives.
    async fn placements(&self, ctx: &Context<'_>) -> Result<Vec<Placement>> {
        let found = ctx
            .loaders()?
            .placements
            .load_one(self.id.to_string())
            .await
            .map_err(Error::internal)?;
        found
            .unwrap_or_default()
            .into_iter()
            .map(Placement::try_from)
            .collect()
    }

    /// The first numbers that it answers, by number. `phoneNumbers(filter: { agentId })` pages through all of them.
    #[graphql(complexity = "complexity(Some(first), None, child_complexity)")]
    async fn phone_numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, 1 to 100.", default = 10)] first: i32,
    ) -> Result<Vec<PhoneNumber>> {
        let count = usize::try_from(first)
            .ok()
            .filter(|count| (1..=100).contains(count))
            .ok_or_else(|| Error::invalid("first", "Ask for 1 to 100 at a time."))?;
        self.numbers(ctx)
            .await?
            .into_iter()
            .take(count)
            .map(|row| PhoneNumber::try_from(row.number))
            .collect()
    }

    /// How many numbers it answers.
    async fn phone_number_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let numbers = self.numbers(ctx).await?;
        let count = numbers.first().map_or(0, |row| row.agent_total);
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

impl Agent {
    async fn numbers(&self, ctx: &Context<'_>) -> Result<Vec<AgentNumberRow>> {
        let numbers = &ctx.loaders()?.numbers;
        let found = numbers.load_one(self.id.to_string()).await;
        Ok(found.map_err(Error::internal)?.unwrap_or_default())
    }
}

impl TryFrom<AgentRow> for Agent {
    type Error = Error;

    fn try_from(row: AgentRow) -> Result<Self> {
        let definition: Definition = serde_json::from_str(&row.definition)?;
        Ok(Self {
            id: row.id.as_str().into(),
            name: row.name,
            status: AgentStatus::of_row(&row.status)?,
            is_reachable: row.is_reachable,
            provider: Provider::of_row(&row.provider)?,
            definition: AgentDefinition {
                prompt: definition.prompt,
                first_message: definition.first_message,
                voice: definition.voice.map(|voice| AgentVoice {
                    engine: voice.engine,
                    voice_id: voice.voice_id,
                }),
                language: definition.language,
                model: definition.model.map(|model| AgentModel {
                    vendor: model.vendor,
                    name: model.name,
                }),
            },
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            client_id: row.client_id,
        })
    }
}

page::connection!(
    Agent,
    AgentConnection,
    AgentEdge,
    "AgentEdge",
    "AgentConnection"
);

#[derive(Default)]
pub(crate) struct AgentQuery;

#[Object]
impl AgentQuery {
    /// One agent of the agency, or of the viewer's own client.
    async fn agent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the agent.")] id: ID,
    ) -> Result<Agent> {
        let mut conn = ctx.app()?.db.read().await?;
        let own = ctx.viewer()?.client();
        store::agents::find(&mut conn, ctx.agency()?, own, &id)
            .await?
            .ok_or(Error::NotFound)?
            .try_into()
    }

    /// The agents of the agency, or of the viewer's own client; by name unless sorted otherwise.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a GraphQL connection"
    )]
    async fn agents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AgentFilter>,
        #[graphql(desc = "Part of a name, or a whole id at the provider.")] search: Option<String>,
        #[graphql(desc = "By name, upwards, when absent.")] sort: Option<AgentSort>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<AgentConnection> {
        let agency = ctx.agency()?.clone();
        let mut query = narrowed(filter.unwrap_or_default(), search)?;
        if let Some(client) = ctx.viewer()?.client() {
            client.as_str().clone_into(&mut query.own_client);
        }
        let order = match sort.map(|sort| sort.field) {
            None | Some(AgentSortField::Name) => AgentOrder::Name,
            Some(AgentSortField::Status) => AgentOrder::Status,
            Some(AgentSortField::CreatedAt) => AgentOrder::CreatedAt,
            Some(AgentSortField::UpdatedAt) => AgentOrder::UpdatedAt,
        };
        let is_descending = sort.is_some_and(|sort| sort.direction == SortDirection::Desc);
        let keyset = PageArguments::new(first, after, last, before).keyset(order.as_str())?;
        let mut conn = ctx.app()?.db.read().await?;
        let rows =
            store::agents::list(&mut conn, &agency, &query, order, is_descending, &keyset).await?;
        let position = move |row: &AgentRow| KeysetPosition {
            key: match order {
                AgentOrder::Name => row.name_key.clone(),
                AgentOrder::Status => row.status.clone(),
                AgentOrder::CreatedAt => row.created_at.as_millis().to_string(),
                AgentOrder::UpdatedAt => row.updated_at.as_millis().to_string(),
            },
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, Agent::try_from)?;
        let count =
            page::counted!(agency, query => |conn| store::agents::count(conn, &agency, &query));
        Ok(AgentConnection { page, count })
    }
}

/// What the store is asked for.
pub(crate) fn narrowed(filter: AgentFilter, search: Option<String>) -> Result<Narrowed> {
    let search = search_text(search)?;
    Ok(Narrowed {
        providers: provider_set(filter.provider),
        statuses: word_set(
            filter
                .status
                .unwrap_or_default()
                .into_iter()
                .map(AgentStatus::as_str),
        ),
        reachable: yes_no(filter.is_reachable),
        missing_from: exact_id(filter.missing_from_sync_run),
        client: exact_id(filter.client_id),
        assigned: yes_no(filter.is_assigned),
        own_client: String::new(),
        name_pattern: like_pattern(&search),
        remote_id: search,
    })
}
