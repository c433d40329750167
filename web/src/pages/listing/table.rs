//! The rows of a list and their keyboard: a row opens by click and Enter, arrow keys go from row to row, Space selects and Shift
//! extends. One listener serves the whole table, whatever its length.

use crate::components::pager::{PageFacts, neighbours, pager};
use crate::components::table::{Column, DataTable, SortState};
use crate::erased::dynamic;
use crate::logic::list_state::{ListState, PagePosition};
use crate::logic::selection::Record;
use crate::pages::listing::selection_bar::Selecting;
use crate::pages::listing::{Facts, Listing, Loaded, Row, row_link_id};
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

/// The table and its pages.
pub(super) fn table(listing: Listing, loaded: Loaded, selecting: Option<Selecting>) -> AnyView {
    let columns = Signal::derive(move || columns(listing));
    let key = |row: &Row| (row.id.clone(), row.print.clone());
    let all_rows = selecting.map(|selecting| whole_page(loaded, selecting));
    view! {
        <div
            class=format!("list-rows {}", listing.screen.list.panel)
            class:selectable=selecting.is_some()
            on:click=move |event| on_click(listing, loaded, selecting, &event)
            on:keydown=move |event| on_key(loaded, selecting, &event)
        >
            <DataTable caption=listing.screen.caption columns=columns is_stale=loaded.is_loading first_head=all_rows>
                <For each=move || loaded.rows.get() key=key children=move |row| row_view(listing, selecting, row) />
            </DataTable>
        </div>
        {dynamic(move || loaded.facts.get().map(|facts| foot(listing, facts)).into_any())}
    }
    .into_any()
}

fn columns(listing: Listing) -> Vec<Column> {
    let state = listing.state.get();
    let screen = listing.screen;
    let column = |column: &'static crate::pages::listing::ColumnSpec| Column {
        label: column.label,
        class: column.class,
        is_figure: false,
        sort: column.sort.map(|field| {
            let shown = (state.sort.field == field).then_some(if state.sort.is_descending {
                SortState::Descending
            } else {
                SortState::Ascending
            });
            let next = state.at_first_page(|state| {
                state.sort = screen.list.sort_after_click(state.sort, field);
            });
            (listing.link(&next), shown)
        }),
    };
    screen.columns.iter().map(column).collect()
}

fn foot(listing: Listing, facts: Facts) -> AnyView {
    let state = listing.state.get();
    let (previous, next) = neighbours(
        &state.position,
        facts.has.0,
        facts.has.1,
        facts.cursors.0,
        facts.cursors.1,
    );
    let link = |position: PagePosition| {
        listing.link(&ListState {
            position,
            ..state.clone()
        })
    };
    let facts = PageFacts {
        position: state.position.clone(),
        shown: facts.shown,
        total: facts.total,
        previous: previous.map(link),
        next: next.map(link),
    };
    pager(facts, listing.screen.noun.1)
}

/// The checkbox in the head: the whole page.
fn whole_page(loaded: Loaded, selecting: Selecting) -> AnyView {
    let chosen = Memo::new(move |_| {
        let selection = selecting.selection.read();
        let rows = loaded.rows.get();
        let chosen = rows
            .iter()
            .filter(|row| selection.contains(&row.id))
            .count();
        (chosen, rows.len())
    });
    let is_whole = move || {
        let (chosen, rows) = chosen.get();
        chosen > 0 && chosen == rows
    };
    let is_part = move || {
        let (chosen, rows) = chosen.get();
        chosen > 0 && chosen < rows
    };
    view! {
        <input
            type="checkbox"
            class="select-box"
            aria-label="Select all on this page"
            prop:checked=is_whole
            prop:indeterminate=is_part
            on:change=move |event| selecting.set_page(&records(loaded), event_target_checked(&event))
        />
    }
    .into_any()
}

