//! The person behind a request, as the session row and the membership row say at this moment. Nothing here is cached:
//! each request and each subscription event loads it anew (H2, H3).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    access::policy::{Permission, PortalPermission, Role},
    error::{Error, Result},
    id::{AgencyId, ClientId, SessionId, UserId},
};

/// Who asks.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The person.
    pub user_id: UserId,
    /// The person's name.
    pub name: String,
    /// The person's email address.
    pub email: String,
    /// The session that the request came with.
    pub session_id: SessionId,
    /// The agency that the request names and the viewer's role in it.
    pub membership: Option<Membership>,
    alarm: GuardAlarm,
}

/// The viewer's place in the agency of the request.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The tenant.
    pub agency_id: AgencyId,
    /// The tenant's slug.
    pub slug: String,
    /// What the viewer is there.
    pub role: Role,
    /// The client whose person the viewer is; none for the agency's own people.
    pub client: Option<ClientId>,
    /// What that person may.
    pub portal: Vec<PortalPermission>,
}

impl Membership {
    fn may(&self, permission: Permission) -> bool {
        self.role.may(permission, &self.portal)
    }
}

/// Counts requests that reached a use case which the guard should have stopped. Always zero; the access test and the
/// metrics watch it.
#[derive(Clone, Debug, Default)]
pub struct GuardAlarm(Arc<AtomicU64>);

impl GuardAlarm {
    /// How often a guard was found missing.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Somebody came past the guard who lacks what it should have asked for.
    pub(crate) fn ring(&self, lacking: &'static str) {
        self.0.fetch_add(1, Ordering::SeqCst);
        tracing::error!(lacking, "a use case was reached without its guard");
    }
}

impl Viewer {
    /// A viewer from the rows of this moment.
    pub(crate) fn new(
        user_id: UserId,
        name: String,
        email: String,
        session_id: SessionId,
        membership: Option<Membership>,
        alarm: GuardAlarm,
    ) -> Self {
        Self {
            user_id,
            name,
            email,
            session_id,
            membership,
            alarm,
        }
    }

    /// Whether the viewer may, in the agency of the request.
    pub fn may(&self, permission: Permission) -> bool {
        self.membership
            .as_ref()
            .is_some_and(|membership| membership.may(permission))
    }

    /// The client whose rows alone the viewer may see; none for the agency's own people.
    pub fn client(&self) -> Option<&ClientId> {
        self.membership.as_ref()?.client.as_ref()
    }

    /// The second lock: the agency of the request, when the viewer may; a guard was missing when not.
    pub fn require(&self, permission: Permission) -> Result<&AgencyId> {
        let membership = self.membership.as_ref().ok_or(Error::NotFound)?;
        if membership.may(permission) {
            return Ok(&membership.agency_id);
        }
        self.alarm.ring(permission.as_str());
        Err(Error::Forbidden)
    }
}
