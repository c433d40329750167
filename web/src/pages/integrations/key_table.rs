//! The keys as a table: which key, how it stands, what it may, what it was used for, and what can be done with it. Keys that
//! ended stand folded below, for as long as the server lists them.

use crate::api::api_keys::ApiKey;
use crate::api::enums::ApiKeyState;
use crate::clock;
use crate::components::badge::{Tone, badge_of};
use crate::components::button::{Button, ButtonKind};
use crate::components::fresh_id;
use crate::components::icons::Icon;
use crate::components::table::{Column, DataTable};
use crate::components::time::relative_time;
use crate::erased::dynamic;
use crate::logic::api_key_words::{self, Standing, is_in_use};
use crate::logic::number::counted;
use crate::pages::integrations::keys::{KeysContext, days_of, standing};
use crate::pages::integrations::use_dialog::spark_line;
use leptos::prelude::*;

/// The keys in use; nothing without any, since the card says what to do.
pub(super) fn key_table(context: KeysContext) -> AnyView {
    let has_keys = Memo::new(move |_| context.in_use.with(|keys| !keys.is_empty()));
    dynamic(move || {
        if has_keys.get() {
            table(context)
        } else {
            ().into_any()
        }
    })
}

fn table(context: KeysContext) -> AnyView {
    let columns = Signal::derive(|| {
        ["Key", "State", "Scopes", "Used", "Actions"]
            .into_iter()
            .map(|label| Column {
                is_figure: label == "Actions",
                ..Column::text(label)
            })
            .collect()
    });
    let rows = move || {
        let may_rotate = context.is_in_plan();
        let keys = context.in_use.get();
        keys.into_iter()
            .map(|key| row(context, key, may_rotate))
            .collect::<Vec<_>>()
    };
    view! {
        <section class="api-keys" aria-labelledby="api-keys">
            <div class="choice-head">
                <h2 id="api-keys">"Keys"</h2>
                <span class="quiet figures">{move || api_key_words::in_use(context.in_use.with(Vec::len))}</span>
            </div>
            <DataTable caption="API keys in use" columns=columns is_stale=context.loaded.is_loading>
                {rows}
            </DataTable>
        </section>
    }
    .into_any()
}

/// The badge of a key, following the clock.
fn state_badge(context: KeysContext, key: ApiKey) -> AnyView {
    let now = clock::use_clock();
    dynamic(move || {
        let standing = standing(&key, now.get());
        // What no key can do now is no state of this one alone, and its own comes back with the switch.
        let is_on_hold = !context.lets_scripts_in()
            && !matches!(standing, Standing::Suspended | Standing::Over(_));
        let word = if is_on_hold {
            "On hold".to_owned()
        } else {
            standing.word()
        };
        let (tone, symbol) = match standing {
            _ if is_on_hold => (Tone::Neutral, Icon::Unplugged),
            Standing::Active => (Tone::Good, Icon::Good),
            Standing::Due => (Tone::Warning, Icon::Bell),
            Standing::ExpiresSoon(_) => (Tone::Warning, Icon::Clock),
            Standing::Ending(_) => (Tone::Info, Icon::Clock),
            Standing::Suspended | Standing::Over(ApiKeyState::Exposed) => (Tone::Bad, Icon::Bad),
            Standing::Over(_) => (Tone::Neutral, Icon::Dashed),
        };
        let advice = standing.advice();
        let expiry = match (&key.expires_at, standing) {
            (Some(at), Standing::Active | Standing::Due) => {
                format!("Expires {}", clock::date(clock::parse(at)))
            }
            (None, Standing::Active | Standing::Due) => "Does not expire".to_owned(),
            _ => String::new(),
        };
        let line = |text: String| {
            (!text.is_empty()).then(|| view! { <span class="quiet">{text}</span> }.into_any())
        };
        view! {
            <span class="key-state">
                {badge_of(tone, symbol, word)}
                {line(advice.to_owned())}
                {line(expiry)}
            </span>
        }
        .into_any()
    })
}

fn made(key: &ApiKey) -> AnyView {
    let by = match &key.created_by {
        Some(person) => format!(" by {}", person.name),
        None => " by somebody who left".to_owned(),
    };
    view! { <span class="quiet">"Made " {relative_time(&key.created_at)} {by}</span> }.into_any()
}

