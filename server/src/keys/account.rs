//! Which account a key opens: the provider's own id where an answer names it, else a stored remote agent that the key
//! can read (`SAME`). What cannot be told is `UNKNOWN`: an account of its own, in which nothing is ever marked inactive.

use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId},
    providers::{ProviderKind, RemoteAccount, Target, VoiceProvider},
    store::{self, Conn, Db, accounts::AccountRow, provider_keys::KeyRow},
};

/// The account as far as it is known before the key is saved.
pub(crate) enum Account {
    /// One that has a row.
    Known {
        id: AccountId,
        /// The provider's id, when the row does not have it yet.
        learned: Option<RemoteAccount>,
    },
    /// One with the provider's id and no row yet.
    New(RemoteAccount),
    /// One that nothing names.
    Unknown,
}

/// Finds out which account the key of `target` opens.
pub(crate) async fn identify(
    app: &App,
    agency: &AgencyId,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    remote: Option<RemoteAccount>,
    current: Option<&KeyRow>,
) -> Result<Account> {
    let provider = client.info().kind;
    if let Some(remote) = &remote {
        let mut conn = app.db.read().await?;
        let known =
            store::accounts::find_by_remote(&mut conn, agency, provider, &remote.remote_id).await?;
        if let Some(row) = known {
            return Ok(Account::Known {
                id: row.id,
                learned: None,
            });
        }
    }
    if let Some(current) = current
        && may_be_same(&app.db, agency, client, target, current, remote.is_some()).await?
    {
        return Ok(Account::Known {
            id: current.version.account_id.clone(),
            learned: remote,
        });
    }
    Ok(remote.map_or(Account::Unknown, Account::New))
}

/// Whether the stored key's account, as far as it has no id of its own, is the one that the new key opens: the new key
/// reads an agent of it, or it has never held anything.
async fn may_be_same(
    db: &Db,
    agency: &AgencyId,
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    current: &KeyRow,
    is_remote_known: bool,
) -> Result<bool> {
    let mut conn = db.read().await?;
    let account = store::accounts::find(&mut conn, agency, &current.version.account_id).await?;
    let samples =
        store::accounts::sample_remote_agents(&mut conn, agency, &current.version.account_id)
            .await?;
    drop(conn);
    let has_id = account.is_some_and(|account| account.remote_id.is_some());
    if has_id && is_remote_known {
        // Two ids, and they differ: another account.
        return Ok(false);
    }
    if samples.is_empty() {
        return Ok(!has_id);
    }
    for remote_id in &samples {
        if client.get_agent(target, remote_id).await.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the account down, inside the transaction that saves the key.
pub(crate) async fn settle(
    conn: &mut Conn,
    agency: &AgencyId,
    provider: ProviderKind,
    account: &Account,
    now: Timestamp,
) -> Result<AccountId> {
    let remote = match account {
        Account::Known { id, learned } => {
            if let Some(remote) = learned {
                store::accounts::set_remote_id(conn, agency, id, &remote.remote_id).await?;
            }
            return Ok(id.clone());
        }
        Account::New(remote) => {
            // Somebody else's save may have made it meanwhile.
            let known =
                store::accounts::find_by_remote(conn, agency, provider, &remote.remote_id).await?;
            if let Some(row) = known {
                return Ok(row.id);
            }
            Some(remote)
        }
        Account::Unknown => None,
    };
    let row = AccountRow {
        id: AccountId::new(),
        provider: provider.as_str().to_owned(),
        remote_id: remote.map(|remote| remote.remote_id.clone()),
        name: remote.and_then(|remote| remote.name.clone()),
    };
    store::accounts::insert(conn, agency, &row, now).await?;
    Ok(row.id)
}
