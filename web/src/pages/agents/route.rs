//! "Why this key?": the way of an agent's calls as a line of stations (R6), asked anew each time the panel opens. What is
//! taken is solid, what was passed over is hollow with its reason, and what blocks the call is red with the way to mend it.

use crate::api::enums::{Permission, RouteState};
use crate::api::routes::{self as api, Route};
use crate::components::badge::{Tone, badge};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::skeleton::skeleton_lines;
use crate::loader::Loader;
use crate::logic::outcome;
use crate::logic::route_line::{self, Mark, Place, Stop};
use crate::session::AgencyContext;
use leptos::prelude::*;

/// The section of the agent with this id.
#[component]
pub(super) fn AgentRoute(agency: AgencyContext, id: String) -> impl IntoView {
    let asked = StoredValue::new(id);
    let route = Loader::new(move || {
        let (slug, details) = (agency.slug.get(), agency.may(Permission::ViewKeyDetails));
        async move { api::explain(&slug, asked.try_get_value().unwrap_or_default(), details).await }
    });
    view! {
        <section class="route">
            <h3>"Why this key?"</h3>
            {move || route.error.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| route.reload() /> }.into_any()
            })}
            {move || match route.data.get() {
                Some(answer) => drawn(agency, &answer),
                None if route.error.with(Option::is_some) => ().into_any(),
                None => skeleton_lines(4),
            }}
        </section>
    }
    .into_any()
}

fn drawn(agency: AgencyContext, route: &Route) -> AnyView {
    let (tone, symbol) = match route.state {
        RouteState::Ready => (Tone::Good, Icon::Good),
        RouteState::Doubtful => (Tone::Warning, Icon::Warning),
        RouteState::Blocked => (Tone::Bad, Icon::Bad),
        RouteState::Unknown => (Tone::Neutral, Icon::Question),
    };
    let stops = route_line::stops(route);
    view! {
        <p class="route-state">
            {badge(tone, symbol, route_line::state_word(route.state))}
            <span>{route_line::payer(route)}</span>
        </p>
        <ol class="route-line" aria-label="The way of a call">{stops.into_iter().map(station).collect::<Vec<_>>()}</ol>
        {mend(agency, route, tone, symbol)}
    }
    .into_any()
}

fn station(stop: Stop) -> AnyView {
    let (class, symbol) = match stop.mark {
        Mark::Taken => ("taken", Some(Icon::Check)),
        Mark::Doubted => ("doubted", Some(Icon::Warning)),
        Mark::Blocked => ("blocked", Some(Icon::Close)),
        Mark::PassedOver => ("passed-over", None),
        Mark::NotReached => ("not-reached", None),
    };
    view! {
        <li class=class class:goes-on=stop.goes_on>
            <span class="route-mark" aria-hidden="true">{symbol.map(icon)}</span>
            <div>
                <p class="route-title">
                    <span>{stop.title}</span>
                    {stop.mask.map(|mask| view! { <code class="masked">{mask}</code> }.into_any())}
                </p>
                <p class="route-reason"><span class="route-word">{stop.word}</span> " " {stop.text}</p>
            </div>
        </li>
    }
    .into_any()
}

/// What to do about it, with the page where it is done.
fn mend(agency: AgencyContext, route: &Route, tone: Tone, symbol: Icon) -> AnyView {
    let link = mending_link(agency, route);
    match &route.block {
        Some(block) => view! {
            <Notice tone=tone symbol=symbol title=block.message.clone() text=block.fix.clone()>{link}</Notice>
        }
        .into_any(),
        None => link,
    }
}

/// The page where what stands in a route's way is mended; nothing where nothing does.
pub(crate) fn mending_link(agency: AgencyContext, route: &Route) -> AnyView {
    let Some(place) = route_line::place(route) else {
        return ().into_any();
    };
    let client = route.client.as_ref().map(|client| client.name.clone());
    let (href, label) = untrack(|| match place {
        Place::AgencyKeys => (
            agency.path("/settings/api-keys"),
            "Open API keys".to_owned(),
        ),
        Place::ClientKeys(id) => (
            agency.path(&format!("/clients/{id}/api-keys")),
            format!("Open {}'s API keys", client.unwrap_or_default()),
        ),
        Place::Client(id) => (
            agency.path(&format!("/clients/{id}")),
            format!("Open {}", client.unwrap_or_default()),
        ),
    });
    view! { <a class="card-link" href=href>{label} {icon(Icon::Next)}</a> }.into_any()
}
