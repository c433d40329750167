//! What one import changed, by name: narrowed by chips to a kind and to agents or numbers, more of them at a press. The figures of
//! the run stand on the chips of agents, because they count agents.

use crate::api::ApiError;
use crate::api::enums::{SyncChangeKind, SyncChangeSubject};
use crate::api::sync_changes::{self as api, ChangeFilter, SyncChange, SyncChangePage};
use crate::components::badge::{Tone, badge};
use crate::components::button::Button;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::skeleton::skeleton_lines;
use crate::erased::{dynamic, spawn};
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::{outcome, phone, query_string, sync_words};
use crate::session::AgencyContext;
use leptos::prelude::*;

const KINDS: [(SyncChangeKind, &str); 4] = [
    (SyncChangeKind::Added, "Added"),
    (SyncChangeKind::Changed, "Changed"),
    (SyncChangeKind::Gone, "Gone"),
    (SyncChangeKind::Returned, "Returned"),
];

const SUBJECTS: [(SyncChangeSubject, &str); 2] = [
    (SyncChangeSubject::Agent, "Agents"),
    (SyncChangeSubject::PhoneNumber, "Numbers"),
];

#[derive(Clone, Copy)]
struct Changes {
    agency: AgencyContext,
    run: StoredValue<String>,
    filter: RwSignal<ChangeFilter>,
    page: Loader<SyncChangePage>,
    /// What was read behind the first page, and where it goes on.
    more: RwSignal<(Vec<SyncChange>, Option<String>)>,
    is_reading: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

/// The changes of a run; `version` changes when there may be new ones.
pub(super) fn changes(agency: AgencyContext, run: String, version: Signal<String>) -> AnyView {
    let filter = RwSignal::new(ChangeFilter::default());
    let run = StoredValue::new(run);
    let more = RwSignal::new((Vec::new(), None));
    let page = Loader::new(move || {
        version.track();
        more.set((Vec::new(), None));
        let (slug, filter) = (agency.slug.get(), filter.get());
        async move { api::list(&slug, run.try_get_value().unwrap_or_default(), filter, None).await }
    });
    let all = Changes {
        agency,
        run,
        filter,
        page,
        more,
        is_reading: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    let kinds = KINDS.map(|(kind, label)| {
        let is_on = Memo::new(move |_| filter.with(|filter| filter.kind == Some(kind)));
        chip(label, is_on, move |is_on| {
            filter.update(|filter| filter.kind = is_on.then_some(kind));
        })
    });
    let subjects = SUBJECTS.map(|(subject, label)| {
        let is_on = Memo::new(move |_| filter.with(|filter| filter.subject == Some(subject)));
        chip(label, is_on, move |is_on| {
            filter.update(|filter| filter.subject = is_on.then_some(subject));
        })
    });
    let count = move || {
        page.data.with(|page| {
            page.as_ref()
                .map(|page| counted(page.total_count, "change", "changes"))
        })
    };
    view! {
        <section class="changes" aria-labelledby="changes-title">
            <div class="card-head">
                <h3 id="changes-title">"What changed"</h3>
                <span class="quiet figures" role="status">{count}</span>
            </div>
            <div class="chips" role="group" aria-label="Filter changes">{Vec::from(kinds)} {Vec::from(subjects)}</div>
            {dynamic(move || list(all))}
        </section>
    }
    .into_any()
}

fn chip(label: &'static str, is_on: Memo<bool>, set: impl Fn(bool) + 'static) -> AnyView {
    view! {
        <button type="button" class="chip" aria-pressed=move || is_on.get().to_string() on:click=move |_| set(!is_on.get_untracked())>
            {move || is_on.get().then(|| icon(Icon::Check))} {label}
        </button>
    }
    .into_any()
}

fn list(all: Changes) -> AnyView {
    if let Some(error) = all.page.error.get() {
        let words = outcome::other(&error);
        return view! { <ErrorNotice error=error words=words on_retry=move |()| all.page.reload() /> }
            .into_any();
    }
    let Some(page) = all.page.data.get() else {
        return skeleton_lines(4);
    };
    if page.nodes.is_empty() {
        let is_narrowed = all
            .filter
            .with_untracked(|filter| *filter != ChangeFilter::default());
        let text = if is_narrowed {
            "None of these."
        } else {
            "Nothing was changed."
        };
        return view! { <p class="quiet">{text}</p> }.into_any();
    }
    let next = page
        .page_info
        .end_cursor
        .filter(|_| page.page_info.has_next_page);
    let first = page
        .nodes
        .iter()
        .map(|change| item(all.agency, change))
        .collect::<Vec<_>>();
    let rest = move || {
        all.more.with(|(rows, _)| {
            rows.iter()
                .map(|change| item(all.agency, change))
                .collect::<Vec<_>>()
        })
    };
    let cursor = Memo::new(move |_| {
        all.more.with(|(rows, after)| {
            if rows.is_empty() {
                next.clone()
            } else {
                after.clone()
            }
        })
    });
    view! {
        <ul class="change-list">{first} {rest}</ul>
        {dynamic(move || match cursor.get() {
            Some(after) => {
                let after = StoredValue::new(after);
                view! { <div class="actions"><Button is_busy=all.is_reading on_press=move |()| read_more(all, after.get_value())>"Show more"</Button></div> }.into_any()
            }
            None => ().into_any(),
        })}
        {dynamic(move || match all.failure.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words /> }.into_any()
            }
            None => ().into_any(),
        })}
    }
    .into_any()
}

