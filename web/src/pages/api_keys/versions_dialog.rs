//! The versions of a key (K10), newest first: who saved each, when it went out of use and until when it can be brought back. A
//! roll-back is previewed like any other key and confirmed where it stops anything.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, KeyVersionState};
use crate::api::provider_keys::{
    self as api, KeyPreview, KeyVersion, PreviewProviderKeyInput, RollBackProviderKeyInput,
};
use crate::clock;
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::skeleton::skeleton_lines;
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::loader::Loader;
use crate::logic::outcome;
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::connected::busy_line;
use crate::pages::api_keys::preview::{is_confirmed, preview_view};
use crate::pages::api_keys::save_form::may_work_again;
use leptos::prelude::*;

/// The dialog.
#[component]
pub(super) fn VersionsDialog(card: CardContext) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let name = card.name();
    let title = match card.client() {
        Some(client) => format!("Versions of {}'s {name} key", client.name),
        None => format!("Versions of the {name} key"),
    };
    view! {
        <Dialog is_open=card.is_showing_versions() title=title is_busy=is_busy>
            {versions_form(card, is_busy)}
        </Dialog>
    }
    .into_any()
}

/// What the parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Form {
    card: StoredValue<CardContext>,
    versions: Loader<Vec<KeyVersion>>,
    /// The version that is to be brought back.
    picked: RwSignal<Option<KeyVersion>>,
    /// What that would change, and the version in use that it was compared with (K12).
    preview: RwSignal<Option<(KeyPreview, Option<i64>)>>,
    typed: RwSignal<String>,
    failure: RwSignal<Option<ApiError>>,
    is_busy: RwSignal<bool>,
}

impl Form {
    fn card(self) -> CardContext {
        self.card.get_value()
    }

    fn pick(self, version: KeyVersion) {
        self.picked.set(Some(version));
        self.typed.set(String::new());
        self.check();
    }

    fn back(self) {
        self.picked.set(None);
        self.preview.set(None);
        self.failure.set(None);
    }

    fn check(self) {
        let Some(picked) = self.picked.get_untracked() else {
            return;
        };
        let card = self.card();
        let in_use = card.version();
        let input = PreviewProviderKeyInput {
            provider: card.provider(),
            client_id: card.client_id(),
            api_key: None,
            version: Some(picked.version),
            key_hand_in_id: None,
            region: None,
        };
        let slug = card.agency.slug.get_untracked();
        self.failure.set(None);
        self.preview.set(None);
        self.is_busy.set(true);
        spawn(async move {
            let answer = api::preview(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(preview) => self.preview.set(Some((preview, in_use))),
                Err(error) => self.failure.set(Some(error)),
            }
        });
    }

    fn can_roll_back(self) -> bool {
        let typed = self.typed.get();
        self.preview.with(|seen| {
            seen.as_ref()
                .is_some_and(|(preview, _)| is_confirmed(self.card(), preview, &typed))
        })
    }

    fn roll_back(self) {
        let (Some(picked), Some((_, in_use))) =
            (self.picked.get_untracked(), self.preview.get_untracked())
        else {
            return;
        };
        if self.is_busy.get_untracked() || !untrack(|| self.can_roll_back()) {
            return;
        }
        let card = self.card();
        let input = RollBackProviderKeyInput {
            provider: card.provider(),
            client_id: card.client_id(),
            version: picked.version,
            expected_version: in_use,
        };
        let slug = card.agency.slug.get_untracked();
        self.failure.set(None);
        self.is_busy.set(true);
        spawn(async move {
            let answer = api::roll_back(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(saved) => card.saved(saved),
                Err(error) => {
                    if error.is(ErrorCode::Conflict) {
                        self.preview.set(None);
                        self.versions.reload();
                        card.page.keys.reload();
                    }
                    self.failure.set(Some(error));
                }
            }
        });
    }
}

fn versions_form(card: CardContext, is_busy: RwSignal<bool>) -> AnyView {
    let (provider, client_id) = (card.provider(), StoredValue::new(card.client_id()));
    let form = Form {
        card: StoredValue::new(card),
        versions: Loader::new(move || {
            let (slug, client_id) = (card.agency.slug.get(), client_id.try_get_value().flatten());
            async move { api::versions(&slug, provider, client_id).await }
        }),
        picked: RwSignal::new(None),
        preview: RwSignal::new(None),
        typed: RwSignal::new(String::new()),
        failure: RwSignal::new(None),
        is_busy,
    };
    let name = card.name();
    view! {
        <form
            on:submit=move |event| {
                event.prevent_default();
                form.roll_back();
            }
        >
            <div class="dialog-body">
                {dynamic(move || match form.picked.get() {
                    Some(version) => picked(form, version),
                    None => list(form),
                })}
                {dynamic(move || match form.failure.get() {
                    Some(error) => failure_view(form, error),
                    None => ().into_any(),
                })}
                <div role="status">{move || is_busy.get().then(|| busy_line(&name, form.preview.with_untracked(Option::is_some)))}</div>
            </div>
            {dynamic(move || foot(form))}
        </form>
    }
    .into_any()
}

