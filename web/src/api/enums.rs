//! The enums of the contract, written once so that every operation shares them. A value that a newer server adds is read
//! as `Unknown` instead of failing the page; a test holds the names against `schema.graphql`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! contract_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $wire:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant,)+
            /// A value that this version of the web app does not know.
            Unknown,
        }

        impl $name {
            const WIRE: &'static [(&'static str, Self)] = &[$(($wire, Self::$variant)),+];

            /// The value of a name of the contract.
            pub(crate) fn of_wire(text: &str) -> Self {
                Self::WIRE.iter().find(|(wire, _)| *wire == text).map_or(Self::Unknown, |(_, value)| *value)
            }
        }

        // By hand: the derived readers know forms that the contract does not have, and made 25 KB of the app.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::of_wire(&String::deserialize(deserializer)?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Self::WIRE.iter().find(|(_, value)| value == self).map_or("UNKNOWN", |(wire, _)| wire))
            }
        }

        #[cfg(test)]
        impl $name {
            fn names() -> (&'static str, Vec<&'static str>) {
                (stringify!($name), Self::WIRE.iter().map(|(wire, _)| *wire).collect())
            }
        }
    };
}

contract_enum! {
    /// What a person is in an agency.
    Role { Owner = "OWNER", Admin = "ADMIN", Staff = "STAFF", Portal = "PORTAL", }
}
contract_enum! {
    /// The rows of the server's access table; the navigation reads them too (P6).
    Permission {
        ViewKeyDetails = "VIEW_KEY_DETAILS", ManageKeys = "MANAGE_KEYS", ViewKeyStatus = "VIEW_KEY_STATUS", ViewAgents = "VIEW_AGENTS",
        UseAgents = "USE_AGENTS", HandInKeys = "HAND_IN_KEYS",
        Deploy = "DEPLOY", PlaceCalls = "PLACE_CALLS", ViewCalls = "VIEW_CALLS", ViewCallCosts = "VIEW_CALL_COSTS",
        ViewAlerts = "VIEW_ALERTS", Administer = "ADMINISTER",
        OwnAgency = "OWN_AGENCY",
    }
}
contract_enum! {
    /// A voice provider.
    Provider { Vapi = "VAPI", Retell = "RETELL", Bland = "BLAND", }
}
contract_enum! {
    /// Where a provider keeps the account.
    Region { Default = "DEFAULT", Eu = "EU", }
}
contract_enum! {
    /// Health of a stored key (R7).
    KeyHealth {
        Valid = "VALID", Limited = "LIMITED", RateLimited = "RATE_LIMITED", NoFunds = "NO_FUNDS", Invalid = "INVALID",
        Unreachable = "UNREACHABLE",
    }
}
contract_enum! {
    /// What a key can do (K4).
    Capability { ListAgents = "LIST_AGENTS", ListNumbers = "LIST_NUMBERS", ReadCalls = "READ_CALLS", PlaceCalls = "PLACE_CALLS", }
}
contract_enum! {
    /// Whether it can (K4: unknown stays unknown).
    CapabilityState { Yes = "YES", No = "NO", }
}
contract_enum! {
    /// How a key is sealed at rest (E1).
    Cipher { XChaCha20Poly1305 = "XCHACHA20_POLY1305", Aes256Gcm = "AES_256_GCM", }
}
contract_enum! {
    /// Whether the last complete sync found the agent.
    AgentStatus { Active = "ACTIVE", Inactive = "INACTIVE", }
}
contract_enum! {
    /// Why an agent is inactive (S3).
    InactiveReason { Gone = "GONE", NotVisible = "NOT_VISIBLE", }
}
contract_enum! {
    /// What the provider says about a number.
    PhoneNumberStatus { Active = "ACTIVE", Activating = "ACTIVATING", Blocked = "BLOCKED", Inactive = "INACTIVE", }
}
contract_enum! {
    /// What started a sync (S1).
    SyncTrigger { KeySaved = "KEY_SAVED", Manual = "MANUAL", Schedule = "SCHEDULE", }
}
contract_enum! {
    /// Where a sync stands (S2).
    SyncState {
        Queued = "QUEUED", Running = "RUNNING", Waiting = "WAITING", NeedsConfirmation = "NEEDS_CONFIRMATION", Succeeded = "SUCCEEDED",
        Failed = "FAILED",
    }
}
contract_enum! {
    /// What a sync is reading now.
    SyncPhase { Agents = "AGENTS", AgentDetails = "AGENT_DETAILS", PhoneNumbers = "PHONE_NUMBERS", Voices = "VOICES", MissingAgents = "MISSING_AGENTS", }
}
contract_enum! {
    /// How something stood to what was known (S8).
    SyncChangeKind { Added = "ADDED", Changed = "CHANGED", Gone = "GONE", Returned = "RETURNED", }
}
contract_enum! {
    /// What a change is about.
    SyncChangeSubject { Agent = "AGENT", PhoneNumber = "PHONE_NUMBER", }
}
contract_enum! {
    /// In what an agent or a number is different.
    SyncChangeField {
        Name = "NAME", Prompt = "PROMPT", FirstMessage = "FIRST_MESSAGE", Voice = "VOICE", Language = "LANGUAGE", Model = "MODEL",
        Number = "NUMBER", SipUri = "SIP_URI", Carrier = "CARRIER", Status = "STATUS", Agent = "AGENT",
    }
}
contract_enum! {
    /// The answer to a sync that asks (S3).
    SyncDecision { MarkInactive = "MARK_INACTIVE", KeepActive = "KEEP_ACTIVE", }
}
contract_enum! {
    /// Direction of a sort.
    SortDirection { Asc = "ASC", Desc = "DESC", }
}
contract_enum! {
    /// What agents are sorted by.
    AgentSortField { Name = "NAME", Status = "STATUS", CreatedAt = "CREATED_AT", UpdatedAt = "UPDATED_AT", }
}
contract_enum! {
    /// What numbers are sorted by.
    PhoneNumberSortField { Number = "NUMBER", CreatedAt = "CREATED_AT", }
}
contract_enum! {
    /// What an alert is about (R8).
    AlertKind { KeyInvalid = "KEY_INVALID", KeyNoFunds = "KEY_NO_FUNDS", SyncFailed = "SYNC_FAILED", WebhookDisabled = "WEBHOOK_DISABLED",
        HandInWaiting = "HAND_IN_WAITING", ApiKeyOld = "API_KEY_OLD", ApiKeyExposed = "API_KEY_EXPOSED", }
}
contract_enum! {
    /// How an alert stands.
    AlertState { Open = "OPEN", Resolved = "RESOLVED", Dismissed = "DISMISSED", }
}
contract_enum! {
    /// What a webhook tells of (H5).
    WebhookEvent {
        ProviderKeyInvalid = "PROVIDER_KEY_INVALID", ProviderKeyRestored = "PROVIDER_KEY_RESTORED", SyncFailed = "SYNC_FAILED",
        WebhookTest = "WEBHOOK_TEST",
    }
}
contract_enum! {
    /// How a delivery stands.
    WebhookDeliveryState { Waiting = "WAITING", Delivered = "DELIVERED", Failed = "FAILED", }
}
contract_enum! {
    /// Why a delivery did not arrive.
    WebhookFailure {
        NameNotFound = "NAME_NOT_FOUND", AddressRefused = "ADDRESS_REFUSED", ConnectionFailed = "CONNECTION_FAILED",
        Timeout = "TIMEOUT", Redirect = "REDIRECT", Gone = "GONE", Status = "STATUS", SwitchedOff = "SWITCHED_OFF",
        SecretUnreadable = "SECRET_UNREADABLE",
    }
}
contract_enum! {
    /// Whose key it is.
    KeyScope { Agency = "AGENCY", Client = "CLIENT", }
}
contract_enum! {
    /// How the account of a key that is looked at relates to the one in use (K9).
    AccountRelation { First = "FIRST", Same = "SAME", Other = "OTHER", }
}
contract_enum! {
    /// Where a version of a key stands (K10).
    KeyVersionState { InUse = "IN_USE", Retired = "RETIRED", Destroyed = "DESTROYED", }
}
contract_enum! {
    /// Whether a call would be placed (R6).
    RouteState { Ready = "READY", Doubtful = "DOUBTFUL", Blocked = "BLOCKED", }
}
contract_enum! {
    /// What became of a key on the way of a call (R1).
    RouteStationState { Taken = "TAKEN", Blocked = "BLOCKED", NotStored = "NOT_STORED", PassedOver = "PASSED_OVER", }
}
contract_enum! {
    /// Why nothing would be dialled.
    RouteBlockCode {
        ClientArchived = "CLIENT_ARCHIVED", NoKey = "NO_KEY", KeyUnreadable = "KEY_UNREADABLE", BreakerOpen = "BREAKER_OPEN",
        AccountMismatch = "ACCOUNT_MISMATCH", AgentInactive = "AGENT_INACTIVE", CannotPlaceCalls = "CANNOT_PLACE_CALLS",
    }
}
contract_enum! {
    /// Why the provider is likely to refuse a call that would be tried.
    RouteDoubt { KeyRefused = "KEY_REFUSED", NoFunds = "NO_FUNDS", RateLimited = "RATE_LIMITED", Unreachable = "UNREACHABLE", }
}
contract_enum! {
    /// How the making of agents in an account stands (R5).
    PlacementRunState {
        Queued = "QUEUED", Running = "RUNNING", Waiting = "WAITING", Succeeded = "SUCCEEDED", Incomplete = "INCOMPLETE", Failed = "FAILED",
    }
}
contract_enum! {
    /// How a provider stands for a client's people (P3).
    IntegrationState { NotConnected = "NOT_CONNECTED", Connected = "CONNECTED", NeedsAttention = "NEEDS_ATTENTION", Waiting = "WAITING", }
}
contract_enum! {
    /// What a person of a client may (P2).
    PortalPermission {
        ViewAgents = "VIEW_AGENTS", ViewCalls = "VIEW_CALLS", TriggerCalls = "TRIGGER_CALLS", ManageIntegrations = "MANAGE_INTEGRATIONS",
    }
}
contract_enum! {
    /// What became of a key that was handed in (P4).
    KeyHandInState { Waiting = "WAITING", Accepted = "ACCEPTED", Declined = "DECLINED", Replaced = "REPLACED", }
}
contract_enum! {
    /// What a person lets an API key do (A3).
    ApiKeyScope { Read = "READ", CallsTrigger = "CALLS_TRIGGER", AgentsManage = "AGENTS_MANAGE", KeysManage = "KEYS_MANAGE", }
}
contract_enum! {
    /// How an API key stands.
    ApiKeyState {
        Active = "ACTIVE", Ending = "ENDING", Suspended = "SUSPENDED", Replaced = "REPLACED", Expired = "EXPIRED", Revoked = "REVOKED", Exposed = "EXPOSED",
    }
}
contract_enum! {
    /// Where a call stands; what nobody knows is `Unknown`, which the server says too.
    CallStatus {
        Placing = "PLACING", Queued = "QUEUED", Ringing = "RINGING", InProgress = "IN_PROGRESS", Completed = "COMPLETED", Busy = "BUSY",
        NoAnswer = "NO_ANSWER", Failed = "FAILED", Canceled = "CANCELED", Unconfirmed = "UNCONFIRMED",
    }
}
contract_enum! {
    /// Who asked for a call.
    CallOrigin { Api = "API", App = "APP", Test = "TEST", Imported = "IMPORTED", }
}
contract_enum! {
    /// Who called whom.
    CallDirection { Inbound = "INBOUND", Outbound = "OUTBOUND", Web = "WEB", }
}
contract_enum! {
    /// Why a call ended.
    CallEndCause {
        CustomerHungUp = "CUSTOMER_HUNG_UP", AgentHungUp = "AGENT_HUNG_UP", Transferred = "TRANSFERRED", Voicemail = "VOICEMAIL",
        Busy = "BUSY", NoAnswer = "NO_ANSWER", Declined = "DECLINED", TimeLimit = "TIME_LIMIT", Silence = "SILENCE",
        Canceled = "CANCELED", NoFunds = "NO_FUNDS", ConcurrencyLimit = "CONCURRENCY_LIMIT", InvalidNumber = "INVALID_NUMBER",
        CarrierFailure = "CARRIER_FAILURE", ProviderFailure = "PROVIDER_FAILURE", Other = "OTHER",
    }
}
contract_enum! {
    /// The closed list of the server's error codes.
    ErrorCode {
        Unauthenticated = "UNAUTHENTICATED", Forbidden = "FORBIDDEN", MissingScope = "MISSING_SCOPE",
        ApiSwitchedOff = "API_SWITCHED_OFF", PlanWithoutApi = "PLAN_WITHOUT_API", RateLimited = "RATE_LIMITED",
        NotFound = "NOT_FOUND", InvalidInput = "INVALID_INPUT",
        Conflict = "CONFLICT", ImpactChanged = "IMPACT_CHANGED", DetachFailed = "DETACH_FAILED", TooManyAttempts = "TOO_MANY_ATTEMPTS",
        WrongCredentials = "WRONG_CREDENTIALS", SetUpClosed = "SET_UP_CLOSED", KeyRejected = "KEY_REJECTED",
        KeyUnreadable = "KEY_UNREADABLE", MissingPermission = "MISSING_PERMISSION", NoFunds = "NO_FUNDS",
        ProviderRateLimited = "PROVIDER_RATE_LIMITED", ProviderUnreachable = "PROVIDER_UNREACHABLE",
        ProviderAnswerMalformed = "PROVIDER_ANSWER_MALFORMED", ProviderRefused = "PROVIDER_REFUSED",
        ClientArchived = "CLIENT_ARCHIVED", NoKey = "NO_KEY", BreakerOpen = "BREAKER_OPEN", AccountMismatch = "ACCOUNT_MISMATCH",
        AgentInactive = "AGENT_INACTIVE", NoOutboundNumber = "NO_OUTBOUND_NUMBER", TooManyCalls = "TOO_MANY_CALLS",
        QueryRefused = "QUERY_REFUSED", Internal = "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract: a value that the server drops, renames or adds turns this red.
    #[test]
    fn the_enums_are_those_of_the_schema() {
        let schema = include_str!("../../../schema.graphql");
        for (name, values) in [
            Role::names(),
            Permission::names(),
            Provider::names(),
            Region::names(),
            KeyHealth::names(),
            Capability::names(),
            CapabilityState::names(),
            Cipher::names(),
            AgentStatus::names(),
            InactiveReason::names(),
            PhoneNumberStatus::names(),
            SyncTrigger::names(),
            SyncState::names(),
            SyncPhase::names(),
            SyncChangeKind::names(),
            SyncChangeSubject::names(),
            SyncChangeField::names(),
            SyncDecision::names(),
            SortDirection::names(),
            AgentSortField::names(),
            PhoneNumberSortField::names(),
            AlertKind::names(),
            AlertState::names(),
            WebhookEvent::names(),
            WebhookDeliveryState::names(),
            WebhookFailure::names(),
            KeyScope::names(),
            AccountRelation::names(),
            KeyVersionState::names(),
            RouteState::names(),
            RouteStationState::names(),
            RouteBlockCode::names(),
            RouteDoubt::names(),
            PlacementRunState::names(),
            IntegrationState::names(),
            PortalPermission::names(),
            KeyHandInState::names(),
            ApiKeyScope::names(),
            ApiKeyState::names(),
            CallStatus::names(),
            CallOrigin::names(),
            CallDirection::names(),
            CallEndCause::names(),
            ErrorCode::names(),
        ] {
            let in_schema = values_in(schema, name);
            let mut ours = values;
            // A value that is itself called UNKNOWN is read by the fallback.
            if in_schema.contains(&"UNKNOWN") {
                ours.push("UNKNOWN");
            }
            ours.sort_unstable();
            assert_eq!(in_schema, ours, "enum {name}");
        }
    }

    fn values_in<'a>(schema: &'a str, name: &str) -> Vec<&'a str> {
        let body = schema
            .split_once(&format!("enum {name} {{"))
            .and_then(|(_, rest)| rest.split_once('}'))
            .map_or("", |(body, _)| body);
        // Descriptions stand in triple quotes and may quote words; every second piece between them is one.
        let mut values: Vec<&str> = body
            .split("\"\"\"")
            .step_by(2)
            .flat_map(str::split_whitespace)
            .collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn a_value_of_a_newer_server_is_unknown() {
        let health: KeyHealth = serde_json::from_str("\"SLEEPY\"").unwrap_or(KeyHealth::Valid);
        assert_eq!(health, KeyHealth::Unknown);
    }
}
