//! A filter by one of many: a chip that opens a dialog with a search, and names what was chosen until it is taken off.

use crate::api::ApiError;
use crate::api::{agents, clients, portal};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::skeleton::skeleton_lines;
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::list_state::ListState;
use crate::logic::number::grouped;
use crate::logic::outcome;
use crate::pages::assign::search_field;
use crate::pages::listing::Listing;
use leptos::prelude::*;
use std::pin::Pin;

type Asked<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// Ids and names of what was found, and how many there are in all.
type Found = (Vec<(String, String)>, i64);

/// What is chosen among.
#[derive(Debug)]
pub(super) struct Choices {
    /// One of them.
    label: &'static str,
    /// Names the search.
    search_label: &'static str,
    /// What is said when nothing is found.
    nothing: &'static str,
    /// Finds by name: of an agency, for a client's person or not.
    find: fn(String, String, bool) -> Asked<Found>,
    /// The name of one.
    name: fn(String, String, bool) -> Asked<String>,
}

/// The agents.
pub(super) static AGENTS: Choices = Choices {
    label: "Agent",
    search_label: "Search agents",
    nothing: "No agent has this name.",
    find: |agency, text, is_portal| {
        Box::pin(async move {
            let state = ListState {
                search: text,
                ..ListState::default()
            };
            if is_portal {
                let page = portal::agents(&agency, state).await?;
                let found = page.nodes.into_iter().map(|it| (it.id, it.name)).collect();
                return Ok((found, page.total_count));
            }
            let page = agents::list(&agency, state).await?;
            let found = page.nodes.into_iter().map(|it| (it.id, it.name)).collect();
            Ok((found, page.total_count))
        })
    },
    name: |agency, id, is_portal| {
        Box::pin(async move {
            if is_portal {
                return Ok(portal::agent(&agency, id).await?.name);
            }
            Ok(agents::get(&agency, id, false).await?.name)
        })
    },
};

/// The clients, for the agency's people alone.
pub(super) static CLIENTS: Choices = Choices {
    label: "Client",
    search_label: "Search clients",
    nothing: "No client in use has this name.",
    find: |agency, text, _| {
        Box::pin(async move {
            let state = ListState {
                search: text,
                ..ListState::default()
            };
            let page = clients::list(&agency, state).await?;
            let found = page.nodes.into_iter().map(|it| (it.id, it.name)).collect();
            Ok((found, page.total_count))
        })
    },
    name: |agency, id, _| Box::pin(async move { Ok(clients::get(&agency, id).await?.client.name) }),
};

/// The chip of a filter.
pub(super) fn picker(listing: Listing, filter: &'static str, choices: &'static Choices) -> AnyView {
    let is_open = RwSignal::new(false);
    let chosen = Memo::new(move |_| {
        listing
            .listed
            .with(|state| state.value(filter).map(str::to_owned))
    });
    let agency = listing.agency;
    let name = Loader::new(move || {
        let (slug, id, is_portal) = (agency.slug.get(), chosen.get(), agency.is_portal());
        async move {
            match id {
                Some(id) => (choices.name)(slug, id, is_portal).await.map(Some),
                None => Ok(None),
            }
        }
    });
    let chip = move || {
        if chosen.with(Option::is_none) {
            return view! {
                <button type="button" class="chip" aria-haspopup="dialog" on:click=move |_| is_open.set(true)>
                    {choices.label} {icon(Icon::Opens)}
                </button>
            }
            .into_any();
        }
        let shown = name.data.get().flatten();
        let label = format!(
            "{}: {}",
            choices.label,
            shown.unwrap_or_else(|| "one".to_owned())
        );
        let spoken = format!("{label}. Show all {}", listing.screen.noun.1);
        let href = listing
            .listed
            .with(|state| listing.link(&listing.screen.list.filtered(state, filter, None)));
        view! {
            <a class="chip on" href=href data-noscroll="" aria-label=spoken>
                <span class="chip-text">{label}</span> {icon(Icon::Close)}
            </a>
        }
        .into_any()
    };
    view! {
        {dynamic(chip)}
        <Dialog is_open=is_open title=Signal::derive(move || format!("Calls of one {}", choices.label.to_lowercase()))>
            {choose(listing, filter, choices, is_open)}
        </Dialog>
    }
    .into_any()
}

fn choose(
    listing: Listing,
    filter: &'static str,
    choices: &'static Choices,
    is_open: RwSignal<bool>,
) -> AnyView {
    let agency = listing.agency;
    let search = RwSignal::new(String::new());
    let found = Loader::new(move || {
        let (slug, text, is_portal) = (agency.slug.get(), search.get(), agency.is_portal());
        (choices.find)(slug, text, is_portal)
    });
    let item = move |id: String, name: String| {
        let href = listing
            .listed
            .with_untracked(|state| listing.screen.list.filtered(state, filter, Some(&id)));
        let href = untrack(|| listing.link(&href));
        view! { <li><a class="choice" href=href data-noscroll="" on:click=move |_| is_open.set(false)>{name}</a></li> }
            .into_any()
    };
    let list = move || match found.data.get() {
        Some((rows, _)) if rows.is_empty() => {
            view! { <p class="quiet">{choices.nothing}</p> }.into_any()
        }
        Some((rows, total)) => {
            let more = total - i64::try_from(rows.len()).unwrap_or_default();
            let rows = rows
                .into_iter()
                .map(|(id, name)| item(id, name))
                .collect::<Vec<_>>();
            view! {
                <ul class="choice-list" aria-label=choices.search_label>{rows}</ul>
                {(more > 0).then(|| view! { <p class="quiet">{format!("{} more. Search to find them.", grouped(more))}</p> }.into_any())}
            }
            .into_any()
        }
        None if found.error.with(Option::is_some) => ().into_any(),
        None => skeleton_lines(4),
    };
    view! {
        <div class="dialog-body">
            {search_field(choices.search_label, Callback::new(move |text| search.set(text)))}
            {dynamic(move || match found.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| found.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(list)}
        </div>
    }
    .into_any()
}
