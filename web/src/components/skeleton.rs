//! Skeletons in the shape of what comes. The style sheet keeps them invisible for the first 150 ms, so that a quick answer
//! shows none (checklist 24).

use leptos::prelude::*;

/// Rows of a table.
pub(crate) fn skeleton_rows(count: usize) -> AnyView {
    let rows = (0..count)
        .map(|_| view! { <div class="skeleton row"></div> }.into_any())
        .collect::<Vec<_>>();
    view! { <div class="skeletons" aria-hidden="true">{rows}</div> }.into_any()
}

/// Cards.
pub(crate) fn skeleton_cards(count: usize) -> AnyView {
    let cards = (0..count)
        .map(|_| view! { <div class="skeleton block"></div> }.into_any())
        .collect::<Vec<_>>();
    view! { <div class="skeletons" aria-hidden="true">{cards}</div> }.into_any()
}

/// Lines of text.
pub(crate) fn skeleton_lines(count: usize) -> AnyView {
    let lines = (0..count)
        .map(|_| view! { <div class="skeleton line"></div> }.into_any())
        .collect::<Vec<_>>();
    view! { <div class="skeletons" aria-hidden="true">{lines}</div> }.into_any()
}
