//! Placing one call by hand, from an agent's panel: who pays, over which account and from which number, what stands in the way
//! with its mending, the number to call, and then how this call goes. The same request has one name until it is answered,
//! so that a lost answer never dials twice (C3).

use crate::api::ApiError;
use crate::api::calls::{self as api, Call, News, TriggerCallInput};
use crate::api::enums::{CallStatus, ErrorCode, Permission, RouteState};
use crate::api::routes::{self, Route};
use crate::clock;
use crate::components::badge::{Tone, call_badge};
use crate::components::button::{Button, ButtonKind};
use crate::components::dialog::{Dialog, focus_soon};
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::field::{Field, focus, value_of};
use crate::components::icons::{Icon, icon};
use crate::components::notices::use_notices;
use crate::components::skeleton::skeleton_lines;
use crate::erased::{dynamic, effect, spawn};
use crate::loader::Loader;
use crate::logic::call_filter::{AGENT, Range};
use crate::logic::list_state::ListState;
use crate::logic::test_call_words::{self as words, Rights};
use crate::logic::{call_words, outcome, phone, query_string, route_line};
use crate::pages::agents::mending_link;
use crate::pages::calls::{self, way_view};
use crate::session::AgencyContext;
use leptos::html;
use leptos::prelude::*;

/// What a price is judged by.
const PRICED_BY_DAYS: u32 = 90;

/// The button and its dialog; nothing for whoever may not place calls.
#[component]
pub(crate) fn TestCall(
    agency: AgencyContext,
    agent_id: String,
    agent_name: String,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let is_busy = RwSignal::new(false);
    let typed = RwSignal::new(false);
    let may_place = Memo::new(move |_| agency.may(Permission::PlaceCalls));
    let agent = StoredValue::new((agent_id, agent_name));
    let is_portal = untrack(|| agency.is_portal());
    let title = Signal::derive(move || {
        agent.with_value(|(_, name)| {
            if is_portal {
                format!("Place a call with {name}")
            } else {
                format!("Test call with {name}")
            }
        })
    });
    let label = if is_portal {
        "Place a call · costs money"
    } else {
        "Test call · costs money"
    };
    dynamic(move || {
        if !may_place.get() {
            return ().into_any();
        }
        view! {
            <div class="actions"><Button leading=Icon::Calls on_press=move |()| is_open.set(true)>{label}</Button></div>
            <Dialog is_open=is_open title=title is_busy=is_busy is_dirty=Callback::new(move |()| typed.get_untracked())>
                {
                    typed.set(false);
                    body(Placing::new(agency, agent, (is_open, is_busy, typed)))
                }
            </Dialog>
        }
        .into_any()
    })
}

/// What the dialog's parts share; it lives while the dialog is open.
#[derive(Clone, Copy)]
struct Placing {
    agency: AgencyContext,
    /// The agent's id and name.
    agent: StoredValue<(String, String)>,
    rights: Rights,
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    /// Something was typed that closing would lose.
    typed: RwSignal<bool>,
    /// None for whoever sees no route.
    route: Loader<Option<Route>>,
    price: Loader<Option<String>>,
    number: NodeRef<html::Input>,
    wrong: RwSignal<Option<String>>,
    failure: RwSignal<Option<ApiError>>,
    /// The name of the request and the number that it is for.
    request: StoredValue<Option<(String, String)>>,
    /// The call, and the number that was called.
    placed: RwSignal<Option<(String, String)>>,
}

