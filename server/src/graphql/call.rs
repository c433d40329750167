//! Calls: the list, one of them, and how they go on. What a call's provider tells is kept beside the one normalised status;
//! what is said in a call is never read. Placing one is in `trigger_call`, figures are in `call_stats`.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    calls::{self, Origin, State},
    error::{Code, Error, Result},
    graphql::{
        agent::Agent,
        client::Client,
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::{Provider, unknown_word},
        provider_key::{KeyScope, ProviderAccount},
        scalars::DateTime,
        session::Person,
    },
    id::{CallId, ClientId},
    providers::{EndCause, ProviderKind},
    routing::{
        receipt::Receipt,
        resolve::{Doubt, Scope},
    },
    store::{
        self,
        calls::{CallQuery as Narrowing, CallRow},
        keyset::{KeysetPosition, word_set},
    },
};

/// Why a call ended, the same for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "EndCause")]
pub(crate) enum CallEndCause {
    /// The other side hung up.
    CustomerHungUp,
    /// The agent ended it, as its prompt or a tool told it to.
    AgentHungUp,
    /// It was passed on to somebody else.
    Transferred,
    /// A machine answered.
    Voicemail,
    /// The callee was busy.
    Busy,
    /// It rang until the provider gave up.
    NoAnswer,
    /// The callee declined.
    Declined,
    /// It took as long as a call may take.
    TimeLimit,
    /// Nobody said anything.
    Silence,
    /// It was called off.
    Canceled,
    /// The account is out of funds.
    NoFunds,
    /// The account had too many calls at once.
    ConcurrencyLimit,
    /// The number is none that can be called.
    InvalidNumber,
    /// The telephone network did not put it through.
    CarrierFailure,
    /// Something at the provider, or in the agent's own setting, broke.
    ProviderFailure,
    /// A reason that fits none of the others; `endedReason` has it.
    Other,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum CallDirection {
    /// Somebody called the account's number.
    Inbound,
    /// The account called somebody.
    Outbound,
    /// From a web page, with no number at all.
    Web,
}

/// What the provider charged for a call, so far.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct CallCost {
    /// The amount as a decimal number, such as `0.0715`.
    amount: String,
    /// ISO 4217, such as `USD`.
    currency: String,
}

/// Why a call was not placed.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallFailure {
    /// Scripts match on this.
    code: Code,
    /// What is wrong and what to do, for people.
    message: String,
}

/// The route that a call took, as it was resolved when the call was placed.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallRoute {
    /// One sentence for people that says whose key was used, and why.
    reason: String,
    /// Whether the agency had a key as well, which the client's own passed over.
    has_passed_over_agency_key: bool,
    /// Set when the provider was likely to refuse the call, which was tried all the same.
    doubt: Option<Doubt>,
    /// The provider's id of the agent, in the account of the key.
    remote_agent_id: Option<String>,
    /// The version of the key that the call began with, and ends with whatever is saved meanwhile; needs `VIEW_KEY_DETAILS`.
    key_version: Option<i64>,
}

impl CallRoute {
    fn of(row: &CallRow, receipt: Receipt) -> Result<Self> {
        let provider = crate::keys::provider_of(&row.provider)?.display_name();
        let client = row.client_name.as_deref();
        let reason = match (Scope::parse(&row.payer), client) {
            (Some(Scope::Client), Some(client)) => {
                format!("{client}'s own {provider} key was used, and that account paid.")
            }
            (_, Some(client)) => format!(
                "{client} had no {provider} key of its own, so the agency's was used, and its account paid."
            ),
            (_, None) => {
                format!("The agency's {provider} key was used, and its account paid.")
            }
        };
        Ok(Self {
            reason,
            has_passed_over_agency_key: receipt.has_passed_over_agency,
            doubt: receipt.doubt.as_deref().and_then(Doubt::parse),
            remote_agent_id: receipt.remote_agent_id,
            key_version: receipt.key_version,
        })
    }
}

