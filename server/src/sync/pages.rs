//! Writing one page of what the provider listed, together with the run's checkpoint, in one transaction. A page that is
//! read twice (after a crash) changes nothing the second time.

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    id::AgentId,
    providers::{NumberStatus, Page, RemoteAgent, RemoteNumber},
    store::{
        self, Conn, agents::AgentWrite, phone_numbers::PhoneNumberWrite,
        placements::PlacementWrite, sync_runs::SyncRunRow, voices::VoiceWrite,
    },
    sync::{Phase, State, events},
};

/// How a remote agent stood to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Changed,
    Returned,
    Unchanged,
    /// This run has written it before.
    Repeated,
}

/// Writes one remote agent: a new agent with its placement, or the changes of a known one.
pub(crate) async fn write_agent(
    conn: &mut Conn,
    run: &SyncRunRow,
    remote: &RemoteAgent,
    now: Timestamp,
) -> Result<Change> {
    let agency = &run.agency_id;
    let definition = serde_json::to_string(&remote.definition)?;
    let hash = remote.definition.content_hash();
    let voice = remote.definition.voice.as_ref();
    let write = PlacementWrite {
        account_id: &run.account_id,
        provider: &run.provider,
        remote_id: &remote.remote_id,
        voice: voice.map(|voice| (voice.engine.as_str(), voice.voice_id.as_str())),
        remote_updated_at: remote.remote_updated_at_ms.map(Timestamp::from_millis),
        seen_at: now,
        run: &run.id,
    };
    let name = remote.definition.name.as_str();
    let agent_write = |id| AgentWrite {
        id,
        provider: &run.provider,
        name,
        definition: &definition,
        definition_hash: &hash,
        created_at: remote
            .remote_created_at_ms
            .map_or(now, Timestamp::from_millis),
        updated_at: remote
            .remote_updated_at_ms
            .map_or(now, Timestamp::from_millis),
    };
    let known =
        store::placements::find_known(conn, agency, &run.account_id, &remote.remote_id).await?;
    let Some(known) = known else {
        let id = AgentId::new();
        store::agents::insert(conn, agency, &agent_write(&id)).await?;
        store::placements::insert(conn, agency, &id, &write).await?;
        return Ok(Change::Added);
    };
    let is_repeated = known.last_seen_run == run.id.as_str();
    let has_changed = known.definition_hash != hash;
    let has_returned = known.status != "active";
    if has_changed {
        store::agents::update_definition(conn, agency, &agent_write(&known.agent_id)).await?;
    }
    store::placements::mark_seen(conn, agency, &known.id, &write).await?;
    if has_returned {
        store::agents::refresh_status(conn, agency, &known.agent_id).await?;
    }
    Ok(match (is_repeated, has_returned, has_changed) {
        (_, true, _) => Change::Returned,
        (_, _, true) => Change::Changed,
        (true, ..) => Change::Repeated,
        (false, ..) => Change::Unchanged,
    })
}

fn count(run: &mut SyncRunRow, change: Change) {
    match change {
        Change::Added => run.added_count += 1,
        Change::Changed => run.changed_count += 1,
        Change::Returned => run.returned_count += 1,
        Change::Unchanged | Change::Repeated => {}
    }
    if change != Change::Repeated {
        run.agent_count += 1;
        run.done += 1;
    }
}

/// Moves the run on: to the next page, or to the next phase behind the last one.
fn turn_page<T>(run: &mut SyncRunRow, page: &Page<T>, next_phase: Phase) {
    run.failures_in_a_row = 0;
    run.total = page.total.and_then(|total| i64::try_from(total).ok());
    run.page_cursor.clone_from(&page.next);
    if page.next.is_none() {
        enter(run, next_phase);
    }
}

/// Begins a phase.
pub(crate) fn enter(run: &mut SyncRunRow, phase: Phase) {
    run.phase = Some(phase.as_str().to_owned());
    run.page_cursor = None;
    run.done = 0;
    run.total = None;
}

/// Writes a page of agents. False when the run has ended meanwhile: then nothing of the page is kept.
pub(crate) async fn write_agents(
    app: &App,
    run: &mut SyncRunRow,
    page: &Page<RemoteAgent>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut next = run.clone();
    let named = page
        .items
        .iter()
        .find_map(|item| item.account_id.as_deref());
    learn_account(&mut tx, run, named).await?;
    for remote in &page.items {
        let change = write_agent(&mut tx, run, remote, now).await?;
        count(&mut next, change);
    }
    next.is_list_complete &= page.is_complete;
    turn_page(&mut next, page, Phase::PhoneNumbers);
    commit(app, tx, run, next).await
}