impl Placing {
    fn new(
        agency: AgencyContext,
        agent: StoredValue<(String, String)>,
        (is_open, is_busy, typed): (RwSignal<bool>, RwSignal<bool>, RwSignal<bool>),
    ) -> Self {
        let rights = untrack(|| Rights::of(|permission| agency.may(permission)));
        let details = untrack(|| agency.may(Permission::ViewKeyDetails));
        let id = move || {
            agent
                .try_with_value(|(id, _)| id.clone())
                .unwrap_or_default()
        };
        let route = Loader::new(move || {
            let slug = agency.slug.get();
            async move {
                if !rights.sees_route {
                    return Ok(None);
                }
                routes::explain(&slug, id(), details).await.map(Some)
            }
        });
        let price = Loader::new(move || {
            let slug = agency.slug.get();
            let state = ListState {
                filters: vec![(AGENT, id())],
                ..ListState::default()
            };
            let days = clock::days_of(&Range::Last(PRICED_BY_DAYS));
            async move {
                if !rights.sees_calls || !rights.sees_costs {
                    return Ok(None);
                }
                let figures = api::stats(&slug, &state, days, 0, true).await?;
                Ok(words::per_minute(&figures))
            }
        });
        Self {
            agency,
            agent,
            rights,
            is_open,
            is_busy,
            typed,
            route,
            price,
            number: NodeRef::new(),
            wrong: RwSignal::new(None),
            failure: RwSignal::new(None),
            request: StoredValue::new(None),
            placed: RwSignal::new(None),
        }
    }

    /// The name of the request for this number: the same until it was answered.
    fn request_for(self, number: &str) -> String {
        let known = self.request.with_value(|request| {
            let (name, of) = request.as_ref()?;
            (of == number).then(|| name.clone())
        });
        known.unwrap_or_else(|| {
            let part = || js_sys::Math::random().to_bits();
            let name = format!("app-{:016x}{:016x}", part(), part());
            self.request
                .set_value(Some((name.clone(), number.to_owned())));
            name
        })
    }

    fn send(self) {
        if self.is_busy.get_untracked() {
            return;
        }
        let text = value_of(self.number);
        self.failure.set(None);
        self.wrong.set(words::number_error(&text));
        let Some(number) = phone::e164(&text) else {
            focus(self.number);
            return;
        };
        let slug = self.agency.slug.get_untracked();
        let input = TriggerCallInput {
            agent_id: self.agent.with_value(|(id, _)| id.clone()),
            phone_number: number.clone(),
            from_number_id: None,
            variables: None,
            is_test: Some(untrack(|| !self.agency.is_portal())),
            idempotency_key: Some(self.request_for(&number)),
        };
        self.is_busy.set(true);
        spawn(async move {
            let answer = api::trigger(&slug, input).await;
            if self.is_busy.try_set(false).is_some() {
                return; // The page was left meanwhile.
            }
            // Without an answer, and while the first request is under way, the name stays: nothing is dialled twice.
            let is_answered = match &answer {
                Ok(_) => true,
                Err(error) => error.code().is_some_and(|code| code != ErrorCode::Conflict),
            };
            if is_answered {
                self.request.try_set_value(None);
            }
            match answer {
                Ok(placed) => {
                    self.typed.set(false);
                    self.placed.set(Some((placed.call_id, number)));
                }
                Err(error) if error.field.as_deref() == Some("phoneNumber") => {
                    self.wrong.set(Some(error.message));
                    focus(self.number);
                }
                Err(error) => {
                    self.failure.set(Some(error));
                    // What is wrong may be the route, which is told with its mending.
                    self.route.reload();
                }
            }
        });
    }
}

fn body(placing: Placing) -> AnyView {
    dynamic(move || match placing.placed.get() {
        Some((id, number)) => follow(placing, id, &number),
        None => before(placing),
    })
}

/// What is said and asked before anything is dialled.
fn before(placing: Placing) -> AnyView {
    let Placing { route, .. } = placing;
    let failed = dynamic(move || match route.error.get() {
        Some(error) => {
            let words = outcome::other(&error);
            view! { <div class="dialog-body"><ErrorNotice error=error words=words on_retry=move |()| route.reload() /></div> }.into_any()
        }
        None => ().into_any(),
    });
    // The form stays while the route is read again: what was typed in it is not lost.
    let shape = Memo::new(move |_| {
        route.data.with(|route| match route {
            None => 0,
            Some(Some(route)) if words::obstacle(route).is_some() => 1,
            Some(_) => 2,
        })
    });
    view! {
        {failed}
        {dynamic(move || match shape.get() {
            0 if route.error.with(Option::is_some) => ().into_any(),
            0 => view! { <div class="dialog-body">{skeleton_lines(5)}</div> }.into_any(),
            1 => blocked(placing),
            _ => form(placing),
        })}
    }
    .into_any()
}

