//! Which account a key opens: the provider's own id where an answer names it, else a stored remote agent that the key
//! can read (`SAME`). What cannot be told is `UNKNOWN`: an account of its own, in which nothing is ever marked inactive.

use secrecy::{ExposeSecret, SecretString};

use crate::{
    app::App,
    clock::Timestamp,
    config::Region,
    error::Result,
    id::{AccountId, AgencyId},
    providers::{ProviderError, ProviderKind, RemoteAccount, Target, VoiceProvider},
    store::{self, Conn, Db, accounts::AccountRow, provider_keys::KeyRow},
};

/// The account as far as it is known before the key is saved.
pub(crate) enum Account {
    /// One whose row has the provider's id that an answer named.
    Named(AccountId),
    /// The one of the stored key.
    Stored {
        id: AccountId,
        /// The provider's id, where an answer named it; the row has none yet.
        learned: Option<RemoteAccount>,
        /// What makes it the same one.
        proof: Proof,
    },
    /// One with the provider's id and no row yet.
    New(RemoteAccount),
    /// One that nothing names.
    Unknown,
}

/// Why the account of the stored key is taken for the one that the new key opens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The new key reads an agent of it.
    Agent,
    /// It is a key that was stored before, in any scope, for the same region.
    Key,
    /// It has never held anything, so that nothing of it can be mistaken for another account's.
    Emptiness,
}

impl Account {
    /// The account whose row is known and provably the one that the key opens. That it and the stored key's both hold nothing
    /// is enough to save a key over another (K3), and no proof of anything for whoever may not decide that (P4, K9).
    pub(crate) fn proven_id(&self) -> Option<&AccountId> {
        match self {
            Self::Named(id) => Some(id),
            Self::Stored { id, proof, .. } => (*proof != Proof::Emptiness).then_some(id),
            Self::New(_) | Self::Unknown => None,
        }
    }
}

/// The keyed fingerprint of a key (K11): the same for the same key of a provider, whoever stores it.
pub(crate) fn fingerprint(app: &App, provider: ProviderKind, key: &SecretString) -> Vec<u8> {
    let parts = [provider.as_str().as_bytes(), key.expose_secret().as_bytes()];
    app.fingerprint_key.hmac(&parts).to_vec()
}

/// The stored keys whose account the new key may open, too.
#[derive(Clone, Copy, Default)]
pub(crate) struct Related<'a> {
    /// The one that it would replace.
    pub(crate) current: Option<&'a KeyRow>,
    /// The agency's, where the new one is a client's.
    pub(crate) agency_key: Option<&'a KeyRow>,
}

