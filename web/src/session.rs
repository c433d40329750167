//! Who is here and what they may do, for the whole app: the state of the visit, the agency that stands in the URL, and the
//! way to the log-in page and back. It decides nothing about rights; it reads the permissions that the server named (P6).

use crate::api::enums::{Permission, Role};
use crate::api::session::{self as api, Instance, Membership, StartData, Viewer};
use crate::api::{ApiError, on_unauthenticated};
use crate::erased::spawn;
use crate::logic::query_string;
use leptos::prelude::*;

/// What is known about the visit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Visit {
    /// The first answer is awaited.
    Loading,
    /// The first answer failed.
    Failed(ApiError),
    /// Nobody is logged in.
    Nobody(Instance),
    /// Somebody is.
    Person(Instance, Viewer),
}

/// The visit, shared by all pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    /// What is known now.
    pub(crate) visit: RwSignal<Visit>,
}

impl Session {
    /// Starts the visit; called once, by the app.
    pub(crate) fn provide() -> Self {
        let session = Self {
            visit: RwSignal::new(Visit::Loading),
        };
        provide_context(session);
        on_unauthenticated(move || session.forget_person());
        spawn(session.reload());
        session
    }

    /// Asks anew who is here.
    pub(crate) async fn reload(self) {
        let visit = match api::start().await {
            Ok(StartData {
                instance,
                viewer: Some(viewer),
            }) => Visit::Person(instance, viewer),
            Ok(StartData {
                instance,
                viewer: None,
            }) => Visit::Nobody(instance),
            // Who was here a moment ago stays: what they have on the page is not lost over an outage.
            Err(_)
                if self
                    .visit
                    .with_untracked(|it| matches!(it, Visit::Person(..))) =>
            {
                return;
            }
            Err(error) => Visit::Failed(error),
        };
        self.visit.try_set(visit);
    }

    /// The session ended; pages behind log-in lead to it and return afterwards.
    pub(crate) fn forget_person(self) {
        self.visit.try_update(|visit| {
            if let Visit::Person(instance, _) = visit {
                *visit = Visit::Nobody(instance.clone());
            }
        });
    }

    /// What the installation offers, once known; it does not change during a visit.
    pub(crate) fn instance(self) -> Option<Instance> {
        self.visit.with_untracked(|visit| match visit {
            Visit::Nobody(instance) | Visit::Person(instance, _) => Some(instance.clone()),
            Visit::Loading | Visit::Failed(_) => None,
        })
    }

    /// Who is logged in.
    pub(crate) fn viewer(self) -> Option<Viewer> {
        self.visit.with(|visit| match visit {
            Visit::Person(_, viewer) => Some(viewer.clone()),
            _ => None,
        })
    }
}

/// The session of this page.
pub(crate) fn use_session() -> Session {
    expect_context()
}

/// The page of a viewer's first agency, where log-in leads without another wish.
pub(crate) fn home_of(viewer: &Viewer) -> Option<String> {
    viewer
        .memberships
        .first()
        .map(|membership| format!("/a/{}", membership.agency.slug))
}

/// The log-in page that returns to where the person is now.
pub(crate) fn log_in_link(path: &str, search: &str) -> String {
    let here = if search.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{search}")
    };
    let here = query_string::safe_return_path(Some(here));
    query_string::joined("/log-in", &[("next", if here == "/" { "" } else { &here })])
}

/// The agency of the URL and the viewer's membership in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AgencyContext {
    /// As in the URL and in the header of each request.
    pub(crate) slug: Memo<String>,
    /// The viewer's role and permissions here.
    pub(crate) membership: Memo<Option<Membership>>,
}

impl AgencyContext {
    /// Whether the viewer has a permission here; follows the membership.
    pub(crate) fn may(self, permission: Permission) -> bool {
        self.membership.with(|membership| {
            membership
                .as_ref()
                .is_some_and(|membership| membership.permissions.contains(&permission))
        })
    }

    /// Whether the viewer is a person of one of the agency's clients.
    pub(crate) fn is_portal(self) -> bool {
        self.membership.with(|membership| {
            membership
                .as_ref()
                .is_some_and(|membership| membership.role == Role::Portal)
        })
    }

    /// The agency's name.
    pub(crate) fn name(self) -> String {
        self.membership.with(|membership| {
            membership
                .as_ref()
                .map(|membership| membership.agency.name.clone())
                .unwrap_or_default()
        })
    }

    /// The client whose person the viewer is.
    pub(crate) fn client_name(self) -> Option<String> {
        self.membership
            .with(|membership| membership.as_ref()?.client_name.clone())
    }

    /// A page of this agency, such as `/a/north/agents`.
    pub(crate) fn path(self, page: &str) -> String {
        format!("/a/{}{page}", self.slug.get())
    }
}

/// The agency of this page.
pub(crate) fn use_agency() -> AgencyContext {
    expect_context()
}

/// The word for a role.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Staff => "Staff",
        Role::Portal => "Client",
        Role::Unknown => "Member",
    }
}
