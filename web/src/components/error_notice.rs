//! Notices that stay where something happened: what it was, what holds now, what to do, the provider's own words under
//! "Details", the request id, and another try that waits as long as it must. The words come from `logic::outcome`.

use crate::api::enums::ErrorCode;
use crate::api::{ApiError, Cause};
use crate::clock;
use crate::components::badge::Tone;
use crate::components::button::Button;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::mark_window_failed;
use crate::components::time::seconds_until;
use crate::erased::effect;
use crate::logic::outcome::Words;
use crate::logic::time;
use leptos::html;
use leptos::prelude::*;

/// An error with its words; without `on_retry` it offers no other try.
#[component]
pub(crate) fn ErrorNotice(
    error: ApiError,
    words: Words,
    #[prop(optional, into)] on_retry: Option<Callback<()>>,
    /// The verb of the other try.
    #[prop(default = "Try again")]
    retry_label: &'static str,
    /// Moves the focus here when it appears: after a form was sent and refused (checklist 10).
    #[prop(optional)]
    takes_focus: bool,
    /// More actions beside the retry.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let wait = error
        .retry_after_ms
        .map(|after_ms| seconds_until(clock::now_ms() + after_ms));
    let remaining = move || wait.map_or(0, |wait| wait.get());
    let waiting_text = move || match remaining() {
        0 if wait.is_some() => Some("The wait is over.".to_owned()),
        0 => None,
        seconds => Some(format!("Next try in {}.", time::wait(seconds))),
    };
    let notice_ref = NodeRef::<html::Div>::new();
    if takes_focus {
        mark_window_failed();
        effect(move || {
            if let Some(notice) = notice_ref.get() {
                // The notice takes the focus because of its tabindex.
                let _ = notice.focus();
            }
        });
    }
    let has_actions = on_retry.is_some() || children.is_some();
    view! {
        <div class="notice bad" role="alert" tabindex="-1" node_ref=notice_ref>
            {icon(Icon::Bad)}
            <div class="notice-body">
                <p class="notice-title">{words.title}</p>
                <p>{words.text} {move || waiting_text().map(|text| view! { " " <span class="figures" aria-live="off">{text}</span> }.into_any())}</p>
                {details(error.cause, error.provider_message, error.request_id)}
                {has_actions.then(|| view! {
                    <div class="actions">
                        {on_retry.map(|on_retry| view! {
                            <Button leading=Icon::Refresh is_disabled=Signal::derive(move || remaining() > 0) on_press=on_retry>
                                {retry_label}
                            </Button>
                        }.into_any())}
                        {children.map(|children| children())}
                    </div>
                }.into_any())}
            </div>
        </div>
    }
    .into_any()
}

/// The provider's words and the request id, folded; open where the request id is what helps. Outcomes that the person can
/// mend alone show no request id.
fn details(cause: Cause, provider_message: Option<String>, request_id: Option<String>) -> AnyView {
    let is_ordinary = matches!(
        cause,
        Cause::Code(
            ErrorCode::WrongCredentials
                | ErrorCode::TooManyAttempts
                | ErrorCode::InvalidInput
                | ErrorCode::Conflict
                | ErrorCode::ImpactChanged
                | ErrorCode::SetUpClosed
                | ErrorCode::Forbidden
                | ErrorCode::NotFound
        )
    );
    let is_ours = matches!(
        cause,
        Cause::Code(ErrorCode::Internal | ErrorCode::Unknown | ErrorCode::QueryRefused)
    );
    let request_id = request_id.filter(|_| !is_ordinary);
    if provider_message.is_none() && request_id.is_none() {
        return ().into_any();
    }
    view! {
        <details class="notice-details" open=is_ours>
            <summary>"Details"</summary>
            {provider_message.map(|text| view! { <p>"The provider's own words: “" {text} "”"</p> }.into_any())}
            {request_id.map(|id| view! { <p>"Request id: " <code>{id}</code></p> }.into_any())}
        </details>
    }
    .into_any()
}

/// A notice that is no error: advice, a warning, a note.
#[component]
pub(crate) fn Notice(
    tone: Tone,
    symbol: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class=format!("notice {}", tone.class())>
            {icon(symbol)}
            <div class="notice-body">
                <p class="notice-title">{title}</p>
                {(!text.is_empty()).then(|| view! { <p>{text}</p> }.into_any())}
                {children.map(|children| view! { <div class="actions">{children()}</div> }.into_any())}
            </div>
        </div>
    }
    .into_any()
}
