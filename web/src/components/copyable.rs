//! Text with a button that copies it, and says so. Where the browser refuses the clipboard, the text is selected instead, so
//! that one key press copies it.

use crate::components::icons::{Icon, icon};
use crate::components::notices::{Notices, use_notices};
use crate::erased::spawn;
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

/// Copies a text and says so; `has_copied` is true for two seconds. Where the browser refuses, `select` marks the text.
pub(crate) fn copy(
    text: String,
    notices: Notices,
    has_copied: RwSignal<bool>,
    select: impl FnOnce() -> bool + 'static,
) {
    spawn(async move {
        if JsFuture::from(window().navigator().clipboard().write_text(&text))
            .await
            .is_ok()
        {
            notices.speak("Copied".to_owned());
            has_copied.try_set(true);
            set_timeout(
                move || {
                    has_copied.try_set(false);
                },
                Duration::from_secs(2),
            );
        } else if select() {
            notices.speak("Selected. Press Control or Command and C to copy.".to_owned());
        }
    });
}

/// `shown` is what people read, `copied` what the clipboard gets, `what` names it for the button: `Copy number`.
#[component]
pub(crate) fn Copyable(
    #[prop(into)] shown: String,
    #[prop(into)] copied: String,
    what: &'static str,
    /// Ids and keys.
    #[prop(optional)]
    is_code: bool,
) -> impl IntoView {
    let label = format!("Copy {what} {shown}");
    view! {
        <span class="copyable">{copyable(shown, copied, label, what, if is_code { "code" } else { "" })}</span>
    }
    .into_any()
}

/// Lines of code to paste elsewhere.
pub(crate) fn code_block(code: String, what: &'static str) -> AnyView {
    let label = format!("Copy {what}");
    view! { <div class="code-block">{copyable(code.clone(), code, label, what, "code")}</div> }
        .into_any()
}

fn copyable(
    shown: String,
    copied: String,
    label: String,
    what: &'static str,
    class: &'static str,
) -> AnyView {
    let notices = use_notices();
    let has_copied = RwSignal::new(false);
    let text_ref = NodeRef::<html::Span>::new();
    let select = move || {
        let Some(element) = text_ref.try_get_untracked().flatten() else {
            return false;
        };
        let selection = window().get_selection().ok().flatten();
        selection.is_some_and(|selection| selection.select_all_children(&element).is_ok())
    };
    view! {
        <span class=class node_ref=text_ref>{shown}</span>
        <button
            type="button" class="icon-button" aria-label=label title=format!("Copy {what}")
            on:click=move |_| copy(copied.clone(), notices, has_copied, select)
        >
            {move || icon(if has_copied.get() { Icon::Check } else { Icon::Copy })}
        </button>
    }
    .into_any()
}
