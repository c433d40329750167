//! The state of a list as it stands in the URL: search, filters, sort, page and the open row. Reading and writing are each
//! other's inverse, so that a copied link and the Back button show the same list again. Values stay the texts of the URL, so
//! that one type serves every list; what a list does not know, it ignores.

use crate::logic::query_string;

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

/// A filter that a list knows.
#[derive(Debug)]
pub(crate) struct FilterSpec {
    /// Its name in the URL.
    pub(crate) name: &'static str,
    /// The values that it takes; none: any text, such as an id.
    pub(crate) values: &'static [&'static str],
}

impl FilterSpec {
    /// A filter with one of these values; none: any text.
    pub(crate) const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }
}

/// What a list can be sorted by.
#[derive(Debug)]
pub(crate) struct SortSpec {
    /// Its name in the URL.
    pub(crate) name: &'static str,
    /// The natural direction: times begin with the latest.
    pub(crate) begins_descending: bool,
}

impl SortSpec {
    /// A sort that begins with the smallest or the first of the alphabet.
    pub(crate) const fn ascending(name: &'static str) -> Self {
        Self {
            name,
            begins_descending: false,
        }
    }

    /// A sort that begins with the largest or the latest.
    pub(crate) const fn descending(name: &'static str) -> Self {
        Self {
            name,
            begins_descending: true,
        }
    }
}

/// What a list can be narrowed to and sorted by.
#[derive(Debug)]
pub(crate) struct ListSpec {
    /// In the order in which they stand in the URL.
    pub(crate) filters: &'static [FilterSpec],
    /// The first is the usual one; a list that is sorted in one way has none.
    pub(crate) sorts: &'static [SortSpec],
    /// The name in the URL of the row whose panel is open.
    pub(crate) panel: &'static str,
}

/// What a list is sorted by, and in which direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SortChoice {
    /// As in the URL; empty for a list that is sorted in one way.
    pub(crate) field: &'static str,
    /// Largest or latest first.
    pub(crate) is_descending: bool,
}

/// The whole state of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListState {
    /// Text to search for.
    pub(crate) search: String,
    /// The filters that are on, in the order of the list.
    pub(crate) filters: Vec<(&'static str, String)>,
    /// How it is sorted.
    pub(crate) sort: SortChoice,
    /// Which page.
    pub(crate) position: PagePosition,
    /// Id of the row whose panel is open.
    pub(crate) open: Option<String>,
}

impl ListSpec {
    fn usual_sort(&self) -> SortChoice {
        self.sorts
            .first()
            .map_or_else(SortChoice::default, |sort| SortChoice {
                field: sort.name,
                is_descending: sort.begins_descending,
            })
    }

