//! How Retell cuts its lists: `limit`, `sort_order` and an opaque `pagination_key`, which names the last item of the page
//! before, so that a deleted item costs the walk nothing. It knows no item's body.

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::accounts::Item;
use super::Refusal;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1000;

/// What a list is asked for.
#[derive(Debug)]
pub(super) struct ListQuery {
    limit: usize,
    is_ascending: bool,
    after: Option<u64>,
}

/// The query of a list, or the refusal of one that Retell would not take.
pub(super) fn list(query: Option<&str>) -> Result<ListQuery, Refusal> {
    let refused = || Refusal::usual(StatusCode::BAD_REQUEST);
    let mut list = ListQuery {
        limit: DEFAULT_LIMIT,
        is_ascending: false,
        after: None,
    };
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match (name.as_ref(), value.as_ref()) {
            ("limit", value) => {
                list.limit = value.parse().map_err(|_| refused())?;
                if !(1..=MAX_LIMIT).contains(&list.limit) {
                    return Err(refused());
                }
            }
            ("sort_order", "ascending") => list.is_ascending = true,
            ("sort_order", "descending") => list.is_ascending = false,
            ("pagination_key", key) => {
                list.after = Some(u64::from_str_radix(key, 16).map_err(|_| refused())?);
            }
            _ => return Err(refused()),
        }
    }
    Ok(list)
}

impl ListQuery {
    /// The page of these items, which stand newest first.
    pub(super) fn page<'a>(
        &self,
        items: &'a VecDeque<Item>,
        is_listed: impl Fn(&Item) -> bool,
        wire_form: impl Fn(&'a Item) -> Value,
    ) -> Value {
        let rest: Box<dyn Iterator<Item = &Item>> = match (self.is_ascending, self.after) {
            (true, None) => Box::new(items.iter().rev()),
            (true, Some(last)) => {
                let newer = items.partition_point(|item| ordinal(item) > last);
                Box::new(items.range(..newer).rev())
            }
            (false, None) => Box::new(items.iter()),
            (false, Some(last)) => {
                let before = items.partition_point(|item| ordinal(item) >= last);
                Box::new(items.range(before..))
            }
        };
        let mut rest = rest.filter(|item| is_listed(item));
        let page: Vec<&Item> = rest.by_ref().take(self.limit).collect();
        let has_more = rest.next().is_some();
        let mut answer = json!({ "has_more": has_more });
        if let Some(last) = page.last().filter(|_| has_more) {
            answer["pagination_key"] = json!(format!("{:012x}", ordinal(last)));
        }
        answer["items"] = Value::Array(page.into_iter().map(wire_form).collect());
        answer
    }
}

/// Where an item stands among all that were ever made in its list: later ones have a larger one, so that the lists are in
/// order and an item is found in a hundred thousand without looking at each.
pub(super) fn ordinal(item: &Item) -> u64 {
    item.body
        .get(ORDINAL)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// Kept in an item's body and never sent.
pub(super) const ORDINAL: &str = "sandbox_ordinal";

/// The ordinal of the next item of a list.
pub(super) fn next_ordinal(items: &VecDeque<Item>) -> u64 {
    items.front().map_or(1, |item| ordinal(item) + 1)
}

/// The digits at the end of an id that are its ordinal.
const ORDINAL_DIGITS: usize = 8;

/// An id as Retell makes them: a prefix and 26 hex digits, of which the last eight are the ordinal.
pub(super) fn id(prefix: &str, uuid: &str, ordinal: u64) -> String {
    let random: String = uuid
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(18)
        .collect();
    format!("{prefix}_{random}{ordinal:08x}")
}

/// Where the item of this id stands.
pub(super) fn position(items: &VecDeque<Item>, id: &str) -> Option<usize> {
    let digits = id.get(id.len().checked_sub(ORDINAL_DIGITS)?..)?;
    let wanted = u64::from_str_radix(digits, 16).ok()?;
    let at = items.partition_point(|item| ordinal(item) > wanted);
    items.get(at).filter(|item| item.id == id).map(|_| at)
}
