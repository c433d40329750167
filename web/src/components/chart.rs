//! Charts drawn as SVG, without a library and without an inline style: stacked columns along days, and bars with their values
//! beside them. Each stands in a card with its table one press away. Columns are one stop of the keyboard; arrow keys go
//! from one to the next, and a line above says what the column holds, as pointing at it does.

use crate::components::button::{Button, ButtonKind};
use crate::components::table::{Column as TableColumn, DataTable};
use crate::erased::dynamic;
use crate::logic::chart::{labelled, percent, share, ticks};
use crate::logic::number::grouped;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// How high the columns' ground is, in pixels.
const HEIGHT: i64 = 180;
/// The room below it for the labels of the days.
const LABEL_HEIGHT: i64 = 24;
/// The widest column, in hundredths of a percent of the chart.
const WIDEST: i64 = 500;
/// More labels would touch each other on a phone.
const MOST_LABELS: usize = 4;

/// The figures behind a chart: the heads of the columns, and the rows.
pub(crate) type Figures = (Vec<&'static str>, Vec<Vec<String>>);

/// A chart and its table, one of them at a time.
pub(crate) fn chart_card(
    title: &'static str,
    sentence: &'static str,
    chart: AnyView,
    figures: Figures,
) -> AnyView {
    let is_table = RwSignal::new(false);
    let figures = StoredValue::new(figures);
    let label = move || {
        if is_table.get() { "Chart" } else { "Table" }
    };
    view! {
        <section class="card chart-card" aria-label=title>
            <div class="card-head">
                <h2>{title}</h2>
                <span class="card-state"><Button kind=ButtonKind::Quiet on_press=move |()| is_table.update(|is_table| *is_table = !*is_table)>{label}</Button></span>
            </div>
            <p class="quiet">{sentence}</p>
            <div hidden=is_table>{chart}</div>
            {dynamic(move || if is_table.get() { figures.with_value(|figures| table(title, figures)) } else { ().into_any() })}
        </section>
    }
    .into_any()
}

fn table(title: &'static str, (heads, rows): &Figures) -> AnyView {
    let columns: Vec<TableColumn> = heads
        .iter()
        .enumerate()
        .map(|(index, label)| TableColumn {
            is_figure: index > 0,
            ..TableColumn::text(label)
        })
        .collect();
    let rows = rows
        .iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(heads)
                .enumerate()
                .map(|(index, (cell, head))| {
                    let cell = cell.clone();
                    if index == 0 {
                        return view! { <th scope="row" class="cell-name">{cell}</th> }.into_any();
                    }
                    view! { <td class="figure figures" data-label=*head>{cell}</td> }.into_any()
                })
                .collect::<Vec<_>>();
            view! { <tr>{cells}</tr> }.into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <DataTable caption=title columns=Signal::derive(move || columns.clone()) is_stale=false>{rows}</DataTable>
    }
    .into_any()
}

/// A colour of a chart with its word, and how much of it there is.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The class that names the colour.
    pub(crate) class: &'static str,
    /// What it stands for.
    pub(crate) word: String,
}

/// What the colours stand for.
pub(crate) fn legend(keys: Vec<Key>) -> AnyView {
    let keys = keys
        .into_iter()
        .map(|Key { class, word }| view! { <li><span class=format!("swatch {class}") aria-hidden="true"></span> {word}</li> }.into_any())
        .collect::<Vec<_>>();
    view! { <ul class="legend figures">{keys}</ul> }.into_any()
}

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Below it.
    pub(crate) label: String,
    /// All that it says.
    pub(crate) spoken: String,
    /// From the bottom: the class that names the colour, and how much.
    pub(crate) parts: Vec<(&'static str, i64)>,
}

impl Column {
    fn total(&self) -> i64 {
        self.parts.iter().map(|(_, value)| value).sum()
    }
}

