//! Making an agent, and changing one wherever it is.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        agent::{Agent, Placement},
        client::client_of,
        context::ContextExt,
        provider::Provider,
    },
    id::AgentId,
    placing::{
        create::{NewAgent, create_agent},
        draft::{Change, Draft},
        update::{UpdateState, Updated, update_agent},
    },
    providers::{Model, Voice},
};

/// The voice that an agent is to speak with.
#[derive(InputObject)]
pub(crate) struct AgentVoiceInput {
    /// Who makes the voice, such as 11labs.
    engine: String,
    /// The voice's id there.
    voice_id: String,
}

impl From<AgentVoiceInput> for Voice {
    fn from(input: AgentVoiceInput) -> Self {
        Self {
            engine: input.engine,
            voice_id: input.voice_id,
        }
    }
}

/// The language model that an agent is to think with.
#[derive(InputObject)]
pub(crate) struct AgentModelInput {
    /// Who makes the model, such as openai.
    vendor: String,
    /// The model, such as gpt-4.1.
    name: String,
}

impl From<AgentModelInput> for Model {
    fn from(input: AgentModelInput) -> Self {
        Self {
            vendor: input.vendor,
            name: input.name,
        }
    }
}

/// A new agent, and where it is to be.
#[derive(InputObject)]
pub(crate) struct CreateAgentInput {
    /// At which provider.
    provider: Provider,
    /// Whom it works for; absent: the agency itself. It is made with the client's own key of the provider where one is stored,
    /// else with the agency's.
    client_id: Option<ID>,
    /// What it is called.
    name: String,
    /// What it is told to do.
    prompt: String,
    /// What it says first.
    first_message: Option<String>,
    /// How it sounds.
    voice: Option<AgentVoiceInput>,
    /// Which language it hears, such as en.
    language: Option<String>,
    /// What it thinks with.
    model: Option<AgentModelInput>,
    /// What the caller names this request. The same request under the same name makes no second agent, whatever became of the
    /// first answer.
    client_mutation_id: Option<String>,
}

/// The new agent.
#[derive(SimpleObject)]
pub(crate) struct CreateAgentPayload {
    /// As it is stored; inactive while it is unconfirmed.
    agent: Agent,
    /// Whether the provider has it. If not, no answer says so: the account is looked at, and the agent becomes active when it
    /// is found there.
    is_confirmed: bool,
    /// What is to be known or done beside, for people.
    message: Option<String>,
    /// As it was sent.
    client_mutation_id: Option<String>,
}

/// What to change of an agent. What is absent stays; null clears what an agent can be without.
#[derive(InputObject)]
pub(crate) struct UpdateAgentInput {
    /// Ringfence's id of the agent.
    agent_id: ID,
    /// What it is called.
    name: MaybeUndefined<String>,
    /// What it is told to do.
    prompt: MaybeUndefined<String>,
    /// What it says first; null: what its provider chooses.
    first_message: MaybeUndefined<String>,
    /// How it sounds.
    voice: MaybeUndefined<AgentVoiceInput>,
    /// Which language it hears, such as en.
    language: MaybeUndefined<String>,
    /// What it thinks with.
    model: MaybeUndefined<AgentModelInput>,
}

/// What became of a change in an account that holds the agent.
#[derive(SimpleObject)]
pub(crate) struct PlacementUpdate {
    /// The account that holds the agent, and its id there.
    placement: Placement,
    /// What became of it.
    state: UpdateState,
    /// Why, and what to do about it, where there is something to say.
    message: Option<String>,
}

impl TryFrom<Updated> for PlacementUpdate {
    type Error = Error;

    fn try_from(updated: Updated) -> Result<Self> {
        Ok(Self {
            placement: updated.placement.try_into()?,
            state: updated.state,
            message: updated.message,
        })
    }
}

/// The changed agent.
#[derive(SimpleObject)]
pub(crate) struct UpdateAgentPayload {
    /// As it is stored. Where no account has taken the change for certain, it is as before.
    agent: Agent,
    /// Each account that holds the agent, and what became of the change there.
    placements: Vec<PlacementUpdate>,
}

fn change<T, U: From<T>>(field: MaybeUndefined<T>) -> Change<U> {
    match field {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => Change::Set(value.into()),
    }
}

fn given<T, U: From<T>>(field: Option<T>) -> Change<U> {
    field.map_or(Change::Keep, |value| Change::Set(value.into()))
}

#[derive(Default)]
pub(crate) struct AgentMutation;

#[Object]
impl AgentMutation {
    /// Makes an agent at a provider. What the provider cannot express is refused before it is asked.
    async fn create_agent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The agent, and where it is to be.")] input: CreateAgentInput,
    ) -> Result<CreateAgentPayload> {
        let client_mutation_id = input.client_mutation_id;
        let new = NewAgent {
            provider: input.provider.into(),
            client: client_of(input.client_id.as_ref()),
            draft: Draft {
                name: Change::Set(input.name),
                prompt: Change::Set(input.prompt),
                first_message: given(input.first_message),
                voice: given(input.voice),
                language: given(input.language),
                model: given(input.model),
            },
            request_id: client_mutation_id.clone(),
        };
        let made = create_agent(ctx.app()?, ctx.viewer()?, &new).await?;
        Ok(CreateAgentPayload {
            agent: made.agent.try_into()?,
            is_confirmed: made.is_confirmed,
            message: made.message,
            client_mutation_id,
        })
    }

    /// Changes an agent in every account that holds it and that its client's key or the agency's opens.
    async fn update_agent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agent, and what to change of it.")] input: UpdateAgentInput,
    ) -> Result<UpdateAgentPayload> {
        let draft = Draft {
            name: change(input.name),
            prompt: change(input.prompt),
            first_message: change(input.first_message),
            voice: change(input.voice),
            language: change(input.language),
            model: change(input.model),
        };
        let agent = AgentId::from(input.agent_id.as_str());
        let changed = update_agent(ctx.app()?, ctx.viewer()?, &agent, &draft).await?;
        Ok(UpdateAgentPayload {
            agent: changed.agent.try_into()?,
            placements: changed
                .placements
                .into_iter()
                .map(PlacementUpdate::try_from)
                .collect::<Result<_>>()?,
        })
    }
}
