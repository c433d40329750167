//! What every list page is made of: the state in the URL, search, filters and count, the table with its keyboard and its pages,
//! the states in its place, and the selection. It is compiled once: pages hand in texts and ready rows, and no type of theirs.
//! It asks no server; a page's loader does.

pub(crate) mod nothing_here;
pub(crate) mod panel;
pub(crate) mod selection_bar;
mod table;
mod toolbar;

use crate::api::ApiError;
use crate::components::button::Button;
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::skeleton::skeleton_rows;
use crate::erased::{dynamic, effect};
use crate::loader::Loader;
use crate::logic::list_state::{ListSpec, ListState};
use crate::logic::outcome;
use crate::logic::selection::Record;
use crate::pages::listing::selection_bar::{Selecting, selection_bar};
use crate::pages::listing::table::table;
use crate::pages::listing::toolbar::toolbar;
pub(crate) use crate::pages::listing::toolbar::{provider_chips, removable_chip};
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use std::sync::Arc;
use wasm_bindgen::JsCast;

/// The head of a column.
#[derive(Debug)]
pub(crate) struct ColumnSpec {
    /// Its name.
    pub(crate) label: &'static str,
    /// The class of its cells, by which the style sheet sizes and hides them.
    pub(crate) class: &'static str,
    /// What it sorts by, if it does.
    pub(crate) sort: Option<&'static str>,
}

impl ColumnSpec {
    /// A column that does not sort.
    pub(crate) const fn plain(label: &'static str, class: &'static str) -> Self {
        Self {
            label,
            class,
            sort: None,
        }
    }

    /// A column that sorts.
    pub(crate) const fn sorted(
        label: &'static str,
        class: &'static str,
        sort: &'static str,
    ) -> Self {
        Self {
            label,
            class,
            sort: Some(sort),
        }
    }
}

/// A filter as a chip: its name and value in the URL, and its label.
pub(crate) type ChipSpec = (&'static str, &'static str, &'static str);

/// The search field: its label and what stands in it while it is empty.
pub(crate) type SearchSpec = (&'static str, &'static str);

/// A list page as far as it does not change.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Behind the agency's path.
    pub(crate) path: &'static str,
    /// Filters, sorts and panel in the URL.
    pub(crate) list: ListSpec,
    /// The columns; the first is the head of each row.
    pub(crate) columns: &'static [ColumnSpec],
    /// One row and several.
    pub(crate) noun: (&'static str, &'static str),
    /// Names the table.
    pub(crate) caption: &'static str,
    /// None where there is nothing to search.
    pub(crate) search: Option<SearchSpec>,
    /// The chips; those of the providers stand behind them.
    pub(crate) chips: &'static [ChipSpec],
    /// Title and text where nothing matches the filters.
    pub(crate) no_match: (&'static str, &'static str),
    /// A row leads to a page of its own below the list's, and not to a panel beside it.
    pub(crate) opens_page: bool,
}

/// Goes to a link; true replaces the present one.
type Navigate = Box<dyn Fn(&str, bool)>;

/// A list page and its state.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    /// What does not change.
    pub(crate) screen: &'static Screen,
    /// The agency of the page.
    pub(crate) agency: AgencyContext,
    /// The state in the URL.
    pub(crate) state: Memo<ListState>,
    /// The state without the open row, which is no reason to load the list again.
    pub(crate) listed: Memo<ListState>,
    /// The id of the open row.
    pub(crate) open: Memo<Option<String>>,
    path: StoredValue<String>,
    scope: StoredValue<Option<Scope>>,
    navigate: StoredValue<Navigate, LocalStorage>,
}

