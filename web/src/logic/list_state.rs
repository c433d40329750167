//! The state of the agents list as it stands in the URL: search, filters, sort, page and the open agent. Reading and
//! writing are each other's inverse, so that a copied link and the Back button show the same list again.

use crate::api::enums::{AgentSortField, AgentStatus, Provider, SortDirection};
use crate::logic::{provider_name, query_string};

/// How many rows a page has.
pub(crate) const PAGE_SIZE: i64 = 50;

/// Where in a list of cursors a page stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PagePosition {
    /// The page follows this cursor.
    pub(crate) after: Option<String>,
    /// The page ends before this cursor.
    pub(crate) before: Option<String>,
    /// Number of the page from 0, for the text "51–100 of 10,000".
    pub(crate) index: i64,
}

impl PagePosition {
    /// Reads it from the pairs of a query string.
    pub(crate) fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let after = get("after");
        let before = if after.is_some() { None } else { get("before") };
        let index = get("page")
            .and_then(|page| page.parse::<i64>().ok())
            .map_or(0, |page| (page - 1).max(0));
        if after.is_none() && before.is_none() {
            Self::default()
        } else {
            Self {
                after,
                before,
                index,
            }
        }
    }

    /// The page that follows `end_cursor`.
    pub(crate) fn next(&self, end_cursor: Option<String>) -> Self {
        Self {
            after: end_cursor,
            before: None,
            index: self.index + 1,
        }
    }

    /// The page that ends before `start_cursor`; the first page has no cursor, so that its link stays short.
    pub(crate) fn previous(&self, start_cursor: Option<String>) -> Self {
        if self.index <= 1 {
            Self::default()
        } else {
            Self {
                after: None,
                before: start_cursor,
                index: self.index - 1,
            }
        }
    }

    /// `page` as people count; empty on the first page.
    pub(crate) fn page_text(&self) -> String {
        if self.index == 0 {
            String::new()
        } else {
            (self.index + 1).to_string()
        }
    }
}

/// The whole state of the agents list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AgentListState {
    /// Text to search for.
    pub(crate) search: String,
    /// Only agents of this status.
    pub(crate) status: Option<AgentStatus>,
    /// Only agents that no working key reaches.
    pub(crate) only_unreachable: bool,
    /// Only agents of this provider.
    pub(crate) provider: Option<Provider>,
    /// Sorted by.
    pub(crate) sort: SortChoice,
    /// Which page.
    pub(crate) position: PagePosition,
    /// The agent whose panel is open.
    pub(crate) open_agent: Option<String>,
}

/// Field and direction of the sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SortChoice {
    /// Sorted by this field.
    pub(crate) field: AgentSortField,
    /// In this direction.
    pub(crate) direction: SortDirection,
}

impl Default for SortChoice {
    fn default() -> Self {
        Self {
            field: AgentSortField::Name,
            direction: SortDirection::Asc,
        }
    }
}

impl SortChoice {
    /// The choice after a click on the head of `field`: the other direction, or the field's natural first one.
    pub(crate) fn after_click(self, field: AgentSortField) -> Self {
        if self.field == field {
            let direction = if self.direction == SortDirection::Asc {
                SortDirection::Desc
            } else {
                SortDirection::Asc
            };
            return Self { field, direction };
        }
        let is_time = matches!(field, AgentSortField::UpdatedAt | AgentSortField::CreatedAt);
        Self {
            field,
            direction: if is_time {
                SortDirection::Desc
            } else {
                SortDirection::Asc
            },
        }
    }

    fn read(text: &str) -> Self {
        let (direction, name) = match text.strip_prefix('-') {
            Some(name) => (SortDirection::Desc, name),
            None => (SortDirection::Asc, text),
        };
        let field = match name {
            "status" => AgentSortField::Status,
            "created" => AgentSortField::CreatedAt,
            "updated" => AgentSortField::UpdatedAt,
            "name" => AgentSortField::Name,
            _ => return Self::default(),
        };
        Self { field, direction }
    }

    fn text(self) -> String {
        if self == Self::default() {
            return String::new();
        }
        let name = match self.field {
            AgentSortField::Status => "status",
            AgentSortField::CreatedAt => "created",
            AgentSortField::UpdatedAt => "updated",
            AgentSortField::Name | AgentSortField::Unknown => "name",
        };
        if self.direction == SortDirection::Desc {
            format!("-{name}")
        } else {
            name.to_owned()
        }
    }
}

