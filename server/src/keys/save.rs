//! Saving a provider key: check what was typed, try it with the provider, seal it as a new version, start the sync. Until
//! the provider has accepted the key nothing is written but the audit entry of a refusal, so that the key that was there
//! stays in use (K3). A roll-back ends here too: the old version's key becomes a new version.

use secrecy::SecretString;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    clients,
    clock::Timestamp,
    config::Region,
    error::{Error, Result},
    health,
    id::{AccountId, AgencyId, ClientId, HandInId, KeyId},
    keys::{
        self, SIGNATURE_GRACE, account,
        candidate::{self, Candidate, Place},
        secret,
    },
    portal::hand_in,
    providers::ProviderKind,
    store::{
        self,
        provider_keys::{HealthUpdate, KeyRow, Scope, VersionRow},
        sync_runs::SyncRunRow,
    },
    sync::{self, Trigger},
    vault::Binding,
};

/// What is to be saved.
pub(crate) struct SaveKey {
    pub(crate) provider: ProviderKind,
    /// Whose key it becomes; none: the agency's own.
    pub(crate) client: Option<ClientId>,
    /// Absent: the stored key stays.
    pub(crate) api_key: Option<SecretString>,
    /// Absent: the stored region stays.
    pub(crate) region: Option<Region>,
    /// The version that the page showed.
    pub(crate) expected_version: Option<i64>,
}

/// What was saved.
pub(crate) struct Saved {
    pub(crate) key: KeyRow,
    pub(crate) sync_run: Option<SyncRunRow>,
}

/// Saves a key of the viewer's agency, or of one of its clients.
pub(crate) async fn save(app: &App, viewer: &Viewer, input: SaveKey) -> Result<Saved> {
    let agency = viewer.require(Permission::ManageKeys)?;
    keys::client(input.provider)?;
    let place = Place::load(app, agency, input.provider, input.client.as_ref()).await?;
    let active = place.current.as_ref().map(|row| row.version.version);
    check_version(active, input.expected_version)?;
    let stored_region = place.stored_region()?;
    let region = input.region.or(stored_region).unwrap_or(Region::Default);
    keys::host(app, input.provider, region)?;
    let key = match (&input.api_key, &place.current) {
        (Some(typed), _) => secret::parse("apiKey", typed)?,
        (None, None) => return Err(Error::invalid("apiKey", "Enter the key.")),
        // Nothing was changed: nothing is sent anywhere.
        (None, Some(row)) if stored_region == Some(region) => {
            return Ok(Saved {
                key: row.clone(),
                sync_run: None,
            });
        }
        (None, Some(row)) => keys::open(app, row)?,
    };
    let candidate = candidate::try_key(app, viewer, agency, &place, key, region).await?;
    let expected = input.expected_version;
    put_in_use(
        app,
        viewer,
        agency,
        &place,
        &candidate,
        expected,
        Occasion::Saved,
    )
    .await
}

/// How a key came to be put in use, and what has to hold for that when it is written.
#[derive(Clone, Copy)]
pub(crate) enum Occasion<'a> {
    /// An admin typed it.
    Saved,
    /// An admin went back to an old version.
    RolledBack,
    /// A client's person handed it in, and it opens the account that is connected (P4).
    HandedIn,
    /// An admin accepted one that waited.
    Accepted(&'a HandInId),
}

impl Occasion<'_> {
    fn action(self, active: Option<i64>) -> Action {
        match self {
            Self::Saved if active.is_some() => Action::KeyReplaced,
            Self::Saved => Action::KeySaved,
            Self::RolledBack => Action::KeyRolledBack,
            Self::HandedIn => Action::KeyHandedIn,
            Self::Accepted(_) => Action::HandInAccepted,
        }
    }
}

/// Puts an accepted key in use, if the place still holds what the page showed. A failure is written down, too.
pub(crate) async fn put_in_use(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    candidate: &Candidate,
    expected_version: Option<i64>,
    occasion: Occasion<'_>,
) -> Result<Saved> {
    let saved = write(
        app,
        viewer,
        agency,
        place,
        candidate,
        expected_version,
        occasion,
    )
    .await;
    if let Err(error) = &saved {
        let outcome = candidate.health().as_str();
        candidate::record_unstored(app, viewer, agency, place, outcome, error).await?;
    }
    saved
}

