//! The page of one client: its name, its tabs with a link each, and the client itself, which it loads once for all of them.
//! The tabs are files of their own; what they change they let this page load again.

mod agents;
mod api_keys;
mod archiving;
mod overview;
mod people;
mod settings;

use crate::api::clients::{self as api, Client, ClientDetails};
use crate::api::enums::{ErrorCode, Permission};
use crate::components::badge::{Tone, badge};
use crate::components::button::Button;
use crate::components::error_notice::{ErrorNotice, Notice};
use crate::components::icons::{Icon, icon};
use crate::components::page_head::{arrive, set_window_title};
use crate::components::tabs::tabs;
use crate::erased::{dynamic, effect};
use crate::loader::Loader;
use crate::logic::client_words;
use crate::logic::outcome::{self, Words};
use crate::pages::client::agents::ClientAgents;
use crate::pages::client::api_keys::api_keys;
use crate::pages::client::archiving::{Archiving, restore};
use crate::pages::client::overview::overview;
use crate::pages::client::people::people;
use crate::pages::client::settings::settings;
use crate::session::{AgencyContext, use_agency};
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_params_map;

/// What the tabs share.
#[derive(Clone, Copy)]
pub(crate) struct ClientContext {
    /// The agency of the page.
    pub(crate) agency: AgencyContext,
    /// The client's id, as in the URL.
    pub(crate) id: Memo<String>,
    /// The client with what its overview shows; `None` until it is there.
    pub(crate) details: Memo<Option<ClientDetails>>,
    /// The client alone.
    pub(crate) client: Memo<Option<Client>>,
    loader: Loader<ClientDetails>,
    archiving: Archiving,
}

impl ClientContext {
    /// A page of the client: empty for the overview, or such as `/agents`.
    pub(crate) fn path(self, tab: &str) -> String {
        self.agency
            .path(&format!("/clients/{}{tab}", self.id.get()))
    }

    /// The client's name; "this client" until it is known.
    pub(crate) fn name(self) -> String {
        self.client.with(|client| {
            client
                .as_ref()
                .map_or_else(|| "this client".to_owned(), |client| client.name.clone())
        })
    }

    /// Whether it is archived, as far as is known.
    pub(crate) fn is_archived(self) -> bool {
        self.client.with(|client| {
            client
                .as_ref()
                .is_some_and(|client| client.archived_at.is_some())
        })
    }

    /// Loads the client again: something of it was changed.
    pub(crate) fn reload(self) {
        self.loader.reload();
    }
}

fn use_client() -> ClientContext {
    expect_context()
}

struct Tab {
    label: &'static str,
    page: &'static str,
    needs: Permission,
}

const TABS: [Tab; 5] = [
    Tab {
        label: "Overview",
        page: "",
        needs: Permission::UseAgents,
    },
    Tab {
        label: "Agents",
        page: "/agents",
        needs: Permission::UseAgents,
    },
    Tab {
        label: "API keys",
        page: "/api-keys",
        needs: Permission::ViewKeyStatus,
    },
    Tab {
        label: "People",
        page: "/people",
        needs: Permission::Administer,
    },
    Tab {
        label: "Settings",
        page: "/settings",
        needs: Permission::UseAgents,
    },
];

/// The page at `clients/…`.
#[component]
pub(crate) fn ClientPage() -> impl IntoView {
    let agency = use_agency();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("client").unwrap_or_default()));
    let loader = Loader::new(move || {
        let (slug, id) = (agency.slug.get(), id.get());
        async move { api::get(&slug, id).await }
    });
    // While another client is loaded, the one before must not stand under its address.
    let details = Memo::new(move |_| {
        let id = id.get();
        loader.data.get().filter(|details| details.client.id == id)
    });
    let client = Memo::new(move |_| {
        details.with(|details| details.as_ref().map(|details| details.client.clone()))
    });
    let page = ClientContext {
        agency,
        id,
        details,
        client,
        loader,
        archiving: Archiving::new(),
    };
    provide_context(page);
    let is_lost = Memo::new(move |_| {
        loader.error.with(|error| {
            error
                .as_ref()
                .is_some_and(|error| error.is(ErrorCode::NotFound))
        })
    });
    view! {
        <div class="client-page">
            {head(page)}
            {dynamic(move || match loader.error.get() {
                Some(error) => {
                    let words = if error.is(ErrorCode::NotFound) {
                        Words::new("This client is not here", "The link may be old, or the client belongs to another agency.")
                    } else {
                        outcome::other(&error)
                    };
                    view! { <ErrorNotice error=error words=words on_retry=move |()| page.reload() /> }.into_any()
                }
                None => ().into_any(),
            })}
            {dynamic(move || if is_lost.get() {
                ().into_any()
            } else {
                view! { {client_tabs(page)} {archived_notice(page)} <Outlet /> }.into_any()
            })}
        </div>
    }
    .into_any()
}

