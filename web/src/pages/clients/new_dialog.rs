//! Making a client: its name is all that is asked for. What was refused stays typed, with the reason at the field; what was
//! made leads to its page.

use crate::api::ApiError;
use crate::api::clients as api;
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, focus, value_of};
use crate::erased::{dynamic, spawn};
use crate::logic::client_words::{LONGEST_NAME, name_error};
use crate::logic::outcome;
use crate::pages::listing::Listing;
use leptos::html;
use leptos::prelude::*;

/// The dialog; it stays on the list until there is a client.
#[component]
pub(super) fn NewClientDialog(is_open: RwSignal<bool>, listing: Listing) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    view! {
        <Dialog
            is_open=is_open
            title="New client"
            is_busy=is_busy
            is_dirty=Callback::new(move |()| typed.with_untracked(|typed| !typed.trim().is_empty()))
        >
            <NewClientForm is_open=is_open is_busy=is_busy typed=typed listing=listing />
        </Dialog>
    }
    .into_any()
}

#[component]
fn NewClientForm(
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    typed: RwSignal<String>,
    listing: Listing,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<ApiError>);
    typed.set(String::new());
    let send = move || {
        if is_busy.get_untracked() {
            return;
        }
        let name = value_of(input).trim().to_owned();
        wrong.set(name_error(&name));
        if wrong.with_untracked(Option::is_some) {
            focus(input);
            return;
        }
        is_busy.set(true);
        failure.set(None);
        let slug = listing.agency.slug.get_untracked();
        spawn(async move {
            let answer = api::create(&slug, name).await;
            if is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(id) => {
                    is_open.set(false);
                    listing.visit(&id);
                }
                Err(error) if error.field.is_some() => {
                    wrong.set(Some(error.message));
                    focus(input);
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    view! {
        <form
            novalidate=true
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <div class="dialog-body">
                <Field
                    label="Name"
                    name="name"
                    input_ref=input
                    is_first_focus=true
                    hint=format!("As your people call the business, at most {LONGEST_NAME} characters.")
                    error=wrong
                    on_input=Callback::new(move |text| typed.set(text))
                />
                {dynamic(move || match failure.get() {
                    Some(error) => {
                        let words = outcome::other(&error);
                        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                    }
                    None => ().into_any(),
                })}
            </div>
            <div class="dialog-foot">
                <Button is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Make client"</Button>
            </div>
        </form>
    }
    .into_any()
}
