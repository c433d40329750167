//! A text that is shown this once, such as a log-in link, a signing secret or an API key, with its copy button. It stands in a
//! dialog, which asks before Esc or its cross takes the text away, and so does the browser before it leaves the page.

use crate::components::copyable::{Copyable, copy};
use crate::components::dialog::shows_only_here;
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use leptos::html;
use leptos::prelude::*;

/// The text; `what` names it: `Copy log-in link`.
#[component]
pub(crate) fn ShownOnce(text: String, what: &'static str) -> impl IntoView {
    shows_only_here(what);
    view! {
        <p class="shown-once"><Copyable shown=text.clone() copied=text what=what is_code=true /></p>
    }
    .into_any()
}

/// A text that opens a door by itself: hidden from whoever looks over a shoulder until it is asked for, copied without being
/// shown, kept away from password managers. `copy_button` takes the focus of whoever opens the dialog.
pub(crate) fn hidden_once(
    text: String,
    what: &'static str,
    label: &'static str,
    copy_button: NodeRef<html::Button>,
) -> AnyView {
    shows_only_here(what);
    let notices = use_notices();
    let is_shown = RwSignal::new(false);
    let has_copied = RwSignal::new(false);
    let input = NodeRef::<html::Input>::new();
    let id = fresh_id("shown-once");
    let value = text.clone();
    let select = move || {
        let Some(input) = input.try_get_untracked().flatten() else {
            return false;
        };
        // A hidden text cannot be copied by hand.
        is_shown.set(true);
        input.set_type("text");
        input.select();
        true
    };
    view! {
        <div class="field hidden-once">
            <label for=id.clone()>{label}</label>
            <div class="hidden-once-line">
                <div class="key-input">
                    <input
                        id=id
                        type=move || if is_shown.get() { "text" } else { "password" }
                        class="code"
                        readonly
                        prop:value=value
                        autocomplete="off"
                        spellcheck="false"
                        data-1p-ignore=""
                        data-lpignore="true"
                        data-bwignore=""
                        data-form-type="other"
                        node_ref=input
                        on:focus=move |_| {
                            if let Some(input) = input.get_untracked() {
                                input.select();
                            }
                        }
                    />
                    <button
                        type="button"
                        class="icon-button"
                        aria-pressed=move || is_shown.get().to_string()
                        aria-label=format!("Show {what}")
                        title=format!("Show {what}")
                        on:click=move |_| is_shown.update(|is_shown| *is_shown = !*is_shown)
                    >
                        {move || icon(if is_shown.get() { Icon::Hide } else { Icon::Show })}
                    </button>
                </div>
                <button
                    type="button"
                    class="button"
                    node_ref=copy_button
                    on:click=move |_| copy(text.clone(), notices, has_copied, select)
                >
                    {move || icon(if has_copied.get() { Icon::Check } else { Icon::Copy })}
                    <span>{move || if has_copied.get() { "Copied" } else { "Copy key" }}</span>
                </button>
            </div>
        </div>
    }
    .into_any()
}
