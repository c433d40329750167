//! The panel of one number: what it is, how it stands and what that means, and the agent that answers it. Closing it puts the focus
//! back on the number's row.

use crate::api::enums::PhoneNumberStatus;
use crate::api::phone_numbers::{self as api, PhoneNumber};
use crate::components::badge::{agent_badge, number_badge};
use crate::components::copyable::Copyable;
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::carrier::carrier_name;
use crate::logic::provider_name::provider_name;
use crate::logic::query_string;
use crate::pages::listing::panel::{PanelSpec, row_panel};
use crate::pages::listing::{Listing, Loaded};
use crate::pages::numbers::shown_and_copied;
use leptos::prelude::*;

static PANEL: PanelSpec = PanelSpec {
    unnamed: "Number",
    absent: (
        "This number is not here",
        "The link may be old, or the number belongs to another agency.",
    ),
    skeleton_lines: 8,
};

/// The panel of the number with this id.
pub(super) fn number_panel(listing: Listing, loaded: Loaded, id: String) -> AnyView {
    let listed_name = loaded.name_of(&id);
    let asked = StoredValue::new(id);
    let number = Loader::new(move || {
        let slug = listing.agency.slug.get();
        async move { api::get(&slug, asked.try_get_value().unwrap_or_default()).await }
    });
    let name = |number: &PhoneNumber| names(number).0;
    row_panel(listing, &PANEL, listed_name, number, name, move |number| {
        details(listing, &number)
    })
}

fn names(number: &PhoneNumber) -> (String, String) {
    let name = number.name.as_deref();
    shown_and_copied(number.number.as_deref(), number.sip_uri.as_deref(), name)
}

fn details(listing: Listing, row: &PhoneNumber) -> AnyView {
    let (shown, copied) = names(row);
    let provider = provider_name(row.provider);
    // A SIP address that a number has besides.
    let sip = row
        .sip_uri
        .clone()
        .filter(|_| row.number.is_some())
        .map(|sip| {
            fact(
                "SIP address",
                view! { <Copyable shown=sip.clone() copied=sip what="SIP address" is_code=true /> }
                    .into_any(),
            )
        });
    let name = row
        .name
        .clone()
        .unwrap_or_else(|| "without a name".to_owned());
    view! {
        <p class="panel-status">{number_badge(row.status)} <span class="quiet">{status_meaning(row.status, provider)}</span></p>
        <dl class="facts">
            {fact(if row.number.is_some() { "Number" } else { "Address" }, view! { <span class="figures"><Copyable shown=shown copied=copied what="number" /></span> }.into_any())}
            {sip}
            {fact("Name", name.into_any())}
            {fact("Provider", provider.into_any())}
            {fact("Carrier", told(carrier_name(&row.carrier)))}
            {fact("Made", relative_time(&row.created_at))}
            {fact(if row.status == PhoneNumberStatus::Inactive { "Last seen" } else { "Seen" }, relative_time(&row.last_seen_at))}
        </dl>
        <section>
            <h3>"Answered by"</h3>
            {answered_by(listing, row, provider)}
        </section>
    }
    .into_any()
}

fn fact(name: &'static str, value: AnyView) -> AnyView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

/// What the provider tells, or that it does not.
fn told(value: Option<String>) -> AnyView {
    match value {
        Some(value) => value.into_any(),
        None => view! { <span class="quiet">"not told"</span> }.into_any(),
    }
}

fn answered_by(listing: Listing, row: &PhoneNumber, provider: &str) -> AnyView {
    let Some(agent) = row.agent.clone() else {
        return view! {
            <p class="quiet">{format!("Nobody. Attach an agent to it at {provider}; the next sync brings it here.")}</p>
        }
        .into_any();
    };
    let href = query_string::joined(&listing.agency.path("/agents"), &[("agent", &agent.id)]);
    let others = listing.link(&listing.state.with(|state| {
        listing
            .screen
            .list
            .filtered(state, "agent", Some(&agent.id))
    }));
    let is_narrowed = listing.state.with(|state| state.value("agent").is_some());
    view! {
        <p class="panel-agent"><a href=href>{agent.name}</a> {agent_badge(agent.status, agent.is_reachable)}</p>
        {(!is_narrowed).then(|| view! {
            <a class="card-link" href=others data-noscroll="">"All numbers of this agent" {icon(Icon::Next)}</a>
        }.into_any())}
    }
    .into_any()
}

/// What a status means for whoever calls the number.
fn status_meaning(status: PhoneNumberStatus, provider: &str) -> String {
    match status {
        PhoneNumberStatus::Active => "In service: calls get through.".to_owned(),
        PhoneNumberStatus::Activating => {
            format!("{provider} is still setting it up. The next sync says when it is done.")
        }
        PhoneNumberStatus::Blocked => {
            format!("{provider} has taken it out of service. Its dashboard says why.")
        }
        PhoneNumberStatus::Inactive => {
            format!("The last complete sync did not find it at {provider} any more.")
        }
        PhoneNumberStatus::Unknown => {
            format!("{provider} does not say whether calls get through.")
        }
    }
}
