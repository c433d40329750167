//! The body of a card whose key is stored: what it is, what it can do, how the last sync went, and the quiet actions on it.

use crate::api::enums::{Capability, CapabilityState, Cipher, KeyHealth, Region};
use crate::api::provider_keys::{ProviderKey, SameKey};
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::logic::outcome;
use crate::logic::{breaker_words, key_preview, provider_name, query_string};
use crate::pages::api_keys::card::{CardContext, capability_name};
use crate::pages::api_keys::client_card::locked_reason;
use crate::pages::api_keys::placements::placements;
use crate::pages::sync_strip::SyncStrip;
use leptos::prelude::*;

/// The body of a connected card.
pub(super) fn connected(card: CardContext) -> AnyView {
    let name = card.name();
    let retry = Callback::new(move |()| card.start_sync());
    view! {
        {move || card.stored.get().map(|key| facts(card, key))}
        {move || card.is_testing.get().then(|| testing(&card.name()))}
        {move || card.failure.get().map(|(error, words)| view! { <ErrorNotice error=error words=words /> }.into_any())}
        {placements(card)}
        <SyncStrip run=card.run provider_name=name on_retry=retry />
        <Actions card=card />
    }
    .into_any()
}

/// The line that is spoken and shown while a provider is asked (checklist 11).
pub(crate) fn testing(name: &str) -> AnyView {
    view! { <p class="testing">{icon(Icon::Spinner)} <span>{format!("Testing with {name}…")}</span></p> }.into_any()
}

/// The same line while a key is tried and its account is read, or while it is put in use.
pub(super) fn busy_line(name: &str, is_saving: bool) -> AnyView {
    if is_saving {
        return testing(name);
    }
    view! { <p class="testing">{icon(Icon::Spinner)} <span>{format!("Testing with {name} and reading what its account holds…")}</span></p> }.into_any()
}

fn facts(card: CardContext, key: ProviderKey) -> AnyView {
    let account = key.account.map(|account| {
        // A provider that names no organization leaves its id as the name.
        let is_id =
            account.remote_id.as_deref() == Some(account.name.as_str()) || account.name.len() == 36;
        view! { <span>"Account " <span class:code=is_id>{account.name}</span></span> }.into_any()
    });
    let masked = key.masked_key;
    let checked = key.checked_at.as_deref().map(relative_time);
    let region = (key.region == Region::Eu).then_some("EU region");
    view! {
        <p class="key-line">
            {match masked {
                Some(masked) => view! { <code class="masked">{masked}</code> }.into_any(),
                None => view! { <span>"Key stored"</span> }.into_any(),
            }}
            {account}
            {region.map(|region| view! { <span>{region}</span> }.into_any())}
            <span class="quiet">{match checked {
                Some(checked) => view! { "Checked " {checked} }.into_any(),
                None => "Never checked".into_any(),
            }}</span>
        </p>
        {(key.is_breaker_open && key.is_readable).then(|| breaker(card))}
        {advice(card, key.health, key.is_readable, key.is_breaker_open, key.health_message, &key.capabilities.iter().filter(|c| c.state == CapabilityState::No).map(|c| capability_name(c.capability)).collect::<Vec<_>>())}
        {same_key(key.same_keys.as_deref().unwrap_or_default())}
        // Of a key that the provider refuses nothing is known, and the notice above says all there is to say.
        {(key.health != KeyHealth::Invalid).then(|| view! {
            <ul class="ticks" aria-label="What this key can do">
                {key.capabilities.into_iter().map(|capability| tick(capability.capability, capability.state)).collect::<Vec<_>>()}
            </ul>
        }.into_any())}
        {key.cipher.map(|cipher| view! {
            <p class="seal">
                {icon(Icon::Lock)}
                <span>
                    {cipher_name(cipher)} ", version " {key.version} ", saved " {relative_time(&key.saved_at)}
                    {key.saved_by.map(|person| view! { " by " {person.name} }.into_any())}
                </span>
            </p>
        }.into_any())}
    }
    .into_any()
}

/// Where the very same key is stored too (K11).
fn same_key(keys: &[SameKey]) -> AnyView {
    let places = keys
        .iter()
        .map(|key| key.client.as_ref().map(|client| client.name.as_str()));
    match key_preview::same_key(places) {
        Some(text) => {
            view! { <p class="same-key">{icon(Icon::Info)} <span>{text}</span></p> }.into_any()
        }
        None => ().into_any(),
    }
}

/// Why no call is tried (R8), and what ends that.
fn breaker(card: CardContext) -> AnyView {
    let client = card.client();
    let words = breaker_words::of_key(&card.name(), client.as_ref().map(|it| it.name.as_str()));
    view! { <Notice tone=Tone::Bad symbol=Icon::Bad title=words.title text=words.text /> }
        .into_any()
}

