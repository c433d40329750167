//! Saving a provider key: check what was typed, validate it with the provider, seal it as a new version, start the sync.
//! Until the provider has accepted the key nothing is written but the audit entry of a refusal, so that the key that was
//! there stays in use (K3).

use secrecy::SecretString;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    config::Region,
    error::{Error, Result},
    health,
    id::{AgencyId, KeyId},
    keys::{
        self, Health, SIGNATURE_GRACE, VALIDATION_TIME,
        account::{self, Account},
        agency_scope, attempts, secret,
        words::{self, Kept},
    },
    providers::{Capability, CapabilityState, ProviderError, ProviderKind, Validation},
    store::{
        self,
        provider_keys::{HealthUpdate, KeyRow, VersionRow},
        sync_runs::SyncRunRow,
    },
    sync::{self, Trigger},
    vault::Binding,
};

/// What is to be saved.
pub(crate) struct SaveKey {
    pub(crate) provider: ProviderKind,
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

/// Saves a key of the viewer's agency.
pub(crate) async fn save(app: &App, viewer: &Viewer, input: SaveKey) -> Result<Saved> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let provider = input.provider;
    let client = keys::client(provider)?;
    let mut conn = app.db.read().await?;
    let current =
        store::provider_keys::find_in_scope(&mut conn, agency, &agency_scope(agency), provider)
            .await?;
    drop(conn);
    check_version(
        current.as_ref().map(|row| row.version.version),
        input.expected_version,
    )?;
    let stored_region = current
        .as_ref()
        .map(|row| keys::region_of(&row.version.region))
        .transpose()?;
    let region = input.region.or(stored_region).unwrap_or(Region::Default);
    let base_url = keys::host(app, provider, region)?;
    let key = match (&input.api_key, &current) {
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
    attempts::count(app, viewer, agency, provider).await?;

    let refused = async |cause: ProviderError| -> Result<Error> {
        let outcome = Health::from(&cause).as_str();
        record_refusal(app, viewer, agency, provider, outcome).await?;
        let kept = current.as_ref().map_or(Kept::Nothing, |row| Kept::Key {
            last_four: &row.version.last_four,
        });
        let hint = secret::hint(provider, &key);
        Ok(words::not_saved(provider, cause, &kept, hint))
    };
    let target = keys::target(app, base_url, &key, VALIDATION_TIME);
    let validation = match client.validate(&target).await {
        Ok(validation) => validation,
        Err(cause) => return Err(refused(cause).await?),
    };
    let outcome = Health::from(validation.outcome).as_str();
    // The validation may have used up its own time.
    let target = keys::target(app, base_url, &key, VALIDATION_TIME);
    let remote = validation.account.clone();
    let account = account::identify(
        app,
        agency,
        client,
        (&target, region),
        remote,
        current.as_ref(),
    )
    .await;
    let saved = match account {
        Ok(Ok(account)) => {
            let accepted = Accepted {
                provider,
                region,
                key: &key,
                validation,
                account,
                input,
            };
            write(app, viewer, agency, &accepted).await
        }
        Ok(Err(cause)) => return Err(refused(cause).await?),
        Err(error) => Err(error),
    };
    if let Err(error) = &saved {
        // The answer tells that the provider accepted the key, so the try is written down like any other (K16).
        let reason = match error {
            Error::Conflict(_) => "somebody else changed the stored key meanwhile",
            _ => "it could not be stored",
        };
        let outcome = format!("{outcome}, but {reason}");
        record_refusal(app, viewer, agency, provider, &outcome).await?;
    }
    saved
}

/// A key that the provider has accepted.
struct Accepted<'a> {
    provider: ProviderKind,
    region: Region,
    key: &'a SecretString,
    validation: Validation,
    account: Account,
    input: SaveKey,
}

