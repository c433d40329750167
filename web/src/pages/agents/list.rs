//! The table of agents with its states: loading, failed, empty because nothing is connected, empty because of the filters.

use crate::api::agents::{AgentPage, AgentRow};
use crate::api::enums::AgentSortField;
use crate::components::badge::agent_badge;
use crate::components::button::Button;
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::pager::{PageFacts, neighbours, pager};
use crate::components::skeleton::skeleton_rows;
use crate::components::table::{Column, DataTable, SortState};
use crate::components::time::relative_time;
use crate::logic::list_state::{AgentListState, PagePosition};
use crate::logic::provider_name::provider_name;
use crate::logic::{outcome, phone};
use crate::pages::agents::ListContext;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Loading,
    Nothing,
    Empty,
    FilteredEmpty,
    Rows,
}

/// The table and what stands in its place.
#[component]
pub(super) fn AgentList(list: ListContext) -> impl IntoView {
    let shape = Memo::new(move |_| {
        let is_filtered = list.state.with(AgentListState::is_filtered);
        list.page.data.with(|page| match page {
            None if list.page.error.with(Option::is_some) => Shape::Nothing,
            None => Shape::Loading,
            Some(page) if !page.nodes.is_empty() => Shape::Rows,
            Some(_) if is_filtered => Shape::FilteredEmpty,
            Some(_) => Shape::Empty,
        })
    });
    view! {
        {move || list.page.error.get().map(|error| {
            let words = outcome::other(&error);
            view! { <ErrorNotice error=error words=words on_retry=move |()| list.page.reload() /> }.into_any()
        })}
        {move || match shape.get() {
            Shape::Loading => skeleton_rows(10),
            Shape::Nothing => ().into_any(),
            Shape::Empty => empty(list),
            Shape::FilteredEmpty => filtered_empty(list),
            Shape::Rows => table(list),
        }}
    }
    .into_any()
}

fn empty(list: ListContext) -> AnyView {
    view! {
        <EmptyState
            symbol=Icon::Agents
            title="No agents yet"
            text="When a voice provider is connected, its agents are imported here with their prompt, voice and numbers. Nothing is changed at the provider."
        >
            <a class="button primary" href=move || list.agency.path("/settings/api-keys")>"Connect a voice provider"</a>
        </EmptyState>
    }
    .into_any()
}

fn filtered_empty(list: ListContext) -> AnyView {
    view! {
        <EmptyState symbol=Icon::Search title="No agent matches" text="No agent has this name, status and provider together.">
            <Button on_press=move |()| {
                let plain = list.state.with_untracked(|state| AgentListState {
                    sort: state.sort, open_agent: state.open_agent.clone(), ..AgentListState::default()
                });
                list.show(&plain, false);
            }>"Clear filters"</Button>
        </EmptyState>
    }
    .into_any()
}

fn columns(list: ListContext) -> Vec<Column> {
    let sortable = |label, field| {
        let state = list.state.get();
        let shown = (state.sort.field == field).then_some(match state.sort.direction {
            crate::api::enums::SortDirection::Desc => SortState::Descending,
            _ => SortState::Ascending,
        });
        let next = state.at_first_page(|state| state.sort = state.sort.after_click(field));
        Column {
            label,
            is_figure: false,
            sort: Some((list.link(&next), shown)),
        }
    };
    vec![
        sortable("Name", AgentSortField::Name),
        sortable("Status", AgentSortField::Status),
        Column::text("Provider"),
        Column::text("Model"),
        Column::text("Voice"),
        Column::text("Numbers"),
        sortable("Changed", AgentSortField::UpdatedAt),
    ]
}

