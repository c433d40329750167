//! Placing a call: the input, its limits and the answer. What is done with it is decided in `calls::place`.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    calls::{
        Origin, State,
        place::{self, NewCall},
    },
    error::{Error, Result},
    graphql::{
        call::{Call, payer_of},
        context::ContextExt,
        provider::Provider,
        provider_key::KeyScope,
    },
    id::{AgentId, PhoneNumberId},
};

/// Names that the agent's prompt may use in one call.
const MAX_VARIABLES: usize = 50;
/// Characters of one of them.
const MAX_VARIABLE_LENGTH: usize = 1_000;

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
    /// A name for this request, such as a UUID: sent again within 24 hours, it is answered as it was first, and nothing is
    /// dialled again. `POST /api/v1/calls/trigger` takes the same as `Idempotency-Key`.
    idempotency_key: Option<String>,
}

/// The call as it was first answered.
#[derive(SimpleObject)]
pub(crate) struct TriggerCallPayload {
    /// Ringfence's id of the call.
    call_id: ID,
    /// Where it stood when the request was answered: taken by the provider; or `UNKNOWN`, when no answer said so, and then it
    /// is looked for and never dialled again.
    status: State,
    /// The provider that carries it.
    provider: Provider,
    /// Whose account pays.
    paid_by: KeyScope,
    /// Whether an earlier request with the same idempotency key had placed it.
    is_replay: bool,
    /// The call as it stands now; null, with an error beside it, for whoever may place calls and not see them.
    call: Option<Call>,
}

#[derive(Default)]
pub(crate) struct CallMutation;

#[Object]
impl CallMutation {
    /// Places a call over the key that its route leads to at this moment (`explainRoute` tells it without dialling). It costs
    /// money: whoever `paidBy` names pays.
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
        let variables = input.variables.unwrap_or_default();
        let variables = variables.into_iter().map(|one| (one.name, one.value));
        let new = NewCall {
            agent: AgentId::from(input.agent_id.as_str()),
            to: input.phone_number,
            from: input
                .from_number_id
                .map(|id| PhoneNumberId::from(id.as_str())),
            variables: checked_variables(variables)?,
            origin,
            idempotency_key: input.idempotency_key,
        };
        let answered = place::place(ctx.app()?, viewer, &new).await?;
        let row = answered.placed()?.clone();
        Ok(TriggerCallPayload {
            call_id: row.id.as_str().into(),
            status: answered.state,
            provider: Provider::of_row(&row.provider)?,
            paid_by: payer_of(&row.payer)?,
            is_replay: answered.is_replay,
            call: Some(row.try_into()?),
        })
    }
}

/// The variables of a call, each named once and none too long.
pub(crate) fn checked_variables(
    given: impl Iterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>> {
    let wrong = |message: &str| Err(Error::invalid("variables", message));
    let mut variables = BTreeMap::new();
    for (name, value) in given {
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
        if variables.len() > MAX_VARIABLES {
            return wrong("Name at most 50 variables.");
        }
    }
    Ok(variables)
}
