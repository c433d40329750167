//! What needs somebody's attention: one alert per trouble, raised and ended in the transaction that finds it out. It ends by
//! itself when the trouble does; a person may put it aside before, and then it does not come back while the trouble lasts.
//! Which trouble is worth an alert is decided where it is found.

pub(crate) mod email;
mod words;

use crate::{
    access::{Permission, Viewer},
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, AlertId, ApiKeyLineageId},
    keys,
    store::{
        self, Conn, alerts::AlertRow, api_keys::ApiKeyRow, key_hand_ins::HandInRow,
        provider_keys::KeyRow, webhook_endpoints::EndpointRow,
    },
    sync::words as word_enum,
};

word_enum! {
    /// What an alert is about.
    Kind "AlertKind" {
        /// A provider refuses a stored key, again and again; calls with it are refused at once.
        KeyInvalid => "key_invalid",
        /// A stored key's account is out of funds.
        KeyNoFunds => "key_no_funds",
        /// An account could not be imported.
        SyncFailed => "sync_failed",
        /// A webhook endpoint failed so often that it was switched off.
        WebhookDisabled => "webhook_disabled",
        /// A client handed in a key, and an owner or admin has to accept or decline it.
        HandInWaiting => "hand_in_waiting",
        /// An API key of the agency is 90 days old and should be rotated.
        ApiKeyOld => "api_key_old",
        /// Somebody who found an API key of the agency has reported it, which revoked it.
        ApiKeyExposed => "api_key_exposed",
    }
}

word_enum! {
    /// How an alert stands.
    State "AlertState" {
        /// The trouble lasts, and nobody has put the alert aside.
        Open => "open",
        /// The trouble is over.
        Resolved => "resolved",
        /// Somebody has put it aside while the trouble lasted.
        Dismissed => "dismissed",
    }
}

/// The trouble that an alert tells of.
pub(crate) enum Cause<'a> {
    /// The provider refused this key so often that its breaker opened.
    Invalid(&'a KeyRow),
    /// The account of this key is out of funds.
    NoFunds(&'a KeyRow),
    /// An import with this key failed, for a reason in words.
    SyncFailed { key: &'a KeyRow, message: &'a str },
    /// This endpoint was switched off after so many failed deliveries in a row.
    WebhookDisabled {
        endpoint: &'a EndpointRow,
        failures: i64,
    },
    /// A key that a client's person handed in waits for an admin.
    HandInWaiting {
        hand_in: &'a HandInRow,
        client: &'a str,
    },
    /// This API key should be rotated.
    ApiKeyOld(&'a ApiKeyRow),
    /// Somebody has found this API key, which is revoked; another of its name may still be let in.
    ApiKeyExposed {
        key: &'a ApiKeyRow,
        beside: Option<&'a ApiKeyRow>,
    },
}

impl Cause<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::KeyInvalid,
            Self::NoFunds(_) => Kind::KeyNoFunds,
            Self::SyncFailed { .. } => Kind::SyncFailed,
            Self::WebhookDisabled { .. } => Kind::WebhookDisabled,
            Self::HandInWaiting { .. } => Kind::HandInWaiting,
            Self::ApiKeyOld(_) => Kind::ApiKeyOld,
            Self::ApiKeyExposed { .. } => Kind::ApiKeyExposed,
        }
    }

    fn key(&self) -> Option<&KeyRow> {
        match self {
            Self::Invalid(key) | Self::NoFunds(key) | Self::SyncFailed { key, .. } => Some(key),
            Self::WebhookDisabled { .. }
            | Self::HandInWaiting { .. }
            | Self::ApiKeyOld(_)
            | Self::ApiKeyExposed { .. } => None,
        }
    }
}