fn table(list: ListContext) -> AnyView {
    let rows = move || {
        list.page.data.with(|page| {
            page.as_ref()
                .map(|page| page.nodes.clone())
                .unwrap_or_default()
        })
    };
    let key = |row: &AgentRow| {
        (
            row.id.clone(),
            row.name.clone(),
            row.status as u8,
            row.is_reachable,
            row.updated_at.clone(),
            row.phone_number_count,
        )
    };
    view! {
        <DataTable caption="Agents" columns=Signal::derive(move || columns(list)) is_stale=list.page.is_loading>
            <For each=rows key=key children=move |row| agent_row(list, row) />
        </DataTable>
        {move || list.page.data.with(|page| page.as_ref().map(|page| foot(list, page)))}
    }
    .into_any()
}

fn foot(list: ListContext, page: &AgentPage) -> AnyView {
    let state = list.state.get();
    let info = &page.page_info;
    let (previous, next) = neighbours(
        &state.position,
        info.has_previous_page,
        info.has_next_page,
        info.start_cursor.clone(),
        info.end_cursor.clone(),
    );
    let link = |position: PagePosition| {
        list.link(&AgentListState {
            position,
            ..state.clone()
        })
    };
    let facts = PageFacts {
        position: state.position.clone(),
        shown: page.nodes.len(),
        total: page.total_count,
        previous: previous.map(link),
        next: next.map(link),
    };
    pager(facts, "agents")
}

fn agent_row(list: ListContext, row: AgentRow) -> AnyView {
    let id = row.id.clone();
    let is_open = Memo::new(move |_| {
        list.state
            .with(|state| state.open_agent.as_deref() == Some(id.as_str()))
    });
    let id = row.id.clone();
    let href = move || list.link(&list.state.with(|state| state.with_agent(Some(id.clone()))));
    let id = row.id.clone();
    let open = move |event: leptos::ev::MouseEvent| {
        let is_on_link = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| element.closest("a").ok().flatten().is_some());
        // The router takes a click on the link itself.
        if is_on_link {
            return;
        }
        let state = list
            .state
            .with_untracked(|state| state.with_agent(Some(id.clone())));
        list.show(&state, false);
    };
    let model = row
        .definition
        .model
        .map(|model| format!("{} {}", model.vendor, model.name));
    let voice = row
        .definition
        .voice
        .map(|voice| format!("{} {}", voice.engine, voice.voice_id));
    let count = usize::try_from(row.phone_number_count).unwrap_or(0);
    let numbers: Vec<String> = row
        .phone_numbers
        .iter()
        .filter_map(|number| {
            number
                .number
                .as_deref()
                .map(phone::formatted)
                .or_else(|| number.sip_uri.clone())
        })
        .collect();
    let link_id = format!("agent-{}", row.id);
    let title = row.name.clone();
    view! {
        <tr class:open=is_open on:click=open>
            <th scope="row" class="cell-name">
                <a id=link_id href=href data-noscroll="" title=title aria-current=move || is_open.get().then_some("true")>{row.name}</a>
            </th>
            <td class="cell-status">{agent_badge(row.status, row.is_reachable)}</td>
            <td data-label="Provider">{provider_name(row.provider)}</td>
            <td data-label="Model">{or_dash(model)}</td>
            <td data-label="Voice">{or_dash(voice)}</td>
            <td data-label="Numbers" class="figures">{number_cell(&numbers, count)}</td>
            <td data-label="Changed">{relative_time(&row.updated_at)}</td>
        </tr>
    }
    .into_any()
}

/// The first number, and how many more of `count` there are.
fn number_cell(numbers: &[String], count: usize) -> AnyView {
    match numbers {
        [] => or_dash(None),
        [only] if count < 2 => only.clone().into_any(),
        [first, rest @ ..] => {
            view! { <span>{first.clone()} " " <span class="quiet" title=rest.join(", ")>{format!("+{}", count.saturating_sub(1))}</span></span> }.into_any()
        }
    }
}

/// A text, or a dash that screen readers hear as "none".
fn or_dash(text: Option<String>) -> AnyView {
    match text {
        Some(text) => {
            let title = text.clone();
            view! { <span title=title>{text}</span> }.into_any()
        }
        None => view! { <span class="quiet" aria-hidden="true">"–"</span> <span class="visually-hidden">"none"</span> }.into_any(),
    }
}
