//! Agents that were here and that a complete list did not hold (S3). Each is looked for once more by a single read; only
//! then is it marked inactive, never deleted. Where more than 50 agents or 20 % would go, a person decides first. Nothing
//! is marked after a partial list, nor in an account that nothing names. Where several keys open the account, each import
//! judges the agents whose calls go over its own key.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    error::Result,
    providers::{ProviderError, Target, VoiceProvider},
    store::{self, placements::UnseenRow, sync_runs::SyncRunRow},
    sync::{
        Decision, State, agents,
        changes::{self, ChangeKind, Subject},
        pages,
        run::{PATIENCE, READ_TIME, Stop, answer, list_again},
    },
};

/// More than this many need a decision.
const MOST_WITHOUT_DECISION: i64 = 50;
/// More than one in this many need a decision.
const SHARE_WITHOUT_DECISION: i64 = 5;
/// Single reads per transaction.
const BATCH: i64 = 20;

/// What the phase came to.
pub(crate) enum Missing {
    /// Some were looked at, there may be more.
    More,
    /// All were looked at, or none may be.
    Done,
    /// A person has to decide.
    NeedsConfirmation,
    /// The run has ended meanwhile.
    Ended,
}

/// Whether anything may be marked in this run.
async fn may_mark(app: &App, run: &SyncRunRow) -> Result<bool> {
    if !run.is_list_complete
        || run.removal_decision.as_deref().and_then(Decision::parse) == Some(Decision::KeepActive)
    {
        return Ok(false);
    }
    let mut conn = app.db.read().await?;
    pages::is_account_known(&mut conn, run).await
}

/// Whether so many of those known before are missing that a person has to decide.
fn is_mass_removal(known: i64, unseen: i64) -> bool {
    unseen > MOST_WITHOUT_DECISION || unseen * SHARE_WITHOUT_DECISION > known
}

/// Looks at the next few missing agents.
pub(super) async fn step(
    app: &App,
    run: &mut SyncRunRow,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    stop: &CancellationToken,
) -> Result<Missing, Stop> {
    if !may_mark(app, run).await? {
        return Ok(Missing::Done);
    }
    let mut conn = app.db.read().await?;
    let (agency, account, judge) = (&run.agency_id, &run.account_id, (&run.id, &run.key_id));
    let (known, unseen) =
        store::placements::count_unseen(&mut conn, agency, account, judge).await?;
    if unseen == 0 {
        return Ok(Missing::Done);
    }
    // Decided once, before the first is looked at; a run that has begun marking goes on.
    if run.removal_decision.is_none() && run.page_cursor.is_none() && is_mass_removal(known, unseen)
    {
        drop(conn);
        let tx = app.db.begin().await?;
        let mut next = run.clone();
        next.pending_removal_count = unseen;
        State::NeedsConfirmation
            .as_str()
            .clone_into(&mut next.state);
        return Ok(if pages::commit(app, tx, run, next).await? {
            Missing::NeedsConfirmation
        } else {
            Missing::Ended
        });
    }
    let after = run.page_cursor.clone().unwrap_or_default();
    let rows =
        store::placements::list_unseen(&mut conn, agency, account, judge, &after, BATCH).await?;
    drop(conn);
    if rows.is_empty() {
        return Ok(Missing::Done);
    }
    let mut next = run.clone();
    next.total = Some(next.done + unseen);
    let mut findings = Vec::with_capacity(rows.len());
    let mut trouble = None;
    let mut is_key_good = false;
    for row in rows {
        match look(client, target, &row, &mut is_key_good, stop).await {
            Ok(finding) => findings.push((row, finding)),
            Err(Stop::Provider(error)) if is_the_agents(run, &error, findings.is_empty()) => {
                // The list answers: the trouble is this agent's own, and proves nothing about it.
                match list_again(client, target, stop).await {
                    Ok(()) => findings.push((row, Finding::Unclear)),
                    Err(error) => {
                        trouble = Some(error);
                        break;
                    }
                }
            }
            Err(error) => {
                trouble = Some(error);
                break;
            }
        }
    }
    let is_kept = write(app, run, next, findings).await?;
    match trouble {
        _ if !is_kept => Ok(Missing::Ended),
        Some(error) => Err(error),
        None => Ok(Missing::More),
    }
}

