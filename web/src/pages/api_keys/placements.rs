//! Agents of a client that are not in the account of its own key (R5): how many cannot call yet, what the provider cannot take
//! over of them, and the run that makes them there, with its progress. What was ticked before the key was saved starts by
//! itself where nothing of an agent is lost; otherwise the person reads first what is. A run that is under way is shown again
//! after a reload, and what the last one left unmade for as long as agents are missing.

use crate::api::ApiError;
use crate::api::enums::PlacementRunState;
use crate::api::placements::{self as api, PlacementPlan, PlacementRun, Unmade};
use crate::clock;
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::progress::ProgressBar;
use crate::components::time::relative_time;
use crate::erased::{dynamic, effect, spawn};
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::{outcome, placement_words};
use crate::pages::api_keys::card::CardContext;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

/// Between two questions about a run, in milliseconds.
const POLL_INTERVAL_MS: u32 = 1_000;
/// So many agents are named with what is lost of them.
const NAMED_AGENTS: usize = 5;

/// What the parts share.
#[derive(Clone, Copy)]
struct Context {
    card: StoredValue<CardContext>,
    plan: Loader<Option<PlacementPlan>>,
    run: RwSignal<Option<PlacementRun>>,
    /// The last run that has ended without making all, and what it left.
    outcome: RwSignal<Option<(PlacementRun, Option<Unmade>)>>,
    is_starting: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

impl Context {
    fn card(self) -> CardContext {
        self.card.get_value()
    }

