//! Giving agents to a client and taking them back: what was chosen, the one way in which it is sent, and what became of it. The
//! dialogs choose a client for agents, agents for a client, or ask before agents go back to the agency.

pub(crate) mod agents_dialog;
pub(crate) mod client_dialog;
pub(crate) mod give_back_dialog;

use crate::api::ApiError;
use crate::api::agents::{self as api, Assigned};
use crate::api::enums::Permission;
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::focus_soon;
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::notices::{Notices, use_notices};
use crate::erased::{dynamic, effect, spawn};
use crate::logic::list_state::{ListState, PagePosition};
use crate::logic::number::counted;
use crate::logic::selection::Selection;
use crate::logic::{client_words, outcome};
use crate::pages::listing::selection_bar::{Selecting, Walk};
use crate::pages::listing::{Listing, Loaded};
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;

/// So many agents are assigned at once; the server takes no more in one request.
const MOST_AT_ONCE: usize = 1_000;

const TYPING_PAUSE: Duration = Duration::from_millis(250);

/// The selected agents of a list.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    /// The list.
    pub(crate) listing: Listing,
    /// The page of it that is shown.
    pub(crate) loaded: Loaded,
    /// The selection.
    pub(crate) selecting: Selecting,
}

impl Chosen {
    fn count(self) -> i64 {
        let total = self
            .loaded
            .facts
            .with(|facts| facts.as_ref().map_or(0, |facts| facts.total));
        self.selecting.selection.read().count(total)
    }

    /// Such as `12 agents`.
    fn counted(self) -> String {
        counted(self.count(), "agent", "agents")
    }

    fn what(self) -> What {
        What {
            selection: self.selecting.selection.get_untracked(),
            state: untrack(|| self.listing.asked()),
            walk: self.selecting.walk,
        }
    }

    /// They were assigned: nothing is selected any more, and the list is another.
    fn done(self) {
        self.selecting.selection.set(Selection::default());
        self.loaded.reload.run(());
    }
}

/// Which agents are meant: rows, or everything that a state lets through.
struct What {
    selection: Selection,
    state: ListState,
    walk: Walk,
}

async fn send(agency: &str, what: What, client: Option<String>) -> Result<Assigned, ApiError> {
    let What {
        selection,
        mut state,
        walk,
    } = what;
    // Opening a page of the list is no narrowing.
    state.position = PagePosition::default();
    if selection.is_everything() {
        return api::assign_all(agency, &state, client).await;
    }
    let ids = if selection.is_all() {
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let walked = walk(agency.to_owned(), state.clone(), after).await?;
            let all = walked
                .records
                .into_iter()
                .filter_map(|row| row.into_iter().next());
            ids.extend(all.filter(|id| selection.contains(id)));
            after = walked.next;
            if after.is_none() {
                break ids;
            }
        }
    } else {
        let rows = selection.records().iter();
        rows.filter_map(|row| row.first().cloned()).collect()
    };
    let mut sum = Assigned {
        assigned_count: 0,
        unreachable_count: 0,
    };
    for part in ids.chunks(MOST_AT_ONCE) {
        let assigned = api::assign(agency, part.to_vec(), client.clone()).await?;
        sum.assigned_count += assigned.assigned_count;
        sum.unreachable_count += assigned.unreachable_count;
    }
    Ok(sum)
}

/// An assignment under way, and what became of it.
#[derive(Clone, Copy)]
struct Assigning {
    agency: AgencyContext,
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// What became of it, where some cannot call; the dialog stays open for that.
    told: RwSignal<Option<Told>>,
    notices: Notices,
}

/// What became of an assignment: the counts, and the id and name of the client.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    assigned: Assigned,
    client: Option<(String, String)>,
}

impl Assigning {
    fn new(is_open: RwSignal<bool>) -> Self {
        Self {
            agency: use_agency(),
            is_open,
            is_busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            told: RwSignal::new(None),
            notices: use_notices(),
        }
    }

