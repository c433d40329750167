//! Writing what a provider told of agents: new ones with their placement, the changes of known ones, and the feed of both,
//! together with the run's checkpoint in one transaction. A page that is read twice (after a crash) changes nothing the
//! second time. It asks the provider nothing.

use std::collections::{HashMap, HashSet};

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    id::{AgentId, ClientId, PlacementId},
    providers::{AgentDefinition, Page, RemoteAgent, fit},
    store::{
        self, Conn,
        agents::AgentWrite,
        batch::BATCH,
        placements::{KnownRow, PlacementWrite, Seen},
        sync_changes::ChangeWrite,
        sync_runs::SyncRunRow,
    },
    sync::{
        Phase,
        changes::{self, ChangeKind, Subject},
        pages,
        placed::{self, Arrivals},
    },
};

/// An agent of an answer, made ready outside the transaction.
pub(super) struct Prepared<'a> {
    remote: &'a RemoteAgent,
    definition: String,
    hash: String,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(remote: &'a RemoteAgent) -> Result<Self> {
        Ok(Self {
            remote,
            definition: serde_json::to_string(&remote.definition)?,
            hash: remote.definition.content_hash(),
        })
    }

    fn agent<'b>(&'b self, id: &'b AgentId, now: Timestamp) -> AgentWrite<'b> {
        let at = |millis: Option<i64>| millis.map_or(now, Timestamp::from_millis);
        AgentWrite {
            id,
            name: &self.remote.definition.name,
            definition: &self.definition,
            definition_hash: &self.hash,
            created_at: at(self.remote.remote_created_at_ms),
            updated_at: at(self.remote.remote_updated_at_ms),
        }
    }

    fn placement<'b>(&'b self, agent_id: &'b AgentId) -> PlacementWrite<'b> {
        let voice = self.remote.definition.voice.as_ref();
        let engine = self.remote.engine.as_ref();
        PlacementWrite {
            agent_id,
            remote_id: &self.remote.remote_id,
            voice: voice.map(|voice| (voice.engine.as_str(), voice.voice_id.as_str())),
            remote_updated_at: self.updated_at(),
            engine: engine.map(|engine| (engine.remote_id.as_str(), engine.revision.as_str())),
            is_detail_due: !self.remote.is_whole,
        }
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.remote.remote_updated_at_ms.map(Timestamp::from_millis)
    }
}

/// Writes a page of agents. False when the run has ended meanwhile: then nothing of the page is kept.
pub(super) async fn write_page(
    app: &App,
    run: &mut SyncRunRow,
    page: &Page<RemoteAgent>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut ids = HashSet::new();
    let prepared: Vec<Prepared<'_>> = page
        .items
        .iter()
        .filter(|remote| ids.insert(remote.remote_id.as_str()))
        .map(Prepared::new)
        .collect::<Result<_>>()?;
    let mut tx = app.db.begin().await?;
    let mut next = run.clone();
    let named = page
        .items
        .iter()
        .find_map(|item| item.account_id.as_deref());
    pages::learn_account(&mut tx, run, named).await?;
    for batch in prepared.chunks(BATCH) {
        write_listed(&mut tx, run, &mut next, batch, now).await?;
    }
    next.is_list_complete &= page.is_complete;
    pages::turn(&mut next, page, Phase::PhoneNumbers);
    pages::commit(app, tx, run, next).await
}

