//! Choosing a client for the selected agents: search among the clients in use, one choice, and what became of it.

use crate::api::clients as api;
use crate::api::clients::ClientList;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::skeleton::skeleton_lines;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::list_state::ListState;
use crate::logic::number::{counted, grouped};
use crate::logic::outcome;
use crate::pages::assign::{Assigning, Chosen, search_field};
use leptos::prelude::*;

/// The dialog.
#[component]
pub(crate) fn ClientDialog(is_open: RwSignal<bool>, chosen: Chosen) -> impl IntoView {
    let assigning = Assigning::new(is_open);
    let title = Signal::derive(move || {
        if assigning.told.with(Option::is_some) {
            "Assigned".to_owned()
        } else {
            format!("Assign {} to a client", chosen.counted())
        }
    });
    view! {
        <Dialog is_open=is_open title=title is_busy=assigning.is_busy>
            <ChooseClient assigning=assigning chosen=chosen />
        </Dialog>
    }
    .into_any()
}

#[component]
fn ChooseClient(assigning: Assigning, chosen: Chosen) -> impl IntoView {
    assigning.told.set(None);
    assigning.failure.set(None);
    let search = RwSignal::new(String::new());
    let picked = RwSignal::new(None::<(String, String)>);
    let clients = Loader::new(move || {
        let slug = assigning.agency.slug.get();
        let state = ListState {
            search: search.get(),
            ..ListState::default()
        };
        async move { api::list(&slug, state).await }
    });
    let send = move || {
        if let Some(client) = picked.get_untracked() {
            let done = Callback::new(move |()| chosen.done());
            assigning.run(chosen.what(), Some(client), done);
        }
    };
    let body = move || match clients.data.get() {
        Some(list) => client_list(assigning, &list, search, picked),
        None if clients.error.with(Option::is_some) => ().into_any(),
        None => skeleton_lines(4),
    };
    let form = move || {
        view! {
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <div class="dialog-body">
                    <p>"From then on their calls go over the client's own keys, where it has one for their provider."</p>
                    {search_field("Search clients", Callback::new(move |text| search.set(text)))}
                    {dynamic(move || match clients.error.get() {
                        Some(error) => {
                            let words = outcome::other(&error);
                            view! { <ErrorNotice error=error words=words on_retry=move |()| clients.reload() /> }.into_any()
                        }
                        None => ().into_any(),
                    })}
                    {dynamic(body)}
                    {assigning.failure_view()}
                </div>
                <div class="dialog-foot">
                    <Button is_disabled=assigning.is_busy on_press=move |()| assigning.is_open.set(false)>"Cancel"</Button>
                    <Button
                        kind=ButtonKind::Primary
                        is_submit=true
                        is_busy=assigning.is_busy
                        is_disabled=Signal::derive(move || picked.with(Option::is_none))
                    >
                        {move || picked.with(|picked| picked.as_ref().map_or_else(|| "Assign".to_owned(), |(_, name)| format!("Assign to {name}")))}
                    </Button>
                </div>
            </form>
        }
        .into_any()
    };
    dynamic(move || match assigning.told.get() {
        Some(told) => assigning.told_view(told),
        None => form(),
    })
}

fn client_list(
    assigning: Assigning,
    list: &ClientList,
    search: RwSignal<String>,
    picked: RwSignal<Option<(String, String)>>,
) -> AnyView {
    if list.nodes.is_empty() {
        let is_searched = search.with_untracked(|search| !search.trim().is_empty());
        let text = if is_searched {
            "No client in use has this name."
        } else {
            "There are no clients yet."
        };
        let href = untrack(|| assigning.agency.path("/clients"));
        return view! { <p class="quiet">{text} " " <a href=href>"Open Clients"</a></p> }
            .into_any();
    }
    let more = list.total_count - i64::try_from(list.nodes.len()).unwrap_or(0);
    let rows = list
        .nodes
        .iter()
        .map(|client| {
            let (id, name) = (client.id.clone(), client.name.clone());
            let agents = counted(client.agent_count, "agent", "agents");
            let this = id.clone();
            let is_picked =
                move || picked.with(|picked| picked.as_ref().is_some_and(|(id, _)| *id == this));
            let pick = (id, name.clone());
            view! {
                <li><label class="choice">
                    <input type="radio" name="client" prop:checked=is_picked on:change=move |_| picked.set(Some(pick.clone())) />
                    <span>{name}</span> <span class="quiet figures">{agents}</span>
                </label></li>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <ul class="choice-list" aria-label="Clients">{rows}</ul>
        {(more > 0).then(|| view! { <p class="quiet">{format!("{} more. Search to find them.", grouped(more))}</p> }.into_any())}
    }
    .into_any()
}
