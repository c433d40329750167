//! The way to the first call on the overview: four steps with their true state and one action each. When everything is in
//! place it becomes one quiet line that names the number to call; the steps stay one click away.

use crate::api::enums::{KeyHealth, Permission, SyncState};
use crate::api::overview::{Overview, OverviewKey, OverviewNumber};
use crate::api::sync_runs::has_ended;
use crate::components::copyable::Copyable;
use crate::components::icons::{Icon, icon};
use crate::logic::first_call::{
    Facts, KeyStanding, Step, StepState, SyncStanding, is_ready, steps,
};
use crate::logic::number::counted;
use crate::logic::phone;
use crate::logic::provider_name::provider_name;
use crate::session::AgencyContext;
use leptos::prelude::*;

/// What the steps say, taken from one answer of the server.
struct Told {
    facts: Facts,
    /// Name of the provider whose key is stored, or of the first that can be connected.
    provider: String,
    number: Option<(String, String)>,
    may_manage: bool,
    keys_link: String,
    agents_link: String,
}

fn is_working(key: &OverviewKey) -> bool {
    key.is_readable && key.health != KeyHealth::Invalid
}

fn answered(number: &OverviewNumber) -> Option<(String, String)> {
    let agent = number.agent.as_ref().filter(|agent| agent.is_reachable)?;
    Some((number.number.clone()?, agent.name.clone()))
}

fn tell(agency: AgencyContext, data: &Overview) -> Told {
    let keys = &data.provider_keys.nodes;
    let number = data.answered_numbers.nodes.iter().find_map(answered);
    let last_run = data.sync_runs.nodes.first();
    let named = keys.first().map(|key| key.provider).or_else(|| {
        data.providers
            .iter()
            .find(|info| info.is_available)
            .map(|info| info.provider)
    });
    Told {
        facts: Facts {
            key: match keys.as_slice() {
                [] => KeyStanding::Missing,
                some if some.iter().any(is_working) => KeyStanding::Working,
                _ => KeyStanding::Broken,
            },
            sync: match last_run {
                Some(run) if run.state == SyncState::Failed => SyncStanding::Failed,
                Some(run) if !has_ended(run.state) => SyncStanding::Underway,
                _ => SyncStanding::Quiet,
            },
            agent_count: data.all_agents.total_count,
            has_answered_number: number.is_some(),
        },
        provider: named.map_or("your provider", provider_name).to_owned(),
        number,
        may_manage: agency.may(Permission::ManageKeys),
        keys_link: agency.path("/settings/api-keys"),
        agents_link: agency.path("/agents"),
    }
}

