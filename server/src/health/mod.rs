//! How keys fare (R7, R8). [`record`] is the one place that writes what a provider's answer says about a stored key: its
//! health, its breaker, the alert, and what webhooks and emails tell of it, all in the caller's transaction. Checks, imports
//! and calls hand their answers in here. It sends no request itself: `check` does.

pub(crate) mod answer;
pub(crate) mod breaker;
pub(crate) mod check;
mod schedule;

pub use schedule::{enqueue_due, watch};

use std::time::Duration;

use crate::{
    alerts::{self, Cause},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::Result,
    health::breaker::{Breaker, Change, Verdict},
    id::{AgencyId, KeyId},
    keys::{self, Health},
    store::{
        self, Conn,
        health::{HealthRow, HealthWrite},
        provider_keys::KeyRow,
    },
    webhooks::{self, Event},
};

/// What an answer of the provider says about a key.
pub(crate) struct Observation {
    pub(crate) health: Health,
    /// The provider's words, scrubbed (K13).
    pub(crate) message: Option<String>,
    /// What the key can do, where the answer tells; as a row keeps it.
    pub(crate) capabilities: Option<String>,
}

/// Writes down what was answered to the version of `key`; false when that is not the one in use any more: what an old
/// version answers changes nothing (K10). Whoever commits rings the job bell.
pub(crate) async fn record(
    conn: &mut Conn,
    app: &App,
    key: &KeyRow,
    seen: &Observation,
) -> Result<bool> {
    let now = app.clock.now();
    let (agency, version) = (&key.agency_id, key.version.version);
    let Some(before) = store::health::lock(conn, agency, &key.id, version).await? else {
        return Ok(false);
    };
    let verdict = Verdict::from(seen.health);
    let (after, change) = breaker_of(&before).after(verdict);
    let wait = after.next_check(verdict, app.config.health_check_interval, spread(&key.id));
    let write = HealthWrite {
        health: seen.health.as_str(),
        message: seen.message.as_deref(),
        checked_at: now,
        breaker: state_word(after),
        rejections: i64::from(after.rejections),
        opened_at: match change {
            Change::Opened => Some(now),
            Change::Closed => None,
            Change::Stayed => before.breaker_opened_at,
        },
        next_check_at: wait.map(|wait| now.plus(wait)),
    };
    store::health::update(conn, agency, &key.id, &write).await?;
    if let Some(capabilities) = &seen.capabilities {
        store::provider_keys::update_capabilities(conn, agency, &key.id, version, capabilities)
            .await?;
    }
    match change {
        Change::Opened => opened(conn, app, key, now).await?,
        Change::Closed => closed(conn, app, key, seen.health, now).await?,
        Change::Stayed => {}
    }
    if seen.health == Health::NoFunds {
        alerts::raise(conn, app, &Cause::NoFunds(key)).await?;
    } else if verdict == Verdict::Accepted {
        alerts::resolve(conn, agency, alerts::Kind::KeyNoFunds, key.id.as_str(), now).await?;
    }
    Ok(true)
}

/// After a key was saved, replaced, rolled back or cleared: nothing of what was known of the version before holds any more.
/// Its alerts end, and the breaker is closed; whoever was told that the key is invalid is told that another one is in use.
/// Called behind the change, in its transaction.
pub(crate) async fn reset(
    conn: &mut Conn,
    app: &App,
    agency: &AgencyId,
    key: &KeyId,
) -> Result<()> {
    let now = app.clock.now();
    let kind = alerts::Kind::KeyInvalid.as_str();
    let was_told = store::alerts::is_standing(conn, agency, kind, key.as_str()).await?;
    store::health::reset(conn, agency, key).await?;
    alerts::resolve_all(conn, agency, key.as_str(), now).await?;
    if !was_told {
        return Ok(());
    }
    if let Some(row) = store::provider_keys::find(conn, agency, key).await? {
        let health = Health::parse(&row.health).unwrap_or(Health::Valid);
        webhooks::emit(conn, app, agency, &Event::KeyRestored { key: &row, health }).await?;
    }
    Ok(())
}

async fn opened(conn: &mut Conn, app: &App, key: &KeyRow, now: Timestamp) -> Result<()> {
    let agency = &key.agency_id;
    // The refusal is what stops the calls now, whatever the account's funds are.
    alerts::resolve(conn, agency, alerts::Kind::KeyNoFunds, key.id.as_str(), now).await?;
    alerts::raise(conn, app, &Cause::Invalid(key)).await?;
    webhooks::emit(conn, app, agency, &Event::KeyInvalid { key }).await?;
    let summary = format!(
        "{} key …{} was refused {} times in a row; calls with it are refused at once until it works again.",
        keys::provider_of(&key.provider)?.display_name(),
        key.version.last_four,
        breaker::REJECTIONS_TO_OPEN,
    );
    audit(conn, app, key, Action::KeyInvalid, summary, now).await
}

async fn closed(
    conn: &mut Conn,
    app: &App,
    key: &KeyRow,
    health: Health,
    now: Timestamp,
) -> Result<()> {
    let agency = &key.agency_id;
    alerts::resolve(conn, agency, alerts::Kind::KeyInvalid, key.id.as_str(), now).await?;
    webhooks::emit(conn, app, agency, &Event::KeyRestored { key, health }).await?;
    let summary = format!(
        "{} key …{} is accepted again.",
        keys::provider_of(&key.provider)?.display_name(),
        key.version.last_four,
    );
    audit(conn, app, key, Action::KeyRestored, summary, now).await
}

async fn audit(
    conn: &mut Conn,
    app: &App,
    key: &KeyRow,
    action: Action,
    summary: String,
    now: Timestamp,
) -> Result<()> {
    let entry = Entry {
        agency: Some(&key.agency_id),
        actor: Actor::System,
        action,
        subject: key.id.as_str(),
        provider: Some(keys::provider_of(&key.provider)?),
        summary,
    };
    app.audit.append(conn, entry, now).await
}

fn breaker_of(row: &HealthRow) -> Breaker {
    Breaker {
        is_open: row.breaker == "open",
        rejections: u32::try_from(row.rejections_in_a_row).unwrap_or(u32::MAX),
    }
}

fn state_word(breaker: Breaker) -> &'static str {
    if breaker.is_open { "open" } else { "closed" }
}

/// A number that stays the key's own: the random end of its id.
fn spread(key: &KeyId) -> u64 {
    let digits: String = key
        .as_str()
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect();
    let end = digits.len().saturating_sub(12);
    u64::from_str_radix(digits.get(end..).unwrap_or_default(), 16).unwrap_or(0)
}

/// A check that could not be made at all is tried again after this.
pub(crate) const POSTPONED: Duration = Duration::from_mins(15);