/// A call that was placed from here, or that an account's list told of.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Call {
    /// Ringfence's id of the call; it goes along to the provider as metadata.
    id: ID,
    /// Where it stands, in words that are the same for every provider.
    status: State,
    /// The same in the provider's own word; empty until it told one.
    provider_status: String,
    /// The provider that carries it.
    provider: Provider,
    /// Whose key it went over, and whose account pays.
    payer: KeyScope,
    /// Who asked for it.
    origin: Origin,
    /// Who called whom.
    direction: CallDirection,
    /// Who was called, E.164; null where the provider does not tell.
    to_number: Option<String>,
    /// Who called, E.164; null where the provider lends a number, or does not tell.
    from_number: Option<String>,
    /// The provider's id of it; null until it has told one.
    remote_id: Option<String>,
    /// What its agent is called now; null where it is not known here.
    agent_name: Option<String>,
    /// The client that the agent worked for; null: the agency itself.
    client_name: Option<String>,
    /// Why it ended, in words that are the same for every provider; null until it has, or where nobody told.
    end_cause: Option<CallEndCause>,
    /// The same in the provider's own words.
    ended_reason: Option<String>,
    /// Set when it was not placed.
    failure: Option<CallFailure>,
    /// When it was asked for, or first heard of.
    created_at: DateTime,
    /// When it was answered; at some providers when it was dialled.
    started_at: Option<DateTime>,
    /// When it was over.
    ended_at: Option<DateTime>,
    /// How long it took, in milliseconds.
    duration_ms: Option<i64>,
    #[graphql(skip)]
    row: CallRow,
}

#[ComplexObject]
impl Call {
    /// The agent that spoke; null where it is not known here, or not any more.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Option<Agent>> {
        let Some(id) = &self.row.agent_id else {
            return Ok(None);
        };
        let loading = ctx.loaders()?.agents.load_one(id.as_str().to_owned());
        let found = loading.await.map_err(Error::internal)?;
        found.map(Agent::try_from).transpose()
    }

    /// The client that the agent worked for; null: the agency itself.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        Client::load(ctx, self.row.client_id.as_ref()).await
    }

    /// Which way it went, and why; null for a call that was not placed from here.
    async fn route(&self) -> Result<Option<CallRoute>> {
        if self.row.route.is_empty() {
            return Ok(None);
        }
        let receipt: Receipt = serde_json::from_str(&self.row.route)?;
        CallRoute::of(&self.row, receipt).map(Some)
    }

    /// What the provider charged for it, so far; needs `VIEW_CALL_COSTS`.
    async fn cost(&self) -> Option<CallCost> {
        let micros = self.row.cost_micros?;
        Some(CallCost::new(micros, self.row.cost_currency.as_deref()?))
    }

    /// The account that it went over; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.row.account_id).await
    }

    /// Who asked for it; of a script, who made its key. Null for a call from outside; needs `ADMINISTER`.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.requested_by.as_ref()).await
    }
}

impl CallCost {
    pub(crate) fn new(micros: i64, currency: &str) -> Self {
        Self {
            amount: decimal(micros),
            currency: currency.to_owned(),
        }
    }
}

/// Millionths as a decimal number without needless zeros.
fn decimal(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl TryFrom<CallRow> for Call {
    type Error = Error;

    fn try_from(row: CallRow) -> Result<Self> {
        let failure = row.error_code.as_deref().map(|code| {
            Ok::<_, Error>(CallFailure {
                code: Code::parse(code).ok_or_else(|| unknown_word("code of a call", code))?,
                message: row.error_message.clone().unwrap_or_default(),
            })
        });
        Ok(Self {
            id: row.id.as_str().into(),
            status: State::parse(&row.state)
                .ok_or_else(|| unknown_word("state of a call", &row.state))?,
            provider_status: row.provider_status.clone(),
            provider: Provider::of_row(&row.provider)?,
            payer: payer_of(&row.payer)?,
            origin: Origin::parse(&row.origin)
                .ok_or_else(|| unknown_word("origin of a call", &row.origin))?,
            direction: match row.direction.as_str() {
                "inbound" => CallDirection::Inbound,
                "web" => CallDirection::Web,
                _ => CallDirection::Outbound,
            },
            to_number: row.to_number.clone(),
            from_number: row.from_number.clone(),
            remote_id: row.remote_id.clone(),
            agent_name: row.agent_name.clone(),
            client_name: row.client_name.clone(),
            end_cause: calls::cause_of(row.end_cause.as_deref()).map(Into::into),
            ended_reason: row.ended_reason.clone(),
            failure: failure.transpose()?,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            ended_at: row.ended_at.map(Into::into),
            duration_ms: row.duration_ms,
            row,
        })
    }
}

/// Whose key it is, of a row's word.
pub(crate) fn payer_of(word: &str) -> Result<KeyScope> {
    Scope::parse(word)
        .map(KeyScope::from)
        .ok_or_else(|| unknown_word("payer of a call", word))
}

/// What a list of calls is narrowed to. All conditions hold together.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct CallFilter {
    /// Calls of this client's agents.
    client_id: Option<ID>,
    /// Calls of this agent.
    agent_id: Option<ID>,
    /// Calls over any of these providers.
    provider: Option<Vec<Provider>>,
    /// Calls that any of these paid for.
    payer: Option<Vec<KeyScope>>,
    /// Calls that stand so.
    status: Option<Vec<State>>,
    /// Calls that any of these asked for.
    origin: Option<Vec<Origin>>,
    /// Calls that went this way.
    direction: Option<Vec<CallDirection>>,
    /// Calls that were asked for at this time or later.
    since: Option<DateTime>,
    /// Calls that were asked for before this time.
    until: Option<DateTime>,
}

