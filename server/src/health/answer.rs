//! What the answers to real requests say of a key (R7): of imports, of placing agents and of calls. Each is written in a
//! transaction of its own, after whatever the request was for.

use crate::{
    app::App,
    error::Result,
    health::{self, Observation},
    keys::{self, Health, words},
    providers::{CapabilityState, ProviderError},
    store::provider_keys::KeyRow,
};

/// A definite answer about the key becomes its health; an outage says nothing about it.
pub(crate) async fn record_health(app: &App, key: &KeyRow, error: &ProviderError) -> Result<()> {
    let health = match error {
        ProviderError::InvalidKey { .. } | ProviderError::NoFunds { .. } => Health::from(error),
        _ => return Ok(()),
    };
    set_health(app, key, health, words::health_message(error)).await
}

/// A call that the provider took proves that the key works, whatever was known of it before.
pub(crate) async fn record_success(app: &App, key: &KeyRow) -> Result<()> {
    let before = Health::parse(&key.health);
    if matches!(before, Some(Health::Valid | Health::Limited)) {
        return Ok(());
    }
    let states = keys::read_capabilities(&key.version.capabilities);
    let is_limited = states
        .iter()
        .any(|(_, state)| *state == CapabilityState::No);
    let health = if is_limited {
        Health::Limited
    } else {
        Health::Valid
    };
    set_health(app, key, health, None).await
}

/// Writes down how the key fares.
pub(crate) async fn set_health(
    app: &App,
    key: &KeyRow,
    health: Health,
    message: Option<String>,
) -> Result<()> {
    let seen = Observation {
        health,
        message,
        capabilities: None,
    };
    let mut tx = app.db.begin().await?;
    health::record(&mut tx, app, key, &seen).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(())
}