    /// Sends it; `done` runs when the agents were assigned. What failed half-way can be sent again: it assigns the same agents.
    fn run(self, what: What, client: Option<(String, String)>, done: Callback<()>) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.failure.set(None);
        let slug = self.agency.slug.get_untracked();
        spawn(async move {
            let id = client.as_ref().map(|(id, _)| id.clone());
            let answer = send(&slug, what, id).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(assigned) => {
                    if assigned.unreachable_count > 0 {
                        self.told.set(Some(Told { assigned, client }));
                    } else {
                        let name = client.as_ref().map(|(_, name)| name.as_str());
                        let count = assigned.assigned_count;
                        self.notices.toast(client_words::assigned(count, name));
                        self.is_open.set(false);
                    }
                    done.run(());
                }
                Err(error) => {
                    self.failure.set(Some(error));
                }
            }
        });
    }

    /// Why the last try failed.
    fn failure_view(self) -> AnyView {
        dynamic(move || match self.failure.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
            }
            None => ().into_any(),
        })
    }

    /// The dialog's content once the agents are assigned and some of them cannot call.
    fn told_view(self, told: Told) -> AnyView {
        let Told { assigned, client } = told;
        let name = client.as_ref().map(|(_, name)| name.as_str());
        let sentence = client_words::assigned(assigned.assigned_count, name);
        let words =
            client_words::cannot_call(assigned.unreachable_count, assigned.assigned_count, name);
        let page = match &client {
            Some((id, _)) => format!("/clients/{id}"),
            None => String::new(),
        };
        let show = untrack(|| self.agency.path(&format!("{page}/agents?reachable=no")));
        let keys = untrack(|| {
            self.agency
                .may(Permission::ViewKeyStatus)
                .then(|| match &client {
                    Some(_) => self.agency.path(&format!("{page}/api-keys")),
                    None => self.agency.path("/settings/api-keys"),
                })
        });
        let is_open = self.is_open;
        // The button that had the focus is gone.
        let done = NodeRef::<html::Button>::new();
        effect(move || {
            if let Some(done) = done.get() {
                focus_soon(done.into());
            }
        });
        view! {
            <div class="dialog-body" role="status">
                <p class="consequence">{sentence}</p>
                {words.map(|words| view! {
                    <Notice tone=Tone::Warning symbol=Icon::Unplugged title=words.title text=words.text>
                        <a class="button" href=show on:click=move |_| is_open.set(false)>"Show them"</a>
                        {keys.map(|keys| view! { <a class="button" href=keys on:click=move |_| is_open.set(false)>"Open API keys"</a> }.into_any())}
                    </Notice>
                }.into_any())}
            </div>
            <div class="dialog-foot">
                <Button kind=ButtonKind::Primary node_ref=done on_press=move |()| is_open.set(false)>"Done"</Button>
            </div>
        }
        .into_any()
    }
}

/// Runs a search after a short pause in typing.
fn after_a_pause(search: Callback<String>) -> impl Fn(String) + Copy + 'static {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        timer.try_update_value(|timer| {
            if let Some(timer) = timer.take() {
                timer.clear();
            }
        });
    };
    on_cleanup(stop);
    move |text| {
        stop();
        let run = move || search.run(text);
        timer.set_value(set_timeout_with_handle(run, TYPING_PAUSE).ok());
    }
}

/// A search field in a dialog; what is typed is searched after a short pause.
pub(crate) fn search_field(label: &'static str, search: Callback<String>) -> AnyView {
    let on_input = after_a_pause(search);
    let input = NodeRef::<html::Input>::new();
    effect(move || {
        if let Some(input) = input.get() {
            focus_soon(input.into());
        }
    });
    let id = fresh_id("search");
    view! {
        <div class="search" role="search">
            <label class="visually-hidden" for=id.clone()>{label}</label>
            {icon(Icon::Search)}
            <input
                id=id
                type="search"
                placeholder="Search by name"
                autocomplete="off"
                spellcheck="false"
                node_ref=input
                on:input=move |event| on_input(event_target_value(&event))
            />
        </div>
    }
    .into_any()
}
