//! Cursor connections: arguments in, one page out. A cursor is opaque, and holds the sort key and id of its row, so that
//! a page starts right behind it whatever comes or goes; one of another order is refused.

use async_graphql::{ID, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store::{
        Conn,
        keyset::{Keyset, KeysetPosition},
    },
};

/// Rows on a page when nothing is said.
const DEFAULT_SIZE: i64 = 50;
/// Most rows on a page.
pub(crate) const MAX_SIZE: i64 = 100;

/// The arguments of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageArguments {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

impl PageArguments {
    pub(crate) fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Self {
        Self {
            first,
            after,
            last,
            before,
        }
    }

    /// What the store reads of a list sorted by `order`: one row more than asked for.
    pub(crate) fn keyset(&self, order: &'static str) -> Result<Keyset> {
        let is_backward = self.last.is_some() || self.before.is_some();
        if is_backward && (self.first.is_some() || self.after.is_some()) {
            return Err(Error::invalid(
                "first",
                "Use first and after, or last and before, not both pairs.",
            ));
        }
        let (field, size) = if is_backward {
            ("last", self.last)
        } else {
            ("first", self.first)
        };
        let size = size.map_or(DEFAULT_SIZE, i64::from);
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(Error::invalid(
                field,
                format!("Ask for 1 to {MAX_SIZE} at a time."),
            ));
        }
        let (field, cursor) = if is_backward {
            ("before", &self.before)
        } else {
            ("after", &self.after)
        };
        let after = cursor
            .as_deref()
            .map(|cursor| decode(field, order, cursor))
            .transpose()?;
        Ok(Keyset {
            order,
            after,
            is_backward,
            limit: size + 1,
        })
    }
}

/// A cursor: a position, and the order in which it is one.
#[derive(Serialize, Deserialize)]
struct Cursor<Order> {
    by: Order,
    #[serde(flatten)]
    position: KeysetPosition,
}

fn decode(field: &'static str, order: &str, cursor: &str) -> Result<KeysetPosition> {
    let cursor: Cursor<String> = URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            Error::invalid(
                field,
                "This is no cursor of this list. Take it from pageInfo or an edge.",
            )
        })?;
    if cursor.by != order {
        return Err(Error::invalid(
            field,
            format!(
                "This cursor is of a list by {}; this one is by {order}. Begin again without a cursor.",
                cursor.by
            ),
        ));
    }
    Ok(cursor.position)
}

fn encode(order: &str, position: KeysetPosition) -> String {
    serde_json::to_vec(&Cursor {
        by: order,
        position,
    })
    .map_or_else(|_| String::new(), |bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether there are rows behind this page.
    has_next_page: bool,
    /// Whether there are rows before this page.
    has_previous_page: bool,
    /// Cursor of the first row.
    start_cursor: Option<String>,
    /// Cursor of the last row.
    end_cursor: Option<String>,
}

/// A page as read, before it becomes a connection's type.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<(String, T)>,
    pub(crate) info: PageInfo,
}

/// Cuts the extra row off, turns a backward page round and makes the cursors.
pub(crate) fn cut<R, T>(
    mut rows: Vec<R>,
    keyset: &Keyset,
    position: impl Fn(&R) -> KeysetPosition,
    convert: impl Fn(R) -> Result<T>,
) -> Result<Page<T>> {
    let size = usize::try_from(keyset.limit - 1).unwrap_or(0);
    let has_more = rows.len() > size;
    rows.truncate(size);
    if keyset.is_backward {
        rows.reverse();
    }
    let rows = rows
        .into_iter()
        .map(|row| Ok((encode(keyset.order, position(&row)), convert(row)?)))
        .collect::<Result<Vec<_>>>()?;
    let has_start = keyset.after.is_some();
    let info = PageInfo {
        has_next_page: if keyset.is_backward {
            has_start
        } else {
            has_more
        },
        has_previous_page: if keyset.is_backward {
            has_more
        } else {
            has_start
        },
        start_cursor: rows.first().map(|(cursor, _)| cursor.clone()),
        end_cursor: rows.last().map(|(cursor, _)| cursor.clone()),
    };
    Ok(Page { rows, info })
}

