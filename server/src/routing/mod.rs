//! Whose key a call goes over, and why (R1 to R6): the facts of an agent's client, keys and placements, gathered anew for
//! each question, and the rule that decides. Whoever places a call and whoever explains one ask here alike.

pub(crate) mod receipt;
pub(crate) mod resolve;
pub(crate) mod words;

use crate::{
    app::App,
    error::{Error, Result},
    id::{AgencyId, AgentId, ClientId},
    keys::{self, Health},
    providers::{Capability, CapabilityState},
    routing::resolve::{Case, KeyFacts, PlacementFacts, Route},
    store::{
        self, agents::AgentRow, clients::ClientRow, phone_numbers::PhoneNumberRow,
        placements::PlacementRow, provider_keys::KeyRow,
    },
};

/// A route with the rows that it is made of.
pub(crate) struct Explained {
    pub(crate) agent: AgentRow,
    pub(crate) client: Option<ClientRow>,
    pub(crate) client_key: Option<KeyRow>,
    pub(crate) agency_key: Option<KeyRow>,
    pub(crate) placements: Vec<PlacementRow>,
    /// The number that a call would come from: the first that the agent answers in the account of the route.
    pub(crate) from_number: Option<PhoneNumberRow>,
    pub(crate) route: Route,
}

impl Explained {
    /// The key that was taken.
    pub(crate) fn key(&self) -> Option<&KeyRow> {
        match self.route.taken? {
            resolve::Scope::Client => self.client_key.as_ref(),
            resolve::Scope::Agency => self.agency_key.as_ref(),
        }
    }

    /// The placement that the route leads to.
    pub(crate) fn placement(&self) -> Option<&PlacementRow> {
        self.route.placement.map(|index| &self.placements[index])
    }
}

/// The route of an agent of this agency, of this client alone where one is named, as it is at this moment.
pub(crate) async fn explain(
    app: &App,
    agency: &AgencyId,
    client: Option<&ClientId>,
    agent: &AgentId,
) -> Result<Explained> {
    let mut conn = app.db.read().await?;
    let agent = store::agents::find(&mut conn, agency, client, agent.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    let provider = keys::provider_of(&agent.provider)?;
    let (client, client_key) = match &agent.client_id {
        Some(id) => {
            let scope = keys::scope(agency, Some(id));
            (
                store::clients::find(&mut conn, agency, id).await?,
                store::provider_keys::find_in_scope(&mut conn, agency, &scope, provider).await?,
            )
        }
        None => (None, None),
    };
    let scope = keys::scope(agency, None);
    let agency_key =
        store::provider_keys::find_in_scope(&mut conn, agency, &scope, provider).await?;
    let ids = [agent.id.as_str().to_owned()];
    let placements = store::placements::list_by_agents(&mut conn, agency, &ids).await?;
    let facts: Vec<PlacementFacts<'_>> = placements
        .iter()
        .map(|row| PlacementFacts {
            account: &row.account_id,
            is_active: row.status == "active",
        })
        .collect();
    let route = resolve::resolve(&Case {
        is_client_archived: client.as_ref().is_some_and(|row| row.archived_at.is_some()),
        client_key: client_key.as_ref().map(|row| facts_of(app, row)),
        agency_key: agency_key.as_ref().map(|row| facts_of(app, row)),
        placements: &facts,
    });
    let from_number = match route.placement.map(|index| &placements[index]) {
        Some(placement) => {
            let account = &placement.account_id;
            store::phone_numbers::find_first_answered(
                &mut conn,
                agency,
                account,
                &placement.remote_id,
            )
            .await?
        }
        None => None,
    };
    Ok(Explained {
        agent,
        client,
        client_key,
        agency_key,
        placements,
        from_number,
        route,
    })
}

fn facts_of<'a>(app: &App, row: &'a KeyRow) -> KeyFacts<'a> {
    let states = keys::read_capabilities(&row.version.capabilities);
    KeyFacts {
        account: &row.version.account_id,
        health: Health::parse(&row.health).unwrap_or(Health::Unreachable),
        is_breaker_open: row.breaker == "open",
        is_readable: keys::is_readable(app, row),
        may_call: !states.contains(&(Capability::PlaceCalls, CapabilityState::No)),
    }
}
