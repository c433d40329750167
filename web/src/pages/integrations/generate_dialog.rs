//! Making a key: the one of the card, called Default, which asks before it takes another's place, and keys with a name, scopes
//! and an expiry of their own.

use crate::api::api_keys::{self as api, ApiKey, GenerateApiKeyInput};
use crate::api::enums::{ApiKeyScope, ErrorCode};
use crate::clock;
use crate::components::badge::Tone;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::Notice;
use crate::components::field::{Field, field_error, focus, value_of};
use crate::components::fresh_id;
use crate::components::icons::Icon;
use crate::erased::{dynamic, effect};
use crate::logic::api_key_words::{self, DEFAULT_NAME, EXPIRIES, SCOPES};
use crate::pages::integrations::keys::KeysContext;
use crate::pages::integrations::make::{Making, make_dialog};
use leptos::html;
use leptos::prelude::*;

/// The dialog of the card's button.
pub(super) fn default_dialog(context: KeysContext) -> AnyView {
    let title = Signal::derive(move || {
        if context.default_key().is_some() {
            "Replace the key Default".to_owned()
        } else {
            "Generate the key Default".to_owned()
        }
    });
    make_dialog(
        context,
        context.is_generating,
        title,
        RwSignal::new(false),
        default_form,
    )
}

/// An expiry that the next key of the name takes over; one that is over by then is not passed on.
fn inherited_expiry(key: &ApiKey) -> Option<String> {
    let expires_at = key.expires_at.clone()?;
    (clock::parse(&expires_at) > clock::now_ms()).then_some(expires_at)
}

fn default_form(making: Making, _: RwSignal<bool>) -> AnyView {
    let context = making.context();
    let before = untrack(|| context.default_key());
    let expires_at = before.as_ref().and_then(inherited_expiry);
    // Those of a key in use the server passes on; otherwise it gets what is said here.
    let first_scopes = match &before {
        Some(_) => None,
        None => Some(untrack(|| context.former_default_scopes())),
    };
    let scopes = first_scopes.clone();
    let generate = move |()| {
        let slug = context.agency.slug.get_untracked();
        let input = GenerateApiKeyInput {
            name: DEFAULT_NAME.to_owned(),
            scopes: scopes.clone(),
            expires_at: expires_at.clone(),
        };
        making.send(async move { api::generate(&slug, input).await });
    };
    let is_replacing = before.is_some();
    let text = if let Some(key) = &before {
        replacing(context, key)
    } else {
        let text = format!(
            "Its scopes are {}, and it does not expire. For other scopes or an expiry, make a key with a name of its own afterwards.",
            api_key_words::scopes_in_words(first_scopes.as_deref().unwrap_or_default())
        );
        view! {
            <p class="consequence">"A key called Default is made, and shown this once."</p>
            <p>{text}</p>
        }
        .into_any()
    };
    let (kind, label) = if is_replacing {
        (ButtonKind::Danger, "Replace key")
    } else {
        (ButtonKind::Primary, "Generate API Key")
    };
    view! {
        <div class="dialog-body">{text} {making.refusal(&[])}</div>
        <div class="dialog-foot">
            <Button is_first_focus=is_replacing is_disabled=making.is_busy on_press=move |()| making.is_open.set(false)>"Cancel"</Button>
            <Button kind=kind is_busy=making.is_busy on_press=generate>{label}</Button>
        </div>
    }
    .into_any()
}

/// What stops when a key in use is replaced, what the new one takes over, and the way without a gap.
fn replacing(context: KeysContext, key: &ApiKey) -> AnyView {
    let expiry = match inherited_expiry(key) {
        Some(at) => format!("its expiry, {}", clock::date(clock::parse(&at))),
        None => "no expiry".to_owned(),
    };
    let kept = format!(
        "The new key takes over the scopes {}, and {expiry}.",
        api_key_words::scopes_in_words(&key.scopes)
    );
    let chosen = key.clone();
    let rotate = move |_| {
        context.is_generating.set(false);
        context.chosen.set(Some(chosen.clone()));
        context.is_rotating.set(true);
    };
    view! {
        <p class="consequence">{api_key_words::rotation(&key.hint, 0, "")}</p>
        <p>{kept}</p>
        <p class="quiet">
            "Scripts that need time for the change: "
            <button type="button" class="link-button" on:click=rotate>"rotate it with an overlap"</button>
            " instead."
        </p>
    }
    .into_any()
}

/// The dialog for a key with a name of its own.
pub(super) fn named_dialog(context: KeysContext) -> AnyView {
    make_dialog(
        context,
        context.is_naming,
        Signal::derive(|| "Make a key".to_owned()),
        RwSignal::new(false),
        named_form,
    )
}

/// What the form's parts share.
#[derive(Clone, Copy)]
struct Form {
    making: Making,
    is_dirty: RwSignal<bool>,
    name: NodeRef<html::Input>,
    typed_name: RwSignal<String>,
    scopes: RwSignal<Vec<ApiKeyScope>>,
    expiry: RwSignal<&'static str>,
    date: NodeRef<html::Input>,
    expiry_error: RwSignal<Option<String>>,
}

