//! Choosing agents for a client: search among the agency's agents that work for no client, many choices that outlive a search,
//! or all that match, and what became of it.

use crate::api::agents::{self as api, AgentPage};
use crate::components::badge::agent_badge;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::skeleton::skeleton_lines;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::list_state::{ListState, SortChoice};
use crate::logic::number::{counted, grouped};
use crate::logic::outcome;
use crate::logic::provider_name::provider_name;
use crate::logic::selection::Selection;
use crate::pages::assign::{Assigning, What, search_field};
use crate::pages::listing::selection_bar::Walk;
use leptos::prelude::*;

/// The dialog; `client` is the id and name of the client, `walk` reads all agents that match a state.
#[component]
pub(crate) fn AgentsDialog(
    is_open: RwSignal<bool>,
    client: Signal<(String, String)>,
    walk: StoredValue<Walk>,
    done: Callback<()>,
) -> impl IntoView {
    let assigning = Assigning::new(is_open);
    let title = Signal::derive(move || {
        if assigning.told.with(Option::is_some) {
            "Assigned".to_owned()
        } else {
            client.with(|(_, name)| format!("Assign agents to {name}"))
        }
    });
    view! {
        <Dialog is_open=is_open title=title is_busy=assigning.is_busy>
            <ChooseAgents assigning=assigning client=client walk=walk done=done />
        </Dialog>
    }
    .into_any()
}

/// What the parts of the form share.
#[derive(Clone, Copy)]
struct Form {
    assigning: Assigning,
    agents: Loader<AgentPage>,
    search: RwSignal<String>,
    selection: RwSignal<Selection>,
}

fn unassigned(search: String) -> ListState {
    ListState {
        search,
        filters: vec![(api::ASSIGNED, "no".to_owned())],
        sort: SortChoice {
            field: "name",
            is_descending: false,
        },
        ..ListState::default()
    }
}

impl Form {
    fn total(self) -> i64 {
        self.agents
            .data
            .with(|page| page.as_ref().map_or(0, |page| page.total_count))
    }

    fn count(self) -> i64 {
        self.selection.read().count(self.total())
    }
}

#[component]
fn ChooseAgents(
    assigning: Assigning,
    client: Signal<(String, String)>,
    walk: StoredValue<Walk>,
    done: Callback<()>,
) -> impl IntoView {
    assigning.told.set(None);
    assigning.failure.set(None);
    let search = RwSignal::new(String::new());
    let form = Form {
        assigning,
        search,
        selection: RwSignal::new(Selection::default()),
        agents: Loader::new(move || {
            let (slug, state) = (assigning.agency.slug.get(), unassigned(search.get()));
            async move { api::list(&slug, state).await }
        }),
    };
    let send = move || {
        if untrack(|| form.count()) > 0 {
            let what = What {
                selection: form.selection.get_untracked(),
                state: unassigned(search.get_untracked()),
                walk: walk.get_value(),
            };
            assigning.run(what, Some(client.get_untracked()), done);
        }
    };
    dynamic(move || match assigning.told.get() {
        Some(told) => assigning.told_view(told),
        None => view! {
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                {choosing(form)}
                {foot(form)}
            </form>
        }
        .into_any(),
    })
}

fn choosing(form: Form) -> AnyView {
    let search = Callback::new(move |text: String| {
        // "All that match" meant another search; agents that were picked one by one stay picked.
        form.selection.update(|selection| {
            if selection.is_all() {
                *selection = Selection::default();
            }
        });
        form.search.set(text);
    });
    let agents = form.agents;
    let body = move || match agents.data.get() {
        Some(page) => agent_list(form, &page),
        None if agents.error.with(Option::is_some) => ().into_any(),
        None => skeleton_lines(6),
    };
    view! {
        <div class="dialog-body">
            <p>"Agents that work for no client yet. From then on their calls go over this client's own keys, where it has one for their provider."</p>
            {search_field("Search agents without client", search)}
            {dynamic(move || match agents.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| agents.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(body)}
            {form.assigning.failure_view()}
        </div>
    }
    .into_any()
}

fn agent_list(form: Form, page: &AgentPage) -> AnyView {
    if page.nodes.is_empty() {
        let is_searched = form
            .search
            .with_untracked(|search| !search.trim().is_empty());
        let text = if is_searched {
            "No agent without client has this name."
        } else {
            "Every agent works for a client already, or none is imported yet."
        };
        let href = untrack(|| form.assigning.agency.path("/agents"));
        return view! { <p class="quiet">{text} " " <a href=href>"Open Agents"</a></p> }.into_any();
    }
    let rows = page
        .nodes
        .iter()
        .map(|agent| {
            let id = agent.id.clone();
            let record = vec![id.clone()];
            let is_chosen = move || form.selection.with(|selection| selection.contains(&id));
            view! {
                <li><label class="choice">
                    <input
                        type="checkbox"
                        prop:checked=is_chosen
                        on:change=move |event| {
                            let is_on = event_target_checked(&event);
                            form.selection.update(|selection| selection.set(std::slice::from_ref(&record), is_on));
                        }
                    />
                    <span>{agent.name.clone()}</span>
                    <span class="quiet">{provider_name(agent.provider)}</span>
                    {agent_badge(agent.status, agent.is_reachable)}
                </label></li>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    let total = page.total_count;
    let shown = i64::try_from(page.nodes.len()).unwrap_or(0);
    let range = if shown < total {
        format!(
            "The first {} of {}. Search to find others.",
            grouped(shown),
            grouped(total)
        )
    } else {
        counted(total, "agent", "agents")
    };
    let all = move || {
        if form.selection.with(Selection::is_everything) {
            view! { <button type="button" class="link-button" on:click=move |_| form.selection.set(Selection::default())>"Select none"</button> }.into_any()
        } else {
            view! {
                <button type="button" class="link-button" on:click=move |_| form.selection.set(Selection::all())>
                    {format!("Select all {} that match", grouped(total))}
                </button>
            }
            .into_any()
        }
    };
    view! {
        <div class="choice-head"><span class="quiet figures" role="status">{range}</span> {dynamic(all)}</div>
        <ul class="choice-list" aria-label="Agents without client">{rows}</ul>
    }
    .into_any()
}

fn foot(form: Form) -> AnyView {
    let Form { assigning, .. } = form;
    let label = move || match form.count() {
        0 => "Assign agents".to_owned(),
        count => format!("Assign {}", counted(count, "agent", "agents")),
    };
    view! {
        <div class="dialog-foot">
            <Button is_disabled=assigning.is_busy on_press=move |()| assigning.is_open.set(false)>"Cancel"</Button>
            <Button
                kind=ButtonKind::Primary
                is_submit=true
                is_busy=assigning.is_busy
                is_disabled=Signal::derive(move || form.count() == 0)
            >
                {label}
            </Button>
        </div>
    }
    .into_any()
}
