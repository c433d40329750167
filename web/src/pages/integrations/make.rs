//! What the dialogs that make a key share: the one request, and the key that came with its answer, shown this once until it is
//! said to be stored.

use crate::api::ApiError;
use crate::api::api_keys::MadeKey;
use crate::api::enums::ErrorCode;
use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::components::copyable::code_block;
use crate::components::dialog::{Dialog, focus_soon};
use crate::components::error_notice::ErrorNotice;
use crate::components::shown_once::hidden_once;
use crate::erased::{dynamic, effect, spawn};
use crate::logic::api_key_words;
use crate::logic::outcome::{self, Words};
use crate::pages::integrations::card::origin;
use crate::pages::integrations::keys::KeysContext;
use leptos::html;
use leptos::prelude::*;
use std::future::Future;

/// The making of one key; it lives while its dialog is open.
#[derive(Clone, Copy)]
pub(super) struct Making {
    context: StoredValue<KeysContext>,
    pub(super) is_open: RwSignal<bool>,
    pub(super) is_busy: RwSignal<bool>,
    pub(super) failure: RwSignal<Option<ApiError>>,
    made: RwSignal<Option<MadeKey>>,
}

impl Making {
    /// The tab that the dialog belongs to.
    pub(super) fn context(self) -> KeysContext {
        self.context.get_value()
    }

    /// Sends what makes the key, once.
    pub(super) fn send(self, request: impl Future<Output = Result<MadeKey, ApiError>> + 'static) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = request.await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(made) => {
                    self.made.set(Some(made));
                    self.context().loaded.reload();
                }
                Err(error) => {
                    let is_other_now =
                        error.is(ErrorCode::Conflict) || error.is(ErrorCode::PlanWithoutApi);
                    self.failure.set(Some(error));
                    if is_other_now {
                        self.context().loaded.reload();
                    }
                }
            }
        });
    }

    /// What was refused, unless it is said at one of these fields.
    pub(super) fn refusal(self, fields: &'static [&'static str]) -> AnyView {
        dynamic(move || match self.failure.get() {
            Some(error)
                if !error
                    .field
                    .as_deref()
                    .is_some_and(|field| fields.contains(&field)) =>
            {
                let words = match error.code() {
                    Some(ErrorCode::Conflict) => Words::new(
                        "The key was changed meanwhile",
                        "It is not in use any more. Close this, and look at the keys as they are now.",
                    ),
                    Some(ErrorCode::PlanWithoutApi) => Words::new(
                        "The plan has no API",
                        "No key was made. Whoever runs this server changes the plan.",
                    ),
                    _ => outcome::other(&error),
                };
                view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
            }
            _ => ().into_any(),
        })
    }
}

/// A dialog that makes a key: `form` asks, and the key takes its place. What was typed or chosen is asked about before it is
/// lost when `is_dirty` says so.
pub(super) fn make_dialog(
    context: KeysContext,
    is_open: RwSignal<bool>,
    title: Signal<String>,
    is_dirty: RwSignal<bool>,
    form: fn(Making, RwSignal<bool>) -> AnyView,
) -> AnyView {
    let is_busy = RwSignal::new(false);
    let made = RwSignal::new(None::<MadeKey>);
    effect(move || {
        if !is_open.get() && made.with_untracked(Option::is_some) {
            // The key is gone with the dialog, and so may the button be that opened it.
            made.set(None);
            context.focus_heading();
        }
    });
    let title = Signal::derive(move || {
        made.with(|made| match made {
            Some(made) => format!("{} is ready", made.name),
            None => title.get(),
        })
    });
    view! {
        <Dialog
            is_open=is_open
            title=title
            is_busy=is_busy
            is_dirty=Callback::new(move |()| is_dirty.get_untracked() && made.with_untracked(Option::is_none))
        >
            {
                is_dirty.set(false);
                let making = Making { context: StoredValue::new(context), is_open, is_busy, failure: RwSignal::new(None), made };
                dynamic(move || match made.get() {
                    Some(made) => shown_once(made, is_open),
                    None => form(making, is_dirty),
                })
            }
        </Dialog>
    }
    .into_any()
}

/// The key, what it may, what to begin with, and the button that ends the dialog once the key is stored elsewhere.
fn shown_once(made: MadeKey, is_open: RwSignal<bool>) -> AnyView {
    let copy = NodeRef::<html::Button>::new();
    effect(move || {
        // The button that had the focus is gone.
        if let Some(copy) = copy.get() {
            focus_soon(copy.into());
        }
    });
    let is_stored = RwSignal::new(false);
    let scopes = format!(
        "Its scopes: {}.",
        api_key_words::scopes_in_words(&made.scopes)
    );
    let overlap = made.overlap_ends_at.map(|at| {
        let until = clock::moment(clock::parse(&at));
        format!(" The key before works beside it until {until}.")
    });
    let example = api_key_words::example(&origin(), &made.scopes);
    view! {
        <div class="dialog-body">
            <p class="consequence" role="status">"Copy the key now. You will not see it again: Ringfence keeps no more than a hash and its last four characters."</p>
            {hidden_once(made.secret, "API key", "API key", copy)}
            <p class="quiet">{scopes} {overlap}</p>
            <details class="example">
                <summary>"Try it in a terminal"</summary>
                <p class="quiet">"Give the key once, so that it stands in no history. Then ask."</p>
                {code_block(api_key_words::SET_KEY.to_owned(), "command")}
                {code_block(example, "example")}
            </details>
            <label class="check">
                <input type="checkbox" on:change=move |event| is_stored.set(event_target_checked(&event)) />
                <span>"I have stored the key where my program reads it"</span>
            </label>
        </div>
        <div class="dialog-foot">
            <Button kind=ButtonKind::Primary is_disabled=Signal::derive(move || !is_stored.get()) on_press=move |()| is_open.set(false)>"Done"</Button>
        </div>
    }
    .into_any()
}
