//! Pages that do not exist: inside an agency's frame, and outside of any.

use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::components::mark::mark;
use crate::components::page_head::{PageHead, set_window_title};
use crate::session::use_agency;
use leptos::prelude::*;

/// An unknown address outside of any agency.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    set_window_title("Page not found");
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden">"Page not found"</h1>
            <EmptyState symbol=Icon::Question title="There is no page here" text="The address may be mistyped, or the page has moved.">
                <a class="button" href="/">"Go to the overview"</a>
            </EmptyState>
        </main>
    }
    .into_any()
}

/// An unknown address inside an agency.
#[component]
pub(crate) fn NotFoundRoom() -> impl IntoView {
    let agency = use_agency();
    view! {
        <PageHead title="Page not found" sentence="There is no page at this address. It may be mistyped, or the page has moved.">
            <a class="button" href=move || agency.path("")>"Go to the overview"</a>
        </PageHead>
    }
    .into_any()
}
