//! How Ringfence hears of the calls of a key's account: the address for the provider's dashboard, and how far the account's list
//! was read. It reads what is written down and asks nobody.

use async_graphql::{Enum, SimpleObject};

use crate::{
    app::App,
    calls::{import::Problem, webhook},
    error::Result,
    graphql::{provider::unknown_word, scalars::DateTime},
    keys,
    providers::{WebhookProof, call_provider},
    store::{self, provider_keys::KeyRow},
};

/// Why a provider's dashboard cannot be given an address for webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WebhookObstacle {
    /// `RINGFENCE_PUBLIC_URL` is no https address, so that the provider cannot reach this installation.
    PublicUrlNotReachable,
    /// The provider signs nothing with a key that is stored here, so that its webhooks could not be told from a stranger's.
    NotProvable,
}

/// How calls of a key's account are heard of. Without webhooks the account's list is read every few minutes, and each live
/// call is asked about.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallReporting {
    /// What to enter as the address for webhooks in the provider's dashboard; null where `webhookObstacle` says why not. It is
    /// no secret: each webhook is checked with the stored keys.
    webhook_url: Option<String>,
    /// Set when there is no address.
    webhook_obstacle: Option<WebhookObstacle>,
    /// When a webhook last proved itself and told of a call, to the minute; null: none ever has.
    last_webhook_at: Option<DateTime>,
    /// When the account's list of calls was last read to its end; null: never.
    list_read_at: Option<DateTime>,
    /// When it is read again; null before the first time.
    list_due_at: Option<DateTime>,
    /// False when the last reading could not prove that it saw every call; it is read from the same time again.
    is_list_complete: bool,
    /// Why it could not be read at the last attempt.
    list_problem: Option<Problem>,
}

impl CallReporting {
    /// Of the account that this key opens.
    pub(crate) async fn load(app: &App, key: &KeyRow) -> Result<Self> {
        let provider = keys::provider_of(&key.provider)?;
        let host = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
        let account = &key.version.account_id;
        let webhook_url = webhook::address_of_account(app, provider, host, account);
        let is_provable = call_provider(provider).call_info().webhook_proof == WebhookProof::ApiKey;
        let webhook_obstacle = match (&webhook_url, is_provable) {
            (Some(_), _) => None,
            (None, false) => Some(WebhookObstacle::NotProvable),
            (None, true) => Some(WebhookObstacle::PublicUrlNotReachable),
        };
        let mut conn = app.db.read().await?;
        let row = store::call_imports::find(&mut conn, &key.agency_id, account).await?;
        let problem = row.as_ref().and_then(|row| row.problem.as_deref());
        Ok(Self {
            webhook_url: webhook_url.map(String::from),
            webhook_obstacle,
            last_webhook_at: row
                .as_ref()
                .and_then(|row| row.last_webhook_at)
                .map(Into::into),
            list_read_at: row.as_ref().and_then(|row| row.polled_at).map(Into::into),
            list_due_at: row.as_ref().map(|row| row.next_poll_at.into()),
            is_list_complete: row.as_ref().is_none_or(|row| row.is_complete),
            list_problem: problem
                .map(|word| Problem::parse(word).ok_or_else(|| unknown_word("problem", word)))
                .transpose()?,
        })
    }
}
