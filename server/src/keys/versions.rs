//! The versions of a key and the way back to one of them (K10). A roll-back tries the old version's key like any other
//! and stores it as a new version, so that versions only ever rise and what went before stays readable in the history.

use crate::{
    access::{Permission, Viewer},
    app::App,
    error::{Error, Result},
    id::{AgencyId, ClientId},
    keys::{
        self,
        candidate::{self, Place},
        save::{self, Occasion, Saved},
    },
    providers::ProviderKind,
    store::{self, provider_keys::StoredVersionRow},
};

/// How many versions a history goes back.
const SHOWN_VERSIONS: i64 = 50;

/// The versions of a place's key, the newest first.
pub(crate) async fn list(
    app: &App,
    agency: &AgencyId,
    provider: ProviderKind,
    client: Option<&ClientId>,
) -> Result<Vec<StoredVersionRow>> {
    let mut conn = app.db.read().await?;
    if let Some(client) = client {
        store::clients::find(&mut conn, agency, client)
            .await?
            .ok_or(Error::NotFound)?;
    }
    let scope = keys::scope(agency, client);
    store::provider_keys::list_versions(&mut conn, agency, &scope, provider, SHOWN_VERSIONS).await
}

/// A stored version that is not in use and not destroyed.
pub(crate) fn pick(versions: Vec<StoredVersionRow>, version: i64) -> Result<StoredVersionRow> {
    let found = versions
        .into_iter()
        .find(|row| row.key.version.version == version)
        .ok_or(Error::NotFound)?;
    if found.active_version == Some(version) {
        return Err(Error::invalid("version", "This version is in use already."));
    }
    if found.key.version.sealed.is_none() {
        return Err(Error::invalid(
            "version",
            "This version was destroyed; nobody can bring it back. Enter the key again.",
        ));
    }
    Ok(found)
}

/// Back to an old version, which becomes the newest.
pub(crate) struct RollBack {
    pub(crate) provider: ProviderKind,
    pub(crate) client: Option<ClientId>,
    pub(crate) version: i64,
    /// The version in use that the page showed; none: the key was cleared.
    pub(crate) expected_version: Option<i64>,
}

/// Tries an old version's key and puts it in use again.
pub(crate) async fn roll_back(app: &App, viewer: &Viewer, input: RollBack) -> Result<Saved> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let client = input.client.as_ref();
    let place = Place::load(app, agency, input.provider, client).await?;
    let active = place.current.as_ref().map(|row| row.version.version);
    save::check_version(active, input.expected_version)?;
    let row = pick(
        list(app, agency, input.provider, client).await?,
        input.version,
    )?;
    let key = keys::open(app, &row.key)?;
    let region = keys::region_of(&row.key.version.region)?;
    let candidate = candidate::try_key(app, viewer, agency, &place, key, region).await?;
    save::put_in_use(
        app,
        viewer,
        agency,
        &place,
        &candidate,
        input.expected_version,
        Occasion::RolledBack,
    )
    .await
}