async fn write(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    accepted: &Accepted<'_>,
) -> Result<Saved> {
    let now = app.clock.now();
    let provider = accepted.provider;
    let scope = agency_scope(agency);
    let mut tx = app.db.begin().await?;
    let slot = store::provider_keys::lock_slot(&mut tx, agency, &scope, provider).await?;
    // The same question as before the validation: somebody may have saved meanwhile (K12).
    let active = slot.as_ref().and_then(|slot| slot.active_version);
    check_version(active, accepted.input.expected_version)?;
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
    account::lock(&mut tx, agency, &accepted.account).await?;
    if active.is_some() {
        let message = if may_list(&accepted.validation) {
            "The key was replaced; a sync with the new key follows."
        } else {
            "The key was replaced by one that may list neither agents nor numbers; no sync follows."
        };
        store::sync_runs::end_active_of_key(&mut tx, agency, &key_id, message, now).await?;
    }
    let account_id = account::settle(&mut tx, agency, provider, &accepted.account, now).await?;
    let row = seal(
        app, viewer, agency, accepted, &key_id, version, account_id, now,
    )?;
    store::provider_keys::insert_version(&mut tx, agency, &key_id, &row).await?;
    let health = Health::from(accepted.validation.outcome);
    let update = HealthUpdate {
        health: health.as_str(),
        message: accepted.validation.message.as_deref(),
        checked_at: now,
    };
    store::provider_keys::activate(&mut tx, agency, &key_id, version, &update).await?;
    health::reset(&mut tx, app, agency, &key_id).await?;
    if let Some(before) = active {
        let shred_after = now.plus(SIGNATURE_GRACE);
        store::provider_keys::retire_version(&mut tx, agency, &key_id, before, now, shred_after)
            .await?;
    }
    store::agencies::set_first_voice_provider(&mut tx, agency, provider.as_str()).await?;
    let key = store::provider_keys::find(&mut tx, agency, &key_id)
        .await?
        .ok_or_else(|| Error::internal("the key just saved is not there"))?;
    let sync_run = if may_list(&accepted.validation) {
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
        action: if active.is_some() {
            Action::KeyReplaced
        } else {
            Action::KeySaved
        },
        subject: key_id.as_str(),
        provider: Some(provider),
        summary: format!(
            "{} key …{} saved as version {version}; check: {}.",
            provider.display_name(),
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
    viewer: &Viewer,
    agency: &AgencyId,
    accepted: &Accepted<'_>,
    key_id: &KeyId,
    version: i64,
    account_id: crate::id::AccountId,
    now: Timestamp,
) -> Result<VersionRow> {
    let binding = Binding {
        agency_id: agency.as_str(),
        scope_kind: "agency",
        scope_id: agency.as_str(),
        provider: accepted.provider.as_str(),
        key_id: key_id.as_str(),
        version,
        field: "api_key",
    };
    let sealed = app.vault.seal(&binding, accepted.key)?;
    Ok(VersionRow {
        version,
        account_id,
        region: accepted.region.as_str().to_owned(),
        capabilities: keys::write_capabilities(&accepted.validation.capabilities)?,
        last_four: secret::last_four(accepted.key),
        fingerprint: account::fingerprint(app, accepted.provider, accepted.key),
        cipher: sealed.cipher.as_str().to_owned(),
        master_key_id: sealed.master_key_id,
        wrapped_key: Some(sealed.wrapped_key),
        sealed: Some(sealed.sealed),
        saved_by: Some(viewer.user_id.clone()),
        saved_at: now,
    })
}

/// Whether there is anything that a sync could list.
fn may_list(validation: &Validation) -> bool {
    [Capability::ListAgents, Capability::ListNumbers]
        .into_iter()
        .any(|wanted| {
            validation
                .capabilities
                .iter()
                .all(|(capability, state)| *capability != wanted || *state != CapabilityState::No)
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

async fn record_refusal(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    provider: ProviderKind,
    outcome: &str,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyRefused,
        subject: agency.as_str(),
        provider: Some(provider),
        summary: format!(
            "A {} key was not saved; check: {outcome}.",
            provider.display_name()
        ),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}
