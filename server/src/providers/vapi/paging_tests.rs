//! S3 and S5: a walk delivers each item once and says so when it cannot prove that it reached the end.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use serde_json::json;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{NumberCursor, TimeCursor, number_step, step_by_time, wire};
use crate::providers::ProviderError;
use crate::providers::cursor::{decode, encode};
use crate::providers::vapi::convert;

const START: OffsetDateTime = datetime!(2026-11-20 16:00 UTC);

/// A list as Vapi might hold it: times in microseconds after the start, written with milliseconds.
struct Remote {
    items: Vec<(String, i64)>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Newest,
    Oldest,
    Shuffled,
}

fn time_of(micros: i64) -> OffsetDateTime {
    START + Duration::microseconds(micros)
}

fn iso(at: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    at.format(format).unwrap()
}

impl Remote {
    fn new(micros: &[i64], order: Order, limit: usize) -> Remote {
        let mut items: Vec<(String, i64)> = micros
            .iter()
            .enumerate()
            .map(|(index, at)| (format!("id-{index}"), *at))
            .collect();
        match order {
            Order::Newest => items.sort_by_key(|(_, at)| std::cmp::Reverse(*at)),
            Order::Oldest => items.sort_by_key(|(_, at)| *at),
            Order::Shuffled => items.sort_by_key(|(id, at)| (at % 7, id.len(), *at)),
        }
        Remote { items, limit }
    }

    fn page(&self, cursor: Option<&TimeCursor>) -> Vec<wire::Assistant> {
        let query = cursor.map(|cursor| {
            let (name, bound) = cursor.query();
            (name.to_owned(), convert::instant(bound).unwrap())
        });
        let passes = |at: OffsetDateTime| match &query {
            None => true,
            Some((name, bound)) if name == "createdAtLe" => at <= *bound,
            Some((_, bound)) => at >= *bound,
        };
        self.items
            .iter()
            .filter(|(_, at)| passes(time_of(*at)))
            .take(self.limit)
            .map(|(id, at)| {
                serde_json::from_str(
                    &json!({ "id": id, "createdAt": iso(time_of(*at)) }).to_string(),
                )
                .unwrap()
            })
            .collect()
    }

    /// Walks to the end, through the text form of the cursor, as after a restart at every page.
    fn walk(&self, asked: usize) -> (Vec<String>, bool) {
        let mut stored: Option<String> = None;
        let (mut ids, mut is_complete) = (Vec::new(), true);
        for _ in 0..10_000 {
            let cursor: Option<TimeCursor> = decode(stored.as_deref()).unwrap();
            let step = step_by_time(cursor.as_ref(), self.page(cursor.as_ref()), asked);
            ids.extend(step.new.into_iter().map(|item| item.id));
            is_complete &= step.is_complete;
            match step.next {
                Some(next) => stored = encode(&next),
                None => return (ids, is_complete),
            }
        }
        panic!("the walk does not end");
    }
}

fn spaced(count: i64) -> Vec<i64> {
    (0..count).map(|index| index * 1_000_000).collect()
}

/// S3, S5
#[test]
fn a_walk_delivers_each_agent_once() {
    for order in [Order::Newest, Order::Oldest] {
        for count in [0, 1, 9, 10, 11, 19, 20, 21, 100] {
            let (ids, is_complete) = Remote::new(&spaced(count), order, 10).walk(10);
            assert_eq!(
                ids.len(),
                usize::try_from(count).unwrap(),
                "{order:?} {count}"
            );
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
            assert!(is_complete);
        }
    }
}

/// S3
#[test]
fn equal_times_at_the_border_of_a_page_lose_nobody() {
    let micros: Vec<i64> = (0..50).map(|index| (index / 4) * 1_000_000).collect();
    let (ids, is_complete) = Remote::new(&micros, Order::Newest, 10).walk(10);
    assert_eq!((ids.len(), is_complete), (50, true));
}

/// S3
#[test]
fn a_full_page_of_one_instant_is_incomplete() {
    let (ids, is_complete) = Remote::new(&[0; 25], Order::Newest, 10).walk(10);
    assert_eq!((ids.len(), is_complete), (10, false));
    let (ids, is_complete) = Remote::new(&[0; 9], Order::Newest, 10).walk(10);
    assert_eq!((ids.len(), is_complete), (9, true));
}

/// S3
#[test]
fn a_provider_that_answers_fewer_than_asked_is_walked_to_the_end() {
    let (ids, is_complete) = Remote::new(&spaced(95), Order::Newest, 10).walk(1_000);
    assert_eq!((ids.len(), is_complete), (95, true));
}

