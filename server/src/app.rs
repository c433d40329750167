//! The running application: database, vault, clients, clock and the few things that live in memory only. `serve`, the
//! jobs and the tests share one [`App`], built by [`App::build`], which is also where a wrong master key is found (E4).

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::{session::SessionTokens, throttle::Throttle, viewer::GuardAlarm},
    api_keys::usage,
    audit::AuditLog,
    clock::Clock,
    config::Config,
    demo::DemoInfo,
    error::Error,
    id::{AgencyId, CallId, PlacementRunId, SyncRunId},
    limits::{InProcess, RequestLimits},
    providers::http::HttpClient,
    store::{self, Db},
    vault::{MasterKey, Sealed, SessionSecret, SubKey, Vault, VaultError},
};

/// More of them would only wait for the database, and keep others waiting for it.
const WEBHOOKS_AT_ONCE: usize = 16;

/// Everything that a request or a job needs. Cloning shares it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What [`App`] derefs to.
pub struct Inner {
    /// The settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Seals and opens stored keys.
    pub vault: Vault,
    /// The time.
    pub clock: Clock,
    /// The audit log.
    pub audit: AuditLog,
    /// The one client for requests to providers.
    pub http: HttpClient,
    /// Rings when a use case is reached without its guard.
    pub guard_alarm: GuardAlarm,
    /// Who can log in to the demo; `None` outside it.
    pub demo: Option<DemoInfo>,
    /// Set when the server is asked to stop: jobs end after their page.
    pub shutdown: CancellationToken,
    /// Background tasks, so that a stop can wait for them.
    pub tasks: TaskTracker,
    pub(crate) fingerprint_key: SubKey,
    /// Makes the tokens that providers' webhooks prove themselves with where they sign nothing.
    pub(crate) webhook_key: SubKey,
    /// How many webhooks of providers are at work at once.
    pub(crate) webhook_permits: Semaphore,
    pub(crate) tokens: SessionTokens,
    pub(crate) throttles: Throttles,
    /// Counts the requests of API keys (A5).
    pub(crate) limits: Box<dyn RequestLimits>,
    /// What API keys were used for and is not written yet.
    pub(crate) api_key_counts: usage::Counts,
    /// Wakes the job workers.
    pub(crate) job_bell: Notify,
    /// Says which sync run has moved.
    pub(crate) sync_events: broadcast::Sender<SyncRunId>,
    /// Says which placement run has moved.
    pub(crate) placement_events: broadcast::Sender<PlacementRunId>,
    /// Says which call of which agency has moved.
    pub(crate) call_events: broadcast::Sender<(AgencyId, CallId)>,
}

/// What is counted in this process.
pub(crate) struct Throttles {
    /// Validations per person: 10 a minute (K16).
    pub(crate) validations_by_person: Throttle,
    /// Validations per agency: 30 an hour (K16).
    pub(crate) validations_by_agency: Throttle,
    /// Validations of all clients' people of an agency together: 120 an hour (K16).
    pub(crate) validations_by_portals: Throttle,
    /// Syncs that a person asks for: 10 a minute.
    pub(crate) syncs_by_person: Throttle,
    /// Syncs that the people of an agency ask for: 60 an hour.
    pub(crate) syncs_by_agency: Throttle,
    /// Webhooks sent by hand per agency: 10 a minute.
    pub(crate) webhooks_by_agency: Throttle,
    /// Reports of found API keys per network: 30 a minute (A9).
    pub(crate) exposures_by_network: Throttle,
    /// Failed log-ins per email and address: 5 in 15 minutes.
    pub(crate) log_ins_by_pair: Throttle,
    /// Failed log-ins per email from anywhere: 50 in 15 minutes, so that a stranger does not lock the owner out with five.
    pub(crate) log_ins_by_email: Throttle,
    /// Failed log-ins per address: 30 in 15 minutes.
    pub(crate) log_ins_by_address: Throttle,
}

