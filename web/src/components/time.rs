//! Instants and waits on the page: relative with the exact time on hover and for screen readers (checklist 19), durations
//! that grow, and countdowns that end.

use crate::clock;
use crate::logic::time;
use leptos::prelude::*;

/// How long ago an instant was, with the exact time on hover.
pub(crate) fn relative_time(instant: &str) -> AnyView {
    let at_ms = clock::parse(instant);
    if at_ms.is_nan() {
        return view! { <span>"unknown"</span> }.into_any();
    }
    let now = clock::use_clock();
    let exact = clock::exact(at_ms);
    let spoken = exact.clone();
    let text = move || {
        time::relative(now.get(), at_ms).unwrap_or_else(|| format!("on {}", clock::date(at_ms)))
    };
    view! {
        <time datetime=instant.to_owned() title=exact>
            {text}
            <span class="visually-hidden">", " {spoken}</span>
        </time>
    }
    .into_any()
}

/// How long something has been running, growing each second.
pub(crate) fn running_for(since: &str) -> AnyView {
    let since_ms = clock::parse(since);
    let now = clock::use_seconds();
    // Not a live region: a screen reader must not hear each second.
    view! { <span class="figures">{move || time::elapsed(now.get() - since_ms)}</span> }.into_any()
}

/// Seconds until an instant, as a signal that ends at zero.
pub(crate) fn seconds_until(until_ms: f64) -> Memo<i64> {
    let now = clock::use_seconds();
    Memo::new(move |_| time::seconds_left(now.get(), until_ms))
}
