//! The dialog: the browser's own `<dialog>`, which holds the focus, makes the rest inert and gives the focus back to the
//! opener; where the opener goes away by what was done, the page's heading takes it. Esc closes it, except while something is
//! under way; with typed input, or with something that is shown this once, it asks first (checklist 38). Its content lives
//! only while it is open, and so does what was typed in it.

use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// How often, and how long in all, a closed dialog looks whether its opener is still there: until the page has read what
/// was changed.
const LOOK_AFTER: Duration = Duration::from_millis(100);
const LOOKS: u32 = 30;
/// Requests to close within this time come from one press: in a date field Chromium makes two of one Esc.
const SAME_PRESS_MS: f64 = 50.0;

/// The name of what an open dialog shows this once, such as `log-in link`.
#[derive(Clone, Copy)]
struct OnlyHere(RwSignal<Option<&'static str>>);

/// Until this piece of a dialog is gone, the dialog closes by the buttons of its content alone, or after a question, and the
/// browser asks before it leaves the page.
pub(crate) fn shows_only_here(what: &'static str) {
    let Some(OnlyHere(only_here)) = use_context() else {
        return;
    };
    only_here.set(Some(what));
    let listener = window_event_listener(leptos::ev::beforeunload, |event| event.prevent_default());
    on_cleanup(move || {
        listener.remove();
        only_here.try_set(None);
    });
}

/// A modal dialog.
#[component]
pub(crate) fn Dialog(
    /// Opens and closes it; the dialog writes false when it is closed by Esc.
    is_open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// While true it cannot be closed.
    #[prop(optional, into)]
    is_busy: Signal<bool>,
    /// Asked when it is about to be closed: true when typed input would be lost.
    #[prop(optional, into)]
    is_dirty: Option<Callback<(), bool>>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog_ref = NodeRef::<html::Dialog>::new();
    let asks_first = RwSignal::new(false);
    let asked_at_ms = StoredValue::new(0.0);
    let only_here = RwSignal::new(None::<&'static str>);
    let title_id = fresh_id("dialog-title");
    let labelled_by = title_id.clone();
    let opener = StoredValue::new_local(None::<web_sys::Element>);

    effect(move || {
        let Some(dialog) = dialog_ref.get() else {
            return;
        };
        if is_open.get() {
            if !dialog.open() {
                opener.set_value(document().active_element());
                if dialog.show_modal().is_err() {
                    is_open.set(false);
                }
            }
        } else if dialog.open() {
            dialog.close();
            if let Some(opener) = opener.try_update_value(Option::take).flatten() {
                keep_focus(opener, LOOKS);
            }
        }
    });
    effect(move || {
        // A question belongs to what it was asked about.
        is_open.track();
        only_here.track();
        asks_first.set(false);
    });
    let may_close = move || {
        if is_busy.get_untracked() {
            return false;
        }
        // What was typed can be typed again: the second Esc is an answer. What is shown once needs a plain one.
        let is_answer =
            asks_first.get_untracked() && clock::now_ms() - asked_at_ms.get_value() > SAME_PRESS_MS;
        let would_lose = only_here.with_untracked(Option::is_some)
            || !is_answer && is_dirty.is_some_and(|is_dirty| is_dirty.run(()));
        if would_lose && !asks_first.get_untracked() {
            asked_at_ms.set_value(clock::now_ms());
            asks_first.set(true);
        }
        !would_lose
    };
    let try_to_close = move || {
        if may_close() {
            is_open.set(false);
        }
    };
    let closed = move || {
        let (Some(true), Some(dialog)) = (
            is_open.try_get_untracked(),
            dialog_ref.try_get_untracked().flatten(),
        ) else {
            return;
        };
        // A browser closes at a second Esc without an event that could be cancelled.
        if !dialog.open() && (may_close() || dialog.show_modal().is_err()) {
            is_open.set(false);
        }
    };
    let content = StoredValue::new(children);
    view! {
        <dialog
            class="dialog"
            node_ref=dialog_ref
            aria-labelledby=labelled_by
            on:cancel=move |event: leptos::ev::Event| {
                // One that cannot be cancelled is followed by `close`, which asks.
                if event.cancelable() {
                    event.prevent_default();
                    try_to_close();
                }
            }
            on:close=move |_| closed()
        >
            <div class="dialog-head">
                <h2 id=title_id>{title}</h2>
                <button type="button" class="icon-button" aria-label="Close" disabled=is_busy on:click=move |_| try_to_close()>
                    {icon(Icon::Close)}
                </button>
            </div>
            {move || is_open.get().then(|| {
                provide_context(OnlyHere(only_here));
                content.with_value(|content| content())
            })}
            {move || asks_first.get().then(|| question(only_here.get(), asks_first, is_open))}
        </dialog>
    }
    .into_any()
}

/// Whether the dialog is closed all the same.
fn question(
    only_here: Option<&'static str>,
    asks_first: RwSignal<bool>,
    is_open: RwSignal<bool>,
) -> AnyView {
    let (text, stay, leave) = match only_here {
        Some(what) => (
            format!("The {what} is not shown again. Is it copied?"),
            "Keep it open",
            "Close dialog",
        ),
        None => (
            "Discard what you typed?".to_owned(),
            "Keep editing",
            "Discard",
        ),
    };
    view! {
        <div class="dialog-discard" role="alert">
            <span>{text}</span>
            <div class="actions">
                <Button kind=ButtonKind::Quiet on_press=move |()| asks_first.set(false)>{stay}</Button>
                <Button on_press=move |()| is_open.set(false)>{leave}</Button>
            </div>
        </div>
    }
    .into_any()
}

/// Focuses what has come into a dialog: in the next frame, when the dialog is open and has chosen by itself.
pub(crate) fn focus_soon(element: web_sys::HtmlElement) {
    request_animation_frame(move || {
        // What is gone by then takes no focus.
        let _ = element.focus();
    });
}

/// Gives the focus to the page's heading once the opener is gone, unless it is somewhere else by then.
fn keep_focus(opener: web_sys::Element, looks: u32) {
    set_timeout(
        move || {
            let active = document().active_element();
            let is_lost = active.is_none_or(|active| active.tag_name() == "BODY");
            if is_lost && !opener.is_connected() {
                let heading = document().query_selector("main h1").ok().flatten();
                if let Some(heading) = heading.and_then(|it| it.dyn_into().ok()) {
                    focus_soon(heading);
                }
            } else if looks > 0 {
                keep_focus(opener, looks - 1);
            }
        },
        LOOK_AFTER,
    );
}
