//! A key that somebody of the client handed in and that waits (P4): a notice on its provider's card, and the dialog in which it
//! is tried and previewed (K9) before it is accepted or declined. Nothing of the key but its mask ever comes here.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, KeyHandInState};
use crate::api::people::{self as api, KeyHandIn};
use crate::api::provider_keys::{self, KeyPreview, PreviewProviderKeyInput};
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::Icon;
use crate::components::time::relative_time;
use crate::erased::{dynamic, effect, spawn};
use crate::frame::alert_count::AlertCount;
use crate::loader::Loader;
use crate::logic::hand_in_words::{self, HandInContext};
use crate::logic::outcome::{self, Words};
use crate::pages::api_keys::HandIns;
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::client_card::locked_reason;
use crate::pages::api_keys::connected::busy_line;
use crate::pages::api_keys::preview::{is_confirmed, preview_view};
use crate::pages::api_keys::replace_dialog::{offers_placing, place_agents};
use crate::pages::api_keys::save_form::may_work_again;
use leptos::html;
use leptos::prelude::*;

/// The notice with its dialog; nothing where no key waits, and nothing on the agency's own cards.
pub(super) fn hand_in(card: CardContext) -> AnyView {
    if card.client().is_none() {
        return ().into_any();
    }
    let provider = card.provider();
    let HandIns(loaded) = expect_context();
    let waiting = Memo::new(move |_| {
        loaded.data.with(|hand_ins| {
            let mut hand_ins = hand_ins.iter().flatten();
            hand_ins
                .find(|it| it.provider == provider && it.state == KeyHandInState::Waiting)
                .cloned()
        })
    });
    let is_open = RwSignal::new(false);
    let is_deciding = RwSignal::new(false);
    // What the dialog is about: it stays when the key does not wait any more.
    let reviewed = RwSignal::new(None::<KeyHandIn>);
    let title = Signal::derive(move || {
        let client = card.client().map_or_else(String::new, |client| client.name);
        format!("A {} key from {client}", card.name())
    });
    let review = Callback::new(move |()| {
        reviewed.set(waiting.get_untracked());
        is_open.set(true);
    });
    view! {
        {dynamic(move || match waiting.get() {
            Some(hand_in) => notice(card, &hand_in, review),
            None => ().into_any(),
        })}
        <Dialog is_open=is_open title=title is_busy=is_deciding>
            {match reviewed.get_untracked() {
                Some(hand_in) => body(Review::new(card, loaded, hand_in, is_open, is_deciding)),
                None => ().into_any(),
            }}
        </Dialog>
    }
    .into_any()
}

fn notice(card: CardContext, hand_in: &KeyHandIn, review: Callback<()>) -> AnyView {
    let handed_in_at = hand_in.handed_in_at.clone();
    let may_decide = card.page.may_manage;
    let action = move || {
        if may_decide.get() {
            view! { <Button kind=ButtonKind::Primary on_press=review>"Review"</Button> }.into_any()
        } else {
            view! { <span>{locked_reason(card)}</span> }.into_any()
        }
    };
    view! {
        <Notice
            tone=Tone::Warning
            symbol=Icon::Key
            title=format!("A {} key waits for your review", card.name())
            text=hand_in_words::waiting(hand_in, Names::of(card).context())
        >
            {dynamic(action)}
            <span class="quiet">"Handed in " {relative_time(&handed_in_at)}</span>
        </Notice>
    }
    .into_any()
}

/// The names that the words need, taken while the page is there.
struct Names {
    client: String,
    provider: String,
    stored: Option<String>,
}

impl Names {
    fn of(card: CardContext) -> Self {
        Self {
            client: card.client().map_or_else(String::new, |client| client.name),
            provider: card.name(),
            stored: card.mask(),
        }
    }

    fn context(&self) -> HandInContext<'_> {
        HandInContext {
            client: &self.client,
            provider: &self.provider,
            stored: self.stored.as_deref(),
        }
    }
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Look,
    Accept,
    Decline,
}

/// What the dialog's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Review {
    card: StoredValue<CardContext>,
    hand_ins: Loader<Vec<KeyHandIn>>,
    hand_in: StoredValue<KeyHandIn>,
    is_open: RwSignal<bool>,
    /// Accepting or declining is under way: the dialog stays until that has ended.
    is_deciding: RwSignal<bool>,
    doing: RwSignal<Option<Doing>>,
    /// What would change, and over which version (K12).
    preview: RwSignal<Option<(KeyPreview, Option<i64>)>>,
    typed: RwSignal<String>,
    places_agents: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// Somebody else has decided: the words for that.
    decided: RwSignal<Option<Words>>,
    alerts: StoredValue<Option<AlertCount>>,
}

