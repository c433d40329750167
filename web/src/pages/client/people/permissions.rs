//! The choice of what a person may (P2): a box for each permission, with a line that says what it opens.

use crate::api::enums::PortalPermission;
use crate::logic::people_words;
use leptos::prelude::*;

/// The boxes; `chosen` holds what is ticked.
pub(super) fn permission_choice(
    chosen: RwSignal<Vec<PortalPermission>>,
    is_busy: RwSignal<bool>,
) -> AnyView {
    let boxes = people_words::PERMISSIONS
        .into_iter()
        .map(|permission| {
            let is_on = move || chosen.with(|chosen| chosen.contains(&permission));
            let change = move |is_on: bool| {
                chosen.update(|chosen| {
                    *chosen = people_words::switched(chosen, permission, is_on);
                });
            };
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=is_on
                        disabled=is_busy
                        on:change=move |event| change(event_target_checked(&event))
                    />
                    <span>{people_words::label(permission)} " " <span class="quiet">{people_words::text(permission)}</span></span>
                </label>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <fieldset class="field">
            <legend>"May"</legend>
            {boxes}
        </fieldset>
    }
    .into_any()
}
