//! The bar of the selected rows: how many there are, how to take in more, and what can be done with them. What needs every row that
//! matches walks the pages with progress, and can be stopped. A selection outlives paging; a changed filter drops it, and says so.

use crate::api::ApiError;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::notices::{Notices, use_notices};
use crate::components::progress::ProgressBar;
use crate::download;
use crate::erased::{dynamic, effect, spawn};
use crate::logic::list_state::ListState;
use crate::logic::number::{counted, grouped};
use crate::logic::selection::{Record, Selection};
use crate::logic::{csv, outcome};
use crate::pages::listing::table::records;
use crate::pages::listing::{Listing, Loaded};
use leptos::prelude::*;
use std::pin::Pin;
use wasm_bindgen_futures::JsFuture;

/// Some rows of a walk through all pages.
pub(crate) struct Walked {
    /// The records of the rows.
    pub(crate) records: Vec<Record>,
    /// How many match in all.
    pub(crate) total: i64,
    /// Where it goes on; none at the end.
    pub(crate) next: Option<String>,
}

/// Reads the next rows that match a state: of an agency, behind a cursor.
pub(crate) type Walk = fn(
    String,
    ListState,
    Option<String>,
) -> Pin<Box<dyn Future<Output = Result<Walked, ApiError>>>>;

/// What selecting needs of a page.
#[derive(Clone, Copy)]
pub(crate) struct Selecting {
    /// The selected rows.
    pub(crate) selection: RwSignal<Selection>,
    /// Reads all rows that match.
    pub(crate) walk: Walk,
    /// The head of the downloaded file.
    pub(crate) header: &'static [&'static str],
    /// Its name.
    pub(crate) file_name: &'static str,
    /// What else can be done with the rows, before the copying and downloading.
    pub(crate) more: Option<Callback<(), AnyView>>,
}

impl Selecting {
    /// Selects the whole page, or takes it out.
    pub(super) fn set_page(self, rows: &[Record], is_on: bool) {
        self.selection
            .update(|selection| selection.set(rows, is_on));
    }

    /// Selects a row or takes it out; `extends` does so from where the range starts.
    pub(super) fn set_row(self, rows: &[Record], id: &str, is_on: bool, extends: bool) {
        self.selection.update(|selection| {
            if extends {
                selection.set_range(rows, id, is_on);
            } else {
                selection.set_one(rows, id, is_on);
            }
        });
    }

    /// A range starts at a row that is not selected yet.
    pub(super) fn begin_range(self, rows: &[Record], id: &str) {
        if !self
            .selection
            .with_untracked(|selection| selection.contains(id))
        {
            self.set_row(rows, id, true, false);
        }
    }
}

/// What becomes of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    CopyIds,
    Download,
}

/// What the bar is doing.
#[derive(Debug, Clone, PartialEq)]
enum Job {
    Idle,
    /// So many rows of so many are read; the number tells one walk from the next.
    Walking(u32, i64, i64),
    /// The ids are there, but the browser lets them into the clipboard only at a click.
    Ready(String, usize),
    Failed(Action, ApiError),
}

#[derive(Clone, Copy)]
struct Bar {
    listing: Listing,
    loaded: Loaded,
    selecting: Selecting,
    job: RwSignal<Job>,
    walks: StoredValue<u32>,
    notices: Notices,
}

/// The bar; nothing while nothing is selected.
pub(super) fn selection_bar(listing: Listing, loaded: Loaded, selecting: Selecting) -> AnyView {
    let bar = Bar {
        listing,
        loaded,
        selecting,
        job: RwSignal::new(Job::Idle),
        walks: StoredValue::new(0),
        notices: use_notices(),
    };
    drop_with_the_filter(bar);
    let count = Memo::new(move |_| {
        let total = loaded
            .facts
            .with(|facts| facts.as_ref().map_or(0, |facts| facts.total));
        selecting.selection.read().count(total)
    });
    let is_shown = Memo::new(move |_| count.get() > 0);
    let words = move || {
        let all = selecting.selection.with(Selection::is_all);
        let (one, several) = listing.screen.noun;
        match count.get() {
            0 => String::new(),
            count if all => format!("{} that match selected", counted(count, one, several)),
            count => format!("{} selected", counted(count, one, several)),
        }
    };
    view! {
        <div class="selection" class:shown=is_shown role="region" aria-label="Selection">
            // Stands here before there is a text, so that it is spoken (WCAG 4.1.3).
            <span class="selection-count figures" role="status">{words}</span>
            {dynamic(move || if is_shown.get() { actions(bar) } else { ().into_any() })}
        </div>
    }
    .into_any()
}

