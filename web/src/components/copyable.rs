//! Text with a button that copies it, and says so. Where the browser refuses the clipboard, the text is selected instead, so
//! that one key press copies it.

use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use crate::erased::spawn;
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

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
    let notices = use_notices();
    let has_copied = RwSignal::new(false);
    let text_ref = NodeRef::<html::Span>::new();
    let label = format!("Copy {what} {shown}");
    let copy = move |_| {
        let text = copied.clone();
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
            } else if let Some(element) = text_ref.try_get_untracked().flatten()
                && let Ok(Some(selection)) = window().get_selection()
                && selection.select_all_children(&element).is_ok()
            {
                notices.speak("Selected. Press Control or Command and C to copy.".to_owned());
            }
        });
    };
    view! {
        <span class="copyable">
            <span class:code=is_code node_ref=text_ref>{shown}</span>
            <button type="button" class="icon-button" aria-label=label title=format!("Copy {what}") on:click=copy>
                {move || icon(if has_copied.get() { Icon::Check } else { Icon::Copy })}
            </button>
        </span>
    }
    .into_any()
}
