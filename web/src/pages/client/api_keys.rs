//! The tab with the keys of the client's own: the same cards as the agency's, over the client that the page has loaded.

use crate::components::skeleton::skeleton_cards;
use crate::erased::dynamic;
use crate::pages::api_keys::{ClientScope, client_keys};
use crate::pages::client::ClientContext;
use leptos::prelude::*;

/// The tab.
pub(super) fn api_keys(page: ClientContext) -> AnyView {
    // The cards are made anew for another client, and when this one is archived or restored, not at each reload of its figures.
    let scope = Memo::new(move |_| {
        page.client.with(|client| {
            client.as_ref().map(|client| ClientScope {
                id: client.id.clone(),
                name: client.name.clone(),
                is_archived: client.archived_at.is_some(),
            })
        })
    });
    let body = dynamic(move || match scope.get() {
        Some(scope) => client_keys(scope),
        None if page.loader.error.with(Option::is_some) => ().into_any(),
        None => skeleton_cards(3),
    });
    view! { <div class="tab-page">{body}</div> }.into_any()
}
