//! A sync as it goes: the run of a provider, watched live, and the strip that shows it, bar, wait, question, failure or what
//! it brought. The card of a key and the overview both show it; leaving the page stops the watching and not the sync.

use crate::api::enums::SyncState;
use crate::api::sync_runs::{self, SyncAccount, SyncRun};
use crate::clock;
use crate::components::badge::Tone;
use crate::components::button::Button;
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use crate::components::progress::ProgressBar;
use crate::components::time::{relative_time, running_for, seconds_until};
use crate::erased::dynamic;
use crate::erased::effect;
use crate::logic::provider_name::provider_name;
use crate::logic::{sync_words, time};
use crate::session::{AgencyContext, use_agency};
use futures_util::future::AbortHandle;
use leptos::prelude::*;

/// Follows the latest run that a page loaded: the same run, kept up to date until it ends. `on_end` is told when it does.
pub(crate) fn live_run(
    loaded: Memo<Option<SyncRun>>,
    on_end: Callback<()>,
) -> RwSignal<Option<SyncRun>> {
    let agency = use_agency();
    let notices = use_notices();
    let current = RwSignal::new(loaded.get_untracked());
    let watched = StoredValue::new(None::<(String, AbortHandle)>);
    let stop = move || {
        watched.try_update_value(|watched| {
            if let Some((_, handle)) = watched.take() {
                handle.abort();
            }
        });
    };
    on_cleanup(stop);
    effect(move || {
        let Some(run) = loaded.get() else {
            stop();
            current.set(None);
            return;
        };
        let is_watched =
            watched.with_value(|watched| watched.as_ref().is_some_and(|(id, _)| *id == run.id));
        if is_watched && !sync_runs::has_ended(run.state) {
            // What the watch brings is newer than what the page loaded.
            return;
        }
        stop();
        let before = current.get_untracked();
        current.set(Some(run.clone()));
        if sync_runs::has_ended(run.state) {
            return;
        }
        // A run that is queued begins now; one that the page found under way is not announced as new.
        if run.state == SyncState::Queued {
            let name = provider_name(run.provider);
            if let Some(text) = sync_words::announcement(before.as_ref(), &run, name) {
                notices.speak(text);
            }
        }
        let on_run = move |next: SyncRun| {
            let before = current.try_get_untracked().flatten();
            let name = provider_name(next.provider);
            if let Some(text) = sync_words::announcement(before.as_ref(), &next, name) {
                notices.speak(text);
            }
            let is_over = sync_runs::has_ended(next.state);
            current.try_set(Some(next));
            if is_over {
                on_end.try_run(());
            }
        };
        let handle = sync_runs::watch(agency.slug.get_untracked(), run.id.clone(), on_run);
        watched.set_value(Some((run.id, handle)));
    });
    current
}

/// The account of a run. A provider that names no organization leaves its id as the name.
pub(crate) fn account_name(account: SyncAccount) -> AnyView {
    let is_id = account.remote_id.as_deref() == Some(account.name.as_str());
    view! { <span class:code=is_id>{account.name}</span> }.into_any()
}

/// The strip. `on_retry` starts another sync; without it the strip only shows.
#[component]
pub(crate) fn SyncStrip(
    #[prop(into)] run: Signal<Option<SyncRun>>,
    provider_name: String,
    #[prop(optional, into)] on_retry: Option<Callback<()>>,
) -> impl IntoView {
    // Rebuilt only when the state changes, so that the bar moves and the elapsed time does not start again.
    let shape = Memo::new(move |_| {
        run.with(|run| {
            run.as_ref()
                .map(|run| (run.id.clone(), run.state, run.waiting_until.clone()))
        })
    });
    dynamic(move || {
        let (Some((_, state, _)), Some(run_now)) = (shape.get(), run.get_untracked()) else {
            return ().into_any();
        };
        match state {
            SyncState::Queued | SyncState::Running => running(run, &run_now),
            SyncState::Waiting => waiting(run, &run_now),
            SyncState::NeedsConfirmation => question(&run_now, &provider_name),
            SyncState::Failed => failed(&run_now, &provider_name, on_retry),
            SyncState::Succeeded => succeeded(&run_now),
            SyncState::Unknown => ().into_any(),
        }
    })
}

