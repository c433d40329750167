//! A log-in link, which is shown once: after a person was added, and after a new one was made. It stands in the open dialog
//! alone and is gone with it.

use crate::api::people::LogInLink;
use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::components::shown_once::ShownOnce;
use crate::erased::effect;
use crate::logic::people_words;
use leptos::html;
use leptos::prelude::*;

/// The link with its copy button, until when it works, and the button that ends the dialog.
pub(super) fn shown_once(name: &str, link: LogInLink, is_open: RwSignal<bool>) -> AnyView {
    let told = NodeRef::<html::P>::new();
    effect(move || {
        // It takes the place of what was pressed, and the focus with it; that speaks it, too.
        if let Some(told) = told.get() {
            let _ = told.focus();
        }
    });
    let until = clock::moment(clock::parse(&link.expires_at));
    view! {
        <div class="dialog-body">
            <p class="consequence" tabindex="-1" node_ref=told>{people_words::send_link(name)}</p>
            <ShownOnce text=link.url what="log-in link" />
            <p>{people_words::use_link(name)} {format!(" The link works once, until {until}; if it gets lost or runs out, make a new one here.")}</p>
        </div>
        <div class="dialog-foot">
            <Button kind=ButtonKind::Primary on_press=move |()| is_open.set(false)>"Done"</Button>
        </div>
    }
    .into_any()
}
