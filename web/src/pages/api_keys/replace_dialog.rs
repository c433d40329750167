//! Another key in the place of the one that counts (checklist 26): it is typed, tried, and previewed before anything is saved (K9),
//! and the old one stays until then (checklist 28). The typed key stays in its field, which only the two requests read.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, Region};
use crate::api::provider_keys::{
    self as api, KeyPreview, PreviewProviderKeyInput, SaveProviderKeyInput,
};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::focus;
use crate::components::key_field::{KeyField, is_filled, take};
use crate::erased::{dynamic, effect, spawn};
use crate::logic::number::counted;
use crate::logic::outcome;
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::client_card::agency_key;
use crate::pages::api_keys::connected::busy_line;
use crate::pages::api_keys::preview::{is_confirmed, preview_view};
use crate::pages::api_keys::save_form::{
    inherited_conflict, key_hint, may_work_again, region_choice, stored_region, where_to_find,
};
use leptos::html;
use leptos::prelude::*;

/// The dialog.
#[component]
pub(super) fn ReplaceDialog(card: CardContext) -> impl IntoView {
    let input_ref = NodeRef::<html::Input>::new();
    let is_busy = RwSignal::new(false);
    let title = Signal::derive(move || title(card));
    view! {
        <Dialog
            is_open=card.is_replacing()
            title=title
            is_busy=is_busy
            is_dirty=move |()| is_filled(input_ref)
        >
            {replace_form(card, input_ref, is_busy)}
        </Dialog>
    }
    .into_any()
}

fn title(card: CardContext) -> String {
    let name = card.name();
    match (card.client(), card.stored.with(Option::is_some)) {
        (Some(client), true) => format!("Replace {}'s {name} key", client.name),
        (Some(client), false) => format!("An own {name} key for {}", client.name),
        (None, _) => format!("Replace the {name} key"),
    }
}

/// A preview and the version over which it was asked for (K12).
type Seen = (KeyPreview, Option<i64>);

/// What the form's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Form {
    card: StoredValue<CardContext>,
    input_ref: NodeRef<html::Input>,
    region: RwSignal<Region>,
    preview: RwSignal<Option<Seen>>,
    typed: RwSignal<String>,
    /// Ticked (R5).
    places_agents: RwSignal<bool>,
    field_error: RwSignal<Option<String>>,
    failure: RwSignal<Option<ApiError>>,
    is_busy: RwSignal<bool>,
}

impl Form {
    fn card(self) -> CardContext {
        self.card.get_value()
    }

    /// The typed key, or the word on the field that says why it is none.
    fn key(self) -> Option<String> {
        match take(self.input_ref) {
            Ok(key) => Some(key),
            Err(problem) => {
                self.refuse(problem.text().to_owned());
                None
            }
        }
    }

    fn refuse(self, text: String) {
        self.preview.set(None);
        self.field_error.set(Some(text));
        self.focus_field();
    }

    /// In the next frame: until then the field may be hidden, and nothing hidden takes the focus.
    fn focus_field(self) {
        request_animation_frame(move || focus(self.input_ref));
    }

    fn chosen_region(self) -> Option<Region> {
        let has_regions = self.card().info.with_value(|info| info.regions.len() > 1);
        has_regions.then(|| self.region.get_untracked())
    }

    fn can_save(self) -> bool {
        let typed = self.typed.get();
        self.preview.with(|seen| {
            seen.as_ref()
                .is_some_and(|(preview, _)| is_confirmed(self.card(), preview, &typed))
        })
    }

    fn submit(self) {
        if self.is_busy.get_untracked() {
            return;
        }
        match self.preview.get_untracked() {
            None => self.check(),
            Some((_, version)) if untrack(|| self.can_save()) => self.save(version),
            Some(_) => {}
        }
    }

