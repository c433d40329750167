//! Imports: how they stand, starting them, deciding what becomes of many missing agents, and watching one.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

use crate::{
    access::{Permission, policy::Use},
    app::App,
    error::{Code, Error, Result},
    graphql::{
        client::client_of,
        context::{ContextExt, recognised},
        guard,
        page::{self, PageArguments, complexity},
        provider::{Provider, provider_set, unknown_word},
        provider_key::ProviderAccount,
        scalars::DateTime,
        session::Person,
        watch,
    },
    id::{AccountId, AgencyId, SyncRunId, UserId},
    keys,
    store::{
        self,
        keyset::{KeysetPosition, word_set},
        sync_runs::SyncRunRow,
    },
    sync::{self, Decision, Phase, State, Trigger},
};

/// Why an import failed.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SyncError {
    /// What programs match on.
    code: Code,
    /// For people: what happened and what to do.
    message: String,
}

/// One import of what an account holds.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct SyncRun {
    /// Ringfence's id of the import.
    id: ID,
    /// The provider of the account.
    provider: Provider,
    /// Why it began.
    trigger: Trigger,
    /// How it stands.
    state: State,
    /// What it is reading; null before and after.
    phase: Option<Phase>,
    /// How many are done in this phase.
    done: i32,
    /// Of how many, where the provider tells.
    total: Option<i32>,
    /// Agents seen so far.
    agent_count: i32,
    /// Numbers seen so far.
    phone_number_count: i32,
    /// Voices seen so far.
    voice_count: i32,
    /// Agents that were not here before.
    added_count: i32,
    /// Agents whose definition has changed.
    changed_count: i32,
    /// Agents that became inactive.
    gone_count: i32,
    /// Agents that are active again.
    returned_count: i32,
    /// With `NEEDS_CONFIRMATION`: how many agents were not listed any more.
    pending_removal_count: i32,
    /// Agents whose details could not be read; the next import tries again.
    unread_detail_count: i32,
    /// With `WAITING`: when it goes on.
    waiting_until: Option<DateTime>,
    /// With `WAITING`: why, such as: Waiting for Vapi's rate limit.
    waiting_reason: Option<String>,
    /// With `FAILED`: why.
    error: Option<SyncError>,
    /// When it ended and found nothing: what to check.
    hint: Option<String>,
    /// When it was asked for.
    created_at: DateTime,
    /// When it began to read.
    started_at: Option<DateTime>,
    /// When it ended.
    finished_at: Option<DateTime>,
    #[graphql(skip)]
    account_id: AccountId,
    #[graphql(skip)]
    requested_by_id: Option<UserId>,
}

#[ComplexObject]
impl SyncRun {
    /// What is imported; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.account_id).await
    }

    /// Who asked for it, where a person did; needs `ADMINISTER`.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.requested_by_id.as_ref()).await
    }
}

fn whole(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl TryFrom<SyncRunRow> for SyncRun {
    type Error = Error;

    fn try_from(row: SyncRunRow) -> Result<Self> {
        let provider = keys::provider_of(&row.provider)?;
        let state =
            State::parse(&row.state).ok_or_else(|| unknown_word("sync state", &row.state))?;
        let error = row.error_code.as_deref().map(|code| SyncError {
            code: Code::parse(code).unwrap_or(Code::Internal),
            message: row.error_message.clone().unwrap_or_default(),
        });
        Ok(Self {
            hint: sync::run::hint(&row, provider),
            id: row.id.as_str().into(),
            provider: provider.into(),
            trigger: Trigger::parse(&row.trigger_kind)
                .ok_or_else(|| unknown_word("trigger", &row.trigger_kind))?,
            state,
            phase: row.phase.as_deref().and_then(Phase::parse),
            done: whole(row.done),
            total: row.total.map(whole),
            agent_count: whole(row.agent_count),
            phone_number_count: whole(row.phone_number_count),
            voice_count: whole(row.voice_count),
            added_count: whole(row.added_count),
            changed_count: whole(row.changed_count),
            gone_count: whole(row.gone_count),
            returned_count: whole(row.returned_count),
            pending_removal_count: whole(row.pending_removal_count),
            unread_detail_count: whole(row.unread_detail_count),
            waiting_until: row.waiting_until.map(Into::into),
            waiting_reason: row.waiting_reason,
            error,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            finished_at: row.finished_at.map(Into::into),
            account_id: row.account_id,
            requested_by_id: row.requested_by,
        })
    }
}

/// What a list of imports is narrowed to.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct SyncRunFilter {
    /// Any of these providers.
    provider: Option<Vec<Provider>>,
    /// Any of these states.
    state: Option<Vec<State>>,
}

page::connection!(
    SyncRun,
    SyncRunConnection,
    SyncRunEdge,
    "SyncRunEdge",
    "SyncRunConnection"
);

#[derive(Default)]
pub(crate) struct SyncRunQuery;

