//! The form that saves the first key of the agency: the field, the region where there are several, and each outcome of K3 in its own words. The
//! typed key leaves the field only in the one mutation; the field is emptied when it was saved and keeps it when not.

use crate::api::enums::{ErrorCode, Region};
use crate::api::provider_keys::{self as api, SaveProviderKeyInput};
use crate::api::{ApiError, Cause};
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{focus, value_of};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::key_field::{KeyField, take};
use crate::erased::spawn;
use crate::logic::outcome;
use crate::pages::api_keys::card::CardContext;
use crate::pages::api_keys::connected::testing;
use leptos::html;
use leptos::prelude::*;

/// The form.
#[component]
pub(super) fn SaveForm(card: CardContext) -> impl IntoView {
    let input_ref = NodeRef::<html::Input>::new();
    let is_busy = RwSignal::new(false);
    let field_error = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None);
    let region = RwSignal::new(stored_region(card));
    let send = move || {
        if is_busy.get_untracked() {
            return;
        }
        failure.set(None);
        let key = match take(input_ref) {
            Ok(key) => key,
            Err(problem) => {
                field_error.set(Some(problem.text().to_owned()));
                focus(input_ref);
                return;
            }
        };
        let has_regions = card.info.with_value(|info| info.regions.len() > 1);
        let input = SaveProviderKeyInput {
            provider: card.provider(),
            client_id: None,
            api_key: Some(key),
            region: has_regions.then(|| region.get_untracked()),
            expected_version: card.version(),
        };
        let slug = card.agency.slug.get_untracked();
        is_busy.set(true);
        spawn(async move {
            let answer = api::save(&slug, input).await;
            if is_busy.try_set(false).is_some() {
                return; // The form is gone; the server's answer shows when the page is opened again.
            }
            match answer {
                Ok(saved) => {
                    if let Some(input) = input_ref.get_untracked() {
                        input.set_value("");
                    }
                    card.saved(saved);
                }
                Err(error) if error.is(ErrorCode::InvalidInput) => {
                    field_error.set(Some(error.message));
                    focus(input_ref);
                }
                Err(error) => {
                    if error.is(ErrorCode::Conflict) {
                        if card.stored.with_untracked(Option::is_none) {
                            card.overtaken
                                .set(Some((error.clone(), value_of(input_ref))));
                        }
                        card.page.keys.reload();
                    }
                    failure.set(Some(error));
                }
            }
        });
    };
    let name = card.name();
    let hint = key_hint(card);
    view! {
        <form
            class="form save-form"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <KeyField provider_name=name.clone() input_ref=input_ref hint=hint error=field_error prefill=card.prefill />
            {region_choice(card, region)}
            {move || failure.get().map(|error| refused(card, error, send))}
            <div class="actions">
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Save key"</Button>
                {where_to_find(card)}
                <div role="status">{move || is_busy.get().then(|| testing(&name))}</div>
            </div>
        </form>
    }
    .into_any()
}

/// Where the key is found and what it must be allowed to do.
pub(super) fn key_hint(card: CardContext) -> String {
    card.info
        .with_value(|info| format!("Find it in {}. {}", info.key_location, info.required_rights))
}

/// The region of the stored key.
pub(super) fn stored_region(card: CardContext) -> Region {
    card.stored
        .with_untracked(|key| key.as_ref().map(|key| key.region))
        .unwrap_or(Region::Default)
}

/// The conflict of a first save that goes on in the dialog (K12).
pub(super) fn inherited_conflict(card: CardContext) -> Option<ApiError> {
    card.failure.with_untracked(|failure| {
        failure
            .as_ref()
            .map(|(error, _)| error.clone())
            .filter(|error| error.is(ErrorCode::Conflict))
    })
}

/// A link to the provider's dashboard.
pub(super) fn where_to_find(card: CardContext) -> AnyView {
    let (url, name) = card
        .info
        .with_value(|info| (info.dashboard_url.clone(), info.name.clone()));
    view! {
        <a class="outside" href=url target="_blank" rel="external noopener noreferrer">
            {format!("Open {name}")} {icon(Icon::External)} <span class="visually-hidden">"(opens in a new tab)"</span>
        </a>
    }
    .into_any()
}

/// Whether the same key can work at another try.
pub(super) fn may_work_again(error: &ApiError) -> bool {
    matches!(
        error.cause,
        Cause::NoAnswer
            | Cause::Unreadable
            | Cause::Code(
                ErrorCode::ProviderRateLimited
                    | ErrorCode::ProviderUnreachable
                    | ErrorCode::ProviderAnswerMalformed
                    | ErrorCode::TooManyAttempts
                    | ErrorCode::Internal
            )
    )
}

/// What went wrong, and another try where the same key can work.
fn refused(
    card: CardContext,
    error: ApiError,
    send: impl Fn() + Send + Sync + Copy + 'static,
) -> AnyView {
    let words = card.words(&error, outcome::save_failed);
    if may_work_again(&error) {
        view! { <ErrorNotice error=error words=words takes_focus=true retry_label="Save again" on_retry=move |()| send() /> }.into_any()
    } else {
        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
    }
}

/// A drop-down where the provider has several regions; there is no field for an address (K1).
pub(super) fn region_choice(card: CardContext, region: RwSignal<Region>) -> AnyView {
    let regions = card.info.with_value(|info| info.regions.clone());
    if regions.len() < 2 {
        return ().into_any();
    }
    let id = fresh_id("region");
    let options = regions
        .into_iter()
        .map(|choice| {
            let (value, label) = match choice {
                Region::Eu => ("EU", "EU"),
                Region::Default | Region::Unknown => ("DEFAULT", "United States (default)"),
            };
            view! { <option value=value selected=region.get_untracked() == choice>{label}</option> }
                .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <div class="field">
            <label for=id.clone()>"Region"</label>
            <select
                id=id
                on:change=move |event| region.set(if event_target_value(&event) == "EU" { Region::Eu } else { Region::Default })
            >
                {options}
            </select>
        </div>
    }
    .into_any()
}
