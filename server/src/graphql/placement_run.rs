//! Creating placements that agents lack: what would be made, starting it, how it stands, and watching it.

use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, Subscription,
};
use futures_util::{Stream, StreamExt};

use crate::{
    access::Permission,
    app::App,
    error::{Code, Error, Result},
    graphql::{
        agent::Agent,
        client::{Client, client_of, named_agents},
        context::ContextExt,
        page::{self, PageArguments, complexity, exact_id},
        provider::{Provider, unknown_word},
        provider_key::ProviderAccount,
        scalars::DateTime,
        session::Person,
        sync_run::first_look,
        watch,
    },
    id::{AccountId, AgencyId, AgentId, ClientId, PlacementRunId, UserId},
    keys,
    placing::{self, ItemState, PlannedAgent, State},
    providers::{self, never_placed},
    store::{
        self,
        keyset::{KeysetPosition, word_set},
        placement_items::PlacementItemRow,
        placement_runs::PlacementRunRow,
    },
};

/// A part of an agent's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "providers::DefinitionPart")]
pub(crate) enum DefinitionPart {
    /// What the agent is called.
    Name,
    /// The system prompt.
    Prompt,
    /// What it says first.
    FirstMessage,
    /// The voice that it speaks with.
    Voice,
    /// The language that it understands.
    Language,
    /// The language model behind it.
    Model,
}

/// What becomes of a part that a provider cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "providers::UnsupportedEffect")]
pub(crate) enum UnsupportedEffect {
    /// It is placed in another form.
    Changed,
    /// It is not placed; the provider's own setting takes its place.
    LeftOut,
    /// Without it nothing is placed.
    Blocks,
}

/// A part of an agent that a provider cannot express.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct UnsupportedPart {
    /// The part of the definition that it is about.
    part: DefinitionPart,
    /// What becomes of it.
    effect: UnsupportedEffect,
    /// Why, for people.
    reason: String,
}

/// An agent that lacks a placement.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PlannedPlacement {
    /// What it is called.
    name: String,
    /// Whether it would be made.
    is_placeable: bool,
    /// Only a part of it has been read so far, so that it cannot be placed yet.
    is_half_read: bool,
    /// What the provider cannot express of it.
    unsupported: Vec<UnsupportedPart>,
    #[graphql(skip)]
    agent_id: AgentId,
}

#[ComplexObject]
impl PlannedPlacement {
    /// The agent that would be placed, as it is now.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Option<Agent>> {
        load_agent(ctx, &self.agent_id).await
    }
}

async fn load_agent(ctx: &Context<'_>, agent: &AgentId) -> Result<Option<Agent>> {
    let loading = ctx.loaders()?.agents.load_one(agent.as_str().to_owned());
    let found = loading.await.map_err(Error::internal)?;
    found.map(Agent::try_from).transpose()
}

impl From<PlannedAgent> for PlannedPlacement {
    fn from(agent: PlannedAgent) -> Self {
        let is_placeable = !agent.is_half_read && !agent.fitted.is_blocked();
        let parts = agent.fitted.unsupported.into_iter();
        Self {
            name: agent.name,
            is_placeable,
            is_half_read: agent.is_half_read,
            unsupported: parts
                .map(|unsupported| UnsupportedPart {
                    part: unsupported.part.into(),
                    effect: unsupported.effect.into(),
                    reason: unsupported.reason,
                })
                .collect(),
            agent_id: agent.id,
        }
    }
}

/// What a placement run would make. The provider is not asked.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PlacementPlan {
    /// The provider whose account the agents lack a placement in.
    provider: Provider,
    /// Agents that lack one.
    total: i32,
    /// Those of them that would be made.
    placeable_count: i32,
    /// Those that would be made without a part of them.
    reduced_count: i32,
    /// What is never copied to this provider, for people.
    never_placed: String,
    /// The first 200 of the agents.
    agents: Vec<PlannedPlacement>,
    #[graphql(skip)]
    account_id: AccountId,
}

#[ComplexObject]
impl PlacementPlan {
    /// Where they would be made; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.account_id).await
    }
}

/// Why a placement run ended before its end.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PlacementRunError {
    /// What programs match on.
    code: Code,
    /// For people: what happened and what to do.
    message: String,
}

