//! Outgoing webhooks (H5): an agency's endpoints hear of what happens to its keys and imports. Each delivery is a durable job
//! with retries and a line in the log; an endpoint that fails again and again is switched off, and an alert says so. It owns
//! what is sent and where to; that something is worth an event is decided where it happens.

mod address;
pub(crate) mod deliver;
pub(crate) mod endpoints;
mod event;
mod send;
mod sign;

pub(crate) use event::{Event, EventKind};

use secrecy::SecretString;

use crate::{
    app::App,
    error::{Error, Result},
    id::{AgencyId, WebhookDeliveryId},
    jobs,
    store::{self, Conn, webhook_deliveries::DeliveryRow, webhook_endpoints::EndpointRow},
    sync::words,
    vault::{Binding, Cipher, Sealed},
};

words! {
    /// How a delivery stands.
    State "WebhookDeliveryState" {
        /// It is to be sent, for the first time or again.
        Waiting => "waiting",
        /// The endpoint took it: a status from 200 to 299.
        Delivered => "delivered",
        /// It was tried as often as it is, and is not tried again by itself.
        Failed => "failed",
    }
}

words! {
    /// Why an attempt did not arrive.
    Failure "WebhookFailure" {
        /// The endpoint's name leads nowhere.
        NameNotFound => "name_not_found",
        /// The name leads to an address inside a private network, or the address is not https.
        AddressRefused => "address_refused",
        /// No connection, or it broke off: the port is closed, or the certificate is not accepted.
        ConnectionFailed => "connection_failed",
        /// No answer within ten seconds.
        Timeout => "timeout",
        /// The endpoint answered with a redirect, and redirects are not followed.
        Redirect => "redirect",
        /// The endpoint answered 410: it wants nothing any more, and was switched off.
        Gone => "gone",
        /// The endpoint answered with another status than 200 to 299.
        Status => "status",
        /// The endpoint was switched off before it could be sent.
        SwitchedOff => "switched_off",
        /// The signing secret cannot be opened with the master key in use: make a new one.
        SecretUnreadable => "secret_unreadable",
    }
}

/// Queues a delivery to each endpoint that listens to this event, in the caller's transaction. Whoever commits rings the job
/// bell.
pub(crate) async fn emit(
    conn: &mut Conn,
    app: &App,
    agency: &AgencyId,
    event: &Event<'_>,
) -> Result<()> {
    let endpoints =
        store::webhook_endpoints::list_for_event(conn, agency, event.kind().as_str()).await?;
    if endpoints.is_empty() {
        return Ok(());
    }
    let event_id = new_event_id();
    let payload = event::payload(conn, agency, &event_id, event, app.clock.now()).await?;
    for endpoint in endpoints {
        let row = delivery(app, &endpoint, event.kind(), &event_id, &payload);
        store::webhook_deliveries::insert(conn, &row).await?;
        enqueue(conn, app, &row).await?;
    }
    Ok(())
}

async fn enqueue(conn: &mut Conn, app: &App, row: &DeliveryRow) -> Result<()> {
    let job = deliver::DeliverJob {
        agency: row.agency_id.clone(),
        delivery: row.id.clone(),
    };
    jobs::enqueue(conn, &job, app.clock.now()).await?;
    Ok(())
}

fn new_event_id() -> String {
    format!("evt_{}", WebhookDeliveryId::new().as_str().replace('-', ""))
}

/// A delivery that has not been tried yet.
fn delivery(
    app: &App,
    endpoint: &EndpointRow,
    kind: EventKind,
    event_id: &str,
    payload: &str,
) -> DeliveryRow {
    let now = app.clock.now();
    DeliveryRow {
        id: WebhookDeliveryId::new(),
        agency_id: endpoint.agency_id.clone(),
        endpoint_id: endpoint.id.clone(),
        event_id: event_id.to_owned(),
        event: kind.as_str().to_owned(),
        payload: payload.to_owned(),
        state: State::Waiting.as_str().to_owned(),
        attempts: 0,
        next_attempt_at: Some(now),
        last_attempt_at: None,
        status_code: None,
        duration_ms: None,
        error: None,
        created_at: now,
        finished_at: None,
    }
}

fn binding(endpoint: &EndpointRow, version: i64) -> Binding<'_> {
    Binding {
        agency_id: endpoint.agency_id.as_str(),
        scope_kind: "agency",
        scope_id: endpoint.agency_id.as_str(),
        // No provider has this name: the record opens as a webhook's secret and as nothing else.
        provider: "webhook",
        key_id: endpoint.id.as_str(),
        version,
        field: "signing_secret",
    }
}

/// Opens an endpoint's signing secret for one signature.
fn open_secret(app: &App, endpoint: &EndpointRow) -> Result<SecretString> {
    let sealed = Sealed {
        cipher: Cipher::parse(&endpoint.cipher).map_err(|_| Error::KeyUnreadable)?,
        master_key_id: endpoint.master_key_id.clone(),
        wrapped_key: endpoint.wrapped_key.clone(),
        sealed: endpoint.sealed.clone(),
    };
    Ok(app
        .vault
        .open(&binding(endpoint, endpoint.secret_version), &sealed)?)
}
