//! The agents of an agency: search, filters, sort and pages, all of it in the URL, and the panel of one agent beside the
//! list. The list stays in place while panels open and close.

mod list;
mod panel;
mod toolbar;

use crate::api::agents::{self as api, AgentPage};
use crate::components::page_head::PageHead;
use crate::loader::Loader;
use crate::logic::list_state::AgentListState;
use crate::pages::agents::list::AgentList;
use crate::pages::agents::panel::AgentPanel;
use crate::pages::agents::toolbar::Toolbar;
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

/// Goes to a link; true replaces the present one.
type Navigate = Box<dyn Fn(&str, bool)>;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct ListContext {
    agency: AgencyContext,
    /// The state in the URL.
    state: Memo<AgentListState>,
    /// The page of rows.
    page: Loader<AgentPage>,
    navigate: StoredValue<Navigate, LocalStorage>,
}

impl ListContext {
    /// The link that shows a state.
    fn link(self, state: &AgentListState) -> String {
        state.link(&self.agency.path("/agents"))
    }

    /// Shows a state; `replaces` leaves no step for Back, as while typing.
    fn show(self, state: &AgentListState, replaces: bool) {
        let link = untrack(|| self.link(state));
        self.navigate
            .with_value(|navigate| navigate(&link, replaces));
    }
}

/// The page at `agents`.
#[component]
pub(crate) fn AgentsPage() -> impl IntoView {
    let agency = use_agency();
    let query = use_query_map();
    let state = Memo::new(move |_| {
        query.with(|query| {
            AgentListState::read(&|name| query.get(name).filter(|value| !value.is_empty()))
        })
    });
    // The open panel is no reason to load the list again.
    let listed = Memo::new(move |_| state.get().with_agent(None));
    let page = Loader::new(move || {
        let (slug, state) = (agency.slug.get(), listed.get());
        async move { api::list(&slug, state).await }
    });
    let navigate = use_navigate();
    let navigate: Navigate = Box::new(move |link, replaces| {
        navigate(
            link,
            NavigateOptions {
                replace: replaces,
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    });
    let list = ListContext {
        agency,
        state,
        page,
        navigate: StoredValue::new_local(navigate),
    };
    let open_agent = Memo::new(move |_| state.with(|state| state.open_agent.clone()));
    view! {
        <div class="page wide" class:with-panel=move || open_agent.with(Option::is_some)>
            <div class="list-column">
                <PageHead title="Agents" sentence="Every voice agent in your connected accounts, as its provider describes it." />
                <Toolbar list=list />
                <AgentList list=list />
            </div>
            {move || open_agent.get().map(|id| view! { <AgentPanel list=list id=id /> }.into_any())}
        </div>
    }
    .into_any()
}
