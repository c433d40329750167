//! The set-up page for the first owner. The single-use token comes from the link that the server printed; it is taken out of
//! the address at once, so that it stays in no history.

use crate::api::ApiError;
use crate::api::enums::ErrorCode;
use crate::api::session::{self as api, SetUpInput};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, focus, value_of};
use crate::components::icons::Icon;
use crate::components::mark::mark;
use crate::components::page_head::arrive;
use crate::erased::dynamic;
use crate::erased::spawn;
use crate::frame::gate::visit_failed;
use crate::frame::leave::leave;
use crate::logic::outcome::{self, Words};
use crate::logic::password;
use crate::session::{Visit, use_session};
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use wasm_bindgen::JsValue;

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Wait,
    Failed(ApiError),
    Form,
    Closed,
    Done,
}

/// The page at `/set-up`.
#[component]
pub(crate) fn SetUpPage() -> impl IntoView {
    let session = use_session();
    let query = use_query_map();
    let token = query
        .with_untracked(|query| query.get("token"))
        .unwrap_or_default();
    if !token.is_empty()
        && let Ok(history) = window().history()
        && history
            .replace_state_with_url(&JsValue::NULL, "", Some("/set-up"))
            .is_err()
    {
        // The address keeps the token; it is valid once, and for 30 minutes.
        leptos::logging::warn!("The set-up token could not be taken out of the address.");
    }
    let token = StoredValue::new(token);
    let stage = Memo::new(move |_| {
        session.visit.with(|visit| match visit {
            Visit::Loading => Stage::Wait,
            Visit::Failed(error) => Stage::Failed(error.clone()),
            Visit::Nobody(instance) if instance.needs_set_up => Stage::Form,
            Visit::Nobody(_) => Stage::Closed,
            Visit::Person(..) => Stage::Done,
        })
    });
    dynamic(move || match stage.get() {
        Stage::Wait => ().into_any(),
        Stage::Failed(error) => visit_failed(error),
        Stage::Form => view! { <SetUpForm token=token.get_value() /> }.into_any(),
        Stage::Closed => closed(),
        Stage::Done => leave("/".to_owned()),
    })
}

fn closed() -> AnyView {
    let heading = NodeRef::<html::H1>::new();
    arrive("Set up", heading);
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden" tabindex="-1" node_ref=heading>"Set up"</h1>
            <EmptyState
                symbol=Icon::Lock
                title="Ringfence is set up already"
                text="It has an owner. Log in, or ask an owner or admin to add you to their agency."
            >
                <a class="button primary" href="/log-in">"Log in"</a>
            </EmptyState>
        </main>
    }
    .into_any()
}

fn words_of(error: &ApiError) -> Words {
    match error.code() {
        Some(ErrorCode::SetUpClosed) => Words::new(
            "This token does not open the set-up",
            "It is mistyped, used, or older than 30 minutes. Restart `ringfence serve`: it prints a new link.",
        ),
        Some(ErrorCode::TooManyAttempts) => Words::new(
            "Too many attempts",
            "Wait a little before you try the token again.",
        ),
        _ => outcome::other(error),
    }
}

/// The inputs of the form with their errors, in their order on the page.
#[derive(Clone, Copy)]
struct Inputs {
    token: (NodeRef<html::Input>, RwSignal<Option<String>>),
    agency_name: (NodeRef<html::Input>, RwSignal<Option<String>>),
    name: (NodeRef<html::Input>, RwSignal<Option<String>>),
    email: (NodeRef<html::Input>, RwSignal<Option<String>>),
    password: (NodeRef<html::Input>, RwSignal<Option<String>>),
}

impl Inputs {
    fn new() -> Self {
        let input = || (NodeRef::new(), RwSignal::new(None));
        Self {
            token: input(),
            agency_name: input(),
            name: input(),
            email: input(),
            password: input(),
        }
    }

