//! The walk through Retell's lists, page by page, from keys that a list should hand out and from those that it should not.

use super::{Cursor, step, unique};
use crate::providers::retell::wire::ListPage;

/// Walks a list whose pages `answer` makes up from the key that was asked with; the items, the requests, and whether the
/// list was complete.
fn walk(answer: impl Fn(Option<&str>) -> ListPage<String>) -> (Vec<String>, usize, bool) {
    let (mut items, mut requests, mut is_complete) = (Vec::new(), 0, true);
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = answer(cursor.as_ref().map(|cursor| cursor.key.as_str()));
        requests += 1;
        let step = step(cursor.as_ref(), page, |item| (item, None));
        items.extend(step.items);
        is_complete &= step.is_complete;
        // Through its text, as a stored one goes.
        cursor = step
            .next
            .map(|next| serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
        if cursor.is_none() {
            return (items, requests, is_complete);
        }
        assert!(requests < 20_000, "the walk does not end");
    }
}

fn page(items: &[&str], has_more: bool, key: Option<&str>) -> ListPage<String> {
    ListPage {
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        has_more,
        pagination_key: key.map(str::to_owned),
    }
}

/// S3: each item once, and the end is the page that says so, also when a page before it is empty.
#[test]
fn a_walk_ends_where_the_list_says_so() {
    let (items, requests, is_complete) = walk(|key| match key {
        None => page(&["a", "b"], true, Some("2")),
        Some("2") => page(&[], true, Some("3")),
        Some("3") => page(&["c"], false, Some("ignored")),
        Some(key) => panic!("{key}"),
    });
    assert_eq!(items, ["a", "b", "c"]);
    assert_eq!((requests, is_complete), (3, true));
}

/// S3: more without a way to it is an incomplete list.
#[test]
fn more_without_a_key_is_incomplete() {
    for key in [None, Some("")] {
        let (items, requests, is_complete) = walk(|_| page(&["a"], true, key));
        assert_eq!((items.len(), requests, is_complete), (1, 1, false));
    }
}

/// S3: a key that leads back is an incomplete list and no endless walk, however long the circle is.
#[test]
fn a_walk_in_a_circle_ends_incomplete() {
    for (length, start) in [(1, 0), (2, 0), (3, 1), (7, 5), (100, 37)] {
        let (_, requests, is_complete) = walk(|key| {
            let at: usize = key.map_or(0, |key| key.parse().unwrap());
            let next = if at + 1 == start + length {
                start
            } else {
                at + 1
            };
            page(&["a"], true, Some(&next.to_string()))
        });
        assert!(!is_complete, "a circle of {length}");
        assert!(
            requests <= 3 * (start + length) + 3,
            "a circle of {length}: {requests} requests"
        );
    }
}

/// S3, S7: a list that always has more ends incomplete, and the cursor does not grow with it.
#[test]
fn a_list_without_an_end_is_given_up() {
    let counter = std::cell::Cell::new(0_u32);
    let (items, requests, is_complete) = walk(|_| {
        counter.set(counter.get() + 1);
        page(&["a"], true, Some(&counter.get().to_string()))
    });
    assert_eq!((items.len(), requests), (10_001, 10_001));
    assert!(!is_complete);
}

/// S3: an item that stands twice in a page is delivered once.
#[test]
fn no_item_comes_twice_in_one_page() {
    let items = ["a", "b", "a"].map(str::to_owned).to_vec();
    assert_eq!(unique(items, |item| (item, None)), ["a", "b"]);
}

/// S3: a list with a row for each version names an item once, in its highest version.
#[test]
fn of_several_versions_the_highest_is_the_item() {
    let rows = vec![
        ("a", Some(1.0)),
        ("b", None),
        ("a", Some(3.0)),
        ("a", Some(2.0)),
        ("b", Some(0.0)),
    ];
    let rows = unique(rows, |(id, version)| (id, *version));
    assert_eq!(rows, [("a", Some(3.0)), ("b", Some(0.0))]);
}