/// Makes the placements that agents lack in an account, one after the other.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PlacementRun {
    /// Ringfence's id of the run.
    id: ID,
    /// The provider of the account.
    provider: Provider,
    /// How it stands.
    state: State,
    /// Agents that it is about.
    total: i32,
    /// Agents that are in the account now.
    created_count: i32,
    /// Agents that the provider refused.
    failed_count: i32,
    /// Agents for which nothing was asked.
    skipped_count: i32,
    /// Agents of which the provider did not say whether they are there.
    unconfirmed_count: i32,
    /// With `WAITING`: when it goes on.
    waiting_until: Option<DateTime>,
    /// With `WAITING`: why.
    waiting_reason: Option<String>,
    /// With `FAILED`: why.
    error: Option<PlacementRunError>,
    /// When it was asked for.
    created_at: DateTime,
    /// When it began.
    started_at: Option<DateTime>,
    /// When it ended.
    finished_at: Option<DateTime>,
    #[graphql(skip)]
    run_id: PlacementRunId,
    #[graphql(skip)]
    for_client: Option<ClientId>,
    #[graphql(skip)]
    account_id: AccountId,
    #[graphql(skip)]
    requested_by_id: Option<UserId>,
}

#[ComplexObject]
impl PlacementRun {
    /// The client whose own key is used; null with the agency's key.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        Client::load(ctx, self.for_client.as_ref()).await
    }

    /// Where the agents are made; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.account_id).await
    }

    /// Who asked for it; needs `ADMINISTER`.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.requested_by_id.as_ref()).await
    }

    /// Its agents, and what became of each.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Any of these states.")] state: Option<Vec<ItemState>>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<PlacementItemConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("id")?;
        let agency = ctx.agency()?.clone();
        let states = word_set(state.unwrap_or_default().into_iter().map(ItemState::as_str));
        let run = self.run_id.clone();
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::placement_items::list(&mut conn, &agency, &run, &states, &keyset).await?;
        let position = |row: &PlacementItemRow| KeysetPosition {
            key: row.id.as_str().to_owned(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, PlacementItem::try_from)?;
        let count = page::counted!(agency, run, states => |conn| store::placement_items::count(conn, &agency, &run, &states));
        Ok(PlacementItemConnection { page, count })
    }
}

fn whole(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl TryFrom<PlacementRunRow> for PlacementRun {
    type Error = Error;

    fn try_from(row: PlacementRunRow) -> Result<Self> {
        let state =
            State::parse(&row.state).ok_or_else(|| unknown_word("placement state", &row.state))?;
        let error = row.error_code.as_deref().map(|code| PlacementRunError {
            code: Code::parse(code).unwrap_or(Code::Internal),
            message: row.error_message.clone().unwrap_or_default(),
        });
        Ok(Self {
            id: row.id.as_str().into(),
            provider: keys::provider_of(&row.provider)?.into(),
            state,
            total: whole(row.total),
            created_count: whole(row.created_count),
            failed_count: whole(row.failed_count),
            skipped_count: whole(row.skipped_count),
            unconfirmed_count: whole(row.unconfirmed_count),
            waiting_until: row.waiting_until.map(Into::into),
            waiting_reason: row.waiting_reason,
            error,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            finished_at: row.finished_at.map(Into::into),
            run_id: row.id,
            for_client: row.client_id,
            account_id: row.account_id,
            requested_by_id: row.requested_by,
        })
    }
}

/// An agent of a placement run.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PlacementItem {
    /// What it is called at the provider.
    name: String,
    /// What became of it.
    state: ItemState,
    /// Why, for people, where there is something to say.
    message: Option<String>,
    /// The provider's id of it, once it is there.
    remote_id: Option<String>,
    #[graphql(skip)]
    agent_id: AgentId,
}

#[ComplexObject]
impl PlacementItem {
    /// The agent whose placement it is about, as it is now.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Option<Agent>> {
        load_agent(ctx, &self.agent_id).await
    }
}

impl TryFrom<PlacementItemRow> for PlacementItem {
    type Error = Error;

    fn try_from(row: PlacementItemRow) -> Result<Self> {
        let state =
            ItemState::parse(&row.state).ok_or_else(|| unknown_word("item state", &row.state))?;
        Ok(Self {
            name: row.name,
            state,
            message: row.message,
            remote_id: row.remote_id,
            agent_id: row.agent_id,
        })
    }
}

page::connection!(
    PlacementRun,
    PlacementRunConnection,
    PlacementRunEdge,
    "PlacementRunEdge",
    "PlacementRunConnection"
);
page::connection!(
    PlacementItem,
    PlacementItemConnection,
    PlacementItemEdge,
    "PlacementItemEdge",
    "PlacementItemConnection"
);

#[derive(Default)]
pub(crate) struct PlacementRunQuery;

