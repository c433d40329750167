//! The frame of an agency's pages: the sidebar with the rooms that the viewer's permissions open, the agency switcher, the
//! account menu, and the drawer on narrow screens. It loads nothing of a page; `gate` decides who sees it.

pub(crate) mod account_menu;
pub(crate) mod alert_count;
pub(crate) mod gate;
pub(crate) mod leave;
mod sidebar;

use crate::components::icons::{Icon, icon};
use crate::components::mark::mark;
use crate::erased::{dynamic, effect};
use crate::frame::alert_count::AlertCount;
use crate::frame::sidebar::Sidebar;
use crate::pages::portal::PortalRooms;
use crate::session::use_agency;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

/// Sidebar and page, for a member of the agency.
#[component]
fn OpenFrame() -> impl IntoView {
    let agency = use_agency();
    AlertCount::provide(agency);
    // The pages of the routes are those of the agency's own people, and ask for what others are refused.
    let is_portal = Memo::new(move |_| agency.is_portal());
    let is_drawer_open = RwSignal::new(false);
    let main_ref = NodeRef::<html::Main>::new();
    let opener_ref = NodeRef::<html::Button>::new();
    let location = use_location();
    effect(move || {
        location.pathname.track();
        is_drawer_open.set(false);
    });
    let close_drawer = Callback::new(move |()| {
        if is_drawer_open.get_untracked() {
            is_drawer_open.set(false);
            if let Some(opener) = opener_ref.get_untracked() {
                // The opener is visible wherever there is a drawer.
                let _ = opener.focus();
            }
        }
    });
    view! {
        <div class="frame" class:drawer-open=is_drawer_open>
            <a
                class="skip-link"
                href="#main"
                on:click=move |event| {
                    event.prevent_default();
                    if let Some(main) = main_ref.get_untracked() {
                        // <main> takes the focus because of its tabindex.
                        let _ = main.focus();
                    }
                }
            >
                "Skip to content"
            </a>
            <header class="top-bar">
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Open navigation"
                    aria-expanded=move || is_drawer_open.get().to_string()
                    aria-controls="sidebar"
                    node_ref=opener_ref
                    on:click=move |_| is_drawer_open.set(true)
                >
                    {icon(Icon::Menu)}
                </button>
                {mark()}
            </header>
            <div class="backdrop" on:click=move |_| close_drawer.run(())></div>
            <Sidebar is_drawer_open=is_drawer_open close_drawer=close_drawer />
            <main id="main" tabindex="-1" node_ref=main_ref inert=is_drawer_open>
                {dynamic(move || if is_portal.get() { view! { <PortalRooms /> }.into_any() } else { view! { <Outlet /> }.into_any() })}
            </main>
        </div>
    }
    .into_any()
}
