//! Clearing a key (K8): what stops comes first, read at the moment of asking; numbers that the provider goes on answering are
//! offered to be detached; where anything would stop, the provider's name is typed. The focus starts on Cancel, and an
//! error stays inside the open dialog.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, Provider};
use crate::api::provider_keys::{
    self as api, AnsweringNumber, ClearPreview, ClearProviderKeyInput, KeyImpact,
};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::skeleton::skeleton_lines;
use crate::erased::{effect, spawn};
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::{clear_impact, outcome, phone};
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::client_card::agency_key;
use crate::pages::api_keys::preview::confirmation;
use leptos::prelude::*;

/// The dialog.
#[component]
pub(super) fn ClearDialog(card: CardContext) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let name = card.name();
    let title = match card.client() {
        Some(client) => format!("Clear {}'s {name} key", client.name),
        None => format!("Clear the {name} key"),
    };
    let is_open = card.is_clearing();
    view! {
        <Dialog is_open=is_open title=title is_busy=is_busy>
            <ClearForm card=card is_busy=is_busy />
        </Dialog>
    }
    .into_any()
}

/// What the form's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Form {
    card: StoredValue<CardContext>,
    preview: Loader<Option<ClearPreview>>,
    is_busy: RwSignal<bool>,
    detaches: RwSignal<bool>,
    destroys: RwSignal<bool>,
    typed: RwSignal<String>,
    failure: RwSignal<Option<ApiError>>,
}

impl Form {
    fn card(self) -> CardContext {
        self.card.get_value()
    }

    fn name(self) -> String {
        self.card().name()
    }

    fn impact(self) -> Option<KeyImpact> {
        self.preview.data.with(|preview| {
            preview
                .as_ref()
                .and_then(|preview| preview.as_ref().map(|preview| preview.impact.clone()))
        })
    }

    /// True when the name must be typed: something would stop.
    fn must_type(self) -> bool {
        self.impact()
            .is_some_and(|impact| clear_impact::stops_anything(&impact))
    }

    fn is_confirmed(self) -> bool {
        !self.must_type()
            || self
                .typed
                .with(|typed| typed.trim() == self.card().subject())
    }

    fn can_clear(self) -> bool {
        self.impact().is_some() && self.is_confirmed() && !self.preview.is_loading.get()
    }

    fn clear(self, despite_failed_detach: bool) {
        let Some(preview) = self.preview.data.get_untracked().flatten() else {
            return;
        };
        if self.is_busy.get_untracked() || !untrack(|| self.can_clear()) {
            return;
        }
        let shown_answering = preview.impact.answering_number_count;
        let input = ClearProviderKeyInput {
            provider_key_id: preview.provider_key_id,
            expected_version: preview.version,
            detach_numbers: self.detaches.get_untracked() && shown_answering > 0,
            acknowledgement: preview.impact.acknowledgement,
            clear_despite_failed_detach: despite_failed_detach,
            destroy_now: self.destroys.get_untracked(),
        };
        let (card, name) = (self.card(), self.name());
        let slug = card.agency.slug.get_untracked();
        self.is_busy.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = api::clear(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(cleared) => {
                    card.is_clearing().set(false);
                    card.toast(outcome::cleared(
                        &name,
                        shown_answering,
                        cleared.detached_number_count,
                        cleared.still_answering.len(),
                    ));
                    card.failure.set(None);
                    card.page.keys.reload();
                }
                Err(error) => {
                    if outcome::changes_impact(&error) {
                        // A failed detach only takes numbers off the list; `watch_impact` looks for anything else.
                        if !error.is(ErrorCode::DetachFailed) {
                            self.typed.set(String::new());
                        }
                        self.preview.reload();
                        card.page.keys.reload();
                    }
                    self.failure.set(Some(error));
                }
            }
        });
    }
}

#[component]
fn ClearForm(card: CardContext, is_busy: RwSignal<bool>) -> impl IntoView {
    let provider: Provider = card.provider();
    let slug = card.agency.slug;
    let client_id = StoredValue::new(card.client_id());
    let form = Form {
        card: StoredValue::new(card),
        preview: Loader::new(move || {
            let (slug, client_id) = (slug.get(), client_id.try_get_value().flatten());
            async move { api::clear_preview(&slug, provider, client_id).await }
        }),
        is_busy,
        // The agency's key may open the same account, whose numbers then serve others; there the person decides.
        detaches: RwSignal::new(card.client().is_none()),
        destroys: RwSignal::new(false),
        typed: RwSignal::new(String::new()),
        failure: RwSignal::new(None),
    };
    let is_open = card.is_clearing();
    let impact = Memo::new(move |_| form.impact());
    watch_impact(form, impact);
    let has_no_key = move || {
        form.preview
            .data
            .with(|preview| matches!(preview, Some(None)))
    };
    let body = move || {
        match impact.get() {
        Some(impact) => impact_view(form, impact),
        None if has_no_key() => view! { <p>{format!("There is no {} key any more; someone else cleared it.", form.name())}</p> }.into_any(),
        None if form.preview.error.with(Option::is_some) => ().into_any(),
        None => skeleton_lines(3),
    }
    };
    view! {
        <form
            on:submit=move |event| {
                event.prevent_default();
                form.clear(false);
            }
        >
            <div class="dialog-body">
                {move || form.preview.error.get().map(|error| {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| form.preview.reload() /> }.into_any()
                })}
                {body}
                {move || form.failure.get().map(|error| failure_view(form, error))}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger is_submit=true is_busy=is_busy is_disabled=Signal::derive(move || !form.can_clear())>"Clear key"</Button>
            </div>
        </form>
    }
    .into_any()
}

