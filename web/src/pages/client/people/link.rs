//! A log-in link, which is shown once: after a person was added, and after a new one was made. It stands in the open dialog
//! alone and is gone with it.

use crate::api::people::LogInLink;
use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::components::copyable::Copyable;
use crate::logic::people_words;
use leptos::prelude::*;

/// The link with its copy button, until when it works, and the button that ends the dialog.
pub(super) fn shown_once(name: &str, link: LogInLink, is_open: RwSignal<bool>) -> AnyView {
    let until = clock::moment(clock::parse(&link.expires_at));
    view! {
        <div class="dialog-body">
            <p class="consequence">{people_words::send_link(name)}</p>
            <p class="signing-secret"><Copyable shown=link.url.clone() copied=link.url what="log-in link" is_code=true /></p>
            <p>{format!("It works once, until {until}. If it gets lost or runs out, make a new one here.")}</p>
        </div>
        {done(is_open)}
    }
    .into_any()
}

/// What stands there instead for somebody who has a log-in.
pub(super) fn has_log_in(name: &str, is_open: RwSignal<bool>) -> AnyView {
    view! {
        <div class="dialog-body">
            <p class="consequence">{format!("{name} has a log-in here already, so there is no link.")}</p>
            <p>{format!("Tell {name} to log in as always, with the password that they have: the portal stands among their agencies from now on. Should they never have chosen one, make a log-in link for them here.")}</p>
        </div>
        {done(is_open)}
    }
    .into_any()
}

fn done(is_open: RwSignal<bool>) -> AnyView {
    view! {
        <div class="dialog-foot">
            <Button kind=ButtonKind::Primary is_first_focus=true on_press=move |()| is_open.set(false)>"Done"</Button>
        </div>
    }
    .into_any()
}
