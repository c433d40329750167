//! The account menu at the foot of the sidebar: who is logged in, the theme, log-out, and log-out everywhere with its
//! confirmation.

use crate::api::{ApiError, session as api};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use crate::components::popover::{Popover, close_around};
use crate::erased::spawn;
use crate::loader::Loader;
use crate::logic::{number, outcome};
use crate::session::{role_name, use_agency, use_session};
use crate::theme::{self, Theme};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

/// Ends the session and leads to the log-in page, without a way back into this one.
fn use_log_out() -> Callback<()> {
    let session = use_session();
    let notices = use_notices();
    let navigate = use_navigate();
    let navigate = StoredValue::new_local(navigate);
    Callback::new(move |()| {
        spawn(async move {
            match api::log_out().await {
                Ok(()) => {
                    navigate.try_with_value(|navigate| {
                        navigate(
                            "/log-in",
                            NavigateOptions {
                                replace: true,
                                ..NavigateOptions::default()
                            },
                        );
                    });
                    session.forget_person();
                }
                Err(error) => {
                    let words = outcome::other(&error);
                    notices.toast(format!("{}. You are still logged in.", words.title));
                }
            }
        });
    })
}

/// A button that logs out.
#[component]
pub(crate) fn LogOutButton() -> impl IntoView {
    let log_out = use_log_out();
    view! { <Button leading=Icon::LogOut on_press=log_out>"Log out"</Button> }.into_any()
}

/// The menu.
#[component]
pub(crate) fn AccountMenu() -> impl IntoView {
    let session = use_session();
    let agency = use_agency();
    let log_out = use_log_out();
    let asks_everywhere = RwSignal::new(false);
    let person = Memo::new(move |_| session.viewer().map(|viewer| viewer.person));
    let name = move || {
        person.with(|person| {
            person
                .as_ref()
                .map(|person| person.name.clone())
                .unwrap_or_default()
        })
    };
    let email = move || {
        person.with(|person| {
            person
                .as_ref()
                .map(|person| person.email.clone())
                .unwrap_or_default()
        })
    };
    let role = move || {
        agency.membership.with(|membership| {
            membership
                .as_ref()
                .map(|membership| role_name(membership.role))
        })
    };
    let version = Loader::new(api::version);
    let face = view! {
        {icon(Icon::Person)}
        <span class="account-name">{name}</span>
        <span class="account-role">{role}</span>
    }
    .into_any();
    view! {
        <Popover class="account" label="Account menu" face=face>
            <div class="account-head">
                <p class="account-name">{name}</p>
                <p class="quiet">{email}</p>
                <p class="quiet">{role}</p>
            </div>
            <ThemeChoice />
            <ul class="menu">
                <li>
                    <button type="button" class="menu-item" on:click=move |_| log_out.run(())>{icon(Icon::LogOut)} "Log out"</button>
                </li>
                <li>
                    <button type="button" class="menu-item" on:click=move |event| {
                        close_around(&event);
                        asks_everywhere.set(true);
                    }>{icon(Icon::LogOut)} "Log out everywhere"</button>
                </li>
            </ul>
            {move || version.data.get().flatten().map(|version| view! { <p class="account-foot">"Ringfence " {version}</p> }.into_any())}
        </Popover>
        <LogOutEverywhere is_open=asks_everywhere />
    }
    .into_any()
}

#[component]
fn ThemeChoice() -> impl IntoView {
    let chosen = RwSignal::new(theme::current());
    let choices = Theme::ALL
        .into_iter()
        .map(|choice| {
            view! {
                <label class="segment">
                    <input
                        type="radio"
                        name="theme"
                        prop:checked=move || chosen.get() == choice
                        on:change=move |_| {
                            theme::choose(choice);
                            chosen.set(choice);
                        }
                    />
                    <span>{choice.label()}</span>
                </label>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <fieldset class="theme">
            <legend>"Theme"</legend>
            <div class="segments">{choices}</div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn LogOutEverywhere(is_open: RwSignal<bool>) -> impl IntoView {
    let session = use_session();
    let notices = use_notices();
    let is_busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<ApiError>);
    let end_all = move |()| {
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            match api::log_out_everywhere().await {
                Ok(count) => {
                    notices.toast(format!(
                        "Logged out of {}.",
                        number::counted(count, "session", "sessions")
                    ));
                    is_open.try_set(false);
                    session.forget_person();
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
            is_busy.try_set(false);
        });
    };
    view! {
        <Dialog is_open=is_open title="Log out everywhere" is_busy=is_busy>
            <div class="dialog-body">
                <p>"All your sessions end at once, in every browser and on every device, this one too. Syncs that run go on."</p>
                {move || failure.get().map(|error| {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words /> }.into_any()
                })}
            </div>
            <div class="dialog-foot">
                <Button is_first_focus=true is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger is_busy=is_busy on_press=end_all>"Log out everywhere"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