impl Default for Throttles {
    fn default() -> Self {
        let quarter = Duration::from_mins(15);
        Self {
            validations_by_person: Throttle::new(10, Duration::from_mins(1)),
            validations_by_agency: Throttle::new(30, Duration::from_hours(1)),
            validations_by_portals: Throttle::new(120, Duration::from_hours(1)),
            syncs_by_person: Throttle::new(10, Duration::from_mins(1)),
            syncs_by_agency: Throttle::new(60, Duration::from_hours(1)),
            webhooks_by_agency: Throttle::new(10, Duration::from_mins(1)),
            exposures_by_network: Throttle::new(30, Duration::from_mins(1)),
            log_ins_by_pair: Throttle::new(5, quarter),
            log_ins_by_email: Throttle::new(50, quarter),
            log_ins_by_address: Throttle::new(30, quarter),
        }
    }
}

/// Why the application could not be built; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database holds sealed keys and the master key is another one.
    #[error(
        "The database was sealed with master key {needs}, but {file} holds master key {have}. Put the right master key \
         there; the text of its recovery kit, saved in that file with mode 0600, does too. Nothing was changed."
    )]
    WrongMasterKey {
        /// Id of the key that is needed.
        needs: String,
        /// Id of the key that is there.
        have: String,
        /// Where it was read from.
        file: String,
    },
    /// The canary does not open with the key that it names.
    #[error(
        "The database's canary record is damaged or missing, so that the master key cannot be proven. Restore a backup. \
         Nothing was changed."
    )]
    DamagedCanary,
    /// A rule of the vault.
    #[error(transparent)]
    Vault(VaultError),
    /// Anything else.
    #[error("{0}")]
    Other(#[from] Error),
    /// The database.
    #[error("The database could not be opened: {0}")]
    Database(Error),
    /// The HTTP client.
    #[error("The HTTP client could not be built: {0}")]
    Http(String),
}

impl App {
    /// Connects, migrates, proves the master key against the canary and opens what it seals.
    pub async fn build(
        config: Config,
        clock: Clock,
        master_key: MasterKey,
        session_secret: &SessionSecret,
        demo: Option<DemoInfo>,
    ) -> Result<Self, BuildError> {
        let db = Db::connect(&config.database)
            .await
            .map_err(BuildError::Database)?;
        let vault = Vault::new(master_key, config.cipher);
        prove_master_key(&db, &vault, &clock, &config).await?;
        let fingerprint_key = sub_key(&db, &vault, &clock, "fingerprint").await?;
        let audit_key = sub_key(&db, &vault, &clock, "audit").await?;
        let webhook_key = sub_key(&db, &vault, &clock, "call_webhooks").await?;
        let mut tx = db.begin().await?;
        store::audit::ensure_head(&mut tx).await?;
        tx.commit().await?;
        let http = HttpClient::new().map_err(|error| BuildError::Http(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            config,
            db,
            vault,
            clock,
            audit: AuditLog::new(audit_key),
            http,
            guard_alarm: GuardAlarm::default(),
            demo,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            fingerprint_key,
            webhook_key,
            webhook_permits: Semaphore::new(WEBHOOKS_AT_ONCE),
            tokens: SessionTokens::new(session_secret)?,
            throttles: Throttles::default(),
            limits: Box::new(InProcess::default()),
            api_key_counts: usage::Counts::default(),
            job_bell: Notify::new(),
            sync_events: broadcast::channel(256).0,
            placement_events: broadcast::channel(256).0,
            call_events: broadcast::channel(256).0,
        })))
    }

    /// Runs a task that a stop waits for.
    pub(crate) fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: std::future::Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Lets the job workers look for due jobs at once: after the clock of a test was moved.
    pub fn wake_jobs(&self) {
        self.job_bell.notify_waiters();
    }

    /// How many jobs are queued or running.
    pub async fn live_jobs(&self) -> crate::error::Result<i64> {
        let mut conn = self.db.read().await?;
        store::jobs::count_live(&mut conn).await
    }

    /// Asks everything to stop and waits for it, at most `grace`.
    pub async fn stop(&self, grace: Duration) {
        self.shutdown.cancel();
        self.job_bell.notify_waiters();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some tasks did not end in time; their jobs resume at the next start");
        }
        self.db.close().await;
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The canary is the first sealed record: made once, opened at each start (E4).
async fn prove_master_key(
    db: &Db,
    vault: &Vault,
    clock: &Clock,
    config: &Config,
) -> Result<(), BuildError> {
    let mut conn = db.read().await?;
    let found = store::facts::find_vault_row(&mut conn, "canary").await?;
    drop(conn);
    let canary = match found {
        Some(canary) => canary,
        None => make_canary(db, vault, clock).await?,
    };
    match vault.check_canary(&canary) {
        Ok(()) => Ok(()),
        Err(VaultError::WrongMasterKey { needs, have }) => Err(BuildError::WrongMasterKey {
            needs,
            have,
            file: config.master_key_file.display().to_string(),
        }),
        Err(VaultError::Unreadable | VaultError::Format(_)) => Err(BuildError::DamagedCanary),
        Err(error) => Err(BuildError::Vault(error)),
    }
}