/// The checklist, or its quiet line.
pub(super) fn checklist(agency: AgencyContext, data: &Overview) -> AnyView {
    let told = tell(agency, data);
    let all = steps(told.facts);
    let done = all
        .iter()
        .filter(|(_, state)| *state == StepState::Done)
        .count();
    let list = all
        .into_iter()
        .enumerate()
        .map(|(index, (step, state))| step_view(&told, index + 1, step, state))
        .collect::<Vec<_>>();
    if is_ready(told.facts) {
        return view! {
            <section class="ready" aria-label="First call">
                <p>{icon(Icon::Phone)} <span>{call_line(&told)}</span></p>
                <details>
                    <summary>"Show the steps"</summary>
                    <ol class="steps">{list}</ol>
                </details>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="card checklist">
            <div class="card-head">
                <h2>"To your first call"</h2>
                <span class="quiet figures">{format!("{done} of 4")}</span>
            </div>
            <ol class="steps">{list}</ol>
        </section>
    }
    .into_any()
}

fn call_line(told: &Told) -> AnyView {
    let Some((number, agent)) = told.number.clone() else {
        return ().into_any();
    };
    let shown = phone::formatted(&number);
    view! { "Call " <strong class="figures"><Copyable shown=shown copied=number what="number" /></strong> " from your phone: " {agent} " answers." }.into_any()
}

fn step_view(told: &Told, number: usize, step: Step, state: StepState) -> AnyView {
    let (symbol, word, class) = match state {
        StepState::Done => (Some(Icon::Check), "Done", "step done"),
        StepState::Underway => (Some(Icon::Spinner), "Under way", "step underway"),
        StepState::Next => (None, "Next", "step next"),
        StepState::Blocked => (Some(Icon::Warning), "Needs attention", "step blocked"),
        StepState::Later => (None, "Later", "step later"),
    };
    let (title, text) = words(told, step, state);
    view! {
        <li class=class>
            <span class="step-mark">
                {match symbol {
                    Some(symbol) => icon(symbol),
                    None => view! { <span aria-hidden="true" class="figures">{number}</span> }.into_any(),
                }}
                <span class="visually-hidden">{word}</span>
            </span>
            <div>
                <p class="step-title">{title}</p>
                {text}
            </div>
            {action(told, step, state)}
        </li>
    }
    .into_any()
}

fn words(told: &Told, step: Step, state: StepState) -> (&'static str, AnyView) {
    let provider = told.provider.as_str();
    let line = |text: String| view! { <p class="quiet">{text}</p> }.into_any();
    match (step, state) {
        (Step::Connect, StepState::Done) => (
            "Connect a voice provider",
            line(format!("{provider} is connected.")),
        ),
        (Step::Connect, StepState::Blocked) => (
            "Connect a voice provider",
            line(format!(
                "The stored {provider} key does not work any more. Nothing can call until it is replaced."
            )),
        ),
        (Step::Connect, _) if !told.may_manage => (
            "Connect a voice provider",
            line("An owner or admin of the agency saves the provider's key.".to_owned()),
        ),
        (Step::Connect, _) => (
            "Connect a voice provider",
            line(format!(
                "Save the key of your {provider} account. It is checked before it is kept."
            )),
        ),
        (Step::Import, StepState::Done) => (
            "Import its agents",
            line(format!(
                "{} imported.",
                counted(told.facts.agent_count, "agent", "agents")
            )),
        ),
        (Step::Import, StepState::Underway) => (
            "Import its agents",
            line("The import is under way. You can leave this page.".to_owned()),
        ),
        (Step::Import, StepState::Blocked) => (
            "Import its agents",
            line("The last import failed; the key's card says why.".to_owned()),
        ),
        (Step::Import, StepState::Next) => (
            "Import its agents",
            line(format!(
                "The account holds no agents yet. Make one at {provider}, then sync again."
            )),
        ),
        (Step::Import, StepState::Later) => (
            "Import its agents",
            line("Starts by itself when a key is saved.".to_owned()),
        ),
        (Step::Number, StepState::Done) => ("Have a number that an agent answers", ().into_any()),
        (Step::Number, StepState::Underway) => (
            "Have a number that an agent answers",
            line("The import is still reading numbers.".to_owned()),
        ),
        (Step::Number, _) => (
            "Have a number that an agent answers",
            line(format!(
                "Attach a number to an agent at {provider}, then sync again."
            )),
        ),
        (Step::Call, StepState::Next) => (
            "Call it",
            view! { <p class="quiet">{call_line(told)}</p> }.into_any(),
        ),
        (Step::Call, _) => (
            "Call it",
            line("From your own phone; the agent answers.".to_owned()),
        ),
    }
}

/// The one action of a step that waits for the person.
fn action(told: &Told, step: Step, state: StepState) -> AnyView {
    if !matches!(state, StepState::Next | StepState::Blocked) {
        return ().into_any();
    }
    let (label, href) = match (step, state) {
        (Step::Connect, StepState::Blocked) if told.may_manage => {
            ("Replace the key", &told.keys_link)
        }
        (Step::Connect, _) if told.may_manage => ("Connect", &told.keys_link),
        (Step::Import, _) => ("Open API keys", &told.keys_link),
        (Step::Number, _) => ("See agents", &told.agents_link),
        (Step::Connect | Step::Call, _) => return ().into_any(),
    };
    let class = if state == StepState::Next {
        "button primary"
    } else {
        "button"
    };
    view! { <a class=class href=href.clone()>{label}</a> }.into_any()
}
