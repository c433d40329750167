//! Where a call stands, and what a report of its provider makes of that (C5): a pure rule. Reports come by webhook and by
//! asking, late, twice and in any order; whatever the order, the call ends in the same place. It asks nobody and writes
//! nothing.

use crate::{
    clock::Timestamp,
    providers::{CallCost, CallStatus, EndCause, RemoteCall},
};

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "CallStatus")]
pub(crate) enum State {
    /// Written down, and the provider is being asked.
    Placing,
    /// No answer said whether it was dialled, or the provider told a word that nobody here knows. It is looked for, and
    /// never dialled again.
    Unknown,
    /// The provider has taken it and has not dialled yet.
    Queued,
    /// The callee's phone rings; not every provider tells.
    Ringing,
    /// Somebody has answered, and it goes on.
    InProgress,
    /// It was answered, and it is over.
    Completed,
    /// The callee was busy.
    Busy,
    /// Nobody answered, or the callee declined.
    NoAnswer,
    /// It was refused, could not be put through, or broke.
    Failed,
    /// It was called off.
    Canceled,
    /// It was looked for and not found, so nobody knows whether it was dialled.
    Unconfirmed,
}

impl State {
    /// Every one, from the beginning of a call to its end.
    pub(crate) const ALL: [Self; 11] = [
        Self::Placing,
        Self::Unknown,
        Self::Queued,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::NoAnswer,
        Self::Failed,
        Self::Canceled,
        Self::Unconfirmed,
    ];

    /// As the database keeps it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::Unknown => "unknown",
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// What [`State::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// How far the call has come. A report of an earlier place is a late one and moves nothing back.
    fn rank(self) -> u8 {
        match self {
            // The search's end is no news of the call itself: whatever the provider tells afterwards counts.
            Self::Placing | Self::Unknown | Self::Unconfirmed => 0,
            Self::Queued => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => 4,
        }
    }
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) state: State,
    /// The status in the provider's own word.
    pub(crate) provider_status: String,
    /// Why it ended, in the provider's own words.
    pub(crate) ended_reason: Option<String>,
    pub(crate) end_cause: Option<&'static str>,
    pub(crate) started_at: Option<Timestamp>,
    /// Set when it is over, even where nobody here knows how it ended.
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) cost: Option<CallCost>,
    /// True when the provider will tell no more of it.
    pub(crate) is_settled: bool,
}

impl Progress {
    /// What a report makes of it. `now` is when a call ended whose provider tells no time.
    pub(crate) fn after(&self, report: &RemoteCall, now: Timestamp) -> Self {
        let mut next = self.clone();
        let told = state_of(&report.status);
        let is_news = told.rank() > self.state.rank();
        // A word that nobody knows tells at least that the provider has the call.
        let is_first_word = self.state.rank() == 0 && told == State::Unknown;
        if is_news || is_first_word {
            next.state = told;
            next.provider_status.clone_from(&report.provider_status);
        }
        fill(&mut next.ended_reason, report.ended_reason.clone());
        fill(&mut next.end_cause, report.end_cause.map(EndCause::as_str));
        fill(
            &mut next.started_at,
            report.started_at_ms.map(Timestamp::from_millis),
        );
        if report.is_over {
            let at = report.ended_at_ms.map_or(now, Timestamp::from_millis);
            fill(&mut next.ended_at, Some(at));
        }
        // Both only grow: an older report that comes late takes nothing back.
        next.duration_ms = next.duration_ms.max(report.duration_ms);
        next.cost = dearer(next.cost, report.cost);
        next.is_settled = self.is_settled || (report.is_whole && report.is_over);
        next
    }
}

fn state_of(status: &CallStatus) -> State {
    match status {
        CallStatus::Queued => State::Queued,
        CallStatus::Ringing => State::Ringing,
        CallStatus::InProgress => State::InProgress,
        CallStatus::Completed => State::Completed,
        CallStatus::Busy => State::Busy,
        CallStatus::NoAnswer => State::NoAnswer,
        CallStatus::Failed => State::Failed,
        CallStatus::Canceled => State::Canceled,
        CallStatus::Unknown(_) => State::Unknown,
    }
}

fn dearer(kept: Option<CallCost>, told: Option<CallCost>) -> Option<CallCost> {
    match (kept, told) {
        (Some(kept), Some(told)) if told.micros <= kept.micros => Some(kept),
        (kept, told) => told.or(kept),
    }
}

/// The first value stays.
fn fill<T>(kept: &mut Option<T>, told: Option<T>) {
    if kept.is_none() {
        *kept = told;
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
