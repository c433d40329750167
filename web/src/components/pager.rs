//! Steps through a list of cursors by links, so that Back and a copied link work, and says which rows are shown of how many.

use crate::components::icons::{Icon, icon};
use crate::logic::list_state::{PAGE_SIZE, PagePosition};
use crate::logic::number::grouped;
use leptos::prelude::*;

/// What the server said about a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageFacts {
    /// Where the page stands.
    pub(crate) position: PagePosition,
    /// Rows on this page.
    pub(crate) shown: usize,
    /// Rows in all.
    pub(crate) total: i64,
    /// Link to the page before; `None` on the first.
    pub(crate) previous: Option<String>,
    /// Link to the page after; `None` on the last.
    pub(crate) next: Option<String>,
}

/// The positions before and after a page, as far as there are any.
pub(crate) fn neighbours(
    position: &PagePosition,
    has_previous: bool,
    has_next: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
) -> (Option<PagePosition>, Option<PagePosition>) {
    (
        has_previous.then(|| position.previous(start_cursor)),
        has_next.then(|| position.next(end_cursor)),
    )
}

/// The foot of a list.
pub(crate) fn pager(facts: PageFacts, noun: &'static str) -> AnyView {
    let PageFacts {
        position,
        shown,
        total,
        previous,
        next,
    } = facts;
    let first_row = position.index * PAGE_SIZE + 1;
    let last_row = position.index * PAGE_SIZE + i64::try_from(shown).unwrap_or_default();
    let text = format!(
        "{}–{} of {}",
        grouped(first_row),
        grouped(last_row),
        grouped(total)
    );
    if previous.is_none() && next.is_none() {
        return ().into_any();
    }
    view! {
        <nav class="pager" aria-label=format!("Pages of {noun}")>
            <span class="figures">{text}</span>
            {step(previous, "Previous", Icon::Previous)}
            {step(next, "Next", Icon::Next)}
        </nav>
    }
    .into_any()
}

fn step(href: Option<String>, label: &'static str, symbol: Icon) -> AnyView {
    let content = move || {
        if symbol == Icon::Previous {
            view! { {icon(symbol)} <span>{label}</span> }.into_any()
        } else {
            view! { <span>{label}</span> {icon(symbol)} }.into_any()
        }
    };
    match href {
        Some(href) => view! { <a class="button" href=href>{content()}</a> }.into_any(),
        None => {
            view! { <button type="button" class="button" disabled>{content()}</button> }.into_any()
        }
    }
}
