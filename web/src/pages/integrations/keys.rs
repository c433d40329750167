//! The tab of the API: its card, the keys in use, and those that ended. It loads all of them at once and hands them to its
//! parts; the dialogs are files of their own.

use crate::api::api_keys::{self as api, Access, ApiKey, KeysAndAccess};
use crate::api::enums::{ApiKeyScope, ApiKeyState};
use crate::clock;
use crate::components::button::{Button, ButtonKind};
use crate::components::error_notice::ErrorNotice;
use crate::components::icons::Icon;
use crate::components::notices::{Notices, use_notices};
use crate::components::page_head::set_window_title;
use crate::components::skeleton::{skeleton_cards, skeleton_rows};
use crate::erased::dynamic;
use crate::loader::Loader;
use crate::logic::api_key_words::{
    DEFAULT_NAME, DayOfUse, Life, MAX_IN_USE, Standing, by_day, is_in_use,
};
use crate::logic::outcome;
use crate::pages::integrations::card::card;
use crate::pages::integrations::generate_dialog::{default_dialog, named_dialog};
use crate::pages::integrations::key_table::{ended_keys, key_table};
use crate::pages::integrations::revoke_dialog::revoke_dialog;
use crate::pages::integrations::rotate_dialog::rotate_dialog;
use crate::pages::integrations::use_dialog::use_dialog;
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;

/// What the parts of the tab share.
#[derive(Clone, Copy)]
pub(super) struct KeysContext {
    pub(super) agency: AgencyContext,
    pub(super) loaded: Loader<KeysAndAccess>,
    pub(super) access: Memo<Option<Access>>,
    /// Keys with which scripts get in, by name; of one name the newest first.
    pub(super) in_use: Memo<Vec<ApiKey>>,
    pub(super) ended: Memo<Vec<ApiKey>>,
    pub(super) notices: Notices,
    /// The key that a dialog is about.
    pub(super) chosen: RwSignal<Option<ApiKey>>,
    /// The dialogs: the key of the card, a named one, and those of a row.
    pub(super) is_generating: RwSignal<bool>,
    pub(super) is_naming: RwSignal<bool>,
    pub(super) is_rotating: RwSignal<bool>,
    pub(super) is_revoking: RwSignal<bool>,
    pub(super) is_showing_use: RwSignal<bool>,
    pub(super) is_managing: RwSignal<bool>,
    heading: NodeRef<html::H2>,
}

impl KeysContext {
    /// The key of the card, if it is in use.
    pub(super) fn default_key(self) -> Option<ApiKey> {
        self.named(DEFAULT_NAME)
    }

    /// The key in use of a name, in any case of letters.
    pub(super) fn named(self, name: &str) -> Option<ApiKey> {
        let name = name.trim().to_lowercase();
        self.in_use.with(|keys| {
            let mut keys = keys.iter();
            keys.find(|key| is_in_use(key.state) && key.name.to_lowercase() == name)
                .cloned()
        })
    }

    /// What a first key of the card may: what the last one of its name might, or else read and place calls.
    pub(super) fn former_default_scopes(self) -> Vec<ApiKeyScope> {
        let known = self.ended.with(|keys| {
            let mut keys = keys.iter();
            let key = keys.find(|key| key.name.eq_ignore_ascii_case(DEFAULT_NAME))?;
            Some(key.scopes.clone())
        });
        known.unwrap_or_else(|| vec![ApiKeyScope::Read, ApiKeyScope::CallsTrigger])
    }

    /// The last four characters of the keys that overlap with one in use.
    pub(super) fn overlapping(self, key: &ApiKey) -> Vec<String> {
        if !is_in_use(key.state) {
            return Vec::new();
        }
        let name = key.name.to_lowercase();
        self.in_use.with(|keys| {
            let ending = keys.iter().filter(|other| {
                other.state == ApiKeyState::Ending && other.name.to_lowercase() == name
            });
            ending.map(|other| other.hint.clone()).collect()
        })
    }

    /// Whether the agency's plan lets it make keys.
    pub(super) fn is_in_plan(self) -> bool {
        self.access
            .with(|access| access.as_ref().is_some_and(|access| access.is_in_plan))
    }

    /// Whether scripts get in at all: the plan has the API, and it is switched on.
    pub(super) fn lets_scripts_in(self) -> bool {
        self.access.with(|access| {
            access
                .as_ref()
                .is_some_and(|access| access.is_in_plan && access.is_on)
        })
    }

    /// Whether there is no room for a key of another name.
    pub(super) fn is_full(self) -> bool {
        self.in_use.with(|keys| keys.len() >= MAX_IN_USE)
    }

    /// Puts the focus on the heading of the tab, when what had it is gone.
    pub(super) fn focus_heading(self) {
        request_animation_frame(move || {
            if let Some(heading) = self.heading.try_get_untracked().flatten() {
                // The heading takes the focus because of its tabindex.
                let _ = heading.focus();
            }
        });
    }
}