impl AgentListState {
    /// Reads the state from the pairs of a query string; what it does not know, it ignores.
    pub(crate) fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            search: get("q").unwrap_or_default(),
            status: match get("status").as_deref() {
                Some("active") => Some(AgentStatus::Active),
                Some("inactive") => Some(AgentStatus::Inactive),
                _ => None,
            },
            only_unreachable: get("reachable").as_deref() == Some("no"),
            provider: get("provider")
                .as_deref()
                .and_then(provider_name::from_slug),
            sort: get("sort").map_or_else(SortChoice::default, |text| SortChoice::read(&text)),
            position: PagePosition::read(get),
            open_agent: get("agent"),
        }
    }

    /// The link that shows this state.
    pub(crate) fn link(&self, path: &str) -> String {
        let status = match self.status {
            Some(AgentStatus::Active) => "active",
            Some(AgentStatus::Inactive) => "inactive",
            _ => "",
        };
        query_string::joined(
            path,
            &[
                ("q", &self.search),
                ("status", status),
                ("reachable", if self.only_unreachable { "no" } else { "" }),
                ("provider", self.provider.map_or("", provider_name::slug)),
                ("sort", &self.sort.text()),
                ("after", self.position.after.as_deref().unwrap_or_default()),
                (
                    "before",
                    self.position.before.as_deref().unwrap_or_default(),
                ),
                ("page", &self.position.page_text()),
                ("agent", self.open_agent.as_deref().unwrap_or_default()),
            ],
        )
    }

    /// True when the list is narrowed, so that an empty page offers to clear the filters.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.search.trim().is_empty()
            || self.status.is_some()
            || self.only_unreachable
            || self.provider.is_some()
    }

    /// The same list with a change that starts again at its first page.
    pub(crate) fn at_first_page(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut state = Self {
            position: PagePosition::default(),
            ..self.clone()
        };
        change(&mut state);
        state
    }

    /// The same list with another agent open, or none.
    pub(crate) fn with_agent(&self, id: Option<String>) -> Self {
        Self {
            open_agent: id,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(link: &str) -> AgentListState {
        let pairs: Vec<(String, String)> = link
            .split_once('?')
            .map(|(_, query)| {
                query
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(n, v)| (n.to_owned(), v.replace("%20", " ")))
                    .collect()
            })
            .unwrap_or_default();
        AgentListState::read(&|name| {
            pairs
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value.clone())
        })
    }

    /// look.md: deep links for every panel and filter; Back does the expected.
    #[test]
    fn a_link_reads_back_as_the_state_that_wrote_it() {
        let state = AgentListState {
            search: "front desk".to_owned(),
            status: Some(AgentStatus::Inactive),
            only_unreachable: true,
            provider: Some(Provider::Vapi),
            sort: SortChoice {
                field: AgentSortField::UpdatedAt,
                direction: SortDirection::Desc,
            },
            position: PagePosition {
                after: Some("c1".to_owned()),
                before: None,
                index: 2,
            },
            open_agent: Some("a1".to_owned()),
        };
        let link = state.link("/a/north/agents");
        assert_eq!(
            link,
            "/a/north/agents?q=front%20desk&status=inactive&reachable=no&provider=vapi&sort=-updated&after=c1&page=3&agent=a1"
        );
        assert_eq!(read(&link), state);
    }

    #[test]
    fn the_plain_list_has_a_plain_link() {
        assert_eq!(
            AgentListState::default().link("/a/north/agents"),
            "/a/north/agents"
        );
        assert_eq!(
            read("/a/north/agents?sort=colour&status=gone&page=7"),
            AgentListState::default()
        );
    }

    #[test]
    fn a_new_filter_starts_at_the_first_page_and_keeps_the_rest() {
        let state = read("/a/n/agents?q=x&after=c1&page=3&agent=a1");
        let narrowed = state.at_first_page(|state| state.status = Some(AgentStatus::Active));
        assert_eq!(
            narrowed.link("/a/n/agents"),
            "/a/n/agents?q=x&status=active&agent=a1"
        );
        assert!(narrowed.is_filtered());
    }

    #[test]
    fn pages_step_forward_and_back_to_a_link_without_cursor() {
        let first = PagePosition::default();
        let second = first.next(Some("c50".to_owned()));
        assert_eq!((second.index, second.page_text()), (1, "2".to_owned()));
        let third = second.next(Some("c100".to_owned()));
        assert_eq!(
            third.previous(Some("c101".to_owned())),
            PagePosition {
                after: None,
                before: Some("c101".to_owned()),
                index: 1
            }
        );
        assert_eq!(second.previous(Some("c51".to_owned())), first);
    }

    #[test]
    fn a_second_click_on_a_head_turns_the_direction() {
        let by_name = SortChoice::default();
        assert_eq!(
            by_name.after_click(AgentSortField::Name).direction,
            SortDirection::Desc
        );
        let by_time = by_name.after_click(AgentSortField::UpdatedAt);
        assert_eq!(
            (by_time.field, by_time.direction),
            (AgentSortField::UpdatedAt, SortDirection::Desc)
        );
    }
}
