//! The typed side of `/__control`: seeds accounts, changes what they hold, injects faults, reads the request log.
//! Tests and the demo use it in process; `control_api` is the same over HTTP. It must not know a wire format.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::providers::ProviderKind;

use super::accounts::Resource;
use super::fault::Fault;
use super::request_log::{LoggedRequest, last_four};
use super::{Shared, World};

/// More would only fill the memory.
const MAX_ITEMS: usize = 100_000;

/// The handle that changes a running sandbox. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

/// An account to make up.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccount {
    /// At which provider.
    #[serde(default = "vapi")]
    pub provider: ProviderKind,
    /// The key that opens it; none that is known already.
    pub key: String,
    /// How many agents it has.
    #[serde(default)]
    pub agents: usize,
    /// How many phone numbers it has; each second one is attached to an agent.
    #[serde(default)]
    pub phone_numbers: usize,
    /// All made at the same instant, instead of a minute apart.
    #[serde(default)]
    pub same_timestamp: bool,
}

impl NewAccount {
    /// A Vapi account with so many agents and nothing else.
    pub fn vapi(key: &str, agents: usize) -> NewAccount {
        NewAccount::of(ProviderKind::Vapi, key, agents)
    }

    /// An account with so many agents and nothing else.
    pub fn of(provider: ProviderKind, key: &str, agents: usize) -> NewAccount {
        NewAccount {
            provider,
            key: key.to_owned(),
            agents,
            phone_numbers: 0,
            same_timestamp: false,
        }
    }

    /// With so many phone numbers.
    #[must_use]
    pub fn phone_numbers(mut self, count: usize) -> NewAccount {
        self.phone_numbers = count;
        self
    }

    /// With all items made at the same instant.
    #[must_use]
    pub fn same_timestamp(mut self) -> NewAccount {
        self.same_timestamp = true;
        self
    }
}

/// A further key of an account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// The key; none that is known already.
    pub key: String,
    /// A known key of the account that it opens.
    pub same_account_as: String,
    /// It sees only so many agents, the newest ones; the others answer 403.
    #[serde(default)]
    pub visible_agents: Option<usize>,
    /// What it may not use at all; such requests answer 403.
    #[serde(default)]
    pub forbidden: Vec<Resource>,
}

fn vapi() -> ProviderKind {
    ProviderKind::Vapi
}

/// Why the sandbox did not do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No account is opened by this key.
    #[error("no account is opened by this key")]
    UnknownKey,
    /// The key opens an account already.
    #[error("this key opens an account already")]
    KeyTaken,
    /// An empty key.
    #[error("a key has at least one character")]
    EmptyKey,
    /// There is no such agent in the account.
    #[error("there is no such agent in this account")]
    UnknownAgent,
    /// There is no such call, or it is over.
    #[error("there is no such call, or it is over")]
    UnknownCall,
    /// An address beyond this machine.
    #[error("webhooks go to this machine only: use 127.0.0.1 or localhost")]
    NotLoopback,
    /// There is no such fault.
    #[error("there is no such fault")]
    UnknownFault,
    /// The sandbox does not speak this provider's wire format yet.
    #[error("the sandbox does not speak this provider's wire format")]
    NotSpoken,
    /// More items than the sandbox makes up.
    #[error("at most 100,000 items at a time")]
    TooMany,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Control {
        Control { shared }
    }

    /// Makes up an account and returns the provider's id of it.
    pub fn add_account(&self, account: &NewAccount) -> Result<String, ControlError> {
        if account.agents.max(account.phone_numbers) > MAX_ITEMS {
            return Err(ControlError::TooMany);
        }
        self.world().accounts.seed(account)
    }

    /// Makes up a further key of an account.
    pub fn add_key(&self, key: &NewKey) -> Result<(), ControlError> {
        self.world().accounts.add_key(key)
    }

    /// Makes a key unknown, as if it had been revoked in the provider's dashboard.
    pub fn revoke_key(&self, key: &str) -> Result<(), ControlError> {
        self.world().accounts.revoke_key(key)
    }

    /// Adds agents to an account, newer than all others, and returns their ids.
    pub fn add_agents(
        &self,
        key: &str,
        count: usize,
        name_prefix: &str,
    ) -> Result<Vec<String>, ControlError> {
        if count > MAX_ITEMS {
            return Err(ControlError::TooMany);
        }
        self.world().accounts.add_agents(key, count, name_prefix)
    }

    /// Deletes agents; all of them or, when one is unknown, none.
    pub fn remove_agents(&self, key: &str, ids: &[String]) -> Result<(), ControlError> {
        self.world().accounts.remove_agents(key, ids)
    }

    /// Renames an agent.
    pub fn rename_agent(&self, key: &str, id: &str, name: &str) -> Result<(), ControlError> {
        self.world().accounts.rename_agent(key, id, name)
    }

    /// The ids of an account's agents, the newest first.
    pub fn agent_ids(&self, key: &str) -> Result<Vec<String>, ControlError> {
        self.world().accounts.agent_ids(key)
    }

    /// Puts a fault in force and returns its id.
    pub fn inject(&self, fault: Fault) -> u64 {
        self.world().faults.add(fault)
    }

    /// Ends one fault.
    pub fn remove_fault(&self, id: u64) -> Result<(), ControlError> {
        if self.world().faults.remove(id) {
            Ok(())
        } else {
            Err(ControlError::UnknownFault)
        }
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// Makes every page of every list take so long.
    pub fn set_page_delay(&self, delay: Duration) {
        self.world().page_delay = delay;
    }

    /// Makes every request that is no list take so long.
    pub fn set_read_delay(&self, delay: Duration) {
        self.world().read_delay = delay;
    }

    /// The last 10,000 requests, the oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.world().log.requests()
    }

    /// How often each route was asked, such as `GET /vapi/assistant/{id}`.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.world().log.counts()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.world().log.clear();
    }

    /// Everything back to the beginning: sample accounts, no calls, no faults, no delay, an empty log.
    pub fn reset(&self) {
        let mut world = self.world();
        let wake = world.wake.clone();
        let log = std::mem::take(&mut world.log);
        *world = World::new(wake);
        world.log = log;
        world.log.clear();
    }

    /// What there is, for `GET /__control`.
    pub(super) fn overview(&self) -> Value {
        let world = self.world();
        json!({
            "pageDelayMs": u64::try_from(world.page_delay.as_millis()).unwrap_or(u64::MAX),
            "readDelayMs": u64::try_from(world.read_delay.as_millis()).unwrap_or(u64::MAX),
            "faultCount": world.faults.active().len(),
            "requestCount": world.log.counts().values().sum::<u64>(),
            "accounts": world.accounts.overview(),
        })
    }

    /// The faults in force, for `GET /__control/faults`; keys by their last four characters.
    pub(super) fn faults(&self) -> Value {
        let world = self.world();
        let faults = world.faults.active().iter().map(|active| {
            json!({
                "id": active.id,
                "key": active.fault.key.as_deref().map(last_four),
                "method": active.fault.method,
                "path": active.fault.path,
                "after": active.fault.after,
                "times": active.fault.times,
                "effect": active.fault.effect,
                "struck": active.struck(),
            })
        });
        Value::Array(faults.collect())
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.shared.world()
    }
}