/// What stands in the way, and where it is mended; no button that could not work.
fn blocked(placing: Placing) -> AnyView {
    let Placing {
        agency, is_open, ..
    } = placing;
    let told = dynamic(move || {
        placing.route.data.with(|route| {
            let Some(route) = route.as_ref().and_then(Option::as_ref) else {
                return ().into_any();
            };
            let Some(outcome::Words { title, text }) = words::obstacle(route) else {
                return ().into_any();
            };
            let link = mending_link(agency, route);
            view! { <Notice tone=Tone::Bad symbol=Icon::Bad title=title text=text>{link}</Notice> }
                .into_any()
        })
    });
    view! {
        <div class="dialog-body">
            <p class="consequence">"Nothing would be dialled."</p>
            {failure(placing)}
            {told}
        </div>
        <div class="dialog-foot">
            <Button on_press=move |()| placing.route.reload() is_busy=placing.route.is_loading>"Look again"</Button>
            <Button kind=ButtonKind::Primary is_first_focus=true on_press=move |()| is_open.set(false)>"Close"</Button>
        </div>
    }
    .into_any()
}

fn failure(placing: Placing) -> AnyView {
    dynamic(move || match placing.failure.get() {
        Some(error) => {
            let words = call_words::place_failed(&error);
            view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
        }
        None => ().into_any(),
    })
}

fn form(placing: Placing) -> AnyView {
    let Placing {
        is_busy,
        is_open,
        typed,
        wrong,
        ..
    } = placing;
    let price = move || placing.price.data.get().flatten();
    // The form comes when the route is there; the dialog has chosen its focus by then.
    effect(move || {
        if let Some(input) = placing.number.get() {
            focus_soon(input.into());
        }
    });
    let note = Callback::new(move |text: String| {
        typed.set(!text.trim().is_empty());
        wrong.set(None);
    });
    view! {
        <form
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                placing.send();
            }
        >
            <div class="dialog-body form">
                {dynamic(move || placing.route.data.with(|route| bill(placing, route.as_ref().and_then(Option::as_ref))))}
                <Field
                    label="Number to call" name="called-number" kind="tel" input_ref=placing.number is_verbatim=true
                    hint="With its country code, such as +1 555 123 4567." error=wrong on_input=note
                />
                {failure(placing)}
            </div>
            <div class="dialog-foot">
                <Button is_disabled=is_busy on_press=move |()| is_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary is_submit=true leading=Icon::Calls is_busy=is_busy>
                    {move || words::button(price().as_deref())}
                </Button>
            </div>
        </form>
    }
    .into_any()
}

/// Who pays, about how much, and from which number; and what makes the call likely to be refused.
fn bill(placing: Placing, route: Option<&Route>) -> AnyView {
    let agency = placing.agency;
    let Some(route) = route else {
        let (agency_name, client) = untrack(|| (agency.name(), agency.client_name()));
        let client = client.unwrap_or_else(|| "your company".to_owned());
        let text = format!(
            "A real call is placed, and it costs money. It is paid as {agency_name} has arranged for {client}."
        );
        return view! { <Notice tone=Tone::Warning symbol=Icon::Wallet title="This call costs money" text=text /> }.into_any();
    };
    let doubt = (route.state == RouteState::Doubtful).then(|| {
        let link = mending_link(agency, route);
        view! {
            <Notice tone=Tone::Warning symbol=Icon::Warning title="The provider is likely to refuse this call" text="It is tried all the same. No other key is used instead.">
                {link}
            </Notice>
        }
        .into_any()
    });
    let payer = route_line::whose_account(route);
    let price = move || {
        let price = placing.price.data.get().flatten();
        price.map_or_else(
            || "not known: this agent has no calls with a cost yet".to_owned(),
            |price| format!("{price}, by this agent's calls"),
        )
    };
    view! {
        <div class="bill">
            <p class="bill-payer">{icon(Icon::Wallet)} <span>{payer}</span></p>
            <dl class="facts">
                <div><dt>"Costs"</dt><dd>{price}</dd></div>
                <div><dt>"Calls from"</dt><dd class="figures">{words::from_number(route)}</dd></div>
            </dl>
        </div>
        {doubt}
    }
    .into_any()
}

