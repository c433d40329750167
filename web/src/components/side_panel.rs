//! A panel beside a list that keeps the list in place: it takes the focus when it opens, Esc or its button closes it, and
//! the page decides where the focus goes then. It is no dialog: the list stays usable.

use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;

/// The panel; `title` is its heading.
#[component]
pub(crate) fn SidePanel(
    #[prop(into)] title: Signal<String>,
    #[prop(into)] on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let heading = NodeRef::<html::H2>::new();
    let heading_id = fresh_id("panel-title");
    let labelled_by = heading_id.clone();
    effect(move || {
        if let Some(heading) = heading.get() {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            // A heading that cannot take the focus is shown all the same.
            let _ = heading.focus_with_options(&options);
        }
    });
    view! {
        <aside
            class="side-panel"
            aria-labelledby=labelled_by
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    on_close.run(());
                }
            }
        >
            <div class="side-panel-head">
                <h2 id=heading_id tabindex="-1" node_ref=heading>{title}</h2>
                <button type="button" class="icon-button" aria-label="Close panel" on:click=move |_| on_close.run(())>
                    {icon(Icon::Close)}
                </button>
            </div>
            <div class="side-panel-body">{children()}</div>
        </aside>
    }
    .into_any()
}
