//! What each voice provider can be asked about calls: the trait, the registry, and the values that come back in the
//! product's own words. A client is stateless, sends each request once, and decides nothing: whether a call may be dialled
//! again is the caller's business, and [`NotPlaced`] is what it decides by. Recordings and transcripts are not read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::HeaderMap;
use secrecy::SecretString;
use url::Url;

use super::{Page, ProviderError, ProviderKind, Target, bland, retell, vapi};
use crate::clock::Timestamp;

/// What every voice provider can be asked about calls.
#[async_trait]
pub trait CallProvider: Send + Sync {
    /// What calls need here, and what can be had.
    fn call_info(&self) -> &'static CallInfo;

    /// Dials, once. An answer that names a call is a placed call, whatever else stands in it.
    async fn place_call(
        &self,
        target: &Target<'_>,
        call: &PlaceCall<'_>,
    ) -> Result<PlacedCall, NotPlaced>;

    /// One call; [`ProviderError::NotFound`] when it is gone.
    async fn get_call(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteCall, ProviderError>;

    /// One page of the account's calls, from the beginning or from a cursor of [`Page::next`]; the filter is the same for
    /// each page of a walk. A call may come twice, and one before the filter's time may come as well.
    async fn list_calls(
        &self,
        target: &Target<'_>,
        filter: &CallFilter<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteCall>, ProviderError>;

    /// How a live call is ended from here; `None`: not at all.
    fn stopping(&self) -> Option<&'static dyn CallStopper>;

    /// What a webhook tells, after its signature was checked in constant time. Pure. `secret` is one of those that the
    /// provider may have used, see [`WebhookProof`]; with several, each is tried. No event at all is a webhook about
    /// something else, which is taken and forgotten.
    fn read_webhook(
        &self,
        webhook: &ReceivedWebhook<'_>,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<Vec<CallEvent>, WebhookRefused>;
}

/// Ends live calls.
#[async_trait]
pub trait CallStopper: Send + Sync {
    /// Hangs up. [`ProviderError::NotFound`] when no such call is live. Harmless when sent twice.
    async fn stop_call(&self, target: &Target<'_>, remote_id: &str) -> Result<(), ProviderError>;
}

/// What a provider's calls need and what can be had, as facts for code and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The provider.
    pub kind: ProviderKind,
    /// Whether a call is dialled from one of the account's own numbers; otherwise the provider lends one (C1).
    pub needs_from_number: bool,
    /// What [`PlaceCall::webhook`] takes the place of.
    pub webhook_per_call: WebhookPerCall,
    /// What a webhook proves its origin with.
    pub webhook_proof: WebhookProof,
    /// Whether the provider sends a webhook again that was not taken.
    pub repeats_webhooks: bool,
    /// Whether a request that is sent again with the same call id dials only once, and for how many minutes. Nothing here
    /// sends one again; zero: never.
    pub dedupes_minutes: u32,
    /// Whether the list tells less of a call than [`CallProvider::get_call`].
    pub has_thin_list: bool,
}

/// What a webhook that is set for one call does to those that are set elsewhere (C5). What an agent's owner has set there
/// must not go silent unasked, so that one is set only where it is known that nothing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookPerCall {
    /// It takes the place of the agent's and the account's own for this call.
    ReplacesOthers,
    /// The same, and the agent's tools that are answered at its own address are answered by nobody.
    ReplacesOthersAndTools,
}

/// What a webhook proves its origin with (C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookProof {
    /// A header with a token of ours, sent along with the address, see [`CallWebhook::token`].
    OwnToken {
        /// The header's name.
        header: &'static str,
    },
    /// A signature with an API key of the account: the one that its dashboard marks for webhooks, which need not be the
    /// one that places calls.
    ApiKey,
    /// A signature with a secret that is made in the dashboard and cannot be read over the interface; without one the
    /// provider does not sign at all.
    SigningSecret,
}

/// A call to place.
#[derive(Clone, Debug)]
pub struct PlaceCall<'a> {
    /// Ringfence's id of it, which goes along as metadata and comes back as [`RemoteCall::call_id`] (C4).
    pub call_id: &'a str,
    /// The provider's id of the agent that speaks.
    pub remote_agent_id: &'a str,
    /// The number that it is dialled from.
    pub from: Option<FromNumber<'a>>,
    /// Who is called, E.164.
    pub to: &'a str,
    /// Where the provider reports to, for this call only.
    pub webhook: Option<CallWebhook<'a>>,
    /// What the agent's prompt may name, such as the callee's name.
    pub variables: &'a BTreeMap<String, String>,
}

/// A number of the account, under both names that providers know it by.
#[derive(Clone, Copy, Debug)]
pub struct FromNumber<'a> {
    /// The provider's id of it.
    pub remote_id: &'a str,
    /// E.164.
    pub number: &'a str,
}

/// Where a provider reports to.
#[derive(Clone, Copy, Debug)]
pub struct CallWebhook<'a> {
    /// The address; Bland takes https alone.
    pub url: &'a Url,
    /// What proves the origin, where the provider signs nothing itself ([`WebhookProof::OwnToken`]).
    pub token: &'a SecretString,
}

/// A call that the provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedCall {
    /// The provider's id of it.
    pub remote_id: String,
    /// Its status.
    pub status: CallStatus,
    /// The status in the provider's own word, scrubbed; empty when it told none.
    pub provider_status: String,
}

