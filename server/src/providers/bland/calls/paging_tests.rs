//! C6: a walk through Bland's rows delivers each call once, ends, and says so when it cannot prove that it saw them all.

use super::{CallCursor, step};
use crate::providers::cursor::{decode, encode};

/// Walks rows in pages of this size, through the text form of the cursor, and says how many came and whether they are all.
fn walk(rows: &dyn Fn(u64) -> Vec<String>, total: &dyn Fn(u64) -> Option<u64>) -> (usize, bool) {
    let mut stored: Option<String> = None;
    let (mut seen, mut is_complete) = (0, true);
    for _ in 0..1_000 {
        let cursor: CallCursor = decode(stored.as_deref()).unwrap().unwrap_or_default();
        let page = rows(cursor.row);
        let first = page.first().map(String::as_str);
        let step = step(&cursor, first, page.len(), 0, total(cursor.row));
        if step.is_new {
            seen += page.len();
        }
        is_complete &= step.is_complete;
        let Some(next) = step.next else {
            assert_eq!(step.is_complete, is_complete);
            return (seen, is_complete);
        };
        stored = encode(&next);
    }
    panic!("the walk does not end");
}

fn page(from: u64, until: u64) -> Vec<String> {
    (from..until.min(from + 10))
        .map(|row| format!("c{row}"))
        .collect()
}

/// C6
#[test]
fn every_row_comes_once_with_and_without_a_count() {
    for count in [0, 1, 9, 10, 11, 25, 40] {
        let rows = |from| page(from, count);
        let expected = usize::try_from(count).unwrap();
        assert_eq!(walk(&rows, &|_| Some(count)), (expected, true));
        assert_eq!(walk(&rows, &|_| None), (expected, true));
    }
}

/// C6: calls that are made on the way come last and are no doubt; a count that sinks is one.
#[test]
fn a_list_may_grow_and_not_shrink() {
    let growing = |from: u64| Some(if from == 0 { 20 } else { 25 });
    assert_eq!(walk(&|from| page(from, 25), &growing), (25, true));
    let shrinking = |from: u64| Some(if from == 0 { 25 } else { 24 });
    assert!(!walk(&|from| page(from, 24), &shrinking).1);
}

/// C6: rows that are not honoured, and rows that are promised and do not come.
#[test]
fn a_walk_that_cannot_end_ends_incomplete() {
    assert_eq!(walk(&|_| page(0, 10), &|_| Some(100)), (10, false));
    assert_eq!(walk(&|_| page(0, 10), &|_| None), (10, false));
    assert_eq!(walk(&|from| page(from, 15), &|_| Some(100)), (15, false));
    let odd = step(&CallCursor::default(), None, 3, 3, Some(3));
    assert!(!odd.is_complete && odd.next.is_none());
}