/// How a key stands at a time.
pub(super) fn standing(key: &ApiKey, now_ms: f64) -> Standing {
    let parse = |at: &Option<String>| at.as_deref().map(clock::parse);
    let life = Life {
        state: key.state,
        is_due: key.is_due_for_rotation,
        expires_ms: parse(&key.expires_at),
        ends_ms: parse(&key.ends_at),
    };
    Standing::of(life, now_ms)
}

/// The use of a key, day by day.
pub(super) fn days_of(key: &ApiKey) -> Vec<DayOfUse> {
    let used: Vec<DayOfUse> = key
        .usage
        .iter()
        .map(|day| DayOfUse {
            start_ms: clock::parse(&day.date),
            requests: day.request_count,
            errors: day.error_count,
        })
        .collect();
    by_day(clock::now_ms(), &used)
}

/// The tab at `integrations/api`.
#[component]
pub(crate) fn ApiTab() -> impl IntoView {
    set_window_title("API");
    let context = context();
    let loaded = context.loaded;
    let is_known = Memo::new(move |_| context.access.with(Option::is_some));
    view! {
        <div class="tab-page">
            {head(context)}
            {dynamic(move || match loaded.error.get() {
                Some(error) => {
                    let words = outcome::other(&error);
                    view! { <ErrorNotice error=error words=words on_retry=move |()| loaded.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || match is_known.get() {
                false if loaded.error.with(Option::is_some) => ().into_any(),
                false => view! { {skeleton_cards(1)} {skeleton_rows(3)} }.into_any(),
                true => view! { {card(context)} {key_table(context)} {ended_keys(context)} }.into_any(),
            })}
            {default_dialog(context)}
            {named_dialog(context)}
            {rotate_dialog(context)}
            {revoke_dialog(context)}
            {use_dialog(context)}
        </div>
    }
    .into_any()
}

fn context() -> KeysContext {
    let agency = use_agency();
    let loaded = Loader::new(move || {
        let slug = agency.slug.get();
        async move { api::list(&slug).await }
    });
    let access = Memo::new(move |_| {
        loaded
            .data
            .with(|data| Some(data.as_ref()?.api_access.clone()))
    });
    // A key that ends while the page stands open moves to the ended ones by itself.
    let now = clock::use_clock();
    let those = move |is_over: bool| {
        let now = now.get();
        loaded.data.with(|data| {
            let keys = data.iter().flat_map(|data| data.api_keys.iter());
            keys.filter(|key| matches!(standing(key, now), Standing::Over(_)) == is_over)
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let in_use = Memo::new(move |_| in_order(those(false)));
    KeysContext {
        agency,
        loaded,
        access,
        in_use,
        ended: Memo::new(move |_| those(true)),
        notices: use_notices(),
        chosen: RwSignal::new(None),
        is_generating: RwSignal::new(false),
        is_naming: RwSignal::new(false),
        is_rotating: RwSignal::new(false),
        is_revoking: RwSignal::new(false),
        is_showing_use: RwSignal::new(false),
        is_managing: RwSignal::new(false),
        heading: NodeRef::new(),
    }
}

/// The key of the card first, and behind each key those that overlap with it.
fn in_order(keys: Vec<ApiKey>) -> Vec<ApiKey> {
    let is_default = |key: &ApiKey| key.name.eq_ignore_ascii_case(DEFAULT_NAME);
    let mut ordered = Vec::with_capacity(keys.len());
    for wants_default in [true, false] {
        let (active, ending): (Vec<&ApiKey>, Vec<&ApiKey>) = keys
            .iter()
            .filter(|key| is_default(key) == wants_default)
            .partition(|key| is_in_use(key.state));
        for key in &active {
            let name = key.name.to_lowercase();
            ordered.push((*key).clone());
            let others = ending
                .iter()
                .filter(|other| other.name.to_lowercase() == name);
            ordered.extend(others.map(|other| (*other).clone()));
        }
        // What overlapped with a key that is over by now.
        let alone = ending.iter().filter(|other| {
            let name = other.name.to_lowercase();
            active.iter().all(|key| key.name.to_lowercase() != name)
        });
        ordered.extend(alone.map(|other| (*other).clone()));
    }
    ordered
}

/// The tab's one action, once there is a first key; before, the card has it.
fn head(context: KeysContext) -> AnyView {
    let has_more = Memo::new(move |_| {
        context.is_in_plan() && !context.is_full() && context.in_use.with(|keys| !keys.is_empty())
    });
    let action = move || {
        if has_more.get() {
            view! {
                <Button kind=ButtonKind::Primary leading=Icon::Plus on_press=move |()| context.is_naming.set(true)>"New key"</Button>
            }
            .into_any()
        } else {
            ().into_any()
        }
    };
    view! {
        <div class="tab-head">
            <h2 class="visually-hidden" tabindex="-1" node_ref=context.heading>"API"</h2>
            {dynamic(action)}
        </div>
    }
    .into_any()
}
