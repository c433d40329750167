//! The part of the sandbox's control that is about calls and their webhooks: how calls go, calls that were placed
//! elsewhere, and what goes wrong on the way. `call_control_api` is the same over HTTP. It must not know a wire format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::providers::ProviderKind;

use super::calls::{self, CallOutcome, CallStep, Hook, NewCall};
use super::control::{Control, ControlError};
use super::webhooks::{SentWebhook, WebhookFault};

/// How often [`Control::webhooks_settled`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// More would only fill the memory.
const MAX_CALLS: usize = 100_000;

/// How calls are played. What is absent stays as it was.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallSettings {
    /// How long each step takes, in milliseconds; 0: calls go on only when they are told to.
    #[serde(default)]
    pub step_ms: Option<u64>,
    /// How many calls of an account may be live at once; 0: any number.
    #[serde(default)]
    pub concurrency_limit: Option<usize>,
    /// How long after a webhook that was not taken it is sent again, in milliseconds.
    #[serde(default)]
    pub webhook_retry_ms: Option<u64>,
}

/// Calls that nobody placed over the interface: inbound ones, and those from the provider's dashboard (C6).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignCall {
    /// A key of the account.
    pub key: String,
    /// Whether somebody called the account's number.
    #[serde(default)]
    pub is_inbound: bool,
    /// Who is called, E.164.
    pub to: String,
    /// Who calls, E.164.
    #[serde(default)]
    pub from: Option<String>,
    /// The provider's id of the agent that speaks.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// How it goes; absent: as the number tells.
    #[serde(default)]
    pub outcome: Option<CallOutcome>,
    /// How many steps it has behind it; absent: all that it takes by itself.
    #[serde(default)]
    pub steps: Option<u32>,
    /// So many of them.
    #[serde(default = "one")]
    pub count: usize,
}

fn one() -> usize {
    1
}

impl ForeignCall {
    /// One that is over.
    pub fn outbound(key: &str, to: &str) -> ForeignCall {
        ForeignCall {
            key: key.to_owned(),
            is_inbound: false,
            to: to.to_owned(),
            from: None,
            agent_id: None,
            outcome: None,
            steps: None,
            count: 1,
        }
    }

    /// One to a number of the account that is over.
    pub fn inbound(key: &str, to: &str, from: &str) -> ForeignCall {
        ForeignCall {
            is_inbound: true,
            from: Some(from.to_owned()),
            ..ForeignCall::outbound(key, to)
        }
    }
}

/// Where an account sends the events of its calls, as set in the provider's dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountHook {
    /// A key of the account.
    pub key: String,
    /// The address, on this machine; absent: nowhere.
    #[serde(default)]
    pub url: Option<String>,
    /// What it signs with from now on; absent: with what it did.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A call as the sandbox knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayedCall {
    /// The provider's id of it.
    pub id: String,
    /// At which provider.
    pub provider: ProviderKind,
    /// Whether somebody called the account's number.
    pub is_inbound: bool,
    /// Who is called.
    pub to: String,
    /// Who calls.
    pub from: Option<String>,
    /// Where it stands.
    pub step: CallStep,
    /// How it goes.
    pub outcome: CallOutcome,
}

impl Control {
    /// Changes how calls are played from now on.
    pub fn set_calls(&self, settings: CallSettings) {
        let mut world = self.world();
        if let Some(step) = settings.step_ms {
            world.calls.step = (step > 0).then(|| Duration::from_millis(step));
        }
        if let Some(limit) = settings.concurrency_limit {
            world.calls.concurrency_limit = (limit > 0).then_some(limit);
        }
        if let Some(retry) = settings.webhook_retry_ms {
            world.webhooks.retry_after = Duration::from_millis(retry);
        }
    }

    /// Calls go on only when [`Control::advance_call`] says so.
    pub fn hold_calls(&self) {
        self.set_calls(CallSettings {
            step_ms: Some(0),
            ..CallSettings::default()
        });
    }

    /// Calls have the time of this clock, and webhooks are signed with it.
    pub fn set_call_clock(&self, clock: Clock) {
        self.world().calls.clock = clock;
    }

