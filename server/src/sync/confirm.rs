//! Deciding what becomes of many agents that were not listed any more (S3): a run that stopped at `NEEDS_CONFIRMATION`
//! goes on with the decision.

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

/// Takes the decision and lets the run go on.
pub(crate) async fn confirm(
    app: &App,
    viewer: &Viewer,
    run: &SyncRunId,
    decision: Decision,
) -> Result<SyncRunRow> {
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
    store::sync_runs::update(&mut tx, &row).await?;
    jobs::enqueue(
        &mut tx,
        &SyncJob {
            agency: agency.clone(),
            run: run.clone(),
        },
        now,
    )
    .await?;
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
    Ok(row)
}
