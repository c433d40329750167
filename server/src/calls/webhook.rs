//! The providers' webhooks about calls (C5): where a provider reports to, and what is done with what it posts there. An
//! address names an account, or a call where the provider signs nothing itself; it is no secret, because each webhook is
//! proven: with every version of every key of the account that is not destroyed yet (K10), or with a token that only this
//! installation can make. What is not proven is not read and writes nothing. No request goes out from here.

use secrecy::SecretString;
use url::Url;

use super::{
    events, import,
    told::{self, Found, Means, Outcome, Parties},
};
use crate::{
    app::App,
    config::is_loopback_host,
    error::{Error, Result},
    id::{AccountId, AgencyId, CallId},
    keys,
    providers::{
        CallEvent, CallWebhook, ProviderKind, ReceivedWebhook, WebhookProof, WebhookRefused,
        call_provider,
    },
    store::{self, calls::CallRow, provider_keys::KeyRow},
};

/// An event whose call somebody else writes at the same time is begun again so often.
const TRIES: usize = 8;
/// Names what the tokens are for, so that no other code of the same key is one.
const TOKEN_PURPOSE: &[u8] = b"call webhook token";

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It was proven, and what it told is written down.
    Taken,
    /// Nothing here has this address, or nothing proves the webhook.
    Refused,
    /// It was proven and cannot be read.
    Unreadable,
}

/// Whom an address names.
enum Addressee {
    Account {
        agency: AgencyId,
        account: AccountId,
    },
    Call(Box<CallRow>),
}

/// A webhook that was proven.
struct Proven {
    events: Vec<CallEvent>,
    /// The version whose key signed it.
    key: Option<KeyRow>,
}

/// Takes in what a provider posted to the address that ends with `address`.
pub(crate) async fn receive(
    app: &App,
    provider: ProviderKind,
    address: &str,
    webhook: &ReceivedWebhook<'_>,
) -> Result<Received> {
    let Some(addressee) = find(app, provider, address).await? else {
        return Ok(Received::Refused);
    };
    let proven = match prove(app, provider, &addressee, webhook).await? {
        Ok(proven) => proven,
        Err(WebhookRefused::Malformed { what }) => {
            tracing::warn!(
                provider.kind = provider.as_str(),
                what,
                "a webhook cannot be read"
            );
            return Ok(Received::Unreadable);
        }
        Err(refused) => {
            tracing::debug!(provider.kind = provider.as_str(), %refused, "a webhook was refused");
            return Ok(Received::Refused);
        }
    };
    for event in &proven.events {
        take(app, &addressee, proven.key.as_ref(), event).await?;
    }
    Ok(Received::Taken)
}

async fn find(app: &App, provider: ProviderKind, address: &str) -> Result<Option<Addressee>> {
    let mut conn = app.db.read().await?;
    if let WebhookProof::OwnToken { .. } = call_provider(provider).call_info().webhook_proof {
        let agency = store::call_imports::find_agency_of_call(&mut conn, address).await?;
        let Some(agency) = agency else {
            return Ok(None);
        };
        let call = CallId::from(address);
        let row = store::calls::find(&mut conn, &agency, None, &call).await?;
        let row = row.filter(|row| row.provider == provider.as_str());
        return Ok(row.map(|row| Addressee::Call(Box::new(row))));
    }
    let account = AccountId::from(address);
    let found = store::call_imports::find_account(&mut conn, &account).await?;
    Ok(found
        .filter(|(_, of)| of == provider.as_str())
        .map(|(agency, _)| Addressee::Account { agency, account }))
}

/// Tries each secret that may have signed it. Of several refusals the one that says most counts.
async fn prove(
    app: &App,
    provider: ProviderKind,
    addressee: &Addressee,
    webhook: &ReceivedWebhook<'_>,
) -> Result<std::result::Result<Proven, WebhookRefused>> {
    let (client, now) = (call_provider(provider), app.clock.now());
    let (agency, account) = match addressee {
        Addressee::Call(row) => {
            let token = token(app, &row.id);
            let read = client.read_webhook(webhook, &token, now);
            return Ok(read.map(|events| Proven { events, key: None }));
        }
        Addressee::Account { agency, account } => (agency, account),
    };
    let mut refused = WebhookRefused::BadSignature;
    if client.call_info().webhook_proof != WebhookProof::ApiKey {
        return Ok(Err(refused));
    }
    let mut conn = app.db.read().await?;
    let versions = store::account_keys::list_not_destroyed(&mut conn, agency, account).await?;
    drop(conn);
    for key in versions {
        let secret = match keys::open(app, &key) {
            Ok(secret) => secret,
            Err(Error::KeyUnreadable) => continue,
            Err(error) => return Err(error),
        };
        match client.read_webhook(webhook, &secret, now) {
            Ok(events) => {
                let key = Some(key);
                return Ok(Ok(Proven { events, key }));
            }
            Err(WebhookRefused::BadSignature) => {}
            Err(other) => refused = other,
        }
    }
    Ok(Err(refused))
}

