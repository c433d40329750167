//! Integrations → API & Webhooks: how other programs reach the agency, and how it reaches them. One room with two tabs, each
//! with a link; for owners and admins alone (P1).

mod card;
mod generate_dialog;
mod key_table;
mod keys;
mod make;
mod revoke_dialog;
mod rotate_dialog;
mod use_dialog;

use crate::components::page_head::PageHead;
use crate::components::tabs::tabs;
use crate::session::use_agency;
use leptos::prelude::*;
use leptos_router::components::{Outlet, Redirect};

pub(crate) use keys::ApiTab;

/// The address of the tab with the API and its keys.
pub(crate) const API: &str = "/integrations/api";
/// The address of the tab with the webhooks.
pub(crate) const WEBHOOKS: &str = "/integrations/webhooks";

/// The page at `integrations`.
#[component]
pub(crate) fn IntegrationsPage() -> impl IntoView {
    let agency = use_agency();
    let all = Signal::derive(move || {
        vec![
            ("API", agency.path(API)),
            ("Webhooks", agency.path(WEBHOOKS)),
        ]
    });
    view! {
        <div class="client-page integrations">
            <PageHead title="API & Webhooks" sentence="Programs that act for the agency, and programs that are told what happens." />
            {tabs("API & Webhooks", all)}
            <Outlet />
        </div>
    }
    .into_any()
}

/// The address of the room itself leads to its first tab.
#[component]
pub(crate) fn IntegrationsHome() -> impl IntoView {
    redirect(API)
}

/// Where the webhooks were before leads to where they are.
#[component]
pub(crate) fn FormerWebhooksPage() -> impl IntoView {
    redirect(WEBHOOKS)
}

fn redirect(page: &'static str) -> AnyView {
    let options = leptos_router::NavigateOptions {
        replace: true,
        ..Default::default()
    };
    view! { <Redirect path=use_agency().path(page) options=options /> }.into_any()
}