/// A filter that the place of a list sets, and not the person: its name and value.
type Scope = (&'static str, String);

impl Listing {
    /// The list of the page in whose component this is called.
    pub(crate) fn new(screen: &'static Screen) -> Self {
        Self::within(screen, screen.path.to_owned(), None)
    }

    /// A list at another path, narrowed to where it stands, such as the agents of a client on the client's page.
    pub(crate) fn within(screen: &'static Screen, path: String, scope: Option<Scope>) -> Self {
        let query = use_query_map();
        let state = Memo::new(move |_| {
            query.with(|query| {
                screen
                    .list
                    .read(&|name| query.get(name).filter(|value| !value.is_empty()))
            })
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
        Self {
            screen,
            agency: use_agency(),
            state,
            listed: Memo::new(move |_| state.with(|state| state.with_open(None))),
            open: Memo::new(move |_| state.with(|state| state.open.clone())),
            path: StoredValue::new(path),
            scope: StoredValue::new(scope),
            navigate: StoredValue::new_local(navigate),
        }
    }

    /// The link that shows a state.
    pub(crate) fn link(self, state: &ListState) -> String {
        let path = self.path.with_value(|path| self.agency.path(path));
        self.screen.list.link(&path, state)
    }

    /// The state to ask the server for: the listed one, with what the place of the list adds.
    pub(crate) fn asked(self) -> ListState {
        let mut state = self.listed.get();
        state.filters.extend(self.scope.get_value());
        state
    }

    /// The link that a row leads to.
    fn row_link(self, id: &str) -> String {
        if self.screen.opens_page {
            let path = self.path.with_value(|path| self.agency.path(path));
            format!("{path}/{id}")
        } else {
            self.link(
                &self
                    .state
                    .with(|state| state.with_open(Some(id.to_owned()))),
            )
        }
    }

    /// Goes to the page of a row.
    pub(crate) fn visit(self, id: &str) {
        let link = untrack(|| self.row_link(id));
        self.navigate.with_value(|navigate| navigate(&link, false));
    }

    /// Shows a state; `replaces` leaves no step for Back, as while typing.
    pub(crate) fn show(self, state: &ListState, replaces: bool) {
        let link = untrack(|| self.link(state));
        self.navigate
            .with_value(|navigate| navigate(&link, replaces));
    }

    /// Opens the panel of a row, or closes it and puts the focus back on its row.
    pub(crate) fn open(self, id: Option<String>) {
        let before = self.open.get_untracked();
        let is_closing = id.is_none();
        let state = self.state.with_untracked(|state| state.with_open(id));
        self.show(&state, false);
        if let Some(before) = before.filter(|_| is_closing) {
            focus_row(&before);
        }
    }
}

fn row_link_id(id: &str) -> String {
    format!("row-{id}")
}

fn focus_row(id: &str) {
    if let Some(link) = document().get_element_by_id(&row_link_id(id))
        && let Ok(link) = link.dyn_into::<web_sys::HtmlElement>()
    {
        // The row is gone when the list has moved on; the focus then stays on the page.
        let _ = link.focus();
    }
}

/// Builds the content of a row.
type BuildCells = Arc<dyn Fn() -> (AnyView, AnyView) + Send + Sync>;

/// A row, ready to be shown.
#[derive(Clone)]
pub(crate) struct Row {
    /// Ringfence's id of the thing.
    pub(crate) id: String,
    /// What the row is called.
    pub(crate) name: String,
    /// Changes whenever a cell does.
    pub(crate) print: String,
    /// What is copied and downloaded of it; empty where rows are not selected.
    pub(crate) record: Record,
    /// The content of the row's link, and its further cells.
    pub(crate) cells: BuildCells,
}

/// Where a page of rows stands, as the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Rows on this page.
    pub(crate) shown: usize,
    /// Rows in all.
    pub(crate) total: i64,
    /// Whether there are pages before and behind it.
    pub(crate) has: (bool, bool),
    /// The cursors of its first and last row.
    pub(crate) cursors: (Option<String>, Option<String>),
}

/// Takes the facts out of a page, whichever operation brought it.
macro_rules! page_facts {
    ($page:expr) => {
        $crate::pages::listing::Facts {
            shown: $page.nodes.len(),
            total: $page.total_count,
            has: (
                $page.page_info.has_previous_page,
                $page.page_info.has_next_page,
            ),
            cursors: (
                $page.page_info.start_cursor.clone(),
                $page.page_info.end_cursor.clone(),
            ),
        }
    };
}
pub(crate) use page_facts;

/// The loaded page without its type.
#[derive(Clone, Copy)]
pub(crate) struct Loaded {
    /// None until there is an answer.
    pub(crate) facts: Memo<Option<Facts>>,
    /// The rows of the page.
    pub(crate) rows: Signal<Vec<Row>>,
    /// Why the last try failed.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// An answer is awaited.
    pub(crate) is_loading: RwSignal<bool>,
    /// Asks again.
    pub(crate) reload: Callback<()>,
}

impl Loaded {
    /// What a row of the page is called; nothing when it stands on another page.
    pub(crate) fn name_of(self, id: &str) -> Option<String> {
        let rows = self.rows.get_untracked();
        rows.into_iter()
            .find(|row| row.id == id)
            .map(|row| row.name)
    }

    /// What a loader holds, by functions that read it.
    pub(crate) fn of<T: Send + Sync + 'static>(
        loader: Loader<T>,
        facts: fn(&T) -> Facts,
        rows: fn(&T) -> Vec<Row>,
    ) -> Self {
        Self {
            facts: Memo::new(move |_| loader.data.with(|data| data.as_ref().map(facts))),
            rows: Signal::derive(move || {
                loader
                    .data
                    .with(|data| data.as_ref().map(rows).unwrap_or_default())
            }),
            error: loader.error,
            is_loading: loader.is_loading,
            reload: Callback::new(move |()| loader.reload()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Loading,
    Nothing,
    Empty,
    FilteredEmpty,
    Rows,
}

/// The list below the head of its page. `more_chips` are filters that are no simple chip; `empty` stands in the place of a list
/// that holds nothing at all.
pub(crate) fn list_view(
    listing: Listing,
    loaded: Loaded,
    selecting: Option<Selecting>,
    more_chips: AnyView,
    empty: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let shape = Memo::new(move |_| {
        let is_filtered = listing.state.with(ListState::is_filtered);
        match loaded.facts.get() {
            None if loaded.error.with(Option::is_some) => Shape::Nothing,
            None => Shape::Loading,
            Some(facts) if facts.shown > 0 => Shape::Rows,
            Some(_) if is_filtered => Shape::FilteredEmpty,
            Some(_) => Shape::Empty,
        }
    });
    // A page behind the last row, after rows went away or by an old link: back to the first.
    effect(move || {
        let is_behind = loaded.facts.with(|facts| {
            facts
                .as_ref()
                .is_some_and(|facts| facts.shown == 0 && facts.total > 0)
        });
        if is_behind && !loaded.is_loading.get() {
            let state = listing.state.get_untracked();
            if state.position.index > 0 {
                listing.show(&state.at_first_page(|_| {}), true);
            }
        }
    });
    view! {
        {toolbar(listing, loaded, more_chips)}
        {dynamic(move || match loaded.error.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=loaded.reload /> }.into_any()
            }
            None => ().into_any(),
        })}
        {dynamic(move || match shape.get() {
            Shape::Loading => skeleton_rows(10),
            Shape::Nothing => ().into_any(),
            Shape::Empty => empty(),
            Shape::FilteredEmpty => filtered_empty(listing),
            Shape::Rows => table(listing, loaded, selecting),
        })}
        {selecting.map(|selecting| selection_bar(listing, loaded, selecting))}
    }
    .into_any()
}

fn filtered_empty(listing: Listing) -> AnyView {
    let (title, text) = listing.screen.no_match;
    let clear = move |()| {
        let plain = listing.state.with_untracked(|state| ListState {
            sort: state.sort,
            open: state.open.clone(),
            ..ListState::default()
        });
        listing.show(&plain, false);
    };
    view! {
        <EmptyState symbol=Icon::Search title=title text=text>
            <Button on_press=clear>"Clear filters"</Button>
        </EmptyState>
    }
    .into_any()
}

/// A text, or a dash that screen readers hear as "none".
pub(crate) fn or_dash(text: Option<String>) -> AnyView {
    match text {
        Some(text) => {
            let title = text.clone();
            view! { <span title=title>{text}</span> }.into_any()
        }
        None => view! { <span class="quiet" aria-hidden="true">"–"</span> <span class="visually-hidden">"none"</span> }.into_any(),
    }
}
