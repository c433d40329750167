//! The page behind a one-time log-in link. The token stands behind the `#`, which no server and no log sees; it is taken out
//! of the address at once, stays in this page's memory, and goes out in the one mutation that uses it up, with a password that
//! the person chooses or has already. It leads into the person's rooms.

use crate::api::enums::ErrorCode;
use crate::api::{ApiError, portal as api, session as session_api};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, focus, value_of};
use crate::components::icons::{Icon, icon};
use crate::components::mark::mark;
use crate::components::page_head::arrive;
use crate::erased::{dynamic, spawn};
use crate::frame::gate::visit_failed;
use crate::frame::leave::leave;
use crate::logic::portal_words;
use crate::logic::{outcome, password};
use crate::session::{Visit, use_session};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Wait,
    Failed(ApiError),
    /// The address holds no token.
    NoToken,
    /// The server takes the token no more, and why.
    Dead(String),
    /// Somebody is logged in already: their name and email address.
    Somebody(String, String),
    Form,
    Done,
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Link {
    /// Empty without one. It is nowhere else.
    token: RwSignal<String>,
    /// The server's sentence about a token that it does not take.
    refusal: RwSignal<Option<String>>,
    /// The password is set.
    is_used: RwSignal<bool>,
    /// Where the person goes once they are in.
    home: RwSignal<String>,
}

/// The token of the address, which it is taken out of.
fn take_token() -> Option<String> {
    let hash = window().location().hash().ok()?;
    let token = hash.strip_prefix('#')?.trim();
    if token.is_empty() {
        return None;
    }
    let history = window().history().ok()?;
    if history
        .replace_state_with_url(&JsValue::NULL, "", Some("/welcome"))
        .is_err()
    {
        // The address keeps the token, which works once.
        leptos::logging::warn!("The log-in token could not be taken out of the address.");
    }
    Some(token.to_owned())
}

/// The page at `/welcome`.
#[component]
pub(crate) fn WelcomePage() -> impl IntoView {
    let session = use_session();
    let link = Link {
        token: RwSignal::new(take_token().unwrap_or_default()),
        refusal: RwSignal::new(None),
        is_used: RwSignal::new(false),
        home: RwSignal::new("/".to_owned()),
    };
    // A link that is pasted into this page's address bar changes what is behind the # and loads nothing.
    let listener = window_event_listener(leptos::ev::hashchange, move |_| {
        if let Some(token) = take_token() {
            link.refusal.set(None);
            link.token.set(token);
        }
    });
    on_cleanup(move || listener.remove());
    let stage = Memo::new(move |_| {
        let (is_used, has_token) = (link.is_used.get(), !link.token.with(String::is_empty));
        session.visit.with(|visit| match visit {
            Visit::Loading => Stage::Wait,
            Visit::Failed(error) => Stage::Failed(error.clone()),
            Visit::Person(..) if is_used || !has_token => Stage::Done,
            Visit::Person(_, viewer) => {
                Stage::Somebody(viewer.person.name.clone(), viewer.person.email.clone())
            }
            Visit::Nobody(_) if is_used => Stage::Wait,
            Visit::Nobody(_) => match link.refusal.get() {
                Some(refusal) => Stage::Dead(refusal),
                None if has_token => Stage::Form,
                None => Stage::NoToken,
            },
        })
    });
    dynamic(move || {
        match stage.get() {
        Stage::Wait => ().into_any(),
        Stage::Failed(error) => visit_failed(error),
        Stage::NoToken => nothing_to_open(
            "This page needs a log-in link",
            "Open the whole link that your agency sent you. It works once, for seven days. If you have chosen your password already, log in.".to_owned(),
        ),
        Stage::Dead(refusal) => nothing_to_open("The link was not accepted", refusal),
        Stage::Somebody(name, email) => view! { <Somebody name=name email=email /> }.into_any(),
        Stage::Form => view! { <WelcomeForm link=link /> }.into_any(),
        Stage::Done => leave(link.home.get_untracked()),
    }
    })
}