fn bar(run: Signal<Option<SyncRun>>) -> AnyView {
    let fraction =
        Signal::derive(move || run.with(|run| run.as_ref().and_then(sync_words::fraction)));
    let text = Signal::derive(move || {
        run.with(|run| run.as_ref().map(sync_words::progress).unwrap_or_default())
    });
    view! { <ProgressBar fraction=fraction text=text /> }.into_any()
}

fn running(run: Signal<Option<SyncRun>>, now: &SyncRun) -> AnyView {
    let since = now.started_at.as_ref().unwrap_or(&now.created_at);
    view! {
        <div class="strip">
            {bar(run)}
            <span class="quiet">{running_for(since)}</span>
        </div>
    }
    .into_any()
}

fn waiting(run: Signal<Option<SyncRun>>, now: &SyncRun) -> AnyView {
    let reason = now
        .waiting_reason
        .clone()
        .unwrap_or_else(|| "Waiting for the provider".to_owned());
    let reason = reason.trim_end_matches('.').to_owned();
    let left = now
        .waiting_until
        .as_deref()
        .map(clock::parse)
        .filter(|until_ms| !until_ms.is_nan())
        .map(seconds_until);
    let next = move || match left.map(|left| left.get()) {
        None => String::new(),
        Some(0) => ", trying now".to_owned(),
        Some(seconds) => format!(", next try in {}", time::wait(seconds)),
    };
    view! {
        <div class="strip">
            {bar(run)}
            <p class="strip-wait">{icon(Icon::Clock)} <span>{reason} <span class="figures">{next}</span> "."</span></p>
        </div>
    }
    .into_any()
}

/// The question in short; the review says what each answer does.
fn question(now: &SyncRun, provider_name: &str) -> AnyView {
    let agency = use_agency();
    let href = review_link(agency, &now.id);
    view! {
        <div class="strip">
            <Notice
                tone=Tone::Warning
                symbol=Icon::Question
                title=sync_words::not_listed(now)
                text=format!("{provider_name} did not list them in the last sync. That is more than usual, so nothing was marked until somebody decides.")
            >
                <a class="button" href=href>"Review"</a>
            </Notice>
        </div>
    }
    .into_any()
}

/// The page where somebody decides what becomes of missing agents.
pub(crate) fn review_link(agency: AgencyContext, run: &str) -> String {
    agency.path(&format!("/settings/sync-history/{run}"))
}

fn failed(now: &SyncRun, provider_name: &str, on_retry: Option<Callback<()>>) -> AnyView {
    let text = now
        .error
        .as_ref()
        .map(|error| error.message.clone())
        .unwrap_or_default();
    let after = sync_words::after_failure(now.error.as_ref().map(|error| error.code));
    let when = now.finished_at.as_deref().map(relative_time);
    view! {
        <div class="strip">
            <div class="notice bad">
                {icon(Icon::Bad)}
                <div class="notice-body">
                    <p class="notice-title">{format!("The last {provider_name} sync failed ")} {when}</p>
                    <p>{text} " " {after}</p>
                    {on_retry.map(|on_retry| view! {
                        <div class="actions"><Button leading=Icon::Refresh on_press=on_retry>"Try again"</Button></div>
                    }.into_any())}
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn succeeded(now: &SyncRun) -> AnyView {
    let when = now.finished_at.as_deref().map(relative_time);
    let title = sync_words::found_nothing(now);
    let hint = now.hint.clone().map(|hint| {
        view! { <Notice tone=Tone::Info symbol=Icon::Info title=title text=hint /> }.into_any()
    });
    view! {
        <div class="strip">
            <p class="strip-done">
                {icon(Icon::Good)}
                <span>"Synced " {when} " · " {sync_words::contents(now)} " · " {sync_words::changes(now)}</span>
            </p>
            {hint}
        </div>
    }
    .into_any()
}
