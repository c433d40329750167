//! What calls are narrowed to, as a row of small fields above the list and the charts: days with presets and a custom range,
//! result, payer, provider, client and agent. Each change stands in the address.

use crate::api::enums::{Permission, Provider};
use crate::clock;
use crate::components::icons::{Icon, icon};
use crate::erased::dynamic;
use crate::logic::call_filter::{
    self, AGENT, CLIENT, FROM, OUTCOMES, PAYER, PRESETS, PROVIDER, RESULT, TO, WHEN,
};
use crate::logic::provider_name::{provider_name, slug};
use crate::pages::calls::picker::{AGENTS, CLIENTS, picker};
use crate::pages::listing::Listing;
use leptos::prelude::*;

/// The value of a choice and its words.
type Choice = (&'static str, &'static str);

/// The fields. `any_time` says what no chosen days mean.
pub(super) fn call_filters(listing: Listing, any_time: &'static str) -> AnyView {
    let agency = listing.agency;
    let (is_staff, may_agents) = untrack(|| {
        (
            agency.may(Permission::UseAgents),
            agency.may(Permission::ViewAgents),
        )
    });
    let mut days: Vec<Choice> = vec![("", any_time)];
    days.extend(PRESETS.iter().filter(|(_, words)| *words != any_time));
    days.push(("custom", "Custom days"));
    let mut results: Vec<Choice> = vec![("", "Any result")];
    results.extend(OUTCOMES.map(|outcome| (outcome.slug(), outcome.word())));
    let payers = vec![
        ("", "Anybody pays"),
        (
            "agency",
            if is_staff {
                "Agency pays"
            } else {
                "Agency's account"
            },
        ),
        (
            "client",
            if is_staff {
                "Client pays"
            } else {
                "Your own account"
            },
        ),
    ];
    let mut providers: Vec<Choice> = vec![("", "Any provider")];
    providers.extend(
        [Provider::Vapi, Provider::Retell, Provider::Bland]
            .map(|provider| (slug(provider), provider_name(provider))),
    );
    view! {
        {choice(listing, WHEN, "Days", days)}
        {dynamic(move || {
            let is_custom = listing.listed.with(|state| state.value(WHEN) == Some("custom"));
            if is_custom { custom_days(listing) } else { ().into_any() }
        })}
        {choice(listing, RESULT, "Result", results)}
        {choice(listing, PAYER, "Who pays", payers)}
        {choice(listing, PROVIDER, "Provider", providers)}
        {is_staff.then(|| picker(listing, CLIENT, &CLIENTS))}
        {may_agents.then(|| picker(listing, AGENT, &AGENTS))}
    }
    .into_any()
}

/// A filter with a few values, as a field of the size of a chip.
fn choice(
    listing: Listing,
    filter: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
) -> AnyView {
    let value = Memo::new(move |_| {
        listing
            .listed
            .with(|state| state.value(filter).unwrap_or_default().to_owned())
    });
    let options = choices
        .into_iter()
        .map(|(choice, words)| {
            let is_chosen = move || value.with(|value| value == choice);
            view! { <option value=choice prop:selected=is_chosen>{words}</option> }.into_any()
        })
        .collect::<Vec<_>>();
    let choose = move |chosen: String| {
        let mut state = listing.state.get_untracked();
        if filter == WHEN {
            for end in [FROM, TO] {
                state = listing.screen.list.filtered(&state, end, None);
            }
        }
        let chosen = Some(chosen.as_str()).filter(|chosen| !chosen.is_empty());
        let state = listing.screen.list.filtered(&state, filter, chosen);
        listing.show(&state, false);
    };
    view! {
        <span class="chip-choice">
            <select
                class="chip"
                class:on=move || value.with(|value| !value.is_empty())
                aria-label=label
                on:change=move |event| choose(event_target_value(&event))
            >
                {options}
            </select>
            {icon(Icon::Opens)}
        </span>
    }
    .into_any()
}

/// The first and the last day of a custom range.
fn custom_days(listing: Listing) -> AnyView {
    let field = move |filter: &'static str, label: &'static str| {
        let value = move || {
            listing
                .listed
                .with(|state| state.value(filter).unwrap_or_default().to_owned())
        };
        let set = move |day: String| {
            let state = listing.state.get_untracked();
            let day = call_filter::day_number(&day).map(|_| day);
            let state = listing.screen.list.filtered(&state, filter, day.as_deref());
            listing.show(&state, false);
        };
        view! {
            <label class="chip day">
                <span>{label}</span>
                <input
                    type="date"
                    max=call_filter::date_of(clock::today())
                    prop:value=value
                    on:change=move |event| set(event_target_value(&event))
                />
            </label>
        }
        .into_any()
    };
    view! { {field(FROM, "From")} {field(TO, "To")} }.into_any()
}