/// Raises an alert, unless one of the same trouble stands already; true when it is a new one.
pub(crate) async fn raise(conn: &mut Conn, app: &App, cause: &Cause<'_>) -> Result<bool> {
    let key = cause.key();
    let (agency, subject) = match cause {
        Cause::WebhookDisabled { endpoint, .. } => {
            (&endpoint.agency_id, endpoint.id.as_str().to_owned())
        }
        Cause::HandInWaiting { hand_in, .. } => (&hand_in.agency_id, hand_in.alert_subject()),
        // The key and not its name: a second key of the name that is found is trouble of its own.
        Cause::ApiKeyOld(key) | Cause::ApiKeyExposed { key, .. } => {
            (&key.agency_id, key.id.as_str().to_owned())
        }
        Cause::Invalid(key) | Cause::NoFunds(key) | Cause::SyncFailed { key, .. } => {
            (&key.agency_id, key.id.as_str().to_owned())
        }
    };
    if store::alerts::is_standing(conn, agency, cause.kind().as_str(), &subject).await? {
        return Ok(false);
    }
    let client_id = match cause {
        Cause::HandInWaiting { hand_in, .. } => Some(hand_in.client_id.as_str()),
        _ => key.and_then(client_id),
    };
    let client_name = match client_id {
        Some(client) => store::alerts::find_client_name(conn, agency, client).await?,
        None => None,
    };
    let agent_count = match key {
        Some(key) => Some(store::health::count_agents(conn, agency, &key.id).await?),
        None => None,
    };
    let whose = words::Whose {
        client: client_id.map(|_| client_name.as_deref().unwrap_or("The client")),
        agents: agent_count.unwrap_or(0),
    };
    let summary = words::summary(cause, &whose)?;
    let row = AlertRow {
        id: AlertId::new(),
        agency_id: agency.clone(),
        kind: cause.kind().as_str().to_owned(),
        subject,
        provider: key.map(|key| key.provider.clone()),
        client_id: client_id.map(str::to_owned),
        client_name,
        summary,
        agent_count,
        raised_at: app.clock.now(),
        resolved_at: None,
        dismissed_at: None,
        dismissed_by: None,
        state: State::Open.as_str().to_owned(),
    };
    let is_new = store::alerts::insert(conn, &row).await?;
    if is_new {
        email::enqueue(conn, app, &row).await?;
    }
    Ok(is_new)
}

/// Ends the alert of one trouble, if there is one.
pub(crate) async fn resolve(
    conn: &mut Conn,
    agency: &AgencyId,
    kind: Kind,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    store::alerts::resolve(conn, agency, kind.as_str(), subject, now).await
}

/// Ends all alerts about one thing, because it is not what it was.
pub(crate) async fn resolve_all(
    conn: &mut Conn,
    agency: &AgencyId,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    store::alerts::resolve(conn, agency, "", subject, now).await
}

/// Ends the alerts about exposed API keys of a name: whoever has a new key of it has answered them.
pub(crate) async fn resolve_exposed(
    conn: &mut Conn,
    agency: &AgencyId,
    lineage: &ApiKeyLineageId,
    now: Timestamp,
) -> Result<()> {
    let kind = Kind::ApiKeyExposed.as_str();
    store::alerts::resolve_of_lineage(conn, agency, kind, lineage, now).await
}

/// Ends the alerts about exposed API keys that are forgotten, in all agencies: nothing could be done about them any more.
pub(crate) async fn resolve_of_forgotten_api_keys(conn: &mut Conn, now: Timestamp) -> Result<()> {
    let kind = Kind::ApiKeyExposed.as_str();
    store::alerts::resolve_of_forgotten_api_keys(conn, kind, now).await
}

/// Puts an alert of the viewer's agency aside. One that has ended, or was put aside before, stays as it is.
pub(crate) async fn dismiss(app: &App, viewer: &Viewer, alert: &AlertId) -> Result<AlertRow> {
    let agency = viewer.require(Permission::ViewAlerts)?;
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    store::alerts::dismiss(&mut tx, agency, alert, &viewer.user_id, now).await?;
    let row = store::alerts::find(&mut tx, agency, alert).await?;
    tx.commit().await?;
    row.ok_or(Error::NotFound)
}

/// The client whose key it is; `None` for the agency's own.
pub(crate) fn client_id(key: &KeyRow) -> Option<&str> {
    (key.scope_kind == "client").then_some(key.scope_id.as_str())
}

/// The provider's name of a key's row.
fn provider_name(key: &KeyRow) -> Result<&'static str> {
    Ok(keys::provider_of(&key.provider)?.display_name())
}