/// Asks for the name again when more stops than the person has agreed to.
fn watch_impact(form: Form, impact: Memo<Option<KeyImpact>>) {
    let before = StoredValue::new(None::<KeyImpact>);
    effect(move || {
        let Some(now) = impact.get() else { return };
        let is_more = before.with_value(|before| {
            before
                .as_ref()
                .is_some_and(|before| !clear_impact::is_covered_by(&now, before))
        });
        if is_more {
            form.typed.set(String::new());
        }
        before.set_value(Some(now));
    });
}

fn failure_view(form: Form, error: ApiError) -> AnyView {
    let words = form.card().words(&error, outcome::clear_failed);
    if error.is(ErrorCode::DetachFailed) {
        view! {
            <ErrorNotice error=error words=words takes_focus=true>
                <Button
                    kind=ButtonKind::Danger
                    is_disabled=Signal::derive(move || form.is_busy.get() || !form.can_clear())
                    on_press=move |()| form.clear(true)
                >
                    "Clear anyway"
                </Button>
            </ErrorNotice>
        }
        .into_any()
    } else {
        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
    }
}

fn impact_view(form: Form, impact: KeyImpact) -> AnyView {
    let card = form.card();
    let agency_mask = agency_key(card).and_then(|key| key.masked_key);
    let consequence = clear_impact::consequence(
        &impact,
        &form.name(),
        card.client().is_some(),
        agency_mask.as_deref(),
    );
    view! {
        <p class="consequence">{consequence}</p>
        {agent_list(form, &impact)}
        {client_list(card, &impact)}
        {answering(form, &impact)}
        {destroy_now(form)}
        {clear_impact::stops_anything(&impact).then(|| confirmation(card.subject(), form.typed))}
    }
    .into_any()
}

/// Whose agents stop; of a client's own key it is that client alone.
fn client_list(card: CardContext, impact: &KeyImpact) -> AnyView {
    if card.client().is_some() || impact.clients.is_empty() {
        return ().into_any();
    }
    let names: Vec<&str> = impact
        .clients
        .iter()
        .map(|client| client.name.as_str())
        .collect();
    let rest = impact.client_count - i64::try_from(names.len()).unwrap_or_default();
    let more = match rest {
        ..=0 => String::new(),
        rest => format!(" and {} more", crate::logic::number::grouped(rest)),
    };
    view! { <p>{format!("Agents of {} among them: {}{more}.", counted(impact.client_count, "client", "clients"), names.join(", "))}</p> }
        .into_any()
}

fn destroy_now(form: Form) -> AnyView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=form.destroys
                disabled=form.is_busy
                on:change=move |event| form.destroys.set(event_target_checked(&event))
            />
            <span>"Destroy now, without the 24 hours in which it can be brought back"</span>
        </label>
    }
    .into_any()
}

fn agent_list(form: Form, impact: &KeyImpact) -> AnyView {
    if impact.agents.is_empty() {
        return ().into_any();
    }
    let path = form.card().agency.path("/agents");
    let rest = impact.agent_count - i64::try_from(impact.agents.len()).unwrap_or_default();
    let links = impact
        .agents
        .iter()
        .map(|agent| {
            view! { <li><a href=format!("{path}?agent={}", agent.id)>{agent.name.clone()}</a></li> }
                .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <ul class="stops">
            {links}
            {(rest > 0).then(|| view! { <li><a href=path.clone()>{format!("and {} more", crate::logic::number::grouped(rest))}</a></li> }.into_any())}
        </ul>
    }
    .into_any()
}

fn answering(form: Form, impact: &KeyImpact) -> AnyView {
    if impact.answering_number_count == 0 {
        return ().into_any();
    }
    let name = form.name();
    let numbers = counted(impact.answering_number_count, "number is", "numbers are");
    let rest = impact.answering_number_count
        - i64::try_from(impact.answering_numbers.len()).unwrap_or_default();
    let rows = impact
        .answering_numbers
        .iter()
        .map(answering_row)
        .collect::<Vec<_>>();
    view! {
        <div class="answering">
            <p class="answering-title">{format!("{numbers} still answering at {name}")}</p>
            <p>{format!("{name} answers them by itself, key or not. Callers go on reaching the agent there, and the {name} account goes on paying.")}</p>
            <ul class="answering-numbers">
                {rows}
                {(rest > 0).then(|| view! { <li class="quiet">{format!("and {} more", crate::logic::number::grouped(rest))}</li> }.into_any())}
            </ul>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=form.detaches
                    disabled=form.is_busy
                    on:change=move |event| form.detaches.set(event_target_checked(&event))
                />
                <span>"Detach these numbers first, while the key still works"</span>
            </label>
        </div>
    }
    .into_any()
}

fn answering_row(number: &AnsweringNumber) -> AnyView {
    let text = number
        .number
        .as_deref()
        .map(phone::formatted)
        .or_else(|| number.sip_uri.clone())
        .or_else(|| number.name.clone());
    let agent = number.agent.as_ref().map(|agent| {
        view! { <span class="quiet">{format!("{} answers", agent.name)}</span> }.into_any()
    });
    view! { <li><span class="figures">{text}</span> {agent}</li> }.into_any()
}