/// Stacked columns. `whole` is what the line above them says while none is pointed at.
pub(crate) fn columns(label: &'static str, columns: Vec<Column>, whole: String) -> AnyView {
    let largest = columns.iter().map(Column::total).max().unwrap_or_default();
    let ticks = ticks(largest);
    let top = ticks.last().copied().unwrap_or(1);
    let count = columns.len();
    let pointed = RwSignal::new(None::<usize>);
    let current = RwSignal::new(count.saturating_sub(1));
    let texts: Vec<String> = columns.iter().map(|column| column.spoken.clone()).collect();
    let told = move || {
        let text = pointed.get().and_then(|index| texts.get(index).cloned());
        text.unwrap_or_else(|| whole.clone())
    };
    let labels = labelled(count, MOST_LABELS);
    let marks = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let place = Place { index, count, top };
            column_view(column, place, labels.contains(&index), pointed, current)
        })
        .collect::<Vec<_>>();
    let svg = NodeRef::<leptos::svg::Svg>::new();
    let on_key = move |event: KeyboardEvent| {
        let now = current.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" => (now + 1).min(count.saturating_sub(1)),
            "ArrowLeft" => now.saturating_sub(1),
            "Home" => 0,
            "End" => count.saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        current.set(next);
        let column = svg.get_untracked().and_then(|svg| {
            svg.query_selector(&format!("[data-index='{next}']"))
                .ok()
                .flatten()
        });
        if let Some(column) = column {
            // An SVG element takes the focus as an HTML element does.
            let _ = column.unchecked_ref::<web_sys::HtmlElement>().focus();
        }
    };
    let lines = ticks
        .iter()
        .map(|tick| {
            let y = HEIGHT - HEIGHT * tick / top;
            view! { <line class="chart-line" x1="0" x2="100%" y1=y y2=y></line> }.into_any()
        })
        .collect::<Vec<_>>();
    let scale = ticks
        .iter()
        .rev()
        .map(|tick| view! { <li>{grouped(*tick)}</li> }.into_any())
        .collect::<Vec<_>>();
    view! {
        <p class="chart-told figures" aria-hidden="true">{told}</p>
        <div class="chart">
            <ul class="chart-scale figures" aria-hidden="true">{scale}</ul>
            <svg
                node_ref=svg
                class="chart-ground"
                height=HEIGHT + LABEL_HEIGHT
                role="group"
                aria-label=label
                on:keydown=on_key
                on:pointerleave=move |_| pointed.set(None)
            >
                {lines}
                {marks}
            </svg>
        </div>
    }
    .into_any()
}

/// Where a column stands.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    count: usize,
    /// The value at the upper end of the scale.
    top: i64,
}

fn column_view(
    column: &Column,
    place: Place,
    is_labelled: bool,
    pointed: RwSignal<Option<usize>>,
    current: RwSignal<usize>,
) -> AnyView {
    let Place { index, count, top } = place;
    let (at, all) = (
        i64::try_from(index).unwrap_or_default(),
        i64::try_from(count).unwrap_or(1),
    );
    let (left, right) = (share(at, all), share(at + 1, all));
    let slot = right - left;
    let width = (slot * 7 / 10).min(WIDEST);
    let middle = left + slot / 2;
    let mut bottom = HEIGHT;
    let mut parts = Vec::new();
    let mut so_far = 0;
    for (class, value) in column.parts.iter().filter(|(_, value)| *value > 0) {
        so_far += value;
        // From the sum and not from each part, so that the column is as high as its scale says.
        let y = HEIGHT - (HEIGHT * so_far / top).max(1);
        let height = (bottom - y).max(1);
        parts.push(
            view! { <rect class=format!("mark {class}") x=percent(middle - width / 2) y=y width=percent(width) height=height></rect> }
                .into_any(),
        );
        bottom = y;
    }
    let text = is_labelled.then(|| {
        // At the ends a label would stand out of the chart.
        let (x, anchor) = if index == 0 && count > 1 {
            (left, "start")
        } else if index + 1 == count && count > 1 {
            (right, "end")
        } else {
            (middle, "middle")
        };
        let label = column.label.clone();
        view! { <text class="chart-label" x=percent(x) y=HEIGHT + 17 text-anchor=anchor>{label}</text> }.into_any()
    });
    let spoken = column.spoken.clone();
    view! {
        <g
            class="column"
            class:pointed=move || pointed.get() == Some(index)
            data-index=index.to_string()
            role="img"
            aria-label=spoken
            tabindex=move || if current.get() == index { "0" } else { "-1" }
            on:pointerenter=move |_| pointed.set(Some(index))
            on:focus=move |_| { current.set(index); pointed.set(Some(index)); }
            on:blur=move |_| pointed.set(None)
        >
            <rect class="slot" x=percent(left) y="0" width=percent(slot) height=HEIGHT></rect>
            {parts}
            {text}
        </g>
    }
    .into_any()
}

/// One bar with its name and value.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// What it is about.
    pub(crate) name: String,
    /// More about it, quieter.
    pub(crate) more: Option<&'static str>,
    /// The value as it is read.
    pub(crate) text: String,
    /// The value as it is drawn.
    pub(crate) value: i64,
    /// The class that names the colour.
    pub(crate) class: &'static str,
}

/// Bars below each other, as long as their values are against the largest.
pub(crate) fn bars(label: &'static str, bars: Vec<Bar>) -> AnyView {
    let largest = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let rows = bars
        .into_iter()
        .map(|bar| {
            let width = percent(share(bar.value, largest));
            let title = bar.name.clone();
            view! {
                <li class="bar-row">
                    <span class="bar-name" title=title>{bar.name} {bar.more.map(|more| view! { <span class="quiet">{more}</span> }.into_any())}</span>
                    <span class="bar-value figures">{bar.text}</span>
                    <svg class="bar" height="8" aria-hidden="true" focusable="false">
                        <rect class="bar-ground" width="100%" height="8" rx="4"></rect>
                        <rect class=format!("mark {}", bar.class) width=width height="8" rx="4"></rect>
                    </svg>
                </li>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! { <ul class="bars" aria-label=label>{rows}</ul> }.into_any()
}
