//! Settings → API keys: one card per provider, with what its key may do, and in the demo the sandbox's sample keys. A role
//! that may not see key details is not asked about them (P1).

mod card;
mod clear_dialog;
mod connected;
mod replace_dialog;
mod sample_keys;
mod save_form;

use crate::api::enums::{Permission, Provider};
use crate::api::provider_keys::{self as api, KeysPage, ProviderInfo};
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_cards;
use crate::loader::Loader;
use crate::logic::outcome;
use crate::pages::api_keys::card::ProviderCard;
use crate::pages::api_keys::sample_keys::SampleKeys;
use crate::session::use_agency;
use leptos::prelude::*;

/// What the cards of the page share.
#[derive(Clone, Copy)]
struct PageContext {
    /// Catalogue and keys.
    keys: Loader<KeysPage>,
    /// May save, test and clear.
    may_manage: Memo<bool>,
    /// A sample key that was picked: whose, and which.
    sample: RwSignal<Option<(Provider, String)>>,
}

/// The page at `settings/api-keys`.
#[component]
pub(crate) fn ApiKeysPage() -> impl IntoView {
    let agency = use_agency();
    let may_see_details = Memo::new(move |_| agency.may(Permission::ViewKeyDetails));
    let may_manage = Memo::new(move |_| agency.may(Permission::ManageKeys));
    let keys = Loader::new(move || {
        let (slug, details) = (agency.slug.get(), may_see_details.get());
        async move { api::list(&slug, details).await }
    });
    provide_context(PageContext {
        keys,
        may_manage,
        sample: RwSignal::new(None),
    });
    let catalogue = Memo::new(move |_| {
        keys.data
            .with(|data| data.as_ref().map(|data| data.providers.clone()))
    });
    view! {
        <div class="page narrow">
            <PageHead
                title="API keys"
                sentence="The provider accounts that your agents live in. Ringfence checks each key before it keeps it, and never shows it again."
            />
            {move || keys.error.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| keys.reload() /> }.into_any()
            })}
            {move || match catalogue.get() {
                None if keys.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(3),
                Some(providers) => cards(providers),
            }}
            {move || may_manage.get().then(|| view! { <SampleKeys /> }.into_any())}
            {move || keys.data.with(|data| data.as_ref().and_then(|data| data.instance.master_key_id.clone())).map(|id| view! {
                <p class="page-foot">{icon(Icon::Lock)} <span>"Keys are sealed with master key " <code>{id}</code> ", which is kept outside of the database."</span></p>
            }.into_any())}
        </div>
    }
    .into_any()
}

fn cards(providers: Vec<ProviderInfo>) -> AnyView {
    let (available, coming): (Vec<_>, Vec<_>) =
        providers.into_iter().partition(|info| info.is_available);
    view! {
        <div class="cards">
            {available.into_iter().map(|info| view! { <ProviderCard info=info /> }.into_any()).collect::<Vec<_>>()}
            {coming.into_iter().map(card::coming_card).collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}
