//! Giving the selected agents of a client back to the agency: says first whose keys their calls go over from then on.

use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::{Dialog, focus_soon};
use crate::erased::{dynamic, effect};
use crate::pages::assign::{Assigning, Chosen};
use leptos::html;
use leptos::prelude::*;

/// The dialog; `done` runs when the agents are the agency's again.
#[component]
pub(crate) fn GiveBackDialog(
    is_open: RwSignal<bool>,
    chosen: Chosen,
    done: Callback<()>,
) -> impl IntoView {
    let assigning = Assigning::new(is_open);
    let title = Signal::derive(move || {
        if assigning.told.with(Option::is_some) {
            "Given back".to_owned()
        } else {
            format!("Give {} back to the agency", chosen.counted())
        }
    });
    view! {
        <Dialog is_open=is_open title=title is_busy=assigning.is_busy>
            <Ask assigning=assigning chosen=chosen done=done />
        </Dialog>
    }
    .into_any()
}

#[component]
fn Ask(assigning: Assigning, chosen: Chosen, done: Callback<()>) -> impl IntoView {
    assigning.told.set(None);
    assigning.failure.set(None);
    let give_back = move |()| {
        let done = Callback::new(move |()| {
            chosen.done();
            done.run(());
        });
        assigning.run(chosen.what(), None, done);
    };
    let cancel = NodeRef::<html::Button>::new();
    effect(move || {
        if let Some(cancel) = cancel.get() {
            focus_soon(cancel.into());
        }
    });
    dynamic(move || {
        match assigning.told.get() {
        Some(told) => assigning.told_view(told),
        None => view! {
            <div class="dialog-body">
                <p class="consequence">"Their calls go over your agency's keys from then on, and your agency pays for them."</p>
                <p>"Nothing is changed at the provider. They can be assigned again at any time."</p>
                {assigning.failure_view()}
            </div>
            <div class="dialog-foot">
                <Button node_ref=cancel is_disabled=assigning.is_busy on_press=move |()| assigning.is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_busy=assigning.is_busy on_press=give_back>"Give back"</Button>
            </div>
        }
        .into_any(),
    }
    })
}
