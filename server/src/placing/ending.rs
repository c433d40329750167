//! How an agent of a run ends: its row, its placement and the run's counts in one transaction. The provider is never asked
//! in here. A row that somebody else has written meanwhile ends nothing, and nothing of the transaction is kept.

use crate::{
    app::App,
    clock::Timestamp,
    error::{Code, Result},
    id::SyncRunId,
    placing::{ItemState, State, events, words},
    providers::RemoteAgent,
    store::{
        self, Conn, Tx,
        placed::{MadeWrite, PlaceRow},
        placement_items::{Ending, PlacementItemRow},
        placement_runs::PlacementRunRow,
        placements::PlacementWrite,
    },
};

/// How an agent ended, with the words for it.
pub(super) struct Outcome {
    pub(super) state: ItemState,
    pub(super) code: Option<Code>,
    pub(super) message: Option<String>,
}

impl Outcome {
    pub(super) fn skipped(message: String) -> Outcome {
        Outcome {
            state: ItemState::Skipped,
            code: None,
            message: Some(message),
        }
    }

    pub(super) fn failed(code: Code, message: String) -> Outcome {
        Outcome {
            state: ItemState::Failed,
            code: Some(code),
            message: Some(message),
        }
    }

    pub(super) fn unconfirmed(message: String) -> Outcome {
        Outcome {
            state: ItemState::Unconfirmed,
            code: None,
            message: Some(message),
        }
    }

    fn created(message: Option<String>) -> Outcome {
        Outcome {
            state: ItemState::Created,
            code: None,
            message,
        }
    }
}

/// Commits the run's row with what was written in `tx`. False, and nothing is kept, when the run is another worker's by
/// now or has ended.
pub(super) async fn commit(
    app: &App,
    mut tx: Tx,
    run: &mut PlacementRunRow,
    next: PlacementRunRow,
) -> Result<bool> {
    if !store::placement_runs::update(&mut tx, &next).await? {
        return Ok(false);
    }
    tx.commit().await?;
    *run = next;
    run.revision += 1;
    events::publish(app, &run.id);
    Ok(true)
}

/// Ends an agent that has no placement.
pub(super) async fn end(
    app: &App,
    run: &mut PlacementRunRow,
    item: &PlacementItemRow,
    outcome: &Outcome,
) -> Result<bool> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    write_end(app, tx, run, item, (outcome, None), now).await
}

async fn write_end(
    app: &App,
    mut tx: Tx,
    run: &mut PlacementRunRow,
    item: &PlacementItemRow,
    (outcome, remote_id): (&Outcome, Option<&str>),
    now: Timestamp,
) -> Result<bool> {
    let ending = Ending {
        state: outcome.state.as_str(),
        remote_id,
        code: outcome.code.map(Code::as_str),
        message: outcome.message.as_deref(),
    };
    if !store::placement_items::end(&mut tx, &run.agency_id, &item.id, &ending, now).await? {
        return Ok(false);
    }
    let mut next = run.clone();
    next.failures_in_a_row = 0;
    match outcome.state {
        ItemState::Created => next.created_count += 1,
        ItemState::Failed => next.failed_count += 1,
        ItemState::Skipped => next.skipped_count += 1,
        ItemState::Unconfirmed => next.unconfirmed_count += 1,
        ItemState::Pending | ItemState::Creating => {}
    }
    commit(app, tx, run, next).await
}

/// Ends an agent that is in the account: its placement is written under the agent that it was made for, so that no import
/// takes it for a new one.
pub(super) async fn created(
    app: &App,
    run: &mut PlacementRunRow,
    item: &PlacementItemRow,
    remote: &RemoteAgent,
    message: Option<String>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let seen_by = seen_by(&mut tx, run).await?;
    let hash = remote.definition.content_hash();
    let made = made(run, item, remote, &hash, &seen_by, now);
    let place = write_place(&mut tx, run, item, &made).await?;
    store::agents::refresh_status(&mut tx, &run.agency_id, &item.agent_id).await?;
    let (outcome, remote_id) = match place {
        Place::Ours => (Outcome::created(message), Some(remote.remote_id.as_str())),
        Place::Others(text) => (Outcome::failed(Code::Conflict, text), None),
    };
    write_end(app, tx, run, item, (&outcome, remote_id), now).await
}

/// What an import would have written of the agent, and that it has been seen by the one under way, if there is one: that
/// may have read the list before the agent was there, and would miss it.
fn made<'a>(
    run: &'a PlacementRunRow,
    item: &'a PlacementItemRow,
    remote: &'a RemoteAgent,
    hash: &'a str,
    seen_by: &'a SyncRunId,
    at: Timestamp,
) -> MadeWrite<'a> {
    let voice = remote.definition.voice.as_ref();
    let engine = remote.engine.as_ref();
    MadeWrite {
        placement: PlacementWrite {
            agent_id: &item.agent_id,
            remote_id: &remote.remote_id,
            voice: voice.map(|voice| (voice.engine.as_str(), voice.voice_id.as_str())),
            remote_updated_at: remote.remote_updated_at_ms.map(Timestamp::from_millis),
            engine: engine.map(|engine| (engine.remote_id.as_str(), engine.revision.as_str())),
            is_detail_due: false,
        },
        account: &run.account_id,
        provider: &run.provider,
        placed_hash: hash,
        seen_by: seen_by.as_str(),
        at,
    }
}