fn read_more(all: Changes, after: String) {
    all.is_reading.set(true);
    all.failure.set(None);
    let (slug, run, filter) = (
        all.agency.slug.get_untracked(),
        all.run.get_value(),
        all.filter.get_untracked(),
    );
    spawn(async move {
        let answer = api::list(&slug, run, filter, Some(after)).await;
        // The panel is gone, or other changes are shown by now.
        if all.is_reading.try_set(false).is_some() || all.filter.get_untracked() != filter {
            return;
        }
        match answer {
            Ok(page) => all.more.update(|(rows, next)| {
                rows.extend(page.nodes);
                *next = page
                    .page_info
                    .end_cursor
                    .filter(|_| page.page_info.has_next_page);
            }),
            Err(error) => all.failure.set(Some(error)),
        }
    });
}

fn item(agency: AgencyContext, change: &SyncChange) -> AnyView {
    let (tone, symbol, word) = match change.kind {
        SyncChangeKind::Added => (Tone::Good, Icon::Plus, "Added"),
        SyncChangeKind::Changed => (Tone::Info, Icon::Refresh, "Changed"),
        SyncChangeKind::Gone => (Tone::Neutral, Icon::Dashed, "Gone"),
        SyncChangeKind::Returned => (Tone::Good, Icon::Good, "Returned"),
        SyncChangeKind::Unknown => (Tone::Neutral, Icon::Question, "Unknown"),
    };
    let link = match (&change.agent, &change.phone_number) {
        (Some(agent), _) => Some(query_string::joined(
            &agency.path("/agents"),
            &[("agent", &agent.id)],
        )),
        (None, Some(number)) => Some(query_string::joined(
            &agency.path("/numbers"),
            &[("number", &number.id)],
        )),
        (None, None) => None,
    };
    let name = phone::formatted(&change.name);
    let name = match link {
        Some(href) => view! { <a href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    let about = match change.subject {
        SyncChangeSubject::PhoneNumber => Some("Number"),
        _ => None,
    };
    let fields = (!change.fields.is_empty()).then(|| sync_words::fields(&change.fields));
    let about = match (about, fields) {
        (Some(about), Some(fields)) => Some(format!("{about} · {fields}")),
        (about, fields) => fields.or_else(|| about.map(str::to_owned)),
    };
    view! {
        <li>
            <span class="change-name">{name}</span>
            {badge(tone, symbol, word)}
            {about.map(|about| view! { <span class="quiet">{about}</span> }.into_any())}
        </li>
    }
    .into_any()
}