    /// A run is being asked for, or followed.
    fn is_busy(self) -> bool {
        self.is_starting.get_untracked()
            || self
                .run
                .with_untracked(|run| run.as_ref().is_some_and(|run| !api::has_ended(run.state)))
    }
}

/// The part of a connected card; nothing on the agency's cards, and nothing where no agent is missing.
pub(super) fn placements(card: CardContext) -> AnyView {
    let Some(client) = card.client() else {
        return ().into_any();
    };
    let (provider, client_id) = (card.provider(), StoredValue::new(client.id));
    let plan = Loader::new(move || {
        // Another version may open another account, and a sync may have found the agents there.
        let is_there = card.stored.with(Option::is_some) && card.page.may_manage.get();
        let (slug, client_id) = (card.agency.slug.get(), client_id.try_get_value());
        async move {
            if !is_there {
                return Ok(None);
            }
            api::plan(&slug, provider, client_id).await.map(Some)
        }
    });
    let context = Context {
        card: StoredValue::new(card),
        plan,
        run: RwSignal::new(None),
        outcome: RwSignal::new(None),
        is_starting: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    effect(move || {
        let Some(plan) = plan.data.get().flatten() else {
            return;
        };
        if card.places_agents.get_untracked() && plan.total > 0 {
            card.places_agents.set(false);
            if plan.reduced_count == 0 && plan.placeable_count == plan.total {
                start(context);
            }
        }
    });
    look_for_run(context);
    dynamic(move || match context.run.get() {
        Some(run) if !api::has_ended(run.state) => running(context),
        _ => match plan.data.get().flatten() {
            Some(plan) if plan.total > 0 => {
                view! { {left_unmade(context)} {offer(context, &plan)} }.into_any()
            }
            // Without an answer the card is whole without this part; its agents say themselves why they cannot call.
            _ => ().into_any(),
        },
    })
}

/// The newest run of this version of the key: followed while it is under way, told of where it has left something.
fn look_for_run(context: Context) {
    let card = context.card();
    let saved_at = Memo::new(move |_| {
        card.stored
            .with(|key| key.as_ref().map(|key| key.saved_at.clone()))
    });
    let (provider, client_id) = (card.provider(), StoredValue::new(card.client_id()));
    let newest = Loader::new(move || {
        let (slug, saved_at) = (card.agency.slug.get(), saved_at.get());
        let client_id = client_id.try_get_value().flatten();
        async move {
            let (Some(saved_at), Some(client_id)) = (saved_at, client_id) else {
                return Ok(None);
            };
            let newest = api::newest(&slug, provider, client_id).await?;
            // What a run for another account has left says nothing about this one.
            Ok(newest.filter(|(_, asked_at)| clock::parse(asked_at) >= clock::parse(&saved_at)))
        }
    });
    effect(move || {
        let Some((run, _)) = newest.data.get().flatten() else {
            return;
        };
        if context.is_busy() {
            return;
        }
        if api::has_ended(run.state) {
            tell(context, run);
        } else {
            let slug = card.agency.slug.get_untracked();
            spawn(follow(context, slug, Ok(run)));
        }
    });
}

/// Asks what a run has left, and keeps it for the card. Without an answer the counts alone are told.
fn tell(context: Context, run: PlacementRun) {
    let slug = context.card().agency.slug.get_untracked();
    spawn(async move {
        let unmade = api::unmade(&slug, run.id.clone()).await.ok();
        context.outcome.try_set(Some((run, unmade)));
    });
}

fn start(context: Context) {
    if context.is_starting.get_untracked() {
        return;
    }
    let card = context.card();
    let (slug, provider, client_id) = (
        card.agency.slug.get_untracked(),
        card.provider(),
        card.client_id(),
    );
    context.is_starting.set(true);
    context.failure.set(None);
    context.outcome.set(None);
    spawn(async move {
        let answer = match api::start(&slug, provider, client_id).await {
            Ok(id) => api::get(&slug, id).await,
            Err(error) => Err(error),
        };
        if context.is_starting.try_set(false).is_some() {
            return; // The page was left meanwhile; the run goes on.
        }
        follow(context, slug, answer).await;
    });
}

/// Asks after a run until it ends or the page is left.
async fn follow(context: Context, slug: String, mut answer: Result<PlacementRun, ApiError>) {
    loop {
        match answer {
            Ok(run) if api::has_ended(run.state) => return ended(context, run),
            Ok(run) => {
                let id = run.id.clone();
                if context.run.try_set(Some(run)).is_some() {
                    return;
                }
                TimeoutFuture::new(POLL_INTERVAL_MS).await;
                answer = api::get(&slug, id).await;
            }
            Err(error) => {
                context.run.try_set(None);
                context.failure.try_set(Some(error));
                return;
            }
        }
    }
}

fn ended(context: Context, run: PlacementRun) {
    if context.run.try_set(Some(run.clone())).is_some() {
        return; // The page was left meanwhile.
    }
    let card = context.card();
    card.toast(placement_words::ended(&run, &card.name()));
    // What was planned before is done, and must not be offered until it is planned anew.
    context.plan.data.set(None);
    context.plan.reload();
    if run.state != PlacementRunState::Succeeded {
        tell(context, run);
    }
}

/// What the last run did not make, and why.
fn left_unmade(context: Context) -> AnyView {
    let name = context.card().name();
    dynamic(move || {
        let Some((run, unmade)) = context.outcome.get() else {
            return ().into_any();
        };
        let ended_at = unmade
            .as_ref()
            .and_then(|unmade| unmade.finished_at.clone());
        let (rows, more) = unmade.map_or_else(Default::default, |unmade| unmade_rows(&unmade));
        view! {
            <div class="preview warning">
                <p class="consequence">{icon(Icon::History)} <span>"The last run did not make every agent"</span></p>
                <p>
                    {placement_words::ended(&run, &name)}
                    {ended_at.map(|at| view! { " It ended " {relative_time(&at)} "." }.into_any())}
                </p>
                {(!rows.is_empty()).then(|| view! {
                    <ul class="fates" aria-label="What was not made">
                        {rows}
                        {(more > 0).then(|| view! { <li class="quiet">{format!("and {more} more")}</li> }.into_any())}
                    </ul>
                }.into_any())}
            </div>
        }
        .into_any()
    })
}

fn unmade_rows(unmade: &Unmade) -> (Vec<AnyView>, i64) {
    let nodes = &unmade.items.nodes;
    let more = unmade.items.total_count - i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    let rows = nodes
        .iter()
        .map(|item| {
            view! { <li>{item.name.clone()} <span class="quiet">{item.message.clone()}</span></li> }
                .into_any()
        })
        .collect();
    (rows, more)
}

fn running(context: Context) -> AnyView {
    let run = context.run;
    let fraction =
        Signal::derive(move || run.with(|run| run.as_ref().and_then(placement_words::fraction)));
    let text = Signal::derive(move || {
        run.with(|run| run.as_ref().map(placement_words::progress))
            .unwrap_or_default()
    });
    view! { <div class="strip"><ProgressBar fraction=fraction text=text /></div> }.into_any()
}

fn offer(context: Context, plan: &PlacementPlan) -> AnyView {
    let name = context.card().name();
    let limited: Vec<_> = plan
        .agents
        .iter()
        .filter_map(|agent| placement_words::limits(agent).map(|text| (agent.name.clone(), text)))
        .collect();
    let more = limited.len().saturating_sub(NAMED_AGENTS);
    let rows = limited
        .into_iter()
        .take(NAMED_AGENTS)
        .map(|(name, text)| view! { <li>{name} <span class="quiet">{text}</span></li> }.into_any())
        .collect::<Vec<_>>();
    let verb = format!(
        "Create {} at {name}",
        counted(plan.placeable_count, "agent", "agents")
    );
    let can_start = plan.placeable_count > 0;
    view! {
        <Notice
            tone=Tone::Warning
            symbol=Icon::Warning
            title=placement_words::missing(plan)
            text=placement_words::offer(plan, &name)
        >
            {can_start.then(|| view! {
                <Button kind=ButtonKind::Primary is_busy=context.is_starting on_press=move |()| start(context)>{verb}</Button>
            }.into_any())}
        </Notice>
        {(!rows.is_empty()).then(|| view! {
            <ul class="fates warning" aria-label="What is lost">
                {rows}
                {(more > 0).then(|| view! { <li class="quiet">{format!("and {more} more")}</li> }.into_any())}
            </ul>
        }.into_any())}
        {dynamic(move || match context.failure.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words takes_focus=true on_retry=move |()| start(context) /> }.into_any()
            }
            None => ().into_any(),
        })}
    }
    .into_any()
}