async fn write(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    candidate: &Candidate,
    expected_version: Option<i64>,
    occasion: Occasion<'_>,
) -> Result<Saved> {
    let now = app.clock.now();
    let provider = place.provider;
    let client = place.client.as_ref().map(|row| &row.id);
    let scope = keys::scope(agency, client);
    let mut tx = app.db.begin().await?;
    if let Some(client) = client {
        clients::lock_in_use(&mut tx, agency, client).await?;
    }
    let slot = store::provider_keys::lock_slot(&mut tx, agency, &scope, provider).await?;
    // The same question as before the validation: somebody may have saved meanwhile (K12).
    let active = slot.as_ref().and_then(|slot| slot.active_version);
    check_version(active, expected_version)?;
    let (key_id, version) = if let Some(slot) = slot {
        (slot.id, slot.last_version + 1)
    } else {
        let id = KeyId::new();
        if !store::provider_keys::insert_slot(&mut tx, agency, &scope, provider, &id, now).await? {
            return Err(stale());
        }
        (id, 1)
    };
    // In the order in which a sync locks them; what it has written by then counts for which account it is.
    account::lock(&mut tx, agency, &candidate.account).await?;
    if active.is_some() {
        let message = if candidate.may_list() {
            "The key was replaced; a sync with the new key follows."
        } else {
            "The key was replaced by one that may list neither agents nor numbers; no sync follows."
        };
        store::sync_runs::end_active_of_key(&mut tx, agency, &key_id, message, now).await?;
    }
    let account_id = account::settle(&mut tx, agency, provider, &candidate.account, now).await?;
    match occasion {
        Occasion::Saved | Occasion::RolledBack => {}
        Occasion::HandedIn => {
            hand_in::allow_at_once(app, &mut tx, viewer, place, &account_id).await?;
        }
        Occasion::Accepted(id) => hand_in::end_accepted(app, &mut tx, viewer, id).await?,
    }
    let row = seal(
        app,
        (viewer, agency),
        place,
        &scope,
        candidate,
        &key_id,
        version,
        account_id,
        now,
    )?;
    store::provider_keys::insert_version(&mut tx, agency, &key_id, &row).await?;
    let health = candidate.health();
    let update = HealthUpdate {
        health: health.as_str(),
        message: candidate.validation.message.as_deref(),
        checked_at: now,
    };
    store::provider_keys::activate(&mut tx, agency, &key_id, version, &update).await?;
    health::reset(&mut tx, app, agency, &key_id).await?;
    if let Some(before) = active {
        let shred_after = now.plus(SIGNATURE_GRACE);
        store::provider_keys::retire_version(&mut tx, agency, &key_id, before, now, shred_after)
            .await?;
    }
    if client.is_none() {
        store::agencies::set_first_voice_provider(&mut tx, agency, provider.as_str()).await?;
    }
    let key = store::provider_keys::find(&mut tx, agency, &key_id)
        .await?
        .ok_or_else(|| Error::internal("the key just saved is not there"))?;
    let sync_run = if candidate.may_list() {
        Some(
            sync::enqueue(&mut tx, &key, Trigger::KeySaved, Some(&viewer.user_id), now)
                .await?
                .run,
        )
    } else {
        None
    };
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: occasion.action(active),
        subject: key_id.as_str(),
        provider: Some(provider),
        summary: format!(
            "{} …{} saved as version {version}; check: {}.",
            place.label(),
            row.last_four,
            health.as_str()
        ),
    };
    // Last: it locks the chain's head, which every other writer locks last too.
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(Saved { key, sync_run })
}

#[expect(
    clippy::too_many_arguments,
    reason = "a row has this many origins; a struct would only rename them"
)]
fn seal(
    app: &App,
    (viewer, agency): (&Viewer, &AgencyId),
    place: &Place,
    scope: &Scope<'_>,
    candidate: &Candidate,
    key_id: &KeyId,
    version: i64,
    account_id: AccountId,
    now: Timestamp,
) -> Result<VersionRow> {
    let binding = Binding {
        agency_id: agency.as_str(),
        scope_kind: scope.kind,
        scope_id: scope.id,
        provider: place.provider.as_str(),
        key_id: key_id.as_str(),
        version,
        field: "api_key",
    };
    let sealed = app.vault.seal(&binding, &candidate.key)?;
    Ok(VersionRow {
        version,
        account_id,
        region: candidate.region.as_str().to_owned(),
        capabilities: keys::write_capabilities(&candidate.validation.capabilities)?,
        last_four: secret::last_four(&candidate.key),
        fingerprint: account::fingerprint(app, place.provider, &candidate.key),
        cipher: sealed.cipher.as_str().to_owned(),
        master_key_id: sealed.master_key_id,
        wrapped_key: Some(sealed.wrapped_key),
        sealed: Some(sealed.sealed),
        saved_by: Some(viewer.user_id.clone()),
        saved_at: now,
    })
}

/// The page must have shown the version that is in use (K12).
pub(crate) fn check_version(active: Option<i64>, expected: Option<i64>) -> Result<()> {
    match (active, expected) {
        // A page that showed no key, or a script that did not say what it has seen.
        (Some(active), None) => Err(Error::Conflict(format!(
            "A key is stored already, as version {active}. Nothing was saved; look at it, then replace it by sending that \
             version."
        ))),
        (active, expected) if active == expected => Ok(()),
        _ => Err(stale()),
    }
}

fn stale() -> Error {
    Error::Conflict(
        "Somebody else changed this key meanwhile. Nothing was saved; look at the key as it is now, then save again."
            .to_owned(),
    )
}