impl Review {
    fn new(
        card: CardContext,
        hand_ins: Loader<Vec<KeyHandIn>>,
        hand_in: KeyHandIn,
        is_open: RwSignal<bool>,
        is_deciding: RwSignal<bool>,
    ) -> Self {
        Self {
            card: StoredValue::new(card),
            hand_ins,
            hand_in: StoredValue::new(hand_in),
            is_open,
            is_deciding,
            doing: RwSignal::new(None),
            preview: RwSignal::new(None),
            typed: RwSignal::new(String::new()),
            places_agents: RwSignal::new(true),
            failure: RwSignal::new(None),
            decided: RwSignal::new(None),
            alerts: StoredValue::new(use_context()),
        }
    }

    fn card(self) -> CardContext {
        self.card.get_value()
    }

    fn id(self) -> String {
        self.hand_in.with_value(|hand_in| hand_in.id.clone())
    }

    fn slug(self) -> String {
        self.card().agency.slug.get_untracked()
    }

    fn begin(self, doing: Doing) {
        self.doing.set(Some(doing));
        self.is_deciding.set(doing != Doing::Look);
        self.failure.set(None);
    }

    /// False when the dialog was closed meanwhile: then the answer is nobody's any more.
    fn ended(self) -> bool {
        if self.doing.try_set(None).is_some() {
            return false;
        }
        self.is_deciding.set(false);
        true
    }

    fn may_accept(self) -> bool {
        let typed = self.typed.get();
        self.preview.with(|seen| {
            seen.as_ref()
                .is_some_and(|(preview, _)| is_confirmed(self.card(), preview, &typed))
        })
    }

    fn look(self) {
        let (card, slug) = (self.card(), self.slug());
        let version = card.version();
        let input = PreviewProviderKeyInput {
            provider: card.provider(),
            client_id: card.client_id(),
            api_key: None,
            version: None,
            key_hand_in_id: Some(self.id()),
            region: None,
        };
        self.begin(Doing::Look);
        self.preview.set(None);
        spawn(async move {
            let answer = provider_keys::preview(&slug, input).await;
            if !self.ended() {
                return;
            }
            match answer {
                Ok(preview) => {
                    self.typed.set(String::new());
                    self.preview.set(Some((preview, version)));
                }
                Err(error) => self.failed(error),
            }
        });
    }

    fn accept(self) {
        let Some((preview, version)) = self.preview.get_untracked() else {
            return;
        };
        if self.doing.get_untracked().is_some() || !untrack(|| self.may_accept()) {
            return;
        }
        let (card, slug, id) = (self.card(), self.slug(), self.id());
        let places_agents = offers_placing(card, &preview) && self.places_agents.get_untracked();
        self.begin(Doing::Accept);
        spawn(async move {
            let answer = api::accept(&slug, id, version).await;
            if !self.ended() {
                return;
            }
            match answer {
                Ok(saved) => {
                    card.places_agents.set(places_agents);
                    let text = outcome::saved(saved.health, &card.name(), saved.has_sync_run);
                    self.settled(&format!("Accepted. {text}"));
                }
                Err(error) => self.failed(error),
            }
        });
    }

    fn decline(self) {
        if self.doing.get_untracked().is_some() {
            return;
        }
        let (slug, id) = (self.slug(), self.id());
        self.begin(Doing::Decline);
        spawn(async move {
            let answer = api::decline(&slug, id).await;
            if !self.ended() {
                return;
            }
            match answer {
                Ok(()) => self.settled("Declined. The key is destroyed, and nothing has changed."),
                Err(error) => self.failed(error),
            }
        });
    }

    /// It does not wait any more.
    fn settled(self, text: &str) {
        let card = self.card();
        self.is_open.set(false);
        self.reload();
        card.changed(text.to_owned());
    }

    fn reload(self) {
        self.hand_ins.reload();
        if let Some(alerts) = self.alerts.get_value() {
            alerts.look();
        }
    }

    /// A conflict is either about the key in use or about this hand-in; what stands now says which.
    fn failed(self, error: ApiError) {
        if !error.is(ErrorCode::Conflict) {
            self.failure.set(Some(error));
            return;
        }
        let (card, slug, id) = (self.card(), self.slug(), self.id());
        let client_id = card.client_id().unwrap_or_default();
        let names = Names::of(card);
        self.preview.set(None);
        self.reload();
        card.page.keys.reload();
        spawn(async move {
            let now = api::hand_ins(&slug, client_id).await.unwrap_or_default();
            let words = now
                .iter()
                .find(|hand_in| hand_in.id == id)
                .and_then(|hand_in| hand_in_words::decided(hand_in, names.context()));
            match words {
                Some(words) => self.decided.try_set(Some(words)).is_none(),
                None => self.failure.try_set(Some(error)).is_none(),
            };
        });
    }
}

