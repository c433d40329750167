//! How Retell's lists are walked to their end. Pure: from a page and the cursor that led to it to the next cursor. Retell
//! hands out a key for the next page; a key that is missing, or that has led here before, leaves no way to the end, and then
//! the list is incomplete (S3). The cursor stays small however long the list is.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::wire::ListPage;

/// The largest page of phone numbers; other lists are asked for as many and may answer fewer.
pub(super) const PAGE_LIMIT: usize = 1000;

/// A list that has not ended by then has no end.
const MAX_PAGES: u64 = 10_000;

/// Where a walk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Retell's key of the next page.
    pub(super) key: String,
    /// How many pages there have been.
    pages: u64,
    /// The key of an earlier page, moved up at each power of two: a walk that goes in a circle meets it again (Brent's way of
    /// finding one), without a list of all keys.
    landmark: String,
}

/// What a page adds to the walk.
#[derive(Debug)]
pub(super) struct Step<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<Cursor>,
    pub(super) is_complete: bool,
}

/// The step after a page. `id` names an item and its version, so that none comes twice in one page.
pub(super) fn step<T>(
    cursor: Option<&Cursor>,
    page: ListPage<T>,
    id: impl Fn(&T) -> (&str, Option<f64>),
) -> Step<T> {
    let ListPage {
        items,
        has_more,
        pagination_key,
    } = page;
    let items = unique(items, id);
    if !has_more {
        return Step {
            items,
            next: None,
            is_complete: true,
        };
    }
    let next = pagination_key
        .filter(|key| !key.is_empty())
        .and_then(|key| following(cursor, key));
    Step {
        is_complete: next.is_some(),
        items,
        next,
    }
}

fn following(cursor: Option<&Cursor>, key: String) -> Option<Cursor> {
    let Some(cursor) = cursor else {
        return Some(Cursor {
            landmark: key.clone(),
            key,
            pages: 1,
        });
    };
    let pages = cursor.pages + 1;
    if key == cursor.key || key == cursor.landmark || pages > MAX_PAGES {
        return None;
    }
    let landmark = if pages.is_power_of_two() {
        key.clone()
    } else {
        cursor.landmark.clone()
    };
    Some(Cursor {
        key,
        pages,
        landmark,
    })
}

/// Each item once, and of several versions the highest, because some of Retell's lists have a row for each version.
pub(super) fn unique<T>(items: Vec<T>, id: impl Fn(&T) -> (&str, Option<f64>)) -> Vec<T> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(items.len());
    let mut unique: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        let (name, version) = id(&item);
        match places.get(name) {
            Some(&place) if version > id(&unique[place]).1 => unique[place] = item,
            Some(_) => {}
            None => {
                places.insert(name.to_owned(), unique.len());
                unique.push(item);
            }
        }
    }
    unique
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
