//! The sidebar: mark, agency, the rooms that the viewer's permissions open (P6), and the account. Rooms that do not exist yet
//! are not shown.

use crate::api::enums::Permission;
use crate::api::session::Membership;
use crate::components::icons::{Icon, icon};
use crate::components::mark::mark;
use crate::components::popover::{Popover, close_around};
use crate::erased::effect;
use crate::frame::account_menu::AccountMenu;
use crate::frame::alert_count::AlertCount;
use crate::logic::number::grouped;
use crate::session::{AgencyContext, use_agency, use_session};
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

/// One room.
struct Room {
    label: &'static str,
    symbol: Icon,
    page: &'static str,
    needs: Option<Permission>,
}

impl Room {
    fn is_open(&self, agency: AgencyContext) -> bool {
        self.needs.is_none_or(|permission| agency.may(permission))
    }
}

/// The room with the badge.
const ALERTS: &str = "/alerts";

const ROOMS: [Room; 6] = [
    Room {
        label: "Overview",
        symbol: Icon::Overview,
        page: "",
        needs: None,
    },
    Room {
        label: "Agents",
        symbol: Icon::Agents,
        page: "/agents",
        needs: Some(Permission::UseAgents),
    },
    Room {
        label: "Numbers",
        symbol: Icon::Number,
        page: "/numbers",
        needs: Some(Permission::UseAgents),
    },
    Room {
        label: "Calls",
        symbol: Icon::Calls,
        page: "/calls",
        needs: Some(Permission::ViewCalls),
    },
    Room {
        label: "Clients",
        symbol: Icon::Clients,
        page: "/clients",
        needs: Some(Permission::UseAgents),
    },
    Room {
        label: "Alerts",
        symbol: Icon::Bell,
        page: ALERTS,
        needs: Some(Permission::ViewAlerts),
    },
];

const INTEGRATIONS: [Room; 1] = [Room {
    label: "API & Webhooks",
    symbol: Icon::Webhook,
    page: "/integrations",
    needs: Some(Permission::Administer),
}];

const SETTINGS: [Room; 3] = [
    Room {
        label: "API keys",
        symbol: Icon::Key,
        page: "/settings/api-keys",
        needs: Some(Permission::ViewKeyStatus),
    },
    Room {
        label: "Sync history",
        symbol: Icon::History,
        page: "/settings/sync-history",
        needs: Some(Permission::ViewKeyStatus),
    },
    Room {
        label: "Audit log",
        symbol: Icon::Audit,
        page: "/settings/audit",
        needs: Some(Permission::Administer),
    },
];

/// The rooms of a client's people; each one is there only with its permission (P2).
const PORTAL_ROOMS: [Room; 3] = [
    Room {
        label: "Agents",
        symbol: Icon::Agents,
        page: "/agents",
        needs: Some(Permission::ViewAgents),
    },
    Room {
        label: "Calls",
        symbol: Icon::Calls,
        page: "/calls",
        needs: Some(Permission::ViewCalls),
    },
    Room {
        label: "API keys",
        symbol: Icon::Key,
        page: "/settings/api-keys",
        needs: Some(Permission::HandInKeys),
    },
];

/// The sidebar, which is a drawer on narrow screens.
#[component]
pub(crate) fn Sidebar(is_drawer_open: RwSignal<bool>, close_drawer: Callback<()>) -> impl IntoView {
    let sidebar_ref = NodeRef::<html::Aside>::new();
    effect(move || {
        if is_drawer_open.get()
            && let Some(sidebar) = sidebar_ref.get()
        {
            // In the next frame: until then the drawer is hidden, and nothing hidden takes the focus.
            request_animation_frame(move || {
                if let Ok(Some(first)) = sidebar.query_selector("nav a")
                    && let Some(link) = first.dyn_ref::<web_sys::HtmlElement>()
                {
                    let _ = link.focus();
                }
            });
        }
    });
    view! {
        <aside
            id="sidebar"
            class="sidebar"
            aria-label="Navigation"
            node_ref=sidebar_ref
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    close_drawer.run(());
                }
            }
        >
            <div class="sidebar-top">
                {mark()}
                <button
                    type="button"
                    class="icon-button drawer-close"
                    aria-label="Close navigation"
                    on:click=move |_| close_drawer.run(())
                >
                    {icon(Icon::Close)}
                </button>
            </div>
            <AgencySwitcher />
            <Rooms />
            <AccountMenu />
        </aside>
    }
    .into_any()
}