#[Object]
impl SyncRunQuery {
    /// One import of an account.
    async fn sync_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the import.")] id: ID,
    ) -> Result<SyncRun> {
        let mut conn = ctx.app()?.db.read().await?;
        store::sync_runs::find(&mut conn, ctx.agency()?, &SyncRunId::from(id.as_str()))
            .await?
            .ok_or(Error::NotFound)?
            .try_into()
    }

    /// The agency's imports, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn sync_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<SyncRunFilter>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<SyncRunConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("createdAt")?;
        let agency = ctx.agency()?.clone();
        let filter = filter.unwrap_or_default();
        let providers = provider_set(filter.provider);
        let states = word_set(
            filter
                .state
                .unwrap_or_default()
                .into_iter()
                .map(State::as_str),
        );
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::sync_runs::list(&mut conn, &agency, &providers, &states, &keyset).await?;
        let position = |row: &SyncRunRow| KeysetPosition {
            key: row.created_at.as_millis().to_string(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, SyncRun::try_from)?;
        let count = page::counted!(agency, providers, states => |conn| store::sync_runs::count(conn, &agency, &providers, &states));
        Ok(SyncRunConnection { page, count })
    }
}

/// Which account to import.
#[derive(InputObject)]
pub(crate) struct StartSyncInput {
    /// The provider whose stored key is used.
    provider: Provider,
    /// The client whose own key is meant; absent: the agency's key.
    client_id: Option<ID>,
}

/// The import that is under way.
#[derive(SimpleObject)]
pub(crate) struct StartSyncPayload {
    /// The import, queued or running.
    sync_run: SyncRun,
    /// True when one was under way already, which this request joined.
    has_joined: bool,
}

/// A decision about many missing agents.
#[derive(InputObject)]
pub(crate) struct ConfirmSyncInput {
    /// The import that stopped at `NEEDS_CONFIRMATION`.
    sync_run_id: ID,
    /// What becomes of the agents that were not listed any more.
    decision: Decision,
}

/// The import, which goes on.
#[derive(SimpleObject)]
pub(crate) struct ConfirmSyncPayload {
    /// The import as it stands now.
    sync_run: SyncRun,
}

#[derive(Default)]
pub(crate) struct SyncRunMutation;

#[Object]
impl SyncRunMutation {
    /// Imports an account anew, or joins the import under way.
    async fn start_sync(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account to import.")] input: StartSyncInput,
    ) -> Result<StartSyncPayload> {
        let client = client_of(input.client_id.as_ref());
        let provider = input.provider.into();
        let enqueued = sync::start(ctx.app()?, ctx.viewer()?, provider, client.as_ref()).await?;
        Ok(StartSyncPayload {
            sync_run: enqueued.run.try_into()?,
            has_joined: enqueued.has_joined,
        })
    }

    /// Decides what becomes of the agents that an import did not find any more, when they are more than 50 or 20 %.
    async fn confirm_sync(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import, and what to do.")] input: ConfirmSyncInput,
    ) -> Result<ConfirmSyncPayload> {
        let run = SyncRunId::from(input.sync_run_id.as_str());
        let row = sync::confirm::confirm(ctx.app()?, ctx.viewer()?, &run, input.decision).await?;
        Ok(ConfirmSyncPayload {
            sync_run: row.try_into()?,
        })
    }
}

#[derive(Default)]
pub(crate) struct SyncRunSubscription;

#[Subscription]
impl SyncRunSubscription {
    /// The import now, and again whenever it has moved, until it ends.
    async fn sync_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the import.")] sync_run_id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<SyncRun>> + use<>> {
        let app = ctx.app()?.clone();
        let agency = first_look(ctx, Permission::ViewKeyStatus)?;
        let run = SyncRunId::from(sync_run_id.as_str());
        // An unknown run is refused at once, not with the first event.
        let mut conn = app.db.read().await?;
        store::sync_runs::find(&mut conn, &agency, &run)
            .await?
            .ok_or(Error::NotFound)?;
        drop(conn);
        Ok(follow(app, agency, run))
    }
}

/// The guard is asked with each event and not before the first one, so the start asks for itself: it tells apart runs
/// that are there and runs that are not.
pub(crate) fn first_look(ctx: &Context<'_>, permission: Permission) -> Result<AgencyId> {
    let viewer = recognised(ctx).ok_or(Error::Unauthenticated)?;
    let membership = viewer.membership.as_ref().ok_or_else(guard::no_agency)?;
    if let Some(refusal) = viewer.refusal(permission, Use::Read) {
        return Err(refusal);
    }
    Ok(membership.agency_id.clone())
}

/// Yields the run's row each time it differs from the last one.
fn follow(
    app: App,
    agency: AgencyId,
    run: SyncRunId,
) -> impl Stream<Item = async_graphql::Result<SyncRun>> {
    let events = app.sync_events.subscribe();
    let id = run.clone();
    let look = move || {
        let (app, agency, run) = (app.clone(), agency.clone(), run.clone());
        async move {
            let mut conn = app.db.read().await?;
            store::sync_runs::find(&mut conn, &agency, &run)
                .await?
                .ok_or(Error::NotFound)
        }
    };
    watch::rows(id, events, look, |row| row.finished_at.is_some())
        .map(|row| row.and_then(SyncRun::try_from).map_err(Into::into))
}
