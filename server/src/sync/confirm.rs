//! Deciding what becomes of many agents that were not listed any more (S3): a run that stopped at `NEEDS_CONFIRMATION`
//! goes on with the decision.

use std::time::Duration;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::SyncRunId,
    jobs, keys,
    store::{self, sync_runs::SyncRunRow},
    sync::{Decision, State, events, run::SyncJob},
};

/// How often, and how far apart, the job that has just stopped for the decision is waited for.
const PATIENCE: (u32, Duration) = (40, Duration::from_millis(50));

/// Takes the decision and lets the run go on.
pub(crate) async fn confirm(
    app: &App,
    viewer: &Viewer,
    run: &SyncRunId,
    decision: Decision,
) -> Result<SyncRunRow> {
    for _ in 0..PATIENCE.0 {
        if let Some(row) = try_confirm(app, viewer, run, decision).await? {
            return Ok(row);
        }
        tokio::time::sleep(PATIENCE.1).await;
    }
    Err(Error::Conflict(
        "This sync is only just stopping for the decision; send it again.".to_owned(),
    ))
}

/// `None`, and nothing is written, while the job that asked for the decision has not quite ended: a job queued now would be
/// taken for the same one, and nobody would go on.
async fn try_confirm(
    app: &App,
    viewer: &Viewer,
    run: &SyncRunId,
    decision: Decision,
) -> Result<Option<SyncRunRow>> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut row = store::sync_runs::find(&mut tx, agency, run)
        .await?
        .ok_or(Error::NotFound)?;
    if State::parse(&row.state) != Some(State::NeedsConfirmation) {
        return Err(Error::Conflict(
            "This sync is not waiting for a decision any more.".to_owned(),
        ));
    }
    State::Queued.as_str().clone_into(&mut row.state);
    row.removal_decision = Some(decision.as_str().to_owned());
    let job = SyncJob {
        agency: agency.clone(),
        run: run.clone(),
    };
    if !store::sync_runs::update(&mut tx, &row).await? || !jobs::enqueue(&mut tx, &job, now).await?
    {
        return Ok(None);
    }
    row.revision += 1;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::SyncConfirmed,
        subject: run.as_str(),
        provider: Some(keys::provider_of(&row.provider)?),
        summary: match decision {
            Decision::MarkInactive => {
                format!(
                    "{} agents that were not listed any more may become inactive.",
                    row.pending_removal_count
                )
            }
            Decision::KeepActive => {
                format!(
                    "{} agents that were not listed any more stay active.",
                    row.pending_removal_count
                )
            }
        },
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    events::publish(app, run);
    Ok(Some(row))
}