fn nothing_to_open(title: &'static str, text: String) -> AnyView {
    let heading = NodeRef::<html::H1>::new();
    arrive("Log-in link", heading);
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden" tabindex="-1" node_ref=heading>"Log-in link"</h1>
            <EmptyState symbol=Icon::Lock title=title text=text>
                <a class="button primary" href="/log-in">"Log in"</a>
            </EmptyState>
        </main>
    }
    .into_any()
}

/// Somebody is logged in here: the link may be somebody else's, so they decide.
#[component]
fn Somebody(name: String, email: String) -> impl IntoView {
    let session = use_session();
    let heading = NodeRef::<html::H1>::new();
    arrive("Log-in link", heading);
    let is_busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<ApiError>);
    let log_out = move |()| {
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            match session_api::log_out().await {
                Ok(()) => session.forget_person(),
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
            is_busy.try_set(false);
        });
    };
    let text = format!(
        "This browser is logged in as {name} ({email}). The link is for whoever it was made for; to use it, log out first."
    );
    view! {
        <main class="alone">
            {mark()}
            <h1 class="visually-hidden" tabindex="-1" node_ref=heading>"Log-in link"</h1>
            {move || failure.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
            })}
            <EmptyState symbol=Icon::Person title="Somebody is logged in here" text=text>
                <a class="button" href="/">"Stay logged in"</a>
                <Button kind=ButtonKind::Primary leading=Icon::LogOut is_busy=is_busy on_press=log_out>"Log out and use the link"</Button>
            </EmptyState>
        </main>
    }
    .into_any()
}

#[component]
fn WelcomeForm(link: Link) -> impl IntoView {
    let session = use_session();
    let heading = NodeRef::<html::H1>::new();
    arrive("Choose a password", heading);
    let input = NodeRef::<html::Input>::new();
    let is_shown = RwSignal::new(false);
    let field_error = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<ApiError>);
    let is_busy = RwSignal::new(false);
    let show = move |is_on: bool| {
        is_shown.set(is_on);
        if let Some(input) = input.get_untracked() {
            input.set_type(if is_on { "text" } else { "password" });
        }
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        failure.set(None);
        if is_busy.get_untracked() {
            return;
        }
        let chosen = value_of(input);
        field_error.set(password::problem(&chosen));
        if field_error.with_untracked(Option::is_some) {
            focus(input);
            return;
        }
        // A browser remembers what was sent as text among other texts.
        show(false);
        is_busy.set(true);
        let token = link.token.get_untracked();
        spawn(async move {
            match api::redeem(token, chosen).await {
                Ok(agency_slug) => {
                    link.home.try_set(format!("/a/{agency_slug}"));
                    link.is_used.try_set(true);
                    link.token.try_set(String::new());
                    session.reload().await;
                }
                Err(error) if error.is(ErrorCode::InvalidInput) => {
                    if error
                        .field
                        .as_deref()
                        .is_some_and(|field| field.ends_with("token"))
                    {
                        link.token.try_set(String::new());
                        link.refusal.try_set(Some(error.message));
                    } else {
                        field_error.try_set(Some(error.message));
                        focus(input);
                    }
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
            is_busy.try_set(false);
        });
    };
    view! {
        <main class="door">
            <div class="door-card">
                {mark()}
                <h1 tabindex="-1" node_ref=heading>"Choose a password"</h1>
                <p class="quiet">"Your log-in link works once. From then on you log in with your email address and this password. If you have a log-in here already, enter the password that you have."</p>
                {move || failure.get().map(|error| {
                    let words = portal_words::link_failed(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                })}
                <form class="form" novalidate on:submit=submit>
                    <Field
                        label="Password" name="password" kind="password" autocomplete="new-password" input_ref=input
                        error=field_error hint=password::hint()
                    />
                    <button
                        type="button"
                        class="link-button"
                        aria-pressed=move || is_shown.get().to_string()
                        on:click=move |_| show(!is_shown.get_untracked())
                    >
                        {move || icon(if is_shown.get() { Icon::Hide } else { Icon::Show })} " Show password"
                    </button>
                    <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Log in"</Button>
                </form>
            </div>
        </main>
    }
    .into_any()
}
