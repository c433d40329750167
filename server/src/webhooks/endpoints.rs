//! An agency's endpoints: made with a signing secret that is shown once, changed, given a new secret, removed. Who did it
//! stands in the audit log, with the host and never the whole address, which may hold a token of the receiver's.

use secrecy::SecretString;
use url::Url;

use super::{EventKind, address, binding, sign};
use crate::{
    access::{Permission, Viewer},
    accounts::is_unseen,
    alerts,
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::WebhookEndpointId,
    store::{self, Conn, keyset::word_set, webhook_endpoints::EndpointRow},
    vault::Sealed,
};

/// Most endpoints that an agency has.
const MAX_ENDPOINTS: i64 = 20;
/// Longest description.
const MAX_DESCRIPTION: usize = 200;

/// What is to be made.
pub(crate) struct NewEndpoint {
    pub(crate) url: String,
    pub(crate) description: Option<String>,
    pub(crate) events: Vec<EventKind>,
}

/// What is to be changed; absent means that it stays.
pub(crate) struct Changes {
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) events: Option<Vec<EventKind>>,
    pub(crate) is_enabled: Option<bool>,
}

/// Makes an endpoint of the viewer's agency; with the secret, which nobody can read again.
pub(crate) async fn create(
    app: &App,
    viewer: &Viewer,
    input: NewEndpoint,
) -> Result<(EndpointRow, SecretString)> {
    let agency = viewer.require(Permission::Administer)?;
    let url = address::parse(&input.url, address::is_loopback_open(app))?;
    let events = event_set(&input.events)?;
    let description = description_of(input.description.unwrap_or_default())?;
    let secret = sign::new_secret()?;
    let now = app.clock.now();
    let mut row = EndpointRow {
        id: WebhookEndpointId::new(),
        agency_id: agency.clone(),
        url: url.to_string(),
        description,
        events,
        is_enabled: true,
        disabled_at: None,
        failures_in_a_row: 0,
        secret_version: 1,
        cipher: String::new(),
        master_key_id: String::new(),
        wrapped_key: Vec::new(),
        sealed: Vec::new(),
        created_by: Some(viewer.user_id.clone()),
        created_at: now,
        updated_at: now,
    };
    let sealed = app.vault.seal(&binding(&row, 1), &secret)?;
    keep_secret(&mut row, 1, sealed);
    let mut tx = app.db.begin().await?;
    if store::webhook_endpoints::count(&mut tx, agency).await? >= MAX_ENDPOINTS {
        return Err(Error::invalid(
            "url",
            format!(
                "An agency has at most {MAX_ENDPOINTS} endpoints. Delete one that is not needed."
            ),
        ));
    }
    store::webhook_endpoints::insert(&mut tx, &row).await?;
    let summary = format!("A webhook endpoint at {} was made.", host_of(&row.url));
    audit(&mut tx, app, viewer, &row, Action::WebhookCreated, summary).await?;
    tx.commit().await?;
    Ok((row, secret))
}

/// Changes an endpoint. Switching it on forgets its failures and ends its alert.
pub(crate) async fn update(app: &App, viewer: &Viewer, changes: Changes) -> Result<EndpointRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let mut row = store::webhook_endpoints::lock(&mut tx, agency, &changes.endpoint)
        .await?
        .ok_or(Error::NotFound)?;
    let now = app.clock.now();
    if let Some(url) = changes.url {
        row.url = address::parse(&url, address::is_loopback_open(app))?.to_string();
    }
    if let Some(description) = changes.description {
        row.description = description_of(description)?;
    }
    if let Some(events) = changes.events {
        row.events = event_set(&events)?;
    }
    if let Some(is_enabled) = changes.is_enabled {
        row.is_enabled = is_enabled;
        row.disabled_at = None;
        if is_enabled {
            row.failures_in_a_row = 0;
        }
        alerts::resolve_all(&mut tx, agency, row.id.as_str(), now).await?;
    }
    row.updated_at = now;
    store::webhook_endpoints::update(&mut tx, &row).await?;
    let state = match changes.is_enabled {
        Some(true) => "switched on",
        Some(false) => "switched off",
        None => "changed",
    };
    let summary = format!("The webhook endpoint at {} was {state}.", host_of(&row.url));
    audit(&mut tx, app, viewer, &row, Action::WebhookUpdated, summary).await?;
    tx.commit().await?;
    Ok(row)
}

