//! The app: its routes and what all pages share. It renders no page itself.

use crate::clock;
use crate::components::notices::{NoticeRegions, Notices};
use crate::erased::effect;
use crate::frame::gate::AgencyFrame;
use crate::pages::agents::AgentsPage;
use crate::pages::alerts::AlertsPage;
use crate::pages::api_keys::ApiKeysPage;
use crate::pages::audit::AuditPage;
use crate::pages::calls::{CallChartsPage, CallsPage};
use crate::pages::client::{
    ClientAgentsTab, ClientKeysTab, ClientOverviewTab, ClientPage, ClientPeopleTab,
    ClientSettingsTab,
};
use crate::pages::clients::ClientsPage;
use crate::pages::home::HomePage;
use crate::pages::integrations::{ApiTab, FormerWebhooksPage, IntegrationsHome, IntegrationsPage};
use crate::pages::log_in::LogInPage;
use crate::pages::not_found::{NotFoundPage, NotFoundRoom};
use crate::pages::numbers::NumbersPage;
use crate::pages::overview::OverviewPage;
use crate::pages::set_up::SetUpPage;
use crate::pages::sync_history::SyncHistoryPage;
use crate::pages::sync_review::SyncReviewPage;
use crate::pages::webhooks::WebhooksTab;
use crate::pages::welcome::WelcomePage;
use crate::session::{Session, Visit};
use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

/// The whole app.
#[component]
pub(crate) fn App() -> impl IntoView {
    clock::provide_clock();
    Notices::provide();
    let session = Session::provide();
    // The static first paint stays until there is something better to show.
    effect(move || {
        if session.visit.with(|visit| *visit != Visit::Loading)
            && let Some(first_paint) = document().get_element_by_id("first-paint")
        {
            first_paint.remove();
        }
    });
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage />
                <Route path=path!("/log-in") view=LogInPage />
                <Route path=path!("/set-up") view=SetUpPage />
                <Route path=path!("/welcome") view=WelcomePage />
                <ParentRoute path=path!("/a/:agency") view=AgencyFrame>
                    <Route path=path!("") view=OverviewPage />
                    <Route path=path!("agents") view=AgentsPage />
                    <Route path=path!("numbers") view=NumbersPage />
                    <Route path=path!("calls") view=CallsPage />
                    <Route path=path!("calls/charts") view=CallChartsPage />
                    <Route path=path!("clients") view=ClientsPage />
                    <ParentRoute path=path!("clients/:client") view=ClientPage>
                        <Route path=path!("") view=ClientOverviewTab />
                        <Route path=path!("agents") view=ClientAgentsTab />
                        <Route path=path!("api-keys") view=ClientKeysTab />
                        <Route path=path!("people") view=ClientPeopleTab />
                        <Route path=path!("settings") view=ClientSettingsTab />
                    </ParentRoute>
                    <Route path=path!("settings/api-keys") view=ApiKeysPage />
                    <Route path=path!("settings/sync-history") view=SyncHistoryPage />
                    <Route path=path!("settings/sync-history/:run") view=SyncReviewPage />
                    <Route path=path!("settings/audit") view=AuditPage />
                    <Route path=path!("settings/webhooks") view=FormerWebhooksPage />
                    <ParentRoute path=path!("integrations") view=IntegrationsPage>
                        <Route path=path!("") view=IntegrationsHome />
                        <Route path=path!("api") view=ApiTab />
                        <Route path=path!("webhooks") view=WebhooksTab />
                    </ParentRoute>
                    <Route path=path!("alerts") view=AlertsPage />
                    <Route path=path!("*rest") view=NotFoundRoom />
                </ParentRoute>
            </Routes>
        </Router>
        <NoticeRegions />
    }
    .into_any()
}
