//! The form of an endpoint, new or stored: address, description, events. A new one ends with its signing secret in the same
//! dialog. An error stays at its field and keeps what was typed.

use crate::api::ApiError;
use crate::api::enums::{ErrorCode, WebhookEvent};
use crate::api::webhooks::{
    self as api, CreateWebhookEndpointInput, Endpoint, UpdateWebhookEndpointInput,
};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::Dialog;
use crate::components::error_notice::ErrorNotice;
use crate::components::field::{Field, field_error, focus, value_of};
use crate::components::fresh_id;
use crate::erased::{dynamic, spawn};
use crate::logic::{outcome, webhook_words};
use crate::pages::webhooks::PageContext;
use crate::pages::webhooks::secret::shown_once;
use leptos::html;
use leptos::prelude::*;

/// The dialog; without `endpoint` it makes a new one. At each opening it begins with the endpoint as it is by then.
#[component]
pub(super) fn FormDialog(
    page: PageContext,
    #[prop(optional, into)] endpoint: Signal<Option<Endpoint>>,
    is_open: RwSignal<bool>,
) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let is_dirty = RwSignal::new(false);
    let title = move || {
        if endpoint.with(Option::is_some) {
            "Edit the endpoint"
        } else {
            "Add an endpoint"
        }
    };
    view! {
        <Dialog
            is_open=is_open
            title=Signal::derive(move || title().to_owned())
            is_busy=is_busy
            is_dirty=Callback::new(move |()| is_dirty.get_untracked())
        >
            {
                is_dirty.set(false);
                body(Form::new(page, endpoint.get_untracked(), is_open, is_busy, is_dirty))
            }
        </Dialog>
    }
    .into_any()
}

/// What the form's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Form {
    page: PageContext,
    endpoint: StoredValue<Option<Endpoint>>,
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    /// Something was typed or ticked.
    is_dirty: RwSignal<bool>,
    url: NodeRef<html::Input>,
    description: NodeRef<html::Input>,
    events: RwSignal<Vec<WebhookEvent>>,
    failure: RwSignal<Option<ApiError>>,
    secret: RwSignal<Option<String>>,
}

impl Form {
    fn new(
        page: PageContext,
        endpoint: Option<Endpoint>,
        is_open: RwSignal<bool>,
        is_busy: RwSignal<bool>,
        is_dirty: RwSignal<bool>,
    ) -> Self {
        let events = endpoint.as_ref().map_or_else(
            || webhook_words::SUBSCRIBABLE.to_vec(),
            |endpoint| endpoint.events.clone(),
        );
        Self {
            page,
            endpoint: StoredValue::new(endpoint),
            is_open,
            is_busy,
            is_dirty,
            url: NodeRef::new(),
            description: NodeRef::new(),
            events: RwSignal::new(events),
            failure: RwSignal::new(None),
            secret: RwSignal::new(None),
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
        let slug = self.page.agency.slug.get_untracked();
        let (url, description) = (value_of(self.url), value_of(self.description));
        let events = self.events.get_untracked();
        let id = self
            .endpoint
            .with_value(|endpoint| endpoint.as_ref().map(|endpoint| endpoint.id.clone()));
        self.is_busy.set(true);
        self.failure.set(None);
        spawn(async move {
            let answer = match id {
                None => {
                    let input = CreateWebhookEndpointInput {
                        url,
                        description: Some(description),
                        events,
                    };
                    api::create(&slug, input).await.map(Some)
                }
                Some(id) => {
                    let input = UpdateWebhookEndpointInput {
                        webhook_endpoint_id: id,
                        url: Some(url),
                        description: Some(description),
                        events: Some(events),
                        is_enabled: None,
                    };
                    api::update(&slug, input).await.map(|()| None)
                }
            };
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            match answer {
                Ok(Some(secret)) => {
                    self.is_dirty.set(false);
                    self.secret.set(Some(secret));
                    self.page.endpoints.reload();
                }
                Ok(None) => {
                    self.is_open.set(false);
                    self.page
                        .notices
                        .toast("The endpoint was changed.".to_owned());
                    self.page.endpoints.reload();
                }
                Err(error) => {
                    let is_url = error.field.as_deref() == Some("url");
                    self.failure.set(Some(error));
                    if is_url {
                        focus(self.url);
                    }
                }
            }
        });
    }
}

fn body(form: Form) -> AnyView {
    dynamic(move || match form.secret.get() {
        Some(secret) => shown_once(secret, form.is_open),
        None => fields(form),
    })
}

fn fields(form: Form) -> AnyView {
    let (url, description) = form.endpoint.with_value(|endpoint| {
        endpoint
            .as_ref()
            .map(|endpoint| (endpoint.url.clone(), endpoint.description.clone()))
            .unwrap_or_default()
    });
    let verb = if form.endpoint.with_value(Option::is_some) {
        "Save endpoint"
    } else {
        "Add endpoint"
    };
    let is_busy = form.is_busy;
    view! {
        <form
            novalidate
            on:input=move |_| form.is_dirty.set(true)
            on:submit=move |event| {
                event.prevent_default();
                form.send();
            }
        >
            <div class="dialog-body form">
                <Field
                    label="Address" name="url" kind="url" input_ref=form.url value=url is_verbatim=true
                    hint="An https address that anybody on the internet can reach, such as https://hooks.example.com/ringfence." error=form.error_of("url")
                />
                <Field label="Description (optional)" name="description" input_ref=form.description value=description error=form.error_of("description") />
                {choices(form)}
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
                <Button kind=ButtonKind::Primary is_submit=true is_busy=is_busy>{verb}</Button>
            </div>
        </form>
    }
    .into_any()
}

fn choices(form: Form) -> AnyView {
    let error_id = fresh_id("events-error");
    let rows = webhook_words::SUBSCRIBABLE
        .into_iter()
        .map(|event| {
            let is_on = form.events.with_untracked(|events| events.contains(&event));
            let change = move |is_on: bool| {
                form.events.update(|events| {
                    events.retain(|known| *known != event);
                    if is_on {
                        events.push(event);
                    }
                });
            };
            view! {
                <label class="check">
                    <input type="checkbox" prop:checked=is_on on:change=move |event| change(event_target_checked(&event)) />
                    <span><code>{webhook_words::event_name(event)}</code> " " <span class="quiet">{webhook_words::event_text(event)}</span></span>
                </label>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <fieldset class="field">
            <legend>"Events"</legend>
            {rows}
            {field_error(form.error_of("events"), error_id)}
        </fieldset>
    }
    .into_any()
}