/// Gives an endpoint a new signing secret; the old one signs nothing from now on.
pub(crate) async fn rotate_secret(
    app: &App,
    viewer: &Viewer,
    endpoint: &WebhookEndpointId,
) -> Result<(EndpointRow, SecretString)> {
    let agency = viewer.require(Permission::Administer)?;
    let secret = sign::new_secret()?;
    let mut tx = app.db.begin().await?;
    let mut row = store::webhook_endpoints::lock(&mut tx, agency, endpoint)
        .await?
        .ok_or(Error::NotFound)?;
    let version = row.secret_version + 1;
    let sealed = app.vault.seal(&binding(&row, version), &secret)?;
    keep_secret(&mut row, version, sealed);
    row.updated_at = app.clock.now();
    store::webhook_endpoints::update(&mut tx, &row).await?;
    let summary = format!(
        "The webhook endpoint at {} has a new signing secret.",
        host_of(&row.url)
    );
    audit(
        &mut tx,
        app,
        viewer,
        &row,
        Action::WebhookSecretRotated,
        summary,
    )
    .await?;
    tx.commit().await?;
    Ok((row, secret))
}

/// Removes an endpoint with its log; what waited to be sent there is not sent.
pub(crate) async fn delete(
    app: &App,
    viewer: &Viewer,
    endpoint: &WebhookEndpointId,
) -> Result<WebhookEndpointId> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let row = store::webhook_endpoints::lock(&mut tx, agency, endpoint)
        .await?
        .ok_or(Error::NotFound)?;
    store::webhook_endpoints::delete(&mut tx, agency, endpoint).await?;
    alerts::resolve_all(&mut tx, agency, endpoint.as_str(), app.clock.now()).await?;
    let summary = format!("The webhook endpoint at {} was deleted.", host_of(&row.url));
    audit(&mut tx, app, viewer, &row, Action::WebhookDeleted, summary).await?;
    tx.commit().await?;
    Ok(row.id)
}

async fn audit(
    conn: &mut Conn,
    app: &App,
    viewer: &Viewer,
    row: &EndpointRow,
    action: Action,
    summary: String,
) -> Result<()> {
    let entry = Entry {
        agency: Some(&row.agency_id),
        actor: Actor::Person(viewer),
        action,
        subject: row.id.as_str(),
        provider: None,
        summary,
    };
    app.audit.append(conn, entry, app.clock.now()).await
}

fn keep_secret(row: &mut EndpointRow, version: i64, sealed: Sealed) {
    row.secret_version = version;
    sealed.cipher.as_str().clone_into(&mut row.cipher);
    row.master_key_id = sealed.master_key_id;
    row.wrapped_key = sealed.wrapped_key;
    row.sealed = sealed.sealed;
}

fn event_set(events: &[EventKind]) -> Result<String> {
    let chosen: Vec<&str> = EventKind::SUBSCRIBABLE
        .into_iter()
        .filter(|kind| events.contains(kind))
        .map(EventKind::as_str)
        .collect();
    if chosen.is_empty() {
        return Err(Error::invalid("events", "Choose at least one event."));
    }
    Ok(word_set(chosen))
}

fn description_of(text: String) -> Result<String> {
    let text = text.trim().to_owned();
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid(
            "description",
            format!("The description is longer than {MAX_DESCRIPTION} characters."),
        ));
    }
    if text.chars().any(is_unseen) {
        return Err(Error::invalid(
            "description",
            "The description holds a line break or a character that nobody sees. Type it anew.",
        ));
    }
    Ok(text)
}

/// The host of an address, for the log: the rest may hold a token of the receiver's.
pub(super) fn host_of(url: &str) -> String {
    Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "an unknown host".to_owned())
}