/// Declares the connection and edge types of a noun. The total is counted only when it is asked for.
macro_rules! connection {
    ($node:ident, $connection:ident, $edge:ident, $edge_name:literal, $connection_name:literal) => {
        /// A row of the list and its place in it.
        #[derive(async_graphql::SimpleObject)]
        #[graphql(name = $edge_name)]
        pub(crate) struct $edge {
            /// The row itself.
            node: $node,
            /// Its place: pass it as `after` or `before`.
            cursor: String,
        }

        /// One page of the list.
        pub(crate) struct $connection {
            page: $crate::graphql::page::Page<$node>,
            count: $crate::graphql::page::Count,
        }

        /// One page of a list, and where it stands in it.
        #[async_graphql::Object(name = $connection_name)]
        impl $connection {
            /// The rows with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                self.page
                    .rows
                    .iter()
                    .map(|(cursor, node)| $edge {
                        node: node.clone(),
                        cursor: cursor.clone(),
                    })
                    .collect()
            }

            /// The rows alone.
            async fn nodes(&self) -> Vec<$node> {
                self.page
                    .rows
                    .iter()
                    .map(|(_, node)| node.clone())
                    .collect()
            }

            /// Where this page stands in the list.
            async fn page_info(&self) -> $crate::graphql::page::PageInfo {
                self.page.info.clone()
            }

            /// How many rows there are on all pages; counted when it is asked for.
            async fn total_count(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::error::Result<i32> {
                use $crate::graphql::context::ContextExt as _;
                let conn = ctx.app()?.db.read().await?;
                let count = (self.count)(conn).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            }
        }
    };
}
pub(crate) use connection;

/// Counts all rows of a list, when it is asked to.
pub(crate) type Count = Box<dyn Fn(Conn) -> Counting + Send + Sync>;

/// The count, under way.
pub(crate) type Counting = BoxFuture<'static, Result<i64>>;

/// Makes a [`Count`] of a store function and what it takes by value.
macro_rules! counted {
    ($($name:ident),* => |$conn:ident| $count:expr) => {
        Box::new(move |mut connection: $crate::store::Conn| -> $crate::graphql::page::Counting {
            $(let $name = $name.clone();)*
            Box::pin(async move {
                let $conn = &mut connection;
                $count.await
            })
        })
    };
}
pub(crate) use counted;

/// Longest text that a list is searched for, in characters: as long as what it is searched in.
const MAX_SEARCH: usize = 200;

/// What to search for, without the white space around it; empty means all.
pub(crate) fn search_text(search: Option<String>) -> Result<String> {
    let search = search.unwrap_or_default();
    let search = search.trim();
    if search.chars().nth(MAX_SEARCH).is_some() {
        return Err(Error::invalid(
            "search",
            format!("Search for at most {MAX_SEARCH} characters."),
        ));
    }
    // SQLite's LIKE ends at it, and so would find what lies before.
    if search.contains('\0') {
        return Err(Error::invalid(
            "search",
            "The text holds a zero character (U+0000), which no name has.",
        ));
    }
    Ok(search.to_owned())
}

/// An id that narrows a list: empty means all, so an empty id is made one that nothing has.
pub(crate) fn exact_id(id: Option<ID>) -> String {
    match id {
        Some(id) if id.is_empty() => " ".to_owned(),
        Some(id) => id.to_string(),
        None => String::new(),
    }
}

/// How complex a list is, for the limit on documents.
pub(crate) fn complexity(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let size = first
        .or(last)
        .map_or(DEFAULT_SIZE, i64::from)
        .clamp(1, MAX_SIZE);
    usize::try_from(size).unwrap_or(1) * child
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyset(first: Option<i32>, last: Option<i32>, after: Option<&str>) -> Result<Keyset> {
        PageArguments::new(first, after.map(str::to_owned), last, None).keyset("name")
    }

    #[test]
    fn a_page_has_one_to_a_hundred_rows() {
        assert_eq!(keyset(None, None, None).expect("default").limit, 51);
        assert_eq!(
            keyset(Some(0), None, None).expect_err("none").field(),
            Some("first")
        );
        assert_eq!(
            keyset(Some(101), None, None).expect_err("many").field(),
            Some("first")
        );
        assert_eq!(
            keyset(None, Some(-1), None).expect_err("negative").field(),
            Some("last")
        );
        assert_eq!(
            keyset(Some(1), Some(1), None).expect_err("both").field(),
            Some("first")
        );
        assert_eq!(
            keyset(Some(1), None, Some("junk"))
                .expect_err("junk")
                .field(),
            Some("after")
        );
    }

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let position = KeysetPosition {
            key: "Zoë|1".to_owned(),
            id: "x".to_owned(),
        };
        assert_eq!(
            decode("after", "name", &encode("name", position.clone())).expect("cursor"),
            position
        );
        let other = decode("after", "status", &encode("name", position)).expect_err("other order");
        assert_eq!(other.field(), Some("after"));
        assert!(other.to_string().contains("by name"), "{other}");
    }
}
