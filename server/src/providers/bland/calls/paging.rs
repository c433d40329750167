//! How Bland's calls are walked to their end: by row, the oldest first, so that a call that is made on the way comes last.
//! Pure: from a page and the cursor that led to it to the next cursor. Bland counts the rows; a count that sinks on the
//! way, or that the rows do not come to, means that a call may have slipped by unseen.

use serde::{Deserialize, Serialize};

use crate::providers::trail::Trail;

/// Bland's own default, and a call in the list has no transcript.
pub(super) const PAGE_LIMIT: usize = 1000;

/// Where the walk stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CallCursor {
    /// The next page's first row, from 0.
    pub(super) row: u64,
    /// How many rows there were at the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// The pages so far, each told by its first call: rows that come again are known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trail: Option<Trail>,
    /// Whether a page before left a doubt.
    #[serde(default)]
    is_doubtful: bool,
}

/// What a page means for the walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: Option<CallCursor>,
    /// False: the page was here before, and nothing of it is new.
    pub(super) is_new: bool,
    pub(super) is_complete: bool,
}

/// The step after a page, told by its first id that could be read.
pub(super) fn step(
    cursor: &CallCursor,
    first: Option<&str>,
    rows: usize,
    unreadable: usize,
    total: Option<u64>,
) -> Step {
    let has_shrunk = matches!((cursor.total, total), (Some(before), Some(now)) if now < before);
    let is_doubtful = cursor.is_doubtful || has_shrunk || unreadable > 0;
    let total = total.or(cursor.total);
    let row = cursor.row.saturating_add(rows as u64);
    if rows == 0 {
        return Step {
            next: None,
            is_new: false,
            is_complete: !is_doubtful && total.is_none_or(|total| row >= total),
        };
    }
    let key = first.unwrap_or_default().to_owned();
    let Some(trail) = Trail::following(cursor.trail.as_ref(), key) else {
        // The row is not honoured, so what is behind these pages cannot be had.
        return Step {
            next: None,
            is_new: false,
            is_complete: false,
        };
    };
    // Without a count the walk ends with the first empty page.
    let is_last = total.is_some_and(|total| row >= total);
    Step {
        next: (!is_last).then_some(CallCursor {
            row,
            total,
            trail: Some(trail),
            is_doubtful,
        }),
        is_new: true,
        is_complete: !is_doubtful,
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