fn scope_list(key: &ApiKey) -> AnyView {
    let scopes = key
        .scopes
        .iter()
        .map(|scope| {
            let title = api_key_words::scope_text(*scope);
            view! { <li><code class="scope" title=title>{api_key_words::scope_name(*scope)}</code></li> }.into_any()
        })
        .collect::<Vec<_>>();
    view! { <ul class="scopes" aria-label=format!("Scopes of {}", key.name)>{scopes}</ul> }
        .into_any()
}

fn use_cell(context: KeysContext, key: &ApiKey) -> AnyView {
    let days = days_of(key);
    let (requests, errors) = api_key_words::totals(&days);
    let last = match &key.last_used_at {
        Some(at) => {
            view! { <span class="quiet">"Last used " {relative_time(at)}</span> }.into_any()
        }
        None => return view! { <span class="quiet">"Never used"</span> }.into_any(),
    };
    let chosen = key.clone();
    let open = move |_| {
        context.chosen.set(Some(chosen.clone()));
        context.is_showing_use.set(true);
    };
    let errors = (errors > 0).then(|| {
        view! { ", " <span class="errors">{api_key_words::errors_in_words(errors)}</span> }
            .into_any()
    });
    view! {
        <span class="key-use">
            <button type="button" class="spark-button" on:click=open>
                {spark_line(&days)}
                <span class="figures">{counted(requests, "request", "requests")} {errors}</span>
                <span class="visually-hidden">{format!(" in {} days: show the use of {} day by day", api_key_words::DAYS, key.name)}</span>
            </button>
            {last}
        </span>
    }
    .into_any()
}

fn row(context: KeysContext, key: ApiKey, may_rotate: bool) -> AnyView {
    let id = fresh_id("key");
    let is_active = is_in_use(key.state);
    let stored = StoredValue::new(key.clone());
    let button = |label: &'static str, is_open: RwSignal<bool>| {
        let open = move |()| {
            context.chosen.set(stored.try_get_value());
            is_open.set(true);
        };
        view! { <Button kind=ButtonKind::Quiet described_by=id.clone() on_press=open>{label}</Button> }
            .into_any()
    };
    let rotate = (is_active && may_rotate).then(|| button("Rotate", context.is_rotating));
    let revoke = button("Revoke", context.is_revoking);
    view! {
        <tr class:ending=!is_active>
            <th scope="row" class="cell-key">
                <span class="key-name" id=id.clone()>{key.name.clone()} <code>{api_key_words::masked(&key.hint)}</code></span>
                {made(&key)}
            </th>
            <td class="cell-state">{state_badge(context, key.clone())}</td>
            <td class="cell-scopes" data-label="Scopes">{scope_list(&key)}</td>
            <td class="cell-used" data-label="Used">{use_cell(context, &key)}</td>
            <td class="cell-actions"><div class="actions">{rotate} {revoke}</div></td>
        </tr>
    }
    .into_any()
}

/// Keys that ended, folded; nothing without any.
pub(super) fn ended_keys(context: KeysContext) -> AnyView {
    dynamic(move || {
        let ended = context.ended.get();
        if ended.is_empty() {
            return ().into_any();
        }
        let count = i64::try_from(ended.len()).unwrap_or(i64::MAX);
        let rows = ended
            .into_iter()
            .map(|key| ended_row(context, key))
            .collect::<Vec<_>>();
        view! {
            <details class="ended-keys">
                <summary>{format!("{} that ended", counted(count, "key", "keys"))}</summary>
                <ul aria-label="Keys that ended">{rows}</ul>
            </details>
        }
        .into_any()
    })
}

fn ended_row(context: KeysContext, key: ApiKey) -> AnyView {
    let end = [&key.revoked_at, &key.ends_at, &key.expires_at]
        .into_iter()
        .flatten()
        .next()
        .cloned();
    let name = key.name.clone();
    let mask = api_key_words::masked(&key.hint);
    view! {
        <li>
            <span class="key-name">{name} <code>{mask}</code></span>
            {state_badge(context, key)}
            <span class="quiet">{end.map(|end| relative_time(&end))}</span>
        </li>
    }
    .into_any()
}
