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
    // In thousandths: whole numbers, whose formatting is there already, keep the one of floats out of the app.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction is between 0 and 1"
    )]
    let value = move || fraction.get().map(|part| (part * 1000.0) as i32);
    view! {
        <div class="progress">
            // Without the attribute the bar is indeterminate, so it is left out and not set to zero.
            <progress max="1000" value=value aria-label=text></progress>
            <span class="figures">{text}</span>
        </div>
    }
    .into_any()
}
