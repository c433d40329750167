//! Bland's words for calls into the product's. Pure, and nothing here fails. Bland tells the status in three fields, which
//! need not agree and are not in every answer; where they leave a doubt the status is `Unknown`, never a success. What
//! stays of Bland's own words is scrubbed (K13).

use secrecy::SecretString;

use crate::providers::amount::{self, DOLLARS, MINUTES};
use crate::providers::bland::convert::{AgentId, unix_millis};
use crate::providers::bland::wire::Name;
use crate::providers::http::{scrub, scrub_message};
use crate::providers::{CallDirection, CallStatus, EndCause, RemoteCall};

use super::wire;

/// A call as its single answer or the webhook after it tells it.
pub(super) fn call(call: wire::Call, key: &SecretString) -> RemoteCall {
    let (status, cause, is_over) = status(&call, key);
    let word = word(&call);
    let started_at_ms = call.started_at.as_deref().and_then(unix_millis);
    let ended_at = call.end_at.as_deref().or(call.end_time.as_deref());
    let ended_at_ms = ended_at.and_then(unix_millis);
    let ended_reason = call.error_message.clone().or_else(|| ended_by(&call));
    RemoteCall {
        call_id: call
            .metadata
            .and_then(|metadata| metadata.ringfence_call.and_then(Name::into_text)),
        account_id: None,
        direction: call.inbound.map(|is_inbound| {
            if is_inbound {
                CallDirection::Inbound
            } else {
                CallDirection::Outbound
            }
        }),
        to: call.to.and_then(number),
        from: call.from.and_then(number),
        number_remote_id: None,
        agent_remote_id: agent(call.agent_id, call.persona_id, call.pathway_id),
        status,
        provider_status: scrub(&word, key),
        is_over,
        ended_reason: ended_reason
            .filter(|_| is_over)
            .and_then(|reason| scrub_message(&reason, key)),
        end_cause: cause,
        created_at_ms: call.created_at.as_deref().and_then(unix_millis),
        started_at_ms,
        ended_at_ms,
        duration_ms: call
            .call_length
            .and_then(|minutes| amount::whole(minutes, MINUTES))
            .or_else(|| call.corrected_duration.and_then(seconds)),
        cost: call
            .price
            .filter(|_| is_over)
            .and_then(|price| amount::us_dollars(price, DOLLARS)),
        is_whole: true,
        remote_id: call.call_id,
    }
}

/// A call as the list tells it, which documents neither the metadata nor how a call that is over went.
pub(super) fn listed_call(item: wire::Call, key: &SecretString) -> RemoteCall {
    let has_outcome = item.status.is_some();
    let is_whole = has_outcome && item.metadata.is_some();
    let mut call = call(item, key);
    if call.is_over && !has_outcome {
        call.status = CallStatus::Unknown(call.provider_status.clone());
        call.end_cause = None;
    }
    call.is_whole = is_whole;
    call
}

/// The word of the field that decided.
fn word(call: &wire::Call) -> String {
    let told = [&call.status, &call.queue_status];
    told.into_iter()
        .flatten()
        .next()
        .cloned()
        .unwrap_or_default()
}

/// The status, why it ended, and whether it is over. `completed` is the newest of the three fields, says the documentation.
fn status(call: &wire::Call, key: &SecretString) -> (CallStatus, Option<EndCause>, bool) {
    let queue = call.queue_status.as_deref().unwrap_or_default();
    let outcome = call.status.as_deref().and_then(outcome);
    let is_broken = queue.ends_with("_error");
    let is_over = call
        .completed
        .unwrap_or(outcome.is_some() || matches!(queue, "complete" | "completed"))
        || is_broken;
    if !is_over {
        let status = match queue {
            "new" | "queued" | "allocated" => CallStatus::Queued,
            "started" => CallStatus::InProgress,
            _ => CallStatus::Unknown(scrub(&word(call), key)),
        };
        return (status, None, false);
    }
    let (status, cause) = match outcome {
        Some(status) => {
            let cause = cause_of(&status, call);
            (status, cause)
        }
        None if call.status.is_some() => (
            CallStatus::Unknown(scrub(&word(call), key)),
            EndCause::Other,
        ),
        None if call.answered_by.as_deref() == Some("no-answer") => {
            (CallStatus::NoAnswer, EndCause::NoAnswer)
        }
        None if is_broken => (CallStatus::Failed, EndCause::ProviderFailure),
        None if matches!(queue, "complete" | "completed") => {
            let cause = cause_of(&CallStatus::Completed, call);
            (CallStatus::Completed, cause)
        }
        None => (CallStatus::Unknown(scrub(queue, key)), EndCause::Other),
    };
    (status, Some(cause), true)
}

fn outcome(word: &str) -> Option<CallStatus> {
    match word {
        "completed" | "complete" => Some(CallStatus::Completed),
        "failed" => Some(CallStatus::Failed),
        "busy" => Some(CallStatus::Busy),
        "no-answer" => Some(CallStatus::NoAnswer),
        "canceled" | "cancelled" => Some(CallStatus::Canceled),
        _ => None,
    }
}

fn cause_of(status: &CallStatus, call: &wire::Call) -> EndCause {
    match status {
        CallStatus::Busy => EndCause::Busy,
        CallStatus::NoAnswer => EndCause::NoAnswer,
        CallStatus::Canceled => EndCause::Canceled,
        CallStatus::Failed => {
            let text = call.error_message.as_deref().unwrap_or_default();
            if text.to_lowercase().contains("balance") {
                EndCause::NoFunds
            } else {
                EndCause::CarrierFailure
            }
        }
        _ if call.answered_by.as_deref() == Some("voicemail") => EndCause::Voicemail,
        _ => match call.call_ended_by.as_deref() {
            Some("USER" | "user") => EndCause::CustomerHungUp,
            Some("ASSISTANT" | "assistant") => EndCause::AgentHungUp,
            _ => EndCause::Other,
        },
    }
}

/// Who ended a call that nothing went wrong with.
fn ended_by(call: &wire::Call) -> Option<String> {
    let who = call
        .call_ended_by
        .as_deref()
        .filter(|who| !who.is_empty())?;
    Some(format!("ended by {}", who.to_lowercase()))
}

/// A number as E.164, where Bland leaves a North American one without its country, as it does in `to`.
fn number(text: String) -> Option<String> {
    let is_short = text.len() == 10 && text.bytes().all(|digit| digit.is_ascii_digit());
    match text.as_str() {
        "" => None,
        short if is_short => Some(format!("+1{short}")),
        _ => Some(text),
    }
}

fn agent(
    agent: Option<String>,
    persona: Option<String>,
    pathway: Option<String>,
) -> Option<String> {
    let told = |id: Option<String>| id.filter(|id| !id.is_empty());
    if let Some(id) = told(agent) {
        return Some(AgentId::Agent(&id).stored());
    }
    if let Some(id) = told(persona) {
        return Some(AgentId::Persona(&id).stored());
    }
    told(pathway).map(|id| AgentId::Pathway(&id).stored())
}

fn seconds(seconds: wire::Seconds) -> Option<i64> {
    let seconds = match seconds {
        wire::Seconds::Number(seconds) => seconds,
        wire::Seconds::Text(text) => text.trim().parse().ok()?,
    };
    amount::whole(seconds, 1_000.0)
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