/// The records of the page.
pub(super) fn records(loaded: Loaded) -> Vec<Record> {
    loaded
        .rows
        .get_untracked()
        .into_iter()
        .map(|row| row.record)
        .collect()
}

fn row_view(listing: Listing, selecting: Option<Selecting>, row: Row) -> AnyView {
    let Row {
        id, name, cells, ..
    } = row;
    let opened = id.clone();
    let is_open = Memo::new(move |_| {
        listing
            .open
            .with(|open| open.as_deref() == Some(opened.as_str()))
    });
    let linked = id.clone();
    let href = move || listing.row_link(&linked);
    let checkbox = selecting.map(|selecting| {
        let label = format!("Select {name}");
        let chosen = id.clone();
        let is_chosen = move || selecting.selection.with(|all| all.contains(&chosen));
        view! { <td class="cell-select"><input type="checkbox" class="select-box" aria-label=label prop:checked=is_chosen /></td> }
            .into_any()
    });
    let link_id = row_link_id(&id);
    let (head, rest) = cells();
    view! {
        <tr data-id=id class:open=is_open>
            {checkbox}
            <th scope="row" class="cell-name">
                <a id=link_id href=href data-noscroll="" title=name aria-current=move || is_open.get().then_some("true")>{head}</a>
            </th>
            {rest}
        </tr>
    }
    .into_any()
}

/// The row of an event and the element in it.
fn place_of(target: Option<web_sys::EventTarget>) -> Option<(Element, Element, String)> {
    let element = target?.dyn_into::<Element>().ok()?;
    let row = element.closest("tbody tr[data-id]").ok()??;
    let id = row.get_attribute("data-id")?;
    Some((element, row, id))
}

fn on_click(listing: Listing, loaded: Loaded, selecting: Option<Selecting>, event: &MouseEvent) {
    let Some((element, _, id)) = place_of(event.target()) else {
        return;
    };
    if let Some(selecting) = selecting
        && let Some(input) = element.dyn_ref::<HtmlInputElement>()
    {
        selecting.set_row(&records(loaded), &id, input.checked(), event.shift_key());
        return;
    }
    // Around the checkbox a slip of the hand must not open the row, and the router takes a click on the link itself.
    if matches!(element.closest("a, button, .cell-select"), Ok(None)) {
        if listing.screen.opens_page {
            listing.visit(&id);
        } else {
            listing.open(Some(id));
        }
    }
}

fn on_key(loaded: Loaded, selecting: Option<Selecting>, event: &KeyboardEvent) {
    let Some((element, row, id)) = place_of(event.target()) else {
        return;
    };
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let is_link = element.id() == row_link_id(&id);
    let is_checkbox = element.class_name() == "select-box";
    if !is_link && !is_checkbox {
        return;
    }
    let neighbour = match event.key().as_str() {
        "ArrowDown" => row.next_element_sibling(),
        "ArrowUp" => row.previous_element_sibling(),
        // The browser itself turns the checkbox, which ends in a click.
        " " if is_link => {
            if let Some(selecting) = selecting {
                event.prevent_default();
                let is_on = !selecting
                    .selection
                    .with_untracked(|selection| selection.contains(&id));
                selecting.set_row(&records(loaded), &id, is_on, event.shift_key());
            }
            return;
        }
        _ => return,
    };
    let Some(neighbour) = neighbour else { return };
    event.prevent_default();
    let wanted = if is_link { "th a" } else { ".select-box" };
    if let Ok(Some(target)) = neighbour.query_selector(wanted)
        && let Some(target) = target.dyn_ref::<HtmlElement>()
    {
        // Both take the focus by themselves.
        let _ = target.focus();
    }
    if let (Some(selecting), true, Some(next)) = (
        selecting,
        event.shift_key(),
        neighbour.get_attribute("data-id"),
    ) {
        let rows = records(loaded);
        selecting.begin_range(&rows, &id);
        selecting.set_row(&rows, &next, true, true);
    }
}
