//! Which role may do what, and the table of what each field of the schema needs (`fields`). The guard, the web app's navigation
//! (through `Membership.permissions`) and the access test all read it. A field without an entry is refused.

use std::{collections::HashMap, sync::LazyLock};

use async_graphql::Enum;

pub use super::fields::{FIELDS, NEVER_BY_API_KEY};

/// What a person is in an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum Role {
    /// Owns the agency: everything, the plan included.
    Owner,
    /// Runs the agency: keys, people, audit log.
    Admin,
    /// Works with agents and calls; sees whether keys work, never what they are.
    Staff,
    /// Belongs to one client and sees what is that client's, as far as its own permissions go; never a key.
    Portal,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Staff, Self::Portal];
    /// The agency's own people.
    pub const AGENCY: [Self; 3] = [Self::Owner, Self::Admin, Self::Staff];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Staff => "staff",
            Self::Portal => "portal",
        }
    }

    /// What [`Role::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role may. What somebody of a client may is their own: `own` is empty for the agency's people.
    pub fn may(self, permission: Permission, own: &[PortalPermission]) -> bool {
        match self {
            Self::Portal => PORTAL_GRANTS
                .iter()
                .any(|(granted, needed)| *granted == permission && own.contains(needed)),
            role => GRANTS
                .iter()
                .any(|(granted, roles)| *granted == permission && roles.contains(&role)),
        }
    }

    /// All that this role may.
    pub fn permissions(self, own: &[PortalPermission]) -> Vec<Permission> {
        let all = GRANTS.iter().map(|(permission, _)| *permission);
        all.filter(|permission| self.may(*permission, own))
            .collect()
    }
}

/// What an admin lets a person of a client do (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum PortalPermission {
    /// See the client's agents and their numbers.
    ViewAgents,
    /// See the client's calls, without what they cost.
    ViewCalls,
    /// Place calls with the client's agents.
    TriggerCalls,
    /// Hand in keys of the client's own accounts, and see whether they work.
    ManageIntegrations,
}

impl PortalPermission {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::ViewAgents,
        Self::ViewCalls,
        Self::TriggerCalls,
        Self::ManageIntegrations,
    ];

    /// As the database keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewAgents => "view_agents",
            Self::ViewCalls => "view_calls",
            Self::TriggerCalls => "trigger_calls",
            Self::ManageIntegrations => "manage_integrations",
        }
    }

    /// Behind "may", for the audit log.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::ViewAgents => "see agents",
            Self::ViewCalls => "see calls",
            Self::TriggerCalls => "place calls",
            Self::ManageIntegrations => "hand in keys",
        }
    }

    /// Those of a membership's row, such as `|view_agents|`.
    pub(crate) fn of_row(text: &str) -> Vec<Self> {
        let words: Vec<&str> = text.split('|').collect();
        let mut all = Self::ALL.to_vec();
        all.retain(|permission| words.contains(&permission.as_str()));
        all
    }
}

/// What a person lets an API key do. What it comes to is never more than the role that its creator has at that moment (A3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(name = "ApiKeyScope")]
pub enum Scope {
    /// `read`: agents, numbers, clients, calls, alerts, and whether provider keys work. Nothing of a key, and no change.
    Read,
    /// `calls:trigger`: places calls.
    CallsTrigger,
    /// `agents:manage`: makes and changes agents and clients, says whom agents work for, and starts placements, which make
    /// agents in the account of a client's key or the agency's.
    AgentsManage,
    /// `keys:manage`: saves, tests and clears provider keys, and reads their last four characters.
    KeysManage,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [
        Self::Read,
        Self::CallsTrigger,
        Self::AgentsManage,
        Self::KeysManage,
    ];

    /// As people and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::CallsTrigger => "calls:trigger",
            Self::AgentsManage => "agents:manage",
            Self::KeysManage => "keys:manage",
        }
    }

    /// Those of a key's row, such as `|read|calls:trigger|`.
    pub(crate) fn of_row(text: &str) -> Vec<Self> {
        let words: Vec<&str> = text.split('|').collect();
        let mut all = Self::ALL.to_vec();
        all.retain(|scope| words.contains(&scope.as_str()));
        all
    }

    /// Whether this scope alone lets a key do it.
    pub fn allows(self, permission: Permission, use_: Use) -> bool {
        SCOPE_GRANTS
            .iter()
            .filter(|grant| grant.scope == self)
            .any(|grant| match use_ {
                Use::Read => grant.reads.contains(&permission),
                Use::Write => grant.writes.contains(&permission),
            })
    }
}

/// What a permission is used for: a role has both, a scope of an API key perhaps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Looking: every field but those of `Mutation`.
    Read,
    /// Changing: the fields of `Mutation`.
    Write,
}

/// What one scope lets a key use.
#[derive(Debug)]
pub struct ScopeGrant {
    /// The scope.
    pub scope: Scope,
    /// Permissions that it may look with.
    pub reads: &'static [Permission],
    /// Permissions that it may change something with.
    pub writes: &'static [Permission],
}

/// Scope × permission (A3). `Administer`, `OwnAgency`, `Deploy` and `HandInKeys` stand in no row: they are for people.
pub const SCOPE_GRANTS: &[ScopeGrant] = &[
    ScopeGrant {
        scope: Scope::Read,
        reads: &[
            Permission::ViewKeyStatus,
            Permission::ViewAgents,
            Permission::UseAgents,
            Permission::ViewCalls,
            Permission::ViewCallCosts,
            Permission::ViewAlerts,
        ],
        writes: &[],
    },
    ScopeGrant {
        scope: Scope::CallsTrigger,
        reads: &[Permission::PlaceCalls],
        writes: &[Permission::PlaceCalls],
    },
    ScopeGrant {
        scope: Scope::AgentsManage,
        reads: &[Permission::ViewAgents, Permission::UseAgents],
        writes: &[Permission::UseAgents],
    },
    ScopeGrant {
        scope: Scope::KeysManage,
        reads: &[
            Permission::ViewKeyStatus,
            Permission::ViewKeyDetails,
            Permission::ManageKeys,
        ],
        writes: &[Permission::ViewKeyStatus, Permission::ManageKeys],
    },
];

