//! Settings → Audit log: every key event, newest first, of one provider or of all. The filter and the page stand in the URL;
//! the provider cards link here as "Activity".

use crate::api::audit_entries::{self as api, AuditEntry, AuditPage as Entries};
use crate::api::enums::Provider;
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::pager::{PageFacts, neighbours, pager};
use crate::components::skeleton::skeleton_rows;
use crate::components::table::{Column, DataTable};
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::list_state::PagePosition;
use crate::logic::number::counted;
use crate::logic::provider_name::{from_slug, provider_name, slug};
use crate::logic::{outcome, query_string};
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[derive(Debug, Clone, PartialEq)]
struct State {
    provider: Option<Provider>,
    position: PagePosition,
}

fn link(agency: AgencyContext, provider: Option<Provider>, position: &PagePosition) -> String {
    query_string::joined(
        &agency.path("/settings/audit"),
        &[
            ("provider", provider.map_or("", slug)),
            ("after", position.after.as_deref().unwrap_or_default()),
            ("before", position.before.as_deref().unwrap_or_default()),
            ("page", &position.page_text()),
        ],
    )
}

/// The page at `settings/audit`.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let agency = use_agency();
    let query = use_query_map();
    let state = Memo::new(move |_| {
        query.with(|query| State {
            provider: query.get("provider").as_deref().and_then(from_slug),
            position: PagePosition::read(&|name| query.get(name)),
        })
    });
    let page = Loader::new(move || {
        let (slug, State { provider, position }) = (agency.slug.get(), state.get());
        async move { api::list(&slug, provider, position).await }
    });
    let is_empty = Memo::new(move |_| {
        page.data
            .with(|page| page.as_ref().map(|page| page.nodes.is_empty()))
    });
    view! {
        <div class="page wide log">
            <PageHead
                title="Audit log"
                sentence="Who did what with your keys, in the order it happened. Entries are chained: none can be changed or removed without being noticed."
            />
            <div class="toolbar">
                <div class="chips" role="group" aria-label="Filters">{move || provider_chip(agency, state)}</div>
                <span class="count figures" role="status">
                    {move || page.data.with(|page| page.as_ref().map(|page| counted(page.total_count, "entry", "entries")))}
                </span>
            </div>
            {move || page.error.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| page.reload() /> }.into_any()
            })}
            {move || match is_empty.get() {
                None if page.error.with(Option::is_some) => ().into_any(),
                None => skeleton_rows(8),
                Some(true) => view! {
                    <EmptyState symbol=Icon::Audit title="Nothing has happened here yet" text="Each save, test, replacement and clearing of a key is written down here." />
                }.into_any(),
                Some(false) => table(agency, state, page),
            }}
        </div>
    }
    .into_any()
}

/// The filter that is on, as a chip that takes it off; nothing without one.
fn provider_chip(agency: AgencyContext, state: Memo<State>) -> AnyView {
    let Some(provider) = state.with(|state| state.provider) else {
        return ().into_any();
    };
    let href = link(agency, None, &PagePosition::default());
    view! {
        <a class="chip on" href=href aria-label=format!("Only {}. Show all entries", provider_name(provider))>
            {provider_name(provider)} {icon(Icon::Close)}
        </a>
    }
    .into_any()
}

fn table(agency: AgencyContext, state: Memo<State>, page: Loader<Entries>) -> AnyView {
    let columns = || {
        let number = Column {
            label: "No.",
            class: "",
            is_figure: true,
            sort: None,
        };
        vec![
            number,
            Column::text("When"),
            Column::text("Who"),
            Column::text("What"),
            Column::text("Provider"),
            Column::text("Event"),
        ]
    };
    let rows = move || {
        page.data.with(|page| {
            page.as_ref()
                .map(|page| page.nodes.clone())
                .unwrap_or_default()
        })
    };
    view! {
        <DataTable caption="Audit log" columns=Signal::derive(columns) is_stale=page.is_loading>
            <For each=rows key=|entry| entry.sequence children=entry_row />
        </DataTable>
        {move || page.data.with(|page| page.as_ref().map(|page| foot(agency, &state.get(), page)))}
    }
    .into_any()
}

fn foot(agency: AgencyContext, state: &State, page: &Entries) -> AnyView {
    let info = &page.page_info;
    let (previous, next) = neighbours(
        &state.position,
        info.has_previous_page,
        info.has_next_page,
        info.start_cursor.clone(),
        info.end_cursor.clone(),
    );
    let to = |position: PagePosition| link(agency, state.provider, &position);
    let facts = PageFacts {
        position: state.position.clone(),
        shown: page.nodes.len(),
        total: page.total_count,
        previous: previous.map(to),
        next: next.map(to),
    };
    pager(facts, "the audit log")
}

fn entry_row(entry: AuditEntry) -> AnyView {
    let actor = if entry.actor == "system" {
        "Ringfence".to_owned()
    } else {
        entry.actor
    };
    view! {
        <tr>
            <td class="figure figures cell-sequence" data-label="No.">{entry.sequence}</td>
            <td class="cell-when" data-label="When">{relative_time(&entry.at)}</td>
            <td class="cell-who" data-label="Who">{actor}</td>
            <td class="cell-summary">{entry.summary}</td>
            <td class="cell-provider" data-label="Provider">{entry.provider.map(provider_name).unwrap_or_default()}</td>
            <td class="cell-event" data-label="Event"><code>{entry.action}</code></td>
        </tr>
    }
    .into_any()
}
