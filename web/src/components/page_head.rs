//! The head of a page: title, one sentence, one action. It sets the title of the window, which says "Error:" while a form on
//! it was refused, and after a navigation puts the
//! focus on the heading, so that a screen reader starts there (checklist 40).

use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};

thread_local! {
    static IS_FIRST_PAGE: Cell<bool> = const { Cell::new(true) };
    static TITLE: RefCell<String> = const { RefCell::new(String::new()) };
    static FAILURES: Cell<u32> = const { Cell::new(0) };
}

/// Sets the title of the window, such as `Agents · Ringfence`.
pub(crate) fn set_window_title(title: &str) {
    TITLE.replace(format!("{title} · Ringfence"));
    write_window_title();
}

/// Puts "Error:" before the window's title for as long as the caller's part of the page stands.
pub(crate) fn mark_window_failed() {
    let count = |change: fn(u32, u32) -> u32| {
        FAILURES.set(change(FAILURES.get(), 1));
        write_window_title();
    };
    count(u32::saturating_add);
    on_cleanup(move || count(u32::saturating_sub));
}

fn write_window_title() {
    let mark = if FAILURES.get() > 0 { "Error: " } else { "" };
    TITLE.with_borrow(|title| document().set_title(&format!("{mark}{title}")));
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
