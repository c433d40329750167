//! The card of one endpoint: where it is, what it listens to, how it fares, and the quiet actions on it. What a test found
//! stays on the card until the next one.

use crate::api::ApiError;
use crate::api::webhooks::{self as api, Endpoint, TestResult};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::fresh_id;
use crate::components::icons::Icon;
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::logic::number::counted;
use crate::logic::{outcome, webhook_words};
use crate::pages::webhooks::PageContext;
use crate::pages::webhooks::form::FormDialog;
use crate::pages::webhooks::log::Log;
use crate::pages::webhooks::secret::SecretDialog;
use leptos::prelude::*;

/// What the parts of a card share.
#[derive(Clone, Copy)]
pub(super) struct CardContext {
    pub(super) page: PageContext,
    pub(super) id: StoredValue<String>,
    endpoint: Memo<Option<Endpoint>>,
    test: RwSignal<Option<TestResult>>,
    failure: RwSignal<Option<ApiError>>,
    is_testing: RwSignal<bool>,
    is_switching: RwSignal<bool>,
    is_editing: RwSignal<bool>,
    is_renewing: RwSignal<bool>,
    is_deleting: RwSignal<bool>,
    is_log_open: RwSignal<bool>,
    /// Moves when there may be something new in the log.
    pub(super) log_turn: RwSignal<u32>,
}

impl CardContext {
    fn test(self) {
        let (slug, id) = (self.page.agency.slug.get_untracked(), self.id.get_value());
        self.is_testing.set(true);
        self.failure.set(None);
        self.test.set(None);
        spawn(async move {
            let answer = api::test(&slug, id).await;
            if self.is_testing.try_set(false).is_some() {
                return; // The card is gone.
            }
            match answer {
                Ok(result) => {
                    self.page.notices.speak(webhook_words::test_title(&result));
                    self.test.set(Some(result));
                    self.log_turn.update(|turn| *turn = turn.wrapping_add(1));
                }
                Err(error) => self.failure.set(Some(error)),
            }
        });
    }

    fn switch(self, is_enabled: bool) {
        let (slug, id) = (self.page.agency.slug.get_untracked(), self.id.get_value());
        self.is_switching.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = api::switch(&slug, id, is_enabled).await;
            if self.is_switching.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    let text = if is_enabled {
                        "Switched on. Events from now on are sent."
                    } else {
                        "Switched off. Nothing is sent until it is switched on."
                    };
                    self.page.notices.toast(text.to_owned());
                    self.page.endpoints.reload();
                }
                Err(error) => self.failure.set(Some(error)),
            }
        });
    }
}

/// The card.
#[component]
pub(super) fn EndpointCard(page: PageContext, id: String) -> impl IntoView {
    let wanted = id.clone();
    let endpoint = Memo::new(move |_| {
        page.endpoints.data.with(|endpoints| {
            let mut endpoints = endpoints.iter().flatten();
            endpoints.find(|endpoint| endpoint.id == wanted).cloned()
        })
    });
    let card = CardContext {
        page,
        id: StoredValue::new(id),
        endpoint,
        test: RwSignal::new(None),
        failure: RwSignal::new(None),
        is_testing: RwSignal::new(false),
        is_switching: RwSignal::new(false),
        is_editing: RwSignal::new(false),
        is_renewing: RwSignal::new(false),
        is_deleting: RwSignal::new(false),
        is_log_open: RwSignal::new(false),
        log_turn: RwSignal::new(0),
    };
    let heading_id = fresh_id("endpoint");
    let labelled_by = heading_id.clone();
    view! {
        <section class="card endpoint" aria-labelledby=labelled_by>
            {dynamic(move || match endpoint.get() {
                Some(endpoint) => facts(&endpoint, heading_id.clone()),
                None => ().into_any(),
            })}
            {dynamic(move || match card.test.get() {
                Some(result) => test_notice(&result),
                None => ().into_any(),
            })}
            {dynamic(move || match card.failure.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                }
                None => ().into_any(),
            })}
            {actions(card)}
            {dynamic(move || if card.is_log_open.get() { view! { <Log card=card /> }.into_any() } else { ().into_any() })}
            <FormDialog page=page endpoint=endpoint is_open=card.is_editing />
            <SecretDialog card=card is_open=card.is_renewing />
            {delete_dialog(card)}
        </section>
    }
    .into_any()
}

