//! What P1 says, written down apart from the product's own table, so that loosening that one turns a test red.

use ringfence::access::{
    Permission, Role,
    policy::{Need, Policy},
};

use super::contract::Coordinate;

/// Role × permission, as P1's table has it for the agency's people.
pub(crate) const P1: &[(Permission, &[Role])] = &[
    // "see masked keys, account names, fingerprints, key ids"
    (Permission::ViewKeyDetails, &[Role::Owner, Role::Admin]),
    // "set, clear, test, roll back keys of agency, clients, flows"
    (Permission::ManageKeys, &[Role::Owner, Role::Admin]),
    // "key status, resync"
    (
        Permission::ViewKeyStatus,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "see agents", with which the portal's column begins
    (
        Permission::ViewAgents,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "clients, agents, assignment, flow editing and testing"
    (
        Permission::UseAgents,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "hand in": the agency's people save keys instead
    (Permission::HandInKeys, &[]),
    // "deploy flows, switch provider, buy numbers"
    (Permission::Deploy, &[Role::Owner, Role::Admin]),
    // "place calls"
    (
        Permission::PlaceCalls,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "see calls and costs"
    (
        Permission::ViewCalls,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "calls without cost" stands in the portal's column
    (
        Permission::ViewCallCosts,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    // "platform API keys, people, audit log, alerts": staff see the alerts
    (
        Permission::ViewAlerts,
        &[Role::Owner, Role::Admin, Role::Staff],
    ),
    (Permission::Administer, &[Role::Owner, Role::Admin]),
    // "plan shown, owner transfer, deleting the agency"
    (Permission::OwnAgency, &[Role::Owner]),
];

/// What a person of a client may who has every permission of P2.
pub(crate) const PORTAL: &[Permission] = &[
    Permission::ViewAgents,
    Permission::HandInKeys,
    Permission::ViewCalls,
    Permission::PlaceCalls,
];

/// Who asks in the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Who {
    Nobody,
    Owner,
    Admin,
    Staff,
    /// A person of a client, with every permission of the portal.
    Portal,
    /// An owner of another agency.
    Stranger,
    /// The same, who names the first agency.
    Intruder,
}

impl Who {
    pub(crate) const ALL: [Self; 7] = [
        Self::Nobody,
        Self::Owner,
        Self::Admin,
        Self::Staff,
        Self::Portal,
        Self::Stranger,
        Self::Intruder,
    ];

    pub(crate) fn role(self) -> Option<Role> {
        match self {
            Self::Nobody => None,
            Self::Owner | Self::Stranger | Self::Intruder => Some(Role::Owner),
            Self::Admin => Some(Role::Admin),
            Self::Staff => Some(Role::Staff),
            Self::Portal => Some(Role::Portal),
        }
    }

    fn may(self, need: Need) -> bool {
        match (need, self.role()) {
            (Need::Public, _) | (Need::LoggedIn, Some(_)) => true,
            (Need::LoggedIn | Need::May(_), None) => false,
            (Need::May(permission), Some(Role::Portal)) => PORTAL.contains(&permission),
            (Need::May(permission), Some(role)) => P1
                .iter()
                .any(|(granted, roles)| *granted == permission && roles.contains(&role)),
        }
    }
}

/// What an answer to a sample has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Seeded data.
    Data,
    /// Null, without an error.
    Null,
    /// No data, and this code alone.
    Code(&'static str),
    /// The stranger's: nothing that belongs to the first agency.
    NothingOfOurs,
}

/// Fields that stay null, each with its reason.
const NULL: &[(&str, &str, &str)] = &[
    (
        "CallReporting",
        "webhookUrl",
        "the sample's key is one of Vapi, which signs nothing",
    ),
    (
        "Route",
        "doubt",
        "the sample's route is blocked, and a blocked call is not tried",
    ),
    (
        "KeyPreview",
        "healthMessage",
        "the sample's key works, of which its provider says nothing",
    ),
    (
        "CreateAgentPayload",
        "message",
        "the sample's agent is made, and nothing is left to be said",
    ),
    (
        "Membership",
        "clientName",
        "only a person of a client has one",
    ),
    (
        "ProviderKey",
        "client",
        "the sample lists the agency's own keys",
    ),
];

/// Root fields that are asked with ids of the first agency.
const TAKING_IDS: &[&str] = &[
    "call",
    "triggerCall",
    "agent",
    "phoneNumber",
    "syncRun",
    "syncChanges",
    "placementRun",
    "clearProviderKey",
    "testProviderKey",
    "confirmSync",
    "dismissAlert",
    "webhookDeliveries",
    "updateWebhookEndpoint",
    "rotateWebhookSecret",
    "deleteWebhookEndpoint",
    "testWebhookEndpoint",
    "redeliverWebhook",
    "rotateApiKey",
    "revokeApiKey",
    "client",
    "explainRoute",
    "updateClient",
    "archiveClient",
    "restoreClient",
    "assignAgents",
    "updateAgent",
    "portalUsers",
    "createPortalUser",
    "updatePortalUser",
    "removePortalUser",
    "createLogInLink",
    "acceptKeyHandIn",
    "declineKeyHandIn",
];

/// What the walk expects of somebody who asks for the last field of a way.
pub(crate) fn expected(who: Who, way: &[Coordinate]) -> Expected {
    let target = way.last().unwrap();
    let target = (target.0.as_str(), target.1.as_str());
    if who == Who::Intruder {
        return Expected::Code("NOT_FOUND");
    }
    // The set-up page is closed once somebody is there; `installation.rs` opens it.
    if way[0].1 == "setUp" {
        return Expected::Code("SET_UP_CLOSED");
    }
    let policy = Policy::standard();
    let denied = way
        .iter()
        .any(|(kind, field)| !policy.need(kind, field).is_some_and(|need| who.may(need)));
    if who == Who::Nobody && way[0] == ("Query".to_owned(), "viewer".to_owned()) {
        return Expected::Null;
    }
    if who == Who::Stranger && TAKING_IDS.contains(&way[0].1.as_str()) {
        return Expected::Code("NOT_FOUND");
    }
    match (denied, who) {
        (true, Who::Nobody) => Expected::Code("UNAUTHENTICATED"),
        (true, _) => Expected::Code("FORBIDDEN"),
        // The link is the sample's own person's, who joins with it: whoever has it may.
        (false, Who::Stranger) if target == ("RedeemLogInLinkPayload", "agencySlug") => {
            Expected::Data
        }
        (false, Who::Stranger) => Expected::NothingOfOurs,
        (false, Who::Portal) if target == ("Membership", "clientName") => Expected::Data,
        (false, _)
            if NULL
                .iter()
                .any(|(kind, field, _)| (*kind, *field) == target) =>
        {
            Expected::Null
        }
        (false, _) => Expected::Data,
    }
}
