//! The keys of a place, the agency (Settings → API keys) or one client (its tab): one card per provider, with what its key may
//! do, and in the demo the sandbox's sample keys. A role that may not see key details is not asked about them (P1).

mod bring_back;
mod card;
mod clear_dialog;
mod client_card;
mod connected;
mod hand_in;
mod hand_in_switch;
mod placements;
mod preview;
mod replace_dialog;
mod sample_keys;
mod save_form;
mod versions_dialog;

use crate::api::enums::{Permission, Provider};
use crate::api::people::{self, KeyHandIn};
use crate::api::provider_keys::{self as api, KeysPage, ProviderInfo};
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_cards;
use crate::loader::Loader;
use crate::logic::outcome::{self, Words};
use crate::pages::api_keys::card::ProviderCard;
pub(crate) use crate::pages::api_keys::card::card_head;
pub(crate) use crate::pages::api_keys::connected::testing;
use crate::pages::api_keys::hand_in_switch::hand_in_switch;
use crate::pages::api_keys::sample_keys::SampleKeys;
use crate::session::use_agency;
use leptos::prelude::*;

/// The client whose own keys are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClientScope {
    /// Ringfence's id of the client.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// Nothing of an archived client is changed.
    pub(crate) is_archived: bool,
}

/// What the cards of the page share.
#[derive(Clone, Copy)]
struct PageContext {
    /// Whose keys; `None`: the agency's.
    client: StoredValue<Option<ClientScope>>,
    /// Catalogue and keys.
    keys: Loader<KeysPage>,
    /// May save, test and clear.
    may_manage: Memo<bool>,
    /// A sample key that was picked: whose, and which.
    sample: RwSignal<Option<(Provider, String)>>,
}

/// What the client's people handed in; empty for those who may not decide it.
#[derive(Clone, Copy)]
struct HandIns(Loader<Vec<KeyHandIn>>);

/// The page at `settings/api-keys`.
#[component]
pub(crate) fn ApiKeysPage() -> impl IntoView {
    view! {
        <div class="page narrow">
            <PageHead
                title="API keys"
                sentence="The provider accounts that your agents live in. Ringfence checks each key before it keeps it, and never shows it again."
            />
            {keys_of(None)}
        </div>
    }
    .into_any()
}

/// The keys of a client's own, for its tab.
pub(crate) fn client_keys(client: ClientScope) -> AnyView {
    let lead = format!(
        "Where {} has a key of its own, its agents call over that one and its account pays, whatever the key's health. For any other provider the agency's key counts.",
        client.name
    );
    view! {
        <p class="card-lead">{lead}</p>
        {keys_of(Some(client))}
    }
    .into_any()
}

fn keys_of(client: Option<ClientScope>) -> AnyView {
    let agency = use_agency();
    let may_see_details = Memo::new(move |_| agency.may(Permission::ViewKeyDetails));
    let is_archived = client.as_ref().is_some_and(|client| client.is_archived);
    let is_agencys = client.is_none();
    let may_manage = Memo::new(move |_| agency.may(Permission::ManageKeys) && !is_archived);
    let client_id = StoredValue::new(client.as_ref().map(|client| client.id.clone()));
    let keys = Loader::new(move || {
        let (slug, details) = (agency.slug.get(), may_see_details.get());
        let client_id = client_id.try_get_value().flatten();
        async move { api::list(&slug, client_id, details).await }
    });
    let hand_ins = Loader::new(move || {
        // An archived client's are shown too: they wait until it is restored.
        let may_decide = agency.may(Permission::ManageKeys);
        let slug = agency.slug.get();
        let client_id = client_id.try_get_value().flatten();
        async move {
            match client_id {
                Some(client_id) if may_decide => people::hand_ins(&slug, client_id).await,
                _ => Ok(Vec::new()),
            }
        }
    });
    provide_context(HandIns(hand_ins));
    provide_context(PageContext {
        client: StoredValue::new(client),
        keys,
        may_manage,
        sample: RwSignal::new(None),
    });
    let catalogue = Memo::new(move |_| {
        keys.data
            .with(|data| data.as_ref().map(|data| data.providers.clone()))
    });
    view! {
        {move || keys.error.get().map(|error| {
            let words = outcome::other(&error);
            view! { <ErrorNotice error=error words=words on_retry=move |()| keys.reload() /> }.into_any()
        })}
        {move || hand_ins.error.get().map(|error| {
            let words = Words::new("Whether handed-in keys wait is not known", "Nothing of them has changed. Look again.");
            view! { <ErrorNotice error=error words=words on_retry=move |()| hand_ins.reload() /> }.into_any()
        })}
        {move || match catalogue.get() {
            None if keys.error.with(Option::is_some) => ().into_any(),
            None => skeleton_cards(3),
            Some(providers) => cards(providers),
        }}
        {is_agencys.then(hand_in_switch)}
        {move || may_manage.get().then(|| view! { <SampleKeys /> }.into_any())}
        {move || keys.data.with(|data| data.as_ref().and_then(|data| data.instance.master_key_id.clone())).map(|id| view! {
            <p class="page-foot">{icon(Icon::Lock)} <span>"Keys are sealed with master key " <code>{id}</code> ", which is kept outside of the database."</span></p>
        }.into_any())}
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
