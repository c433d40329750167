//! Reading the agents one by one whose list tells only a part of them (S1): new ones, those that the list says were
//! changed, and those whose engine was. What was not changed is not read again. Trouble with one agent is waited for like
//! any other (S4); an agent that stays unreadable while the account's list answers is counted and left for the next sync.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt, future, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    error::Result,
    providers::{Page, ProviderError, RemoteAgent, RemoteEngine, Target, VoiceProvider},
    store::{self, batch::BATCH, placements::KnownRow, sync_runs::SyncRunRow},
    sync::{
        Phase, agents, pages,
        run::{PATIENCE, READ_TIME, Stop, answer, list_again, refused_by_itself},
    },
};

/// Agents per transaction.
const AT_A_TIME: i64 = 20;
/// Agents read side by side. No provider publishes a limit for reads; the official clients send a few at once.
const SIDE_BY_SIDE: usize = 4;

const ENGINES: &str = "engines:";
const AGENTS: &str = "agents:";

/// Does the next piece of the phase; false when the run has ended meanwhile.
pub(super) async fn step(
    app: &App,
    run: &mut SyncRunRow,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    stop: &CancellationToken,
) -> Result<bool, Stop> {
    let cursor = run.page_cursor.clone().unwrap_or_default();
    if let Some(after) = cursor.strip_prefix(AGENTS) {
        return read_some(app, run, (client, target), after, stop).await;
    }
    let cursor = cursor.strip_prefix(ENGINES);
    match answer(stop, client.list_engines(target, cursor)).await {
        Ok(Some(page)) => Ok(compare(app, run, &page).await?),
        Ok(None) => Ok(begin_reading(app, run).await?),
        // Without the engines the agents' own times have to do.
        Err(Stop::Provider(error)) => {
            refused_by_itself(client, target, error, stop).await?;
            Ok(begin_reading(app, run).await?)
        }
        Err(stop) => Err(stop),
    }
}

/// Finds the agents whose engine is another than when they were read.
async fn compare(app: &App, run: &mut SyncRunRow, page: &Page<RemoteEngine>) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let (agency, account) = (&run.agency_id, &run.account_id);
    for batch in page.items.chunks(BATCH) {
        let ids: Vec<String> = batch
            .iter()
            .map(|engine| engine.remote_id.clone())
            .collect();
        let rows = store::placements::list_by_engines(&mut tx, agency, account, &ids).await?;
        let is_changed = |row: &KnownRow| {
            batch.iter().any(|engine| {
                row.engine_id.as_deref() == Some(engine.remote_id.as_str())
                    && row.engine_revision.as_deref() != Some(engine.revision.as_str())
            })
        };
        let due: Vec<String> = rows
            .into_iter()
            .filter(|row| !row.is_detail_due && is_changed(row))
            .map(|row| row.id.as_str().to_owned())
            .collect();
        for due in due.chunks(BATCH) {
            store::placements::mark_details_due(&mut tx, agency, due).await?;
        }
    }
    let mut next = run.clone();
    next.failures_in_a_row = 0;
    match &page.next {
        Some(cursor) => {
            next.page_cursor = Some(format!("{ENGINES}{cursor}"));
            pages::commit(app, tx, run, next).await
        }
        None => begin_reading_in(app, tx, run, next).await,
    }
}

async fn begin_reading(app: &App, run: &mut SyncRunRow) -> Result<bool> {
    let tx = app.db.begin().await?;
    let next = run.clone();
    begin_reading_in(app, tx, run, next).await
}

/// Goes on to the agents themselves, or to the next phase where none has to be read.
async fn begin_reading_in(
    app: &App,
    mut tx: store::Tx,
    run: &mut SyncRunRow,
    mut next: SyncRunRow,
) -> Result<bool> {
    let (agency, account) = (&run.agency_id, &run.account_id);
    let total = store::placements::count_with_details_due(&mut tx, agency, account).await?;
    if total == 0 {
        pages::enter(&mut next, Phase::MissingAgents);
    } else {
        next.page_cursor = Some(AGENTS.to_owned());
        next.total = Some(total);
    }
    pages::commit(app, tx, run, next).await
}

/// What became of the agents that were asked for.
#[derive(Default)]
struct Readings {
    /// The last of the rows that were asked for; those before it were too.
    last: String,
    read: Vec<(KnownRow, RemoteAgent)>,
    /// Not there any more, which the next phase finds out, or not for this key.
    unread: i64,
    gone: i64,
    troubled: i64,
    trouble: Option<ProviderError>,
}

