//! Creating the placements that agents lack in the account of their key (R5): what would be made, what the provider cannot
//! express of it, and the run that makes it. A run is a durable job; each agent has a row that says how far it came, and is
//! never asked for twice without a look at the account between. It changes no agent that is there already.

pub(crate) mod create;
pub(crate) mod draft;
mod ending;
pub(crate) mod events;
mod look;
pub(crate) mod run;
pub(crate) mod update;
mod words;

use std::collections::BTreeSet;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    clients,
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, AgentId, ClientId, PlacementItemId, PlacementRunId},
    jobs, keys,
    providers::{AgentDefinition, Fitted, ProviderKind, fit},
    store::{
        self, Conn,
        batch::BATCH,
        placement_items::PlacementItemRow,
        placement_runs::PlacementRunRow,
        provider_keys::KeyRow,
        unplaced::{UnplacedQuery, UnplacedRow},
    },
};

/// So many agents of a plan are described one by one; all of them are counted.
const DESCRIBED: usize = 200;

crate::sync::words! {
    /// How a placement run stands.
    State "PlacementRunState" {
        /// It has not begun.
        Queued => "queued",
        /// It makes agents.
        Running => "running",
        /// It waits for the provider; `waitingUntil` says until when.
        Waiting => "waiting",
        /// Every agent was made, or needed nothing.
        Succeeded => "succeeded",
        /// It has ended, and some agents were not made or not confirmed.
        Incomplete => "incomplete",
        /// It has ended with `error`, before every agent had its turn.
        Failed => "failed",
    }
}

crate::sync::words! {
    /// What became of an agent of a placement run.
    ItemState "PlacementItemState" {
        /// Its turn has not come.
        Pending => "pending",
        /// The provider is asked, or has been, and nothing is known yet.
        Creating => "creating",
        /// It is in the account.
        Created => "created",
        /// The provider refused it; `message` says why.
        Failed => "failed",
        /// Nothing was asked; `message` says why.
        Skipped => "skipped",
        /// The provider was asked and did not say whether it is there. It is not asked again by itself.
        Unconfirmed => "unconfirmed",
    }
}

/// An agent that would be made.
pub(crate) struct PlannedAgent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) fitted: Fitted,
    /// Its details were never read, so that it cannot be placed yet.
    pub(crate) is_half_read: bool,
}

/// What a run would do.
pub(crate) struct Plan {
    pub(crate) key: KeyRow,
    /// Agents that lack a placement.
    pub(crate) total: i64,
    /// Those of them that would be made.
    pub(crate) placeable: i64,
    /// Those that would be made without a part of them.
    pub(crate) reduced: i64,
    /// The first of them.
    pub(crate) agents: Vec<PlannedAgent>,
}

/// The key whose account the agents are placed in: the client's own, or for no client the agency's.
async fn find_key(
    conn: &mut Conn,
    agency: &AgencyId,
    client: Option<&ClientId>,
    provider: ProviderKind,
) -> Result<KeyRow> {
    if let Some(client) = client {
        clients::get_in_use(conn, agency, client).await?;
    }
    let scope = keys::scope(agency, client);
    let key = store::provider_keys::find_in_scope(conn, agency, &scope, provider).await?;
    if let Some(key) = key {
        return Ok(key);
    }
    let name = provider.display_name();
    let message = if client.is_some() {
        format!("This client has no {name} key of its own, so its agents stay where they are.")
    } else {
        format!("No {name} key is stored. Save one, and agents can be placed in its account.")
    };
    Err(Error::invalid("provider", message))
}

fn query<'a>(key: &'a KeyRow, client: Option<&'a ClientId>) -> UnplacedQuery<'a> {
    UnplacedQuery {
        provider: &key.provider,
        client: client.map_or("", ClientId::as_str),
        account: &key.version.account_id,
    }
}

fn run_query(run: &PlacementRunRow) -> UnplacedQuery<'_> {
    UnplacedQuery {
        provider: &run.provider,
        client: run.client_id.as_ref().map_or("", ClientId::as_str),
        account: &run.account_id,
    }
}

