//! The panel of one import: how it stands, what it read and what it changed.

use crate::api::enums::Permission;
use crate::api::sync_runs::{self as api, SyncOrigin, SyncRun};
use crate::components::badge::{Tone, sync_badge};
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::time::relative_time;
use crate::erased::{dynamic, effect};
use crate::loader::Loader;
use crate::logic::number::grouped;
use crate::logic::provider_name::{provider_name, slug};
use crate::logic::{query_string, sync_words};
use crate::pages::listing::Listing;
use crate::pages::listing::panel::{PanelSpec, row_panel};
use crate::pages::sync_history::changes::changes;
use crate::pages::sync_history::live::Live;
use crate::pages::sync_history::took;
use crate::pages::sync_strip::{SyncStrip, account_name};
use leptos::prelude::*;

static PANEL: PanelSpec = PanelSpec {
    unnamed: "Sync",
    absent: (
        "This sync is not here",
        "The link may be old, or the sync belongs to another agency.",
    ),
    skeleton_lines: 8,
};

/// The panel of the run with this id.
pub(super) fn run_panel(listing: Listing, live: Live, id: String) -> AnyView {
    let asked = StoredValue::new(id);
    let run = Loader::new(move || {
        let slug = listing.agency.slug.get();
        async move { api::get(&slug, &asked.try_get_value().unwrap_or_default()).await }
    });
    effect(move || {
        if let Some(run) = run.data.get() {
            live.follow(run);
        }
    });
    let origin = Loader::new(move || {
        let agency = listing.agency;
        let (slug, administers) = (agency.slug.get(), agency.may(Permission::Administer));
        let details = agency.may(Permission::ViewKeyDetails);
        async move {
            let id = asked.try_get_value().unwrap_or_default();
            api::origin(&slug, id, administers, details).await
        }
    });
    let name = |run: &SyncRun| format!("{} sync", provider_name(run.provider));
    row_panel(listing, &PANEL, None, run, name, move |run| {
        details(listing, live, origin, &run)
    })
}

fn details(listing: Listing, live: Live, origin: Loader<SyncOrigin>, loaded: &SyncRun) -> AnyView {
    let run = live.run(loaded.clone());
    let state = Memo::new(move |_| run.with(|run| run.state));
    let shown = Signal::derive(move || Some(run.get()));
    let name = provider_name(loaded.provider).to_owned();
    // Changes are written while the run goes on; they are read anew when it moves to another phase or ends.
    let moved = Memo::new(move |_| run.with(|run| format!("{:?} {:?}", run.state, run.phase)));
    let version = Signal::derive(move || moved.get());
    let keys = query_string::joined(
        &listing.agency.path("/settings/api-keys"),
        &[("provider", slug(loaded.provider))],
    );
    view! {
        <p class="panel-status">
            {dynamic(move || sync_badge(state.get()))}
            <span class="quiet">{sync_words::started_by(loaded.trigger)} {move || asked_by(origin)} ", " {relative_time(&loaded.created_at)}</span>
        </p>
        <SyncStrip run=shown provider_name=name />
        {dynamic(move || run.with(figures))}
        {dynamic(move || match run.with(sync_words::unread_details) {
            Some(text) => view! { <Notice tone=Tone::Warning symbol=Icon::Warning title="Some details are missing" text=text /> }.into_any(),
            None => ().into_any(),
        })}
        {changes(listing.agency, loaded.id.clone(), version)}
        <section>
            <h3>"Read from the account"</h3>
            {dynamic(move || run.with(|run| read(run, origin)))}
        </section>
        <a class="card-link" href=keys>"Open API keys" {icon(Icon::Next)}</a>
    }
    .into_any()
}

/// What the run changed about agents, in figures.
fn figures(run: &SyncRun) -> AnyView {
    view! {
        <dl class="counts">
            {figure("Added", run.added_count)}
            {figure("Changed", run.changed_count)}
            {figure("Gone", run.gone_count)}
            {figure("Returned", run.returned_count)}
        </dl>
    }
    .into_any()
}

fn figure(label: &'static str, count: i64) -> AnyView {
    view! { <div class="count-tile"><dt>{label}</dt><dd class="figures">{grouped(count)}</dd></div> }.into_any()
}

/// By whom, where a person asked and the viewer may see the name.
fn asked_by(origin: Loader<SyncOrigin>) -> Option<String> {
    origin.data.with(|origin| {
        let person = origin.as_ref()?.requested_by.as_ref()?;
        Some(format!(" by {}", person.name))
    })
}

fn read(run: &SyncRun, origin: Loader<SyncOrigin>) -> AnyView {
    let instant =
        |label: &'static str, at: Option<&String>| at.map(|at| fact(label, relative_time(at)));
    view! {
        <dl class="facts">
            {dynamic(move || match origin.data.get().and_then(|origin| origin.account) {
                Some(account) => view! { <div><dt>"Account"</dt><dd>{account_name(account)}</dd></div> }.into_any(),
                None => ().into_any(),
            })}
            {fact("Agents", grouped(run.agent_count).into_any())}
            {fact("Numbers", grouped(run.phone_number_count).into_any())}
            {fact("Voices", grouped(run.voice_count).into_any())}
            {instant("Began", run.started_at.as_ref())}
            {instant("Ended", run.finished_at.as_ref())}
            {fact("Took", took(run))}
        </dl>
    }
    .into_any()
}

fn fact(name: &'static str, value: AnyView) -> AnyView {
    view! { <div><dt>{name}</dt><dd class="figures">{value}</dd></div> }.into_any()
}
