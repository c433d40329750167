//! The page where a client's people hand in keys of the client's own accounts (P4): one card per provider with how it stands,
//! and a field that only writes. A typed key leaves the field in the one mutation, and the field is emptied in that moment,
//! whatever the answer is; nothing of any key is ever shown here (P3).

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, IntegrationState, Provider};
use crate::api::portal::{self as api, HandInProviderKeyInput, Integration};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::field::focus;
use crate::components::icons::Icon;
use crate::components::key_field::{KeyField, take};
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_cards;
use crate::erased::{dynamic, effect, spawn};
use crate::loader::Loader;
use crate::logic::outcome;
use crate::logic::portal_words::{self, HandInContext};
use crate::pages::api_keys::{card_head, testing};
use crate::pages::portal::follow_permissions;
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;

/// While a key waits, the page looks this often whether it was accepted.
const INTERVAL: Duration = Duration::from_secs(15);

/// What does not change about a provider.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    provider: Provider,
    name: String,
    key_location: String,
}

/// The page at `settings/api-keys`, for a client's person.
#[component]
pub(super) fn PortalKeysPage() -> impl IntoView {
    let agency = use_agency();
    let integrations = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::integrations(&slug).await }
    });
    follow_permissions(integrations.error);
    look_while_waiting(integrations);
    let places = Memo::new(move |_| {
        integrations.data.with(|all| {
            all.as_ref().map(|all| {
                let place = |one: &Integration| Place {
                    provider: one.provider,
                    name: one.name.clone(),
                    key_location: one.key_location.clone(),
                };
                all.iter().map(place).collect::<Vec<_>>()
            })
        })
    });
    let is_open = Memo::new(move |_| {
        integrations.data.with(|all| {
            all.as_ref()
                .is_none_or(|all| all.iter().all(|one| one.is_hand_in_open))
        })
    });
    view! {
        <div class="page narrow">
            <PageHead
                title="API keys"
                sentence="Connect accounts of your own. A key that you hand in is sealed at once, and nobody can read it here again, not even you."
            />
            {move || integrations.error.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| integrations.reload() /> }.into_any()
            })}
            {move || (!is_open.get()).then(|| hand_ins_are_off(&agency.name()))}
            {dynamic(move || match places.get() {
                None if integrations.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(3),
                Some(places) => {
                    let cards = places.into_iter().map(|place| view! { <HandInCard place=place agency=agency integrations=integrations /> }.into_any());
                    view! { <div class="cards">{cards.collect::<Vec<_>>()}</div> }.into_any()
                }
            })}
        </div>
    }
    .into_any()
}

fn hand_ins_are_off(agency: &str) -> AnyView {
    let text = format!(
        "What is connected stays connected. Ask {agency} to connect your account, or to take keys here again."
    );
    view! { <Notice tone=Tone::Info symbol=Icon::Lock title=format!("{agency} takes no keys here at the moment") text=text /> }
        .into_any()
}

fn look_while_waiting(integrations: Loader<Vec<Integration>>) {
    let look = move || {
        let waits = integrations.data.with_untracked(|all| {
            let mut all = all.iter().flatten();
            all.any(|one| one.state == IntegrationState::Waiting)
        });
        if waits && !document().hidden() {
            integrations.reload();
        }
    };
    if let Ok(handle) = set_interval_with_handle(look, INTERVAL) {
        on_cleanup(move || handle.clear());
    }
}

/// What the parts of one card share.
#[derive(Clone, Copy)]
struct CardContext {
    agency: AgencyContext,
    place: StoredValue<Place>,
    integrations: Loader<Vec<Integration>>,
    state: Memo<IntegrationState>,
    /// The person wants to hand in another key.
    is_asked: RwSignal<bool>,
    /// How the provider stood before and after the last hand-in.
    handed_in: RwSignal<Option<(IntegrationState, IntegrationState)>>,
    failure: RwSignal<Option<ApiError>>,
    heading: NodeRef<html::H2>,
}

