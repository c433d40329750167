//! What keys are used for: requests and errors per UTC day, and the last use. A request only adds to a count in memory; the
//! counts are written every few seconds and at the stop, in one transaction, in the order of the keys' ids. What could not be
//! written is kept and tried again. A clock that is set back leaves no use in the future.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    access::Viewer,
    app::App,
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ApiKeyId},
    store::{self, api_keys::DayRow},
};

/// Counts are written this often.
const WRITE_EVERY: Duration = Duration::from_secs(3);
/// Keys whose counts wait at most; only keys that were let in are counted, so that more means that nothing was written for
/// long.
const MAX_WAITING: usize = 10_000;
const DAY: i64 = 24 * 3600 * 1000;

/// Counts that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<ApiKeyId, Waiting>>);

#[derive(Debug)]
struct Waiting {
    agency: AgencyId,
    last_used_at: Timestamp,
    /// Requests and errors, by the day's first millisecond.
    days: BTreeMap<i64, (i64, i64)>,
}

impl Waiting {
    fn add(&mut self, day: i64, requests: i64, errors: i64) {
        let counts = self.days.entry(day).or_default();
        counts.0 += requests;
        counts.1 += errors;
    }
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ApiKeyId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, viewer: &Viewer, now: Timestamp, requests: i64, errors: i64) {
        let (Some(key), Some(membership)) = (viewer.api_key(), &viewer.membership) else {
            return;
        };
        let mut waiting = self.lock();
        if waiting.len() >= MAX_WAITING && !waiting.contains_key(&key.id) {
            return;
        }
        let of_key = waiting.entry(key.id.clone()).or_insert_with(|| Waiting {
            agency: membership.agency_id.clone(),
            last_used_at: now,
            days: BTreeMap::new(),
        });
        of_key.last_used_at = of_key.last_used_at.max(now);
        of_key.add(day_of(now), requests, errors);
    }

    /// Puts back what could not be written, beside what came meanwhile.
    fn put_back(&self, unwritten: BTreeMap<ApiKeyId, Waiting>) {
        let mut waiting = self.lock();
        for (key, old) in unwritten {
            let Some(of_key) = waiting.get_mut(&key) else {
                waiting.insert(key, old);
                continue;
            };
            of_key.last_used_at = of_key.last_used_at.max(old.last_used_at);
            for (day, (requests, errors)) in old.days {
                of_key.add(day, requests, errors);
            }
        }
    }
}

/// The first millisecond of a time's UTC day.
pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY) * DAY
}

/// Counts a request with the viewer's key, and nothing for a person.
pub(crate) fn note_request(app: &App, viewer: &Viewer) {
    app.api_key_counts.add(viewer, app.clock.now(), 1, 0);
}

/// Counts that such a request was answered with an error.
pub(crate) fn note_error(app: &App, viewer: &Viewer) {
    app.api_key_counts.add(viewer, app.clock.now(), 0, 1);
}

/// Writes the counts every few seconds until the server stops.
pub fn watch(app: &App) {
    let writer = app.clone();
    app.spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(WRITE_EVERY) => write(&writer).await,
                () = writer.shutdown.cancelled() => return,
            }
        }
    });
}

/// Writes what waits; what cannot be written is logged and tried again.
pub async fn write(app: &App) {
    let waiting = std::mem::take(&mut *app.api_key_counts.lock());
    if waiting.is_empty() {
        return;
    }
    if let Err(error) = write_all(app, &waiting).await {
        tracing::error!(error = ?error, "the use of API keys could not be written down and is tried again");
        app.api_key_counts.put_back(waiting);
    }
}

async fn write_all(app: &App, waiting: &BTreeMap<ApiKeyId, Waiting>) -> Result<()> {
    let mut tx = app.db.begin().await?;
    // What was noted later than now was noted by a clock that has been set back since.
    let now = app.clock.now();
    let today = day_of(now);
    for (key, used) in waiting {
        let at = used.last_used_at.min(now);
        let is_known = store::api_keys::touch(&mut tx, &used.agency, key, at, now).await?;
        if !is_known {
            continue;
        }
        for (day, (requests, errors)) in &used.days {
            let row = DayRow {
                api_key_id: key.clone(),
                day: Timestamp::from_millis((*day).min(today)),
                request_count: *requests,
                error_count: *errors,
            };
            store::api_keys::add_to_day(&mut tx, &used.agency, &row).await?;
        }
    }
    tx.commit().await
}
