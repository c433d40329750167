//! The query strings of Vapi's lists, checked as strictly as Vapi checks them: limits from 0 to 1000, ISO 8601 bounds,
//! and no parameter that it does not know. Pure.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

use super::super::accounts::Item;
use super::Refusal;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// What a list is asked for.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) limit: usize,
    bounds: Vec<Bound>,
}

/// What a numbered page of a list is asked for.
#[derive(Debug)]
pub(super) struct PageQuery {
    pub(super) list: ListQuery,
    pub(super) page: usize,
    pub(super) is_ascending: bool,
    pub(super) search: Option<String>,
}

/// One of `createdAtGt`, `createdAtLt`, … `updatedAtLe`.
#[derive(Debug)]
struct Bound {
    is_update: bool,
    comparison: Comparison,
    at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Above,
    Below,
    From,
    UpTo,
}

impl ListQuery {
    pub(super) fn matches(&self, item: &Item) -> bool {
        self.matches_times(item.created_at, item.updated_at)
    }

    pub(super) fn matches_times(
        &self,
        created_at: OffsetDateTime,
        updated_at: OffsetDateTime,
    ) -> bool {
        self.bounds.iter().all(|bound| {
            let time = if bound.is_update {
                updated_at
            } else {
                created_at
            };
            match bound.comparison {
                Comparison::Above => time > bound.at,
                Comparison::Below => time < bound.at,
                Comparison::From => time >= bound.at,
                Comparison::UpTo => time <= bound.at,
            }
        })
    }
}

/// The query of `GET /assistant` and its like. `extra` are further parameters that the list knows.
pub(super) fn list(query: Option<&str>, extra: &[&str]) -> Result<ListQuery, Refusal> {
    let mut list = ListQuery {
        limit: DEFAULT_LIMIT,
        bounds: Vec::new(),
    };
    let mut problems = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !read_common(&mut list, &mut problems, &name, &value) && !extra.contains(&&*name) {
            problems.push(format!("property {name} should not exist"));
        }
    }
    if problems.is_empty() {
        Ok(list)
    } else {
        Err(Refusal::validation(&problems))
    }
}

/// The query of `GET /v2/phone-number`.
pub(super) fn page(query: Option<&str>) -> Result<PageQuery, Refusal> {
    let mut list = ListQuery {
        limit: DEFAULT_LIMIT,
        bounds: Vec::new(),
    };
    let (mut page, mut is_ascending, mut search) = (1, false, None);
    let mut problems = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if read_common(&mut list, &mut problems, &name, &value) {
            continue;
        }
        match (&*name, &*value) {
            ("page", text) => match text.parse() {
                Ok(number) if number > 0 => page = number,
                _ => problems.push("page must not be less than 1".to_owned()),
            },
            ("sortOrder", "ASC") => is_ascending = true,
            ("sortOrder", "DESC") => is_ascending = false,
            ("sortOrder", _) => {
                problems
                    .push("sortOrder must be one of the following values: ASC, DESC".to_owned());
            }
            ("sortBy", "createdAt" | "duration" | "cost") => {}
            ("sortBy", _) => {
                problems.push(
                    "sortBy must be one of the following values: createdAt, duration, cost"
                        .to_owned(),
                );
            }
            ("search", text) => search = Some(text.to_lowercase()),
            _ => problems.push(format!("property {name} should not exist")),
        }
    }
    let query = PageQuery {
        list,
        page,
        is_ascending,
        search,
    };
    if problems.is_empty() {
        Ok(query)
    } else {
        Err(Refusal::validation(&problems))
    }
}

/// Reads `limit` and the time bounds; false for any other parameter.
fn read_common(list: &mut ListQuery, problems: &mut Vec<String>, name: &str, value: &str) -> bool {
    if name == "limit" {
        match value.parse::<f64>() {
            Ok(limit) if limit < 0.0 => problems.push("limit must not be less than 0".to_owned()),
            Ok(limit) if limit > 1000.0 => {
                problems.push("limit must not be greater than 1000".to_owned());
            }
            Ok(_) => list.limit = value.parse().unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT),
            Err(_) => problems
                .push("limit must be a number conforming to the specified constraints".to_owned()),
        }
        return true;
    }
    let Some((is_update, comparison)) = bound_name(name) else {
        return false;
    };
    match OffsetDateTime::parse(value, &Rfc3339) {
        Ok(at) => list.bounds.push(Bound {
            is_update,
            comparison,
            at,
        }),
        Err(_) => problems.push(format!("{name} must be a valid ISO 8601 date string")),
    }
    true
}

fn bound_name(name: &str) -> Option<(bool, Comparison)> {
    let (is_update, rest) = match name.strip_prefix("createdAt") {
        Some(rest) => (false, rest),
        None => (true, name.strip_prefix("updatedAt")?),
    };
    let comparison = match rest {
        "Gt" => Comparison::Above,
        "Lt" => Comparison::Below,
        "Ge" => Comparison::From,
        "Le" => Comparison::UpTo,
        _ => return None,
    };
    Some((is_update, comparison))
}
