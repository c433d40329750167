//! The one table: which role may do what, and what each field of the schema needs. The guard, the web app's navigation
//! (through `Membership.permissions`) and the access test all read it. A field without an entry is refused.

use std::{collections::HashMap, sync::LazyLock};

use async_graphql::Enum;

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
    /// See calls and what they cost.
    ViewCalls,
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
    (Permission::ViewAlerts, ALL_ROLES),
    (Permission::Administer, ADMINS),
    (Permission::OwnAgency, OWNERS),
];

/// Permission × what a person of a client needs for it (P1, P2). What is not here is never theirs, keys least of all (P3).
pub const PORTAL_GRANTS: &[(Permission, PortalPermission)] = &[
    (Permission::ViewAgents, PortalPermission::ViewAgents),
    (Permission::HandInKeys, PortalPermission::ManageIntegrations),
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

use Need::{LoggedIn, May, Public};
use Permission::{
    Administer, HandInKeys, ManageKeys, OwnAgency, UseAgents, ViewAgents, ViewAlerts,
    ViewKeyDetails, ViewKeyStatus,
};

/// Type × need × fields. Every field of `schema.graphql` stands here once; a test compares the two.
pub const FIELDS: &[(&str, Need, &[&str])] = &[
    ("Query", Public, &["instance", "viewer"]),
    ("Query", May(ViewAgents), &["agents", "agent"]),
    ("Query", May(HandInKeys), &["clientIntegrations"]),
    ("Query", May(ManageKeys), &["keyHandIns"]),
    ("Query", May(Administer), &["portalUsers"]),
    ("Mutation", Public, &["redeemLogInLink"]),
    ("Mutation", May(HandInKeys), &["handInProviderKey"]),
    (
        "Mutation",
        May(ManageKeys),
        &["acceptKeyHandIn", "declineKeyHandIn"],
    ),
    (
        "Mutation",
        May(Administer),
        &[
            "createPortalUser",
            "updatePortalUser",
            "removePortalUser",
            "createLogInLink",
            "updateHandIns",
        ],
    ),
    ("RedeemLogInLinkPayload", Public, &["viewer"]),
    (
        "ClientIntegration",
        May(HandInKeys),
        &["provider", "name", "state", "keyLocation", "isHandInOpen"],
    ),
    (
        "HandInProviderKeyPayload",
        May(HandInKeys),
        &["integration"],
    ),
    (
        "KeyHandIn",
        May(ManageKeys),
        &[
            "id",
            "client",
            "provider",
            "region",
            "health",
            "maskedKey",
            "accountName",
            "state",
            "handedInBy",
            "handedInAt",
            "decidedBy",
            "decidedAt",
        ],
    ),
    (
        "AcceptKeyHandInPayload",
        May(ManageKeys),
        &["providerKey", "syncRun"],
    ),
    ("DeclineKeyHandInPayload", May(ManageKeys), &["keyHandIn"]),
    (
        "PortalUser",
        May(Administer),
        &[
            "id",
            "name",
            "email",
            "permissions",
            "createdAt",
            "lastSeenAt",
        ],
    ),
    ("LogInLink", May(Administer), &["url", "expiresAt"]),
    (
        "CreatePortalUserPayload",
        May(Administer),
        &["portalUser", "logInLink"],
    ),
    ("UpdatePortalUserPayload", May(Administer), &["portalUser"]),
    ("RemovePortalUserPayload", May(Administer), &["removedId"]),
    ("CreateLogInLinkPayload", May(Administer), &["logInLink"]),
    ("UpdateHandInsPayload", May(Administer), &["agency"]),
    ("Agency", May(ManageKeys), &["allowsHandIns"]),
    ("Membership", LoggedIn, &["clientName"]),
    ("Query", LoggedIn, &["agencies"]),
    (
        "Query",
        May(UseAgents),
        &[
            "agency",
            "phoneNumbers",
            "phoneNumber",
            "voices",
            "clients",
            "client",
            "explainRoute",
            "placementPlan",
            "placementRun",
            "placementRuns",
        ],
    ),
    (
        "Query",
        May(ViewKeyStatus),
        &[
            "providers",
            "providerKeys",
            "syncRuns",
            "syncRun",
            "syncChanges",
        ],
    ),
    ("Query", May(ViewAlerts), &["alerts", "alertSummary"]),
    (
        "Query",
        May(Administer),
        &["auditEntries", "webhookEndpoints", "webhookDeliveries"],
    ),
    ("Query", May(ViewKeyDetails), &["providerKeyVersions"]),
    ("Mutation", Public, &["setUp", "logIn"]),
    ("Mutation", LoggedIn, &["logOut", "logOutEverywhere"]),
    (
        "Mutation",
        May(ManageKeys),
        &[
            "saveProviderKey",
            "clearProviderKey",
            "testProviderKey",
            "previewProviderKey",
            "rollBackProviderKey",
        ],
    ),
    (
        "Mutation",
        May(UseAgents),
        &[
            "createClient",
            "updateClient",
            "archiveClient",
            "restoreClient",
            "assignAgents",
        ],
    ),
    ("Mutation", May(ViewKeyStatus), &["startSync"]),
    ("Mutation", May(UseAgents), &["startPlacementRun"]),
    ("Mutation", May(ManageKeys), &["confirmSync"]),
    ("Mutation", May(ViewAlerts), &["dismissAlert"]),
    (
        "Mutation",
        May(Administer),
        &[
            "createWebhookEndpoint",
            "updateWebhookEndpoint",
            "rotateWebhookSecret",
            "deleteWebhookEndpoint",
            "testWebhookEndpoint",
            "redeliverWebhook",
        ],
    ),
    ("Subscription", May(ViewKeyStatus), &["syncProgress"]),
    ("Subscription", May(UseAgents), &["placementRunProgress"]),
    ("Instance", Public, &["needsSetUp", "demo"]),
    ("Instance", LoggedIn, &["version"]),
    ("Instance", May(ViewKeyDetails), &["cipher", "masterKeyId"]),
    ("Demo", Public, &["logIns", "sampleKeys"]),
    ("DemoLogIn", Public, &["email", "password", "role"]),
    ("SampleKey", Public, &["provider", "key", "outcome"]),
    ("Viewer", LoggedIn, &["person", "memberships", "sessions"]),
    (
        "Session",
        LoggedIn,
        &["id", "createdAt", "expiresAt", "userAgent", "isCurrent"],
    ),
    ("Membership", LoggedIn, &["agency", "role", "permissions"]),
    ("Person", LoggedIn, &["id", "name", "email"]),
    (
        "Agency",
        LoggedIn,
        &["id", "slug", "name", "voiceProvider", "createdAt"],
    ),
    ("Agency", May(OwnAgency), &["plan"]),
    ("AgencyConnection", LoggedIn, CONNECTION),
    ("AgencyEdge", LoggedIn, EDGE),
    (
        "PageInfo",
        LoggedIn,
        &["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"],
    ),
    (
        "ProviderInfo",
        May(ViewKeyStatus),
        &[
            "provider",
            "name",
            "powers",
            "keyLocation",
            "dashboardUrl",
            "topUpUrl",
            "requiredRights",
            "isAvailable",
            "regions",
            "capabilities",
        ],
    ),
    (
        "KeyCapability",
        May(ViewKeyStatus),
        &["capability", "state"],
    ),
    (
        "ProviderAccount",
        May(ViewKeyDetails),
        &["id", "provider", "name", "remoteId"],
    ),
    (
        "ProviderKey",
        May(ViewKeyStatus),
        &[
            "provider",
            "scope",
            "version",
            "region",
            "client",
            "health",
            "isBreakerOpen",
            "healthMessage",
            "checkedAt",
            "capabilities",
            "savedAt",
            "isReadable",
            "latestSyncRun",
        ],
    ),
    (
        "ProviderKey",
        May(ViewKeyDetails),
        &[
            "id",
            "maskedKey",
            "account",
            "sameKeys",
            "savedBy",
            "cipher",
        ],
    ),
    ("ProviderKey", May(ManageKeys), &["clearImpact"]),
    ("ProviderKeyConnection", May(ViewKeyStatus), CONNECTION),
    ("ProviderKeyEdge", May(ViewKeyStatus), EDGE),
    (
        "KeyImpact",
        May(ManageKeys),
        &[
            "agentCount",
            "agents",
            "movingAgentCount",
            "clientCount",
            "clients",
            "phoneNumberCount",
            "answeringNumbers",
            "answeringNumberCount",
            "acknowledgement",
        ],
    ),
    (
        "ProviderKeyVersion",
        May(ViewKeyDetails),
        &[
            "version",
            "state",
            "maskedKey",
            "region",
            "savedAt",
            "retiredAt",
            "destroyedAfter",
            "account",
            "savedBy",
        ],
    ),
    ("PreviewAccount", May(ManageKeys), &["name", "remoteId"]),
    ("PreviewAgents", May(ManageKeys), &["count", "agents"]),
    (
        "KeyPreview",
        May(ManageKeys),
        &[
            "health",
            "healthMessage",
            "capabilities",
            "maskedKey",
            "relation",
            "account",
            "isComplete",
            "listedAgentCount",
            "newAgentCount",
            "goingInactive",
            "becomingUnreachable",
            "returning",
            "stopsAnything",
            "sameKeys",
        ],
    ),
    (
        "Client",
        May(UseAgents),
        &[
            "id",
            "name",
            "archivedAt",
            "createdAt",
            "agentCount",
            "unreachableAgentCount",
        ],
    ),
    ("Client", May(ViewKeyStatus), &["providerKeys"]),
    ("ClientConnection", May(UseAgents), CONNECTION),
    ("ClientEdge", May(UseAgents), EDGE),
    (
        "Route",
        May(UseAgents),
        &[
            "agent",
            "client",
            "state",
            "provider",
            "payer",
            "stations",
            "block",
            "doubt",
            "placement",
            "fromNumber",
        ],
    ),
    ("Route", May(ViewKeyStatus), &["key"]),
    ("Route", May(ViewKeyDetails), &["account", "otherAccounts"]),
    (
        "RouteStation",
        May(UseAgents),
        &["scope", "state", "reason"],
    ),
    ("RouteStation", May(ViewKeyStatus), &["key"]),
    ("RouteBlock", May(UseAgents), &["code", "message", "fix"]),
    ("AgentVoice", May(UseAgents), &["engine", "voiceId"]),
    ("AgentModel", May(UseAgents), &["vendor", "name"]),
    (
        "AgentDefinition",
        May(UseAgents),
        &["prompt", "firstMessage", "voice", "language", "model"],
    ),
    (
        "Placement",
        May(UseAgents),
        &[
            "id",
            "provider",
            "remoteId",
            "status",
            "inactiveReason",
            "remoteUpdatedAt",
            "lastSeenAt",
        ],
    ),
    ("Placement", May(ViewKeyDetails), &["account"]),
    (
        "Agent",
        May(ViewAgents),
        &[
            "id",
            "name",
            "status",
            "isReachable",
            "provider",
            "phoneNumbers",
            "phoneNumberCount",
            "createdAt",
            "updatedAt",
        ],
    ),
    (
        "Agent",
        May(UseAgents),
        &["client", "definition", "placements"],
    ),
    ("AgentConnection", May(ViewAgents), CONNECTION),
    ("AgentEdge", May(ViewAgents), EDGE),
    (
        "PhoneNumber",
        May(ViewAgents),
        &[
            "id",
            "number",
            "sipUri",
            "name",
            "provider",
            "carrier",
            "status",
            "createdAt",
            "lastSeenAt",
        ],
    ),
    ("PhoneNumber", May(UseAgents), &["agent"]),
    ("PhoneNumberConnection", May(UseAgents), CONNECTION),
    ("PhoneNumberEdge", May(UseAgents), EDGE),
    (
        "Voice",
        May(UseAgents),
        &["id", "provider", "engine", "voiceId", "name", "agentCount"],
    ),
    ("VoiceConnection", May(UseAgents), CONNECTION),
    ("VoiceEdge", May(UseAgents), EDGE),
    ("SyncError", May(ViewKeyStatus), &["code", "message"]),
    (
        "SyncRun",
        May(ViewKeyStatus),
        &[
            "id",
            "provider",
            "trigger",
            "state",
            "phase",
            "done",
            "total",
            "agentCount",
            "phoneNumberCount",
            "voiceCount",
            "addedCount",
            "changedCount",
            "goneCount",
            "returnedCount",
            "pendingRemovalCount",
            "unreadDetailCount",
            "waitingUntil",
            "waitingReason",
            "error",
            "hint",
            "createdAt",
            "startedAt",
            "finishedAt",
        ],
    ),
    (
        "SyncChange",
        May(ViewKeyStatus),
        &["kind", "subject", "name", "fields", "at"],
    ),
    ("SyncChange", May(UseAgents), &["agent", "phoneNumber"]),
    ("SyncChangeConnection", May(ViewKeyStatus), CONNECTION),
    ("SyncChangeEdge", May(ViewKeyStatus), EDGE),
    ("SyncRun", May(ViewKeyDetails), &["account"]),
    ("SyncRun", May(Administer), &["requestedBy"]),
    ("SyncRunConnection", May(ViewKeyStatus), CONNECTION),
    ("SyncRunEdge", May(ViewKeyStatus), EDGE),
    (
        "UnsupportedPart",
        May(UseAgents),
        &["part", "effect", "reason"],
    ),
    (
        "PlannedPlacement",
        May(UseAgents),
        &["name", "isPlaceable", "isHalfRead", "unsupported", "agent"],
    ),
    (
        "PlacementPlan",
        May(UseAgents),
        &[
            "provider",
            "total",
            "placeableCount",
            "reducedCount",
            "neverPlaced",
            "agents",
        ],
    ),
    ("PlacementPlan", May(ViewKeyDetails), &["account"]),
    ("PlacementRunError", May(UseAgents), &["code", "message"]),
    (
        "PlacementRun",
        May(UseAgents),
        &[
            "id",
            "provider",
            "client",
            "state",
            "total",
            "createdCount",
            "failedCount",
            "skippedCount",
            "unconfirmedCount",
            "waitingUntil",
            "waitingReason",
            "error",
            "createdAt",
            "startedAt",
            "finishedAt",
            "items",
        ],
    ),
    ("PlacementRun", May(ViewKeyDetails), &["account"]),
    ("PlacementRun", May(Administer), &["requestedBy"]),
    ("PlacementRunConnection", May(UseAgents), CONNECTION),
    ("PlacementRunEdge", May(UseAgents), EDGE),
    (
        "PlacementItem",
        May(UseAgents),
        &["name", "state", "message", "remoteId", "agent"],
    ),
    ("PlacementItemConnection", May(UseAgents), CONNECTION),
    ("PlacementItemEdge", May(UseAgents), EDGE),
    (
        "StartPlacementRunPayload",
        May(UseAgents),
        &["placementRun", "hasJoined"],
    ),
    (
        "AuditEntry",
        May(Administer),
        &["sequence", "at", "action", "actor", "summary", "provider"],
    ),
    ("AuditEntryConnection", May(Administer), CONNECTION),
    ("AuditEntryEdge", May(Administer), EDGE),
    (
        "Alert",
        May(ViewAlerts),
        &[
            "id",
            "kind",
            "state",
            "summary",
            "provider",
            "clientId",
            "clientName",
            "agentCount",
            "raisedAt",
            "resolvedAt",
            "dismissedAt",
        ],
    ),
    ("Alert", May(Administer), &["dismissedBy"]),
    ("AlertConnection", May(ViewAlerts), CONNECTION),
    ("AlertEdge", May(ViewAlerts), EDGE),
    ("AlertSummary", May(ViewAlerts), &["openCount"]),
    ("DismissAlertPayload", May(ViewAlerts), &["alert"]),
    (
        "WebhookEndpoint",
        May(Administer),
        &[
            "id",
            "url",
            "description",
            "events",
            "isEnabled",
            "disabledAt",
            "failuresInARow",
            "createdAt",
            "createdBy",
        ],
    ),
    ("WebhookEndpointConnection", May(Administer), CONNECTION),
    ("WebhookEndpointEdge", May(Administer), EDGE),
    (
        "WebhookDelivery",
        May(Administer),
        &[
            "id",
            "eventId",
            "event",
            "state",
            "attempts",
            "nextAttemptAt",
            "lastAttemptAt",
            "statusCode",
            "durationMs",
            "failure",
            "payload",
            "createdAt",
        ],
    ),
    ("WebhookDeliveryConnection", May(Administer), CONNECTION),
    ("WebhookDeliveryEdge", May(Administer), EDGE),
    (
        "CreateWebhookEndpointPayload",
        May(Administer),
        &["webhookEndpoint", "signingSecret"],
    ),
    (
        "UpdateWebhookEndpointPayload",
        May(Administer),
        &["webhookEndpoint"],
    ),
    (
        "RotateWebhookSecretPayload",
        May(Administer),
        &["webhookEndpoint", "signingSecret"],
    ),
    (
        "DeleteWebhookEndpointPayload",
        May(Administer),
        &["deletedId"],
    ),
    ("TestWebhookEndpointPayload", May(Administer), &["delivery"]),
    ("RedeliverWebhookPayload", May(Administer), &["delivery"]),
    ("SetUpPayload", Public, &["viewer"]),
    ("LogInPayload", Public, &["viewer"]),
    ("LogOutPayload", Public, &["isLoggedOut"]),
    ("LogOutEverywherePayload", Public, &["endedCount"]),
    (
        "SaveProviderKeyPayload",
        May(ManageKeys),
        &["providerKey", "syncRun"],
    ),
    (
        "ClearProviderKeyPayload",
        May(ManageKeys),
        &["clearedVersion", "detachedNumberCount", "stillAnswering"],
    ),
    ("TestProviderKeyPayload", May(ManageKeys), &["providerKey"]),
    ("PreviewProviderKeyPayload", May(ManageKeys), &["preview"]),
    (
        "RollBackProviderKeyPayload",
        May(ManageKeys),
        &["providerKey", "syncRun"],
    ),
    ("CreateClientPayload", May(UseAgents), &["client"]),
    ("UpdateClientPayload", May(UseAgents), &["client"]),
    ("ArchiveClientPayload", May(UseAgents), &["client"]),
    ("RestoreClientPayload", May(UseAgents), &["client"]),
    (
        "AssignAgentsPayload",
        May(UseAgents),
        &["assignedCount", "unreachableCount"],
    ),
    (
        "StartSyncPayload",
        May(ViewKeyStatus),
        &["syncRun", "hasJoined"],
    ),
    ("ConfirmSyncPayload", May(ManageKeys), &["syncRun"]),
];

const CONNECTION: &[&str] = &["edges", "nodes", "pageInfo", "totalCount"];
const EDGE: &[&str] = &["node", "cursor"];

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

    /// The table with one field thrown open, for the test that proves that the access test notices.
    #[must_use]
    pub fn with_public(&self, kind: &'static str, field: &'static str) -> Self {
        let mut copy = self.clone();
        copy.needs.insert((kind, field), Public);
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
