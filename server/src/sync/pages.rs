//! What writing any page has in common: the checkpoint that goes with it in one transaction, the turn to the next page or
//! phase, whose account it is, and the voices, with which a run ends.

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    providers::Page,
    store::{self, Conn, placements::Seen, sync_runs::SyncRunRow, voices::VoiceWrite},
    sync::{Phase, State, events},
};

/// Which run sees what is written, in which account, and when.
pub(super) fn seen(run: &SyncRunRow, at: Timestamp) -> Seen<'_> {
    Seen {
        agency: &run.agency_id,
        account: &run.account_id,
        provider: &run.provider,
        run: &run.id,
        at,
    }
}

/// Moves the run on: to the next page, or to the next phase behind the last one.
pub(super) fn turn<T>(run: &mut SyncRunRow, page: &Page<T>, next_phase: Phase) {
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

/// Writes down the account's own id when an answer names it for the first time, unless another row has it: two rows may
/// then stand for one account, which only means that nothing is marked inactive in this one.
pub(super) async fn learn_account(
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

/// Whether it is proven that the run reads the account of the row: the provider names it, or an agent that was known
/// before is among those that this run has read. Where nothing proves it, a missing item may be another account's.
pub(crate) async fn is_account_known(conn: &mut Conn, run: &SyncRunRow) -> Result<bool> {
    if run.agent_count > run.added_count {
        return Ok(true);
    }
    let account = store::accounts::find(conn, &run.agency_id, &run.account_id).await?;
    Ok(account.is_some_and(|account| account.remote_id.is_some()))
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
    let is_whole = page.as_ref().is_none_or(|page| page.is_complete);
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
        let (agency, account) = (&run.agency_id, &run.account_id);
        if is_whole {
            store::voices::delete_unseen(&mut tx, agency, account, &run.id).await?;
        }
        store::voices::count_agents(&mut tx, agency, account).await?;
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