/// What a role may do: the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum Permission {
    /// See masked keys, account names, fingerprints and key ids.
    ViewKeyDetails,
    /// Set, test and clear keys.
    ManageKeys,
    /// See whether keys work, and start a sync.
    ViewKeyStatus,
    /// See agents and the numbers that they answer: all of the agency's, or one's own client's.
    ViewAgents,
    /// Work with agents, numbers and clients.
    UseAgents,
    /// Hand in keys for one's own client, and see whether they work.
    HandInKeys,
    /// Deploy flows, switch the voice provider, buy numbers.
    Deploy,
    /// Place calls, test calls among them.
    PlaceCalls,
    /// See who called whom, when, and how it ended: all of the agency, or one's own client's.
    ViewCalls,
    /// See what the provider charged for a call.
    ViewCallCosts,
    /// See the alerts of the agency.
    ViewAlerts,
    /// Platform API keys, people, audit log.
    Administer,
    /// See the plan, hand the agency over, delete it.
    OwnAgency,
}

impl Permission {
    /// For log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewKeyDetails => "view_key_details",
            Self::ManageKeys => "manage_keys",
            Self::ViewKeyStatus => "view_key_status",
            Self::ViewAgents => "view_agents",
            Self::UseAgents => "use_agents",
            Self::HandInKeys => "hand_in_keys",
            Self::Deploy => "deploy",
            Self::PlaceCalls => "place_calls",
            Self::ViewCalls => "view_calls",
            Self::ViewCallCosts => "view_call_costs",
            Self::ViewAlerts => "view_alerts",
            Self::Administer => "administer",
            Self::OwnAgency => "own_agency",
        }
    }
}

const ALL_ROLES: &[Role] = &[Role::Owner, Role::Admin, Role::Staff];
const ADMINS: &[Role] = &[Role::Owner, Role::Admin];
const OWNERS: &[Role] = &[Role::Owner];

/// Role × permission (P1).
pub const GRANTS: &[(Permission, &[Role])] = &[
    (Permission::ViewKeyDetails, ADMINS),
    (Permission::ManageKeys, ADMINS),
    (Permission::ViewKeyStatus, ALL_ROLES),
    (Permission::ViewAgents, ALL_ROLES),
    (Permission::UseAgents, ALL_ROLES),
    // Owners and admins save keys instead.
    (Permission::HandInKeys, &[]),
    (Permission::Deploy, ADMINS),
    (Permission::PlaceCalls, ALL_ROLES),
    (Permission::ViewCalls, ALL_ROLES),
    (Permission::ViewCallCosts, ALL_ROLES),
    (Permission::ViewAlerts, ALL_ROLES),
    (Permission::Administer, ADMINS),
    (Permission::OwnAgency, OWNERS),
];

/// Permission × what a person of a client needs for it (P1, P2). What is not here is never theirs, keys least of all (P3).
pub const PORTAL_GRANTS: &[(Permission, PortalPermission)] = &[
    (Permission::ViewAgents, PortalPermission::ViewAgents),
    (Permission::HandInKeys, PortalPermission::ManageIntegrations),
    (Permission::ViewCalls, PortalPermission::ViewCalls),
    (Permission::PlaceCalls, PortalPermission::TriggerCalls),
];

/// What a field of the schema needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: anyone may read it, or it hangs below a field that has been checked.
    Public,
    /// A live session.
    LoggedIn,
    /// A live session, an agency and this permission in it.
    May(Permission),
}

/// The table as the guard asks it.
#[derive(Clone, Debug)]
pub struct Policy {
    needs: HashMap<(&'static str, &'static str), Need>,
    refused: Option<Need>,
}

impl Policy {
    /// The table of this file.
    pub fn standard() -> &'static Self {
        static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
            needs: FIELDS
                .iter()
                .flat_map(|(kind, need, fields)| {
                    fields.iter().map(move |field| ((*kind, *field), *need))
                })
                .collect(),
            refused: None,
        });
        &POLICY
    }

    /// What a field needs; `None` for a field that the table forgot.
    pub fn need(&self, kind: &str, field: &str) -> Option<Need> {
        // The keys are 'static, so the look-up borrows for shorter than they live.
        self.needs.get(&(kind, field) as &(&str, &str)).copied()
    }

    /// Whether no API key reaches this field, whatever its scopes.
    pub fn is_for_people(&self, kind: &str, field: &str) -> bool {
        NEVER_BY_API_KEY.contains(&(kind, field))
    }

    /// The table with one field thrown open, for the test that proves that the access test notices.
    #[must_use]
    pub fn with_public(&self, kind: &'static str, field: &'static str) -> Self {
        let mut copy = self.clone();
        copy.needs.insert((kind, field), Need::Public);
        copy
    }

    /// The table with one need that nobody meets, for the test that looks at each field's guard alone: usually a field
    /// above it refuses first.
    #[must_use]
    pub fn with_refused(&self, need: Need) -> Self {
        let mut copy = self.clone();
        copy.refused = Some(need);
        copy
    }

    /// Whether nobody meets this need.
    pub fn refuses(&self, need: Need) -> bool {
        self.refused == Some(need)
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, &'static str, Need)> {
        self.needs
            .iter()
            .map(|((kind, field), need)| (*kind, *field, *need))
    }
}
