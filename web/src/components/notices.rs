//! Toasts and the live region. Both regions stand in the page before any text is put in them (WCAG 4.1.3); a toast leaves by
//! itself after eight seconds, and waits while it is pointed at or focused.

use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use leptos::prelude::*;
use std::time::Duration;

const TOAST_LIFETIME: Duration = Duration::from_secs(8);

/// The page's toast and its spoken text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notices {
    toast: RwSignal<Option<(u32, String)>>,
    spoken: RwSignal<String>,
}

impl Notices {
    /// Makes the regions' state; called once, by the app.
    pub(crate) fn provide() -> Self {
        let notices = Self {
            toast: RwSignal::new(None),
            spoken: RwSignal::new(String::new()),
        };
        provide_context(notices);
        notices
    }

    /// Shows a toast; the region that it stands in speaks it too.
    pub(crate) fn toast(self, text: String) {
        self.toast.try_update(|toast| {
            let number = toast
                .as_ref()
                .map_or(0, |(number, _)| number.wrapping_add(1));
            *toast = Some((number, text));
        });
    }

    /// Speaks without showing.
    pub(crate) fn speak(self, text: String) {
        self.spoken.try_set(text);
    }
}

/// The notices of this page.
pub(crate) fn use_notices() -> Notices {
    expect_context()
}

/// Both regions; mounted once, by the app.
#[component]
pub(crate) fn NoticeRegions() -> impl IntoView {
    let notices = use_notices();
    let is_held = RwSignal::new(false);
    effect(move || {
        let Some((number, _)) = notices.toast.get() else {
            return;
        };
        if is_held.get() {
            return;
        }
        let timer = set_timeout_with_handle(
            move || {
                notices.toast.try_update(|toast| {
                    if toast
                        .as_ref()
                        .is_some_and(|(current, _)| *current == number)
                    {
                        *toast = None;
                    }
                });
            },
            TOAST_LIFETIME,
        );
        if let Ok(timer) = timer {
            on_cleanup(move || timer.clear());
        }
    });
    view! {
        <div class="visually-hidden" role="status">{notices.spoken}</div>
        <div
            class="toasts"
            role="status"
            on:mouseenter=move |_| is_held.set(true)
            on:mouseleave=move |_| is_held.set(false)
            on:focusin=move |_| is_held.set(true)
            on:focusout=move |_| is_held.set(false)
        >
            {move || notices.toast.get().map(|(_, text)| view! {
                <div class="toast">
                    {icon(Icon::Good)}
                    <span>{text}</span>
                    <button type="button" class="icon-button" aria-label="Close this message" on:click=move |_| {
                        is_held.set(false);
                        notices.toast.set(None);
                    }>{icon(Icon::Close)}</button>
                </div>
            }.into_any())}
        </div>
    }
    .into_any()
}