async fn read_some(
    app: &App,
    run: &mut SyncRunRow,
    (client, target): (&dyn VoiceProvider, &Target<'_>),
    after: &str,
    stop: &CancellationToken,
) -> Result<bool, Stop> {
    let mut conn = app.db.read().await?;
    let (agency, account) = (&run.agency_id, &run.account_id);
    let rows =
        store::placements::list_with_details_due(&mut conn, agency, account, after, AT_A_TIME)
            .await?;
    drop(conn);
    if rows.is_empty() {
        let mut next = run.clone();
        pages::enter(&mut next, Phase::MissingAgents);
        let tx = app.db.begin().await?;
        return Ok(pages::commit(app, tx, run, next).await?);
    }
    let mut readings = read(client, target, rows, stop).await?;
    if let Some(trouble) = readings.trouble.take() {
        readings.trouble = judge(run, client, target, trouble, stop).await?;
    }
    let mut next = run.clone();
    if readings.trouble.is_none() {
        readings.unread += readings.troubled;
        // Behind those that were asked for: the others are the next piece's.
        next.page_cursor = Some(format!("{AGENTS}{}", readings.last));
        next.failures_in_a_row = 0;
        next.unread_detail_count += readings.unread;
        next.done += readings.unread + readings.gone;
    } else if readings.read.iter().any(|(_, remote)| remote.is_whole) {
        // It goes on, however slowly.
        next.failures_in_a_row = 0;
    }
    let is_kept = write(app, run, next, &readings.read).await?;
    match readings.trouble {
        Some(trouble) if is_kept => Err(Stop::Provider(trouble)),
        _ => Ok(is_kept),
    }
}

async fn read(
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    rows: Vec<KnownRow>,
    stop: &CancellationToken,
) -> Result<Readings, Stop> {
    // What is under way when the provider asks to wait is read to its end; nothing else is begun.
    let is_paused = &AtomicBool::new(false);
    let last = Mutex::new(String::new());
    let mut answers = stream::iter(rows)
        .take_while(|_| future::ready(!is_paused.load(Ordering::Relaxed)))
        .inspect(|row| row.id.as_str().clone_into(&mut lock(&last)))
        .map(|row| async move {
            let target = Target {
                deadline: Instant::now() + READ_TIME,
                ..*target
            };
            let remote = answer(stop, client.get_agent(&target, &row.remote_id)).await;
            (row, remote)
        })
        .buffer_unordered(SIDE_BY_SIDE);
    let mut readings = Readings::default();
    while let Some((row, remote)) = answers.next().await {
        match remote {
            Ok(remote) => {
                readings.unread += i64::from(!remote.is_whole);
                readings.read.push((row, remote));
            }
            Err(Stop::Provider(ProviderError::MissingPermission { .. })) => readings.unread += 1,
            Err(Stop::Provider(ProviderError::NotFound)) => readings.gone += 1,
            Err(Stop::Provider(error)) => {
                readings.troubled += 1;
                is_paused.fetch_or(rank(&error) > 0, Ordering::Relaxed);
                readings.trouble = Some(worse(readings.trouble, error));
            }
            Err(stop) => return Err(stop),
        }
    }
    drop(answers);
    readings.last = std::mem::take(&mut *lock(&last));
    Ok(readings)
}

fn lock(last: &Mutex<String>) -> MutexGuard<'_, String> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much a trouble says about all agents: nothing, a rate limit, no funds, a refusal of the key.
fn rank(error: &ProviderError) -> u8 {
    match error {
        ProviderError::InvalidKey { .. } => 3,
        ProviderError::NoFunds { .. } => 2,
        ProviderError::RateLimited { .. } => 1,
        _ => 0,
    }
}

/// Of two troubles the one that says more.
fn worse(one: Option<ProviderError>, other: ProviderError) -> ProviderError {
    match one {
        Some(one) if rank(&one) >= rank(&other) => one,
        _ => other,
    }
}

/// Whether the trouble is the provider's, which is waited for or ends the run, or that of single agents (`None`): then
/// the account's list answers.
async fn judge(
    run: &SyncRunRow,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    trouble: ProviderError,
    stop: &CancellationToken,
) -> Result<Option<ProviderError>, Stop> {
    let is_waited_for = match &trouble {
        ProviderError::RateLimited { .. } | ProviderError::NoFunds { .. } => true,
        ProviderError::Unavailable { .. } => run.failures_in_a_row + 1 < PATIENCE,
        _ => false,
    };
    if is_waited_for {
        return Ok(Some(trouble));
    }
    match list_again(client, target, stop).await {
        Ok(()) => Ok(None),
        Err(Stop::Provider(error)) => Ok(Some(error)),
        Err(stop) => Err(stop),
    }
}

/// Writes what was read, so that trouble with one agent costs none of the others.
async fn write(
    app: &App,
    run: &mut SyncRunRow,
    mut next: SyncRunRow,
    read: &[(KnownRow, RemoteAgent)],
) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut feed = Vec::new();
    for (known, remote) in read {
        next.done += i64::from(remote.is_whole);
        feed.extend(agents::write_details(&mut tx, run, known, remote, now).await?);
    }
    let changed =
        store::sync_changes::insert_many(&mut tx, &run.agency_id, &run.id, &feed, now).await?;
    next.changed_count += i64::try_from(changed).unwrap_or(i64::MAX);
    pages::commit(app, tx, run, next).await
}