    fn check(self) {
        self.failure.set(None);
        let Some(key) = self.key() else { return };
        let (card, version) = (self.card(), self.card().version());
        let input = PreviewProviderKeyInput {
            provider: card.provider(),
            client_id: card.client_id(),
            api_key: Some(key),
            version: None,
            key_hand_in_id: None,
            region: self.chosen_region(),
        };
        let slug = card.agency.slug.get_untracked();
        self.is_busy.set(true);
        spawn(async move {
            let answer = api::preview(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
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

    fn save(self, version: Option<i64>) {
        self.failure.set(None);
        let Some(key) = self.key() else { return };
        let card = self.card();
        let places_agents = self.preview.with_untracked(|seen| {
            seen.as_ref()
                .is_some_and(|(preview, _)| offers_placing(card, preview))
        }) && self.places_agents.get_untracked();
        let input = SaveProviderKeyInput {
            provider: card.provider(),
            client_id: card.client_id(),
            api_key: Some(key),
            region: self.chosen_region(),
            expected_version: version,
        };
        let slug = card.agency.slug.get_untracked();
        self.is_busy.set(true);
        spawn(async move {
            let answer = api::save(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(saved) => {
                    if let Some(input) = self.input_ref.get_untracked() {
                        input.set_value("");
                    }
                    card.places_agents.set(places_agents);
                    card.saved(saved);
                }
                Err(error) => self.failed(error),
            }
        });
    }

    fn failed(self, error: ApiError) {
        if error.is(ErrorCode::InvalidInput) {
            self.refuse(error.message);
            return;
        }
        if error.is(ErrorCode::Conflict) {
            // The preview was compared with a key that is not in use any more.
            self.preview.set(None);
            self.card().page.keys.reload();
        }
        self.failure.set(Some(error));
    }
}

fn replace_form(
    card: CardContext,
    input_ref: NodeRef<html::Input>,
    is_busy: RwSignal<bool>,
) -> AnyView {
    let form = Form {
        card: StoredValue::new(card),
        input_ref,
        region: RwSignal::new(stored_region(card)),
        preview: RwSignal::new(None),
        typed: RwSignal::new(String::new()),
        places_agents: RwSignal::new(true),
        field_error: RwSignal::new(None),
        // The dialog that goes on after a conflict starts with its notice.
        failure: RwSignal::new(inherited_conflict(card)),
        is_busy,
    };
    let has_preview = Memo::new(move |_| form.preview.with(Option::is_some));
    effect(move || {
        // A preview belongs to one region.
        form.region.track();
        form.preview.set(None);
    });
    let name = card.name();
    view! {
        <form
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                form.submit();
            }
        >
            <div class="dialog-body">
                <p>{move || lead(card)}</p>
                <div class="form" hidden=has_preview>
                    <KeyField
                        provider_name=name.clone()
                        input_ref=input_ref
                        hint=key_hint(card)
                        error=form.field_error
                        prefill=card.prefill
                    />
                    {region_choice(card, form.region)}
                    <div class="actions">{where_to_find(card)}</div>
                </div>
                {dynamic(move || match form.preview.get() {
                    Some((preview, _)) => previewed(form, &preview),
                    None => ().into_any(),
                })}
                {dynamic(move || match form.failure.get() {
                    Some(error) => failure_view(form, error),
                    None => ().into_any(),
                })}
                <div role="status">{move || is_busy.get().then(|| busy_line(&name, has_preview.get_untracked()))}</div>
            </div>
            {foot(form, has_preview)}
        </form>
    }
    .into_any()
}

fn foot(form: Form, has_preview: Memo<bool>) -> AnyView {
    let is_open = form.card().is_replacing();
    let is_unconfirmed = Signal::derive(move || has_preview.get() && !form.can_save());
    let verb = move || {
        if has_preview.get() {
            "Put in use"
        } else {
            "Check and preview"
        }
    };
    view! {
        <div class="dialog-foot">
            <Button is_disabled=form.is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
            <Button kind=ButtonKind::Primary is_submit=true is_busy=form.is_busy is_disabled=is_unconfirmed>{verb}</Button>
        </div>
    }
    .into_any()
}

/// The key that was tried, the way back to the field, and what would change.
fn previewed(form: Form, preview: &KeyPreview) -> AnyView {
    let again = move |_| {
        form.preview.set(None);
        form.failure.set(None);
        form.focus_field();
    };
    view! {
        <p class="candidate">
            "New key: " <code class="masked">{preview.masked_key.clone()}</code>
            <button type="button" class="link-button" disabled=form.is_busy on:click=again>"Type another key"</button>
        </p>
        {preview_view(form.card(), preview, form.typed)}
        {offers_placing(form.card(), preview).then(|| place_agents(form.places_agents, form.is_busy.into(), preview.becoming_unreachable.count))}
    }
    .into_any()
}

/// Whether a client's agents would not be in the account of the new key.
pub(super) fn offers_placing(card: CardContext, preview: &KeyPreview) -> bool {
    card.client().is_some() && preview.becoming_unreachable.count > 0
}

/// R5: offered, ticked. Where something of an agent would be lost, the card asks first.
pub(super) fn place_agents(
    is_ticked: RwSignal<bool>,
    is_busy: Signal<bool>,
    count: i64,
) -> AnyView {
    let agents = counted(count, "agent", "agents");
    let text = format!("Create the {agents} in this account afterwards, from their definitions");
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=is_ticked
                disabled=is_busy
                on:change=move |event| is_ticked.set(event_target_checked(&event))
            />
            <span>{text}</span>
        </label>
    }
    .into_any()
}

fn failure_view(form: Form, error: ApiError) -> AnyView {
    let words = if form.preview.with_untracked(Option::is_some) {
        form.card().words(&error, outcome::save_failed)
    } else {
        form.card().words(&error, outcome::preview_failed)
    };
    if may_work_again(&error) {
        view! { <ErrorNotice error=error words=words takes_focus=true on_retry=move |()| form.submit() /> }.into_any()
    } else {
        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
    }
}

/// Which key counts now, and until when.
fn lead(card: CardContext) -> AnyView {
    let Some(key) = card.stored.get() else {
        let agency = agency_key(card).and_then(|key| key.masked_key);
        let name = card.name();
        return match agency {
            Some(mask) => view! { "The agency key " <code class="masked">{mask}</code> " counts now, and does so until the new key is put in use." }.into_any(),
            None => format!("No {name} key counts now.").into_any(),
        };
    };
    let mask = key.masked_key.unwrap_or_default();
    if key.is_readable {
        let account = key
            .account
            .map(|account| format!(", account {}", account.name));
        view! {
            "In use now: " <code class="masked">{mask}</code> {account}
            ". It stays in use until the new key has passed its test and you have seen what changes."
        }
        .into_any()
    } else {
        view! { "The stored key " <code class="masked">{mask}</code> " cannot be opened. The new key takes its place when it has passed its test." }.into_any()
    }
}
