//! The way back to a key that was cleared (K10): on a card without a key, a line that says until when, and opens the versions.

use crate::api::enums::KeyVersionState;
use crate::api::provider_keys as api;
use crate::clock;
use crate::components::icons::{Icon, icon};
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::pages::api_keys::card::CardContext;
use leptos::prelude::*;

/// The line; nothing where no cleared key can be brought back, or for those who may not do it.
pub(super) fn bring_back(card: CardContext) -> AnyView {
    if !card.page.may_manage.get_untracked() {
        return ().into_any();
    }
    let (provider, client_id) = (card.provider(), StoredValue::new(card.client_id()));
    let versions = Loader::new(move || {
        let (slug, client_id) = (card.agency.slug.get(), client_id.try_get_value().flatten());
        async move { api::versions(&slug, provider, client_id).await }
    });
    // When it cannot be read the card is whole without it.
    dynamic(move || {
        let retired = versions.data.with(|versions| {
            versions
                .iter()
                .flatten()
                .find(|version| version.state == KeyVersionState::Retired)
                .cloned()
        });
        let Some(version) = retired else {
            return ().into_any();
        };
        let mask = version.masked_key.unwrap_or_default();
        let until = version
            .destroyed_after
            .map(|instant| clock::moment(clock::parse(&instant)))
            .map_or_else(String::new, |moment| format!(" until {moment}"));
        view! {
            <p class="bring-back">
                {icon(Icon::History)}
                <span>"A cleared key " <code class="masked">{mask}</code> {format!(" can be brought back{until}.")}</span>
                <button type="button" class="link-button" on:click=move |_| card.is_showing_versions().set(true)>"Bring it back"</button>
            </p>
        }
        .into_any()
    })
}