#[Object]
impl PlacementRunQuery {
    /// What a placement run would make, and what the provider cannot express of it.
    async fn placement_plan(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The client whose own key is meant; absent: the agency's key.")]
        client_id: Option<ID>,
        #[graphql(desc = "Whose account the agents are placed in.")] provider: Provider,
    ) -> Result<PlacementPlan> {
        let client = client_of(client_id.as_ref());
        let (app, viewer) = (ctx.app()?, ctx.viewer()?);
        let plan = placing::plan(app, viewer, client.as_ref(), provider.into()).await?;
        Ok(PlacementPlan {
            provider,
            total: whole(plan.total),
            placeable_count: whole(plan.placeable),
            reduced_count: whole(plan.reduced),
            never_placed: never_placed(provider.into()).to_owned(),
            agents: plan.agents.into_iter().map(Into::into).collect(),
            account_id: plan.key.version.account_id,
        })
    }

    /// One placement run.
    async fn placement_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the run.")] id: ID,
    ) -> Result<PlacementRun> {
        let mut conn = ctx.app()?.db.read().await?;
        store::placement_runs::find(&mut conn, ctx.agency()?, &PlacementRunId::from(id.as_str()))
            .await?
            .ok_or(Error::NotFound)?
            .try_into()
    }

    /// The agency's placement runs, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn placement_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this client.")] client_id: Option<ID>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<PlacementRunConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("createdAt")?;
        let agency = ctx.agency()?.clone();
        let client = exact_id(client_id);
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::placement_runs::list(&mut conn, &agency, &client, &keyset).await?;
        let position = |row: &PlacementRunRow| KeysetPosition {
            key: row.created_at.as_millis().to_string(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, PlacementRun::try_from)?;
        let count = page::counted!(agency, client => |conn| store::placement_runs::count(conn, &agency, &client));
        Ok(PlacementRunConnection { page, count })
    }
}

/// Which agents to place, and where.
#[derive(InputObject)]
pub(crate) struct StartPlacementRunInput {
    /// The client whose own key is used; absent: the agency's key.
    client_id: Option<ID>,
    /// Whose account the agents are placed in.
    provider: Provider,
    /// Only these agents, at most 1,000; absent: all that lack a placement there.
    agent_ids: Option<Vec<ID>>,
}

/// The placement run that is under way.
#[derive(SimpleObject)]
pub(crate) struct StartPlacementRunPayload {
    /// The run, queued or running.
    placement_run: PlacementRun,
    /// True when one was under way already, which this request joined.
    has_joined: bool,
}

#[derive(Default)]
pub(crate) struct PlacementRunMutation;

#[Object]
impl PlacementRunMutation {
    /// Makes the placements that agents lack, or joins the run that does so.
    async fn start_placement_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agents, and where.")] input: StartPlacementRunInput,
    ) -> Result<StartPlacementRunPayload> {
        let client = client_of(input.client_id.as_ref());
        let only = input.agent_ids.map(named_agents).transpose()?;
        let only: Option<Vec<AgentId>> =
            only.map(|ids| ids.into_iter().map(AgentId::from).collect());
        let started = placing::start(
            ctx.app()?,
            ctx.viewer()?,
            client.as_ref(),
            input.provider.into(),
            only.as_deref(),
        )
        .await?;
        Ok(StartPlacementRunPayload {
            placement_run: started.run.try_into()?,
            has_joined: started.has_joined,
        })
    }
}

#[derive(Default)]
pub(crate) struct PlacementRunSubscription;

#[Subscription]
impl PlacementRunSubscription {
    /// The run now, and again whenever it has moved, until it ends.
    async fn placement_run_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the run.")] placement_run_id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<PlacementRun>> + use<>> {
        let app = ctx.app()?.clone();
        let agency = first_look(ctx, Permission::UseAgents)?;
        let run = PlacementRunId::from(placement_run_id.as_str());
        // An unknown run is refused at once, not with the first event.
        let mut conn = app.db.read().await?;
        store::placement_runs::find(&mut conn, &agency, &run)
            .await?
            .ok_or(Error::NotFound)?;
        drop(conn);
        Ok(follow(app, agency, run))
    }
}

/// Yields the run's row each time it differs from the last one.
fn follow(
    app: App,
    agency: AgencyId,
    run: PlacementRunId,
) -> impl Stream<Item = async_graphql::Result<PlacementRun>> {
    let events = app.placement_events.subscribe();
    let id = run.clone();
    let look = move || {
        let (app, agency, run) = (app.clone(), agency.clone(), run.clone());
        async move {
            let mut conn = app.db.read().await?;
            store::placement_runs::find(&mut conn, &agency, &run)
                .await?
                .ok_or(Error::NotFound)
        }
    };
    watch::rows(id, events, look, |row| row.finished_at.is_some())
        .map(|row| row.and_then(PlacementRun::try_from).map_err(Into::into))
}
