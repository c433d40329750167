//! The overview: how the agency stands at one glance. The way to the first call with its true state, the health of each key,
//! what there is, and the last sync.

mod checklist;
mod today;

use crate::api::enums::Permission;
use crate::api::overview::{self as api, Overview};
use crate::api::sync_runs::SyncRun;
use crate::components::badge::{Tone, badge, health_badge, sync_badge};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::page_head::PageHead;
use crate::components::skeleton::skeleton_cards;
use crate::components::time::relative_time;
use crate::loader::Loader;
use crate::logic::number::{counted, grouped};
use crate::logic::outcome;
use crate::logic::provider_name::provider_name;
use crate::pages::overview::checklist::checklist;
use crate::pages::overview::today::CallsToday;
use crate::pages::sync_strip::{SyncStrip, live_run, review_link};
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;

/// The page at the root of an agency.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let agency = use_agency();
    let data = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::get(&slug).await }
    });
    let name = agency.membership.with_untracked(|membership| {
        membership
            .as_ref()
            .map(|m| m.agency.name.clone())
            .unwrap_or_default()
    });
    let loaded_run = Memo::new(move |_| {
        data.data.with(|data| {
            data.as_ref()
                .and_then(|data| data.sync_runs.nodes.first().cloned())
                .map(SyncRun::from)
        })
    });
    let run = live_run(loaded_run, Callback::new(move |()| data.reload()));
    let is_there = Memo::new(move |_| data.data.with(Option::is_some));
    view! {
        <div class="page narrow">
            <PageHead title="Overview" sentence=format!("How {name} stands right now.") />
            {move || data.error.get().map(|error| {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| data.reload() /> }.into_any()
            })}
            {move || match is_there.get() {
                true => contents(agency, data, run),
                false if data.error.with(Option::is_some) => ().into_any(),
                false => skeleton_cards(3),
            }}
        </div>
    }
    .into_any()
}

fn contents(
    agency: AgencyContext,
    data: Loader<Overview>,
    run: RwSignal<Option<SyncRun>>,
) -> AnyView {
    let run_provider = run
        .with_untracked(|run| {
            run.as_ref()
                .map(|run| provider_name(run.provider).to_owned())
        })
        .unwrap_or_default();
    let history = move || agency.path("/settings/sync-history");
    view! {
        {move || data.data.with(|data| data.as_ref().map(|data| questions(agency, data)))}
        {move || data.data.with(|data| data.as_ref().map(|data| checklist(agency, data)))}
        {move || data.data.with(|data| data.as_ref().map(|data| counts(agency, data)))}
        <CallsToday agency=agency />
        <div class="columns">
            {move || data.data.with(|data| data.as_ref().map(|data| keys(agency, data)))}
            <section class="card">
                <div class="card-head">
                    <h2>"Last sync"</h2>
                    {move || run.with(|run| run.as_ref().map(|run| sync_badge(run.state)))}
                    <a class="card-link" href=history>"Sync history" {icon(Icon::Next)}</a>
                </div>
                {move || if run.with(Option::is_some) {
                    view! { <SyncStrip run=run provider_name=run_provider.clone() /> }.into_any()
                } else {
                    view! { <p class="quiet">"None yet. Saving a provider key starts the first one."</p> }.into_any()
                }}
            </section>
        </div>
    }
    .into_any()
}

/// Syncs that wait for a decision, other than the last one, which asks on its own card.
fn questions(agency: AgencyContext, data: &Overview) -> Vec<AnyView> {
    let last = data.sync_runs.nodes.first().map(|run| run.id.as_str());
    data.asking_runs
        .nodes
        .iter()
        .filter(|run| Some(run.id.as_str()) != last)
        .map(|run| {
            let agents = counted(run.pending_removal_count, "agent", "agents");
            let href = review_link(agency, &run.id);
            view! {
                <Notice
                    tone=Tone::Warning symbol=Icon::Question
                    title=format!("{agents} missing at {}", provider_name(run.provider))
                    text="A sync did not find them any more, and waits for a decision before it marks anything."
                >
                    <a class="button" href=href>"Review"</a>
                </Notice>
            }
            .into_any()
        })
        .collect()
}

fn counts(agency: AgencyContext, data: &Overview) -> AnyView {
    let active = data.active_agents.total_count;
    let inactive = data.all_agents.total_count - active;
    let agents = agency.path("/agents");
    view! {
        <dl class="counts">
            {count("Agents", data.all_agents.total_count, agents.clone())}
            {count("Active", active, format!("{agents}?status=active"))}
            {count("Inactive", inactive, format!("{agents}?status=inactive"))}
            {count("Phone numbers", data.all_numbers.total_count, agency.path("/numbers"))}
        </dl>
    }
    .into_any()
}

fn count(label: &'static str, value: i64, href: String) -> AnyView {
    let figure = grouped(value);
    let spoken = format!("{label}: {figure}");
    view! { <div class="count-tile"><dt>{label}</dt><dd class="figures"><a href=href aria-label=spoken>{figure}</a></dd></div> }
        .into_any()
}

fn keys(agency: AgencyContext, data: &Overview) -> AnyView {
    let rows = data
        .providers
        .iter()
        .map(|info| {
            let key = data
                .provider_keys
                .nodes
                .iter()
                .find(|key| key.provider == info.provider);
            let state = match key {
                Some(key) => health_badge(key.health, key.is_readable),
                None if info.is_available => badge(Tone::Neutral, Icon::Dashed, "Not connected"),
                None => badge(Tone::Neutral, Icon::Clock, "Coming"),
            };
            let checked = key.and_then(|key| key.checked_at.as_deref()).map(|at| {
                view! { <span class="quiet">"Checked " {relative_time(at)}</span> }.into_any()
            });
            view! { <li><span class="key-name">{info.name.clone()}</span> {checked} {state}</li> }
                .into_any()
        })
        .collect::<Vec<_>>();
    let link = agency.may(Permission::ViewKeyStatus).then(|| {
        view! { <a class="card-link" href=agency.path("/settings/api-keys")>"API keys" {icon(Icon::Next)}</a> }.into_any()
    });
    view! {
        <section class="card">
            <div class="card-head"><h2>"Provider keys"</h2> {link}</div>
            <ul class="key-health">{rows}</ul>
        </section>
    }
    .into_any()
}