impl CardContext {
    /// Texts about this card's provider.
    fn words<T>(self, choose: impl FnOnce(HandInContext<'_>) -> T) -> T {
        let agency = self.agency.name();
        self.place.with_value(|place| {
            choose(HandInContext {
                agency: &agency,
                provider: &place.name,
                key_location: &place.key_location,
            })
        })
    }

    /// After a hand-in: shows how the provider stands now and puts the focus on the card (checklist 16).
    fn accepted(self, after: IntegrationState) {
        let provider = self.place.with_value(|place| place.provider);
        self.handed_in
            .set(Some((self.state.get_untracked(), after)));
        self.is_asked.set(false);
        // Ends a look that began before the key was handed in, whose answer would undo this.
        self.integrations.reload();
        self.integrations.data.update(|all| {
            let mut all = all.iter_mut().flatten();
            if let Some(one) = all.find(|one| one.provider == provider) {
                one.state = after;
            }
        });
        self.focus_heading();
    }

    fn focus_heading(self) {
        if let Some(heading) = self.heading.get_untracked() {
            // It takes the focus because of its tabindex.
            let _ = heading.focus();
        }
    }
}

#[component]
fn HandInCard(
    place: Place,
    agency: AgencyContext,
    integrations: Loader<Vec<Integration>>,
) -> impl IntoView {
    let (provider, name) = (place.provider, place.name.clone());
    let found = move |all: &Option<Vec<Integration>>| {
        let mut all = all.iter().flatten();
        all.find(|one| one.provider == provider)
            .map_or((IntegrationState::Unknown, false), |one| {
                (one.state, one.is_hand_in_open)
            })
    };
    let state = Memo::new(move |_| integrations.data.with(|all| found(all).0));
    let is_open = Memo::new(move |_| integrations.data.with(|all| found(all).1));
    let card = CardContext {
        agency,
        place: StoredValue::new(place),
        integrations,
        state,
        is_asked: RwSignal::new(false),
        handed_in: RwSignal::new(None),
        failure: RwSignal::new(None),
        heading: NodeRef::new(),
    };
    follow_permissions(card.failure);
    // What was said about a key that waited is over when it was decided.
    effect(move || {
        let state = state.get();
        card.handed_in.update(|handed_in| {
            if handed_in.is_some_and(|(_, after)| after != state) {
                *handed_in = None;
            }
        });
    });
    let has_form = Memo::new(move |_| {
        let is_wanting = matches!(
            state.get(),
            IntegrationState::NotConnected | IntegrationState::NeedsAttention
        );
        let is_fresh = card.handed_in.with(Option::is_none);
        is_open.get() && (card.is_asked.get() || (is_wanting && is_fresh))
    });
    view! {
        <section class="card provider" aria-label=name.clone()>
            {card_head(&name, card.heading, move || state_badge(state.get()))}
            <p class="card-lead">{move || card.words(|context| portal_words::standing(state.get(), context))}</p>
            <div role="status">
                {move || card.handed_in.get().map(|(before, after)| result(card, before, after))}
            </div>
            {dynamic(move || match (has_form.get(), is_open.get()) {
                (true, _) => view! { <HandInForm card=card /> }.into_any(),
                (false, true) => view! {
                    <div class="actions">
                        <Button on_press=move |()| {
                            card.handed_in.set(None);
                            card.is_asked.set(true);
                        }>"Hand in another key"</Button>
                    </div>
                }
                .into_any(),
                (false, false) => ().into_any(),
            })}
        </section>
    }
    .into_any()
}

fn state_badge(state: IntegrationState) -> AnyView {
    let (tone, symbol, word) = match state {
        IntegrationState::NotConnected => (Tone::Neutral, Icon::Dashed, "Not connected"),
        IntegrationState::Connected => (Tone::Good, Icon::Good, "Working"),
        IntegrationState::NeedsAttention => (Tone::Warning, Icon::Warning, "Needs attention"),
        IntegrationState::Waiting => (Tone::Info, Icon::Clock, "Waiting"),
        IntegrationState::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    badge(tone, symbol, word)
}

fn result(card: CardContext, before: IntegrationState, after: IntegrationState) -> AnyView {
    let words = card.words(|context| portal_words::handed_in(before, after, context));
    let (tone, symbol) = match after {
        IntegrationState::Waiting => (Tone::Info, Icon::Clock),
        IntegrationState::NeedsAttention => (Tone::Warning, Icon::Warning),
        _ => (Tone::Good, Icon::Good),
    };
    view! { <Notice tone=tone symbol=symbol title=words.title text=words.text /> }.into_any()
}

/// Takes the key out of the field, and what the field noted about it.
fn empty(input: NodeRef<html::Input>) {
    let Some(input) = input.get_untracked() else {
        return;
    };
    input.set_value("");
    if let Ok(event) = web_sys::Event::new("input") {
        // The field listens to what people type; nobody stops this event.
        let _ = input.dispatch_event(&event);
    }
}

#[component]
fn HandInForm(card: CardContext) -> impl IntoView {
    let input_ref = NodeRef::<html::Input>::new();
    let is_busy = RwSignal::new(false);
    let field_error = RwSignal::new(None::<String>);
    effect(move || {
        if let Some(input) = input_ref.get()
            && card.is_asked.get_untracked()
        {
            // The field takes the focus where somebody has asked for it.
            let _ = input.focus();
        }
    });
    let (provider, name, location) = card.place.with_value(|place| {
        (
            place.provider,
            place.name.clone(),
            place.key_location.clone(),
        )
    });
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        card.failure.set(None);
        let api_key = match take(input_ref) {
            Ok(key) => key,
            Err(problem) => {
                field_error.set(Some(problem.text().to_owned()));
                focus(input_ref);
                return;
            }
        };
        empty(input_ref);
        let input = HandInProviderKeyInput {
            provider,
            api_key,
            region: None,
        };
        let slug = card.agency.slug.get_untracked();
        is_busy.set(true);
        spawn(async move {
            let answer = api::hand_in(&slug, input).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left; it shows how the provider stands when it is opened again.
            }
            match answer {
                Ok(after) => card.accepted(after),
                Err(error) if error.is(ErrorCode::InvalidInput) => {
                    field_error.set(Some(error.message));
                    focus(input_ref);
                }
                Err(error) => {
                    if error.is(ErrorCode::Conflict) {
                        card.integrations.reload();
                    }
                    card.failure.set(Some(error));
                }
            }
        });
    };
    let hint = format!("Find it in {location}. The field is emptied when the key is sent.");
    view! {
        <form class="form save-form" novalidate on:submit=send>
            <KeyField provider_name=name.clone() input_ref=input_ref hint=hint error=field_error />
            <p class="reason">{move || card.words(|context| portal_words::before_hand_in(card.state.get(), context))}</p>
            {move || card.failure.get().map(|error| {
                let words = card.words(|context| portal_words::hand_in_failed(&error, context));
                view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
            })}
            <div class="actions">
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Hand in key"</Button>
                {move || card.is_asked.get().then(|| view! {
                    <Button kind=ButtonKind::Quiet is_disabled=is_busy on_press=move |()| {
                        card.failure.set(None);
                        card.is_asked.set(false);
                        card.focus_heading();
                    }>"Cancel"</Button>
                }.into_any())}
                <div role="status">{move || is_busy.get().then(|| testing(&name))}</div>
            </div>
        </form>
    }
    .into_any()
}
