//! Calls: the list, one of them, and placing one. What a call's provider tells is kept beside the one normalised status; what
//! is said in a call is never read.

use std::collections::BTreeMap;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    calls::{
        Origin, State,
        place::{self, NewCall},
    },
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
    id::{AgentId, CallId, ClientId, PhoneNumberId},
    providers::ProviderKind,
    store::{
        self,
        calls::{CallQuery as Narrowing, CallRow},
        keyset::{KeysetPosition, word_set},
    },
};

/// Names that the agent's prompt may use in one call.
const MAX_VARIABLES: usize = 50;
/// Characters of one of them.
const MAX_VARIABLE_LENGTH: usize = 1_000;

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
#[derive(Clone, Debug, SimpleObject)]
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
    /// Why it ended, in the provider's own words.
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
        let mut conn = ctx.app()?.db.read().await?;
        let found = store::agents::find(&mut conn, ctx.agency()?, None, id.as_str()).await?;
        found.map(Agent::try_from).transpose()
    }

    /// The client that the agent worked for; null: the agency itself.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        let Some(id) = &self.row.client_id else {
            return Ok(None);
        };
        let mut conn = ctx.app()?.db.read().await?;
        let found = store::clients::find(&mut conn, ctx.agency()?, id).await?;
        Ok(found.map(Into::into))
    }

    /// What the provider charged for it, so far; needs `VIEW_CALL_COSTS`.
    async fn cost(&self) -> Option<CallCost> {
        let micros = self.row.cost_micros?;
        Some(CallCost {
            amount: decimal(micros),
            currency: self.row.cost_currency.clone()?,
        })
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
            payer: match row.payer.as_str() {
                "client" => KeyScope::Client,
                _ => KeyScope::Agency,
            },
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
    /// Calls that were asked for at this time or later.
    since: Option<DateTime>,
    /// Calls that were asked for before this time.
    until: Option<DateTime>,
}

/// A value that the agent's prompt names, such as the callee's name.
#[derive(InputObject)]
pub(crate) struct CallVariableInput {
    /// What the prompt calls it.
    name: String,
    /// What stands there in this call.
    value: String,
}

/// A call to place.
#[derive(InputObject)]
pub(crate) struct TriggerCallInput {
    /// Ringfence's id of the agent that speaks.
    agent_id: ID,
    /// Who is called, with the country code, such as `+15551234567`.
    phone_number: String,
    /// Ringfence's id of the number that it comes from; absent: the first that the agent answers in the account of the route.
    from_number_id: Option<ID>,
    /// What the agent's prompt may name, at most 50.
    variables: Option<Vec<CallVariableInput>>,
    /// True when somebody only tries the agent out; it costs the same.
    is_test: Option<bool>,
}

/// The call as it stands.
#[derive(SimpleObject)]
pub(crate) struct TriggerCallPayload {
    /// Taken by the provider; or `UNKNOWN`, when no answer said so, and then it is looked for and never dialled again.
    call: Call,
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
fn narrowing(filter: CallFilter, own: Option<&ClientId>) -> Narrowing {
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
        since: filter.since.map_or(i64::MIN, |at| at.0.as_millis()),
        until: filter.until.map_or(i64::MAX, |at| at.0.as_millis()),
    }
}

#[derive(Default)]
pub(crate) struct CallMutation;

#[Object]
impl CallMutation {
    /// Places a call over the key that its route leads to at this moment (`explainRoute` tells it without dialling). It costs
    /// money: whoever `payer` names pays.
    async fn trigger_call(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agent calls whom.")] input: TriggerCallInput,
    ) -> Result<TriggerCallPayload> {
        let viewer = ctx.viewer()?;
        let origin = match (
            viewer.api_key().is_some(),
            input.is_test.unwrap_or_default(),
        ) {
            (true, _) => Origin::Api,
            (false, true) => Origin::Test,
            (false, false) => Origin::App,
        };
        let new = NewCall {
            agent: AgentId::from(input.agent_id.as_str()),
            to: input.phone_number,
            from: input
                .from_number_id
                .map(|id| PhoneNumberId::from(id.as_str())),
            variables: variables(input.variables.unwrap_or_default())?,
            origin,
        };
        let row = place::place(ctx.app()?, viewer, &new, None).await?;
        Ok(TriggerCallPayload {
            call: row.try_into()?,
        })
    }
}

fn variables(inputs: Vec<CallVariableInput>) -> Result<BTreeMap<String, String>> {
    let wrong = |message: &str| Err(Error::invalid("variables", message));
    if inputs.len() > MAX_VARIABLES {
        return wrong("Name at most 50 variables.");
    }
    let mut variables = BTreeMap::new();
    for CallVariableInput { name, value } in inputs {
        if name.trim().is_empty() {
            return wrong("A variable needs a name. Enter one, or leave the variable out.");
        }
        if [&name, &value]
            .iter()
            .any(|text| text.chars().count() > MAX_VARIABLE_LENGTH)
        {
            return wrong("A variable's name and value have at most 1,000 characters each.");
        }
        if variables.insert(name, value).is_some() {
            return wrong("A variable is named twice. Name each once.");
        }
    }
    Ok(variables)
}
