//! The card of one provider in one place: not connected with the field for its key, connected with what the key can do, or coming later.
//! It keeps the dialogs and the live sync, so that a reload of the page's data disturbs neither.

use crate::api::ApiError;
use crate::api::enums::{Capability, KeyHealth, Provider};
use crate::api::provider_keys::{self as api, ProviderInfo, ProviderKey, Saved};
use crate::api::sync_runs::{self, SyncRun};
use crate::components::badge::{Tone, badge, health_badge};
use crate::components::icons::Icon;
use crate::components::notices::{Notices, use_notices};
use crate::erased::{effect, spawn};
use crate::logic::outcome::{self, KeyContext, Words};
use crate::pages::api_keys::bring_back::bring_back;
use crate::pages::api_keys::clear_dialog::ClearDialog;
use crate::pages::api_keys::connected::connected;
use crate::pages::api_keys::hand_in::hand_in;
use crate::pages::api_keys::replace_dialog::ReplaceDialog;
use crate::pages::api_keys::save_form::SaveForm;
use crate::pages::api_keys::versions_dialog::VersionsDialog;
use crate::pages::api_keys::{ClientScope, PageContext, client_card};
use crate::pages::sync_strip::live_run;
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;

/// The dialogs of one card.
#[derive(Clone, Copy)]
struct Dialogs {
    replacing: RwSignal<bool>,
    clearing: RwSignal<bool>,
    versions: RwSignal<bool>,
}

/// What the parts of one card share.
#[derive(Clone, Copy)]
pub(super) struct CardContext {
    /// The page.
    pub(super) page: PageContext,
    /// The agency that the key belongs to.
    pub(super) agency: AgencyContext,
    /// Name, places and texts of the provider.
    pub(super) info: StoredValue<ProviderInfo>,
    /// The key that is stored.
    pub(super) stored: Memo<Option<ProviderKey>>,
    /// The latest sync, live.
    pub(super) run: RwSignal<Option<SyncRun>>,
    /// Which of its dialogs are open.
    dialogs: StoredValue<Dialogs>,
    /// Once the key is saved, its client's agents are made in its account (R5).
    pub(super) places_agents: RwSignal<bool>,
    /// A sample key on its way into the field.
    pub(super) prefill: RwSignal<Option<String>>,
    /// A test is under way.
    pub(super) is_testing: RwSignal<bool>,
    /// A sync is being asked for.
    pub(super) is_starting_sync: RwSignal<bool>,
    /// The action on the card that failed last, in words.
    pub(super) failure: RwSignal<Option<(ApiError, Words)>>,
    /// A first key that somebody else saved meanwhile (K12): what the server said, and what was typed, on its way into the
    /// replace dialog.
    pub(super) overtaken: RwSignal<Option<(ApiError, String)>>,
    notices: StoredValue<Notices>,
    heading: NodeRef<html::H2>,
}

impl CardContext {
    /// The provider of the card.
    pub(super) fn provider(self) -> Provider {
        self.info.with_value(|info| info.provider)
    }

    /// Its name.
    pub(super) fn name(self) -> String {
        self.info.with_value(|info| info.name.clone())
    }

    /// The replace dialog.
    pub(super) fn is_replacing(self) -> RwSignal<bool> {
        self.dialogs.with_value(|dialogs| dialogs.replacing)
    }

    /// The clear dialog.
    pub(super) fn is_clearing(self) -> RwSignal<bool> {
        self.dialogs.with_value(|dialogs| dialogs.clearing)
    }

    /// The dialog with the versions.
    pub(super) fn is_showing_versions(self) -> RwSignal<bool> {
        self.dialogs.with_value(|dialogs| dialogs.versions)
    }

    /// Shows a toast; nothing when the page was left meanwhile.
    pub(super) fn toast(self, text: String) {
        if let Some(notices) = self.notices.try_get_value() {
            notices.toast(text);
        }
    }

    /// The client whose own key it is; `None`: the agency's.
    pub(super) fn client(self) -> Option<ClientScope> {
        self.page.client.get_value()
    }

    /// That client's id.
    pub(super) fn client_id(self) -> Option<String> {
        self.client().map(|client| client.id)
    }

    /// What is typed to confirm that something stops: the client's name, else the provider's.
    pub(super) fn subject(self) -> String {
        self.client()
            .map_or_else(|| self.name(), |client| client.name)
    }

