//! A call as a provider tells it, in the product's own words and the same for every provider. These are plain values: the
//! provider folders make them, whoever asks compares and stores them. Nothing here knows a wire format or the database.

/// A call as the provider tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCall {
    /// The provider's id of it.
    pub remote_id: String,
    /// Ringfence's id of it, where Ringfence placed it.
    pub call_id: Option<String>,
    /// The account that it belongs to, where the item tells.
    pub account_id: Option<String>,
    /// Who called whom, where the item tells.
    pub direction: Option<CallDirection>,
    /// Who was called, E.164 where the provider writes it so.
    pub to: Option<String>,
    /// Who called, E.164 where the provider writes it so.
    pub from: Option<String>,
    /// The provider's id of the account's number in it, where it tells that and not the number itself.
    pub number_remote_id: Option<String>,
    /// The agent that spoke, by the id under which it is listed.
    pub agent_remote_id: Option<String>,
    /// Its status.
    pub status: CallStatus,
    /// The status in the provider's own word, scrubbed.
    pub provider_status: String,
    /// True when the provider says that it is over, whatever the status means.
    pub is_over: bool,
    /// Why it ended, in the provider's own words, scrubbed (K13).
    pub ended_reason: Option<String>,
    /// Why it ended.
    pub end_cause: Option<EndCause>,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: Option<i64>,
    /// When it was answered, Unix milliseconds; at some providers when it was dialled.
    pub started_at_ms: Option<i64>,
    /// When it ended, Unix milliseconds.
    pub ended_at_ms: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What the provider charged for it, so far.
    pub cost: Option<CallCost>,
    /// False when the answer tells only a part: the rest is unknown, not absent, and a status that needs the rest is
    /// [`CallStatus::Unknown`].
    pub is_whole: bool,
}

impl RemoteCall {
    /// A call of which nothing but its id is known.
    pub(crate) fn unknown(remote_id: String) -> RemoteCall {
        RemoteCall {
            remote_id,
            call_id: None,
            account_id: None,
            direction: None,
            to: None,
            from: None,
            number_remote_id: None,
            agent_remote_id: None,
            status: CallStatus::Unknown(String::new()),
            provider_status: String::new(),
            is_over: false,
            ended_reason: None,
            end_cause: None,
            created_at_ms: None,
            started_at_ms: None,
            ended_at_ms: None,
            duration_ms: None,
            cost: None,
            is_whole: false,
        }
    }
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDirection {
    /// Somebody called the account's number.
    Inbound,
    /// The account called somebody.
    Outbound,
    /// From a web page, with no number at all.
    Web,
}

impl CallDirection {
    /// The short name that is stored, such as `inbound`.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallDirection::Inbound => "inbound",
            CallDirection::Outbound => "outbound",
            CallDirection::Web => "web",
        }
    }
}

/// Where a call stands, the same for every provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// The provider has taken it and has not dialled yet.
    Queued,
    /// The callee's phone rings; not every provider tells.
    Ringing,
    /// They speak.
    InProgress,
    /// It was answered, and it is over.
    Completed,
    /// The callee was busy.
    Busy,
    /// Nobody answered, or the callee declined.
    NoAnswer,
    /// It could not be put through, or broke.
    Failed,
    /// It was called off.
    Canceled,
    /// A word that Ringfence does not know, scrubbed; never taken for a success.
    Unknown(String),
}

impl CallStatus {
    /// The short name that is stored, such as `in_progress`; `unknown` whatever the provider's word was.
    pub const fn as_str(&self) -> &'static str {
        match self {
            CallStatus::Queued => "queued",
            CallStatus::Ringing => "ringing",
            CallStatus::InProgress => "in_progress",
            CallStatus::Completed => "completed",
            CallStatus::Busy => "busy",
            CallStatus::NoAnswer => "no_answer",
            CallStatus::Failed => "failed",
            CallStatus::Canceled => "canceled",
            CallStatus::Unknown(_) => "unknown",
        }
    }

    /// True when no other status comes after it.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            CallStatus::Completed
                | CallStatus::Busy
                | CallStatus::NoAnswer
                | CallStatus::Failed
                | CallStatus::Canceled
        )
    }
}

/// Why a call ended, the same for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The other side hung up.
    CustomerHungUp,
    /// The agent hung up.
    AgentHungUp,
    /// It was passed on to somebody else.
    Transferred,
    /// A machine answered.
    Voicemail,
    /// The callee was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The callee declined.
    Declined,
    /// It took as long as a call may take.
    TimeLimit,
    /// Nobody said anything.
    Silence,
    /// It was called off.
    Canceled,
    /// The account is out of funds (R7).
    NoFunds,
    /// The account had too many calls at once.
    ConcurrencyLimit,
    /// The number is none that can be called.
    InvalidNumber,
    /// The telephone network did not put it through.
    CarrierFailure,
    /// Something at the provider, or in the agent's own setting, broke.
    ProviderFailure,
    /// Anything else.
    Other,
}

impl EndCause {
    /// The short name that is stored, such as `customer_hung_up`.
    pub const fn as_str(self) -> &'static str {
        match self {
            EndCause::CustomerHungUp => "customer_hung_up",
            EndCause::AgentHungUp => "agent_hung_up",
            EndCause::Transferred => "transferred",
            EndCause::Voicemail => "voicemail",
            EndCause::Busy => "busy",
            EndCause::NoAnswer => "no_answer",
            EndCause::Declined => "declined",
            EndCause::TimeLimit => "time_limit",
            EndCause::Silence => "silence",
            EndCause::Canceled => "canceled",
            EndCause::NoFunds => "no_funds",
            EndCause::ConcurrencyLimit => "concurrency_limit",
            EndCause::InvalidNumber => "invalid_number",
            EndCause::CarrierFailure => "carrier_failure",
            EndCause::ProviderFailure => "provider_failure",
            EndCause::Other => "other",
        }
    }
}

/// What a call cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCost {
    /// Millionths of the currency's unit.
    pub micros: i64,
    /// ISO 4217, such as `USD`.
    pub currency: &'static str,
}
