//! Alerts: what needs somebody's attention, newest first, with the way to mend it. Open ones alone, or all; the choice and the
//! page stand in the URL. The list follows the count on the sidebar's badge.

use crate::api::alerts::{self as api, Alert, AlertPage as Page};
use crate::api::enums::{AlertKind, AlertState, Permission};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::empty_state::EmptyState;
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use crate::components::page_head::PageHead;
use crate::components::pager::{PageFacts, neighbours, pager};
use crate::components::skeleton::skeleton_cards;
use crate::components::time::relative_time;
use crate::erased::{dynamic, effect, spawn};
use crate::frame::alert_count::AlertCount;
use crate::loader::Loader;
use crate::logic::list_state::PagePosition;
use crate::logic::number::counted;
use crate::logic::provider_name::slug;
use crate::logic::{outcome, query_string};
use crate::pages::integrations::{API, WEBHOOKS};
use crate::session::{AgencyContext, use_agency};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[derive(Debug, Clone, PartialEq)]
struct Shown {
    is_everything: bool,
    position: PagePosition,
}

fn link(agency: AgencyContext, is_everything: bool, position: &PagePosition) -> String {
    query_string::joined(
        &agency.path("/alerts"),
        &[
            ("show", if is_everything { "all" } else { "" }),
            ("after", position.after.as_deref().unwrap_or_default()),
            ("before", position.before.as_deref().unwrap_or_default()),
            ("page", &position.page_text()),
        ],
    )
}

/// The page at `alerts`.
#[component]
pub(crate) fn AlertsPage() -> impl IntoView {
    let agency = use_agency();
    let query = use_query_map();
    let shown = Memo::new(move |_| {
        query.with(|query| Shown {
            is_everything: query.get("show").is_some_and(|show| show == "all"),
            position: PagePosition::read(&|name| query.get(name)),
        })
    });
    let page = Loader::new(move || {
        let slug = agency.slug.get();
        let Shown {
            is_everything,
            position,
        } = shown.get();
        async move { api::list(&slug, is_everything, position).await }
    });
    let count: AlertCount = expect_context();
    let before = StoredValue::new(None::<i64>);
    effect(move || {
        let now = count.open.get();
        if before.get_value().is_some() && before.get_value() != now {
            page.reload();
        }
        before.set_value(now);
    });
    let is_empty = Memo::new(move |_| {
        page.data
            .with(|page| page.as_ref().map(|page| page.nodes.is_empty()))
    });
    view! {
        <div class="page narrow">
            <PageHead title="Alerts" sentence="What keeps agents from calling or Ringfence from keeping up, and what to do about it. An alert ends by itself when its trouble does." />
            <div class="toolbar">
                <div class="chips" role="group" aria-label="Filters">
                    {dynamic(move || choice(agency, shown, false, "Open"))}
                    {dynamic(move || choice(agency, shown, true, "All"))}
                </div>
                <span class="count figures" role="status">
                    {move || page.data.with(|page| page.as_ref().map(|page| counted(page.total_count, "alert", "alerts")))}
                </span>
            </div>
            {dynamic(move || match page.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| page.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match is_empty.get() {
                None if page.error.with(Option::is_some) => ().into_any(),
                None => skeleton_cards(3),
                Some(true) => nothing(shown.with(|shown| shown.is_everything)),
                Some(false) => list(agency, shown, page),
            })}
        </div>
    }
    .into_any()
}

fn choice(
    agency: AgencyContext,
    shown: Memo<Shown>,
    is_everything: bool,
    label: &'static str,
) -> AnyView {
    let is_on = shown.with(|shown| shown.is_everything) == is_everything;
    let href = link(agency, is_everything, &PagePosition::default());
    view! { <a class="chip" class:on=is_on href=href aria-current=is_on.then_some("true")>{label}</a> }.into_any()
}

fn nothing(is_everything: bool) -> AnyView {
    let (title, text) = if is_everything {
        (
            "There has been no alert yet",
            "When a provider refuses a key, an account runs out of funds, a client hands in a key, a sync fails, a webhook is switched off or an API key should be rotated, it is said here.",
        )
    } else {
        (
            "Nothing needs attention",
            "Keys are checked once a day, and at each sync. What goes wrong is said here, and on the badge beside Alerts.",
        )
    };
    view! { <EmptyState symbol=Icon::Bell title=title text=text /> }.into_any()
}

