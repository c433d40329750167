//! The words about a client's people: what each permission lets them do, what one of them may in all, and how somebody gets
//! in. It decides nothing; the server reads the permissions at each request.

use crate::api::enums::PortalPermission;

/// The permissions, in the order in which they are offered.
pub(crate) const PERMISSIONS: [PortalPermission; 4] = [
    PortalPermission::ViewAgents,
    PortalPermission::ViewCalls,
    PortalPermission::TriggerCalls,
    PortalPermission::ManageIntegrations,
];

/// What a permission is called: a verb and its object.
pub(crate) fn name(permission: PortalPermission) -> &'static str {
    match permission {
        PortalPermission::ViewAgents => "see agents",
        PortalPermission::ViewCalls => "see calls",
        PortalPermission::TriggerCalls => "place calls",
        PortalPermission::ManageIntegrations => "hand in keys",
        PortalPermission::Unknown => "something newer than this page",
    }
}

/// The same as the label of a choice.
pub(crate) fn label(permission: PortalPermission) -> &'static str {
    match permission {
        PortalPermission::ViewAgents => "See agents",
        PortalPermission::ViewCalls => "See calls",
        PortalPermission::TriggerCalls => "Place calls",
        PortalPermission::ManageIntegrations => "Hand in keys",
        PortalPermission::Unknown => "Something newer than this page",
    }
}

/// What a permission opens, in one line.
pub(crate) fn text(permission: PortalPermission) -> &'static str {
    match permission {
        PortalPermission::ViewAgents => "The client's agents and the numbers that they answer.",
        PortalPermission::ViewCalls => "The client's calls, without what they cost.",
        PortalPermission::TriggerCalls => {
            "Calls with the client's agents, paid by whoever pays for the client."
        }
        PortalPermission::ManageIntegrations => {
            "Keys of the client's own provider accounts. They see whether a key works, never the key."
        }
        PortalPermission::Unknown => "",
    }
}

/// What somebody may, as a sentence's end: `may see agents and place calls`.
pub(crate) fn may(permissions: &[PortalPermission]) -> String {
    let names: Vec<&str> = PERMISSIONS
        .into_iter()
        .filter(|permission| permissions.contains(permission))
        .map(name)
        .collect();
    match names.split_last() {
        None => "may see nothing yet".to_owned(),
        Some((only, [])) => format!("may {only}"),
        Some((last, others)) => format!("may {} and {last}", others.join(", ")),
    }
}

/// The permissions with one of them switched, in the order in which they are offered.
pub(crate) fn switched(
    permissions: &[PortalPermission],
    permission: PortalPermission,
    is_on: bool,
) -> Vec<PortalPermission> {
    PERMISSIONS
        .into_iter()
        .filter(|known| {
            if *known == permission {
                is_on
            } else {
                permissions.contains(known)
            }
        })
        .collect()
}

/// What to do with a log-in link, said once beside it.
pub(crate) fn send_link(name: &str) -> String {
    format!(
        "Send this link to {name} alone: whoever opens it first gets in as {name}. It is shown this once."
    )
}

/// How its person uses it. Whether they have joined another agency is nothing that this one learns.
pub(crate) fn use_link(name: &str) -> String {
    format!(
        "With it {name} chooses a password; somebody who has joined another agency here uses the password that they have."
    )
}

/// What a new link does, before it is made. `has_joined`: the one before was used.
pub(crate) fn new_link(name: &str, has_joined: bool) -> String {
    if has_joined {
        format!(
            "With it {name} chooses another password and is logged out elsewhere; somebody who has joined another agency here uses the password that they have. Until it is used, everything stays as it is."
        )
    } else {
        format!("The link that {name} was sent before stops working now.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PortalPermission::{ManageIntegrations, TriggerCalls, ViewAgents, ViewCalls};

    /// P2: what a person may is said in words, in one order.
    #[test]
    fn what_a_person_may_is_a_sentence() {
        assert_eq!(may(&[]), "may see nothing yet");
        assert_eq!(may(&[ViewAgents]), "may see agents");
        assert_eq!(
            may(&[ManageIntegrations, ViewAgents]),
            "may see agents and hand in keys"
        );
        assert_eq!(
            may(&[TriggerCalls, ViewCalls, ViewAgents]),
            "may see agents, see calls and place calls"
        );
    }

    /// P2: switching one permission leaves the others as they were.
    #[test]
    fn one_permission_is_switched_alone() {
        let some = [ViewAgents, ManageIntegrations];
        assert_eq!(
            switched(&some, ViewCalls, true),
            [ViewAgents, ViewCalls, ManageIntegrations]
        );
        assert_eq!(switched(&some, ViewAgents, false), [ManageIntegrations]);
        assert_eq!(switched(&some, ViewAgents, true), some);
    }

    /// P2: a new link says what it ends: a password only where there is one.
    #[test]
    fn a_new_link_says_what_it_ends() {
        assert_eq!(
            new_link("Priya", false),
            "The link that Priya was sent before stops working now."
        );
        assert!(new_link("Priya", true).contains("chooses another password"));
        assert!(new_link("Priya", true).ends_with("everything stays as it is."));
    }
}
