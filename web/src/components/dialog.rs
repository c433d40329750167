//! The dialog: the browser's own `<dialog>`, which holds the focus, makes the rest inert and gives the focus back to the
//! opener. Esc closes it, except while something is under way; with typed input it asks first (checklist 38). Its content
//! lives only while it is open, and so does what was typed in it.

use crate::components::button::{Button, ButtonKind};
use crate::components::fresh_id;
use crate::components::icons::{Icon, icon};
use crate::erased::effect;
use leptos::html;
use leptos::prelude::*;

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
    let asks_to_discard = RwSignal::new(false);
    let title_id = fresh_id("dialog-title");
    let labelled_by = title_id.clone();

    effect(move || {
        let Some(dialog) = dialog_ref.get() else {
            return;
        };
        if is_open.get() {
            asks_to_discard.set(false);
            if !dialog.open() && dialog.show_modal().is_err() {
                is_open.set(false);
            }
        } else if dialog.open() {
            dialog.close();
        }
    });
    let try_to_close = move || {
        if is_busy.get_untracked() {
            return;
        }
        let would_lose = is_dirty.is_some_and(|is_dirty| is_dirty.run(()));
        if would_lose && !asks_to_discard.get_untracked() {
            asks_to_discard.set(true);
        } else {
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
                event.prevent_default();
                try_to_close();
            }
            on:close=move |_| { is_open.try_set(false); }
        >
            <div class="dialog-head">
                <h2 id=title_id>{title}</h2>
                <button type="button" class="icon-button" aria-label="Close" disabled=is_busy on:click=move |_| try_to_close()>
                    {icon(Icon::Close)}
                </button>
            </div>
            {move || is_open.get().then(|| content.with_value(|content| content()))}
            {move || asks_to_discard.get().then(|| view! {
                <div class="dialog-discard" role="alert">
                    <span>"Discard what you typed?"</span>
                    <div class="actions">
                        <Button kind=ButtonKind::Quiet on_press=move |()| asks_to_discard.set(false)>"Keep editing"</Button>
                        <Button on_press=move |()| is_open.set(false)>"Discard"</Button>
                    </div>
                </div>
            }.into_any())}
        </dialog>
    }
    .into_any()
}
