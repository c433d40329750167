//! A key that somebody wants to use: tried with its provider before anything is written. What the provider refuses, or
//! what cannot be tried, is an error with words for people and an audit entry; what it accepts comes back with its account.
//! Saving, previewing and rolling back all begin here, so that a key is tried by the same rule everywhere (K3, K16).

use secrecy::SecretString;

use crate::{
    access::Viewer,
    app::App,
    audit::{Action, Actor, Entry},
    config::Region,
    error::{Error, Result},
    id::{AgencyId, ClientId},
    keys::{
        self, Health, VALIDATION_TIME,
        account::{self, Account, Related},
        attempts, secret,
        words::{self, Kept},
    },
    providers::{Capability, CapabilityState, ProviderError, ProviderKind, Validation},
    store::{self, clients::ClientRow, provider_keys::KeyRow},
};

/// For whom and where a key is meant, and what is stored there now.
pub(crate) struct Place {
    pub(crate) provider: ProviderKind,
    /// None: the agency itself.
    pub(crate) client: Option<ClientRow>,
    pub(crate) current: Option<KeyRow>,
    /// The agency's key, where the place is a client's.
    pub(crate) agency_key: Option<KeyRow>,
}

impl Place {
    /// The place as it is now; `NotFound` for a client of somebody else.
    pub(crate) async fn load(
        app: &App,
        agency: &AgencyId,
        provider: ProviderKind,
        client: Option<&ClientId>,
    ) -> Result<Self> {
        let mut conn = app.db.read().await?;
        let row = match client {
            Some(client) => Some(crate::clients::get_in_use(&mut conn, agency, client).await?),
            None => None,
        };
        let scope = keys::scope(agency, client);
        let current =
            store::provider_keys::find_in_scope(&mut conn, agency, &scope, provider).await?;
        let agency_key = match client {
            Some(_) => {
                let scope = keys::scope(agency, None);
                store::provider_keys::find_in_scope(&mut conn, agency, &scope, provider).await?
            }
            None => None,
        };
        Ok(Self {
            provider,
            client: row,
            current,
            agency_key,
        })
    }

    /// The key that calls go over now (R1): the one of the place, else the agency's.
    pub(crate) fn effective(&self) -> Option<&KeyRow> {
        self.current.as_ref().or(self.agency_key.as_ref())
    }

    /// The region that is meant when none is named.
    pub(crate) fn stored_region(&self) -> Result<Option<Region>> {
        let stored = self.current.as_ref();
        stored
            .map(|row| keys::region_of(&row.version.region))
            .transpose()
    }

    /// For audit entries: `Vapi key`, or `Vapi key of Northside Dental`.
    pub(crate) fn label(&self) -> String {
        keys::label(self.provider, self.client.as_ref())
    }
}

/// A key that the provider has accepted.
pub(crate) struct Candidate {
    pub(crate) region: Region,
    pub(crate) key: SecretString,
    pub(crate) validation: Validation,
    pub(crate) account: Account,
}

impl Candidate {
    /// How it fared.
    pub(crate) fn health(&self) -> Health {
        Health::from(self.validation.outcome)
    }

    /// Whether there is anything that a sync could list.
    pub(crate) fn may_list(&self) -> bool {
        [Capability::ListAgents, Capability::ListNumbers]
            .into_iter()
            .any(|wanted| {
                let states = &self.validation.capabilities;
                states.iter().all(|(capability, state)| {
                    *capability != wanted || *state != CapabilityState::No
                })
            })
    }
}

/// Tries a key with its provider and finds out which account it opens. Counted as an attempt (K16).
pub(crate) async fn try_key(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    key: SecretString,
    region: Region,
) -> Result<Candidate> {
    let provider = place.provider;
    let client = keys::client(provider)?;
    let base_url = keys::host(app, provider, region)?;
    attempts::count(app, viewer, agency, provider).await?;
    let target = keys::target(app, base_url, &key, VALIDATION_TIME);
    let validation = match client.validate(&target).await {
        Ok(validation) => validation,
        Err(cause) => return Err(refuse(app, viewer, agency, place, &key, cause).await?),
    };
    // The validation may have used up its own time.
    let target = keys::target(app, base_url, &key, VALIDATION_TIME);
    let related = Related {
        current: place.current.as_ref(),
        agency_key: place.agency_key.as_ref(),
    };
    let remote = validation.account.clone();
    let account = account::identify(app, agency, client, (&target, region), remote, related).await;
    match account {
        Ok(Ok(account)) => Ok(Candidate {
            region,
            key,
            validation,
            account,
        }),
        Ok(Err(cause)) => Err(refuse(app, viewer, agency, place, &key, cause).await?),
        Err(error) => {
            let outcome = Health::from(validation.outcome).as_str();
            record_unstored(app, viewer, agency, place, outcome, &error).await?;
            Err(error)
        }
    }
}

async fn refuse(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    key: &SecretString,
    cause: ProviderError,
) -> Result<Error> {
    let outcome = Health::from(&cause).as_str();
    record(app, viewer, agency, place, outcome).await?;
    let kept = match &place.current {
        // Whoever hands a key in for a client sees nothing of the one that is there.
        _ if viewer.client().is_some() => Kept::Hidden,
        Some(row) => Kept::Key {
            last_four: &row.version.last_four,
        },
        None => Kept::Nothing,
    };
    let hint = secret::hint(place.provider, key);
    Ok(words::not_saved(place.provider, cause, &kept, hint))
}

/// Writes down that a key which the provider accepted was not stored: the answer tells that it was accepted, so the try is
/// written down like any other (K16).
pub(crate) async fn record_unstored(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    outcome: &str,
    error: &Error,
) -> Result<()> {
    let reason = match error {
        Error::Conflict(_) => "somebody else changed the stored key meanwhile",
        _ => "it could not be stored",
    };
    record(
        app,
        viewer,
        agency,
        place,
        &format!("{outcome}, but {reason}"),
    )
    .await
}

async fn record(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    outcome: &str,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyRefused,
        subject: agency.as_str(),
        provider: Some(place.provider),
        summary: format!("A {} was not saved; check: {outcome}.", place.label()),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}
