//! Search and filters above a list, and the count that is always there. Typing changes the URL after a short pause and
//! leaves no steps for Back; a filter leaves one.

use crate::api::enums::Provider;
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::{dynamic, effect};
use crate::logic::list_state::ListState;
use crate::logic::number::counted;
use crate::logic::provider_name::{from_slug, provider_name, slug};
use crate::pages::listing::{Listing, Loaded, SearchSpec};
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

const TYPING_PAUSE: Duration = Duration::from_millis(250);

/// The toolbar.
pub(super) fn toolbar(listing: Listing, loaded: Loaded, more_chips: AnyView) -> AnyView {
    // Figures and their word change together, when the answer is there: until then both are those of the list that is shown.
    let count = Memo::new(move |before: Option<&Option<String>>| {
        let total = loaded
            .facts
            .with(|facts| facts.as_ref().map(|facts| facts.total));
        if loaded.is_loading.get()
            && let Some(before @ Some(_)) = before
        {
            return before.clone();
        }
        let (one, several) = listing.screen.noun;
        let found = if listing.state.with_untracked(ListState::is_filtered) {
            " found"
        } else {
            ""
        };
        total.map(|total| format!("{}{found}", counted(total, one, several)))
    });
    let chips = listing
        .screen
        .chips
        .iter()
        .map(|(name, value, label)| chip(listing, name, value, label))
        .collect::<Vec<_>>();
    view! {
        <div class="toolbar">
            {listing.screen.search.map(|search| search_field(listing, search))}
            <div class="chips" role="group" aria-label="Filters">
                {chips}
                {more_chips}
            </div>
            <span class="count figures" role="status">{count}</span>
        </div>
    }
    .into_any()
}

/// A filter that is on or off.
fn chip(listing: Listing, name: &'static str, value: &'static str, label: &'static str) -> AnyView {
    let pressed = Memo::new(move |_| listing.state.with(|state| state.value(name) == Some(value)));
    view! {
        <button
            type="button"
            class="chip"
            aria-pressed=move || pressed.get().to_string()
            on:click=move |_| {
                let turned = (!pressed.get_untracked()).then_some(value);
                let state = listing.state.with_untracked(|state| listing.screen.list.filtered(state, name, turned));
                listing.show(&state, false);
            }
        >
            {move || pressed.get().then(|| icon(Icon::Check))} {label}
        </button>
    }
    .into_any()
}

/// The chips of the providers: where there are several, and the one that the list is narrowed to in any case.
pub(crate) fn provider_chips(
    listing: Listing,
    available: impl Fn() -> Vec<Provider> + Send + Sync + 'static,
) -> AnyView {
    let shown = Memo::new(move |_| {
        let mut shown = available();
        if shown.len() < 2 {
            shown.clear();
        }
        let on = listing
            .state
            .with(|state| state.value("provider").and_then(from_slug));
        if let Some(on) = on.filter(|on| !shown.contains(on)) {
            shown.push(on);
        }
        shown
    });
    let chips = move || {
        shown
            .get()
            .into_iter()
            .map(|provider| chip(listing, "provider", slug(provider), provider_name(provider)))
            .collect::<Vec<_>>()
    };
    view! { {chips} }.into_any()
}

/// A filter by an id, as a chip that takes it off; nothing while it is off. `label` names what the id stands for.
pub(crate) fn removable_chip(
    listing: Listing,
    filter: &'static str,
    label: impl Fn(&str) -> String + Send + 'static,
) -> AnyView {
    dynamic(move || {
        let state = listing.listed.get();
        let Some(id) = state.value(filter) else {
            return ().into_any();
        };
        let label = label(id);
        let href = listing.link(&listing.screen.list.filtered(&state, filter, None));
        let spoken = format!("{label}. Show all {}", listing.screen.noun.1);
        view! {
            <a class="chip on" href=href data-noscroll="" aria-label=spoken>
                <span class="chip-text">{label}</span> {icon(Icon::Close)}
            </a>
        }
        .into_any()
    })
}

fn search_field(listing: Listing, (label, placeholder): SearchSpec) -> AnyView {
    let input_ref = NodeRef::<html::Input>::new();
    let id = fresh_id("search");
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop_timer = move || {
        timer.try_update_value(|timer| {
            if let Some(timer) = timer.take() {
                timer.clear();
            }
        });
    };
    on_cleanup(stop_timer);
    let search = move |text: String| {
        let state = listing
            .state
            .with_untracked(|state| state.at_first_page(|state| state.search = text));
        listing.show(&state, true);
    };
    let on_input = move |text: String| {
        stop_timer();
        timer.set_value(set_timeout_with_handle(move || search(text), TYPING_PAUSE).ok());
    };
    // Back, a link or "Clear filters" changed the search from outside of the field.
    effect(move || {
        let text = listing.state.with(|state| state.search.clone());
        if let Some(input) = input_ref.get()
            && input.value().trim() != text.trim()
        {
            input.set_value(&text);
        }
    });
    // "/" leads to the search from anywhere on the page (checklist 39).
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "/"
            && !is_typing(&event)
            && !event.ctrl_key()
            && !event.meta_key()
            && !event.alt_key()
        {
            event.prevent_default();
            if let Some(input) = input_ref.get_untracked() {
                // A search field that is not shown does not take the focus.
                let _ = input.focus();
            }
        }
    });
    on_cleanup(move || listener.remove());
    view! {
        <div class="search" role="search">
            <label class="visually-hidden" for=id.clone()>{label}</label>
            {icon(Icon::Search)}
            <input
                id=id
                type="search"
                placeholder=placeholder
                autocomplete="off"
                spellcheck="false"
                maxlength="200"
                node_ref=input_ref
                on:input=move |event| on_input(event_target_value(&event))
            />
            <kbd aria-hidden="true">"/"</kbd>
        </div>
    }
    .into_any()
}

/// Whether a key press writes into something, or belongs to a dialog.
fn is_typing(event: &leptos::ev::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| {
            element
                .matches("input:not([type=checkbox]), textarea, select, dialog *")
                .unwrap_or(false)
        })
}
