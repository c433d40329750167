//! Search and filters above the list, and the count that is always there. Typing changes the URL after a short pause and
//! leaves no steps for Back; a filter leaves one.

use crate::api::enums::AgentStatus;
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use crate::logic::list_state::AgentListState;
use crate::logic::number::counted;
use crate::pages::agents::ListContext;
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

const TYPING_PAUSE: Duration = Duration::from_millis(250);

/// The toolbar.
#[component]
pub(super) fn Toolbar(list: ListContext) -> impl IntoView {
    let count = move || {
        let total = list
            .page
            .data
            .with(|page| page.as_ref().map(|page| page.total_count))?;
        let is_filtered = list.state.with(AgentListState::is_filtered);
        Some(format!(
            "{}{}",
            counted(total, "agent", "agents"),
            if is_filtered { " found" } else { "" }
        ))
    };
    view! {
        <div class="toolbar">
            <SearchField list=list />
            <div class="chips" role="group" aria-label="Filters">
                {filter(list, "Active", |state| state.status == Some(AgentStatus::Active), |state, is_on| state.status = is_on.then_some(AgentStatus::Active))}
                {filter(list, "Inactive", |state| state.status == Some(AgentStatus::Inactive), |state, is_on| state.status = is_on.then_some(AgentStatus::Inactive))}
                {filter(list, "Unreachable", |state| state.only_unreachable, |state, is_on| state.only_unreachable = is_on)}
            </div>
            <span class="count figures" role="status">{count}</span>
        </div>
    }
    .into_any()
}

fn filter(
    list: ListContext,
    label: &'static str,
    is_on: fn(&AgentListState) -> bool,
    set: fn(&mut AgentListState, bool),
) -> AnyView {
    let pressed = Memo::new(move |_| list.state.with(is_on));
    view! {
        <button
            type="button"
            class="chip"
            aria-pressed=move || pressed.get().to_string()
            on:click=move |_| {
                let turned = !pressed.get_untracked();
                let state = list.state.with_untracked(|state| state.at_first_page(|state| set(state, turned)));
                list.show(&state, false);
            }
        >
            {move || pressed.get().then(|| icon(Icon::Check))} {label}
        </button>
    }
    .into_any()
}

#[component]
fn SearchField(list: ListContext) -> impl IntoView {
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
        let state = list
            .state
            .with_untracked(|state| state.at_first_page(|state| state.search = text));
        list.show(&state, true);
    };
    let on_input = move |text: String| {
        stop_timer();
        timer.set_value(set_timeout_with_handle(move || search(text), TYPING_PAUSE).ok());
    };
    // Back, a link or "Clear filters" changed the search from outside of the field.
    effect(move || {
        let text = list.state.with(|state| state.search.clone());
        if let Some(input) = input_ref.get()
            && input.value().trim() != text.trim()
        {
            input.set_value(&text);
        }
    });
    // "/" leads to the search from anywhere on the page (checklist 39).
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let is_typing = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| {
                matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
                    || element.closest("dialog").ok().flatten().is_some()
            });
        if event.key() == "/"
            && !is_typing
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
            <label class="visually-hidden" for=id.clone()>"Search agents"</label>
            {icon(Icon::Search)}
            <input
                id=id
                type="search"
                placeholder="Search by name"
                autocomplete="off"
                spellcheck="false"
                node_ref=input_ref
                on:input=move |event| on_input(event_target_value(&event))
            />
            <kbd aria-hidden="true">"/"</kbd>
        </div>
    }
    .into_any()
}
