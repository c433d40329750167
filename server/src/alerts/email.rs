//! Alerts by email, where a mail server is configured: to each owner and admin, as plain text, one durable job for each
//! person, so that a retry writes to nobody twice. A message holds what the alert says and where to read it, and no secret.

use std::time::Duration;

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    clock::Timestamp,
    config::EmailConfig,
    error::{Error, Result},
    id::{AgencyId, AlertId, UserId},
    jobs::{self, Job, JobError},
    store::{self, Conn, alerts::AlertRow, users::UserRow},
};

/// A mail server answers within this time.
const SEND_TIME: Duration = Duration::from_secs(30);
/// The first wait after a failure; each next one is as long as the alert is old by then.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// An alert that is older than this is not written about any more.
const PATIENCE: Duration = Duration::from_hours(6);

/// Queues a message to each owner and admin, in the caller's transaction.
pub(super) async fn enqueue(conn: &mut Conn, app: &App, alert: &AlertRow) -> Result<()> {
    if app.config.email.is_none() {
        return Ok(());
    }
    for person in store::users::list_admins(conn, &alert.agency_id).await? {
        let job = SendAlertJob {
            agency: alert.agency_id.clone(),
            alert: alert.id.clone(),
            person: person.id,
        };
        jobs::enqueue(conn, &job, app.clock.now()).await?;
    }
    Ok(())
}

/// The job's payload: ids alone.
#[derive(Serialize, Deserialize)]
pub(crate) struct SendAlertJob {
    agency: AgencyId,
    alert: AlertId,
    person: UserId,
}

#[async_trait]
impl Job for SendAlertJob {
    const KIND: &'static str = "send_alert";

    fn dedup_key(&self) -> String {
        format!("{}:{}", self.alert, self.person)
    }

    async fn run(&self, app: &App, stop: &CancellationToken) -> Result<(), JobError> {
        let Some(email) = &app.config.email else {
            return Ok(());
        };
        let mut conn = app.db.read().await?;
        let alert = store::alerts::find(&mut conn, &self.agency, &self.alert).await?;
        // Whoever has left, or was made staff, is not written to.
        let admins = store::users::list_admins(&mut conn, &self.agency).await?;
        let agency = store::agencies::find(&mut conn, &self.agency).await?;
        drop(conn);
        let person = admins.into_iter().find(|admin| admin.id == self.person);
        let (Some(alert), Some(person), Some(agency)) = (alert, person, agency) else {
            return Ok(());
        };
        if alert.resolved_at.is_some() {
            return Ok(());
        }
        let link = format!(
            "{}/a/{}/alerts",
            app.config.public_url.as_str().trim_end_matches('/'),
            agency.slug
        );
        let Ok(message) = message(email, &person, &agency.name, &alert, &link) else {
            tracing::warn!(user.id = %person.id, "an alert could not be written: the email address is none");
            return Ok(());
        };
        let sent = tokio::select! {
            sent = send(email, message) => sent,
            () = stop.cancelled() => return Err(JobError::Interrupted),
        };
        let now = app.clock.now();
        match sent {
            Ok(()) => Ok(()),
            Err(Trouble::Lasting) => {
                tracing::warn!(user.id = %person.id, "the mail server refused an alert");
                Ok(())
            }
            Err(Trouble::Passing) => {
                if let Some(at) = next_try(alert.raised_at, now) {
                    let reason = "the mail server could not be used".to_owned();
                    return Err(JobError::Retry { at, reason });
                }
                tracing::warn!(user.id = %person.id, "an alert could not be sent by email");
                Ok(())
            }
        }
    }

    /// The alert stands in the inbox all the same.
    async fn give_up(&self, _app: &App, _error: &Error) -> Result<()> {
        Ok(())
    }
}

/// When the next try is; none when the alert is too old for it.
fn next_try(raised_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let age = raised_at.until(now);
    (age < PATIENCE).then(|| now.plus(age.max(FIRST_WAIT)))
}

/// Why a message did not go out.
enum Trouble {
    /// The server refuses it for good.
    Lasting,
    /// Another try may work.
    Passing,
}

async fn send(email: &EmailConfig, message: Message) -> std::result::Result<(), Trouble> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(email.smtp_url.expose_secret())
        .map_err(|_| Trouble::Lasting)?
        .timeout(Some(SEND_TIME))
        .build();
    match transport.send(message).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(Trouble::Lasting),
        Err(_) => Err(Trouble::Passing),
    }
}

fn message(
    email: &EmailConfig,
    person: &UserRow,
    agency: &str,
    alert: &AlertRow,
    link: &str,
) -> std::result::Result<Message, Box<dyn std::error::Error + Send + Sync>> {
    let to = Mailbox::new(Some(one_line(&person.name)), person.email.parse()?);
    let first = alert.summary.split(". ").next().unwrap_or_default();
    let subject = format!(
        "{}: {}",
        one_line(agency),
        one_line(first.trim_end_matches('.'))
    );
    let body = format!(
        "{}\n\nFound out at {} (UTC).\n\nAll alerts of {}: {link}\n\nYou get this because you are an owner or an admin there.\n",
        alert.summary, alert.raised_at, agency
    );
    Ok(Message::builder()
        .from(email.from.clone())
        .to(to)
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body)?)
}

/// A name in a header: line breaks would begin another one.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8: a message is tried again with waits that grow, and not for ever.
    #[test]
    fn a_message_is_tried_again_with_growing_waits() {
        let raised = Timestamp::from_millis(0);
        let mut at = raised;
        let mut waits = Vec::new();
        while let Some(next) = next_try(raised, at) {
            waits.push(at.until(next).as_secs() / 60);
            at = next;
        }
        assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256]);
    }
}
