//! Who is behind a request, as the rows of session or API key and of the membership say at this moment. Nothing here is
//! cached: each request and each subscription event loads it anew (H2, H3, A8). An API key acts as the person who made it,
//! within its scopes and never beyond that person's role.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    access::policy::{Permission, PortalPermission, Role, Scope, Use},
    error::{Error, Result},
    id::{AgencyId, ApiKeyId, ApiKeyLineageId, ClientId, SessionId, UserId},
};

/// Who asks.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The person; of an API key the one who made it.
    pub user_id: UserId,
    /// The person's name.
    pub name: String,
    /// The person's email address.
    pub email: String,
    /// What the request came with.
    pub credential: Credential,
    /// The agency that the request names and the viewer's role in it.
    pub membership: Option<Membership>,
    alarm: GuardAlarm,
}

/// What a request came with, and what proves who asks.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A person's log-in.
    Session(SessionId),
    /// A script's key.
    ApiKey(ApiKeyCredential),
}

/// An API key that was recognised.
#[derive(Clone, Debug)]
pub struct ApiKeyCredential {
    /// The key.
    pub id: ApiKeyId,
    /// What its limits are counted under, whichever key of its name is in use.
    pub lineage: ApiKeyLineageId,
    /// What people call it.
    pub name: String,
    /// What it was made for.
    pub scopes: Vec<Scope>,
}

impl Credential {
    /// Whether this lets its person use a permission at all.
    fn allows(&self, permission: Permission, use_: Use) -> bool {
        match self {
            Self::Session(_) => true,
            Self::ApiKey(key) => key
                .scopes
                .iter()
                .any(|scope| scope.allows(permission, use_)),
        }
    }
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
        credential: Credential,
        membership: Option<Membership>,
        alarm: GuardAlarm,
    ) -> Self {
        Self {
            user_id,
            name,
            email,
            credential,
            membership,
            alarm,
        }
    }

    /// Whether the viewer may, in the agency of the request: by role, and by scope where an API key asks.
    pub fn may(&self, permission: Permission, use_: Use) -> bool {
        self.refusal(permission, use_).is_none()
    }

    /// Why the viewer may not, in the agency of the request.
    pub(crate) fn refusal(&self, permission: Permission, use_: Use) -> Option<Error> {
        if !self.credential.allows(permission, use_) {
            let scopes = Scope::ALL.into_iter();
            let mut fitting = scopes.filter(|scope| scope.allows(permission, use_));
            return Some(match fitting.next() {
                Some(scope) => Error::MissingScope(scope),
                None => Error::NotForApiKeys,
            });
        }
        match &self.membership {
            Some(membership) if membership.may(permission) => None,
            _ => Some(Error::Forbidden),
        }
    }

    /// The log-in session; none of an API key.
    pub fn session(&self) -> Option<&SessionId> {
        match &self.credential {
            Credential::Session(session) => Some(session),
            Credential::ApiKey(_) => None,
        }
    }

    /// The API key; none of a person who is logged in.
    pub fn api_key(&self) -> Option<&ApiKeyCredential> {
        match &self.credential {
            Credential::Session(_) => None,
            Credential::ApiKey(key) => Some(key),
        }
    }

    /// Who acts, for the audit log: a person's name, or which API key.
    pub(crate) fn actor(&self) -> String {
        match &self.credential {
            Credential::Session(_) => self.name.clone(),
            Credential::ApiKey(key) => format!("API key {}", key.name),
        }
    }

    /// The client whose rows alone the viewer may see; none for the agency's own people.
    pub fn client(&self) -> Option<&ClientId> {
        self.membership.as_ref()?.client.as_ref()
    }

    /// The second lock, of whatever changes something: the agency of the request, when the viewer may; a guard was missing
    /// when not.
    pub fn require(&self, permission: Permission) -> Result<&AgencyId> {
        self.require_for(permission, Use::Write)
    }

    /// The same lock of what is only looked at.
    pub fn require_reading(&self, permission: Permission) -> Result<&AgencyId> {
        self.require_for(permission, Use::Read)
    }

    fn require_for(&self, permission: Permission, use_: Use) -> Result<&AgencyId> {
        let membership = self.membership.as_ref().ok_or(Error::NotFound)?;
        match self.refusal(permission, use_) {
            None => Ok(&membership.agency_id),
            Some(refusal) => {
                self.alarm.ring(permission.as_str());
                Err(refusal)
            }
        }
    }
}
