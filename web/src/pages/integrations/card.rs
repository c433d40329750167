//! The card of the Ringfence API: whether scripts get in, the key that most agencies need, and behind "Manage" the switch, the
//! limits and the addresses. An agency whose plan has no API reads what that is and who changes it.

use crate::api::ApiError;
use crate::api::api_keys::{self as api, Access, ApiKey};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::copyable::{Copyable, code_block};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::logic::api_key_words::{self, SCOPES};
use crate::logic::number::grouped;
use crate::logic::outcome;
use crate::pages::integrations::keys::KeysContext;
use leptos::prelude::*;

/// The card; it is drawn when the keys are known.
pub(super) fn card(context: KeysContext) -> AnyView {
    let is_busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<ApiError>);
    let switch = Callback::new(move |is_on: bool| {
        let slug = context.agency.slug.get_untracked();
        // The switch shows what was asked for; an answer that does not come takes it back.
        let show = move |is_on: bool| {
            context.loaded.data.try_update(|data| {
                if let Some(data) = data {
                    data.api_access.is_on = is_on;
                }
            });
        };
        show(is_on);
        is_busy.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::switch(&slug, is_on).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(()) => context.notices.toast(if is_on {
                    "API access is on. The keys in use work again.".to_owned()
                } else {
                    "API access is off. Every key is answered 403, and kept.".to_owned()
                }),
                Err(error) => {
                    show(!is_on);
                    failure.set(Some(error));
                    // Without an answer it may have been switched all the same.
                    context.loaded.reload();
                }
            }
        });
    });
    let has_keys = Memo::new(move |_| context.in_use.with(|keys| !keys.is_empty()));
    let state = Memo::new(move |_| {
        let access = context.access.get();
        access.map(|access| (access.is_in_plan, access.is_on, has_keys.get()))
    });
    view! {
        <section class="card api-card" aria-labelledby="api-card">
            <div class="card-head">
                <span class="monogram" aria-hidden="true">{icon(Icon::Key)}</span>
                <h2 id="api-card">"Ringfence API"</h2>
                <span class="card-state">{dynamic(move || state.get().map_or_else(|| ().into_any(), state_badge))}</span>
            </div>
            <p class="card-lead">"Scripts and other programs read agents and calls, place calls and change what you let them, with a key instead of a log-in. A key never does more than the person who made it may."</p>
            {dynamic(move || match state.get() {
                Some((false, ..)) => without_plan(context),
                Some((true, is_on, true)) => connected(context, is_on, is_busy.into(), switch),
                Some((true, is_on, false)) => not_connected(context, is_on, is_busy.into(), switch),
                None => ().into_any(),
            })}
            {dynamic(move || match failure.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match context.access.get() {
                Some(access) if access.is_in_plan && has_keys.get() && context.is_managing.get() => manage(&access, is_busy.into(), switch),
                _ => ().into_any(),
            })}
        </section>
    }
    .into_any()
}

fn state_badge((is_in_plan, is_on, has_keys): (bool, bool, bool)) -> AnyView {
    match (is_in_plan, is_on, has_keys) {
        (false, ..) => badge(Tone::Neutral, Icon::Lock, "Not in your plan"),
        (true, false, _) => badge(Tone::Warning, Icon::Unplugged, "Off"),
        (true, true, true) => badge(Tone::Good, Icon::Good, "On"),
        (true, true, false) => badge(Tone::Neutral, Icon::Dashed, "Not connected"),
    }
}

fn without_plan(context: KeysContext) -> AnyView {
    let command = format!(
        "ringfence admin set-plan {} agency",
        context.agency.slug.get_untracked()
    );
    view! {
        <Notice
            tone=Tone::Info symbol=Icon::Info title="The plan of this agency has no API"
            text="Keys that were made before are kept and answered 403. Whoever runs this server changes the plan, with this command; the keys work again from that moment."
        />
        {code_block(command, "command")}
    }
    .into_any()
}

fn not_connected(
    context: KeysContext,
    is_on: bool,
    is_busy: Signal<bool>,
    switch: Callback<bool>,
) -> AnyView {
    view! {
        {off_notice(is_on, is_busy, switch)}
        <div class="actions">
            <Button kind=ButtonKind::Primary on_press=move |()| context.is_generating.set(true)>"Connect"</Button>
            <span class="quiet">"Makes a key called Default."</span>
        </div>
        <div class="example">
            <h3>"What a program sends"</h3>
            {code_block(api_key_words::example(&origin(), &SCOPES), "example")}
        </div>
    }
    .into_any()
}

