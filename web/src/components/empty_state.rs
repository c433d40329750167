//! The empty state: what will be here, why, and one action (checklist 23).

use crate::components::icons::{Icon, icon};
use leptos::prelude::*;

/// An empty page or list; `children` is its one action.
#[component]
pub(crate) fn EmptyState(
    symbol: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-icon">{icon(symbol)}</span>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="actions">{children()}</div> }.into_any())}
        </div>
    }
    .into_any()
}
