//! Knows a walk through pages that does not end: one that comes back to where it was, however long the circle, and one of
//! more pages than any account has. Pure, and small however long the walk is, because it is stored with each page.

use serde::{Deserialize, Serialize};

/// A list that has not ended by then has no end.
const MAX_PAGES: u64 = 10_000;

/// Where a walk stands, told by the mark of its page: what no other page of the list has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trail {
    /// The mark of the page where the walk is.
    pub(crate) key: String,
    /// How many pages there have been.
    pages: u64,
    /// The mark of an earlier page, moved up at each power of two: a walk that goes in a circle meets it again (Brent's way
    /// of finding one), without a list of all marks.
    landmark: String,
}

impl Trail {
    /// The walk at its next page; `None` where it has been there, or where it has no end.
    pub(crate) fn following(before: Option<&Trail>, key: String) -> Option<Trail> {
        let Some(before) = before else {
            return Some(Trail {
                landmark: key.clone(),
                key,
                pages: 1,
            });
        };
        let pages = before.pages + 1;
        if key == before.key || key == before.landmark || pages > MAX_PAGES {
            return None;
        }
        let landmark = if pages.is_power_of_two() {
            key.clone()
        } else {
            before.landmark.clone()
        };
        Some(Trail {
            key,
            pages,
            landmark,
        })
    }
}
