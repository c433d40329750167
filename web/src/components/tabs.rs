//! A row of tabs, each with a link of its own. It stays one line at any width: what is over, the row scrolls to.

use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

/// Tabs as label and address; `name` says what they are the tabs of.
pub(crate) fn tabs(name: &'static str, all: Signal<Vec<(&'static str, String)>>) -> AnyView {
    let location = use_location();
    let link = move |(label, href): (&'static str, String)| {
        let address = href.clone();
        let is_here = move || location.pathname.get().trim_end_matches('/') == address;
        view! {
            <li><a class="tab" href=href aria-current=move || is_here().then_some("page")>{label}</a></li>
        }
        .into_any()
    };
    let links = move || all.get().into_iter().map(link).collect::<Vec<_>>();
    let row = NodeRef::<html::Ul>::new();
    let show_selected = move || scroll_to(row, "[aria-current]");
    effect(move || {
        location.pathname.track();
        request_animation_frame(show_selected);
    });
    let listener = window_event_listener(leptos::ev::resize, move |_| show_selected());
    on_cleanup(move || listener.remove());
    // Browsers leave a link that they show in part where it is. A click must find its link where it was, too.
    let show_focused = move |_| scroll_to(row, ":focus-visible");
    view! { <nav class="tabs" aria-label=name><ul node_ref=row on:focusin=show_focused>{links}</ul></nav> }
    .into_any()
}

/// Scrolls the row of tabs, where it is wider than the screen, until a tab stands in its middle.
fn scroll_to(row: NodeRef<html::Ul>, tab: &str) {
    let Some(row) = row.try_get_untracked().flatten() else {
        return; // The page was left meanwhile.
    };
    let tab = row.query_selector(tab).ok().flatten();
    if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
        row.set_scroll_left(tab.offset_left() - (row.client_width() - tab.offset_width()) / 2);
    }
}