/// What the list is narrowed to, without sort and page.
fn narrowing(state: &ListState) -> (String, Vec<(&'static str, String)>) {
    (state.search.trim().to_owned(), state.filters.clone())
}

fn drop_with_the_filter(bar: Bar) {
    let narrowed = Memo::new(move |_| bar.listing.state.with(narrowing));
    let before = StoredValue::new(narrowed.get_untracked());
    let selection = bar.selecting.selection;
    effect(move || {
        let now = narrowed.get();
        if before.get_value() == now {
            return;
        }
        before.set_value(now);
        if selection.with_untracked(|selection| *selection == Selection::default()) {
            return;
        }
        stop(bar);
        selection.set(Selection::default());
        bar.notices
            .toast("The filter changed, so nothing is selected any more.".to_owned());
    });
}

fn stop(bar: Bar) {
    bar.walks
        .try_update_value(|walks| *walks = walks.wrapping_add(1));
    bar.job.try_set(Job::Idle);
}

fn actions(bar: Bar) -> AnyView {
    let Bar {
        loaded, selecting, ..
    } = bar;
    let selection = selecting.selection;
    let shape = Memo::new(move |_| {
        bar.job.with(|job| match job {
            Job::Idle => 0,
            Job::Walking(..) => 1,
            Job::Ready(..) => 2,
            Job::Failed(..) => 3,
        })
    });
    let offers = Memo::new(move |_| {
        let selection = selection.read();
        let total = loaded
            .facts
            .with(|facts| facts.as_ref().map_or(0, |facts| facts.total));
        let rows = loaded.rows.get();
        let lacks_page = rows.iter().any(|row| !selection.contains(&row.id));
        let page = (lacks_page && !selection.is_all()).then_some(rows.len());
        let is_one_page = usize::try_from(total).is_ok_and(|total| total <= rows.len());
        let all = (!selection.is_all() && !is_one_page && selection.count(total) < total)
            .then_some(total);
        (page, all)
    });
    let more = move || {
        let (page, all) = offers.get();
        let page = page.map(|rows| {
            view! {
                <button type="button" class="link-button" on:click=move |_| selecting.set_page(&records(loaded), true)>
                    {format!("Select all {rows} on this page")}
                </button>
            }
            .into_any()
        });
        let all = all.map(|total| {
            view! {
                <button type="button" class="link-button" on:click=move |_| selection.set(Selection::all())>
                    {format!("Select all {} that match", grouped(total))}
                </button>
            }
            .into_any()
        });
        view! { {page} {all} }.into_any()
    };
    view! {
        {dynamic(move || match shape.get() {
            1 => walking(bar),
            2 => ready(bar),
            3 => failed(bar),
            _ => view! {
                <span class="selection-more">{dynamic(more)}</span>
                <span class="actions">
                    {selecting.more.map(|more| more.run(()))}
                    <Button leading=Icon::Copy on_press=move |()| act(bar, Action::CopyIds)>"Copy IDs"</Button>
                    <Button leading=Icon::Download on_press=move |()| act(bar, Action::Download)>"Download CSV"</Button>
                    <Button kind=ButtonKind::Quiet on_press=move |()| selection.set(Selection::default())>"Clear selection"</Button>
                </span>
            }.into_any(),
        })}
    }
    .into_any()
}

fn walking(bar: Bar) -> AnyView {
    let figures = Memo::new(move |_| match bar.job.get() {
        Job::Walking(_, done, total) => (done, total),
        _ => (0, 0),
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of rows are far below the precision of f64"
    )]
    let fraction = Signal::derive(move || {
        let (done, total) = figures.get();
        (total > 0).then(|| done as f64 / total as f64)
    });
    let text = Signal::derive(move || {
        let (done, total) = figures.get();
        format!("Reading {} of {}", grouped(done), grouped(total))
    });
    view! {
        <ProgressBar fraction=fraction text=text />
        <Button on_press=move |()| {
            stop(bar);
            bar.notices.speak("Stopped. Nothing was copied or downloaded.".to_owned());
        }>"Stop"</Button>
    }
    .into_any()
}

fn ready(bar: Bar) -> AnyView {
    let Job::Ready(text, count) = bar.job.get_untracked() else {
        return ().into_any();
    };
    let text = StoredValue::new(text);
    view! {
        <span class="selection-more">{format!("{} are ready.", ids(count))}</span>
        <span class="actions">
            <Button kind=ButtonKind::Primary leading=Icon::Copy on_press=move |()| copy(bar, text.get_value(), count)>"Copy them now"</Button>
            <Button kind=ButtonKind::Quiet on_press=move |()| stop(bar)>"Cancel"</Button>
        </span>
    }
    .into_any()
}

fn failed(bar: Bar) -> AnyView {
    let Job::Failed(action, error) = bar.job.get_untracked() else {
        return ().into_any();
    };
    let words = outcome::other(&error);
    view! {
        <ErrorNotice error=error words=words on_retry=move |()| act(bar, action)>
            <Button kind=ButtonKind::Quiet on_press=move |()| stop(bar)>"Cancel"</Button>
        </ErrorNotice>
    }
    .into_any()
}

fn act(bar: Bar, action: Action) {
    let selection = bar.selecting.selection.get_untracked();
    if !selection.is_all() {
        finish(bar, action, selection.records());
        return;
    }
    let total = bar
        .loaded
        .facts
        .with_untracked(|facts| facts.as_ref().map_or(0, |facts| facts.total));
    bar.walks
        .update_value(|walks| *walks = walks.wrapping_add(1));
    let number = bar.walks.get_value();
    bar.job.set(Job::Walking(number, 0, total));
    let agency = bar.listing.agency.slug.get_untracked();
    let state = untrack(|| bar.listing.asked());
    spawn(async move {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let answer = (bar.selecting.walk)(agency.clone(), state.clone(), after).await;
            if bar.walks.try_get_value() != Some(number) {
                return; // It was stopped, or the page was left.
            }
            match answer {
                Ok(walked) => {
                    rows.extend(walked.records);
                    let done = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                    bar.job
                        .set(Job::Walking(number, done, walked.total.max(done)));
                    after = walked.next;
                }
                Err(error) => {
                    bar.job.set(Job::Failed(action, error));
                    return;
                }
            }
            if after.is_none() {
                break;
            }
        }
        rows.retain(|row: &Record| row.first().is_some_and(|id| selection.contains(id)));
        bar.job.set(Job::Idle);
        finish(bar, action, &rows);
    });
}

fn ids(count: usize) -> String {
    counted(i64::try_from(count).unwrap_or(i64::MAX), "ID", "IDs")
}

fn finish(bar: Bar, action: Action, rows: &[Record]) {
    match action {
        Action::CopyIds => {
            let text = rows
                .iter()
                .filter_map(|row| row.first().map(String::as_str))
                .collect::<Vec<_>>()
                .join("\n");
            copy(bar, text, rows.len());
        }
        Action::Download => {
            let text = csv::file(bar.selecting.header, rows);
            if download::text_file(bar.selecting.file_name, "text/csv;charset=utf-8", &text) {
                let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                let (one, several) = bar.listing.screen.noun;
                bar.notices.toast(format!(
                    "{} written to {}.",
                    counted(count, one, several),
                    bar.selecting.file_name
                ));
            }
        }
    }
}

fn copy(bar: Bar, text: String, count: usize) {
    spawn(async move {
        if JsFuture::from(window().navigator().clipboard().write_text(&text))
            .await
            .is_ok()
        {
            bar.notices
                .toast(format!("{} copied, one per line.", ids(count)));
            bar.job.try_set(Job::Idle);
        } else {
            bar.job.try_set(Job::Ready(text, count));
        }
    });
}