impl Form {
    /// What the server says of a field, if it is that one.
    fn error_of(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.making.failure.with(|failure| {
                let error = failure.as_ref()?;
                let is_here =
                    error.is(ErrorCode::InvalidInput) && error.field.as_deref() == Some(field);
                is_here.then(|| error.message.clone())
            })
        })
    }

    fn send(self) {
        let date_ms = clock::parse(&value_of(self.date));
        let expiry = api_key_words::expiry(self.expiry.get_untracked(), date_ms, clock::now_ms());
        let expires_at = match expiry {
            Ok(expires_ms) => expires_ms.map(clock::instant),
            Err(text) => {
                self.expiry_error.set(Some(text.to_owned()));
                focus(self.date);
                return;
            }
        };
        self.expiry_error.set(None);
        let slug = self.making.context().agency.slug.get_untracked();
        let input = GenerateApiKeyInput {
            name: value_of(self.name),
            scopes: Some(self.scopes.get_untracked()),
            expires_at,
        };
        self.making
            .send(async move { api::generate(&slug, input).await });
    }
}

fn named_form(making: Making, is_dirty: RwSignal<bool>) -> AnyView {
    let form = Form {
        making,
        is_dirty,
        name: NodeRef::new(),
        typed_name: RwSignal::new(String::new()),
        scopes: RwSignal::new(vec![ApiKeyScope::Read]),
        expiry: RwSignal::new("90"),
        date: NodeRef::new(),
        expiry_error: RwSignal::new(None),
    };
    effect(move || {
        let is_name = making.failure.with(|error| {
            error
                .as_ref()?
                .field
                .as_deref()
                .map(|field| field == "name")
        });
        if is_name == Some(true) {
            focus(form.name);
        }
    });
    let replaced = Memo::new(move |_| {
        let name = form.typed_name.get();
        making.context().named(&name)
    });
    let label = move || {
        if replaced.with(Option::is_some) {
            "Replace key"
        } else {
            "Make key"
        }
    };
    view! {
        <form
            novalidate
            on:input=move |_| {
                form.is_dirty.set(true);
                // What was refused is not what stands there now.
                form.making.failure.set(None);
            }
            on:submit=move |event| {
                event.prevent_default();
                form.send();
            }
        >
            <div class="dialog-body form">
                <Field
                    label="Name" name="api-key-name" input_ref=form.name is_first_focus=true
                    hint="What it is for, such as the program that uses it." error=form.error_of("name")
                    on_input=Callback::new(move |text| form.typed_name.set(text))
                />
                {dynamic(move || match replaced.get() {
                    Some(key) => view! {
                        <Notice
                            tone=Tone::Warning symbol=Icon::Warning
                            title=format!("{} is in use", key.name) text=api_key_words::rotation(&key.hint, 0, "")
                        />
                    }.into_any(),
                    None => ().into_any(),
                })}
                {scope_choice(form)}
                {expiry_choice(form)}
                {making.refusal(&["name", "scopes", "expiresAt"])}
            </div>
            <div class="dialog-foot">
                <Button is_disabled=making.is_busy on_press=move |()| making.is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_submit=true is_busy=making.is_busy>{label}</Button>
            </div>
        </form>
    }
    .into_any()
}

fn scope_choice(form: Form) -> AnyView {
    let error_id = fresh_id("scopes-error");
    let rows = SCOPES
        .into_iter()
        .map(|scope| {
            let is_on = form.scopes.with_untracked(|scopes| scopes.contains(&scope));
            let change = move |is_on: bool| {
                form.scopes.update(|scopes| {
                    scopes.retain(|known| *known != scope);
                    if is_on {
                        scopes.push(scope);
                    }
                });
            };
            view! {
                <label class="check">
                    <input type="checkbox" prop:checked=is_on on:change=move |event| change(event_target_checked(&event)) />
                    <span><code>{api_key_words::scope_name(scope)}</code> <span class="quiet scope-text">{api_key_words::scope_text(scope)}</span></span>
                </label>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <fieldset class="field">
            <legend>"Scopes"</legend>
            {rows}
            {field_error(form.error_of("scopes"), error_id)}
        </fieldset>
    }
    .into_any()
}

fn expiry_choice(form: Form) -> AnyView {
    let id = fresh_id("expiry");
    let error_id = format!("{id}-error");
    let options = EXPIRIES
        .into_iter()
        .map(|(value, _, label)| {
            view! { <option value=value selected=value == "90">{label}</option> }.into_any()
        })
        .collect::<Vec<_>>();
    let choose = move |value: String| {
        let chosen = EXPIRIES.iter().find(|(known, ..)| *known == value);
        form.expiry.set(chosen.map_or("never", |(known, ..)| known));
        form.expiry_error.set(None);
    };
    let from_server = form.error_of("expiresAt");
    let error = Signal::derive(move || form.expiry_error.get().or_else(|| from_server.get()));
    view! {
        <div class="field">
            <label for=id.clone()>"Expires"</label>
            <select id=id aria-describedby=error_id.clone() on:change=move |event| choose(event_target_value(&event))>{options}</select>
            {dynamic(move || match form.expiry.get() {
                "date" => view! {
                    <Field
                        label="Last day" name="expiry-date" kind="date" input_ref=form.date error=error
                        hint="It works until the end of this day in UTC." on_input=Callback::new(move |_| form.expiry_error.set(None))
                    />
                }.into_any(),
                choice => view! {
                    {(choice == "never").then(|| view! { <p class="hint">"It works until somebody revokes it. Ringfence reminds you to rotate it after 90 days."</p> }.into_any())}
                    {field_error(error, error_id.clone())}
                }.into_any(),
            })}
        </div>
    }
    .into_any()
}
