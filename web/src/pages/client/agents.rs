//! The agents of one client: the same list as everywhere, narrowed to the client, with assigning more of them and giving them
//! back to the agency.

use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::icons::Icon;
use crate::erased::{dynamic, effect};
use crate::pages::agents::AgentList;
use crate::pages::assign::agents_dialog::AgentsDialog;
use crate::pages::assign::give_back_dialog::GiveBackDialog;
use crate::pages::client::ClientContext;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The tab; `?assign=yes` opens it with the dialog.
#[component]
pub(super) fn ClientAgents(page: ClientContext, client_id: String) -> impl IntoView {
    let path = format!("/clients/{client_id}/agents");
    let mut list = AgentList::of_client(path, client_id.clone());
    let is_giving_back = RwSignal::new(false);
    list.selecting.more = Some(Callback::new(move |()| {
        view! { <Button on_press=move |()| is_giving_back.set(true)>"Give back to the agency"</Button> }.into_any()
    }));
    let query = use_query_map();
    let asks = Memo::new(move |_| query.with(|query| query.get("assign").is_some()));
    let is_assigning = RwSignal::new(false);
    effect(move || {
        if asks.get() && page.client.with(Option::is_some) && !page.is_archived() {
            is_assigning.set(true);
            // The address is that of the list again, so that closing the dialog and Back mean what they say.
            let state = list.listing.state.get_untracked();
            list.listing.show(&state, true);
        }
    });
    let assign = Callback::new(move |()| is_assigning.set(true));
    let done = Callback::new(move |()| {
        list.loaded.reload.run(());
        page.reload();
    });
    let client = Signal::derive(move || (client_id.clone(), page.name()));
    let button = dynamic(move || {
        if page.client.with(Option::is_none) || page.is_archived() {
            return ().into_any();
        }
        view! { <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=assign>"Assign agents"</Button> }.into_any()
    });
    let head =
        view! { <div class="tab-head"><h2 class="visually-hidden">"Agents"</h2> {button}</div> }
            .into_any();
    let chips = list.standing.provider_chips(list.listing);
    let view = list.view(head, chips, move || nothing(page, assign));
    view! {
        {view}
        <AgentsDialog is_open=is_assigning client=client walk=StoredValue::new(list.selecting.walk) done=done />
        <GiveBackDialog is_open=is_giving_back chosen=list.chosen() done=Callback::new(move |()| page.reload()) />
    }
    .into_any()
}

fn nothing(page: ClientContext, assign: Callback<()>) -> AnyView {
    let is_archived = page.is_archived();
    let text = if is_archived {
        "It had none when it was archived. Restore it before you assign agents to it."
    } else {
        "Choose which of your imported agents work for this client. From then on their calls go over its own keys, where it has one for their provider; nothing is changed at the provider."
    };
    view! {
        <EmptyState symbol=Icon::Agents title="No agents yet" text=text>
            {(!is_archived).then(|| view! { <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=assign>"Choose its agents"</Button> }.into_any())}
        </EmptyState>
    }
    .into_any()
}
