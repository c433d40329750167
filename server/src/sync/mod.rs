//! Importing what an account holds: agents with their portable definitions, numbers and voices. A sync is a durable job;
//! its run's row is the checkpoint, written in the same transaction as each page, so that a killed process goes on where
//! it was with nothing twice and nothing half-marked (S5).

mod agents;
pub(crate) mod changes;
pub(crate) mod confirm;
mod details;
pub(crate) mod events;
pub(crate) mod missing;
mod numbers;
pub(crate) mod pages;
mod placed;
pub(crate) mod run;
pub(crate) mod schedule;

use crate::{
    access::{Permission, Viewer, throttle::attempt_all},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, ClientId, SyncRunId, UserId},
    jobs, keys,
    providers::ProviderKind,
    store::{self, Conn, provider_keys::KeyRow, sync_runs::SyncRunRow},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident $graphql:literal { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        #[graphql(name = $graphql)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// As the database keeps it.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What `as_str` wrote.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// Why a sync began.
    Trigger "SyncTrigger" {
        /// A key was saved or replaced.
        KeySaved => "key_saved",
        /// Somebody asked for it.
        Manual => "manual",
        /// The schedule asked for it.
        Schedule => "schedule",
    }
}

words! {
    /// How a sync stands.
    State "SyncState" {
        /// It has not begun.
        Queued => "queued",
        /// It reads and writes.
        Running => "running",
        /// It waits for the provider; `waitingUntil` says until when.
        Waiting => "waiting",
        /// So many agents are gone that a person has to decide.
        NeedsConfirmation => "needs_confirmation",
        /// It has ended well.
        Succeeded => "succeeded",
        /// It has ended with `error`.
        Failed => "failed",
    }
}

words! {
    /// What a sync is reading.
    Phase "SyncPhase" {
        /// The account's agents.
        Agents => "agents",
        /// The account's phone numbers.
        PhoneNumbers => "phone_numbers",
        /// What the agents' list does not tell, agent by agent.
        AgentDetails => "agent_details",
        /// The account's voices.
        Voices => "voices",
        /// Agents that were here and were not listed, one by one.
        MissingAgents => "missing_agents",
    }
}

words! {
    /// What becomes of many agents that were not listed any more.
    Decision "SyncDecision" {
        /// Each is looked for once more and becomes inactive when it is gone.
        MarkInactive => "mark_inactive",
        /// All stay active.
        KeepActive => "keep_active",
    }
}

/// A run that was asked for.
pub(crate) struct Enqueued {
    pub(crate) run: SyncRunRow,
    /// One was under way, and the request joined it (S6).
    pub(crate) has_joined: bool,
}

/// Queues a sync of the key's account, or joins the one under way.
pub(crate) async fn enqueue(
    conn: &mut Conn,
    key: &KeyRow,
    trigger: Trigger,
    requested_by: Option<&UserId>,
    now: Timestamp,
) -> Result<Enqueued> {
    let run = SyncRunRow {
        id: SyncRunId::new(),
        agency_id: key.agency_id.clone(),
        key_id: key.id.clone(),
        key_version: key.version.version,
        account_id: key.version.account_id.clone(),
        provider: key.provider.clone(),
        trigger_kind: trigger.as_str().to_owned(),
        state: State::Queued.as_str().to_owned(),
        phase: None,
        page_cursor: None,
        is_list_complete: true,
        removal_decision: None,
        done: 0,
        total: None,
        agent_count: 0,
        phone_number_count: 0,
        voice_count: 0,
        added_count: 0,
        changed_count: 0,
        gone_count: 0,
        returned_count: 0,
        pending_removal_count: 0,
        unread_detail_count: 0,
        failures_in_a_row: 0,
        waiting_until: None,
        waiting_reason: None,
        error_code: None,
        error_message: None,
        requested_by: requested_by.cloned(),
        created_at: now,
        started_at: None,
        finished_at: None,
        revision: 0,
    };
    let mut inserted = store::sync_runs::insert(conn, &run).await?;
    if inserted.is_none() {
        inserted = replace_outdated(conn, key, &run, now).await?;
    }
    if inserted.is_none() {
        let active = store::sync_runs::find_active(conn, &run.agency_id, &run.account_id)
            .await?
            .ok_or_else(|| Error::Conflict("A sync has just ended; ask again.".to_owned()))?;
        return Ok(Enqueued {
            run: active,
            has_joined: true,
        });
    }
    jobs::enqueue(
        conn,
        &run::SyncJob {
            agency: run.agency_id.clone(),
            run: run.id.clone(),
        },
        now,
    )
    .await?;
    Ok(Enqueued {
        run,
        has_joined: false,
    })
}

/// Ends a run that began with a version of the key before this one, and queues the new run in its place: whoever asked
/// for it had not seen the replacement.
async fn replace_outdated(
    conn: &mut Conn,
    key: &KeyRow,
    run: &SyncRunRow,
    now: Timestamp,
) -> Result<Option<()>> {
    let active = store::sync_runs::find_active(conn, &run.agency_id, &run.account_id).await?;
    let is_outdated = active
        .is_some_and(|active| active.key_id == key.id && active.key_version < key.version.version);
    if !is_outdated {
        return Ok(None);
    }
    let message = "The key was replaced; a sync with the new key follows.";
    store::sync_runs::end_active_of_key(conn, &key.agency_id, &key.id, message, now).await?;
    store::sync_runs::insert(conn, run).await
}

/// Counts a sync that a person asks for, or refuses it: an import reads a whole account, and every one of them is kept.
fn count(app: &App, viewer: &Viewer, agency: &AgencyId, now: Timestamp) -> Result<()> {
    let counters = [
        (&app.throttles.syncs_by_person, viewer.user_id.as_str()),
        (&app.throttles.syncs_by_agency, agency.as_str()),
    ];
    let limits = [
        "You have started 10 syncs in a minute",
        "This agency has started 60 syncs in an hour",
    ];
    attempt_all(&counters, now).map_err(|(refused, retry_after)| Error::TooManyAttempts {
        message: format!(
            "{}. What was imported is unchanged; try again in {}.",
            limits[refused],
            keys::words::wait(retry_after)
        ),
        retry_after,
    })
}

/// "Sync now": for everybody who may see that keys work.
pub(crate) async fn start(
    app: &App,
    viewer: &Viewer,
    provider: ProviderKind,
    client: Option<&ClientId>,
) -> Result<Enqueued> {
    let agency = viewer.require(Permission::ViewKeyStatus)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(client) = client {
        store::clients::find(&mut tx, agency, client)
            .await?
            .ok_or(Error::NotFound)?;
    }
    let scope = keys::scope(agency, client);
    let key = store::provider_keys::find_in_scope(&mut tx, agency, &scope, provider)
        .await?
        .ok_or_else(|| {
            Error::invalid(
                "provider",
                format!(
                    "No {} key is stored. Save one, and its account is imported.",
                    provider.display_name()
                ),
            )
        })?;
    let enqueued = enqueue(&mut tx, &key, Trigger::Manual, Some(&viewer.user_id), now).await?;
    if !enqueued.has_joined {
        // Refused, the run is not written; a request that joins one costs nothing and is not counted.
        count(app, viewer, agency, now)?;
        let entry = Entry {
            agency: Some(agency),
            actor: Actor::Person(viewer),
            action: Action::SyncRequested,
            subject: enqueued.run.id.as_str(),
            provider: Some(keys::provider_of(&key.provider)?),
            summary: format!("A sync of {} was asked for.", provider.display_name()),
        };
        app.audit.append(&mut tx, entry, now).await?;
    }
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(enqueued)
}