    /// What was entered, or `None` with an error at each field that is wrong and the focus on the first of them.
    fn read(self) -> Option<SetUpInput> {
        let read = SetUpInput {
            token: value_of(self.token.0).trim().to_owned(),
            agency_name: value_of(self.agency_name.0).trim().to_owned(),
            name: value_of(self.name.0).trim().to_owned(),
            email: value_of(self.email.0).trim().to_owned(),
            password: value_of(self.password.0),
        };
        let wrong_password = password::problem(&read.password);
        let checks = [
            (
                self.token,
                read.token.is_empty(),
                "Enter the token from the link that the server printed.".to_owned(),
            ),
            (
                self.agency_name,
                read.agency_name.is_empty(),
                "Enter the name of your agency.".to_owned(),
            ),
            (
                self.name,
                read.name.is_empty(),
                "Enter your name.".to_owned(),
            ),
            (
                self.email,
                !read.email.contains('@'),
                "Enter your email address, such as you@agency.com.".to_owned(),
            ),
            (
                self.password,
                wrong_password.is_some(),
                wrong_password.unwrap_or_default(),
            ),
        ];
        let mut first_wrong = None;
        for ((input, error), is_wrong, text) in checks {
            error.set(is_wrong.then_some(text));
            if is_wrong && first_wrong.is_none() {
                first_wrong = Some(input);
            }
        }
        if let Some(input) = first_wrong {
            focus(input);
            return None;
        }
        Some(read)
    }

    /// Puts the server's sentence at the field that it names; false when it names none of these.
    fn place(self, error: &ApiError) -> bool {
        let (input, signal) = match error
            .field
            .as_deref()
            .map(|field| field.rsplit('.').next().unwrap_or(field))
        {
            Some("token") => self.token,
            Some("agencyName") => self.agency_name,
            Some("name") => self.name,
            Some("email") => self.email,
            Some("password") => self.password,
            _ => return false,
        };
        signal.try_set(Some(error.message.clone()));
        focus(input);
        true
    }
}

#[component]
fn SetUpForm(token: String) -> impl IntoView {
    let session = use_session();
    let heading = NodeRef::<html::H1>::new();
    arrive("Set up", heading);
    let inputs = Inputs::new();
    let failure = RwSignal::new(None::<ApiError>);
    let is_busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        failure.set(None);
        if is_busy.get_untracked() {
            return;
        }
        let Some(input) = inputs.read() else { return };
        is_busy.set(true);
        spawn(async move {
            match api::set_up(input).await {
                Ok(()) => session.reload().await,
                Err(error) => {
                    if !(error.is(ErrorCode::InvalidInput) && inputs.place(&error)) {
                        failure.try_set(Some(error));
                    }
                }
            }
            is_busy.try_set(false);
        });
    };
    view! {
        <main class="door">
            <div class="door-card">
                {mark()}
                <h1 tabindex="-1" node_ref=heading>"Set up Ringfence"</h1>
                <p class="quiet">"Make the first agency and its owner. Everything else is added from inside."</p>
                {move || failure.get().map(|error| {
                    let words = words_of(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                })}
                <form class="form" novalidate on:submit=submit>
                    <Field
                        label="Set-up token" name="token" input_ref=inputs.token.0 error=inputs.token.1 value=token is_verbatim=true
                        hint="From the link that the server printed at its start. It is valid once, for 30 minutes."
                    />
                    <Field
                        label="Agency name" name="agency-name" autocomplete="organization" input_ref=inputs.agency_name.0
                        error=inputs.agency_name.1 hint="Your team sees it at the top of the sidebar."
                    />
                    <Field label="Your name" name="name" autocomplete="name" input_ref=inputs.name.0 error=inputs.name.1 />
                    <Field label="Email" name="email" kind="email" autocomplete="username" input_ref=inputs.email.0 error=inputs.email.1 />
                    <Field
                        label="Password" name="password" kind="password" autocomplete="new-password" input_ref=inputs.password.0
                        error=inputs.password.1 hint=password::hint()
                    />
                    <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Make agency and owner"</Button>
                </form>
            </div>
        </main>
    }
    .into_any()
}
