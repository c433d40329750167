//! The use of a key day by day: bars small enough for a row, and in a dialog larger, with their axis and a table of the same
//! figures.

use crate::clock;
use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::table::{Column, DataTable};
use crate::logic::api_key_words::{self, DayOfUse};
use crate::logic::number::grouped;
use crate::pages::integrations::keys::{KeysContext, days_of};
use leptos::prelude::*;

/// Heights of the bars in their boxes, which are four units wide for each day.
const SMALL: i64 = 24;
const LARGE: i64 = 40;

/// The bars of a row. What they show stands beside them in words.
pub(super) fn spark_line(days: &[DayOfUse]) -> AnyView {
    bars(days, SMALL, "spark")
}

fn bars(days: &[DayOfUse], height: i64, class: &'static str) -> AnyView {
    let (requests, errors) = api_key_words::bars(days, height);
    let width = 4 * api_key_words::DAYS;
    view! {
        <svg class=class viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <path class="ground" d=format!("M0 {height}h{width}") />
            <path class="requests" d=requests />
            <path class="errors" d=errors />
        </svg>
    }
    .into_any()
}

/// The dialog of the chosen key.
pub(super) fn use_dialog(context: KeysContext) -> AnyView {
    let is_open = context.is_showing_use;
    let title = Signal::derive(move || {
        context.chosen.with(|key| {
            key.as_ref()
                .map(|key| format!("Use of {}", key.name))
                .unwrap_or_default()
        })
    });
    view! {
        <Dialog is_open=is_open title=title>
            {content(context)}
            <div class="dialog-foot">
                <Button is_first_focus=true on_press=move |()| is_open.set(false)>"Close"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

fn content(context: KeysContext) -> AnyView {
    let Some(key) = context.chosen.get_untracked() else {
        return ().into_any();
    };
    let days = days_of(&key);
    let date = |day: Option<&DayOfUse>| day.map(|day| clock::utc_date(day.start_ms));
    let columns = Signal::derive(|| {
        let figure = |label| Column {
            is_figure: true,
            ..Column::text(label)
        };
        vec![
            Column::text("Day in UTC"),
            figure("Requests"),
            figure("Errors"),
        ]
    });
    let rows = days
        .iter()
        .rev()
        .filter(|day| day.requests > 0)
        .map(|day| {
            view! {
                <tr>
                    <th scope="row">{clock::utc_date(day.start_ms)}</th>
                    <td class="figure" data-label="Requests">{grouped(day.requests)}</td>
                    <td class="figure" data-label="Errors">{grouped(day.errors)}</td>
                </tr>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <div class="dialog-body use-by-day">
            <p class="consequence">{api_key_words::use_in_words(&days)} "."</p>
            <div class="use-chart">
                <span class="quiet figures">{grouped(api_key_words::most(&days))} " on the busiest day"</span>
                {bars(&days, LARGE, "spark large")}
                <span class="use-axis quiet figures"><span>{date(days.first())}</span> <span>{date(days.last())}</span></span>
            </div>
            <DataTable caption="Requests by day" columns=columns is_stale=false>{rows}</DataTable>
            <p class="quiet">"Days without requests are left out. Requests that the limits refused count as errors."</p>
        </div>
    }
    .into_any()
}