/// How the placed call goes, until it is over and as long as the dialog is open.
fn follow(placing: Placing, id: String, number: &str) -> AnyView {
    let Placing {
        agency, is_open, ..
    } = placing;
    let number = phone::formatted(number);
    let link = placing.rights.sees_calls.then(|| {
        let path = untrack(|| agency.path(calls::PATH));
        let href = query_string::joined(&path, &[("call", &id)]);
        view! { <a class="button" href=href on:click=move |_| is_open.set(false)>"Open in Calls"</a> }.into_any()
    });
    let going = if placing.rights.sees_calls {
        going(agency, id)
    } else {
        let text =
            "You do not see calls here, so that this is all that this page can say about it.";
        view! { <Notice tone=Tone::Good symbol=Icon::Good title="The call was placed" text=text /> }
            .into_any()
    };
    view! {
        <div class="dialog-body">
            <p class="called">{icon(Icon::Outgoing)} <strong class="figures">{number}</strong></p>
            {going}
            <p class="hint">"Closing this does not end the call."</p>
        </div>
        <div class="dialog-foot">
            {link}
            <Button on_press=move |()| placing.placed.set(None)>"Another call"</Button>
            <Button kind=ButtonKind::Primary is_first_focus=true on_press=move |()| is_open.set(false)>"Close"</Button>
        </div>
    }
    .into_any()
}

fn going(agency: AgencyContext, id: String) -> AnyView {
    let notices = use_notices();
    let asked = StoredValue::new(id.clone());
    let now = RwSignal::new(None::<Call>);
    let loaded = Loader::new(move || async move {
        api::get(agency, asked.try_get_value().unwrap_or_default()).await
    });
    let put = move |call: Call| {
        let before = now.try_get_untracked().flatten();
        // An answer that was on its way while the call ended is older than what is shown.
        if before
            .as_ref()
            .is_some_and(|before| call_words::is_over(before) && !call_words::is_over(&call))
        {
            return;
        }
        let status = before.map_or(CallStatus::Placing, |call| call.status);
        if let Some(text) = call_words::announcement(status, &call) {
            notices.speak(text);
        }
        now.try_set(Some(call));
    };
    effect(move || {
        if let Some(call) = loaded.data.get() {
            put(call.into());
        }
    });
    calls::watch_calls(agency, move |news| match news {
        News::Moved(call) if call.id == id => put(*call),
        News::Moved(_) => {}
        News::Missed => loaded.reload(),
    });
    dynamic(move || match now.get() {
        Some(call) => {
            let explained = call_words::explanation(&call).map(|(is_bad, told)| {
                let (tone, symbol) = if is_bad {
                    (Tone::Bad, Icon::Bad)
                } else {
                    (Tone::Warning, Icon::Question)
                };
                view! { <Notice tone=tone symbol=symbol title=told.title text=told.text /> }
                    .into_any()
            });
            view! {
                <p class="panel-status">{call_badge(call.status)} <span class="quiet">{call_words::so_far(&call)}</span></p>
                {way_view(&call)}
                {explained}
            }
            .into_any()
        }
        None => match loaded.error.get() {
            Some(error) => {
                let words = outcome::other(&error);
                view! { <ErrorNotice error=error words=words on_retry=move |()| loaded.reload() /> }
                    .into_any()
            }
            None => skeleton_lines(4),
        },
    })
}
