//! What stands with a client: its figures, whose key its calls go over for each provider, and what to do next.

use crate::api::clients::{Client, ClientDetails};
use crate::api::enums::Permission;
use crate::components::badge::{Tone, badge, health_badge};
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::skeleton::{skeleton_cards, skeleton_lines};
use crate::erased::dynamic;
use crate::logic::client_words::{NextStep, next_step};
use crate::logic::number::{counted, grouped};
use crate::logic::provider_name::provider_name;
use crate::pages::client::ClientContext;
use leptos::prelude::*;

/// The tab.
pub(super) fn overview(page: ClientContext) -> AnyView {
    let body = dynamic(move || match page.details.get() {
        Some(details) => loaded(page, &details),
        None if page.loader.error.with(Option::is_some) => ().into_any(),
        None => view! { {skeleton_lines(3)} {skeleton_cards(1)} }.into_any(),
    });
    view! { <div class="tab-page">{body}</div> }.into_any()
}

fn loaded(page: ClientContext, details: &ClientDetails) -> AnyView {
    let client = &details.client;
    let agents = page.path("/agents");
    let keys = page
        .agency
        .may(Permission::ViewKeyStatus)
        .then(|| page.path("/api-keys"));
    let own_keys = i64::try_from(client.provider_keys.len()).unwrap_or(0);
    view! {
        <dl class="counts">
            {figure("Agents", client.agent_count, Some(agents.clone()))}
            {figure("Cannot call", client.unreachable_agent_count, Some(format!("{agents}?reachable=no")))}
            {figure("Keys of its own", own_keys, keys.clone())}
        </dl>
        {hint(page, client)}
        {key_card(details, keys)}
    }
    .into_any()
}

fn figure(label: &'static str, value: i64, href: Option<String>) -> AnyView {
    let figure = grouped(value);
    let shown = match href {
        Some(href) => {
            let spoken = format!("{label}: {figure}");
            view! { <a href=href aria-label=spoken>{figure}</a> }.into_any()
        }
        None => figure.into_any(),
    };
    view! { <div class="count-tile"><dt>{label}</dt><dd class="figures">{shown}</dd></div> }
        .into_any()
}

/// What to do next.
fn hint(page: ClientContext, client: &Client) -> AnyView {
    let unreachable = client.unreachable_agent_count;
    let step = next_step(
        client.archived_at.is_some(),
        client.agent_count,
        unreachable,
        client.provider_keys.len(),
    );
    let agents = page.path("/agents");
    let may_view_keys = page.agency.may(Permission::ViewKeyStatus);
    let (tone, symbol, title, text, link) = match step {
        NextStep::AssignAgents => (
            Tone::Info,
            Icon::Agents,
            format!("{} has no agents yet", client.name),
            "Choose which of your imported agents work for it. Nothing is changed at the provider.",
            Some((format!("{agents}?assign=yes"), "Assign agents")),
        ),
        NextStep::LookAtAgents => (
            Tone::Warning,
            Icon::Unplugged,
            format!("{} cannot call", counted(unreachable, "agent", "agents")),
            "The key of their calls was refused or opens an account that does not hold them, or there is none.",
            Some((format!("{agents}?reachable=no"), "Show them")),
        ),
        NextStep::SaveKey => (
            Tone::Info,
            Icon::Key,
            "Its calls go over your agency's keys".to_owned(),
            "Your agency pays for them. With a provider key of its own the client pays for itself.",
            may_view_keys.then(|| (page.path("/api-keys"), "Open its API keys")),
        ),
        // An archived client says so above its tabs.
        NextStep::Restore | NextStep::Nothing => return ().into_any(),
    };
    view! {
        <Notice tone=tone symbol=symbol title=title text=text>
            {link.map(|(href, label)| view! { <a class="button" href=href>{label}</a> }.into_any())}
        </Notice>
    }
    .into_any()
}

/// Whose key the client's calls go over, a line for each provider.
pub(super) fn key_card(details: &ClientDetails, link: Option<String>) -> AnyView {
    let lines = details
        .providers
        .iter()
        .filter(|info| info.is_available)
        .map(|info| {
            let own = details
                .client
                .provider_keys
                .iter()
                .find(|key| key.provider == info.provider);
            let agencys = details
                .provider_keys
                .nodes
                .iter()
                .find(|key| key.provider == info.provider);
            let (text, state) = match (own, agencys) {
                (Some(key), _) => ("Own key", health_badge(key.health, key.is_readable)),
                (None, Some(key)) => (
                    "Uses the agency key",
                    health_badge(key.health, key.is_readable),
                ),
                (None, None) => (
                    "No key, neither its own nor the agency's",
                    badge(Tone::Neutral, Icon::Dashed, "Not connected"),
                ),
            };
            view! { <li><span class="key-name">{provider_name(info.provider)}</span> <span class="quiet">{text}</span> {state}</li> }
                .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card">
            <div class="card-head">
                <h2>"Whose key its calls go over"</h2>
                {link.map(|href| view! { <a class="card-link" href=href>"API keys" {icon(Icon::Next)}</a> }.into_any())}
            </div>
            <ul class="key-health">{lines}</ul>
        </section>
    }
    .into_any()
}
