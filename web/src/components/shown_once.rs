//! A text that is shown this once, such as a log-in link or a signing secret, with its copy button. It stands in a dialog, which
//! asks before Esc or its cross takes the text away.

use crate::components::copyable::Copyable;
use crate::components::dialog::shows_only_here;
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
