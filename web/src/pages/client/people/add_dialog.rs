//! Adding a person to a client: name, email and what they may. It ends in the same dialog with the link for the first log-in;
//! what the server refuses stays at its field, with what was typed.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, PortalPermission};
use crate::api::people::{self as api, CreatePortalUserInput, LogInLink};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, focus, value_of};
use crate::erased::{dynamic, effect, spawn};
use crate::logic::outcome;
use crate::pages::client::people::PeopleContext;
use crate::pages::client::people::link::shown_once;
use crate::pages::client::people::permissions::permission_choice;
use leptos::html;
use leptos::prelude::*;

/// The name of who was added, and the link.
type Added = (String, LogInLink);

/// The dialog.
#[component]
pub(super) fn AddDialog(context: PeopleContext, is_open: RwSignal<bool>) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let typed = RwSignal::new(false);
    let added = RwSignal::new(None::<Added>);
    effect(move || {
        // The link is gone with the dialog, and so may the button be that opened it.
        if !is_open.get() && added.with_untracked(Option::is_some) {
            added.set(None);
            context.focus_heading();
        }
    });
    let title = Signal::derive(move || {
        added.with(|added| match added {
            Some((name, _)) => format!("{name} was added"),
            None => format!("Add a person to {}", context.page().name()),
        })
    });
    view! {
        <Dialog
            is_open=is_open
            title=title
            is_busy=is_busy
            is_dirty=Callback::new(move |()| typed.get_untracked())
        >
            {body(Form::new(context, is_open, is_busy, typed, added))}
        </Dialog>
    }
    .into_any()
}

/// What the form's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Form {
    context: PeopleContext,
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    /// Something was typed that closing would lose.
    typed: RwSignal<bool>,
    name: NodeRef<html::Input>,
    email: NodeRef<html::Input>,
    permissions: RwSignal<Vec<PortalPermission>>,
    failure: RwSignal<Option<ApiError>>,
    added: RwSignal<Option<Added>>,
}

impl Form {
    fn new(
        context: PeopleContext,
        is_open: RwSignal<bool>,
        is_busy: RwSignal<bool>,
        typed: RwSignal<bool>,
        added: RwSignal<Option<Added>>,
    ) -> Self {
        typed.set(false);
        added.set(None);
        Self {
            context,
            is_open,
            is_busy,
            typed,
            name: NodeRef::new(),
            email: NodeRef::new(),
            permissions: RwSignal::new(vec![PortalPermission::ViewAgents]),
            failure: RwSignal::new(None),
            added,
        }
    }

    /// What is wrong with a field, if it is that one.
    fn error_of(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.failure.with(|failure| {
                let error = failure.as_ref()?;
                let is_here =
                    error.is(ErrorCode::InvalidInput) && error.field.as_deref() == Some(field);
                is_here.then(|| error.message.clone())
            })
        })
    }

    fn send(self) {
        if self.is_busy.get_untracked() {
            return;
        }
        let (slug, client_id) = self.context.place();
        let name = value_of(self.name).trim().to_owned();
        let input = CreatePortalUserInput {
            client_id,
            name: name.clone(),
            email: value_of(self.email),
            permissions: Some(self.permissions.get_untracked()),
        };
        self.is_busy.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = api::create(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(link) => {
                    self.typed.set(false);
                    self.added.set(Some((name, link)));
                    self.context.people.reload();
                }
                Err(error) => {
                    let field = error.field.clone();
                    self.failure.set(Some(error));
                    match field.as_deref() {
                        Some("name") => focus(self.name),
                        Some("email") => focus(self.email),
                        _ => {}
                    }
                }
            }
        });
    }
}

fn body(form: Form) -> AnyView {
    dynamic(move || match form.added.get() {
        Some((name, link)) => shown_once(&name, link, form.is_open),
        None => fields(form),
    })
}

fn fields(form: Form) -> AnyView {
    let is_busy = form.is_busy;
    let note = Callback::new(move |text: String| {
        if !text.is_empty() {
            form.typed.set(true);
        }
    });
    view! {
        <form
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                form.send();
            }
        >
            <div class="dialog-body form">
                <Field
                    label="Name" name="person-name" input_ref=form.name is_first_focus=true
                    hint="As their colleagues and yours know them." error=form.error_of("name") on_input=note
                />
                <Field
                    label="Email" name="person-email" kind="email" input_ref=form.email is_verbatim=true
                    hint="They log in with it. Ringfence sends nothing there: you send the link." error=form.error_of("email") on_input=note
                />
                {permission_choice(form.permissions, is_busy)}
                {dynamic(move || match form.failure.get() {
                    Some(error) if error.field.is_none() => {
                        let words = outcome::other(&error);
                        view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                    }
                    _ => ().into_any(),
                })}
            </div>
            <div class="dialog-foot">
                <Button is_disabled=is_busy on_press=move |()| form.is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>"Add person"</Button>
            </div>
        </form>
    }
    .into_any()
}