fn head(page: ClientContext) -> AnyView {
    let heading = NodeRef::<html::H1>::new();
    arrive("Client", heading);
    let name = Memo::new(move |_| {
        page.client
            .with(|client| client.as_ref().map(|client| client.name.clone()))
    });
    effect(move || {
        if let Some(name) = name.get() {
            set_window_title(&name);
        }
    });
    let state = move || {
        if page.is_archived() {
            badge(Tone::Neutral, Icon::Dashed, "Archived")
        } else {
            ().into_any()
        }
    };
    view! {
        <header class="page-head">
            <div>
                <a class="card-link back" href=move || page.agency.path("/clients")>{icon(Icon::Previous)} "Clients"</a>
                <div class="named">
                    <h1 tabindex="-1" node_ref=heading>{move || name.get().unwrap_or_else(|| "Client".to_owned())}</h1>
                    {dynamic(state)}
                </div>
            </div>
        </header>
    }
    .into_any()
}

fn client_tabs(page: ClientContext) -> AnyView {
    let all = Signal::derive(move || {
        let open = TABS.iter().filter(|tab| page.agency.may(tab.needs));
        open.map(|tab| (tab.label, page.path(tab.page))).collect()
    });
    tabs("Client", all)
}

fn archived_notice(page: ClientContext) -> AnyView {
    let agents = Memo::new(move |_| {
        page.client.with(|client| {
            let client = client.as_ref()?;
            client.archived_at.as_ref().map(|_| client.agent_count)
        })
    });
    dynamic(move || {
        match agents.get() {
        Some(agents) => view! {
            <Notice tone=Tone::Warning symbol=Icon::Dashed title="This client is archived" text=client_words::archived(agents)>
                <Button is_busy=page.archiving.is_busy on_press=move |()| restore(page)>"Restore client"</Button>
            </Notice>
            {dynamic(move || match page.archiving.failure.get() {
                Some(error) => {
                    // Another client has the name by now; the server says which name.
                    let words = if error.field.is_some() {
                        Words::new("It was not restored", format!("{} Rename that one first.", error.message))
                    } else {
                        outcome::other(&error)
                    };
                    view! { <ErrorNotice error=error words=words takes_focus=true /> }.into_any()
                }
                None => ().into_any(),
            })}
        }
        .into_any(),
        None => ().into_any(),
    }
    })
}

/// The tab at the client's own address.
#[component]
pub(crate) fn ClientOverviewTab() -> impl IntoView {
    overview(use_client())
}

/// The tab with the client's agents.
#[component]
pub(crate) fn ClientAgentsTab() -> impl IntoView {
    let page = use_client();
    dynamic(move || view! { <ClientAgents page=page client_id=page.id.get() /> }.into_any())
}

/// The tab with the keys of the client's own.
#[component]
pub(crate) fn ClientKeysTab() -> impl IntoView {
    api_keys(use_client())
}

/// The tab with the people who log in to the client's portal.
#[component]
pub(crate) fn ClientPeopleTab() -> impl IntoView {
    let page = use_client();
    // Made anew for another client: nobody of the one before stands under its address.
    dynamic(move || {
        page.id.track();
        people(page)
    })
}

/// The tab with the client's name, and where it is archived.
#[component]
pub(crate) fn ClientSettingsTab() -> impl IntoView {
    settings(use_client())
}