fn list(agency: AgencyContext, shown: Memo<Shown>, page: Loader<Page>) -> AnyView {
    let rows = move || {
        page.data.with(|loaded| {
            let alerts = loaded.iter().flat_map(|loaded| loaded.nodes.iter());
            alerts
                .map(|alert| row(agency, page, alert))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <ul class="alerts" aria-label="Alerts">{rows}</ul>
        {move || page.data.with(|loaded| loaded.as_ref().map(|loaded| foot(agency, &shown.get(), loaded)))}
    }
    .into_any()
}

fn row(agency: AgencyContext, page: Loader<Page>, alert: &Alert) -> AnyView {
    let (tone, symbol, word) = kind(alert.kind);
    let is_over = alert.state != AlertState::Open;
    let ended = match (&alert.resolved_at, &alert.dismissed_at) {
        (Some(at), _) => {
            view! { <span class="quiet">"Over " {relative_time(at)}</span> }.into_any()
        }
        (None, Some(at)) => {
            view! { <span class="quiet">"Put aside " {relative_time(at)}</span> }.into_any()
        }
        (None, None) => ().into_any(),
    };
    let tone = if is_over { Tone::Neutral } else { tone };
    let next = way_out(agency, alert);
    let button = (!is_over).then(|| dismiss_button(agency, page, alert.id.clone()));
    view! {
        <li class="card alert">
            <div class="alert-head">
                {badge(tone, symbol, word)}
                <span class="quiet">{relative_time(&alert.raised_at)}</span>
                {ended}
            </div>
            <p>{alert.summary.clone()}</p>
            <div class="actions">{next} {button}</div>
        </li>
    }
    .into_any()
}

fn kind(kind: AlertKind) -> (Tone, Icon, &'static str) {
    match kind {
        AlertKind::KeyInvalid => (Tone::Bad, Icon::Bad, "Key rejected"),
        AlertKind::KeyNoFunds => (Tone::Warning, Icon::Wallet, "Out of funds"),
        AlertKind::SyncFailed => (Tone::Warning, Icon::Refresh, "Sync failed"),
        AlertKind::WebhookDisabled => (Tone::Warning, Icon::Unplugged, "Webhook switched off"),
        AlertKind::HandInWaiting => (Tone::Warning, Icon::Bell, "Key handed in"),
        AlertKind::ApiKeyOld => (Tone::Warning, Icon::Bell, "API key to rotate"),
        AlertKind::ApiKeyExposed => (Tone::Bad, Icon::Bad, "API key exposed"),
        AlertKind::Unknown => (Tone::Neutral, Icon::Bell, "Alert"),
    }
}

/// Where the trouble is mended; a client's keys are mended on the client's own page.
fn way_out(agency: AgencyContext, alert: &Alert) -> AnyView {
    let provider = alert.provider.map(slug).unwrap_or_default();
    let (page, label) = match alert.kind {
        // Whoever may not mend it finds nothing there.
        AlertKind::WebhookDisabled if agency.may(Permission::Administer) => {
            (WEBHOOKS, "Open webhooks")
        }
        AlertKind::ApiKeyOld | AlertKind::ApiKeyExposed if agency.may(Permission::Administer) => {
            (API, "Open the API's keys")
        }
        AlertKind::SyncFailed => ("/settings/sync-history", "Open sync history"),
        AlertKind::KeyInvalid | AlertKind::KeyNoFunds => ("/settings/api-keys", "Open API keys"),
        // Whoever may not decide it finds nothing there.
        AlertKind::HandInWaiting if agency.may(Permission::ManageKeys) => {
            ("/clients", "Review the key")
        }
        AlertKind::HandInWaiting
        | AlertKind::WebhookDisabled
        | AlertKind::ApiKeyOld
        | AlertKind::ApiKeyExposed
        | AlertKind::Unknown => return ().into_any(),
    };
    let is_about_key = matches!(
        alert.kind,
        AlertKind::KeyInvalid | AlertKind::KeyNoFunds | AlertKind::HandInWaiting
    );
    let page = match &alert.client_id {
        Some(client) if is_about_key => format!("/clients/{client}/api-keys"),
        _ => page.to_owned(),
    };
    let href = query_string::joined(&agency.path(&page), &[("provider", provider)]);
    view! { <a class="button" href=href>{label} {icon(Icon::Next)}</a> }.into_any()
}

fn dismiss_button(agency: AgencyContext, page: Loader<Page>, id: String) -> AnyView {
    let notices = use_notices();
    let count: AlertCount = expect_context();
    let is_busy = RwSignal::new(false);
    let dismiss = move |()| {
        let (slug, id) = (agency.slug.get_untracked(), id.clone());
        is_busy.set(true);
        spawn(async move {
            let answer = api::dismiss(&slug, id).await;
            is_busy.try_set(false);
            match answer {
                Ok(()) => {
                    notices
                        .toast("Put aside. It comes back only when its trouble does.".to_owned());
                    count.look();
                    page.reload();
                }
                Err(error) => page.error.set(Some(error)),
            }
        });
    };
    view! { <Button kind=ButtonKind::Quiet is_busy=is_busy on_press=dismiss>"Dismiss"</Button> }
        .into_any()
}

fn foot(agency: AgencyContext, shown: &Shown, page: &Page) -> AnyView {
    let info = &page.page_info;
    let (previous, next) = neighbours(
        &shown.position,
        info.has_previous_page,
        info.has_next_page,
        info.start_cursor.clone(),
        info.end_cursor.clone(),
    );
    let to = |position: PagePosition| link(agency, shown.is_everything, &position);
    let facts = PageFacts {
        position: shown.position.clone(),
        shown: page.nodes.len(),
        total: page.total_count,
        previous: previous.map(to),
        next: next.map(to),
    };
    pager(facts, "the alerts")
}
