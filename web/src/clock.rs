//! The browser's clock as signals: one that ticks each half minute for relative times, and one per countdown that ticks each
//! second while it is shown. It formats nothing; `logic::time` does.

use crate::logic::call_filter::{self, DayNumber, Days, Range};
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// An instant of the contract in milliseconds; not a number when it cannot be read.
pub(crate) fn parse(instant: &str) -> f64 {
    js_sys::Date::parse(instant)
}

/// An instant as the contract writes it, in UTC.
pub(crate) fn instant(at_ms: f64) -> String {
    String::from(js_sys::Date::new(&JsValue::from_f64(at_ms)).to_iso_string())
}

/// The exact time in the viewer's own zone, such as `21 November 2026 at 09:15:00 UTC`.
pub(crate) fn exact(at_ms: f64) -> String {
    formatted(at_ms, &[("dateStyle", "long"), ("timeStyle", "long")])
}

/// The date alone, such as `21 Nov 2026`.
pub(crate) fn date(at_ms: f64) -> String {
    formatted(at_ms, &[("dateStyle", "medium")])
}

/// The date of an instant in UTC, such as `21 Nov 2026`.
pub(crate) fn utc_date(at_ms: f64) -> String {
    formatted(at_ms, &[("dateStyle", "medium"), ("timeZone", "UTC")])
}

/// A moment of these days, such as `tomorrow 14:02`, in the viewer's own zone.
pub(crate) fn moment(at_ms: f64) -> String {
    const DAY_MS: f64 = 86_400_000.0;
    let time = formatted(at_ms, &[("timeStyle", "short")]);
    let (now, on) = (now_ms(), date(at_ms));
    let day = if on == date(now) {
        "today".to_owned()
    } else if on == date(now + DAY_MS) {
        "tomorrow".to_owned()
    } else {
        on
    };
    format!("{day} {time}")
}

fn formatted(at_ms: f64, options: &[(&str, &str)]) -> String {
    let object = js_sys::Object::new();
    for (name, value) in options {
        // Setting a property of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    String::from(js_sys::Date::new(&JsValue::from_f64(at_ms)).to_locale_string("en-GB", &object))
}

/// The time of the page, shared by all relative times.
#[derive(Clone, Copy)]
pub(crate) struct Clock(ReadSignal<f64>);

/// Starts the shared clock; called once, by the app.
pub(crate) fn provide_clock() {
    let (now, set_now) = signal(now_ms());
    provide_context(Clock(now));
    if let Ok(handle) = set_interval_with_handle(
        move || {
            set_now.try_set(now_ms());
        },
        Duration::from_secs(30),
    ) {
        on_cleanup(move || handle.clear());
    }
}

/// The shared time, refreshed each half minute.
pub(crate) fn use_clock() -> Signal<f64> {
    use_context::<Clock>().map_or_else(|| Signal::derive(now_ms), |clock| clock.0.into())
}

/// A time that ticks each second for as long as the calling component lives.
pub(crate) fn use_seconds() -> ReadSignal<f64> {
    let (now, set_now) = signal(now_ms());
    if let Ok(handle) = set_interval_with_handle(
        move || {
            set_now.try_set(now_ms());
        },
        Duration::from_secs(1),
    ) {
        on_cleanup(move || handle.clear());
    }
    now
}

/// The viewer's day now.
pub(crate) fn today() -> DayNumber {
    let now = js_sys::Date::new_0();
    let date = format!(
        "{:04}-{:02}-{:02}",
        now.get_full_year(),
        now.get_month() + 1,
        now.get_date()
    );
    call_filter::day_number(&date).unwrap_or_default()
}

/// How far the viewer's clock is ahead of UTC, in minutes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no clock is more than a day from UTC"
)]
pub(crate) fn utc_offset_minutes() -> i64 {
    -js_sys::Date::new_0().get_timezone_offset() as i64
}

/// The instants of a range of the viewer's days.
pub(crate) fn days_of(range: &Range) -> Days {
    match range {
        Range::All => Days::default(),
        Range::Last(count) => Days {
            since: Some(midnight(today() - i64::from(*count) + 1)),
            until: None,
        },
        Range::Between(from, to) => Days {
            since: from.map(midnight),
            until: to.map(|to| midnight(to + 1)),
        },
    }
}

/// When a day of the viewer's begins.
fn midnight(day: DayNumber) -> String {
    let (year, month, date) = call_filter::civil(day);
    let part = |number: i64| i32::try_from(number).unwrap_or_default();
    let year = u32::try_from(year).unwrap_or_default();
    let begin = js_sys::Date::new_with_year_month_day(year, part(month - 1), part(date));
    String::from(begin.to_iso_string())
}

/// A moment to the second in the viewer's own zone.
pub(crate) fn moment_exact(at_ms: f64) -> String {
    let on = date(at_ms);
    let time = formatted(at_ms, &[("timeStyle", "medium")]);
    if on == date(now_ms()) {
        time
    } else {
        format!("{on} {time}")
    }
}
