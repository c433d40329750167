//! The card of a client that has no key of its own for a provider (R1): which key its agents call over instead, and the way to
//! one of its own.

use crate::api::provider_keys::AgencyKey;
use crate::components::badge::{Tone, badge, health_badge};
use crate::components::button::Button;
use crate::components::error_notice::Notice;
use crate::components::icons::Icon;
use crate::logic::breaker_words;
use crate::pages::api_keys::bring_back::bring_back;
use crate::pages::api_keys::card::CardContext;
use leptos::prelude::*;

/// The agency's key, which counts for the client.
pub(super) fn agency_key(card: CardContext) -> Option<AgencyKey> {
    let provider = card.provider();
    card.page.keys.data.with(|data| {
        data.as_ref()?
            .agency_keys
            .nodes
            .iter()
            .find(|key| key.provider == provider)
            .cloned()
    })
}

/// Whose key counts, at the card's right.
pub(super) fn badge_without_key(card: CardContext) -> AnyView {
    match agency_key(card) {
        Some(_) => badge(Tone::Neutral, Icon::Key, "Agency key"),
        None => badge(Tone::Neutral, Icon::Dashed, "No key"),
    }
}

/// The body of the card.
pub(super) fn without_key(card: CardContext) -> AnyView {
    let name = card.name();
    let provider = name.clone();
    let counts = move || {
        match agency_key(card) {
        Some(key) => view! {
            <p class="key-line">
                <span>"Uses the agency key " {key.masked_key.map(|mask| view! { <code class="masked">{mask}</code> }.into_any())}</span>
                {health_badge(key.health, key.is_readable)}
            </p>
            {key.is_breaker_open.then(|| agency_breaker(card))}
        }
        .into_any(),
        None => view! { <p>{format!("No key: its {provider} agents cannot call.")}</p> }.into_any(),
    }
    };
    let action = move || {
        if card.page.may_manage.get() {
            view! {
                <div class="actions">
                    <Button on_press=move |()| card.is_replacing().set(true)>"Use an own key"</Button>
                </div>
            }
            .into_any()
        } else {
            view! { <p class="reason">{locked_reason(card)}</p> }.into_any()
        }
    };
    view! {
        {counts}
        {action}
        {bring_back(card)}
    }
    .into_any()
}

/// The agency's key is rejected, and with it the client's calls are refused (R8).
fn agency_breaker(card: CardContext) -> AnyView {
    let words = breaker_words::of_agency(&card.name());
    let href = move || card.agency.path("/settings/api-keys");
    view! {
        <Notice tone=Tone::Bad symbol=Icon::Bad title=words.title text=words.text>
            <a class="button" href=href>"Open the agency's API keys"</a>
        </Notice>
    }
    .into_any()
}

/// Why nothing can be changed here.
pub(super) fn locked_reason(card: CardContext) -> String {
    let name = card.name();
    match card.client() {
        Some(client) if client.is_archived => format!(
            "{} is archived: its keys stay as they are until it is restored.",
            client.name
        ),
        Some(client) => {
            format!(
                "Only owners and admins can change the {name} key of {}.",
                client.name
            )
        }
        None => "Only owners and admins can test, replace or clear this key.".to_owned(),
    }
}
