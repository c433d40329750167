//! A button with a floating panel, by the browser's `popover`: it closes on Esc and on a click outside and gives the focus
//! back, without code of ours.

use crate::components::fresh_id;
use leptos::prelude::*;

/// A button that opens a panel; the style sheet places the panel by `class`.
#[component]
pub(crate) fn Popover(
    /// Class of both; the panel gets `-panel` behind it.
    class: &'static str,
    /// What the button adds to its face for screen readers, such as `Switch agency`.
    label: &'static str,
    /// Content of the button.
    face: AnyView,
    /// Content of the panel.
    children: Children,
) -> impl IntoView {
    let id = fresh_id(class);
    view! {
        <button type="button" class=class popovertarget=id.clone()>{face} <span class="visually-hidden">{label}</span></button>
        <div id=id popover="auto" class=format!("popover {class}-panel")>{children()}</div>
    }
    .into_any()
}

/// Closes the popover that an event came from.
pub(crate) fn close_around(event: &leptos::ev::MouseEvent) {
    use wasm_bindgen::JsCast;
    let panel = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("[popover]").ok().flatten())
        .and_then(|panel| panel.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(panel) = panel {
        // A panel that is closed already stays closed.
        let _ = panel.hide_popover();
    }
}
