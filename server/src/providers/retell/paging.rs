//! How Retell's lists are walked to their end. Pure: from a page and the cursor that led to it to the next cursor. Retell
//! hands out a key for the next page; a key that is missing, or that has led here before, leaves no way to the end, and then
//! the list is incomplete (S3). The cursor stays small however long the list is.

use std::collections::HashMap;

use super::wire::ListPage;

/// The largest page of phone numbers; other lists are asked for as many and may answer fewer.
pub(super) const PAGE_LIMIT: usize = 1000;

/// Where a walk stands: the key of the next page, and what proves that it does not go in a circle.
pub(super) use crate::providers::trail::Trail as Cursor;

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
        .and_then(|key| Cursor::following(cursor, key));
    Step {
        is_complete: next.is_some(),
        items,
        next,
    }
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
