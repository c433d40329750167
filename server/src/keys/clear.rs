//! Clearing a key (K8): it needs the version that the page showed and the impact that it showed. Numbers that the
//! provider would go on answering can be detached first, while the key still works; a failed detach stops the clearing
//! unless it is overridden. What was done to numbers is written down with who did it, whatever becomes of the clearing
//! (E7). The version stays sealed for the signature grace and is then shredded (K10).

use std::time::Duration;

use futures_util::{StreamExt, stream};
use secrecy::SecretString;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    health,
    id::{AgencyId, ClientId, KeyId},
    keys::{
        self, SIGNATURE_GRACE,
        impact::{self, Impact},
    },
    providers::{ProviderError, ProviderKind},
    store::{self, phone_numbers::PhoneNumberRow, provider_keys::KeyRow},
};

/// All detaching together ends within this time.
const DETACH_TIME: Duration = Duration::from_mins(1);
/// Requests to the provider at a time.
const DETACH_CONCURRENCY: usize = 4;
/// So many numbers are detached before it is written down.
const DETACH_BATCH: usize = 20;

/// What is to be cleared.
pub(crate) struct ClearKey {
    pub(crate) key: KeyId,
    pub(crate) expected_version: i64,
    pub(crate) acknowledgement: String,
    pub(crate) is_detaching: bool,
    pub(crate) is_clearing_despite_failed_detach: bool,
    /// Without the grace in which it could be rolled back to (K10).
    pub(crate) is_destroying_now: bool,
}

/// What was cleared.
pub(crate) struct Cleared {
    pub(crate) version: i64,
    pub(crate) detached_count: usize,
    /// Numbers that the provider still answers.
    pub(crate) still_answering: Vec<PhoneNumberRow>,
}

/// Clears a key of the viewer's agency.
pub(crate) async fn clear(app: &App, viewer: &Viewer, input: ClearKey) -> Result<Cleared> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let mut conn = app.db.read().await?;
    let row = store::provider_keys::find(&mut conn, agency, &input.key)
        .await?
        .ok_or(Error::NotFound)?;
    check(&row, &input)?;
    let shown = impact::of_clearing(&mut conn, agency, &row).await?;
    if shown.acknowledgement != input.acknowledgement {
        // A replacement between both reads changes what stops, too; then it is the key that is another one.
        let row = store::provider_keys::find(&mut conn, agency, &input.key)
            .await?
            .ok_or(Error::NotFound)?;
        check(&row, &input)?;
        return Err(Error::ImpactChanged);
    }
    drop(conn);
    let provider = keys::provider_of(&row.provider)?;
    let mut detached = Vec::new();
    if input.is_detaching && !shown.answering.is_empty() {
        let failed;
        (detached, failed) =
            detach_all(app, viewer, agency, &row, provider, &shown.answering).await?;
        if !failed.is_empty() && !input.is_clearing_despite_failed_detach {
            return Err(detach_failed(provider, &detached, &failed));
        }
    }
    let client = keys::client_of(&row);
    write(
        app,
        viewer,
        agency,
        (&input, client),
        provider,
        &shown,
        &detached,
    )
    .await
}

fn check(row: &KeyRow, input: &ClearKey) -> Result<()> {
    if row.version.version == input.expected_version {
        return Ok(());
    }
    Err(Error::Conflict(
        "Somebody else replaced this key meanwhile. Nothing was cleared; look at the key as it is now.".to_owned(),
    ))
}

async fn write(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    (input, client): (&ClearKey, Option<ClientId>),
    provider: ProviderKind,
    shown: &Impact,
    detached: &[PhoneNumberRow],
) -> Result<Cleared> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let scope = keys::scope(agency, client.as_ref());
    store::provider_keys::lock_slot(&mut tx, agency, &scope, provider).await?;
    let row = store::provider_keys::find(&mut tx, agency, &input.key)
        .await?
        .ok_or(Error::NotFound)?;
    check(&row, input)?;
    // Before the question what stops: a page that a sync is writing is then in the answer, and no later one is kept.
    store::sync_runs::end_active_of_key(&mut tx, agency, &row.id, "The key was cleared.", now)
        .await?;
    let now_stopping = impact::of_clearing(&mut tx, agency, &row).await?;
    // Detaching takes up to a minute, and syncs go on meanwhile.
    if !now_stopping.is_covered_by(shown, detached) {
        return Err(Error::ImpactChanged);
    }
    let detached_count = detached.len();
    let version = row.version.version;
    store::provider_keys::deactivate(&mut tx, agency, &row.id).await?;
    health::reset(&mut tx, app, agency, &row.id).await?;
    store::provider_keys::retire_version(
        &mut tx,
        agency,
        &row.id,
        version,
        now,
        now.plus(SIGNATURE_GRACE),
    )
    .await?;
    let destroyed = if input.is_destroying_now {
        store::provider_keys::end_grace(&mut tx, agency, &row.id, now).await?;
        store::provider_keys::shred_now(&mut tx, agency, &row.id).await?
    } else {
        0
    };
    let fate = if input.is_destroying_now {
        format!("{destroyed} sealed versions destroyed at once")
    } else {
        "kept sealed for 24 hours".to_owned()
    };
    let label = keys::label_of(&mut tx, &row).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyCleared,
        subject: row.id.as_str(),
        provider: Some(provider),
        summary: format!(
            "{label} …{} cleared, version {version}, {fate}; {} agents stopped being reachable, {} moved to the agency's \
             key, {detached_count} numbers detached, {} still answering at {}.",
            row.version.last_four,
            now_stopping.agent_count,
            now_stopping.moving_count,
            now_stopping.answering.len(),
            provider.display_name(),
        ),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    if destroyed > 0 {
        app.db.flush_shredded().await;
    }
    Ok(Cleared {
        version,
        detached_count,
        still_answering: now_stopping.answering,
    })
}

