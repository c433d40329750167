//! What stands in the place of a list that holds nothing at all: why, and what to check (S2). While an import is under way it asks
//! for the list again every few seconds, so that the first rows appear by themselves.

use crate::api::enums::Permission;
use crate::api::standing as api;
use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::components::skeleton::skeleton_rows;
use crate::erased::{dynamic, effect};
use crate::loader::Loader;
use crate::logic::empty_words::{EmptyList, EmptyWords, NextStep, why_empty};
use crate::pages::listing::toolbar::provider_chips;
use crate::pages::listing::{Listing, Loaded};
use crate::session::AgencyContext;
use leptos::prelude::*;
use std::time::Duration;

const ASK_AGAIN: Duration = Duration::from_secs(3);

/// What is known of the keys and their last imports.
#[derive(Clone, Copy)]
pub(crate) struct Standing(Loader<api::Standing>);

impl Standing {
    /// Asks for it.
    pub(crate) fn load(agency: AgencyContext) -> Self {
        Self(Loader::new(move || {
            let slug = agency.slug.get();
            async move { api::get(&slug).await }
        }))
    }

    /// The chips of the providers that can be connected.
    pub(crate) fn provider_chips(self, listing: Listing) -> AnyView {
        provider_chips(listing, move || {
            self.0.data.with(|data| {
                let all = data.iter().flat_map(|data| data.providers.iter());
                all.filter(|info| info.is_available)
                    .map(|info| info.provider)
                    .collect()
            })
        })
    }
}

/// The empty page.
pub(crate) fn nothing_here(
    listing: Listing,
    loaded: Loaded,
    standing: Standing,
    list: &'static EmptyList,
) -> AnyView {
    let words = Memo::new(move |_| {
        standing
            .0
            .data
            .with(|data| data.as_ref().map(|data| why_empty(data, list)))
    });
    effect(move || {
        if words.with(|words| words.as_ref().is_some_and(|words| words.is_filling))
            && let Ok(timer) = set_interval_with_handle(
                move || {
                    standing.0.reload();
                    loaded.reload.run(());
                },
                ASK_AGAIN,
            )
        {
            on_cleanup(move || timer.clear());
        }
    });
    dynamic(move || {
        let EmptyWords {
            title, text, next, ..
        } = match words.get() {
            Some(words) => words,
            // Without the reason the list is still empty, and says what will be here.
            None if standing.0.error.with(Option::is_some) => EmptyWords {
                title: list.title.to_owned(),
                text: list.lead.to_owned(),
                next: NextStep::ApiKeys,
                is_filling: false,
            },
            None => return skeleton_rows(3),
        };
        let agency = listing.agency;
        let (page, label) = match next {
            NextStep::Connect if !agency.may(Permission::ManageKeys) => {
                ("/settings/api-keys", "Open API keys")
            }
            NextStep::Connect => ("/settings/api-keys", "Connect a voice provider"),
            NextStep::ApiKeys => ("/settings/api-keys", "Open API keys"),
            NextStep::SyncHistory => ("/settings/sync-history", "Open sync history"),
        };
        view! {
            <EmptyState symbol=Icon::Search title=title text=text>
                <a class="button primary" href=agency.path(page)>{label}</a>
            </EmptyState>
        }
        .into_any()
    })
}