fn advice(
    card: CardContext,
    health: KeyHealth,
    is_readable: bool,
    is_breaker_open: bool,
    message: Option<String>,
    lacking: &[&'static str],
) -> AnyView {
    let name = card.name();
    let said = message.filter(|_| is_readable).map(|message| {
        view! { <p class="said">{format!("{name} says: “{message}”")}</p> }.into_any()
    });
    if is_breaker_open && is_readable && health == KeyHealth::Invalid {
        // The notice about the breaker has said it, and what helps.
        return said.into_any();
    }
    let (tone, symbol, words) = if is_readable {
        let Some(words) = outcome::health_advice(health, &name, lacking) else {
            return ().into_any();
        };
        match health {
            KeyHealth::Invalid => (Tone::Bad, Icon::Bad, words),
            _ => (Tone::Warning, Icon::Warning, words),
        }
    } else {
        let words = outcome::Words::new(
            "This key cannot be opened",
            format!(
                "It was sealed with another master key than the one in use. Enter the {name} key again; until then its agents cannot call."
            ),
        );
        (Tone::Bad, Icon::Lock, words)
    };
    if health == KeyHealth::NoFunds && is_readable {
        let url = card.info.with_value(|info| {
            let usual = &info.dashboard_url;
            info.top_up_url.as_ref().unwrap_or(usual).clone()
        });
        return view! {
            <Notice tone=tone symbol=symbol title=words.title text=words.text>
                <a class="outside" href=url target="_blank" rel="external noopener noreferrer">
                    {format!("Top up at {name}")} {icon(Icon::External)} <span class="visually-hidden">"(opens in a new tab)"</span>
                </a>
            </Notice>
            {said}
        }
        .into_any();
    }
    view! {
        <Notice tone=tone symbol=symbol title=words.title text=words.text />
        {said}
    }
    .into_any()
}

fn tick(capability: Capability, state: CapabilityState) -> AnyView {
    let (tone, symbol, verb) = match state {
        CapabilityState::Yes => ("good", Icon::Check, "Can"),
        CapabilityState::No => ("bad", Icon::Close, "Cannot"),
        CapabilityState::Unknown => ("neutral", Icon::Question, "Not known whether it can"),
    };
    view! { <li class=format!("tick {tone}")>{icon(symbol)} <span>{verb} " " {capability_name(capability)}</span></li> }.into_any()
}

fn cipher_name(cipher: Cipher) -> &'static str {
    match cipher {
        Cipher::XChaCha20Poly1305 => "Sealed with XChaCha20-Poly1305",
        Cipher::Aes256Gcm => "Sealed with AES-256-GCM",
        Cipher::Unknown => "Sealed",
    }
}

#[component]
fn Actions(card: CardContext) -> impl IntoView {
    let reason_id = fresh_id("reason");
    let described_by = reason_id.clone();
    let may_manage = card.page.may_manage;
    let is_readable = Memo::new(move |_| {
        card.stored
            .with(|key| key.as_ref().is_none_or(|key| key.is_readable))
    });
    let is_locked = Signal::derive(move || !may_manage.get());
    let cannot_test = Signal::derive(move || !may_manage.get() || !is_readable.get());
    let cannot_sync = Signal::derive(move || {
        !is_readable.get()
            || card.run.with(|run| {
                run.as_ref()
                    .is_some_and(|run| !crate::api::sync_runs::has_ended(run.state))
            })
    });
    let link = move |page: &str| {
        let slug = provider_name::slug(card.provider());
        query_string::joined(&card.agency.path(page), &[("provider", slug)])
    };
    view! {
        <div class="card-actions">
            <Button kind=ButtonKind::Quiet leading=Icon::Refresh is_busy=card.is_starting_sync is_disabled=cannot_sync on_press=move |()| card.start_sync()>
                "Sync now"
            </Button>
            <Button
                kind=ButtonKind::Quiet described_by=described_by.clone() is_busy=card.is_testing is_disabled=cannot_test
                on_press=move |()| card.test()
            >
                "Test"
            </Button>
            <Button kind=ButtonKind::Quiet described_by=described_by.clone() is_disabled=is_locked on_press=move |()| card.is_replacing().set(true)>
                "Replace"
            </Button>
            <Button kind=ButtonKind::Quiet described_by=described_by is_disabled=is_locked on_press=move |()| card.is_clearing().set(true)>
                "Clear"
            </Button>
            {move || may_manage.get().then(|| view! {
                <Button kind=ButtonKind::Quiet on_press=move |()| card.is_showing_versions().set(true)>"Versions"</Button>
            }.into_any())}
            <a class="button quiet" href=move || link("/settings/sync-history")>"Sync history"</a>
            {move || may_manage.get().then(|| view! { <a class="button quiet" href=link("/settings/audit")>"Activity"</a> }.into_any())}
        </div>
        {move || is_locked.get().then(|| view! {
            <p class="reason" id=reason_id.clone()>{locked_reason(card)}</p>
        }.into_any())}
    }
    .into_any()
}
