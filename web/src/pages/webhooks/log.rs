//! The delivery log of an endpoint: what was sent, how it went, when it is tried again, and sending it once more. While
//! something waits it is read again every few seconds.

use crate::api::ApiError;
use crate::api::enums::WebhookDeliveryState;
use crate::api::webhooks::{self as api, Delivery};
use crate::components::badge::{Tone, badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::skeleton::skeleton_rows;
use crate::components::table::{Column, DataTable};
use crate::components::time::relative_time;
use crate::erased::{dynamic, spawn};
use crate::loader::Loader;
use crate::logic::number::counted;
use crate::logic::{outcome, webhook_words};
use crate::pages::webhooks::card::CardContext;
use leptos::prelude::*;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(4);

/// The log.
#[component]
pub(super) fn Log(card: CardContext) -> impl IntoView {
    let log = Loader::new(move || {
        card.log_turn.track();
        let (slug, id) = (card.page.agency.slug.get(), card.id.get_value());
        async move { api::deliveries(&slug, id, None).await }
    });
    let look = move || {
        let waits = log.data.with_untracked(|page| {
            let mut deliveries = page.iter().flat_map(|page| page.nodes.iter());
            deliveries.any(|delivery| delivery.state == WebhookDeliveryState::Waiting)
        });
        if waits && !document().hidden() {
            log.reload();
        }
    };
    if let Ok(handle) = set_interval_with_handle(look, INTERVAL) {
        on_cleanup(move || handle.clear());
    }
    let failure = RwSignal::new(None::<ApiError>);
    // One at a time: each press is a delivery of its own.
    let is_sending = RwSignal::new(false);
    let again = Callback::new(move |id: String| {
        if is_sending.get_untracked() {
            return;
        }
        let slug = card.page.agency.slug.get_untracked();
        is_sending.set(true);
        failure.set(None);
        spawn(async move {
            let answer = api::redeliver(&slug, id).await;
            if is_sending.try_set(false).is_some() {
                return; // The log was closed meanwhile.
            }
            match answer {
                Ok(()) => log.reload(),
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    let again = Again {
        send: again,
        is_sending,
    };
    let count = Memo::new(move |_| {
        log.data
            .with(|page| page.as_ref().map(|page| page.total_count))
    });
    view! {
        <div class="delivery-log">
            {dynamic(move || match failure.get().or_else(|| log.error.get()) {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| { failure.set(None); log.reload(); } /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match count.get() {
                None if log.error.with(Option::is_some) => ().into_any(),
                None => skeleton_rows(3),
                Some(0) => view! { <p class="quiet">"Nothing was sent here in the last 30 days. \"Send a test\" is the first line."</p> }.into_any(),
                Some(total) => table(log, total, again),
            })}
        </div>
    }
    .into_any()
}

/// Sends a delivery once more.
#[derive(Clone, Copy)]
struct Again {
    send: Callback<String>,
    is_sending: RwSignal<bool>,
}

fn table(log: Loader<api::DeliveryPage>, total: i64, again: Again) -> AnyView {
    let columns = || {
        vec![
            Column::text("When"),
            Column::text("Event"),
            Column::text("State"),
            Column::text("Answer"),
            Column::text("Again"),
        ]
    };
    let rows = move || {
        log.data.with(|page| {
            let deliveries = page.iter().flat_map(|page| page.nodes.iter());
            deliveries
                .map(|delivery| row(delivery, again))
                .collect::<Vec<_>>()
        })
    };
    let shown = move || {
        log.data
            .with(|page| page.as_ref().map_or(0, |page| page.nodes.len()))
    };
    view! {
        <DataTable caption="Deliveries" columns=Signal::derive(columns) is_stale=log.is_loading>{rows}</DataTable>
        <p class="quiet figures">{move || format!("The newest {} of {}", shown(), counted(total, "delivery", "deliveries"))}</p>
    }
    .into_any()
}

fn row(delivery: &Delivery, again: Again) -> AnyView {
    let state = match delivery.state {
        WebhookDeliveryState::Delivered => badge(Tone::Good, Icon::Good, "Delivered"),
        WebhookDeliveryState::Failed => badge(Tone::Bad, Icon::Bad, "Failed"),
        WebhookDeliveryState::Waiting => badge(Tone::Info, Icon::Clock, "Waiting"),
        WebhookDeliveryState::Unknown => badge(Tone::Neutral, Icon::Question, "Unknown"),
    };
    let next = delivery
        .next_attempt_at
        .as_deref()
        .map(|at| view! { <span class="quiet">" next try " {relative_time(at)}</span> }.into_any());
    let id = delivery.id.clone();
    let is_waiting = delivery.state == WebhookDeliveryState::Waiting;
    view! {
        <tr>
            <td data-label="When">{relative_time(&delivery.created_at)}</td>
            <td data-label="Event"><code>{webhook_words::event_name(delivery.event)}</code></td>
            <td data-label="State">{state}</td>
            <td class="figures" data-label="Answer">{webhook_words::answer(delivery)} {next}</td>
            <td data-label="Again">
                <Button kind=ButtonKind::Quiet is_disabled=Signal::derive(move || is_waiting || again.is_sending.get()) on_press=move |()| again.send.run(id.clone())>"Send again"</Button>
            </td>
        </tr>
    }
    .into_any()
}
