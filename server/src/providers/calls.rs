//! What each voice provider can be asked about calls: the trait, the registry, what goes out and how an attempt ends; the
//! calls that come back are in `remote_call`. A client is stateless, sends each request once, and decides nothing: whether a call may be dialled
//! again is the caller's business, and [`NotPlaced`] is what it decides by. Recordings and transcripts are not read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::HeaderMap;
use secrecy::SecretString;
use url::Url;

use super::{
    CallDirection, CallStatus, Page, ProviderError, ProviderKind, RemoteCall, Target, bland,
    retell, vapi,
};
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

/// Refuses an answer that is about another call than was asked for.
pub(super) fn check_asked(told: &str, asked: &str) -> Result<(), ProviderError> {
    if told == asked {
        return Ok(());
    }
    Err(ProviderError::Malformed {
        what: "it is another call than was asked for".to_owned(),
    })
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
