//! The review of an import that stopped because many agents are missing (S3): the consequence first, what each decision does and who
//! may take it, and then the progress and the result of what was decided.

use crate::api::ApiError;
use crate::api::agents;
use crate::api::enums::{ErrorCode, Permission, SyncDecision, SyncState};
use crate::api::sync_runs::{self as api, SyncRun};
use crate::components::badge::{Tone, sync_badge};
use crate::components::button::Button;
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::skeleton::{skeleton_cards, skeleton_lines};
use crate::components::time::relative_time;
use crate::erased::{dynamic, effect, spawn};
use crate::loader::Loader;
use crate::logic::list_state::ListState;
use crate::logic::number::counted;
use crate::logic::outcome::{self, Words};
use crate::logic::provider_name::provider_name;
use crate::logic::{query_string, sync_words};
use crate::pages::sync_strip::{SyncStrip, account_name, live_run};
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// So many of the missing agents are named on the page itself.
const SHOWN_NAMES: usize = 8;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Review {
    agency: AgencyContext,
    run: RwSignal<Option<SyncRun>>,
    /// A decision is under way.
    is_busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// Takes the focus when the question is answered.
    outcome: NodeRef<html::H2>,
}

/// The page at `settings/sync-history/…`.
#[component]
pub(crate) fn SyncReviewPage() -> impl IntoView {
    let agency = use_agency();
    let params = use_params_map();
    let loader = Loader::new(move || {
        let slug = agency.slug.get();
        let id = params.with(|params| params.get("run").unwrap_or_default());
        async move { api::get(&slug, &id).await }
    });
    let stored = Memo::new(move |_| loader.data.get());
    let run = live_run(stored, Callback::new(move |()| loader.reload()));
    let review = Review {
        agency,
        run,
        is_busy: RwSignal::new(false),
        failure: RwSignal::new(None),
        outcome: NodeRef::new(),
    };
    let asks = Memo::new(move |_| {
        run.with(|run| {
            run.as_ref()
                .map(|run| run.state == SyncState::NeedsConfirmation)
        })
    });
    view! {
        <div class="page narrow">
            <PageHead title="Review missing agents" sentence="A sync stopped before it marked anything, because too many agents were not listed." />
            {dynamic(move || match loader.error.get() {
                Some(error) => {
                    let words = if error.is(ErrorCode::NotFound) {
                        Words::new("This sync is not here", "The link may be old, or the sync belongs to another agency.")
                    } else {
                        outcome::other(&error)
                    };
                    view! { <ErrorNotice error=error words=words on_retry=move |()| loader.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match asks.get() {
                Some(true) => question(review),
                Some(false) => answered(review),
                None if loader.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(2),
            })}
            <p><a class="card-link" href=move || agency.path("/settings/sync-history")>{icon(Icon::Previous)} "Sync history"</a></p>
        </div>
    }
    .into_any()
}

fn decide(review: Review, decision: SyncDecision) {
    let Some(id) = review
        .run
        .with_untracked(|run| Some(run.as_ref()?.id.clone()))
    else {
        return;
    };
    review.is_busy.set(true);
    review.failure.set(None);
    let slug = review.agency.slug.get_untracked();
    spawn(async move {
        // Answered: the buttons stay busy until the run's next state takes their place.
        if let Err(error) = api::confirm(&slug, id, decision).await {
            review.failure.try_set(Some(error));
            review.is_busy.try_set(false);
        }
    });
}

fn question(review: Review) -> AnyView {
    let Some(now) = review.run.get_untracked() else {
        return ().into_any();
    };
    let name = provider_name(now.provider);
    let when = relative_time(now.started_at.as_ref().unwrap_or(&now.created_at));
    view! {
        <section class="card" aria-labelledby="review-question">
            <p class="consequence" id="review-question">{sync_words::not_listed(&now)}</p>
            <p>
                {account(review, &now)} " The list was read to its end " {when} ", and they were not in it. \
                More than 50 agents, or more than one in five, is unusual: nothing was marked, and all of them still count as active."
            </p>
            {names(review, &now)}
            <p class="quiet">
                {format!("Look at {name} first. If the agents are still there, the key may no longer see them: check that it belongs to the right organisation and may see all agents.")}
            </p>
        </section>
        {choices(review, &now)}
    }
    .into_any()
}

/// The first of the missing agents by name, and the way to all of them, where they can be searched.
fn names(review: Review, now: &SyncRun) -> AnyView {
    let narrowed = ListState {
        filters: vec![(agents::MISSING, now.id.clone())],
        ..ListState::default()
    };
    let missing = now.pending_removal_count;
    let link = query_string::joined(
        &review.agency.path("/agents"),
        &[(agents::MISSING, &now.id)],
    );
    let page = Loader::new(move || {
        let (slug, state) = (review.agency.slug.get(), narrowed.clone());
        async move { agents::list(&slug, state).await }
    });
    dynamic(move || {
        if let Some(error) = page.error.get() {
            let words = outcome::other(&error);
            return view! { <ErrorNotice error=error words=words on_retry=move |()| page.reload() /> }
                .into_any();
        }
        let Some(names) = page.data.with(|page| {
            let rows = page.as_ref()?.nodes.iter().take(SHOWN_NAMES);
            Some(rows.map(|row| row.name.clone()).collect::<Vec<_>>())
        }) else {
            return skeleton_lines(3);
        };
        let items = names
            .into_iter()
            .map(|name| view! { <li>{name}</li> }.into_any())
            .collect::<Vec<_>>();
        let all = format!("Search all {}", counted(missing, "agent", "agents"));
        view! {
            <ul class="missing-names" aria-label="Agents that were not listed">{items}</ul>
            <p><a class="card-link" href=link.clone()>{all} {icon(Icon::Next)}</a></p>
        }
        .into_any()
    })
}

/// In which account: its name for those who may see it.
fn account(review: Review, now: &SyncRun) -> AnyView {
    let provider = provider_name(now.provider);
    let id = now.id.clone();
    let origin = Loader::new(move || {
        let (slug, id) = (review.agency.slug.get(), id.clone());
        let details = review.agency.may(Permission::ViewKeyDetails);
        async move { api::origin(&slug, id, false, details).await }
    });
    dynamic(
        move || {
            match origin.data.get().and_then(|origin| origin.account) {
        Some(account) => {
            view! { "In the " {provider} " account " <strong>{account_name(account)}</strong> "." }.into_any()
        }
        None => format!("In your {provider} account.").into_any(),
    }
        },
    )
}

fn choices(review: Review, now: &SyncRun) -> AnyView {
    let agents = counted(now.pending_removal_count, "agent", "agents");
    let name = provider_name(now.provider);
    let reason_id = fresh_id("reason");
    let described_by = reason_id.clone();
    let is_locked = Signal::derive(move || !review.agency.may(Permission::ManageKeys));
    let is_off = Signal::derive(move || review.is_busy.get() || is_locked.get());
    view! {
        {dynamic(move || if is_locked.get() {
            view! {
                <div id=reason_id.clone()>
                    <Notice
                        tone=Tone::Info symbol=Icon::Lock title="An owner or admin has to decide this"
                        text="You can see what it is about. Nothing changes until one of them answers."
                    />
                </div>
            }.into_any()
        } else {
            ().into_any()
        })}
        {dynamic(move || match review.failure.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
            }
            None => ().into_any(),
        })}
        <div class="columns choices">
            <section class="card">
                <h2>"They are gone: mark them inactive"</h2>
                <p>
                    {format!("Each is looked for at {name} once more. What is gone becomes inactive and is kept here with all that is known of it; what is found stays active. An agent that returns is active again after the next sync.")}
                </p>
                <div class="actions">
                    <Button is_busy=review.is_busy is_disabled=is_off described_by=described_by.clone() on_press=move |()| decide(review, SyncDecision::MarkInactive)>
                        {format!("Mark {agents} inactive")}
                    </Button>
                </div>
            </section>
            <section class="card">
                <h2>"They should be there: keep them active"</h2>
                <p>{format!("Nothing changes here, and nothing at {name}. The next sync reads the list again, and asks again while they are missing.")}</p>
                <div class="actions">
                    <Button is_disabled=is_off described_by=described_by on_press=move |()| decide(review, SyncDecision::KeepActive)>"Keep them active"</Button>
                </div>
            </section>
        </div>
    }
    .into_any()
}

/// The run once nothing is asked: its progress, and then its result.
fn answered(review: Review) -> AnyView {
    let was_busy = review.is_busy.get_untracked();
    review.is_busy.set(false);
    effect(move || {
        if let Some(heading) = review.outcome.get()
            && was_busy
        {
            // The heading takes the focus because of its tabindex.
            let _ = heading.focus();
        }
    });
    let run = review.run;
    let name = run
        .with_untracked(|run| run.as_ref().map(|run| provider_name(run.provider)))
        .unwrap_or_default();
    let state = Memo::new(move |_| run.with(|run| run.as_ref().map(|run| run.state)));
    let title = move || match state.get() {
        Some(SyncState::Succeeded | SyncState::Failed) => "Nothing is left to decide",
        _ => "The sync goes on",
    };
    view! {
        <section class="card">
            <div class="card-head">
                <h2 tabindex="-1" node_ref=review.outcome>{title}</h2>
                <span class="card-state">{dynamic(move || state.get().map(sync_badge).into_any())}</span>
            </div>
            <SyncStrip run=run provider_name=name.to_owned() />
        </section>
    }
    .into_any()
}