fn body(review: Review) -> AnyView {
    review.look();
    let name = review.card().name();
    let is_decided = Memo::new(move |_| review.decided.with(Option::is_some));
    view! {
        <form
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                review.accept();
            }
        >
            <div class="dialog-body">
                {review.hand_in.with_value(facts)}
                {dynamic(move || match review.preview.get() {
                    Some((preview, _)) => previewed(review, &preview),
                    None => ().into_any(),
                })}
                {dynamic(move || match review.failure.get() {
                    Some(error) => failure_view(review, error),
                    None => ().into_any(),
                })}
                <div role="status">{move || match (review.doing.get(), review.decided.get()) {
                    (Some(Doing::Look), _) => Some(busy_line(&name, false)),
                    (Some(Doing::Accept), _) => Some(busy_line(&name, true)),
                    (_, Some(words)) => {
                        Some(view! { <Notice tone=Tone::Info symbol=Icon::Info title=words.title text=words.text /> }.into_any())
                    }
                    (Some(Doing::Decline) | None, None) => None,
                }}</div>
            </div>
            {dynamic(move || if is_decided.get() { closing(review) } else { choices(review) })}
        </form>
    }
    .into_any()
}

/// Which key, from whom, since when.
fn facts(hand_in: &KeyHandIn) -> AnyView {
    let who = hand_in
        .handed_in_by
        .as_ref()
        .map(|person| format!("by {} ", person.name));
    view! {
        <p class="candidate">
            <span>"Handed in " {who} {relative_time(&hand_in.handed_in_at)} ": "</span>
            <code class="masked">{hand_in.masked_key.clone()}</code>
        </p>
    }
    .into_any()
}

fn previewed(review: Review, preview: &KeyPreview) -> AnyView {
    let card = review.card();
    let is_busy = Signal::derive(move || review.doing.with(Option::is_some));
    let names = Names::of(card);
    let accepting = hand_in_words::accepting(names.context());
    let declining = hand_in_words::declining(names.context());
    view! {
        {preview_view(card, preview, review.typed)}
        {offers_placing(card, preview).then(|| place_agents(review.places_agents, is_busy, preview.becoming_unreachable.count))}
        <dl class="facts">
            <div><dt>"Accept"</dt><dd>{accepting}</dd></div>
            <div><dt>"Decline"</dt><dd>{declining}</dd></div>
        </dl>
    }
    .into_any()
}

fn failure_view(review: Review, error: ApiError) -> AnyView {
    let words = hand_in_words::failed(&error, Names::of(review.card()).context());
    if may_work_again(&error) || error.is(ErrorCode::Conflict) {
        view! { <ErrorNotice error=error words=words takes_focus=true retry_label="Look again" on_retry=move |()| review.look() /> }.into_any()
    } else {
        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
    }
}

fn choices(review: Review) -> AnyView {
    let is_doing = move |doing: Doing| Signal::derive(move || review.doing.get() == Some(doing));
    let is_looking_or = move |doing: Doing| {
        Signal::derive(move || review.doing.get().is_some_and(|now| now != doing))
    };
    let cannot_accept = Signal::derive(move || !review.may_accept());
    let is_locked =
        Signal::derive(move || matches!(review.doing.get(), Some(Doing::Accept | Doing::Decline)));
    view! {
        <div class="dialog-foot">
            <Button is_disabled=is_locked on_press=move |()| review.is_open.set(false)>"Cancel"</Button>
            <Button is_busy=is_doing(Doing::Decline) is_disabled=is_looking_or(Doing::Decline) on_press=move |()| review.decline()>
                "Decline key"
            </Button>
            <Button kind=ButtonKind::Primary is_submit=true is_busy=is_doing(Doing::Accept) is_disabled=cannot_accept>"Accept key"</Button>
        </div>
    }
    .into_any()
}

fn closing(review: Review) -> AnyView {
    let button = NodeRef::<html::Button>::new();
    effect(move || {
        // The button that was pressed is gone, and its focus with it.
        if let Some(button) = button.get() {
            let _ = button.focus();
        }
    });
    view! {
        <div class="dialog-foot">
            <Button kind=ButtonKind::Primary node_ref=button on_press=move |()| review.is_open.set(false)>"Close"</Button>
        </div>
    }
    .into_any()
}
