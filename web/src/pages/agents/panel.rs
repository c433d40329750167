//! The panel of one agent: its definition, where it lives at the provider, and the numbers that it answers. Closing it puts
//! the focus back on the agent's row.

use crate::api::agents::{self as api, Agent, AgentClient, AgentPhoneNumber, AgentPlacement};
use crate::api::enums::{AgentStatus, InactiveReason, Permission, PhoneNumberStatus};
use crate::components::badge::Tone;
use crate::components::badge::{agent_badge, number_badge};
use crate::components::copyable::Copyable;
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::carrier::carrier_name;
use crate::logic::number::counted;
use crate::logic::provider_name::provider_name;
use crate::logic::{call_filter, model_name, phone, query_string};
use crate::pages::agents::route::AgentRoute;
use crate::pages::calls;
use crate::pages::listing::panel::{PanelSpec, row_panel};
use crate::pages::listing::{Listing, Loaded};
use crate::pages::test_call::TestCall;
use crate::session::AgencyContext;
use leptos::prelude::*;

/// Prompts longer than this are folded.
const FOLDED_PROMPT_CHARACTERS: usize = 600;

static PANEL: PanelSpec = PanelSpec {
    unnamed: "Agent",
    absent: (
        "This agent is not here",
        "The link may be old, or the agent belongs to another agency.",
    ),
    skeleton_lines: 8,
};

/// The panel of the agent with this id.
pub(super) fn agent_panel(listing: Listing, loaded: Loaded, id: String) -> AnyView {
    let agency = listing.agency;
    let listed_name = loaded.name_of(&id);
    let numbers_link =
        query_string::joined(&untrack(|| agency.path("/numbers")), &[("agent", &id)]);
    let asked = StoredValue::new(id);
    let agent = Loader::new(move || {
        let (slug, details) = (agency.slug.get(), agency.may(Permission::ViewKeyDetails));
        async move { api::get(&slug, asked.try_get_value().unwrap_or_default(), details).await }
    });
    let name = |agent: &Agent| agent.name.clone();
    row_panel(listing, &PANEL, listed_name, agent, name, move |agent| {
        let (id, name) = (agent.id.clone(), agent.name.clone());
        let route = view! {
            <TestCall agency=agency agent_id=id.clone() agent_name=name />
            <AgentRoute agency=agency id=id.clone() />
            {calls_link(agency, &id)}
        };
        details(agency, agent, &numbers_link, route.into_any())
    })
}

fn details(agency: AgencyContext, agent: Agent, numbers_link: &str, route: AnyView) -> AnyView {
    let Agent {
        status,
        is_reachable,
        provider,
        client,
        definition,
        placements,
        phone_numbers,
        phone_number_count,
        updated_at,
        ..
    } = agent;
    let model = definition
        .model
        .map(|model| model_name::whole(&model.vendor, &model.name));
    let voice = definition
        .voice
        .map(|voice| format!("{} {}", voice.engine, voice.voice_id));
    let state_notice = notice(status, provider_name(provider), &placements);
    view! {
        <p class="panel-status">{agent_badge(status, is_reachable)} <span class="quiet">"Changed " {relative_time(&updated_at)}</span></p>
        {state_notice}
        {route}
        <dl class="facts">
            <div><dt>"Works for"</dt><dd>{client_link(agency, client)}</dd></div>
            {fact("Model", model)}
            {fact("Voice", voice)}
            {fact("Language", definition.language)}
        </dl>
        {text_block("First message", definition.first_message, "The agent waits for the caller to speak.")}
        {prompt_block(definition.prompt)}
        <section>
            <h3>"Numbers that it answers"</h3>
            {numbers(phone_numbers, phone_number_count, numbers_link)}
        </section>
        <section>
            <h3>"At the provider"</h3>
            {placements.into_iter().map(placement).collect::<Vec<_>>()}
        </section>
    }
    .into_any()
}

/// The calls of this agent, for whoever sees calls.
pub(crate) fn calls_link(agency: AgencyContext, id: &str) -> AnyView {
    if untrack(|| !agency.may(Permission::ViewCalls)) {
        return ().into_any();
    }
    let path = untrack(|| agency.path(calls::PATH));
    let href = query_string::joined(&path, &[(call_filter::AGENT, id)]);
    view! { <a class="card-link" href=href>"Calls of this agent" {icon(Icon::Next)}</a> }.into_any()
}

/// The client that it works for, or the agency itself.
fn client_link(agency: AgencyContext, client: Option<AgentClient>) -> AnyView {
    let Some(AgentClient {
        id,
        name,
        archived_at,
    }) = client
    else {
        return view! { <span class="quiet">"your agency itself"</span> }.into_any();
    };
    let href = agency.path(&format!("/clients/{id}"));
    let state = archived_at.map(|_| " (archived)");
    view! { <a href=href>{name}</a> {state} }.into_any()
}