#[component]
fn Rooms() -> impl IntoView {
    let agency = use_agency();
    let is_portal = Memo::new(move |_| agency.is_portal());
    let rooms = move || {
        let rooms: &'static [Room] = if is_portal.get() {
            &PORTAL_ROOMS
        } else {
            &ROOMS
        };
        rooms
            .iter()
            .map(|room| room_link(room, agency))
            .collect::<Vec<_>>()
    };
    let group = move |heading: &'static str, id: &'static str, rooms: &'static [Room]| {
        let has_rooms = !is_portal.get() && rooms.iter().any(|room| room.is_open(agency));
        has_rooms.then(|| {
            view! {
                <h2 class="rooms-heading" id=id>{heading}</h2>
                <ul aria-labelledby=id>{rooms.iter().map(|room| room_link(room, agency)).collect::<Vec<_>>()}</ul>
            }.into_any()
        })
    };
    view! {
        <nav class="rooms" aria-label="Main">
            <ul>{rooms}</ul>
            {move || group("Integrations", "rooms-integrations", &INTEGRATIONS)}
            {move || group("Settings", "rooms-settings", &SETTINGS)}
        </nav>
    }
    .into_any()
}

fn room_link(room: &'static Room, agency: AgencyContext) -> AnyView {
    let location = use_location();
    let href = move || agency.path(room.page);
    let is_here = move || {
        let (here, room_path) = (location.pathname.get(), agency.path(room.page));
        // A page within a room is in it; the overview is no room of all others.
        let rest = here.strip_prefix(&room_path).unwrap_or("?");
        rest.trim_end_matches('/').is_empty() || (!room.page.is_empty() && rest.starts_with('/'))
    };
    view! {
        {move || room.is_open(agency).then(|| view! {
            <li>
                <a class="room" href=href aria-current=move || is_here().then_some("page")>
                    {icon(room.symbol)} {room.label} {(room.page == ALERTS).then(alert_badge)}
                </a>
            </li>
        }.into_any())}
    }
    .into_any()
}

/// How many alerts are open, in figures and in words; nothing without any.
fn alert_badge() -> AnyView {
    let count: AlertCount = expect_context();
    view! {
        {move || count.open.get().filter(|open| *open > 0).map(|open| view! {
            <span class="room-badge figures" aria-hidden="true">{grouped(open)}</span>
            <span class="visually-hidden">{format!(", {open} open")}</span>
        }.into_any())}
    }
    .into_any()
}

/// Where the viewer is: the agency, or for a client's person the client with the agency below it.
fn place_names(membership: Option<&Membership>) -> AnyView {
    let Some(membership) = membership else {
        return ().into_any();
    };
    let agency = membership.agency.name.clone();
    match membership.client_name.clone() {
        Some(client) => view! {
            <span class="agency-names">
                <span class="agency-name">{client}</span>
                <span class="agency-of">{agency}</span>
            </span>
        }
        .into_any(),
        None => view! { <span class="agency-name">{agency}</span> }.into_any(),
    }
}

#[component]
fn AgencySwitcher() -> impl IntoView {
    let session = use_session();
    let agency = use_agency();
    let names = move || {
        agency
            .membership
            .with(|membership| place_names(membership.as_ref()))
    };
    let all = Memo::new(move |_| {
        session
            .viewer()
            .map(|viewer| viewer.memberships)
            .unwrap_or_default()
    });
    let has_several = Memo::new(move |_| all.with(|all| all.len() > 1));
    let links = move || {
        let here = agency.slug.get();
        all.get()
            .into_iter()
            .map(|membership| agency_link(&membership, &here))
            .collect::<Vec<_>>()
    };
    view! {
        {move || if has_several.get() {
            let face = view! { {names} {icon(Icon::Switch)} }.into_any();
            view! {
                <Popover class="agency-switcher" label="Switch agency" face=face>
                    <ul class="menu">{links}</ul>
                </Popover>
            }
            .into_any()
        } else {
            view! { <p class="agency-switcher">{names}</p> }.into_any()
        }}
    }
    .into_any()
}

fn agency_link(membership: &Membership, here: &str) -> AnyView {
    let slug = &membership.agency.slug;
    let is_here = slug == here;
    view! {
        <li>
            <a
                class="menu-item"
                href=format!("/a/{slug}")
                aria-current=is_here.then_some("true")
                on:click=move |event| close_around(&event)
            >
                {place_names(Some(membership))}
                {is_here.then(|| icon(Icon::Check))}
            </a>
        </li>
    }
    .into_any()
}
