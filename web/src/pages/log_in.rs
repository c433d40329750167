//! The log-in page. Whoever is logged in already goes on to where they wanted to be. In the demo it offers the log-ins of the
//! demo agency; on a fresh installation it says how the first owner is made.

use crate::api::ApiError;
use crate::api::enums::ErrorCode;
use crate::api::session::{self as api, LogInInput};
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::field::{Field, focus, value_of};
use crate::components::icons::{Icon, icon};
use crate::components::mark::mark;
use crate::components::page_head::arrive;
use crate::erased::dynamic;
use crate::erased::spawn;
use crate::frame::gate::visit_failed;
use crate::frame::leave::leave;
use crate::logic::outcome::{self, Words};
use crate::logic::query_string::safe_return_path;
use crate::session::{Visit, role_name, use_session};
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Wait,
    Failed(ApiError),
    Form,
    Done,
}

/// The page at `/log-in`.
#[component]
pub(crate) fn LogInPage() -> impl IntoView {
    let session = use_session();
    let query = use_query_map();
    let stage = Memo::new(move |_| {
        session.visit.with(|visit| match visit {
            Visit::Loading => Stage::Wait,
            Visit::Failed(error) => Stage::Failed(error.clone()),
            Visit::Nobody(_) => Stage::Form,
            Visit::Person(..) => Stage::Done,
        })
    });
    dynamic(move || match stage.get() {
        Stage::Wait => ().into_any(),
        Stage::Failed(error) => visit_failed(error),
        Stage::Form => view! { <LogInForm /> }.into_any(),
        Stage::Done => leave(safe_return_path(
            query.with_untracked(|query| query.get("next")),
        )),
    })
}

fn words_of(error: &ApiError) -> Words {
    match error.code() {
        Some(ErrorCode::WrongCredentials) => Words::new(
            "Email or password is wrong",
            "Check both. Whoever runs this server can help with a lost password.",
        ),
        Some(ErrorCode::TooManyAttempts) => Words::new(
            "Too many attempts",
            "To keep others from guessing, log-in pauses for this address.",
        ),
        _ => outcome::other(error),
    }
}

#[component]
fn LogInForm() -> impl IntoView {
    let session = use_session();
    let heading = NodeRef::<html::H1>::new();
    arrive("Log in", heading);
    let email = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let email_error = RwSignal::new(None::<String>);
    let password_error = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<ApiError>);
    let is_busy = RwSignal::new(false);
    let send = move |input: LogInInput| {
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            match api::log_in(input).await {
                Ok(()) => session.reload().await,
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
            is_busy.try_set(false);
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if is_busy.get_untracked() {
            return;
        }
        let input = LogInInput {
            email: value_of(email).trim().to_owned(),
            password: value_of(password),
        };
        email_error.set(
            input
                .email
                .is_empty()
                .then(|| "Enter your email address.".to_owned()),
        );
        password_error.set(
            input
                .password
                .is_empty()
                .then(|| "Enter your password.".to_owned()),
        );
        if input.email.is_empty() {
            focus(email);
        } else if input.password.is_empty() {
            focus(password);
        } else {
            send(input);
        }
    };
    let instance = session.instance();
    let needs_set_up = instance
        .as_ref()
        .is_some_and(|instance| instance.needs_set_up);
    let demo = instance.and_then(|instance| instance.demo);
    let chips = demo.map(|demo| {
        demo_chips(
            demo.log_ins
                .into_iter()
                .map(|l| (role_name(l.role), l.email, l.password))
                .collect(),
            is_busy,
            send,
        )
    });
    view! {
        <main class="door">
            <div class="door-card">
                {mark()}
                <h1 tabindex="-1" node_ref=heading>"Log in"</h1>
                {needs_set_up.then(set_up_notice)}
                {move || failure.get().map(|error| {
                    let words = words_of(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                })}
                <form class="form" novalidate on:submit=submit>
                    <Field label="Email" name="email" kind="email" autocomplete="username" input_ref=email error=email_error />
                    <Field label="Password" name="password" kind="password" autocomplete="current-password" input_ref=password error=password_error />
                    <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Log in"</Button>
                </form>
                {chips}
            </div>
        </main>
    }
    .into_any()
}

fn set_up_notice() -> AnyView {
    view! {
        <Notice
            tone=Tone::Info
            symbol=Icon::Info
            title="This installation has no owner yet"
            text="The server printed a set-up link when it started. It makes the first owner and is valid for 30 minutes."
        >
            <a class="button" href="/set-up">"Set up Ringfence"</a>
        </Notice>
    }
    .into_any()
}

fn demo_chips(
    log_ins: Vec<(&'static str, String, String)>,
    is_busy: RwSignal<bool>,
    send: impl Fn(LogInInput) + Copy + Send + Sync + 'static,
) -> AnyView {
    let chips = log_ins
        .into_iter()
        .map(|(role, email, password)| {
            let label = format!("Log in as {}", role.to_lowercase());
            let title = email.clone();
            view! {
                <button
                    type="button"
                    class="chip"
                    title=title
                    disabled=is_busy
                    on:click=move |_| send(LogInInput { email: email.clone(), password: password.clone() })
                >
                    {icon(Icon::Person)} {label}
                </button>
            }.into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <div class="door-demo">
            <p class="quiet">"This is the demo. Its log-ins are open to everyone on this machine."</p>
            <div class="chips">{chips}</div>
        </div>
    }
    .into_any()
}