/// Writes down one event, once however often it is delivered, in one transaction with what it moves.
async fn take(
    app: &App,
    addressee: &Addressee,
    key: Option<&KeyRow>,
    event: &CallEvent,
) -> Result<()> {
    for _ in 0..TRIES {
        match try_to_take(app, addressee, key, event).await? {
            Outcome::Written(row) => {
                app.job_bell.notify_waiters();
                events::publish(app, &row);
                return told::note_end(app, &row).await;
            }
            Outcome::Unchanged => return Ok(()),
            Outcome::TooLittle => {
                app.job_bell.notify_waiters();
                return Ok(());
            }
            Outcome::Outdated => {}
        }
    }
    Err(Error::internal(
        "a call is written by others again and again",
    ))
}

async fn try_to_take(
    app: &App,
    addressee: &Addressee,
    key: Option<&KeyRow>,
    event: &CallEvent,
) -> Result<Outcome> {
    let (agency, account) = match addressee {
        Addressee::Account { agency, account } => (agency, account),
        Addressee::Call(row) => (&row.agency_id, &row.account_id),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let names = (event.dedupe_key.as_str(), event.event.as_str(), event.at_ms);
    if !store::calls::insert_event(&mut tx, agency, account, names, now).await? {
        return Ok(Outcome::Unchanged);
    }
    let told = &event.call;
    let outcome = match addressee {
        Addressee::Call(row) => {
            let provider = row.provider.as_str();
            match told::find(&mut tx, (agency, account), provider, told).await? {
                // The token was made for one call, so that it proves nothing of another.
                Found::Here(found) if found.id == row.id => {
                    told::apply(&mut tx, *found, told, Means::Webhook, now).await?
                }
                _ => Outcome::Unchanged,
            }
        }
        Addressee::Account { .. } => {
            let Some(key) = key else {
                return Err(Error::internal("a webhook of an account without a key"));
            };
            let parties = Parties::of(&mut tx, key, std::iter::once(told)).await?;
            told::write(&mut tx, key, &parties, (told, Means::Webhook), now).await?
        }
    };
    match &outcome {
        Outcome::Outdated => return Ok(outcome),
        Outcome::TooLittle => import::enqueue(&mut tx, agency, account, now).await?,
        Outcome::Written(_) | Outcome::Unchanged => {}
    }
    store::call_imports::ensure(&mut tx, agency, account, now).await?;
    store::call_imports::note_webhook(&mut tx, agency, account, now).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// What proves a webhook about a call whose provider signs nothing: made anew each time and never stored.
fn token(app: &App, call: &CallId) -> SecretString {
    let mac = app
        .webhook_key
        .hmac(&[TOKEN_PURPOSE, call.as_str().as_bytes()]);
    let digits = mac
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
    SecretString::from(digits.collect::<String>())
}

/// The address that a provider's dashboard can be given for an account, where its webhooks can be proven there and the
/// provider can reach this installation.
pub(crate) fn address_of_account(
    app: &App,
    provider: ProviderKind,
    provider_host: &Url,
    account: &AccountId,
) -> Option<Url> {
    let proof = call_provider(provider).call_info().webhook_proof;
    (proof == WebhookProof::ApiKey && is_reachable(app, provider_host))
        .then(|| address(app, provider, account.as_str()))
        .flatten()
}

/// Whether the provider at this host reaches the public URL: over https, or both are on this machine.
pub(crate) fn is_reachable(app: &App, provider_host: &Url) -> bool {
    let public_url = &app.config.public_url;
    if is_loopback_host(public_url) {
        return is_loopback_host(provider_host);
    }
    public_url.scheme() == "https"
}

fn address(app: &App, provider: ProviderKind, id: &str) -> Option<Url> {
    let mut url = app.config.public_url.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["hooks", provider.as_str(), id]);
    Some(url)
}

/// Where the provider reports on one call, with what it proves that with.
pub(crate) struct CallAddress {
    url: Url,
    token: SecretString,
}

impl CallAddress {
    /// The address of a call that is about to be placed; `None` where something might be lost by it: it takes the place of
    /// the agent's own one, which only an agent that Ringfence made there is known not to have.
    pub(crate) fn of(
        app: &App,
        row: &CallRow,
        is_agent_made_here: bool,
        provider_host: &Url,
    ) -> Option<Self> {
        let provider = ProviderKind::parse(&row.provider)?;
        if !is_agent_made_here || !is_reachable(app, provider_host) {
            return None;
        }
        let id = match call_provider(provider).call_info().webhook_proof {
            WebhookProof::OwnToken { .. } => row.id.as_str(),
            WebhookProof::ApiKey => row.account_id.as_str(),
            // Nobody here knows the secret.
            WebhookProof::SigningSecret => return None,
        };
        Some(Self {
            url: address(app, provider, id)?,
            token: token(app, &row.id),
        })
    }

    /// As a provider is told it.
    pub(crate) fn as_webhook(&self) -> CallWebhook<'_> {
        CallWebhook {
            url: &self.url,
            token: &self.token,
        }
    }
}
