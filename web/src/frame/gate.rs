//! What stands before an agency's pages: the first question of the visit, log-in, and membership. It opens the frame only
//! for members, and leads everybody else where they belong.

use crate::api::ApiError;
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::mark::mark;
use crate::erased::dynamic;
use crate::erased::spawn;
use crate::frame::OpenFrame;
use crate::frame::leave::leave;
use crate::logic::outcome;
use crate::session::{AgencyContext, Visit, log_in_link, use_session};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

#[derive(Debug, Clone, PartialEq)]
enum Gate {
    Loading,
    Failed(ApiError),
    LogIn,
    NoAgency,
    Open,
}

/// The frame around each page of an agency, for its members.
#[component]
pub(crate) fn AgencyFrame() -> impl IntoView {
    let session = use_session();
    let params = use_params_map();
    let slug = Memo::new(move |_| params.with(|params| params.get("agency").unwrap_or_default()));
    let membership = Memo::new(move |_| {
        let slug = slug.get();
        session
            .viewer()?
            .memberships
            .into_iter()
            .find(|membership| membership.agency.slug == slug)
    });
    provide_context(AgencyContext { slug, membership });
    let gate = Memo::new(move |_| {
        session.visit.with(|visit| match visit {
            Visit::Loading => Gate::Loading,
            Visit::Failed(error) => Gate::Failed(error.clone()),
            Visit::Nobody(_) => Gate::LogIn,
            Visit::Person(..) if membership.with(Option::is_none) => Gate::NoAgency,
            Visit::Person(..) => Gate::Open,
        })
    });
    let location = use_location();
    dynamic(move || match gate.get() {
        Gate::Loading => ().into_any(),
        Gate::Failed(error) => visit_failed(error),
        Gate::LogIn => leave(log_in_link(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
        )),
        Gate::NoAgency => no_agency(),
        Gate::Open => view! { <OpenFrame /> }.into_any(),
    })
}

/// The page when the first question of the visit failed.
pub(crate) fn visit_failed(error: ApiError) -> AnyView {
    let session = use_session();
    let words = outcome::other(&error);
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden">"Ringfence"</h1>
            <ErrorNotice error=error words=words on_retry=move |()| spawn(session.reload()) />
        </main>
    }
    .into_any()
}

fn no_agency() -> AnyView {
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden">"Agency not found"</h1>
            <EmptyState
                symbol=Icon::Question
                title="There is no such agency for you"
                text="The address names an agency that does not exist, or one that you are not a member of."
            >
                <a class="button" href="/">"Go to your agency"</a>
            </EmptyState>
        </main>
    }
    .into_any()
}
