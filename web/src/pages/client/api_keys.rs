//! The keys of the client's own, by provider.

use crate::api::clients as api;
use crate::components::error_notice::ErrorNotice;
use crate::components::skeleton::skeleton_cards;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::outcome;
use crate::pages::client::overview::key_card;
use crate::session::use_agency;
use leptos::prelude::*;

/// The tab.
#[component]
pub(super) fn ClientApiKeys(client_id: String) -> impl IntoView {
    let agency = use_agency();
    let loader = Loader::new(move || {
        let (slug, id) = (agency.slug.get(), client_id.clone());
        async move { api::get(&slug, id).await }
    });
    view! {
        <div class="tab-page">
            {dynamic(move || match loader.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| loader.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match loader.data.get() {
                Some(details) => key_card(&details, None),
                None => skeleton_cards(1),
            })}
        </div>
    }
    .into_any()
}