/// Writes what the single reads found, so that trouble with one read costs none of those before it.
async fn write(
    app: &App,
    run: &mut SyncRunRow,
    mut next: SyncRunRow,
    findings: Vec<(UnseenRow, Finding)>,
) -> Result<bool> {
    let Some((last, _)) = findings.last() else {
        return Ok(true);
    };
    next.page_cursor = Some(last.id.as_str().to_owned());
    next.failures_in_a_row = 0;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut feed = Vec::new();
    for (row, finding) in findings {
        match finding {
            Finding::There(remote) => {
                let item = [agents::Prepared::new(&remote)?];
                agents::write_listed(&mut tx, run, &mut next, &item, now).await?;
            }
            Finding::Unclear => {
                next.unread_detail_count += 1;
                next.done += 1;
            }
            Finding::Gone(reason) => {
                store::placements::mark_inactive(&mut tx, &run.agency_id, &row.id, reason).await?;
                store::agents::refresh_status(&mut tx, &run.agency_id, &row.agent_id).await?;
                next.gone_count += 1;
                next.done += 1;
                let id = row.agent_id.as_str();
                feed.push(changes::change(
                    Subject::Agent,
                    id,
                    ChangeKind::Gone,
                    &row.name,
                    &[],
                ));
            }
        }
    }
    store::sync_changes::insert_many(&mut tx, &run.agency_id, &run.id, &feed, now).await?;
    pages::commit(app, tx, run, next).await
}

enum Finding {
    There(Box<crate::providers::RemoteAgent>),
    Gone(&'static str),
    /// It cannot be read, and nothing says why: it stays as it is.
    Unclear,
}

/// Whether the trouble may be the agent's own instead of the provider's: it makes no sense, or it has been waited for
/// often enough.
fn is_the_agents(run: &SyncRunRow, error: &ProviderError, is_first: bool) -> bool {
    match error {
        ProviderError::Malformed { .. } | ProviderError::Rejected { .. } => true,
        ProviderError::Unavailable { .. } => is_first && run.failures_in_a_row + 1 >= PATIENCE,
        _ => false,
    }
}

/// The single read: 404 is gone; 401 and 403 are "not visible to this key", but only while the key itself still works,
/// which is asked once.
async fn look(
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    row: &UnseenRow,
    is_key_good: &mut bool,
    stop: &CancellationToken,
) -> Result<Finding, Stop> {
    let timed = Target {
        deadline: Instant::now() + READ_TIME,
        ..*target
    };
    match answer(stop, client.get_agent(&timed, &row.remote_id)).await {
        Ok(remote) => Ok(Finding::There(Box::new(remote))),
        Err(Stop::Provider(ProviderError::NotFound)) => Ok(Finding::Gone("gone")),
        Err(Stop::Provider(
            ProviderError::InvalidKey { .. } | ProviderError::MissingPermission { .. },
        )) => {
            if !*is_key_good {
                list_again(client, target, stop).await?;
                *is_key_good = true;
            }
            Ok(Finding::Gone("not_visible"))
        }
        Err(stop) => Err(stop),
    }
}

#[cfg(test)]
mod tests {
    use super::is_mass_removal;

    /// S3: more than 50 agents, or more than 20 %, need a decision.
    #[test]
    fn many_missing_agents_need_a_decision() {
        assert!(!is_mass_removal(1000, 50));
        assert!(is_mass_removal(1000, 51));
        assert!(!is_mass_removal(10, 2));
        assert!(is_mass_removal(10, 3));
        assert!(is_mass_removal(1, 1));
    }
}
