//! The table: a sticky head whose columns sort by link, rows that come from the page, cells that carry their column's name
//! for narrow screens. It fetches and pages nothing.

use crate::components::icons::{Icon, icon};
use leptos::prelude::*;

/// The head of a column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) label: &'static str,
    /// The class of its cells; empty where the style sheet needs none.
    pub(crate) class: &'static str,
    /// Figures stand at the right.
    pub(crate) is_figure: bool,
    /// The link that sorts by it, and how it is sorted now: `None` when by another column.
    pub(crate) sort: Option<(String, Option<SortState>)>,
}

/// How a column is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortState {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Column {
    /// A column of text.
    pub(crate) fn text(label: &'static str) -> Self {
        Self {
            label,
            class: "",
            is_figure: false,
            sort: None,
        }
    }
}

/// A table; `children` are its rows.
#[component]
pub(crate) fn DataTable(
    /// Names the table for screen readers.
    #[prop(into)]
    caption: String,
    #[prop(into)] columns: Signal<Vec<Column>>,
    /// While an answer is awaited the rows that are there step back.
    #[prop(into)]
    is_stale: Signal<bool>,
    /// A head before the first column, such as the checkbox for the whole page.
    #[prop(optional_no_strip)]
    first_head: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="table-frame" class:stale=is_stale>
            <table>
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>
                        {first_head.map(|head| view! { <th scope="col" class="cell-select">{head}</th> }.into_any())}
                        {move || columns.get().into_iter().map(head_cell).collect::<Vec<_>>()}
                    </tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn head_cell(column: Column) -> AnyView {
    let Column {
        label,
        class,
        is_figure,
        sort,
    } = column;
    let Some((href, state)) = sort else {
        return view! { <th scope="col" class=class class:figure=is_figure>{label}</th> }
            .into_any();
    };
    let aria_sort = state.map(|state| match state {
        SortState::Ascending => "ascending",
        SortState::Descending => "descending",
    });
    let arrow = match state {
        Some(SortState::Ascending) => Some(Icon::Up),
        Some(SortState::Descending) => Some(Icon::Down),
        None => None,
    };
    view! {
        <th scope="col" class=class class:figure=is_figure aria-sort=aria_sort>
            <a href=href data-noscroll="">{label} {arrow.map(icon)}</a>
        </th>
    }
    .into_any()
}
