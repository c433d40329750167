//! A labelled text field. Its value stays in the input and is read when the form is sent; label, hint and error are joined
//! to it (checklist 1), and an error keeps what was typed.

use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::components::page_head::mark_window_failed;
use leptos::html;
use leptos::prelude::*;

/// The value of an input; empty when it is not there.
pub(crate) fn value_of(input: NodeRef<html::Input>) -> String {
    input
        .get_untracked()
        .map(|input| input.value())
        .unwrap_or_default()
}

/// Puts the focus into an input.
pub(crate) fn focus(input: NodeRef<html::Input>) {
    if let Some(input) = input.get_untracked() {
        // A hidden or disabled input does not take the focus; nothing depends on it.
        let _ = input.focus();
    }
}

/// A text field with its label, hint and error.
#[component]
pub(crate) fn Field(
    #[prop(into)] label: Signal<String>,
    name: &'static str,
    input_ref: NodeRef<html::Input>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] value: String,
    /// A word that must be typed as it stands: no correction, no translation, no suggestion (checklist 31).
    #[prop(optional)]
    is_verbatim: bool,
    /// Gets the focus when its dialog opens.
    #[prop(optional)]
    is_first_focus: bool,
    #[prop(optional, into)] on_input: Option<Callback<String>>,
) -> impl IntoView {
    let id = fresh_id(name);
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described_by = described_by(!hint.is_empty(), hint_id.clone(), error, error_id.clone());
    let verbatim = is_verbatim.then_some("off");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                {..leptos::attr::custom::custom_attribute("autocorrect", verbatim)}
                id=id
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                autocapitalize=verbatim
                autofocus=is_first_focus
                spellcheck=is_verbatim.then_some("false")
                translate=is_verbatim.then_some("no")
                aria-describedby=described_by
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                node_ref=input_ref
                on:input=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event_target_value(&event));
                    }
                }
            />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> }.into_any())}
            {field_error(error, error_id)}
        </div>
    }
    .into_any()
}

/// The ids that describe a field now.
pub(crate) fn described_by(
    has_hint: bool,
    hint_id: String,
    error: Signal<Option<String>>,
    error_id: String,
) -> impl Fn() -> Option<String> + Send + Sync + 'static {
    move || {
        let mut ids = Vec::new();
        if has_hint {
            ids.push(hint_id.as_str());
        }
        if error.with(Option::is_some) {
            ids.push(error_id.as_str());
        }
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// The error below a field.
pub(crate) fn field_error(error: Signal<Option<String>>, id: String) -> AnyView {
    view! {
        {move || error.get().map(|text| {
            mark_window_failed();
            view! { <p class="field-error" id=id.clone()>{icon(Icon::Bad)} <span>{text}</span></p> }.into_any()
        })}
    }
    .into_any()
}
