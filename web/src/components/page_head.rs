//! The head of a page: title, one sentence, one action. It sets the title of the window, and after a navigation puts the
//! focus on the heading, so that a screen reader starts there (checklist 40).

use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;
use std::cell::Cell;

thread_local! {
    static IS_FIRST_PAGE: Cell<bool> = const { Cell::new(true) };
}

/// Sets the title of the window, such as `Agents · Ringfence`.
pub(crate) fn set_window_title(title: &str) {
    document().set_title(&format!("{title} · Ringfence"));
}

/// Names the window and, on each page but the first, focuses the heading.
pub(crate) fn arrive(title: &str, heading: NodeRef<html::H1>) {
    set_window_title(title);
    let is_first = IS_FIRST_PAGE.replace(false);
    effect(move || {
        if let Some(heading) = heading.get()
            && !is_first
        {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            // A heading that cannot take the focus is shown all the same.
            let _ = heading.focus_with_options(&options);
        }
    });
}

/// Title, one sentence that says what the page is for, and its one main action.
#[component]
pub(crate) fn PageHead(
    title: &'static str,
    #[prop(into)] sentence: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    arrive(title, heading);
    view! {
        <header class="page-head">
            <div>
                <h1 tabindex="-1" node_ref=heading>{title}</h1>
                <p>{sentence}</p>
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> }.into_any())}
        </header>
    }
    .into_any()
}