    /// The version that the page shows.
    pub(super) fn version(self) -> Option<i64> {
        self.stored
            .with_untracked(|key| key.as_ref().map(|key| key.version))
    }

    /// The mask of the stored key, for those who may see it.
    pub(super) fn mask(self) -> Option<String> {
        self.stored
            .with_untracked(|key| key.as_ref().and_then(|key| key.masked_key.clone()))
    }

    /// Words for an error on this card's key.
    pub(super) fn words(
        self,
        error: &ApiError,
        choose: fn(&ApiError, KeyContext<'_>) -> Words,
    ) -> Words {
        let mask = self.mask();
        self.info.with_value(|info| {
            choose(
                error,
                KeyContext {
                    provider: &info.name,
                    key_location: &info.key_location,
                    stored: mask.as_deref(),
                },
            )
        })
    }

    /// After a save: says so, shows the card anew and puts the focus on it (checklist 16).
    pub(super) fn saved(self, saved: Saved) {
        self.is_replacing().set(false);
        self.is_showing_versions().set(false);
        self.changed(outcome::saved(
            saved.health,
            &self.name(),
            saved.has_sync_run,
        ));
    }

    /// Says what has happened to the key, shows the card anew and puts the focus on it.
    pub(super) fn changed(self, text: String) {
        self.toast(text);
        self.failure.set(None);
        self.page.keys.reload();
        // In the next frame: a dialog that closes gives the focus back first, to a button that may go away.
        request_animation_frame(move || {
            if let Some(heading) = self.heading.try_get_untracked().flatten() {
                // The heading takes the focus because of its tabindex.
                let _ = heading.focus();
            }
        });
    }

    /// Validates the stored key again (K15).
    pub(super) fn test(self) {
        let Some(id) = self
            .stored
            .with_untracked(|key| key.as_ref().and_then(|key| key.id.clone()))
        else {
            return;
        };
        let (slug, name) = (self.agency.slug.get_untracked(), self.name());
        self.is_testing.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = api::test(&slug, id).await;
            if self.is_testing.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(health) => self.toast(tested(&name, health)),
                Err(error) => {
                    let words = self.words(&error, outcome::test_failed);
                    self.failure.set(Some((error, words)));
                }
            }
            self.page.keys.reload();
        });
    }

    /// Starts a sync, or joins the one that runs (S6).
    pub(super) fn start_sync(self) {
        let (slug, name, provider) = (
            self.agency.slug.get_untracked(),
            self.name(),
            self.provider(),
        );
        let client_id = self.client_id();
        self.is_starting_sync.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = sync_runs::start(&slug, provider, client_id).await;
            if self.is_starting_sync.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(true) => self.toast(format!(
                    "A {name} sync is running already. You are watching it."
                )),
                Ok(false) => {}
                Err(error) => {
                    let words = outcome::other(&error);
                    self.failure.set(Some((error, words)));
                }
            }
            self.page.keys.reload();
        });
    }
}

fn tested(name: &str, health: KeyHealth) -> String {
    match health {
        KeyHealth::Valid => format!("{name} key tested: it works."),
        KeyHealth::Limited => format!("{name} key tested: it works, with limits."),
        KeyHealth::NoFunds => format!("{name} key tested: the account has no funds."),
        KeyHealth::Invalid => format!("{name} key tested: {name} rejects it."),
        KeyHealth::RateLimited => format!("{name} key tested: {name} is limiting requests."),
        KeyHealth::Unreachable => format!("{name} key tested: {name} did not answer."),
        KeyHealth::Unknown => format!("{name} key tested."),
    }
}