/// S3
#[test]
fn a_list_in_no_order_is_incomplete_when_it_has_several_pages() {
    let micros: Vec<i64> = (0..40).map(|index| (index * 17 % 40) * 1_000_000).collect();
    assert!(!Remote::new(&micros, Order::Shuffled, 10).walk(10).1);
    let (ids, is_complete) = Remote::new(&micros, Order::Shuffled, 100).walk(100);
    assert_eq!((ids.len(), is_complete), (40, true));
}

/// S3
#[test]
fn agents_without_a_time_make_the_walk_incomplete() {
    let undated = (0..3)
        .map(|id| serde_json::from_str::<wire::Assistant>(&format!("{{\"id\":\"{id}\"}}")).unwrap())
        .collect();
    let step = step_by_time(None, undated, 10);
    assert_eq!(
        (step.new.len(), step.next, step.is_complete),
        (3, None, false)
    );
}

/// S5
#[test]
fn a_cursor_of_another_make_is_refused() {
    for text in ["", "2", "{\"page\":2}", "[]"] {
        assert!(matches!(
            decode::<TimeCursor>(Some(text)),
            Err(ProviderError::Malformed { .. })
        ));
    }
}

fn number_page(count: usize, metadata: &serde_json::Value) -> wire::PhoneNumberPage {
    let results: Vec<_> = (0..count)
        .map(|id| json!({ "id": id.to_string() }))
        .collect();
    serde_json::from_str(&json!({ "results": results, "metadata": metadata }).to_string()).unwrap()
}

/// S3
#[test]
fn phone_numbers_are_complete_when_as_many_came_as_were_told() {
    let (total, first) = number_step(None, number_page(2, &json!({ "totalItems": 3.0 }))).unwrap();
    assert_eq!((total, first.is_complete), (3, true));
    let (_, last) = number_step(
        first.next.as_ref(),
        number_page(1, &json!({ "totalItems": 3 })),
    )
    .unwrap();
    assert_eq!((last.next, last.is_complete), (None, true));
}

/// S3
#[test]
fn phone_numbers_that_change_on_the_way_are_incomplete() {
    let (_, first) = number_step(None, number_page(2, &json!({ "totalItems": 4 }))).unwrap();
    let cursor: Option<NumberCursor> = decode(encode(&first.next.unwrap()).as_deref()).unwrap();
    for (count, metadata) in [
        (1, json!({ "totalItems": 3 })),
        (0, json!({ "totalItems": 4 })),
        (3, json!({ "totalItems": 4 })),
        (2, json!({ "totalItems": 4, "itemsBeyondRetention": true })),
    ] {
        let (_, step) = number_step(cursor.as_ref(), number_page(count, &metadata)).unwrap();
        assert_eq!(
            (step.next, step.is_complete),
            (None, false),
            "{count} with {metadata}"
        );
    }
}

/// S3: a doubt on any page is a doubt about the end, whatever the pages behind it say.
#[test]
fn phone_numbers_stay_incomplete_after_a_doubtful_page() {
    for doubtful in [
        json!({ "totalItems": 6, "itemsBeyondRetention": true }),
        json!({ "totalItems": 7 }),
    ] {
        let total = doubtful["totalItems"].clone();
        let (_, first) = number_step(None, number_page(2, &json!({ "totalItems": 6 }))).unwrap();
        let (_, second) = number_step(first.next.as_ref(), number_page(2, &doubtful)).unwrap();
        assert!(!second.is_complete);
        let rest = usize::try_from(total.as_u64().unwrap()).unwrap() - 4;
        let metadata = json!({ "totalItems": total });
        let (_, last) = number_step(second.next.as_ref(), number_page(rest, &metadata)).unwrap();
        assert_eq!((last.next, last.is_complete), (None, false), "{doubtful}");
    }
}

/// S3
#[test]
fn phone_numbers_without_a_total_are_malformed() {
    for metadata in [
        json!({}),
        json!({ "totalItems": -1 }),
        json!({ "totalItems": 1.5 }),
    ] {
        assert!(matches!(
            number_step(None, number_page(1, &metadata)),
            Err(ProviderError::Malformed { .. })
        ));
    }
}

proptest! {
    /// S3: whatever the times, a walk that calls itself complete has delivered everyone, and never anyone twice.
    /// Vapi may store finer times than it writes.
    #[test]
    fn a_complete_walk_has_everyone_once(
        micros in prop::collection::vec(0i64..40_000, 0..120),
        order in prop::sample::select(vec![Order::Newest, Order::Oldest, Order::Shuffled]),
        limit in 2usize..20,
    ) {
        let (ids, is_complete) = Remote::new(&micros, order, limit).walk(limit);
        let distinct: BTreeSet<&String> = ids.iter().collect();
        prop_assert_eq!(distinct.len(), ids.len());
        // A small page of a list in no order may look ordered by chance, so nothing is claimed for it.
        if is_complete && !matches!(order, Order::Shuffled) {
            prop_assert_eq!(ids.len(), micros.len());
        }
    }
}