    fn read_sort(&self, text: &str) -> SortChoice {
        let (name, is_descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        self.sorts
            .iter()
            .find(|sort| sort.name == name)
            .map_or_else(
                || self.usual_sort(),
                |sort| SortChoice {
                    field: sort.name,
                    is_descending,
                },
            )
    }

    /// Reads the state from the pairs of a query string.
    pub(crate) fn read(&self, get: &dyn Fn(&str) -> Option<String>) -> ListState {
        let filters = self.filters.iter().filter_map(|filter| {
            let value = get(filter.name)?;
            (filter.values.is_empty() || filter.values.contains(&value.as_str()))
                .then_some((filter.name, value))
        });
        ListState {
            search: get("q").unwrap_or_default(),
            filters: filters.collect(),
            sort: self.read_sort(&get("sort").unwrap_or_default()),
            position: PagePosition::read(get),
            open: get(self.panel),
        }
    }

    /// The link that shows a state.
    pub(crate) fn link(&self, path: &str, state: &ListState) -> String {
        let sort = if state.sort == self.usual_sort() {
            String::new()
        } else if state.sort.is_descending {
            format!("-{}", state.sort.field)
        } else {
            state.sort.field.to_owned()
        };
        let page = state.position.page_text();
        let mut pairs = vec![("q", state.search.as_str())];
        pairs.extend(
            state
                .filters
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        pairs.extend([
            ("sort", sort.as_str()),
            ("after", state.position.after.as_deref().unwrap_or_default()),
            (
                "before",
                state.position.before.as_deref().unwrap_or_default(),
            ),
            ("page", page.as_str()),
            (self.panel, state.open.as_deref().unwrap_or_default()),
        ]);
        query_string::joined(path, &pairs)
    }

    /// The choice after a click on the head of `field`: the other direction, or the field's natural one.
    pub(crate) fn sort_after_click(&self, now: SortChoice, field: &'static str) -> SortChoice {
        let is_descending = if now.field == field {
            !now.is_descending
        } else {
            self.sorts
                .iter()
                .any(|sort| sort.name == field && sort.begins_descending)
        };
        SortChoice {
            field,
            is_descending,
        }
    }

    /// The same list with a filter on or off, from its first page.
    pub(crate) fn filtered(
        &self,
        state: &ListState,
        name: &'static str,
        value: Option<&str>,
    ) -> ListState {
        state.at_first_page(|state| {
            state.filters.retain(|(on, _)| *on != name);
            state
                .filters
                .extend(value.map(|value| (name, value.to_owned())));
            state.filters.sort_by_key(|(on, _)| {
                self.filters
                    .iter()
                    .position(|filter| filter.name == *on)
                    .unwrap_or(usize::MAX)
            });
        })
    }
}

impl ListState {
    /// The value of a filter that is on.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.filters
            .iter()
            .find(|(on, _)| *on == name)
            .map(|(_, value)| value.as_str())
    }

    /// True when the list is narrowed, so that an empty page offers to clear the filters.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.search.trim().is_empty() || !self.filters.is_empty()
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

    /// The same list with another row open, or none.
    pub(crate) fn with_open(&self, id: Option<String>) -> Self {
        Self {
            open: id,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENTS: ListSpec = ListSpec {
        filters: &[
            FilterSpec::new("status", &["active", "inactive"]),
            FilterSpec::new("provider", &["vapi", "retell"]),
            FilterSpec::new("answered-by", &[]),
        ],
        sorts: &[SortSpec::ascending("name"), SortSpec::descending("updated")],
        panel: "agent",
    };

    fn read(link: &str) -> ListState {
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
        AGENTS.read(&|name| {
            pairs
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value.clone())
        })
    }

    /// look.md: deep links for every panel and filter; Back does the expected.
    #[test]
    fn a_link_reads_back_as_the_state_that_wrote_it() {
        let link = "/a/north/agents?q=front%20desk&status=inactive&provider=vapi&answered-by=x1&sort=-name&after=c1&page=3&agent=a1";
        let state = read(link);
        assert_eq!(state.value("status"), Some("inactive"));
        assert_eq!(state.value("answered-by"), Some("x1"));
        assert_eq!(state.open.as_deref(), Some("a1"));
        assert_eq!((state.sort.field, state.sort.is_descending), ("name", true));
        assert_eq!(AGENTS.link("/a/north/agents", &state), link);
    }

    #[test]
    fn the_plain_list_has_a_plain_link() {
        let plain = read("/a/north/agents");
        assert_eq!(AGENTS.link("/a/north/agents", &plain), "/a/north/agents");
        assert_eq!(
            read("/a/north/agents?sort=colour&status=gone&page=7"),
            plain
        );
        assert!(!plain.is_filtered());
    }

    #[test]
    fn a_new_filter_starts_at_the_first_page_and_keeps_the_rest() {
        let state = read("/a/n/agents?q=x&provider=vapi&after=c1&page=3&agent=a1");
        let narrowed = AGENTS.filtered(&state, "status", Some("active"));
        assert_eq!(
            AGENTS.link("/a/n/agents", &narrowed),
            "/a/n/agents?q=x&status=active&provider=vapi&agent=a1"
        );
        let wider = AGENTS.filtered(&narrowed, "provider", None);
        assert_eq!(
            AGENTS.link("/a/n/agents", &wider),
            "/a/n/agents?q=x&status=active&agent=a1"
        );
        assert!(wider.is_filtered());
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
        let by_name = read("/a").sort;
        assert!(AGENTS.sort_after_click(by_name, "name").is_descending);
        let by_time = AGENTS.sort_after_click(by_name, "updated");
        assert_eq!((by_time.field, by_time.is_descending), ("updated", true));
        assert!(!AGENTS.sort_after_click(by_time, "updated").is_descending);
    }
}