async fn seen_by(conn: &mut Conn, run: &PlacementRunRow) -> Result<SyncRunId> {
    let sync = store::sync_runs::find_active(conn, &run.agency_id, &run.account_id).await?;
    Ok(sync.map_or_else(|| SyncRunId::from(run.id.as_str()), |sync| sync.id))
}

enum Place {
    /// The agent's placement stands for it.
    Ours,
    /// Somebody else's does; the words say whose.
    Others(String),
}

async fn write_place(
    conn: &mut Conn,
    run: &PlacementRunRow,
    item: &PlacementItemRow,
    made: &MadeWrite<'_>,
) -> Result<Place> {
    let agency = &run.agency_id;
    // A second look, because on PostgreSQL an import may write the same agent between a look and the insertion.
    for _ in 0..2 {
        let remote_id = made.placement.remote_id;
        let there = store::placed::find_remote(conn, agency, made.account, remote_id).await?;
        if let Some(there) = there {
            return write_over(conn, run, item, made, &there).await;
        }
        let own = store::placed::find_of_agent(conn, agency, &item.agent_id, made.account).await?;
        match own {
            Some(own) if own.status == "active" => return Ok(Place::Others(elsewhere(&own, made))),
            Some(own) => {
                store::placed::replace_made(conn, agency, &own.id, made).await?;
                return Ok(Place::Ours);
            }
            None if store::placed::insert_made(conn, agency, made).await? => {
                return Ok(Place::Ours);
            }
            None => {}
        }
    }
    Ok(Place::Others(
        "Its placement is being written by somebody else; start again.".to_owned(),
    ))
}

fn elsewhere(own: &PlaceRow, made: &MadeWrite<'_>) -> String {
    format!(
        "The agent has become “{}” in this account meanwhile. “{}”, which was made for it, is left there.",
        own.remote_id, made.placement.remote_id
    )
}

/// The remote agent has a placement already: the agent's own, or that of an agent which an import made of it.
async fn write_over(
    conn: &mut Conn,
    run: &PlacementRunRow,
    item: &PlacementItemRow,
    made: &MadeWrite<'_>,
    there: &PlaceRow,
) -> Result<Place> {
    let agency = &run.agency_id;
    if there.agent_id == item.agent_id {
        store::placed::replace_made(conn, agency, &there.id, made).await?;
        return Ok(Place::Ours);
    }
    let own = store::placed::find_of_agent(conn, agency, &item.agent_id, made.account).await?;
    if let Some(own) = own.as_ref().filter(|own| own.status == "active") {
        return Ok(Place::Others(elsewhere(own, made)));
    }
    if !store::unplaced::is_as_imported(conn, agency, &there.agent_id).await? {
        return Ok(Place::Others(
            "An import has taken it for another agent, which is in use by now. Assign that one, or delete it at the \
             provider."
                .to_owned(),
        ));
    }
    if let Some(lost) = own {
        // One placement per agent and account: the new one stands for what was lost.
        store::placed::delete(conn, agency, &lost.id).await?;
    }
    store::placed::replace_made(conn, agency, &there.id, made).await?;
    store::unplaced::delete_untouched(conn, agency, &there.agent_id).await?;
    Ok(Place::Ours)
}

/// Ends a run: well, with some agents missing, or with an error before its end.
pub(super) async fn end_run(
    app: &App,
    run: &mut PlacementRunRow,
    error: Option<(Code, &str)>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut next = run.clone();
    if let Some((code, message)) = error {
        let words = (words::INTERRUPTED, words::NOT_BEGUN);
        let (agency, id) = (&run.agency_id, &run.id);
        let (unconfirmed, skipped) =
            store::placement_items::end_all(&mut tx, agency, id, words, now).await?;
        next.unconfirmed_count += unconfirmed;
        next.skipped_count += skipped;
        next.error_code = Some(code.as_str().to_owned());
        next.error_message = Some(message.to_owned());
    }
    let is_whole = next.failed_count + next.unconfirmed_count == 0;
    let state = match error {
        Some(_) => State::Failed,
        None if is_whole && next.created_count + next.skipped_count == next.total => {
            State::Succeeded
        }
        None => State::Incomplete,
    };
    state.as_str().clone_into(&mut next.state);
    next.waiting_until = None;
    next.waiting_reason = None;
    next.finished_at = Some(now);
    commit(app, tx, run, next).await
}
