//! The button, with its kinds and its busy state. A busy button is disabled, so that nothing
//! is sent twice (checklist 15), and keeps its width.

use crate::components::icons::{Icon, icon};
use leptos::html;
use leptos::prelude::*;

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ButtonKind {
    /// The one main action of a page, card or dialog.
    Primary,
    /// Any other action.
    #[default]
    Plain,
    /// An action that stands back, in rows and cards.
    Quiet,
    /// An action that ends something.
    Danger,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Quiet => "button quiet",
            Self::Danger => "button danger",
        }
    }
}

/// A button. Without `on_press` it submits its form when `is_submit` is set.
#[component]
pub(crate) fn Button(
    children: Children,
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] is_submit: bool,
    /// Gets the focus when its dialog opens.
    #[prop(optional)]
    is_first_focus: bool,
    /// Shows that the action is under way, and disables.
    #[prop(optional, into)]
    is_busy: Signal<bool>,
    #[prop(optional, into)] is_disabled: Signal<bool>,
    #[prop(optional)] leading: Option<Icon>,
    /// Id of the text that says why it is disabled.
    #[prop(optional, into)]
    described_by: Option<String>,
    #[prop(optional, into)] on_press: Option<Callback<()>>,
    #[prop(optional)] node_ref: NodeRef<html::Button>,
) -> impl IntoView {
    view! {
        <button
            type=if is_submit { "submit" } else { "button" }
            class=kind.class()
            class:busy=is_busy
            disabled=move || is_busy.get() || is_disabled.get()
            autofocus=is_first_focus
            aria-describedby=described_by
            node_ref=node_ref
            on:click=move |_| {
                if let Some(on_press) = on_press {
                    on_press.run(());
                }
            }
        >
            {leading.map(icon)}
            {move || is_busy.get().then(|| icon(Icon::Spinner))}
            <span>{children()}</span>
        </button>
    }
    .into_any()
}