/// Writes up to a hundred agents that the account holds, and counts them in `next`.
pub(super) async fn write_listed(
    conn: &mut Conn,
    run: &SyncRunRow,
    next: &mut SyncRunRow,
    batch: &[Prepared<'_>],
    now: Timestamp,
) -> Result<()> {
    let seen = pages::seen(run, now);
    let remotes: Vec<&RemoteAgent> = batch.iter().map(|item| item.remote).collect();
    let arrivals = placed::arrivals(conn, seen, &remotes).await?;
    let ids: Vec<String> = batch
        .iter()
        .map(|item| item.remote.remote_id.clone())
        .collect();
    let known: HashMap<String, KnownRow> =
        store::placements::list_known(conn, seen.agency, seen.account, &ids)
            .await?
            .into_iter()
            .map(|row| (row.remote_id.clone(), row))
            .collect();
    let elsewhere = judged_elsewhere(conn, run, known.values()).await?;
    let mut feed = Vec::new();
    let mut unchanged = Vec::new();
    let mut new = Vec::new();
    for item in batch {
        let Some(known) = known.get(&item.remote.remote_id) else {
            if !is_placed(conn, seen, &arrivals, item).await? {
                new.push((AgentId::new(), item));
            }
            continue;
        };
        if elsewhere.contains(&known.id) || is_as_known(known, item) {
            unchanged.push(known.id.as_str().to_owned());
        } else {
            let found = write_known(conn, seen, known, item).await?;
            count(next, found.as_ref());
            feed.extend(found);
        }
        if known.last_seen_run != run.id.as_str() {
            next.agent_count += 1;
            next.done += 1;
        }
    }
    if !new.is_empty() {
        let client = owner(conn, run).await?;
        insert(conn, seen, client.as_ref(), &new, &mut feed).await?;
    }
    let added = i64::try_from(new.len()).unwrap_or(i64::MAX);
    next.added_count += added;
    next.agent_count += added;
    next.done += added;
    if !unchanged.is_empty() {
        store::placements::mark_seen(conn, seen, &unchanged).await?;
    }
    store::sync_changes::insert_many(conn, seen.agency, seen.run, &feed, now).await?;
    Ok(())
}

/// Whom new agents work for: what a client's own key brings in, that client, unless another key opens the account too. Then
/// nobody can say whose they are, and they wait with the agency.
async fn owner(conn: &mut Conn, run: &SyncRunRow) -> Result<Option<ClientId>> {
    let (agency, account, key) = (&run.agency_id, &run.account_id, &run.key_id);
    if store::provider_keys::is_opened_by_another(conn, agency, account, key).await? {
        return Ok(None);
    }
    store::provider_keys::find_client(conn, agency, key).await
}

/// The inactive placements of a batch that this run's key may see and the key of their agents' calls may not: it does not
/// bring them back, or two imports would undo each other for ever (S3).
async fn judged_elsewhere(
    conn: &mut Conn,
    run: &SyncRunRow,
    known: impl Iterator<Item = &KnownRow>,
) -> Result<HashSet<PlacementId>> {
    let inactive: Vec<String> = known
        .filter(|row| row.status != "active")
        .map(|row| row.id.as_str().to_owned())
        .collect();
    if inactive.is_empty() {
        return Ok(HashSet::new());
    }
    let (agency, key) = (&run.agency_id, &run.key_id);
    store::placements::list_judged_elsewhere(conn, agency, key, &inactive).await
}

/// Whether the agent is one that a placement run makes or has made, and so no new one (R5).
async fn is_placed(
    conn: &mut Conn,
    seen: Seen<'_>,
    arrivals: &Arrivals,
    item: &Prepared<'_>,
) -> Result<bool> {
    if let Some(attempt) = arrivals.attempt(item.remote) {
        let placement = item.placement(&attempt.agent_id);
        return placed::confirm(conn, seen, attempt, placement, &item.hash).await;
    }
    Ok(arrivals.is_in_the_making(item.remote))
}

fn count(next: &mut SyncRunRow, found: Option<&ChangeWrite>) {
    match found.and_then(|change| ChangeKind::parse(change.kind)) {
        Some(ChangeKind::Changed) => next.changed_count += 1,
        Some(ChangeKind::Returned) => next.returned_count += 1,
        _ => {}
    }
}

async fn insert(
    conn: &mut Conn,
    seen: Seen<'_>,
    client: Option<&ClientId>,
    new: &[(AgentId, &Prepared<'_>)],
    feed: &mut Vec<ChangeWrite>,
) -> Result<()> {
    let agents: Vec<AgentWrite<'_>> = new
        .iter()
        .map(|(id, item)| item.agent(id, seen.at))
        .collect();
    let placements: Vec<PlacementWrite<'_>> =
        new.iter().map(|(id, item)| item.placement(id)).collect();
    store::agents::insert_many(conn, seen.agency, seen.provider, client, &agents).await?;
    store::placements::insert_many(conn, seen, &placements).await?;
    feed.extend(new.iter().map(|(id, item)| {
        let name = &item.remote.definition.name;
        changes::change(Subject::Agent, id.as_str(), ChangeKind::Added, name, &[])
    }));
    Ok(())
}

/// Whether nothing but the time at which it was seen has to be written.
fn is_as_known(known: &KnownRow, item: &Prepared<'_>) -> bool {
    let is_steady = known.status == "active" && known.remote_updated_at == item.updated_at();
    if !item.remote.is_whole {
        return is_steady && (known.is_detail_due || item.updated_at().is_some());
    }
    let engine = item.remote.engine.as_ref();
    is_steady
        && known.definition_hash == item.hash
        && !known.is_detail_due
        && known.engine_id.as_deref() == engine.map(|engine| engine.remote_id.as_str())
        && known.engine_revision.as_deref() == engine.map(|engine| engine.revision.as_str())
}

/// Writes what is different in a known agent.
async fn write_known(
    conn: &mut Conn,
    seen: Seen<'_>,
    known: &KnownRow,
    item: &Prepared<'_>,
) -> Result<Option<ChangeWrite>> {
    let name = &item.remote.definition.name;
    let mut found = None;
    if item.remote.is_whole {
        if known.definition_hash != item.hash {
            found = Some(write_difference(conn, seen, known, item).await?);
        }
        let placement = item.placement(&known.agent_id);
        store::placements::update(conn, seen, &known.id, &placement).await?;
    } else {
        // Without a time of change nothing tells whether the rest is still as it was.
        let is_due = known.is_detail_due
            || item.updated_at().is_none()
            || known.remote_updated_at != item.updated_at();
        store::placements::update_listed(conn, seen, &known.id, item.updated_at(), is_due).await?;
    }
    if known.status != "active" {
        store::agents::refresh_status(conn, seen.agency, &known.agent_id).await?;
        let id = known.agent_id.as_str();
        found = Some(changes::change(
            Subject::Agent,
            id,
            ChangeKind::Returned,
            name,
            &[],
        ));
    }
    Ok(found)
}

/// Writes that an agent is another one at its provider than it was.
async fn write_difference(
    conn: &mut Conn,
    seen: Seen<'_>,
    known: &KnownRow,
    item: &Prepared<'_>,
) -> Result<ChangeWrite> {
    if known.is_placed {
        write_drift(conn, seen, known, item).await
    } else {
        write_definition(conn, seen, known, item).await
    }
}

/// A placed agent that somebody has changed at its provider. The definition stays that of the agent: what was placed of it
/// is only what the provider could express, and its other placements are not this one.
async fn write_drift(
    conn: &mut Conn,
    seen: Seen<'_>,
    known: &KnownRow,
    item: &Prepared<'_>,
) -> Result<ChangeWrite> {
    let definition = store::agents::find_definition(conn, seen.agency, &known.agent_id).await?;
    let definition = changes::stored_definition(definition)?;
    let provider = crate::keys::provider_of(seen.provider)?;
    let expected = fit(provider, &definition).definition;
    let fields = changes::agent_fields(&expected, &item.remote.definition);
    store::placed::set_placed_hash(conn, seen.agency, &known.id, &item.hash).await?;
    Ok(changes::change(
        Subject::Agent,
        known.agent_id.as_str(),
        ChangeKind::Changed,
        &item.remote.definition.name,
        &fields,
    ))
}

/// Writes a changed definition.
async fn write_definition(
    conn: &mut Conn,
    seen: Seen<'_>,
    known: &KnownRow,
    item: &Prepared<'_>,
) -> Result<ChangeWrite> {
    let before = store::agents::find_definition(conn, seen.agency, &known.agent_id).await?;
    let fields = changes::agent_fields(
        &changes::stored_definition(before)?,
        &item.remote.definition,
    );
    let agent = item.agent(&known.agent_id, seen.at);
    store::agents::update_definition(conn, seen.agency, &agent).await?;
    Ok(changes::change(
        Subject::Agent,
        known.agent_id.as_str(),
        ChangeKind::Changed,
        &item.remote.definition.name,
        &fields,
    ))
}

/// Writes the details of a listed agent, read by themselves, and answers with the change that they are: none when they
/// were read for the first time. The list's time of change stays, because the next list is compared with it; so does what
/// an answer that is not whole leaves out.
pub(super) async fn write_details(
    conn: &mut Conn,
    run: &SyncRunRow,
    known: &KnownRow,
    remote: &RemoteAgent,
    now: Timestamp,
) -> Result<Option<ChangeWrite>> {
    let seen = pages::seen(run, now);
    let is_whole = remote.is_whole;
    let completed;
    let remote = if is_whole {
        remote
    } else {
        let before = store::agents::find_definition(conn, seen.agency, &known.agent_id).await?;
        completed = completed_by(remote, changes::stored_definition(before)?);
        &completed
    };
    let item = Prepared::new(remote)?;
    // What is left out of an answer about a placed agent cannot be told from what was never placed.
    let is_unclear = known.is_placed && !is_whole;
    let found = if known.definition_hash == item.hash || is_unclear {
        None
    } else {
        Some(write_difference(conn, seen, known, &item).await?)
    };
    let placement = PlacementWrite {
        remote_updated_at: known.remote_updated_at,
        ..item.placement(&known.agent_id)
    };
    store::placements::update(conn, seen, &known.id, &placement).await?;
    store::placements::set_details_read(conn, seen, &known.id).await?;
    Ok(found.filter(|_| known.details_read_at.is_some()))
}

/// An answer that is not whole, with what was known before in the places that it leaves out.
fn completed_by(remote: &RemoteAgent, before: AgentDefinition) -> RemoteAgent {
    let told = remote.definition.clone();
    RemoteAgent {
        definition: AgentDefinition {
            name: told.name,
            prompt: told.prompt.or(before.prompt),
            first_message: told.first_message.or(before.first_message),
            voice: told.voice.or(before.voice),
            language: told.language.or(before.language),
            model: told.model.or(before.model),
        },
        ..remote.clone()
    }
}
