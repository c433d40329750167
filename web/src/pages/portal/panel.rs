//! The panel of one agent, for a client's people: whether it can call, and the numbers that it answers. Whose key its calls go
//! over is the agency's to know.

use crate::api::enums::{AgentStatus, ErrorCode, Permission};
use crate::api::portal::{self as api, Agent};
use crate::components::badge::{Tone, agent_badge};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::side_panel::SidePanel;
use crate::components::skeleton::skeleton_lines;
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::outcome::{self, Words};
use crate::logic::provider_name::provider_name;
use crate::pages::agents::number_item;
use crate::pages::listing::{Listing, Loaded};
use crate::session::AgencyContext;
use leptos::prelude::*;

/// The panel of the agent with this id.
#[component]
pub(super) fn PortalAgentPanel(listing: Listing, loaded: Loaded, id: String) -> impl IntoView {
    let agency = listing.agency;
    let asked = StoredValue::new(id.clone());
    let agent = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::agent(&slug, asked.try_get_value().unwrap_or_default()).await }
    });
    // The name stands in the list already; the panel need not wait for it.
    let listed_name = loaded
        .rows
        .get_untracked()
        .into_iter()
        .find(|row| row.id == id)
        .map(|row| row.name);
    let title = Signal::derive(move || {
        agent
            .data
            .with(|agent| agent.as_ref().map(|agent| agent.name.clone()))
            .or_else(|| listed_name.clone())
            .unwrap_or_else(|| "Agent".to_owned())
    });
    view! {
        <SidePanel title=title on_close=move |()| listing.open(None)>
            {move || agent.error.get().map(|error| {
                let words = if error.is(ErrorCode::NotFound) {
                    Words::new("This agent is not here", "The link may be old, or the agent works for somebody else.")
                } else {
                    outcome::other(&error)
                };
                view! { <ErrorNotice error=error words=words on_retry=move |()| agent.reload() /> }.into_any()
            })}
            {move || match agent.data.get() {
                Some(agent) => details(agency, agent),
                None if agent.error.with(Option::is_some) => ().into_any(),
                None => skeleton_lines(5),
            }}
        </SidePanel>
    }
    .into_any()
}

fn details(agency: AgencyContext, agent: Agent) -> AnyView {
    let Agent {
        status,
        is_reachable,
        provider,
        phone_numbers,
        phone_number_count,
        updated_at,
        ..
    } = agent;
    let more = usize::try_from(phone_number_count)
        .unwrap_or(0)
        .saturating_sub(phone_numbers.len());
    let numbers = phone_numbers
        .into_iter()
        .map(|number| {
            number_item(
                number.number,
                number.sip_uri,
                number.name,
                &number.carrier,
                number.status,
            )
        })
        .collect::<Vec<_>>();
    let numbers = if numbers.is_empty() {
        view! { <p class="quiet">"None."</p> }.into_any()
    } else {
        view! {
            <ul class="number-list">{numbers}</ul>
            {(more > 0).then(|| {
                let more = counted(i64::try_from(more).unwrap_or(i64::MAX), "more", "more");
                view! { <p class="quiet">{format!("And {more}.")}</p> }.into_any()
            })}
        }
        .into_any()
    };
    view! {
        <p class="panel-status">{agent_badge(status, is_reachable)} <span class="quiet">"Changed " {relative_time(&updated_at)}</span></p>
        {notice(agency, status, is_reachable, provider_name(provider))}
        <dl class="facts">
            <div><dt>"Provider"</dt><dd>{provider_name(provider)}</dd></div>
        </dl>
        <section>
            <h3>"Numbers that it answers"</h3>
            {numbers}
        </section>
    }
    .into_any()
}

/// Why it cannot call, and whom to ask.
fn notice(
    agency: AgencyContext,
    status: AgentStatus,
    is_reachable: bool,
    provider: &str,
) -> AnyView {
    let agency_name = untrack(|| agency.name());
    let (title, text) = match status {
        AgentStatus::Inactive => (
            "This agent is inactive",
            format!("{provider} does not show it any more. Ask {agency_name} about it."),
        ),
        AgentStatus::Active if !is_reachable => (
            "This agent cannot call now",
            format!("No working key reaches it at {provider}. Ask {agency_name} to look at it."),
        ),
        _ => return ().into_any(),
    };
    let may_hand_in = untrack(|| agency.may(Permission::HandInKeys));
    if status == AgentStatus::Active && may_hand_in {
        let href = agency.path(super::KEYS);
        return view! {
            <Notice tone=Tone::Warning symbol=Icon::Unplugged title=title text=text>
                <a class="card-link" href=href>"Your API keys" {icon(Icon::Next)}</a>
            </Notice>
        }
        .into_any();
    }
    view! { <Notice tone=Tone::Warning symbol=Icon::Warning title=title text=text /> }.into_any()
}