/// What a run with this key would make, and what the provider cannot express of it. It asks the provider nothing.
pub(crate) async fn plan(
    app: &App,
    viewer: &Viewer,
    client: Option<&ClientId>,
    provider: ProviderKind,
) -> Result<Plan> {
    let agency = viewer.require_reading(Permission::UseAgents)?;
    let mut conn = app.db.read().await?;
    let key = find_key(&mut conn, agency, client, provider).await?;
    let mut plan = Plan {
        total: 0,
        placeable: 0,
        reduced: 0,
        agents: Vec::new(),
        key,
    };
    let mut after = String::new();
    loop {
        let query = query(&plan.key, client);
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let rows = store::unplaced::list_unplaced(&mut conn, agency, query, &after, limit).await?;
        let Some(last) = rows.last() else {
            return Ok(plan);
        };
        last.id.as_str().clone_into(&mut after);
        for row in rows {
            let agent = planned(provider, row)?;
            let is_placeable = !agent.is_half_read && !agent.fitted.is_blocked();
            plan.total += 1;
            plan.placeable += i64::from(is_placeable);
            plan.reduced += i64::from(is_placeable && !agent.fitted.unsupported.is_empty());
            if plan.agents.len() < DESCRIBED {
                plan.agents.push(agent);
            }
        }
    }
}

fn planned(provider: ProviderKind, row: UnplacedRow) -> Result<PlannedAgent> {
    let definition: AgentDefinition = serde_json::from_str(&row.definition)?;
    Ok(PlannedAgent {
        id: row.id,
        name: row.name,
        fitted: fit(provider, &definition),
        is_half_read: row.is_half_read,
    })
}

/// A run that was asked for.
pub(crate) struct Started {
    pub(crate) run: PlacementRunRow,
    /// One with the same key was under way, and the request joined it.
    pub(crate) has_joined: bool,
}

/// Queues a run for all agents that lack a placement in the key's account, or for those of `only` that do.
pub(crate) async fn start(
    app: &App,
    viewer: &Viewer,
    client: Option<&ClientId>,
    provider: ProviderKind,
    only: Option<&[AgentId]>,
) -> Result<Started> {
    let agency = viewer.require(Permission::UseAgents)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    check_agents(&mut tx, agency, only.unwrap_or_default()).await?;
    let key = find_key(&mut tx, agency, client, provider).await?;
    let mut run = new_run(&key, client, viewer, now);
    if !store::placement_runs::insert(&mut tx, &run).await? {
        let account = &key.version.account_id;
        let active = store::placement_runs::find_active(&mut tx, agency, account)
            .await?
            .filter(|active| {
                active.key_id == key.id
                    && active.key_version == key.version.version
                    && active.client_id.as_ref() == client
            })
            .ok_or_else(|| {
                let message =
                    "Agents are being placed in this account with another key; ask again when that has ended.";
                Error::Conflict(message.to_owned())
            })?;
        if !holds_all(&mut tx, &active, only).await? {
            let message = "Agents are being placed in this account by a run that does not hold all of these; ask again \
                when it has ended.";
            return Err(Error::Conflict(message.to_owned()));
        }
        return Ok(Started {
            run: active,
            has_joined: true,
        });
    }
    run.total = add_items(&mut tx, &run, only).await?;
    if run.total == 0 {
        let message = format!(
            "Every agent has a placement in this {} account already.",
            provider.display_name()
        );
        return Err(Error::invalid("provider", message));
    }
    store::placement_runs::update(&mut tx, &run).await?;
    run.revision += 1;
    let job = run::PlacementJob {
        agency: run.agency_id.clone(),
        run: run.id.clone(),
    };
    jobs::enqueue(&mut tx, &job, now).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::PlacementsRequested,
        subject: run.id.as_str(),
        provider: Some(provider),
        summary: format!(
            "{} agents were asked to be placed at {}.",
            run.total,
            provider.display_name()
        ),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(Started {
        run,
        has_joined: false,
    })
}

