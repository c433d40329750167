//! The panel of one agent, for a client's people: whether it can call, and the numbers that it answers. Whose key its calls go
//! over is the agency's to know.

use crate::api::enums::{AgentStatus, Permission};
use crate::api::portal::{self as api, Agent};
use crate::components::badge::{Tone, agent_badge};
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::provider_name::provider_name;
use crate::pages::agents::{calls_link, number_item};
use crate::pages::listing::panel::{PanelSpec, row_panel};
use crate::pages::listing::{Listing, Loaded};
use crate::pages::test_call::TestCall;
use crate::session::AgencyContext;
use leptos::prelude::*;

static PANEL: PanelSpec = PanelSpec {
    unnamed: "Agent",
    absent: (
        "This agent is not here",
        "The link may be old, or the agent works for somebody else.",
    ),
    skeleton_lines: 5,
};

/// The panel of the agent with this id.
pub(super) fn agent_panel(listing: Listing, loaded: Loaded, id: String) -> AnyView {
    let agency = listing.agency;
    let listed_name = loaded.name_of(&id);
    let asked = StoredValue::new(id);
    let agent = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::agent(&slug, asked.try_get_value().unwrap_or_default()).await }
    });
    let name = |agent: &Agent| agent.name.clone();
    row_panel(listing, &PANEL, listed_name, agent, name, move |agent| {
        let (id, name) = (asked.get_value(), agent.name.clone());
        // A call that nobody could take is not offered; the notice says why.
        let can_call = agent.status == AgentStatus::Active && agent.is_reachable;
        let calls = view! {
            {can_call.then(|| view! { <TestCall agency=agency agent_id=id.clone() agent_name=name /> }.into_any())}
            {calls_link(agency, &id)}
        };
        details(agency, agent, calls.into_any())
    })
}

fn details(agency: AgencyContext, agent: Agent, calls: AnyView) -> AnyView {
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
        {calls}
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
