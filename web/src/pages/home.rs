//! The root of the site: leads to the viewer's first agency, to log-in, or to set-up on a fresh installation.

use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::frame::account_menu::LogOutButton;
use crate::frame::gate::visit_failed;
use crate::frame::leave::leave;
use crate::session::{Visit, home_of, use_session};
use leptos::prelude::*;

/// The page at `/`.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    let session = use_session();
    move || {
        match session.visit.get() {
        Visit::Loading => ().into_any(),
        Visit::Failed(error) => visit_failed(error),
        Visit::Nobody(instance) if instance.needs_set_up => leave("/set-up".to_owned()),
        Visit::Nobody(_) => leave("/log-in".to_owned()),
        Visit::Person(_, viewer) => match home_of(&viewer) {
            Some(path) => leave(path),
            None => view! {
                <main class="alone">
                    <EmptyState
                        symbol=Icon::Person
                        title="You belong to no agency yet"
                        text="An owner or admin of an agency can add you. Until then there is nothing here for you."
                    >
                        <LogOutButton />
                    </EmptyState>
                </main>
            }
            .into_any(),
        },
    }
    }
}