/// Makes the canary of a new database, or gives the one of another replica that starts at the same moment.
async fn make_canary(db: &Db, vault: &Vault, clock: &Clock) -> Result<Sealed, BuildError> {
    let canary = vault.seal_canary().map_err(BuildError::Vault)?;
    let mut tx = db.begin().await?;
    // In this order: each statement sees what was committed before it, and a canary is committed before all else that is
    // sealed. So it is missing only when something was sealed before the look for it.
    let is_sealed = store::facts::has_sealed_rows(&mut tx).await?;
    if let Some(canary) = store::facts::find_vault_row(&mut tx, "canary").await? {
        return Ok(canary);
    }
    if is_sealed {
        return Err(BuildError::DamagedCanary);
    }
    let is_first = store::facts::insert_vault_row(&mut tx, "canary", &canary, clock.now()).await?;
    if is_first {
        tx.commit().await?;
        return Ok(canary);
    }
    store::facts::find_vault_row(&mut tx, "canary")
        .await?
        .ok_or(BuildError::DamagedCanary)
}

/// A random key that the master key wraps, so that it survives the master key's rotation (E3); made once.
async fn sub_key(db: &Db, vault: &Vault, clock: &Clock, name: &str) -> Result<SubKey, BuildError> {
    let mut tx = db.begin().await?;
    let mut row = store::facts::find_vault_row(&mut tx, name).await?;
    if row.is_none() {
        let (_, sealed) = vault.new_sub_key(name).map_err(BuildError::Vault)?;
        store::facts::insert_vault_row(&mut tx, name, &sealed, clock.now()).await?;
        row = store::facts::find_vault_row(&mut tx, name).await?;
    }
    tx.commit().await?;
    let row = row.ok_or_else(|| Error::internal(format!("the {name} key vanished")))?;
    vault.open_sub_key(name, &row).map_err(BuildError::Vault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DatabaseLocation;

    /// E4: of two replicas at a first start, the one that saw no canary and then found the other's goes on with that one,
    /// though more is sealed by then. Without a canary beside them, sealed rows are damage.
    #[tokio::test]
    async fn a_canary_of_another_replica_is_no_damage() {
        let clock = Clock::manual(crate::clock::Timestamp::from_millis(0));
        let key = MasterKey::generate().expect("key");
        let vault = Vault::new(key, crate::vault::Cipher::XChaCha20Poly1305);
        let folder = tempfile::tempdir().expect("folder");
        let database = async |name: &str| {
            let file = DatabaseLocation::Sqlite(folder.path().join(name));
            Db::connect(&file).await.expect("database")
        };
        let shared = database("shared.db").await;
        let first = make_canary(&shared, &vault, &clock).await.expect("made");
        let sealed = sub_key(&shared, &vault, &clock, "audit").await;
        assert!(sealed.is_ok());
        let second = make_canary(&shared, &vault, &clock).await.expect("found");
        assert_eq!(first.sealed, second.sealed);
        assert!(vault.check_canary(&second).is_ok());

        let damaged = database("damaged.db").await;
        let sealed = sub_key(&damaged, &vault, &clock, "audit").await;
        assert!(sealed.is_ok());
        let missing = make_canary(&damaged, &vault, &clock).await;
        assert!(matches!(missing, Err(BuildError::DamagedCanary)));
    }
}