fn facts(endpoint: &Endpoint, heading_id: String) -> AnyView {
    let state = match (endpoint.is_enabled, &endpoint.disabled_at) {
        (true, _) => badge(Tone::Good, Icon::Good, "On"),
        (false, Some(_)) => badge(Tone::Bad, Icon::Bad, "Switched off by failures"),
        (false, None) => badge(Tone::Neutral, Icon::Dashed, "Off"),
    };
    let name = if endpoint.description.is_empty() {
        webhook_words::host(&endpoint.url)
    } else {
        endpoint.description.clone()
    };
    let off = endpoint.disabled_at.as_deref().map(|at| {
        view! {
            <p class="quiet">"Switched off " {relative_time(at)} ". Send a test; when that arrives, switch it on again."</p>
        }
        .into_any()
    });
    let failures = (endpoint.is_enabled && endpoint.failures_in_a_row > 0).then(|| {
        let count = counted(
            endpoint.failures_in_a_row,
            "delivery has failed",
            "deliveries in a row have failed",
        );
        view! { <p class="quiet">{format!("The last {count}. Five in a row switch it off.")}</p> }
            .into_any()
    });
    let events = endpoint
        .events
        .iter()
        .map(|event| view! { <li><code>{webhook_words::event_name(*event)}</code></li> }.into_any())
        .collect::<Vec<_>>();
    view! {
        <div class="card-head"><h2 id=heading_id>{name}</h2> {state}</div>
        <p class="endpoint-url"><code>{endpoint.url.clone()}</code></p>
        <ul class="endpoint-events" aria-label="Listens to">{events}</ul>
        {off}
        {failures}
    }
    .into_any()
}

fn test_notice(result: &TestResult) -> AnyView {
    let (tone, symbol) = if result.failure.is_none() {
        (Tone::Good, Icon::Good)
    } else {
        (Tone::Bad, Icon::Bad)
    };
    view! {
        <Notice tone=tone symbol=symbol title=webhook_words::test_title(result) text=webhook_words::test_text(result) />
    }
    .into_any()
}

fn actions(card: CardContext) -> AnyView {
    let is_on = Memo::new(move |_| {
        card.endpoint.with(|endpoint| {
            endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoint.is_enabled)
        })
    });
    let switch_label = move || {
        if is_on.get() {
            "Switch off"
        } else {
            "Switch on"
        }
    };
    let log_label = move || {
        if card.is_log_open.get() {
            "Hide log"
        } else {
            "Show log"
        }
    };
    view! {
        <div class="card-actions">
            <Button kind=ButtonKind::Quiet is_busy=card.is_testing on_press=move |()| card.test()>"Send a test"</Button>
            <Button kind=ButtonKind::Quiet on_press=move |()| card.is_log_open.update(|is_open| *is_open = !*is_open)>{log_label}</Button>
            <Button kind=ButtonKind::Quiet on_press=move |()| card.is_editing.set(true)>"Edit"</Button>
            <Button kind=ButtonKind::Quiet on_press=move |()| card.is_renewing.set(true)>"New secret"</Button>
            <Button kind=ButtonKind::Quiet is_busy=card.is_switching on_press=move |()| card.switch(!is_on.get_untracked())>{switch_label}</Button>
            <Button kind=ButtonKind::Quiet on_press=move |()| card.is_deleting.set(true)>"Delete"</Button>
        </div>
    }
    .into_any()
}

fn delete_dialog(card: CardContext) -> AnyView {
    let is_busy = RwSignal::new(false);
    let is_open = card.is_deleting;
    let failure = RwSignal::new(None::<ApiError>);
    let delete = move |()| {
        let (slug, id) = (card.page.agency.slug.get_untracked(), card.id.get_value());
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::delete(&slug, id).await;
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    is_open.set(false);
                    let text = "Deleted. Nothing is sent there any more.";
                    card.page.notices.toast(text.to_owned());
                    card.page.endpoints.reload();
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    let host = move || {
        card.endpoint.with_untracked(|endpoint| {
            endpoint
                .as_ref()
                .map(|endpoint| webhook_words::host(&endpoint.url))
                .unwrap_or_default()
        })
    };
    view! {
        <Dialog is_open=is_open title="Delete the endpoint" is_busy=is_busy>
            <div class="dialog-body">
                <p class="consequence">{format!("{} is not told of anything any more. What waits to be sent there is not sent, and its log is deleted.", host())}</p>
                {dynamic(move || match failure.get() {
                    Some(error) => {
                        let words = outcome::other(&error);
                        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                    }
                    None => ().into_any(),
                })}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger is_busy=is_busy on_press=delete>"Delete endpoint"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