/// That its provider has it no more, where that is so; what else stops its calls is told by their route.
fn notice(status: AgentStatus, provider: &str, placements: &[AgentPlacement]) -> AnyView {
    let (title, text) = match status {
        AgentStatus::Inactive => {
            let is_hidden = placements
                .iter()
                .any(|placement| placement.inactive_reason == Some(InactiveReason::NotVisible));
            let text = if is_hidden {
                format!(
                    "The stored key may no longer see it at {provider}. It becomes active again when a sync sees it."
                )
            } else {
                format!(
                    "{provider} no longer has it. It is kept here with all that was known, and becomes active again when it returns."
                )
            };
            ("This agent is inactive", text)
        }
        _ => return ().into_any(),
    };
    view! { <Notice tone=Tone::Warning symbol=Icon::Warning title=title text=text /> }.into_any()
}

fn fact(name: &'static str, value: Option<String>) -> AnyView {
    let value = match value {
        Some(value) => value.into_any(),
        None => view! { <span class="quiet">"not told"</span> }.into_any(),
    };
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

fn text_block(title: &'static str, text: Option<String>, absent: &'static str) -> AnyView {
    view! {
        <section>
            <h3>{title}</h3>
            {match text.filter(|text| !text.trim().is_empty()) {
                Some(text) => view! { <p class="prose">{text}</p> }.into_any(),
                None => view! { <p class="quiet">{absent}</p> }.into_any(),
            }}
        </section>
    }
    .into_any()
}

fn prompt_block(prompt: Option<String>) -> AnyView {
    let prompt = match prompt {
        Some(prompt) if prompt.chars().count() > FOLDED_PROMPT_CHARACTERS => prompt,
        short => return text_block("Prompt", short, "This agent has no prompt of its own."),
    };
    let is_unfolded = RwSignal::new(false);
    view! {
        <section>
            <h3>"Prompt"</h3>
            <p class="prose" class:folded=move || !is_unfolded.get()>{prompt}</p>
            <button
                type="button"
                class="link-button"
                aria-expanded=move || is_unfolded.get().to_string()
                on:click=move |_| is_unfolded.update(|is_unfolded| *is_unfolded = !*is_unfolded)
            >
                {move || if is_unfolded.get() { "Show less" } else { "Show the whole prompt" }}
            </button>
        </section>
    }
    .into_any()
}

fn numbers(numbers: Vec<AgentPhoneNumber>, count: i64, link: &str) -> AnyView {
    if numbers.is_empty() {
        return view! { <p class="quiet">"None. Attach a number to it at the provider; the next sync brings it here."</p> }.into_any();
    }
    let all = if count == 1 {
        "Show it in Numbers".to_owned()
    } else {
        format!(
            "Show all {} in Numbers",
            counted(count, "number", "numbers")
        )
    };
    let rows = numbers
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
    view! {
        <ul class="number-list">{rows}</ul>
        <a class="card-link" href=link.to_owned()>{all} {icon(Icon::Next)}</a>
    }
    .into_any()
}

/// A number in the list of those that an agent answers.
pub(crate) fn number_item(
    number: Option<String>,
    sip_uri: Option<String>,
    name: Option<String>,
    carrier: &str,
    status: PhoneNumberStatus,
) -> AnyView {
    let value = number.clone().or(sip_uri).unwrap_or_default();
    let shown = number
        .as_deref()
        .map_or_else(|| value.clone(), phone::formatted);
    let about: Vec<String> = [name.filter(|name| *name != value), carrier_name(carrier)]
        .into_iter()
        .flatten()
        .collect();
    view! {
        <li>
            <span class="figures"><Copyable shown=shown copied=value what="number" /></span>
            <span class="quiet">{about.join(" · ")}</span>
            {number_badge(status)}
        </li>
    }
    .into_any()
}

fn placement(placement: AgentPlacement) -> AnyView {
    let AgentPlacement {
        provider,
        remote_id,
        account,
        status,
        last_seen_at,
        ..
    } = placement;
    let shown = remote_id.clone();
    view! {
        <dl class="facts">
            <div><dt>"Provider"</dt><dd>{provider_name(provider)} {account.map(|account| format!(", {}", account.name))}</dd></div>
            <div><dt>"Id"</dt><dd><Copyable shown=shown copied=remote_id what="id" is_code=true /></dd></div>
            <div>
                <dt>{if status == AgentStatus::Inactive { "Last seen" } else { "Seen" }}</dt>
                <dd>{relative_time(&last_seen_at)}</dd>
            </div>
        </dl>
    }
    .into_any()
}