page::connection!(Call, CallConnection, CallEdge, "CallEdge", "CallConnection");

#[derive(Default)]
pub(crate) struct CallQuery;

#[Object]
impl CallQuery {
    /// One call of the agency, or of the viewer's own client.
    async fn call(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the call.")] id: ID,
    ) -> Result<Call> {
        let call = CallId::from(id.as_str());
        let client = ctx.viewer()?.client();
        let mut conn = ctx.app()?.db.read().await?;
        store::calls::find(&mut conn, ctx.agency()?, client, &call)
            .await?
            .ok_or(Error::NotFound)?
            .try_into()
    }

    /// The agency's calls, or those of the viewer's own client, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn calls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<CallFilter>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<CallConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("createdAt")?;
        let agency = ctx.agency()?.clone();
        let narrowing = narrowing(filter.unwrap_or_default(), ctx.viewer()?.client());
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::calls::list(&mut conn, &agency, &narrowing, &keyset).await?;
        let position = |row: &CallRow| KeysetPosition {
            key: row.created_at.as_millis().to_string(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, Call::try_from)?;
        let count = page::counted!(agency, narrowing => |conn| store::calls::count(conn, &agency, &narrowing));
        Ok(CallConnection { page, count })
    }
}

/// A client's person sees that client's calls, whatever the filter names.
pub(crate) fn narrowing(filter: CallFilter, own: Option<&ClientId>) -> Narrowing {
    let asked = filter.client_id.map(|id| id.to_string());
    let client_id = match (own, asked) {
        (None, asked) => asked.unwrap_or_default(),
        (Some(own), Some(asked)) if asked != own.as_str() => "nobody".to_owned(),
        (Some(own), _) => own.as_str().to_owned(),
    };
    let providers = filter.provider.unwrap_or_default();
    let (payers, states) = (
        filter.payer.unwrap_or_default(),
        filter.status.unwrap_or_default(),
    );
    Narrowing {
        client_id,
        agent_id: filter.agent_id.map(|id| id.to_string()).unwrap_or_default(),
        providers: word_set(
            providers
                .into_iter()
                .map(|one| ProviderKind::from(one).as_str()),
        ),
        payers: word_set(payers.into_iter().map(|one| match one {
            KeyScope::Agency => "agency",
            KeyScope::Client => "client",
        })),
        states: word_set(states.into_iter().map(State::as_str)),
        origins: word_set(
            filter
                .origin
                .unwrap_or_default()
                .into_iter()
                .map(Origin::as_str),
        ),
        directions: word_set(filter.direction.unwrap_or_default().into_iter().map(
            |one| match one {
                CallDirection::Inbound => "inbound",
                CallDirection::Outbound => "outbound",
                CallDirection::Web => "web",
            },
        )),
        since: filter.since.map_or(i64::MIN, |at| at.0.as_millis()),
        until: filter.until.map_or(i64::MAX, |at| at.0.as_millis()),
    }
}