fn connected(
    context: KeysContext,
    is_on: bool,
    is_busy: Signal<bool>,
    switch: Callback<bool>,
) -> AnyView {
    let manage_label = move || {
        if context.is_managing.get() {
            "Close"
        } else {
            "Manage"
        }
    };
    view! {
        {off_notice(is_on, is_busy, switch)}
        {dynamic(move || match context.default_key() {
            Some(key) => key_line(&key),
            None => view! { <p class="quiet">"There is no key called Default; the keys below have names of their own."</p> }.into_any(),
        })}
        <div class="actions">
            {dynamic(move || if context.is_full() && context.default_key().is_none() {
                ().into_any()
            } else {
                view! { <Button leading=Icon::Key on_press=move |()| context.is_generating.set(true)>"Generate API Key"</Button> }.into_any()
            })}
            <button
                type="button" class="button quiet" aria-controls="api-manage"
                aria-expanded=move || context.is_managing.get().to_string()
                on:click=move |_| context.is_managing.update(|is_managing| *is_managing = !*is_managing)
            >{manage_label}</button>
        </div>
    }
    .into_any()
}

fn off_notice(is_on: bool, is_busy: Signal<bool>, switch: Callback<bool>) -> AnyView {
    if is_on {
        return ().into_any();
    }
    view! {
        <Notice
            tone=Tone::Warning symbol=Icon::Unplugged title="API access is off"
            text="Every key of the agency is answered 403. The keys are kept, and work again when it is switched on."
        >
            <Button is_busy=is_busy on_press=move |()| switch.run(true)>"Switch on"</Button>
        </Notice>
    }
    .into_any()
}

fn key_line(key: &ApiKey) -> AnyView {
    let used = match &key.last_used_at {
        Some(at) => view! { "used " {relative_time(at)} }.into_any(),
        None => "never used".into_any(),
    };
    view! {
        <p class="key-line">
            <span class="key-name">{key.name.clone()}</span>
            <code class="masked">{api_key_words::masked(&key.hint)}</code>
            <span class="quiet">{used}</span>
        </p>
    }
    .into_any()
}

/// Where programs reach this server: where its page came from.
pub(super) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// The switch, the limits, the addresses and the example.
fn manage(access: &Access, is_busy: Signal<bool>, switch: Callback<bool>) -> AnyView {
    let origin = origin();
    let is_on = access.is_on;
    let limits = format!(
        "{} requests in any 60 seconds for each key, {} for all keys together. What is over is answered 429 with the time to wait.",
        grouped(access.requests_per_minute_per_key),
        grouped(access.requests_per_minute_per_agency)
    );
    let address = |label: &'static str, what: &'static str, path: &str, text: &'static str| {
        let url = format!("{origin}{path}");
        view! {
            <div>
                <dt>{label}</dt>
                <dd>
                    <Copyable shown=url.clone() copied=url what=what is_code=true />
                    <span class="quiet">{text}</span>
                </dd>
            </div>
        }
        .into_any()
    };
    view! {
        <div id="api-manage" class="api-manage">
            <div class="switch-line">
                <label class="check">
                    <input
                        type="checkbox" role="switch" aria-describedby="api-switch-text" prop:checked=is_on disabled=is_busy
                        on:change=move |event| switch.run(event_target_checked(&event))
                    />
                    <span>"API access"</span>
                </label>
                <p class="quiet" id="api-switch-text">"Off: every key is answered 403 from that moment, and kept. On: the keys in use work again."</p>
            </div>
            <dl class="facts addresses">
                {address("GraphQL", "GraphQL address", "/graphql", "Everything a key's scopes allow; send it as POST.")}
                {address("Found a key", "address for found keys", "/api/v1/keys/exposed", "Whoever finds a key posts it here, which revokes it and does nothing else.")}
                <div><dt>"Limits"</dt><dd class="quiet">{limits}</dd></div>
            </dl>
            <div class="example">
                <h3>"Try it"</h3>
                <p class="quiet">"In a terminal, give the key once; it stands in no history. Then ask."</p>
                {code_block(api_key_words::SET_KEY.to_owned(), "command")}
                {code_block(api_key_words::example(&origin, &SCOPES), "example")}
            </div>
        </div>
    }
    .into_any()
}
