//! Which rows of a list are selected: rows one by one, ranges, a page, or everything that matches but for some. It holds the
//! records of the rows that were picked, so that they can be copied and downloaded from pages that are not shown any more.
//! It knows no list and no server.

/// What is copied and downloaded of a row; its first cell is the row's id.
pub(crate) type Record = Vec<String>;

/// The rows that are selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Everything that matches is selected, and `picked` is what is not.
    is_all: bool,
    /// In the order in which they were picked.
    picked: Vec<Record>,
    /// The row that a range starts at.
    anchor: Option<String>,
}

fn id(record: &Record) -> &str {
    record.first().map_or("", String::as_str)
}

impl Selection {
    /// Everything that matches.
    pub(crate) fn all() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    /// Whether the pages have to be walked to know the rows.
    pub(crate) fn is_all(&self) -> bool {
        self.is_all
    }

    /// Whether it is everything that matches, without an exception.
    pub(crate) fn is_everything(&self) -> bool {
        self.is_all && self.picked.is_empty()
    }

    /// Whether this row is selected.
    pub(crate) fn contains(&self, row: &str) -> bool {
        self.is_all != self.picked.iter().any(|record| id(record) == row)
    }

    /// How many are selected where so many match.
    pub(crate) fn count(&self, total: i64) -> i64 {
        let picked = i64::try_from(self.picked.len()).unwrap_or(i64::MAX);
        if self.is_all {
            (total - picked).max(0)
        } else {
            picked
        }
    }

    /// The rows that were picked one by one; none when everything is selected.
    pub(crate) fn records(&self) -> &[Record] {
        if self.is_all { &[] } else { &self.picked }
    }

    /// Selects rows, or takes them out.
    pub(crate) fn set(&mut self, rows: &[Record], is_on: bool) {
        for row in rows {
            if is_on == self.is_all {
                self.picked.retain(|record| id(record) != id(row));
            } else if !self.picked.iter().any(|record| id(record) == id(row)) {
                self.picked.push(row.clone());
            }
        }
    }

    /// Selects or takes out one row; the next range starts at it.
    pub(crate) fn set_one(&mut self, rows: &[Record], row: &str, is_on: bool) {
        self.anchor = Some(row.to_owned());
        if let Some(record) = rows.iter().find(|record| id(record) == row) {
            self.set(std::slice::from_ref(record), is_on);
        }
    }

    /// Selects or takes out the rows from the start of the range to this one; without a start on this page, this one alone.
    pub(crate) fn set_range(&mut self, rows: &[Record], row: &str, is_on: bool) {
        let place = |wanted: &str| rows.iter().position(|record| id(record) == wanted);
        let start = self.anchor.as_deref().and_then(place);
        match (start, place(row)) {
            (Some(start), Some(end)) => {
                self.set(&rows[start.min(end)..=start.max(end)], is_on);
            }
            _ => self.set_one(rows, row, is_on),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[&str]) -> Vec<Record> {
        ids.iter().map(|id| vec![(*id).to_owned()]).collect()
    }

    fn ids(selection: &Selection) -> Vec<&str> {
        selection.records().iter().map(id).collect()
    }

    /// look.md, Table: rows are picked across pages, each once.
    #[test]
    fn rows_are_picked_across_pages_each_once() {
        let mut selection = Selection::default();
        selection.set(&rows(&["a", "b"]), true);
        selection.set(&rows(&["b", "c"]), true);
        assert_eq!(ids(&selection), ["a", "b", "c"]);
        assert_eq!(selection.count(10_000), 3);
        selection.set(&rows(&["b"]), false);
        assert_eq!(ids(&selection), ["a", "c"]);
        assert!(selection.contains("a") && !selection.contains("b"));
    }

    #[test]
    fn a_range_runs_from_the_last_row_in_either_direction() {
        let page = rows(&["a", "b", "c", "d", "e"]);
        let mut selection = Selection::default();
        selection.set_one(&page, "d", true);
        selection.set_range(&page, "b", true);
        assert_eq!(ids(&selection), ["d", "b", "c"]);
        selection.set_range(&page, "e", true);
        assert_eq!(ids(&selection), ["d", "b", "c", "e"]);
        // On another page there is no start.
        let next = rows(&["f", "g", "h"]);
        selection.set_range(&next, "g", true);
        selection.set_range(&next, "h", true);
        assert_eq!(ids(&selection), ["d", "b", "c", "e", "g", "h"]);
    }

    #[test]
    fn everything_that_matches_is_selected_but_for_what_is_taken_out() {
        let mut selection = Selection::all();
        assert_eq!(selection.count(10_000), 10_000);
        selection.set(&rows(&["a"]), false);
        assert_eq!(selection.count(10_000), 9_999);
        assert!(!selection.is_everything() && Selection::all().is_everything());
        assert!(!selection.contains("a") && selection.contains("z"));
        selection.set(&rows(&["a"]), true);
        assert_eq!(selection.count(10_000), 10_000);
        assert!(selection.records().is_empty());
    }
}
