//! The mark of the product: posts in a ring around a point. `index.html` and `favicon.svg` draw the same.

use leptos::prelude::*;

/// The mark with the product's name beside it.
pub(crate) fn mark() -> AnyView {
    view! {
        <span class="mark">
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
                <circle class="mark-ring" cx="12" cy="12" r="9" pathLength="80" />
                <circle class="mark-point" cx="12" cy="12" r="3.5" />
            </svg>
            "Ringfence"
        </span>
    }
    .into_any()
}
