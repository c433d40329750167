//! Paging by key: a page starts after the sort key and id of the row before it, so it costs the same at any depth and
//! never skips or repeats a row when others come or go. Texts are static: a list writes its SELECT once and the
//! `keyset_sql!` macro adds the two directions, with and without a starting point.

/// Which page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Keyset {
    /// What the list is sorted by, as its cursors say it.
    pub(crate) order: &'static str,
    /// The row that the page starts behind; `None` for the first page.
    pub(crate) after: Option<KeysetPosition>,
    /// Rows before the position instead of behind it; they come in reverse and the caller turns them round.
    pub(crate) is_backward: bool,
    /// How many rows to read: one more than is shown, to know whether there are others.
    pub(crate) limit: i64,
}

/// A row's place in the order of a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeysetPosition {
    /// Value of the sort column; numbers as decimal text.
    pub(crate) key: String,
    /// Breaks ties.
    pub(crate) id: String,
}

impl Keyset {
    /// The sort value to start behind, empty at the start.
    pub(crate) fn key(&self) -> &str {
        self.after.as_ref().map_or("", |position| &position.key)
    }

    /// The sort value of a numeric column to start behind.
    pub(crate) fn number(&self) -> i64 {
        self.key().parse().unwrap_or(0)
    }

    /// The id to start behind.
    pub(crate) fn id(&self) -> &str {
        self.after.as_ref().map_or("", |position| &position.id)
    }
}

/// The four texts of one sort column.
pub(crate) struct KeysetSql {
    pub(crate) first_asc: &'static str,
    pub(crate) first_desc: &'static str,
    pub(crate) next_asc: &'static str,
    pub(crate) next_desc: &'static str,
}

impl KeysetSql {
    /// The text for a page of this list, sorted up or down.
    pub(crate) fn text(&self, page: &Keyset, is_descending: bool) -> &'static str {
        match (page.after.is_some(), is_descending != page.is_backward) {
            (false, false) => self.first_asc,
            (false, true) => self.first_desc,
            (true, false) => self.next_asc,
            (true, true) => self.next_desc,
        }
    }
}

/// A condition that may be left open, as the lists' filters take it.
pub(crate) fn yes_no(wanted: Option<bool>) -> &'static str {
    match wanted {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    }
}

/// Completes a SELECT that ends in its WHERE clause. The first page names the position's parameters too, because a
/// statement takes exactly the parameters that are bound.
macro_rules! keyset_sql {
    ($select:expr, $column:literal, $id:literal, limit $limit:literal, key $key:literal, after $after:literal) => {
        $crate::store::keyset::KeysetSql {
            first_asc: concat!(
                $select,
                " AND ",
                $key,
                " = ",
                $key,
                " AND ",
                $after,
                " = ",
                $after,
                " ORDER BY ",
                $column,
                " ASC, ",
                $id,
                " ASC LIMIT ",
                $limit
            ),
            first_desc: concat!(
                $select,
                " AND ",
                $key,
                " = ",
                $key,
                " AND ",
                $after,
                " = ",
                $after,
                " ORDER BY ",
                $column,
                " DESC, ",
                $id,
                " DESC LIMIT ",
                $limit
            ),
            next_asc: concat!(
                $select,
                " AND (",
                $column,
                ", ",
                $id,
                ") > (",
                $key,
                ", ",
                $after,
                ") ORDER BY ",
                $column,
                " ASC, ",
                $id,
                " ASC LIMIT ",
                $limit
            ),
            next_desc: concat!(
                $select,
                " AND (",
                $column,
                ", ",
                $id,
                ") < (",
                $key,
                ", ",
                $after,
                ") ORDER BY ",
                $column,
                " DESC, ",
                $id,
                " DESC LIMIT ",
                $limit
            ),
        }
    };
}
pub(crate) use keyset_sql;

/// A set of words as one parameter: `|vapi|retell|`; empty means all. SQL asks `$n LIKE '%|' || column || '|%'`.
pub(crate) fn word_set<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut set = String::new();
    for word in words {
        if set.is_empty() {
            set.push('|');
        }
        set.push_str(word);
        set.push('|');
    }
    set
}

/// A search text as a LIKE pattern with `\` as its escape; empty means all.
pub(crate) fn like_pattern(search: &str) -> String {
    let search = search.trim().to_lowercase();
    if search.is_empty() {
        return String::new();
    }
    let mut pattern = String::from("%");
    for c in search.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_a_search_are_taken_literally() {
        assert_eq!(like_pattern(" 50%_A "), "%50\\%\\_a%");
        assert_eq!(like_pattern("  "), "");
    }

    #[test]
    fn a_word_set_is_delimited_on_both_sides() {
        assert_eq!(word_set(["vapi", "retell"]), "|vapi|retell|");
        assert_eq!(word_set([]), "");
    }
}
