//! Deliveries: the job that sends one until it arrives or its tries are over, the endpoint that is switched off when too
//! many in a row have failed, "Send a test", and sending once more by hand.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    Event, EventKind, Failure, State, delivery, enqueue, event, new_event_id, open_secret,
    send::{self, Attempt},
};
use crate::{
    access::{Permission, Viewer},
    alerts::{self, Cause},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::{AgencyId, WebhookDeliveryId, WebhookEndpointId},
    jobs::{Job, JobError},
    keys::words,
    store::{self, Conn, webhook_deliveries::DeliveryRow, webhook_endpoints::EndpointRow},
};

/// The waits between the tries of one delivery: seven tries within seven and a half hours.
const WAITS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(6),
];
/// So many failed deliveries in a row switch an endpoint off.
pub(crate) const FAILURES_TO_DISABLE: i64 = 5;

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeliverJob {
    pub(crate) agency: AgencyId,
    pub(crate) delivery: WebhookDeliveryId,
}

#[async_trait]
impl Job for DeliverJob {
    const KIND: &'static str = "deliver_webhook";

    fn dedup_key(&self) -> String {
        self.delivery.as_str().to_owned()
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let Some((row, endpoint)) = self.find(app).await? else {
            return Ok(());
        };
        if State::parse(&row.state) != Some(State::Waiting) {
            return Ok(());
        }
        let attempt = if endpoint.is_enabled {
            tokio::select! {
                attempt = attempt(app, &endpoint, &row) => attempt?,
                () = stop.cancelled() => return Err(JobError::Interrupted),
            }
        } else {
            not_sent(Failure::SwitchedOff)
        };
        match write(app, &row, &attempt).await? {
            Some(wait) => Err(JobError::Retry {
                at: app.clock.now().plus(wait),
                reason: attempt.failure.map_or("", Failure::as_str).to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// A delivery that nobody works on any more must say so.
    async fn give_up(&self, app: &App, _error: &Error) -> Result<()> {
        let Some((row, _)) = self.find(app).await? else {
            return Ok(());
        };
        let mut next = row.clone();
        State::Failed.as_str().clone_into(&mut next.state);
        next.next_attempt_at = None;
        next.finished_at = Some(app.clock.now());
        let mut tx = app.db.begin().await?;
        store::webhook_deliveries::update(&mut tx, &next, row.attempts).await?;
        tx.commit().await
    }
}

impl DeliverJob {
    async fn find(&self, app: &App) -> Result<Option<(DeliveryRow, EndpointRow)>> {
        let mut conn = app.db.read().await?;
        let row = store::webhook_deliveries::find(&mut conn, &self.agency, &self.delivery).await?;
        let Some(row) = row else { return Ok(None) };
        let endpoint =
            store::webhook_endpoints::find(&mut conn, &self.agency, &row.endpoint_id).await?;
        Ok(endpoint.map(|endpoint| (row, endpoint)))
    }
}

fn not_sent(failure: Failure) -> Attempt {
    Attempt {
        status: None,
        duration: Duration::ZERO,
        failure: Some(failure),
    }
}

async fn attempt(app: &App, endpoint: &EndpointRow, row: &DeliveryRow) -> Result<Attempt> {
    let secret = match open_secret(app, endpoint) {
        Ok(secret) => secret,
        Err(Error::KeyUnreadable) => return Ok(not_sent(Failure::SecretUnreadable)),
        Err(error) => return Err(error),
    };
    let attempt = send::send(app, &endpoint.url, &secret, &row.event_id, &row.payload).await?;
    let outcome = attempt.failure.map_or("delivered", Failure::as_str);
    metrics::counter!("ringfence_webhook_attempts_total", "outcome" => outcome).increment(1);
    tracing::debug!(
        webhook.endpoint = %endpoint.id,
        webhook.event = row.event,
        outcome,
        "a webhook was sent"
    );
    Ok(attempt)
}

/// The row after an attempt, and how long it waits for the next one.
fn after(app: &App, row: &DeliveryRow, attempt: &Attempt) -> (DeliveryRow, Option<Duration>) {
    let now = app.clock.now();
    let mut next = row.clone();
    let tried = usize::try_from(row.attempts).unwrap_or(usize::MAX);
    let is_final = matches!(
        attempt.failure,
        Some(Failure::Gone | Failure::SwitchedOff | Failure::SecretUnreadable)
    );
    let wait = match attempt.failure {
        Some(_) if !is_final && row.event != EventKind::WebhookTest.as_str() => {
            WAITS.get(tried).copied()
        }
        _ => None,
    };
    if attempt.failure != Some(Failure::SwitchedOff) {
        next.attempts += 1;
        next.last_attempt_at = Some(now);
        next.duration_ms = i64::try_from(attempt.duration.as_millis()).ok();
        next.status_code = attempt.status.map(i64::from);
    }
    next.error = attempt.failure.map(|failure| failure.as_str().to_owned());
    next.next_attempt_at = wait.map(|wait| now.plus(wait));
    if wait.is_none() {
        let state = if attempt.failure.is_none() {
            State::Delivered
        } else {
            State::Failed
        };
        state.as_str().clone_into(&mut next.state);
        next.finished_at = Some(now);
    }
    (next, wait)
}

/// Writes down how an attempt went, and what that means for the endpoint; the wait before the next attempt.
async fn write(app: &App, row: &DeliveryRow, attempt: &Attempt) -> Result<Option<Duration>> {
    let (next, wait) = after(app, row, attempt);
    let mut tx = app.db.begin().await?;
    let endpoint =
        store::webhook_endpoints::lock(&mut tx, &row.agency_id, &row.endpoint_id).await?;
    if !store::webhook_deliveries::update(&mut tx, &next, row.attempts).await? {
        // Gone with its endpoint, or another worker's.
        return Ok(None);
    }
    let is_test = row.event == EventKind::WebhookTest.as_str();
    if let (Some(endpoint), None, false) = (endpoint, wait, is_test) {
        judge(&mut tx, app, endpoint, attempt.failure).await?;
    }
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(wait)
}

/// What the end of a delivery means for its endpoint.
async fn judge(
    conn: &mut Conn,
    app: &App,
    mut endpoint: EndpointRow,
    failure: Option<Failure>,
) -> Result<()> {
    let now = app.clock.now();
    let failures = match failure {
        None => 0,
        Some(Failure::SwitchedOff) => return Ok(()),
        Some(_) => endpoint.failures_in_a_row + 1,
    };
    let is_gone = failure == Some(Failure::Gone);
    let is_disabled = endpoint.is_enabled && (is_gone || failures >= FAILURES_TO_DISABLE);
    if failures == endpoint.failures_in_a_row && !is_disabled {
        return Ok(());
    }
    endpoint.failures_in_a_row = failures;
    if is_disabled {
        endpoint.is_enabled = false;
        endpoint.disabled_at = Some(now);
    }
    store::webhook_endpoints::update(conn, &endpoint).await?;
    if !is_disabled {
        return Ok(());
    }
    let cause = Cause::WebhookDisabled {
        endpoint: &endpoint,
        failures: if is_gone { 0 } else { failures },
    };
    alerts::raise(conn, app, &cause).await?;
    let entry = Entry {
        agency: Some(&endpoint.agency_id),
        actor: Actor::System,
        action: Action::WebhookDisabled,
        subject: endpoint.id.as_str(),
        provider: None,
        summary: if is_gone {
            "A webhook endpoint answered that it is gone, and was switched off.".to_owned()
        } else {
            format!(
                "A webhook endpoint was switched off after {failures} failed deliveries in a row."
            )
        },
    };
    app.audit.append(conn, entry, now).await
}

/// "Send a test": one attempt, at once, whether the endpoint is switched on or not; it changes nothing of the endpoint.
pub(crate) async fn test(
    app: &App,
    viewer: &Viewer,
    endpoint: &WebhookEndpointId,
) -> Result<DeliveryRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut conn = app.db.read().await?;
    let endpoint = store::webhook_endpoints::find(&mut conn, agency, endpoint)
        .await?
        .ok_or(Error::NotFound)?;
    count_attempt(app, agency)?;
    let now = app.clock.now();
    let event_id = new_event_id();
    let payload = event::payload(&mut conn, agency, &event_id, &Event::Test, now).await?;
    drop(conn);
    let row = delivery(app, &endpoint, EventKind::WebhookTest, &event_id, &payload);
    let attempt = attempt(app, &endpoint, &row).await?;
    let (row, _) = after(app, &row, &attempt);
    let mut tx = app.db.begin().await?;
    if store::webhook_endpoints::lock(&mut tx, agency, &endpoint.id)
        .await?
        .is_none()
    {
        return Err(Error::NotFound);
    }
    store::webhook_deliveries::insert(&mut tx, &row).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::WebhookTested,
        subject: endpoint.id.as_str(),
        provider: None,
        summary: format!(
            "A test was sent to the webhook endpoint at {}: {}.",
            super::endpoints::host_of(&endpoint.url),
            attempt
                .failure
                .map_or("delivered", Failure::as_str)
                .replace('_', " ")
        ),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    Ok(row)
}

/// Sends once more what was sent before: the same event under the same id, so that a receiver that has it knows.
pub(crate) async fn redeliver(
    app: &App,
    viewer: &Viewer,
    delivery_id: &WebhookDeliveryId,
) -> Result<DeliveryRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut conn = app.db.read().await?;
    let before = store::webhook_deliveries::find(&mut conn, agency, delivery_id)
        .await?
        .ok_or(Error::NotFound)?;
    let endpoint = store::webhook_endpoints::find(&mut conn, agency, &before.endpoint_id)
        .await?
        .ok_or(Error::NotFound)?;
    drop(conn);
    let kind = EventKind::parse(&before.event)
        .ok_or_else(|| Error::internal(format!("unknown event {:?} in a row", before.event)))?;
    if State::parse(&before.state) == Some(State::Waiting) {
        return Err(Error::Conflict(
            "This delivery is still being tried. It can be sent again when its tries are over."
                .to_owned(),
        ));
    }
    if !endpoint.is_enabled {
        return Err(Error::Conflict(
            "This endpoint is switched off. Switch it on, then send the delivery again.".to_owned(),
        ));
    }
    count_attempt(app, agency)?;
    let row = delivery(app, &endpoint, kind, &before.event_id, &before.payload);
    let mut tx = app.db.begin().await?;
    if store::webhook_endpoints::lock(&mut tx, agency, &endpoint.id)
        .await?
        .is_none()
    {
        return Err(Error::NotFound);
    }
    store::webhook_deliveries::insert(&mut tx, &row).await?;
    enqueue(&mut tx, app, &row).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    Ok(row)
}

/// What people may make Ringfence send by hand: ten a minute for an agency.
fn count_attempt(app: &App, agency: &AgencyId) -> Result<()> {
    let counted = app
        .throttles
        .webhooks_by_agency
        .attempt(agency.as_str(), app.clock.now());
    counted.map_err(|retry_after| Error::TooManyAttempts {
        message: format!(
            "Ten webhooks a minute can be sent by hand. The next one can go in {}.",
            words::wait(retry_after)
        ),
        retry_after,
    })
}
