//! Progress: the browser's own bar and a text that says the same in figures. Without a total the bar shows only that
//! something goes on.

use leptos::prelude::*;

/// A bar with its text.
#[component]
pub(crate) fn ProgressBar(
    /// From 0 to 1; `None` while the total is unknown.
    #[prop(into)]
    fraction: Signal<Option<f64>>,
    /// Such as `Agents 3,400 of 10,000`.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="progress">
            // Without the attribute the bar is indeterminate, so it is left out and not set to zero.
            <progress max="1" value=move || fraction.get().map(|part| part.to_string()) aria-label=text></progress>
            <span class="figures">{text}</span>
        </div>
    }
    .into_any()
}