    /// Makes every further call to this number go this way.
    pub fn set_outcome(&self, to: &str, outcome: CallOutcome) {
        self.world().calls.set_outcome(to, outcome);
    }

    /// Takes a call so many steps on, or as far as it goes, and returns where it stands.
    pub fn advance_call(&self, id: &str, steps: u32) -> Result<CallStep, ControlError> {
        let mut world = self.world();
        for _ in 0..steps {
            if !world.advance_call(id)? {
                break;
            }
        }
        drop(world);
        let call = self.calls().into_iter().find(|call| call.id == id);
        call.map(|call| call.step).ok_or(ControlError::UnknownCall)
    }

    /// Ends a live call in this way.
    pub fn end_call(&self, id: &str, outcome: CallOutcome) -> Result<(), ControlError> {
        self.world().end_call(id, outcome)
    }

    /// Adds calls that nobody placed over the interface and returns their ids, the oldest first.
    pub fn add_calls(&self, foreign: &ForeignCall) -> Result<Vec<String>, ControlError> {
        if foreign.count > MAX_CALLS {
            return Err(ControlError::TooMany);
        }
        let mut world = self.world();
        let (account, dialect) = world.accounts.index_of(&foreign.key)?;
        let mut ids = Vec::with_capacity(foreign.count);
        for _ in 0..foreign.count {
            let new = NewCall {
                is_inbound: foreign.is_inbound,
                to: foreign.to.clone(),
                from: foreign.from.clone(),
                agent: foreign.agent_id.clone(),
                said: json!({}),
                outcome: foreign.outcome,
                ..NewCall::default()
            };
            let id = world
                .begin_call(account, dialect, new)
                .map_err(|calls::TooManyCalls| ControlError::UnknownKey)?;
            // Three steps are the most that a call takes.
            for _ in 0..foreign.steps.unwrap_or(3) {
                world.advance_call(&id)?;
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// All calls, the newest first within an account.
    pub fn calls(&self) -> Vec<PlayedCall> {
        let world = self.world();
        let calls = world.accounts.iter().flat_map(|account| {
            account.calls.iter().map(|call| PlayedCall {
                id: call.id.clone(),
                provider: account.provider,
                is_inbound: call.is_inbound,
                to: call.to.clone(),
                from: call.from.clone(),
                step: call.step,
                outcome: call.outcome,
            })
        });
        calls.collect()
    }

    /// How often each number was really dialled over the interface.
    pub fn dialled(&self) -> BTreeMap<String, u64> {
        self.world().calls.dialled().clone()
    }

    /// Sets where an account sends its webhooks and what it signs them with, for calls that begin from now on.
    pub fn set_account_hook(&self, hook: &AccountHook) -> Result<(), ControlError> {
        let url = match hook.url.as_deref().map(calls::hook_url) {
            Some(None) => return Err(ControlError::NotLoopback),
            Some(Some(url)) => Some(url),
            None => None,
        };
        let mut world = self.world();
        let (index, _) = world.accounts.index_of(&hook.key)?;
        let account = world
            .accounts
            .account_mut(index)
            .ok_or(ControlError::UnknownKey)?;
        account.hook = url.map(|url| Hook {
            url,
            headers: Vec::new(),
            events: None,
        });
        if let Some(secret) = &hook.secret {
            account.webhook_secret = Some(secret.clone());
        }
        Ok(())
    }

    /// Makes webhooks go wrong.
    pub fn inject_webhook(&self, fault: WebhookFault) {
        self.world().webhooks.inject(fault);
    }

    /// Ends what goes wrong with webhooks; what is held back stays so.
    pub fn clear_webhook_faults(&self) {
        self.world().webhooks.clear_faults();
    }

    /// Sends the webhooks that were held back.
    pub fn release_webhooks(&self) {
        self.world().webhooks.release();
        self.shared().wake.notify_one();
    }

    /// What became of each webhook, in the order in which they were sent.
    pub fn sent_webhooks(&self) -> Vec<SentWebhook> {
        self.world().webhooks.sent()
    }

    /// Waits until every webhook is sent that is to be sent by now.
    pub async fn webhooks_settled(&self) {
        while !self.world().webhooks.is_settled(Instant::now()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
