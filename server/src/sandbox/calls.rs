//! The calls that the sandbox plays: each goes step by step from queued to its end, by its own clock or when it is told to,
//! and its end is chosen by the other side's number. It counts what was really dialled. It knows no HTTP and no wire
//! format: how a call is told, its provider's module says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

use crate::clock::{Clock, Timestamp};

use super::World;
use super::accounts::Account;
use super::control::ControlError;
use super::dialect::{Dialect, dialect};

/// How long each step of a call takes by itself, unless it is told otherwise.
const STEP: Duration = Duration::from_millis(1_500);

/// How a call goes, by the last two digits of the number that is called, for an inbound one of the caller's; any other is
/// answered.
pub const OUTCOMES_BY_LAST_DIGITS: &[(&str, CallOutcome)] = &[
    ("00", CallOutcome::Answered),
    ("01", CallOutcome::Busy),
    ("02", CallOutcome::NoAnswer),
    ("03", CallOutcome::Failed),
    ("04", CallOutcome::NeverEnds),
    ("05", CallOutcome::Voicemail),
    ("06", CallOutcome::NoFunds),
];

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// Somebody answers, and hangs up in the end.
    Answered,
    /// The callee is busy.
    Busy,
    /// Nobody answers.
    NoAnswer,
    /// The network does not put it through.
    Failed,
    /// Somebody answers, and it goes on until it is ended.
    NeverEnds,
    /// A machine answers.
    Voicemail,
    /// The account's funds are used up before it is dialled.
    NoFunds,
    /// It was ended over the interface.
    Canceled,
}

impl CallOutcome {
    fn of(number: &str) -> CallOutcome {
        OUTCOMES_BY_LAST_DIGITS
            .iter()
            .find(|(digits, _)| number.ends_with(digits))
            .map_or(CallOutcome::Answered, |(_, outcome)| *outcome)
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStep {
    /// It is taken.
    Queued,
    /// The phone rings.
    Ringing,
    /// They speak.
    InProgress,
    /// It is over.
    Ended,
}

/// Where a call's events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) url: Url,
    /// Sent along with each.
    pub(super) headers: Vec<(String, String)>,
    /// Only these; `None`: the provider's usual ones.
    pub(super) events: Option<Vec<String>>,
}

/// A call of an account.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: String,
    /// Where it stands among all that were ever made in its account.
    pub(super) ordinal: u64,
    pub(super) is_inbound: bool,
    pub(super) to: String,
    pub(super) from: Option<String>,
    /// The provider's id of the agent that speaks, as calls name it.
    pub(super) agent: Option<String>,
    /// What the request said that comes back, such as metadata.
    pub(super) said: Value,
    /// The key that made the request one of a kind, where the provider has such.
    pub(super) idempotency_key: Option<String>,
    pub(super) hook: Option<Hook>,
    pub(super) step: CallStep,
    pub(super) outcome: CallOutcome,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    /// When it was answered.
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) ended_at: Option<OffsetDateTime>,
    due: Option<Instant>,
}

impl Call {
    /// Whether anybody ever spoke.
    pub(super) fn was_answered(&self) -> bool {
        self.started_at.is_some()
    }

    fn next_step(&self) -> Option<CallStep> {
        match (self.step, self.outcome) {
            (CallStep::Ended, _) | (CallStep::InProgress, CallOutcome::NeverEnds) => None,
            (CallStep::Queued, CallOutcome::Failed | CallOutcome::NoFunds)
            | (CallStep::Ringing, CallOutcome::Busy | CallOutcome::NoAnswer)
            | (CallStep::InProgress, _) => Some(CallStep::Ended),
            (CallStep::Queued, _) => Some(CallStep::Ringing),
            (CallStep::Ringing, _) => Some(CallStep::InProgress),
        }
    }

    fn enter(&mut self, step: CallStep, now: OffsetDateTime) {
        self.step = step;
        self.updated_at = now;
        match step {
            CallStep::InProgress => self.started_at = Some(now),
            CallStep::Ended => self.ended_at = Some(now),
            CallStep::Queued | CallStep::Ringing => {}
        }
    }
}

