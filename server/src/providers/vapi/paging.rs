//! How Vapi's lists are walked to their end. Pure: from a page and the cursor that led to it to the items that are new
//! and the next cursor. Assistants and calls have no cursor of Vapi's, so the walk goes by creation time and drops what it
//! has seen at the border; phone numbers go by page. Whatever leaves a doubt about the end makes the page incomplete (S3).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::providers::ProviderError;

use super::{convert, wire};

/// Vapi's largest page.
pub(super) const PAGE_LIMIT: usize = 1000;

/// Vapi writes milliseconds; if it stores finer times, a bound without this margin would lose items at the border.
const BORDER: Duration = Duration::milliseconds(1);

/// Where a walk by creation time stands, through the assistants or the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TimeCursor {
    order: Order,
    /// The next page's bound on the creation time, RFC 3339.
    bound: String,
    /// Ids already delivered that the bound lets through again.
    seen: Vec<String>,
}

/// Vapi does not document the order of its list. Newest first is what is expected, oldest first is walked as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    NewestFirst,
    OldestFirst,
}

/// An item that is walked by creation time.
pub(super) trait Dated {
    fn id(&self) -> &str;
    fn created_at(&self) -> Option<&str>;
}

impl Dated for wire::Assistant {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Option<&str> {
        self.created_at.as_deref()
    }
}

/// What a page adds to the walk.
#[derive(Debug)]
pub(super) struct Step<T, C> {
    pub(super) new: Vec<T>,
    pub(super) next: Option<C>,
    pub(super) is_complete: bool,
}

impl TimeCursor {
    /// Whether the bound is the earliest time that is asked for, and not the latest.
    pub(super) fn is_lower_bound(&self) -> bool {
        self.order == Order::OldestFirst
    }

    /// The query parameter that asks for the next page.
    pub(super) fn query(&self) -> (&'static str, &str) {
        let name = match self.order {
            Order::NewestFirst => "createdAtLe",
            Order::OldestFirst => "createdAtGe",
        };
        (name, &self.bound)
    }
}

/// The step after a page. The walk ends with the first page that adds nothing, not with the first short
/// one: Vapi may answer fewer than were asked for.
pub(super) fn step_by_time<T: Dated>(
    cursor: Option<&TimeCursor>,
    page: Vec<T>,
    limit: usize,
) -> Step<T, TimeCursor> {
    let is_full = page.len() >= limit;
    let times: Option<Vec<OffsetDateTime>> = page
        .iter()
        .map(|item| convert::instant(item.created_at()?))
        .collect();
    let stamped: Vec<(String, OffsetDateTime)> = page
        .iter()
        .map(|item| item.id().to_owned())
        .zip(times.iter().flatten().copied())
        .collect();
    let new = unseen(cursor, page);
    if new.is_empty() {
        return Step {
            new,
            next: None,
            is_complete: !is_full,
        };
    }
    match times.and_then(|times| following(cursor, &times, &stamped, is_full)) {
        Some(next) => Step {
            new,
            next: Some(next),
            is_complete: true,
        },
        // Undated, unordered, or a full page of one moment: no bound leads past it.
        None => Step {
            new,
            next: None,
            is_complete: false,
        },
    }
}

fn unseen<T: Dated>(cursor: Option<&TimeCursor>, page: Vec<T>) -> Vec<T> {
    let mut seen: HashSet<String> = cursor
        .iter()
        .flat_map(|cursor| cursor.seen.iter().cloned())
        .collect();
    page.into_iter()
        .filter(|item| seen.insert(item.id().to_owned()))
        .collect()
}

fn following(
    cursor: Option<&TimeCursor>,
    times: &[OffsetDateTime],
    stamped: &[(String, OffsetDateTime)],
    is_full: bool,
) -> Option<TimeCursor> {
    let oldest = *times.iter().min()?;
    let newest = *times.iter().max()?;
    if is_full && newest - oldest <= BORDER {
        return None;
    }
    let order = match cursor {
        Some(cursor) => cursor.order,
        None if times.is_sorted_by(|a, b| a >= b) => Order::NewestFirst,
        None if times.is_sorted() => Order::OldestFirst,
        // A page that is not full may be the whole list in any order; the next request proves it.
        None if !is_full => Order::NewestFirst,
        None => return None,
    };
    let is_ordered = match order {
        Order::NewestFirst => times.is_sorted_by(|a, b| a >= b),
        Order::OldestFirst => times.is_sorted(),
    };
    if is_full && !is_ordered {
        return None;
    }
    let bound = match order {
        Order::NewestFirst => oldest.checked_add(BORDER)?,
        Order::OldestFirst => newest.checked_sub(BORDER)?,
    };
    let is_let_through = |time: OffsetDateTime| match order {
        Order::NewestFirst => time <= bound,
        Order::OldestFirst => time >= bound,
    };
    Some(TimeCursor {
        order,
        bound: bound.format(&Rfc3339).ok()?,
        seen: stamped
            .iter()
            .filter(|(_, time)| is_let_through(*time))
            .map(|(id, _)| id.clone())
            .collect(),
    })
}

/// Where the walk through the phone numbers stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NumberCursor {
    /// The next page, from 1.
    pub(super) page: u64,
    /// How many items the pages before had.
    received: u64,
    /// The total that the page before told.
    total: u64,
    /// Whether a page before left a doubt: the last page speaks for the whole walk.
    #[serde(default)]
    is_doubtful: bool,
}

/// The step after a page of phone numbers. A total that changes on the way, or does not match what came, means that a
/// number may have slipped from one page to another unseen.
pub(super) fn number_step(
    cursor: Option<&NumberCursor>,
    page: wire::PhoneNumberPage,
) -> Result<(u64, Step<wire::PhoneNumber, NumberCursor>), ProviderError> {
    let total =
        page.metadata
            .total_items
            .and_then(whole)
            .ok_or_else(|| ProviderError::Malformed {
                what: "the list of phone numbers does not say how many there are".to_owned(),
            })?;
    let is_retained = page.metadata.items_beyond_retention != Some(true);
    let (current, before) = cursor.map_or((1, 0), |cursor| (cursor.page, cursor.received));
    let is_steady = cursor.is_none_or(|cursor| cursor.total == total && !cursor.is_doubtful);
    let received = before + page.results.len() as u64;
    let is_last = page.results.is_empty() || received >= total;
    let is_complete = is_steady && is_retained && (!is_last || received == total);
    let step = Step {
        next: (!is_last).then(|| NumberCursor {
            page: current + 1,
            received,
            total,
            is_doubtful: !is_complete,
        }),
        is_complete,
        new: page.results,
    };
    Ok((total, step))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number from 0 to 2^53 before"
)]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number))
        .then_some(number as u64)
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
