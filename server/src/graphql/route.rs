//! Which key a call of an agent would go over, and why: the answer that the call itself would get, without dialling.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        agent::{Agent, Placement},
        client::Client,
        context::ContextExt,
        phone_number::PhoneNumber,
        provider::Provider,
        provider_key::{KeyScope, ProviderAccount, ProviderKey},
    },
    id::AgentId,
    keys,
    routing::{
        self, Explained,
        resolve::{Block, Doubt, Scope},
        words,
    },
    store::provider_keys::KeyRow,
};

/// Whether a call would be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum RouteState {
    /// It would be dialled.
    Ready,
    /// It would be tried, and the provider is likely to refuse it: see `doubt`. No other key is used instead.
    Doubtful,
    /// Nothing would be dialled: see `block`.
    Blocked,
}

/// What became of a key on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum RouteStationState {
    /// The call goes over it.
    Taken,
    /// The call would go over it, and it stops there.
    Blocked,
    /// None is stored, so the next one counts.
    NotStored,
    /// A key before it is taken, whatever that key's health.
    PassedOver,
}

/// A key that a call could go over, in the order in which they are asked.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RouteStation {
    /// Whose key it is.
    scope: KeyScope,
    /// What became of it.
    state: RouteStationState,
    /// One sentence for people that says why.
    reason: String,
    /// The stored key; null where none is.
    key: Option<ProviderKey>,
}

/// Why nothing would be dialled.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RouteBlock {
    /// Scripts match on this.
    code: Block,
    /// What is wrong, for people.
    message: String,
    /// What to do about it, for people.
    fix: String,
}

/// The way of an agent's calls at this moment.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Route {
    /// Whether a call would be placed.
    state: RouteState,
    /// The provider that would place it.
    provider: Provider,
    /// Whose account pays; null while there is no key.
    payer: Option<KeyScope>,
    /// The keys that were looked at: the client's own, where the agent has a client, then the agency's.
    stations: Vec<RouteStation>,
    /// Set when nothing would be dialled.
    block: Option<RouteBlock>,
    /// Set when the provider is likely to refuse the call.
    doubt: Option<Doubt>,
    /// Where the agent is in the account of the key.
    placement: Option<Placement>,
    /// The number that the call would come from, unless the call names one.
    from_number: Option<PhoneNumber>,
    #[graphql(skip)]
    explained: Explained,
}

#[ComplexObject]
impl Route {
    /// The agent that was asked about.
    async fn agent(&self) -> Result<Agent> {
        self.explained.agent.clone().try_into()
    }

    /// The agent's client; null: the agency itself.
    async fn client(&self) -> Option<Client> {
        self.explained.client.clone().map(Into::into)
    }

    /// The key that is taken, blocked or not.
    async fn key(&self) -> Result<Option<ProviderKey>> {
        let key = self.explained.key().cloned();
        key.map(ProviderKey::try_from).transpose()
    }

    /// The account that the key opens; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        match self.explained.key() {
            Some(key) => ProviderAccount::load(ctx, &key.version.account_id).await,
            None => Ok(None),
        }
    }

    /// Other accounts that hold the agent, which this key does not open; needs `VIEW_KEY_DETAILS`.
    async fn other_accounts(&self, ctx: &Context<'_>) -> Result<Option<Vec<ProviderAccount>>> {
        let taken = self.explained.key().map(|key| &key.version.account_id);
        let mut accounts = Vec::new();
        for placement in &self.explained.placements {
            if Some(&placement.account_id) != taken {
                accounts.extend(ProviderAccount::load(ctx, &placement.account_id).await?);
            }
        }
        Ok(Some(accounts))
    }
}

impl TryFrom<Explained> for Route {
    type Error = Error;

    fn try_from(explained: Explained) -> Result<Self> {
        let route = explained.route;
        let provider = keys::provider_of(&explained.agent.provider)?;
        let name = provider.display_name();
        let state = match (route.block, route.doubt) {
            (Some(_), _) => RouteState::Blocked,
            (None, Some(_)) => RouteState::Doubtful,
            (None, None) => RouteState::Ready,
        };
        let mut stations = Vec::new();
        if let Some(client) = &explained.client {
            let whose = format!("{}'s own {name} key", client.name);
            let key = explained.client_key.as_ref();
            stations.push(station(&explained, Scope::Client, &whose, key)?);
        }
        let whose = format!("The agency's {name} key");
        let key = explained.agency_key.as_ref();
        stations.push(station(&explained, Scope::Agency, &whose, key)?);
        let placement = explained.placement().cloned();
        Ok(Self {
            state,
            provider: provider.into(),
            payer: route.taken.map(KeyScope::from),
            stations,
            block: route
                .block
                .map(|code| block(&explained, code))
                .transpose()?,
            doubt: route.doubt,
            placement: placement.map(Placement::try_from).transpose()?,
            from_number: explained
                .from_number
                .clone()
                .map(PhoneNumber::try_from)
                .transpose()?,
            explained,
        })
    }
}

impl From<Scope> for KeyScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Client => Self::Client,
            Scope::Agency => Self::Agency,
        }
    }
}

fn station(
    explained: &Explained,
    scope: Scope,
    whose: &str,
    key: Option<&KeyRow>,
) -> Result<RouteStation> {
    let route = explained.route;
    let is_taken = route.taken == Some(scope);
    let (state, reason) = match key {
        None if scope == Scope::Client => (
            RouteStationState::NotStored,
            "None is stored, so the agency's key counts.".to_owned(),
        ),
        None => (RouteStationState::NotStored, "None is stored.".to_owned()),
        Some(_) if is_taken && route.block.is_some() => (
            RouteStationState::Blocked,
            format!("{whose} counts, and the call stops here."),
        ),
        Some(_) if is_taken && route.doubt == Some(Doubt::KeyRefused) => (
            RouteStationState::Taken,
            format!(
                "{whose} is used although it was refused at the last check; no other key is used instead."
            ),
        ),
        Some(_) if is_taken => (
            RouteStationState::Taken,
            format!("{whose} is used and pays."),
        ),
        Some(_) => (
            RouteStationState::PassedOver,
            "The client has a key of its own, which counts whatever its health.".to_owned(),
        ),
    };
    Ok(RouteStation {
        scope: scope.into(),
        state,
        reason,
        key: key.cloned().map(ProviderKey::try_from).transpose()?,
    })
}

fn block(explained: &Explained, code: Block) -> Result<RouteBlock> {
    let (message, fix) = words::block(explained, code)?;
    Ok(RouteBlock { code, message, fix })
}

#[derive(Default)]
pub(crate) struct RouteQuery;

#[Object]
impl RouteQuery {
    /// Which key a call of this agent would go over at this moment, what was passed over and why, and what stops it.
    /// Nothing is dialled and nothing is asked of the provider.
    async fn explain_route(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the agent.")] agent_id: ID,
    ) -> Result<Route> {
        let agent = AgentId::from(agent_id.as_str());
        routing::explain(ctx.app()?, ctx.agency()?, None, &agent)
            .await?
            .try_into()
    }
}