/// Why there is no call, or none that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPlaced {
    /// What went wrong.
    pub error: ProviderError,
    /// Whether it may have been dialled all the same, because no answer said that it was not. Then the call is unknown:
    /// it is looked for with [`find_call`] and never dialled again (C4).
    pub may_have_dialled: bool,
}

impl NotPlaced {
    /// By the answer to the request that dials.
    pub(super) fn by_answer(error: ProviderError) -> NotPlaced {
        NotPlaced {
            may_have_dialled: error.may_have_taken_effect(),
            error,
        }
    }

    /// Nothing was sent: the provider has no call without a number of the account.
    pub(super) fn without_from_number(kind: ProviderKind) -> NotPlaced {
        let name = kind.display_name();
        NotPlaced {
            error: ProviderError::Rejected {
                status: 400,
                message: Some(format!(
                    "{name} needs a number of its own account to call from."
                )),
            },
            may_have_dialled: false,
        }
    }
}

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
    pub(super) fn unknown(remote_id: String) -> RemoteCall {
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

/// Which calls a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CallFilter<'a> {
    /// Those made since, Unix milliseconds.
    pub since_ms: i64,
    /// Only the one with this id of ours, where the provider can be asked so; elsewhere it changes nothing.
    pub call_id: Option<&'a str>,
}

/// A webhook as it came in.
#[derive(Clone, Copy)]
pub struct ReceivedWebhook<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte: a signature is over these.
    pub body: &'a [u8],
}

/// What a webhook tells about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// The call, as far as it is told.
    pub call: RemoteCall,
    /// The event in the provider's own word, such as `call_ended`.
    pub event: String,
    /// When it happened, Unix milliseconds, by the provider's clock.
    pub at_ms: Option<i64>,
    /// Equal for two deliveries of one event, within one provider.
    pub dedupe_key: String,
}

/// Why a webhook is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    /// It has no signature, or two.
    #[error("the webhook is not signed")]
    Unsigned,
    /// The signature is not one of this secret over this body.
    #[error("the webhook's signature is wrong")]
    BadSignature,
    /// The signature is right and more than five minutes old, or as far ahead.
    #[error("the webhook's signature is too old")]
    Stale,
    /// The signature is right, and the body cannot be read.
    #[error("the webhook cannot be read: {what}")]
    Malformed {
        /// What was wrong with it; never a piece of it.
        what: &'static str,
    },
}

/// The client for calls of a voice provider.
pub fn call_provider(kind: ProviderKind) -> &'static dyn CallProvider {
    match kind {
        ProviderKind::Vapi => &vapi::Vapi,
        ProviderKind::Retell => &retell::Retell,
        ProviderKind::Bland => &bland::Bland,
    }
}

/// A call that was asked for and not heard of.
#[derive(Clone, Copy, Debug)]
pub struct SoughtCall<'a> {
    /// Ringfence's id of it.
    pub call_id: &'a str,
    /// Who was called, E.164.
    pub to: &'a str,
    /// When it was asked for, Unix milliseconds, less what the two clocks may differ by.
    pub since_ms: i64,
}

/// What a search for a call found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSearch {
    /// It is there.
    Found(Box<RemoteCall>),
    /// The whole list was seen, and it is not in it. A provider may list a call later than it takes it.
    Absent,
    /// It was not seen, and the list could not be walked to its end.
    Inconclusive,
}

/// More pages than a search needs, unless the filter is not kept.
const MAX_SEARCH_PAGES: usize = 50;

/// Looks for a call by our id of it (C4): through the list, and in calls to the same number of which the list does not
/// tell the metadata.
pub async fn find_call(
    provider: &dyn CallProvider,
    target: &Target<'_>,
    sought: &SoughtCall<'_>,
) -> Result<CallSearch, ProviderError> {
    let filter = CallFilter {
        since_ms: sought.since_ms,
        call_id: Some(sought.call_id),
    };
    let mut cursor: Option<String> = None;
    let mut is_complete = true;
    for _ in 0..MAX_SEARCH_PAGES {
        let page = provider
            .list_calls(target, &filter, cursor.as_deref())
            .await?;
        is_complete &= page.is_complete;
        for mut call in page.items {
            if call.call_id.is_none() && !call.is_whole && may_be_to(&call, sought.to) {
                call = match provider.get_call(target, &call.remote_id).await {
                    Ok(call) => call,
                    Err(ProviderError::NotFound) => {
                        is_complete = false;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
            }
            if call.call_id.as_deref() == Some(sought.call_id) {
                return Ok(CallSearch::Found(Box::new(call)));
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(if is_complete {
                CallSearch::Absent
            } else {
                CallSearch::Inconclusive
            });
        }
    }
    Ok(CallSearch::Inconclusive)
}

/// Numbers come with and without their country, so that their ends are compared.
fn may_be_to(call: &RemoteCall, to: &str) -> bool {
    const COMPARED_DIGITS: usize = 7;
    let end = |number: &str| -> Vec<char> {
        let digits = number.chars().rev().filter(char::is_ascii_digit);
        digits.take(COMPARED_DIGITS).collect()
    };
    call.direction != Some(CallDirection::Inbound)
        && call
            .to
            .as_deref()
            .is_none_or(|called| end(called) == end(to))
}