/// Finds out which account the key of `target` opens. The inner error is what the provider answered to a comparison that
/// therefore tells nothing.
pub(crate) async fn identify(
    app: &App,
    agency: &AgencyId,
    client: &dyn VoiceProvider,
    (target, region): (&Target<'_>, Region),
    remote: Option<RemoteAccount>,
    related: Related<'_>,
) -> Result<std::result::Result<Account, ProviderError>> {
    let provider = client.info().kind;
    if let Some(remote) = &remote {
        let mut conn = app.db.read().await?;
        let known =
            store::accounts::find_by_remote(&mut conn, agency, provider, &remote.remote_id).await?;
        if let Some(row) = known {
            return Ok(Ok(Account::Named(row.id)));
        }
    }
    let mut conn = app.db.read().await?;
    let fingerprint = fingerprint(app, provider, target.key);
    let same_key =
        store::provider_keys::find_account_by_fingerprint(&mut conn, agency, &fingerprint, region)
            .await?;
    drop(conn);
    if let Some(id) = same_key {
        return Ok(Ok(Account::Stored {
            id,
            learned: remote,
            proof: Proof::Key,
        }));
    }
    let candidates = [(related.current, true), (related.agency_key, false)];
    for (stored, may_be_empty) in candidates {
        let Some(stored) = stored else { continue };
        let id = &stored.version.account_id;
        match prove_same(&app.db, agency, client, target, id, remote.is_some()).await? {
            // That both hold nothing proves nothing of two places.
            Ok(Some(Proof::Emptiness)) if !may_be_empty => {}
            Ok(Some(proof)) => {
                return Ok(Ok(Account::Stored {
                    id: id.clone(),
                    learned: remote,
                    proof,
                }));
            }
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(remote.map_or(Account::Unknown, Account::New)))
}

/// What shows that the stored key's account, as far as it has no id of its own, is the one that the new key opens.
async fn prove_same(
    db: &Db,
    agency: &AgencyId,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    stored: &AccountId,
    is_remote_known: bool,
) -> Result<std::result::Result<Option<Proof>, ProviderError>> {
    let mut conn = db.read().await?;
    let account = store::accounts::find(&mut conn, agency, stored).await?;
    let samples = store::accounts::sample_remote_agents(&mut conn, agency, stored).await?;
    let holds_anything = store::accounts::holds_anything(&mut conn, agency, stored).await?;
    drop(conn);
    let has_id = account.is_some_and(|account| account.remote_id.is_some());
    if has_id && is_remote_known {
        // Two ids, and they differ: another account.
        return Ok(Ok(None));
    }
    if !holds_anything {
        return Ok(Ok((!has_id).then_some(Proof::Emptiness)));
    }
    for remote_id in &samples {
        match client.get_agent(target, remote_id).await {
            Ok(_) => return Ok(Ok(Some(Proof::Agent))),
            // An account without funds may be refused any question; its key is saved all the same (K3).
            Err(
                ProviderError::NotFound
                | ProviderError::MissingPermission { .. }
                | ProviderError::InvalidKey { .. }
                | ProviderError::NoFunds { .. },
            ) => {}
            // It says nothing about the agent, and a wrong guess would tear an account in two.
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(None))
}

/// Locks the stored key's account before anything else of it, as a sync does, so that the two never wait for each other.
pub(crate) async fn lock(conn: &mut Conn, agency: &AgencyId, account: &Account) -> Result<()> {
    match account {
        Account::Stored { id, .. } => store::accounts::lock(conn, agency, id).await,
        Account::Named(_) | Account::New(_) | Account::Unknown => Ok(()),
    }
}

/// Writes the account down, inside the transaction that saves the key. No import of the stored key may be able to write
/// any more: what it has written until then is looked at here.
pub(crate) async fn settle(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: ProviderKind,
    account: &Account,
    now: Timestamp,
) -> Result<AccountId> {
    let remote = match account {
        Account::Named(id) => return Ok(id.clone()),
        Account::Stored { learned, .. } => learned.as_ref(),
        Account::New(remote) => Some(remote),
        Account::Unknown => None,
    };
    if let Some(remote) = remote {
        // Somebody else's save, or an import, may have made or named it meanwhile.
        let known =
            store::accounts::find_by_remote(conn, agency, provider, &remote.remote_id).await?;
        if let Some(row) = known {
            return Ok(row.id);
        }
    }
    if let Account::Stored { id, proof, .. } = account
        && is_still_same(conn, agency, id, remote, *proof).await?
    {
        return Ok(id.clone());
    }
    let row = AccountRow {
        id: AccountId::new(),
        provider: provider.as_str().to_owned(),
        remote_id: remote.map(|remote| remote.remote_id.clone()),
        name: remote.and_then(|remote| remote.name.clone()),
    };
    store::accounts::insert(conn, agency, &row, now).await?;
    Ok(row.id)
}

/// Whether what was found out before still holds; the provider's id is written down with that.
async fn is_still_same(
    conn: &mut Conn,
    agency: &AgencyId,
    id: &AccountId,
    remote: Option<&RemoteAccount>,
    proof: Proof,
) -> Result<bool> {
    if proof == Proof::Emptiness {
        let account = store::accounts::find(conn, agency, id).await?;
        let has_id = account.is_some_and(|account| account.remote_id.is_some());
        if has_id || store::accounts::holds_anything(conn, agency, id).await? {
            return Ok(false);
        }
    }
    match remote {
        // False: an import has learned another id meanwhile.
        Some(remote) => store::accounts::set_remote_id(conn, agency, id, &remote.remote_id).await,
        None => Ok(true),
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
