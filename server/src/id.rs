//! Ids as newtypes, so that an agency's id cannot be passed where an agent's is due. All are UUID v7 text: they sort by
//! the time they were made. Ids from outside are compared, never parsed: a malformed one is simply not found.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id.
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A tenant.
    AgencyId
    /// A person.
    UserId
    /// A log-in session.
    SessionId
    /// One secret of the platform's own API.
    ApiKeyId
    /// The API keys of one name, one after the other: what is counted against limits.
    ApiKeyLineageId
    /// A stored provider key, whatever its version.
    KeyId
    /// An agency's customer.
    ClientId
    /// A key that a client's person handed in.
    HandInId
    /// What a key opens at a provider.
    AccountId
    /// A voice agent.
    AgentId
    /// An agent's place in one account.
    PlacementId
    /// A phone number.
    PhoneNumberId
    /// A voice.
    VoiceId
    /// One import of an account.
    SyncRunId
    /// Something that needs somebody's attention.
    AlertId
    /// Where an agency is told by HTTP.
    WebhookEndpointId
    /// Something that was sent to a webhook endpoint.
    WebhookDeliveryId
    /// One creation of missing placements.
    PlacementRunId
    /// One agent of it.
    PlacementItemId
    /// A call.
    CallId
    /// A unit of background work.
    JobId
}