type Detached = Vec<PhoneNumberRow>;
type Failed = Vec<(PhoneNumberRow, ProviderError)>;

/// Detaches the numbers at the provider, and writes down batch by batch what became of them. A key that does not open
/// counts as a provider that is out of reach.
async fn detach_all(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    row: &KeyRow,
    provider: ProviderKind,
    numbers: &[PhoneNumberRow],
) -> Result<(Detached, Failed)> {
    let prepared = keys::client(provider).and_then(|client| {
        let base_url = keys::host(app, provider, keys::region_of(&row.version.region)?)?;
        let secret: SecretString = keys::open(app, row)?;
        Ok((client, base_url, secret))
    });
    let (mut all_detached, mut all_failed) = (Vec::new(), Vec::new());
    let Ok((client, base_url, secret)) = prepared else {
        let unreadable = ProviderError::Malformed {
            what: "the stored key cannot be opened".to_owned(),
        };
        all_failed.extend(
            numbers
                .iter()
                .map(|number| (number.clone(), unreadable.clone())),
        );
        return Ok((all_detached, all_failed));
    };
    let target = keys::target(app, base_url, &secret, DETACH_TIME);
    let target = &target;
    for batch in numbers.chunks(DETACH_BATCH) {
        let results: Vec<_> = stream::iter(batch.to_vec())
            .map(|number| async move {
                let result = client
                    .detach_number(target, &number.remote_id, &number.carrier)
                    .await;
                (number, result)
            })
            .buffer_unordered(DETACH_CONCURRENCY)
            .collect()
            .await;
        record(app, viewer, agency, row, provider, &results).await?;
        for (number, result) in results {
            match result {
                // A number that is gone answers no more.
                Ok(()) | Err(ProviderError::NotFound) => all_detached.push(number),
                Err(error) => all_failed.push((number, error)),
            }
        }
    }
    Ok((all_detached, all_failed))
}

/// Writes down what became of a batch, and who did it. A failure is named too: the provider may have done what it did not
/// answer to.
async fn record(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    row: &KeyRow,
    provider: ProviderKind,
    results: &[(PhoneNumberRow, Result<(), ProviderError>)],
) -> Result<()> {
    let name = provider.display_name();
    let (mut detached, mut gone, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let mut tx = app.db.begin().await?;
    store::accounts::lock(&mut tx, agency, &row.version.account_id).await?;
    for (number, result) in results {
        match result {
            Ok(()) => detached.push(label(number)),
            Err(ProviderError::NotFound) => gone.push(label(number)),
            Err(_) => {
                failed.push(label(number));
                continue;
            }
        }
        store::phone_numbers::set_detached(&mut tx, agency, &number.id).await?;
    }
    let parts: Vec<String> = [
        ("detached", detached),
        ("gone there already", gone),
        ("could not be detached", failed),
    ]
    .into_iter()
    .filter(|(_, labels)| !labels.is_empty())
    .map(|(what, labels)| format!("{} {what} ({})", labels.len(), labels.join(", ")))
    .collect();
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::NumbersDetached,
        subject: row.id.as_str(),
        provider: Some(provider),
        summary: format!(
            "Numbers at {name}, before key …{} is cleared: {}.",
            row.version.last_four,
            parts.join("; ")
        ),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}

/// What people know a number by.
fn label(number: &PhoneNumberRow) -> &str {
    number
        .number
        .as_deref()
        .or(number.sip_uri.as_deref())
        .or(number.name.as_deref())
        .unwrap_or(&number.remote_id)
}

fn detach_failed(provider: ProviderKind, detached: &Detached, failed: &Failed) -> Error {
    let (first, error) = &failed[0];
    let name = label(first);
    let others = match failed.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let done = match detached.len() {
        0 => String::new(),
        1 => " One number was detached and stays so.".to_owned(),
        count => format!(" {count} numbers were detached and stay so."),
    };
    Error::DetachFailed(format!(
        "{name}{others} could not be detached at {}: {error}. The key is still in use.{done} Try again, or clear it anyway: \
         what is left goes on answering at {}.",
        provider.display_name(),
        provider.display_name(),
    ))
}
