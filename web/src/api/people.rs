//! A client's people as an admin looks after them, and the keys that they handed in. A log-in link comes with the one answer
//! that made it and is kept nowhere; of a key that waits, only its mask is ever read.

use crate::api::enums::{KeyHandInState, KeyHealth, PortalPermission, Provider};
use crate::api::provider_keys::Saved;
use crate::api::{ApiError, DateTime, operation, send};

operation!(ListPortalUsers, "src/api/people/list_portal_users.graphql");
operation!(
    CreatePortalUser,
    "src/api/people/create_portal_user.graphql"
);
operation!(
    UpdatePortalUser,
    "src/api/people/update_portal_user.graphql"
);
operation!(
    RemovePortalUser,
    "src/api/people/remove_portal_user.graphql"
);
operation!(CreateLogInLink, "src/api/people/create_log_in_link.graphql");
operation!(ListKeyHandIns, "src/api/people/list_key_hand_ins.graphql");
operation!(AcceptKeyHandIn, "src/api/people/accept_key_hand_in.graphql");
operation!(
    DeclineKeyHandIn,
    "src/api/people/decline_key_hand_in.graphql"
);
operation!(GetHandIns, "src/api/people/get_hand_ins.graphql");
operation!(UpdateHandIns, "src/api/people/update_hand_ins.graphql");

pub(crate) use create_portal_user::CreatePortalUserInput;
pub(crate) use list_key_hand_ins::ListKeyHandInsKeyHandIns as KeyHandIn;
pub(crate) use list_portal_users::ListPortalUsersPortalUsers as PortalUser;

/// A link with which a person joins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogInLink {
    /// The address to send to the person.
    pub(crate) url: String,
    /// When it stops working.
    pub(crate) expires_at: DateTime,
}

/// The people of a client, by name: the first 200.
pub(crate) async fn list(agency: &str, client_id: String) -> Result<Vec<PortalUser>, ApiError> {
    let variables = list_portal_users::Variables { client_id };
    Ok(send::<ListPortalUsers>(agency, variables)
        .await?
        .portal_users)
}

/// Adds a person, with the link by which they join.
pub(crate) async fn create(
    agency: &str,
    input: CreatePortalUserInput,
) -> Result<LogInLink, ApiError> {
    let answer = send::<CreatePortalUser>(agency, create_portal_user::Variables { input }).await?;
    let link = answer.create_portal_user.log_in_link;
    Ok(LogInLink {
        url: link.url,
        expires_at: link.expires_at,
    })
}

/// Says all that a person may from now on.
pub(crate) async fn update(
    agency: &str,
    client_id: String,
    user_id: String,
    permissions: Vec<PortalPermission>,
) -> Result<(), ApiError> {
    let input = update_portal_user::UpdatePortalUserInput {
        client_id,
        user_id,
        permissions,
    };
    send::<UpdatePortalUser>(agency, update_portal_user::Variables { input }).await?;
    Ok(())
}

/// Takes a person out of the client's portal.
pub(crate) async fn remove(
    agency: &str,
    client_id: String,
    user_id: String,
) -> Result<(), ApiError> {
    let input = remove_portal_user::RemovePortalUserInput { client_id, user_id };
    send::<RemovePortalUser>(agency, remove_portal_user::Variables { input }).await?;
    Ok(())
}

/// A new link in the place of the one before.
pub(crate) async fn renew_link(
    agency: &str,
    client_id: String,
    user_id: String,
) -> Result<LogInLink, ApiError> {
    let input = create_log_in_link::CreateLogInLinkInput { client_id, user_id };
    let answer = send::<CreateLogInLink>(agency, create_log_in_link::Variables { input }).await?;
    let link = answer.create_log_in_link.log_in_link;
    Ok(LogInLink {
        url: link.url,
        expires_at: link.expires_at,
    })
}

/// The keys that a client's people handed in and that had to wait; those that still do come first.
pub(crate) async fn hand_ins(agency: &str, client_id: String) -> Result<Vec<KeyHandIn>, ApiError> {
    let variables = list_key_hand_ins::Variables { client_id };
    Ok(send::<ListKeyHandIns>(agency, variables)
        .await?
        .key_hand_ins)
}

/// Puts a key that waits in use, over the version that was seen (K12).
pub(crate) async fn accept(
    agency: &str,
    key_hand_in_id: String,
    expected_version: Option<i64>,
) -> Result<Saved, ApiError> {
    let input = accept_key_hand_in::AcceptKeyHandInInput {
        key_hand_in_id,
        expected_version,
    };
    let answer = send::<AcceptKeyHandIn>(agency, accept_key_hand_in::Variables { input }).await?;
    let payload = answer.accept_key_hand_in;
    Ok(Saved {
        health: payload.provider_key.health,
        has_sync_run: payload.sync_run.is_some(),
    })
}

/// Declines a key that waits; it is destroyed.
pub(crate) async fn decline(agency: &str, key_hand_in_id: String) -> Result<(), ApiError> {
    let input = decline_key_hand_in::DeclineKeyHandInInput { key_hand_in_id };
    send::<DeclineKeyHandIn>(agency, decline_key_hand_in::Variables { input }).await?;
    Ok(())
}

/// Whether clients may hand in keys.
pub(crate) async fn is_hand_in_open(agency: &str) -> Result<bool, ApiError> {
    let answer = send::<GetHandIns>(agency, get_hand_ins::Variables {}).await?;
    Ok(answer.agency.allows_hand_ins.unwrap_or(false))
}

/// Switches handing in on or off, for all clients.
pub(crate) async fn set_hand_in_open(agency: &str, is_open: bool) -> Result<(), ApiError> {
    let input = update_hand_ins::UpdateHandInsInput { is_open };
    send::<UpdateHandIns>(agency, update_hand_ins::Variables { input }).await?;
    Ok(())
}