/// The card of a provider whose keys can be saved.
#[component]
pub(super) fn ProviderCard(info: ProviderInfo) -> impl IntoView {
    let page: PageContext = expect_context();
    let provider = info.provider;
    let name = info.name.clone();
    let stored = Memo::new(move |_| {
        page.keys.data.with(|data| {
            data.as_ref().and_then(|data| {
                data.provider_keys
                    .nodes
                    .iter()
                    .find(|key| key.provider == provider)
                    .cloned()
            })
        })
    });
    let loaded_run = Memo::new(move |_| {
        stored.with(|key| {
            key.as_ref()
                .and_then(|key| key.latest_sync_run.clone())
                .map(SyncRun::from)
        })
    });
    let run = live_run(loaded_run, Callback::new(move |()| page.keys.reload()));
    let card = CardContext {
        page,
        agency: use_agency(),
        info: StoredValue::new(info),
        stored,
        run,
        dialogs: StoredValue::new(Dialogs {
            replacing: RwSignal::new(false),
            clearing: RwSignal::new(false),
            versions: RwSignal::new(false),
        }),
        places_agents: RwSignal::new(false),
        prefill: RwSignal::new(None),
        is_testing: RwSignal::new(false),
        is_starting_sync: RwSignal::new(false),
        failure: RwSignal::new(None),
        overtaken: RwSignal::new(None),
        notices: StoredValue::new(use_notices()),
        heading: NodeRef::new(),
    };
    let is_connected = Memo::new(move |_| stored.with(Option::is_some));
    effect(move || {
        let Some((_, key)) = page.sample.get().filter(|(whose, _)| *whose == provider) else {
            return;
        };
        page.sample.set(None);
        // Only the agency's card has a field of its own, for its first key; all others have theirs in the dialog.
        if is_connected.get_untracked() || page.client.with_value(Option::is_some) {
            card.is_replacing().set(true);
        }
        card.prefill.set(Some(key));
    });
    // The card has turned into one with a key, and its form is gone: the person goes on in the replace dialog, with the notice
    // and what was typed (K12: nothing is lost).
    effect(move || {
        if is_connected.get()
            && let Some((error, typed)) = card.overtaken.get()
        {
            card.overtaken.set(None);
            let words = card.words(&error, outcome::save_failed);
            card.failure.set(Some((error, words)));
            card.is_replacing().set(true);
            card.prefill.set(Some(typed));
        }
    });
    let state_badge = move || {
        stored.with(|key| match key {
            Some(key) => health_badge(key.health, key.is_readable),
            None if card.page.client.with_value(Option::is_some) => {
                client_card::badge_without_key(card)
            }
            None => badge(Tone::Neutral, Icon::Dashed, "Not connected"),
        })
    };
    view! {
        <section class="card provider" aria-label=name.clone()>
            {card_head(&name, card.heading, state_badge)}
            {hand_in(card)}
            {move || if is_connected.get() { connected(card) } else { not_connected(card) }}
        </section>
        <ReplaceDialog card=card />
        <ClearDialog card=card />
        <VersionsDialog card=card />
    }
    .into_any()
}

/// Monogram and name of a provider, with its state at the right.
pub(crate) fn card_head(
    name: &str,
    heading: NodeRef<html::H2>,
    state: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    view! {
        <div class="card-head">
            {monogram(name)}
            <h2 tabindex="-1" node_ref=heading>{name.to_owned()}</h2>
            <span class="card-state">{state}</span>
        </div>
    }
    .into_any()
}

/// The first letter of a provider in a square.
fn monogram(name: &str) -> AnyView {
    let letter = name.chars().next().unwrap_or('?').to_string();
    view! { <span class="monogram" aria-hidden="true">{letter}</span> }.into_any()
}

fn not_connected(card: CardContext) -> AnyView {
    if card.page.client.with_value(Option::is_some) {
        return client_card::without_key(card);
    }
    let powers = card.info.with_value(|info| info.powers.clone());
    let form = move || {
        if card.page.may_manage.get() {
            view! { <SaveForm card=card /> }.into_any()
        } else {
            let name = card.name();
            view! { <p class="reason">{format!("Only owners and admins can connect {name}.")}</p> }
                .into_any()
        }
    };
    view! {
        <p class="card-lead">{powers}</p>
        {form}
        {bring_back(card)}
    }
    .into_any()
}

/// The card of a provider that comes with a later release: what it will power, and no control that does nothing.
pub(super) fn coming_card(info: ProviderInfo) -> AnyView {
    let name = info.name.clone();
    view! {
        <section class="card provider coming" aria-label=name.clone()>
            {card_head(&name, NodeRef::new(), || badge(Tone::Neutral, Icon::Clock, "Coming"))}
            <p class="card-lead">{info.powers}</p>
            <p class="quiet">{format!("Its key can be saved in a later release. Until then Ringfence does not talk to {name}.")}</p>
        </section>
    }
    .into_any()
}

/// What a capability lets Ringfence do, as a verb and a noun.
pub(super) fn capability_name(capability: Capability) -> &'static str {
    match capability {
        Capability::ListAgents => "list agents",
        Capability::ListNumbers => "list numbers",
        Capability::ReadCalls => "read calls",
        Capability::PlaceCalls => "place calls",
        Capability::Unknown => "something newer than this page",
    }
}
