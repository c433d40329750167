//! The panel of one call: how it stands and what that means, its way from the asking to the end, who paid and why, what the
//! provider said in its own words, and the ids that a support desk asks for.

use crate::api::calls::{self as api, Call, CallDetails};
use crate::api::enums::{CallDirection, Permission};
use crate::clock;
use crate::components::badge::{Tone, call_badge};
use crate::components::copyable::Copyable;
use crate::components::error_notice::Notice;
use crate::components::icons::{Icon, icon};
use crate::components::time::running_for;
use crate::erased::effect;
use crate::loader::Loader;
use crate::logic::call_words::{self, Mark, Point};
use crate::logic::outcome::Words;
use crate::logic::provider_name::provider_name;
use crate::logic::{money, phone, query_string};
use crate::pages::calls::live::Live;
use crate::pages::calls::{elapsed, payer_name};
use crate::pages::listing::panel::{PanelSpec, row_panel};
use crate::pages::listing::{Listing, Loaded};
use crate::session::AgencyContext;
use leptos::prelude::*;

static PANEL: PanelSpec = PanelSpec {
    unnamed: "Call",
    absent: (
        "This call is not here",
        "The link may be old, or the call belongs to somebody else.",
    ),
    skeleton_lines: 9,
};

/// The panel of the call with this id.
pub(super) fn call_panel(listing: Listing, live: Live, loaded: Loaded, id: String) -> AnyView {
    let agency = listing.agency;
    let listed_name = loaded.name_of(&id);
    let told = live.told(id.clone());
    let asked = StoredValue::new(id);
    let call = Loader::new(move || {
        agency.slug.track();
        // A call that moves is read again, because its panel shows more than the event tells.
        told.track();
        async move { api::get(agency, asked.try_get_value().unwrap_or_default()).await }
    });
    effect(move || {
        if call.error.with(Option::is_some) && call.data.with(Option::is_some) {
            // What was there stays; the next event or the list's own reading tries again.
            call.error.set(None);
        }
    });
    let name = |call: &CallDetails| call_words::other_side(&Call::from(call.clone()));
    row_panel(listing, &PANEL, listed_name, call, name, move |call| {
        details(agency, &call)
    })
}

fn details(agency: AgencyContext, all: &CallDetails) -> AnyView {
    let call = Call::from(all.clone());
    let provider = provider_name(call.provider);
    let explained = call_words::explanation(&call).map(|(is_bad, Words { title, text })| {
        let (tone, symbol) = if is_bad {
            (Tone::Bad, Icon::Bad)
        } else {
            (Tone::Warning, Icon::Question)
        };
        view! { <Notice tone=tone symbol=symbol title=title text=text /> }.into_any()
    });
    let what = format!(
        "{} · {}",
        call_words::direction(call.direction),
        call_words::origin(call.origin)
    );
    view! {
        <p class="panel-status">{call_badge(call.status)} <span class="quiet">{what}</span></p>
        {explained}
        {figures(&call)}
        <section>
            <h3>"Timeline"</h3>
            {way_view(&call)}
        </section>
        {receipt(agency, all, &call)}
        <section>
            <h3>"Who called whom"</h3>
            <dl class="facts">
                {fact("Called", number(call.to_number.as_deref(), call.direction == CallDirection::Web))}
                {fact("From", number(call.from_number.as_deref(), call.direction == CallDirection::Web))}
                {fact("Agent", agent(agency, all))}
                {(!untrack(|| agency.is_portal())).then(|| fact("Client", client(agency, all)))}
                {all.requested_by.as_ref().map(|person| fact("Asked by", person.name.clone().into_any()))}
            </dl>
        </section>
        {own_words(all, provider)}
        <section>
            <h3>"Ids"</h3>
            <dl class="facts">
                {fact("Ringfence", id(&call.id, "call id"))}
                {all.remote_id.as_ref().map(|remote| fact(provider, id(remote, "provider's id")))}
            </dl>
        </section>
    }
    .into_any()
}

/// Duration and cost; what is not known yet is said.
fn figures(call: &Call) -> AnyView {
    let took = match (&call.started_at, call.duration_ms) {
        (Some(since), _) if !call_words::is_over(call) => running_for(since),
        (_, Some(duration)) => elapsed(duration).into_any(),
        _ => "–".into_any(),
    };
    let agency: AgencyContext = expect_context();
    let sees_cost = untrack(|| agency.may(Permission::ViewCallCosts));
    let cost = sees_cost.then(|| {
        let text = call
            .cost
            .as_ref()
            .and_then(|cost| Some(money::exact(money::micros(&cost.amount)?, &cost.currency)));
        let waits = text.is_none() && call.failure.is_none();
        let text = text.unwrap_or_else(|| "–".to_owned());
        view! {
            <div class="count-tile">
                <dt>{if waits { "Cost, not told yet" } else { "Cost" }}</dt>
                <dd class="figures">{text}</dd>
            </div>
        }
        .into_any()
    });
    view! {
        <dl class="counts call-figures">
            <div class="count-tile"><dt>"Duration"</dt><dd class="figures">{took}</dd></div>
            {cost}
        </dl>
    }
    .into_any()
}

