//! "Test key": repeats the validation with the stored key and writes down its health (K15).

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::KeyId,
    keys::{self, Health, VALIDATION_TIME, attempts, words},
    store::{
        self,
        provider_keys::{HealthUpdate, KeyRow},
    },
};

/// Checks a stored key of the viewer's agency. Whatever the provider says is the key's health, not an error.
pub(crate) async fn test(app: &App, viewer: &Viewer, key: &KeyId) -> Result<KeyRow> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let mut conn = app.db.read().await?;
    let row = store::provider_keys::find(&mut conn, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    drop(conn);
    let provider = keys::provider_of(&row.provider)?;
    let client = keys::client(provider)?;
    let base_url = keys::host(app, provider, keys::region_of(&row.version.region)?)?;
    let secret = keys::open(app, &row)?;
    attempts::count(app, viewer, agency, provider).await?;

    let answer = client
        .validate(&keys::target(app, base_url, &secret, VALIDATION_TIME))
        .await;
    drop(secret);
    let (health, message, capabilities) = match &answer {
        Ok(validation) => (
            Health::from(validation.outcome),
            validation.message.clone(),
            Some(keys::write_capabilities(&validation.capabilities)?),
        ),
        Err(error) => (Health::from(error), words::health_message(error), None),
    };
    let now = app.clock.now();
    let version = row.version.version;
    let update = HealthUpdate {
        health: health.as_str(),
        message: message.as_deref(),
        checked_at: now,
    };
    let mut tx = app.db.begin().await?;
    let is_current =
        store::provider_keys::update_health(&mut tx, agency, key, version, &update).await?;
    if let (true, Some(capabilities)) = (is_current, capabilities) {
        store::provider_keys::update_capabilities(&mut tx, agency, key, version, &capabilities)
            .await?;
    }
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyTested,
        subject: key.as_str(),
        provider: Some(provider),
        summary: format!(
            "{} key …{} tested; check: {}.",
            provider.display_name(),
            row.version.last_four,
            health.as_str()
        ),
    };
    let row = store::provider_keys::find(&mut tx, agency, key).await?;
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    // Cleared meanwhile: the check was made all the same, and stays written down.
    row.ok_or(Error::NotFound)
}
