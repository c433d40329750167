//! The tab of the webhooks: the agency's endpoints, how each fares, and what can be done with it. An endpoint is a card; its form,
//! its secret and its deletion are dialogs, its log opens within the card.

mod card;
mod form;
mod log;
mod secret;

use crate::api::webhooks::{self as api, Endpoint};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::notices::{Notices, use_notices};
use crate::components::page_head::set_window_title;
use crate::components::skeleton::skeleton_cards;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::outcome;
use crate::pages::webhooks::card::EndpointCard;
use crate::pages::webhooks::form::FormDialog;
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct PageContext {
    agency: AgencyContext,
    endpoints: Loader<Vec<Endpoint>>,
    notices: Notices,
}

/// The tab at `integrations/webhooks`.
#[component]
pub(crate) fn WebhooksTab() -> impl IntoView {
    set_window_title("Webhooks");
    let agency = use_agency();
    let page = PageContext {
        agency,
        endpoints: Loader::new(move || {
            let slug = agency.slug.get();
            async move { api::list(&slug).await }
        }),
        notices: use_notices(),
    };
    let is_adding = RwSignal::new(false);
    let is_empty = Memo::new(move |_| {
        page.endpoints
            .data
            .with(|endpoints| endpoints.as_ref().map(Vec::is_empty))
    });
    view! {
        <div class="tab-page">
            <div class="tab-head">
                <h2 class="visually-hidden">"Webhooks"</h2>
                <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=move |()| is_adding.set(true)>"Add endpoint"</Button>
            </div>
            <p class="card-lead">"Other programs that are told when a provider refuses a key or takes it again, or when a sync fails. Every delivery is signed."</p>
            {dynamic(move || match page.endpoints.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| page.endpoints.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match is_empty.get() {
                None if page.endpoints.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(2),
                Some(true) => view! {
                    <EmptyState
                        symbol=Icon::Webhook title="No endpoints yet"
                        text="An endpoint is an address of yours that Ringfence posts to: an on-call tool, a chat, your own server. Add one, and send it a test."
                    />
                }.into_any(),
                Some(false) => cards(page),
            })}
            <FormDialog page=page is_open=is_adding />
        </div>
    }
    .into_any()
}

fn cards(page: PageContext) -> AnyView {
    let ids = Memo::new(move |_| {
        page.endpoints.data.with(|endpoints| {
            let endpoints = endpoints.iter().flatten();
            endpoints
                .map(|endpoint| endpoint.id.clone())
                .collect::<Vec<_>>()
        })
    });
    view! {
        <div class="cards">
            <For each=move || ids.get() key=Clone::clone children=move |id| view! { <EndpointCard page=page id=id /> }.into_any() />
        </div>
    }
    .into_any()
}
