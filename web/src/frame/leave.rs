//! Goes to another page in place of this one, so that Back does not return here.

use crate::erased::effect;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

/// Renders nothing and goes to `path`.
pub(crate) fn leave(path: String) -> AnyView {
    let navigate = use_navigate();
    effect(move || {
        navigate(
            &path,
            NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            },
        );
    });
    ().into_any()
}
