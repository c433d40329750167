//! "Test key": repeats the validation with the stored key and writes down its health (K15).

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    health::{self, check},
    id::KeyId,
    keys::{self, attempts},
    store::{self, provider_keys::KeyRow},
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
    let seen = check::ask(app, &row, async || {
        attempts::count(app, viewer, agency, provider).await
    })
    .await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    health::record(&mut tx, app, &row, &seen).await?;
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
            seen.health.as_str()
        ),
    };
    let row = store::provider_keys::find(&mut tx, agency, key).await?;
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    // Cleared meanwhile: the check was made all the same, and stays written down.
    row.ok_or(Error::NotFound)
}