/// The way of a call as a line of points.
pub(crate) fn way_view(call: &Call) -> AnyView {
    let way = call_words::way(call);
    let points = way
        .iter()
        .enumerate()
        .map(|(index, point)| {
            let goes_on = way
                .get(index + 1)
                .is_some_and(|next| next.mark != Mark::Later);
            point_view(point, goes_on)
        })
        .collect::<Vec<_>>();
    view! { <ol class="route-line" aria-label="Timeline of this call">{points}</ol> }.into_any()
}

fn point_view(point: &Point, goes_on: bool) -> AnyView {
    let (class, symbol) = match point.mark {
        Mark::Done => ("taken", Some(Icon::Check)),
        Mark::Now => ("now", Some(Icon::Spinner)),
        Mark::Bad => ("blocked", Some(Icon::Close)),
        Mark::Unclear => ("doubted", Some(Icon::Question)),
        Mark::Later => ("not-reached", None),
    };
    let at = point.at.as_ref().map(|at| {
        let at_ms = clock::parse(at);
        view! { <p class="route-reason figures"><time datetime=at.clone() title=clock::exact(at_ms)>{clock::moment_exact(at_ms)}</time></p> }
            .into_any()
    });
    view! {
        <li class=class class:goes-on=goes_on>
            <span class="route-mark" aria-hidden="true">{symbol.map(icon)}</span>
            <div><p class="route-title">{point.title}</p> {at}</div>
        </li>
    }
    .into_any()
}

/// Whose key it went over, and why; in full for those who may see it.
fn receipt(agency: AgencyContext, all: &CallDetails, call: &Call) -> AnyView {
    let provider = provider_name(call.provider);
    let payer = payer_name(agency, call.payer, call.client_name.as_deref());
    let lines = all.route.as_ref().map(|route| {
        let passed = route.has_passed_over_agency_key.then(|| {
            view! { <p class="quiet">"The agency had a key as well. It was passed over and paid nothing."</p> }.into_any()
        });
        let doubt = route.doubt.map(|doubt| {
            let text = format!("{} It was tried all the same.", call_words::doubt(doubt, provider));
            view! { <p class="quiet">{text}</p> }.into_any()
        });
        view! { <p>{route.reason.clone()}</p> {passed} {doubt} }.into_any()
    });
    let version = all
        .route
        .as_ref()
        .and_then(|route| route.key_version)
        .map(|version| fact("Key", format!("version {version}").into_any()));
    let account = all
        .account
        .as_ref()
        .map(|account| fact("Account", account.name.clone().into_any()));
    let remote_agent = all
        .route
        .as_ref()
        .and_then(|route| route.remote_agent_id.as_ref())
        .map(|remote| fact("Agent there", id(remote, "agent's id")));
    view! {
        <section class="receipt">
            <h3>"Whose account"</h3>
            <p class="receipt-payer">{icon(Icon::Wallet)} <strong>{payer}</strong> <span class="quiet">"at " {provider}</span></p>
            {lines}
            <dl class="facts">{account} {version} {remote_agent}</dl>
        </section>
    }
    .into_any()
}

/// What the provider calls it.
fn own_words(all: &CallDetails, provider: &'static str) -> AnyView {
    if !call_words::has_own_words(all) {
        return ().into_any();
    }
    let word = |label, text: &str| {
        let text = text.to_owned();
        fact(label, view! { <code>{text}</code> }.into_any())
    };
    let status = Some(all.provider_status.as_str()).filter(|status| !status.is_empty());
    view! {
        <section>
            <h3>"In " {provider} "'s own words"</h3>
            <dl class="facts">
                {status.map(|status| word("Status", status))}
                {all.ended_reason.as_deref().map(|reason| word("Reason", reason))}
            </dl>
        </section>
    }
    .into_any()
}

fn fact(name: &'static str, value: AnyView) -> AnyView {
    view! { <div><dt>{name}</dt><dd class="figures">{value}</dd></div> }.into_any()
}

fn id(text: &str, what: &'static str) -> AnyView {
    view! { <Copyable shown=text copied=text what=what is_code=true /> }.into_any()
}

fn number(number: Option<&str>, is_web: bool) -> AnyView {
    match number {
        Some(number) => {
            view! { <Copyable shown=phone::formatted(number) copied=number what="number" /> }
                .into_any()
        }
        None if is_web => view! { <span class="quiet">"no number"</span> }.into_any(),
        None => view! { <span class="quiet">"not told"</span> }.into_any(),
    }
}

fn agent(agency: AgencyContext, all: &CallDetails) -> AnyView {
    let Some(name) = all.agent_name.clone() else {
        return view! { <span class="quiet">"not known here"</span> }.into_any();
    };
    match &all.agent {
        Some(agent) => {
            let path = untrack(|| agency.path("/agents"));
            let href = query_string::joined(&path, &[("agent", &agent.id)]);
            view! { <a href=href>{name}</a> }.into_any()
        }
        None => name.into_any(),
    }
}

fn client(agency: AgencyContext, all: &CallDetails) -> AnyView {
    let name = all.client_name.clone();
    match (name, &all.client) {
        (Some(name), Some(client)) => {
            let href = untrack(|| agency.path(&format!("/clients/{}", client.id)));
            view! { <a href=href>{name}</a> }.into_any()
        }
        (Some(name), None) => name.into_any(),
        (None, _) => view! { <span class="quiet">"the agency itself"</span> }.into_any(),
    }
}