fn foot(form: Form) -> AnyView {
    let is_open = form.card().is_showing_versions();
    if form.picked.with(Option::is_none) {
        return view! {
            <div class="dialog-foot"><Button on_press=move |()| is_open.set(false)>"Done"</Button></div>
        }
        .into_any();
    }
    let is_unconfirmed = Signal::derive(move || !form.can_roll_back());
    view! {
        <div class="dialog-foot">
            <Button is_disabled=form.is_busy on_press=move |()| form.back()>"Back"</Button>
            <Button kind=ButtonKind::Primary is_submit=true is_busy=form.is_busy is_disabled=is_unconfirmed>"Roll back"</Button>
        </div>
    }
    .into_any()
}

fn list(form: Form) -> AnyView {
    let rows = move || {
        if let Some(error) = form.versions.error.get() {
            let words = outcome::other(&error);
            return view! { <ErrorNotice error=error words=words on_retry=move |()| form.versions.reload() /> }.into_any();
        }
        match form.versions.data.get() {
            None => skeleton_lines(4),
            Some(versions) if versions.is_empty() => {
                view! { <p class="quiet">"No key has been saved here yet."</p> }.into_any()
            }
            Some(versions) => {
                let rows = versions
                    .into_iter()
                    .map(|version| row(form, version))
                    .collect::<Vec<_>>();
                view! { <ol class="versions">{rows}</ol> }.into_any()
            }
        }
    };
    view! {
        <p>"A key that was replaced or cleared stays sealed for 24 hours, so that it can be brought back. Then its bytes are destroyed."</p>
        {dynamic(rows)}
    }
    .into_any()
}

fn row(form: Form, version: KeyVersion) -> AnyView {
    let (tone, symbol, word) = match version.state {
        KeyVersionState::InUse => (Tone::Good, Icon::Good, "In use"),
        KeyVersionState::Retired => (Tone::Neutral, Icon::History, "Out of use"),
        KeyVersionState::Destroyed => (Tone::Neutral, Icon::Dashed, "Destroyed"),
        KeyVersionState::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    let KeyVersion {
        version: number,
        state,
        masked_key,
        account,
        saved_at,
        saved_by,
        destroyed_after,
        ..
    } = version.clone();
    let end = destroyed_after
        .as_deref()
        .map(|instant| clock::moment(clock::parse(instant)));
    let end = match (state, end) {
        (KeyVersionState::Retired, Some(end)) => Some(format!("Can be brought back until {end}.")),
        (KeyVersionState::Destroyed, Some(end)) => Some(format!("Destroyed on {end}.")),
        (KeyVersionState::Destroyed, None) => Some("Nobody can bring it back.".to_owned()),
        _ => None,
    };
    let action = (state == KeyVersionState::Retired
        && form.card().page.may_manage.get_untracked())
    .then(|| {
        let label = format!("Roll back to version {number}");
        view! {
            <button type="button" class="button" aria-label=label disabled=form.is_busy on:click=move |_| form.pick(version.clone())>
                "Roll back"
            </button>
        }
        .into_any()
    });
    view! {
        <li>
            <div class="version-head">
                <span class="quiet figures">{format!("Version {number}")}</span>
                {masked_key.map(|mask| view! { <code class="masked">{mask}</code> }.into_any())}
                {badge(tone, symbol, word)}
            </div>
            <div class="version-facts">
                <span>{account.map(|account| format!("{}, ", account.name))} "saved " {relative_time(&saved_at)} {saved_by.map(|person| format!(" by {}", person.name))}</span>
                {end.map(|end| view! { <span class="quiet">{end}</span> }.into_any())}
            </div>
            {action}
        </li>
    }
    .into_any()
}

fn picked(form: Form, version: KeyVersion) -> AnyView {
    view! {
        <p>
            "Back to " <code class="masked">{version.masked_key.unwrap_or_default()}</code>
            {format!(", version {}. It is tried at {} first, and becomes the newest version.", version.version, form.card().name())}
        </p>
        {dynamic(move || match form.preview.get() {
            Some((preview, _)) => preview_view(form.card(), &preview, form.typed),
            None => ().into_any(),
        })}
    }
    .into_any()
}

fn failure_view(form: Form, error: ApiError) -> AnyView {
    let words = form.card().words(&error, outcome::roll_back_failed);
    let can_be_tried = may_work_again(&error) || error.is(ErrorCode::Conflict);
    if can_be_tried && form.preview.with_untracked(Option::is_none) {
        view! { <ErrorNotice error=error words=words takes_focus=true on_retry=move |()| form.check() /> }.into_any()
    } else {
        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
    }
}