/// A call to begin.
#[derive(Clone, Debug, Default)]
pub(super) struct NewCall {
    pub(super) is_inbound: bool,
    pub(super) to: String,
    pub(super) from: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) said: Value,
    pub(super) idempotency_key: Option<String>,
    pub(super) hook: Option<Hook>,
    /// Another outcome than the number's.
    pub(super) outcome: Option<CallOutcome>,
    /// Over an interface, and not made up by control: it counts as dialled.
    pub(super) is_dialled: bool,
}

/// How calls are played.
#[derive(Debug)]
pub(super) struct CallRules {
    pub(super) clock: Clock,
    /// How long each step takes; `None`: calls go on only when they are told to.
    pub(super) step: Option<Duration>,
    /// How many calls of an account may be live at once.
    pub(super) concurrency_limit: Option<usize>,
    outcomes: HashMap<String, CallOutcome>,
    dialled: BTreeMap<String, u64>,
}

impl Default for CallRules {
    fn default() -> CallRules {
        CallRules {
            clock: Clock::System,
            step: Some(STEP),
            concurrency_limit: None,
            outcomes: HashMap::new(),
            dialled: BTreeMap::new(),
        }
    }
}

impl CallRules {
    /// Makes every further call to a number go this way.
    pub(super) fn set_outcome(&mut self, number: &str, outcome: CallOutcome) {
        self.outcomes.insert(number.to_owned(), outcome);
    }

    /// How often each number was dialled.
    pub(super) fn dialled(&self) -> &BTreeMap<String, u64> {
        &self.dialled
    }

