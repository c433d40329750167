//! Writing what a provider told of phone numbers, with the feed of what is different and the run's checkpoint, in one
//! transaction. It asks the provider nothing.

use std::collections::{HashMap, HashSet};

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    id::PhoneNumberId,
    providers::{NumberStatus, Page, RemoteNumber},
    store::{
        self, Conn,
        batch::BATCH,
        phone_numbers::{KnownNumberRow, PhoneNumberWrite},
        sync_changes::ChangeWrite,
        sync_runs::SyncRunRow,
    },
    sync::{
        Phase,
        changes::{self, ChangeKind, Subject},
        pages,
    },
};

/// Writes a page of numbers; behind the last page of a complete list, those become inactive that neither it nor the newest
/// import of another key of this account held. False when the run has ended meanwhile.
pub(super) async fn write_page(
    app: &App,
    run: &mut SyncRunRow,
    page: &Page<RemoteNumber>,
) -> Result<bool> {
    let now = app.clock.now();
    let mut ids = HashSet::new();
    let items: Vec<&RemoteNumber> = page
        .items
        .iter()
        .filter(|remote| ids.insert(remote.remote_id.as_str()))
        .collect();
    let mut tx = app.db.begin().await?;
    store::accounts::lock(&mut tx, &run.agency_id, &run.account_id).await?;
    let mut next = run.clone();
    for batch in items.chunks(BATCH) {
        let count = write_batch(&mut tx, run, batch, now).await?;
        next.phone_number_count += count;
        next.done += count;
    }
    let is_last = page.next.is_none() && page.is_complete;
    if is_last && next.is_list_complete && pages::is_account_known(&mut tx, run).await? {
        mark_gone(&mut tx, run, now).await?;
    }
    pages::turn(&mut next, page, Phase::AgentDetails);
    pages::commit(app, tx, run, next).await
}

async fn mark_gone(conn: &mut Conn, run: &SyncRunRow, now: Timestamp) -> Result<()> {
    let (agency, account, judge) = (&run.agency_id, &run.account_id, (&run.id, &run.key_id));
    store::sync_changes::insert_gone_numbers(conn, agency, account, judge, now).await?;
    store::phone_numbers::mark_unseen_inactive(conn, agency, account, judge).await?;
    Ok(())
}

/// Writes up to a hundred numbers, and answers with how many of them the run had not seen before.
async fn write_batch(
    conn: &mut Conn,
    run: &SyncRunRow,
    batch: &[&RemoteNumber],
    now: Timestamp,
) -> Result<i64> {
    let seen = pages::seen(run, now);
    let ids: Vec<String> = batch.iter().map(|item| item.remote_id.clone()).collect();
    let known: HashMap<String, KnownNumberRow> =
        store::phone_numbers::list_known(conn, seen.agency, seen.account, &ids)
            .await?
            .into_iter()
            .map(|row| (row.remote_id.clone(), row))
            .collect();
    let mut feed = Vec::new();
    let mut writes = Vec::with_capacity(batch.len());
    let mut unchanged = Vec::new();
    let mut count = 0;
    for remote in batch {
        let known = known.get(&remote.remote_id);
        let is_repeated = known.is_some_and(|known| known.last_seen_run == run.id.as_str());
        count += i64::from(!is_repeated);
        let write = PhoneNumberWrite {
            id: known.map_or_else(PhoneNumberId::new, |known| known.id.clone()),
            remote_id: &remote.remote_id,
            number: remote.number.as_deref(),
            sip_uri: remote.sip_uri.as_deref(),
            name: remote.name.as_deref(),
            carrier: &remote.carrier,
            status: status(&remote.status),
            agent_remote_id: remote.agent_remote_id.as_deref(),
            is_answering: remote.is_answering,
            created_at: remote
                .remote_created_at_ms
                .map_or(now, Timestamp::from_millis),
        };
        match (found(known, &write), known) {
            (None, Some(known)) => unchanged.push(known.id.as_str().to_owned()),
            (change, _) => {
                feed.extend(change);
                writes.push(write);
            }
        }
    }
    store::phone_numbers::upsert_many(conn, seen, &writes).await?;
    if !unchanged.is_empty() {
        store::phone_numbers::mark_seen(conn, seen, &unchanged).await?;
    }
    store::sync_changes::insert_many(conn, seen.agency, seen.run, &feed, now).await?;
    Ok(count)
}

/// What is different in a number, if anything is.
fn found(known: Option<&KnownNumberRow>, write: &PhoneNumberWrite<'_>) -> Option<ChangeWrite> {
    let mut fields = Vec::new();
    let kind = match known {
        None => ChangeKind::Added,
        Some(known) if known.status == "inactive" => ChangeKind::Returned,
        Some(known) => {
            fields = changes::number_fields(known, write);
            if fields.is_empty() {
                return None;
            }
            ChangeKind::Changed
        }
    };
    let label = write.number.or(write.sip_uri).or(write.name);
    Some(changes::change(
        Subject::PhoneNumber,
        write.id.as_str(),
        kind,
        label.unwrap_or(write.remote_id),
        &fields,
    ))
}

fn status(status: &NumberStatus) -> &'static str {
    match status {
        NumberStatus::Active => "active",
        NumberStatus::Activating => "activating",
        NumberStatus::Blocked => "blocked",
        NumberStatus::Unknown(_) => "unknown",
    }
}
