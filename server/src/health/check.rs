//! Asking the provider whether a stored key works (K15, R7): the validation, repeated. "Test key" and the durable job of the
//! schedule share it. The plain key exists for the one request alone (E2).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    error::{Error, Result},
    health::{self, Observation, POSTPONED},
    id::{AgencyId, KeyId},
    jobs::{Job, JobError},
    keys::{self, Health, VALIDATION_TIME, words},
    store::{self, provider_keys::KeyRow},
};

/// Asks the provider. Whatever it says is the key's health, not an error; `before_asking` runs when everything is ready.
pub(crate) async fn ask(
    app: &App,
    row: &KeyRow,
    before_asking: impl AsyncFnOnce() -> Result<()>,
) -> Result<Observation> {
    let provider = keys::provider_of(&row.provider)?;
    let client = keys::client(provider)?;
    let base_url = keys::host(app, provider, keys::region_of(&row.version.region)?)?;
    let secret = keys::open(app, row)?;
    before_asking().await?;
    let answer = client
        .validate(&keys::target(app, base_url, &secret, VALIDATION_TIME))
        .await;
    drop(secret);
    Ok(match answer {
        Ok(validation) => Observation {
            health: Health::from(validation.outcome),
            capabilities: Some(keys::write_capabilities(&validation.capabilities)?),
            message: validation.message,
        },
        Err(error) => Observation {
            health: Health::from(&error),
            message: words::health_message(&error),
            capabilities: None,
        },
    })
}

/// One check of one key: by the schedule, to confirm a refusal, or as the probe of an open breaker.
#[derive(Serialize, Deserialize)]
pub(crate) struct CheckKeyJob {
    pub(crate) agency: AgencyId,
    pub(crate) key: KeyId,
}

#[async_trait]
impl Job for CheckKeyJob {
    const KIND: &'static str = "check_key";

    fn dedup_key(&self) -> String {
        self.key.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let mut conn = app.db.read().await?;
        let row = store::provider_keys::find(&mut conn, &self.agency, &self.key).await?;
        drop(conn);
        let Some(row) = row else {
            // Cleared meanwhile.
            return Ok(());
        };
        let asked = tokio::select! {
            asked = ask(app, &row, async || Ok(())) => asked,
            () = stop.cancelled() => return Err(JobError::Interrupted),
        };
        let seen = match asked {
            Ok(seen) => seen,
            // It cannot be opened, or its region is not configured any more: its card says so, and a check tells nothing.
            Err(Error::KeyUnreadable | Error::InvalidInput { .. }) => {
                return Ok(self.postpone(app).await?);
            }
            Err(error) => return Err(error.into()),
        };
        let mut tx = app.db.begin().await?;
        let is_current = health::record(&mut tx, app, &row, &seen).await?;
        tx.commit().await?;
        metrics::counter!("ringfence_key_checks_total", "provider" => row.provider.clone(), "health" => seen.health.as_str())
            .increment(1);
        tracing::debug!(
            provider.kind = row.provider,
            health = seen.health.as_str(),
            is_current,
            "a key was checked"
        );
        app.job_bell.notify_waiters();
        Ok(())
    }

    /// The key is asked about again later; nothing was found out.
    async fn give_up(&self, app: &App, _error: &Error) -> Result<()> {
        self.postpone(app).await
    }
}

impl CheckKeyJob {
    async fn postpone(&self, app: &App) -> Result<()> {
        let at = app.clock.now().plus(POSTPONED);
        let mut tx = app.db.begin().await?;
        store::health::postpone(&mut tx, &self.agency, &self.key, at).await?;
        tx.commit().await
    }
}
