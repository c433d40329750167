//! The agency's switch for keys from clients (P4), below the agency's own keys. It acts at once and is switched back the same
//! way; where it could not be switched, the box stands as before.

use crate::api::ApiError;
use crate::api::enums::Permission;
use crate::api::people as api;
use crate::components::error_notice::ErrorNotice;
use crate::components::notices::use_notices;
use crate::components::skeleton::skeleton_lines;
use crate::erased::{dynamic, spawn};
use crate::loader::Loader;
use crate::logic::outcome;
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;

/// The card; nothing for those who may not switch.
pub(super) fn hand_in_switch() -> AnyView {
    let agency = use_agency();
    dynamic(move || {
        if agency.may(Permission::Administer) {
            card(agency)
        } else {
            ().into_any()
        }
    })
}

fn card(agency: AgencyContext) -> AnyView {
    let is_open = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::is_hand_in_open(&slug).await }
    });
    let failure = RwSignal::new(None::<ApiError>);
    let is_known = Memo::new(move |_| is_open.data.with(Option::is_some));
    view! {
        <section class="card" aria-label="Keys from clients">
            <h2>"Keys from clients"</h2>
            {dynamic(move || if is_known.get() {
                choice(agency, is_open, failure)
            } else if is_open.error.with(Option::is_some) {
                ().into_any()
            } else {
                skeleton_lines(2)
            })}
            {dynamic(move || match failure.get().or_else(|| is_open.error.get()) {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| { failure.set(None); is_open.reload(); } /> }.into_any()
                }
                None => ().into_any(),
            })}
        </section>
    }
    .into_any()
}

fn choice(
    agency: AgencyContext,
    is_open: Loader<bool>,
    failure: RwSignal<Option<ApiError>>,
) -> AnyView {
    let notices = use_notices();
    let is_busy = RwSignal::new(false);
    let is_on = move || is_open.data.get() == Some(true);
    let switch = move |wanted: bool| {
        let slug = agency.slug.get_untracked();
        // The box shows what was asked for; an answer that does not come takes it back.
        is_open.data.set(Some(wanted));
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::set_hand_in_open(&slug, wanted).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(()) => notices.toast(if wanted {
                    "Clients may hand in keys again.".to_owned()
                } else {
                    "Nobody of a client can hand in a key any more.".to_owned()
                }),
                Err(error) => {
                    is_open.data.set(Some(!wanted));
                    failure.set(Some(error));
                    // Without an answer it may have been switched all the same.
                    is_open.reload();
                }
            }
        });
    };
    view! {
        <label class="check">
            <input type="checkbox" prop:checked=is_on disabled=is_busy on:change=move |event| switch(event_target_checked(&event)) />
            <span>"Clients may hand in keys"</span>
        </label>
        <p class="quiet">
            "On: people of a client whom you let “hand in keys” may give you keys of its own accounts. One that provably opens the account in use takes its key's place at once; any other waits for your review. "
            "Off: nobody of a client can hand in a key. What waits already stays, until you accept or decline it."
        </p>
    }
    .into_any()
}