/// Writes down the account's own id when an answer names it for the first time, unless another row has it: two rows may
/// then stand for one account, which only means that nothing is marked inactive in this one.
async fn learn_account(
    conn: &mut Conn,
    run: &SyncRunRow,
    remote_account: Option<&str>,
) -> Result<()> {
    let Some(remote_account) = remote_account else {
        return Ok(());
    };
    let provider = crate::keys::provider_of(&run.provider)?;
    let agency = &run.agency_id;
    if store::accounts::find_by_remote(conn, agency, provider, remote_account)
        .await?
        .is_none()
    {
        store::accounts::set_remote_id(conn, agency, &run.account_id, remote_account).await?;
    }
    Ok(())
}

/// Writes a page of numbers.
pub(crate) async fn write_numbers(
    app: &App,
    run: &mut SyncRunRow,
    page: &Page<RemoteNumber>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::accounts::lock(&mut tx, &run.agency_id, &run.account_id).await?;
    let mut next = run.clone();
    for remote in &page.items {
        let write = PhoneNumberWrite {
            account_id: &run.account_id,
            provider: &run.provider,
            remote_id: &remote.remote_id,
            number: remote.number.as_deref(),
            sip_uri: remote.sip_uri.as_deref(),
            name: remote.name.as_deref(),
            carrier: &remote.carrier,
            status: number_status(&remote.status),
            agent_remote_id: remote.agent_remote_id.as_deref(),
            is_answering: remote.is_answering,
            created_at: remote
                .remote_created_at_ms
                .map_or(now, Timestamp::from_millis),
            seen_at: now,
            run: &run.id,
        };
        store::phone_numbers::upsert(&mut tx, &run.agency_id, &write).await?;
        next.phone_number_count += 1;
        next.done += 1;
    }
    let is_last = page.next.is_none() && page.is_complete;
    if is_last && next.is_list_complete && is_account_known(&mut tx, run).await? {
        store::phone_numbers::mark_unseen_inactive(
            &mut tx,
            &run.agency_id,
            &run.account_id,
            &run.id,
        )
        .await?;
    }
    turn_page(&mut next, page, Phase::MissingAgents);
    commit(app, tx, run, next).await
}

/// Whether something names the account: where nothing does, a missing item may be another account's, and proves nothing.
pub(crate) async fn is_account_known(conn: &mut Conn, run: &SyncRunRow) -> Result<bool> {
    let account = store::accounts::find(conn, &run.agency_id, &run.account_id).await?;
    Ok(account.is_some_and(|account| account.remote_id.is_some()))
}

fn number_status(status: &NumberStatus) -> &'static str {
    match status {
        NumberStatus::Active => "active",
        NumberStatus::Activating => "activating",
        NumberStatus::Blocked => "blocked",
        NumberStatus::Unknown(_) => "unknown",
    }
}

/// Writes the voices, and ends the run behind the last: a page of the provider's list, or (`None`) those that the account's
/// agents use, which is known once the missing agents are.
pub(crate) async fn write_voices(
    app: &App,
    run: &mut SyncRunRow,
    page: Option<Page<crate::providers::RemoteVoice>>,
) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let mut next = run.clone();
    let (voices, next_cursor) = match page {
        Some(page) => {
            let voices = page
                .items
                .into_iter()
                .map(|voice| VoiceWrite {
                    engine: voice.engine,
                    voice_id: voice.voice_id,
                    name: voice.name,
                })
                .collect();
            (voices, page.next)
        }
        None => (
            store::voices::list_in_use(&mut tx, &run.agency_id, &run.account_id).await?,
            None,
        ),
    };
    for voice in &voices {
        store::voices::upsert(
            &mut tx,
            &run.agency_id,
            &run.account_id,
            &run.provider,
            voice,
            &run.id,
        )
        .await?;
        next.voice_count += 1;
        next.done += 1;
    }
    next.failures_in_a_row = 0;
    next.page_cursor = next_cursor;
    if next.page_cursor.is_none() {
        store::voices::settle(&mut tx, &run.agency_id, &run.account_id, &run.id).await?;
        next.phase = None;
        State::Succeeded.as_str().clone_into(&mut next.state);
        next.finished_at = Some(app.clock.now());
    }
    commit(app, tx, run, next).await
}

/// Commits what was written with the run's checkpoint; false, and nothing is kept, when the run has ended meanwhile or is
/// another worker's by now.
pub(crate) async fn commit(
    app: &App,
    mut tx: crate::store::Tx,
    run: &mut SyncRunRow,
    next: SyncRunRow,
) -> Result<bool> {
    if !store::sync_runs::update(&mut tx, &next).await? {
        return Ok(false);
    }
    tx.commit().await?;
    *run = next;
    run.revision += 1;
    events::publish(app, &run.id);
    Ok(true)
}