/// Whether a run holds every agent that lacks a placement in its account, or those of `only` that do. One that it does not
/// hold is not made by it.
async fn holds_all(
    conn: &mut Conn,
    run: &PlacementRunRow,
    only: Option<&[AgentId]>,
) -> Result<bool> {
    let query = run_query(run);
    let (agency, limit) = (&run.agency_id, i64::try_from(BATCH).unwrap_or(i64::MAX));
    let mut after = String::new();
    loop {
        let list_outside = store::unplaced::list_outside_run;
        let outside = list_outside(conn, agency, query, &run.id, &after, limit).await?;
        let Some(last) = outside.last() else {
            return Ok(true);
        };
        last.as_str().clone_into(&mut after);
        if outside
            .iter()
            .any(|id| only.is_none_or(|only| only.contains(id)))
        {
            return Ok(false);
        }
    }
}

/// An agent of another agency is as absent as none (P5).
async fn check_agents(conn: &mut Conn, agency: &AgencyId, agents: &[AgentId]) -> Result<()> {
    let ids: BTreeSet<&str> = agents.iter().map(AgentId::as_str).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    for ids in ids.chunks(BATCH) {
        let found = store::agents::list_by_ids(conn, agency, ids).await?;
        if found.len() < ids.len() {
            return Err(Error::NotFound);
        }
    }
    Ok(())
}

fn new_run(
    key: &KeyRow,
    client: Option<&ClientId>,
    viewer: &Viewer,
    now: Timestamp,
) -> PlacementRunRow {
    PlacementRunRow {
        id: PlacementRunId::new(),
        agency_id: key.agency_id.clone(),
        client_id: client.cloned(),
        key_id: key.id.clone(),
        key_version: key.version.version,
        account_id: key.version.account_id.clone(),
        provider: key.provider.clone(),
        state: State::Queued.as_str().to_owned(),
        total: 0,
        created_count: 0,
        failed_count: 0,
        skipped_count: 0,
        unconfirmed_count: 0,
        failures_in_a_row: 0,
        waiting_until: None,
        waiting_reason: None,
        error_code: None,
        error_message: None,
        requested_by: Some(viewer.user_id.clone()),
        created_at: now,
        started_at: None,
        finished_at: None,
        revision: 0,
        new_agent_id: None,
        request_id: None,
        request_hash: None,
    }
}

/// Writes a row for each agent that lacks a placement; how many. An agent of which an attempt was never confirmed takes
/// that attempt's marker over and is looked for first.
async fn add_items(
    conn: &mut Conn,
    run: &PlacementRunRow,
    only: Option<&[AgentId]>,
) -> Result<i64> {
    let agency = &run.agency_id;
    let query = run_query(run);
    let (mut total, mut after) = (0, String::new());
    loop {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut rows = store::unplaced::list_unplaced(conn, agency, query, &after, limit).await?;
        let Some(last) = rows.last() else {
            return Ok(total);
        };
        last.id.as_str().clone_into(&mut after);
        rows.retain(|row| only.is_none_or(|only| only.contains(&row.id)));
        let ids: Vec<String> = rows.iter().map(|row| row.id.as_str().to_owned()).collect();
        let (account, items) = (&run.account_id, store::placement_items::list_unconfirmed);
        let unconfirmed = items(conn, agency, account, &ids).await?;
        let items: Vec<PlacementItemRow> = rows
            .into_iter()
            .map(|row| new_item(run, row, &unconfirmed))
            .collect();
        store::placement_items::insert_many(conn, agency, &items).await?;
        total += i64::try_from(items.len()).unwrap_or(i64::MAX);
    }
}

fn new_item(
    run: &PlacementRunRow,
    row: UnplacedRow,
    unconfirmed: &[PlacementItemRow],
) -> PlacementItemRow {
    let id = PlacementItemId::new();
    let before = unconfirmed.iter().rfind(|item| item.agent_id == row.id);
    PlacementItemRow {
        marker: before.map_or_else(|| id.as_str().to_owned(), |item| item.marker.clone()),
        is_look_first: before.is_some(),
        id,
        run_id: run.id.clone(),
        agent_id: row.id,
        account_id: run.account_id.clone(),
        name: row.name,
        state: ItemState::Pending.as_str().to_owned(),
        attempts: 0,
        // When that attempt was asked for: the provider may still be at it.
        intended_at: before.and_then(|item| item.intended_at),
        remote_id: None,
        error_code: None,
        message: None,
        finished_at: None,
    }
}