    fn outcome(&self, number: &str) -> CallOutcome {
        let told = self.outcomes.get(number).copied();
        told.unwrap_or_else(|| CallOutcome::of(number))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn instant(&self) -> OffsetDateTime {
        let nanos = i128::from(self.now().as_millis()) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// The account has as many live calls as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyCalls;

impl World {
    /// Begins a call, and says how it goes to whoever listens.
    pub(super) fn begin_call(
        &mut self,
        account_index: usize,
        dialect: &'static dyn Dialect,
        new: NewCall,
    ) -> Result<String, TooManyCalls> {
        let now = self.calls.instant();
        // The other side's number, not the account's own.
        let other = new.from.as_ref().filter(|_| new.is_inbound);
        let other = other.unwrap_or(&new.to);
        let outcome = new.outcome.unwrap_or_else(|| self.calls.outcome(other));
        let Some(account) = self.accounts.account_mut(account_index) else {
            return Err(TooManyCalls);
        };
        let live = account
            .calls
            .iter()
            .filter(|call| call.step != CallStep::Ended);
        if new.is_dialled
            && self
                .calls
                .concurrency_limit
                .is_some_and(|limit| live.count() >= limit)
        {
            return Err(TooManyCalls);
        }
        if new.is_dialled {
            *self.calls.dialled.entry(new.to.clone()).or_default() += 1;
        }
        let ordinal = account.calls.front().map_or(1, |call| call.ordinal + 1);
        let own_id = account.next_id("call");
        let id = dialect.call_id(&own_id, ordinal);
        let hook = new
            .hook
            .or_else(|| dialect.agent_hook(account, new.agent.as_deref()))
            .or_else(|| account.hook.clone());
        account.calls.push_front(Call {
            id: id.clone(),
            ordinal,
            is_inbound: new.is_inbound,
            to: new.to,
            from: new.from,
            agent: new.agent,
            said: new.said,
            idempotency_key: new.idempotency_key,
            hook,
            step: CallStep::Queued,
            outcome,
            created_at: now,
            updated_at: now,
            started_at: None,
            ended_at: None,
            due: self.calls.step.map(|step| Instant::now() + step),
        });
        self.report(account_index, 0);
        self.wake.notify_one();
        Ok(id)
    }

    /// Takes a call one step on; false when it goes no further by itself.
    pub(super) fn advance_call(&mut self, id: &str) -> Result<bool, ControlError> {
        let (account, call) = self.find_call(id).ok_or(ControlError::UnknownCall)?;
        let has_stepped = self.step_call(account, call);
        self.wake.notify_one();
        Ok(has_stepped)
    }

    /// Ends a call that is live, in this way.
    pub(super) fn end_call(&mut self, id: &str, outcome: CallOutcome) -> Result<(), ControlError> {
        let (account, at) = self.find_call(id).ok_or(ControlError::UnknownCall)?;
        let now = self.calls.instant();
        let Some(call) = self.call_mut(account, at) else {
            return Err(ControlError::UnknownCall);
        };
        if call.step == CallStep::Ended {
            return Err(ControlError::UnknownCall);
        }
        call.outcome = outcome;
        call.due = None;
        call.enter(CallStep::Ended, now);
        self.report(account, at);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes on every call whose time has come, and says when the next one's does.
    pub(super) fn advance_due_calls(&mut self, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        for (account_index, account) in self.accounts.iter().enumerate() {
            for (at, call) in account.calls.iter().enumerate() {
                match call.due {
                    Some(time) if time <= now => due.push((account_index, at)),
                    Some(time) => next = Some(next.map_or(time, |next| next.min(time))),
                    None => {}
                }
            }
        }
        for (account, at) in due {
            self.step_call(account, at);
            let following = self.call_mut(account, at).and_then(|call| call.due);
            next = match (next, following) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        next
    }

    fn step_call(&mut self, account: usize, at: usize) -> bool {
        let now = self.calls.instant();
        let length = self.calls.step;
        let Some(call) = self.call_mut(account, at) else {
            return false;
        };
        let Some(step) = call.next_step() else {
            call.due = None;
            return false;
        };
        call.enter(step, now);
        call.due = length
            .filter(|_| call.next_step().is_some())
            .map(|length| Instant::now() + length);
        self.report(account, at);
        true
    }

    /// Hands what the provider says about the step that a call has just entered to the webhooks.
    fn report(&mut self, account_index: usize, at: usize) {
        let now = self.calls.now();
        let Some((account, call)) = self
            .accounts
            .account(account_index)
            .and_then(|account| Some((account, account.calls.get(at)?)))
        else {
            return;
        };
        let (Some(hook), Some(dialect)) = (&call.hook, dialect(account.provider)) else {
            return;
        };
        for (event, body) in dialect.call_events(account, call, now) {
            let secret = account.webhook_secret.clone();
            self.webhooks
                .add(dialect, call, &event, &body, hook.clone(), secret);
        }
    }

    fn find_call(&self, id: &str) -> Option<(usize, usize)> {
        self.accounts
            .iter()
            .enumerate()
            .find_map(|(index, account)| {
                let at = account.calls.iter().position(|call| call.id == id)?;
                Some((index, at))
            })
    }

    fn call_mut(&mut self, account: usize, at: usize) -> Option<&mut Call> {
        self.accounts.account_mut(account)?.calls.get_mut(at)
    }
}

/// The call of this id in an account.
pub(super) fn find<'a>(account: &'a Account, id: &str) -> Option<&'a Call> {
    account.calls.iter().find(|call| call.id == id)
}

/// The call that this key made, if it is one of the last hour.
pub(super) fn find_by_key<'a>(
    calls: &'a VecDeque<Call>,
    key: &str,
    now: Timestamp,
) -> Option<&'a Call> {
    const KEPT: time::Duration = time::Duration::HOUR;
    let now = i128::from(now.as_millis()) * 1_000_000;
    calls.iter().find(|call| {
        call.idempotency_key.as_deref() == Some(key)
            && (call.created_at + KEPT).unix_timestamp_nanos() > now
    })
}

/// Whether a text is a phone number as all providers want it.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// An address that the sandbox may send to: this machine alone (H6).
pub(super) fn hook_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && crate::config::is_loopback_host(&url))
        .then_some(url)
}
