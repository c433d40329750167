//! What the sandbox's providers hold: accounts with agents, phone numbers and whatever else a provider keeps apart, the
//! keys that open them, and a clock that only writes move on. Lists are kept newest first. It knows no HTTP and no wire
//! format: what an item's body is, its provider's module says.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::providers::ProviderKind;

use super::calls::{Call, Hook};
use super::control::{ControlError, NewAccount, NewKey};
use super::dialect::{DIALECTS, Dialect, dialect};
use super::request_log::last_four;

/// When a fresh sandbox begins.
pub(super) const BEGINNING: OffsetDateTime = datetime!(2026-11-20 16:00 UTC);

/// All accounts and keys.
#[derive(Debug)]
pub(super) struct Accounts {
    accounts: Vec<Account>,
    keys: HashMap<String, Key>,
}

/// A part of a provider's interface that a key may be kept from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Listing, reading and changing agents.
    Agents,
    /// Listing, reading and changing phone numbers.
    PhoneNumbers,
    /// Listing calls.
    Calls,
}

/// What a key always gets instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) status: StatusCode,
    /// Seconds of a `Retry-After` header.
    pub(super) retry_after: Option<&'static str>,
}

/// A key that is known.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) account: usize,
    /// The agents that it may see; `None`: all.
    pub(super) visible: Option<Arc<HashSet<String>>>,
    pub(super) forbidden: Vec<Resource>,
    pub(super) standing: Option<Standing>,
}

/// An account at a provider.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) provider: ProviderKind,
    /// The provider's id of it.
    pub(super) remote_id: String,
    /// Newest first.
    pub(super) agents: VecDeque<Item>,
    /// Newest first.
    pub(super) numbers: VecDeque<Item>,
    /// What the provider keeps apart from both, such as Retell's language models; newest first.
    pub(super) others: BTreeMap<&'static str, VecDeque<Item>>,
    /// Newest first.
    pub(super) calls: VecDeque<Call>,
    /// Where the account sends the events of calls whose agent says nothing of it.
    pub(super) hook: Option<Hook>,
    /// What webhooks are signed with.
    pub(super) webhook_secret: Option<String>,
    now: OffsetDateTime,
    made: u64,
}

/// An agent, a phone number, or something else of an account.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    /// Everything but the id, the account and the times.
    pub(super) body: Map<String, Value>,
}

impl Item {
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).and_then(Value::as_str)
    }
}

impl Account {
    /// An empty account. The same provider and name always give the same ids.
    pub(super) fn new(provider: ProviderKind, name: &str) -> Account {
        Account {
            provider,
            remote_id: stable_id(&["account", provider.as_str(), name]),
            agents: VecDeque::new(),
            numbers: VecDeque::new(),
            others: BTreeMap::new(),
            calls: VecDeque::new(),
            hook: None,
            webhook_secret: None,
            now: BEGINNING,
            made: 0,
        }
    }

    /// The account's time, a second later than at the write before.
    pub(super) fn tick(&mut self) -> OffsetDateTime {
        self.now += Duration::SECOND;
        self.now
    }

    /// A UUID that no other item has.
    pub(super) fn next_id(&mut self, kind: &str) -> String {
        self.made += 1;
        stable_id(&[kind, &self.remote_id, &self.made.to_string()])
    }

    /// The account's first key may be what its webhooks are signed with.
    fn sign_first_with(&mut self, dialect: &dyn Dialect, key: &str) {
        if self.webhook_secret.is_none() {
            self.webhook_secret = dialect.first_webhook_secret(key);
        }
    }

    /// Adds made-up agents as the newest ones.
    fn add_seeded(&mut self, dialect: &dyn Dialect, count: usize, prefix: &str) -> Vec<String> {
        let first = self.agents.len();
        (1..=count)
            .map(|number| {
                let at = self.tick();
                dialect.add_agent(self, &format!("{prefix} {:05}", first + number), at)
            })
            .collect()
    }

    fn remove_agents(&mut self, ids: &[String]) -> Result<(), ControlError> {
        let ids: HashSet<&String> = ids.iter().collect();
        let known = self.agents.iter().filter(|item| ids.contains(&item.id));
        if known.count() < ids.len() {
            return Err(ControlError::UnknownAgent);
        }
        self.agents.retain(|item| !ids.contains(&item.id));
        Ok(())
    }
}

impl Accounts {
    /// The accounts and keys of a fresh sandbox.
    pub(super) fn with_samples() -> Accounts {
        let mut accounts = Accounts {
            accounts: Vec::new(),
            keys: HashMap::new(),
        };
        for dialect in DIALECTS {
            let samples = dialect.samples();
            let first = accounts.accounts.len();
            accounts.accounts.extend(samples.accounts);
            for (key, known) in samples.keys {
                let account = first + known.account;
                if let Some(opened) = accounts.accounts.get_mut(account) {
                    opened.sign_first_with(*dialect, key);
                }
                accounts
                    .keys
                    .insert(key.to_owned(), Key { account, ..known });
            }
        }
        accounts
    }

    /// What is known of a key of this provider.
    pub(super) fn key(&self, provider: ProviderKind, key: &str) -> Option<&Key> {
        self.keys.get(key).filter(|known| {
            self.account(known.account)
                .is_some_and(|account| account.provider == provider)
        })
    }

    /// Every account, in the order of their indexes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The index of the account that a key opens, with its provider's dialect.
    pub(super) fn index_of(
        &self,
        key: &str,
    ) -> Result<(usize, &'static dyn Dialect), ControlError> {
        let index = self.keys.get(key).ok_or(ControlError::UnknownKey)?.account;
        let account = self.account(index).ok_or(ControlError::UnknownKey)?;
        let dialect = dialect(account.provider).ok_or(ControlError::NotSpoken)?;
        Ok((index, dialect))
    }

    pub(super) fn account(&self, index: usize) -> Option<&Account> {
        self.accounts.get(index)
    }

    pub(super) fn account_mut(&mut self, index: usize) -> Option<&mut Account> {
        self.accounts.get_mut(index)
    }

    /// The account that a key opens, with its provider's dialect.
    fn opened_by(
        &mut self,
        key: &str,
    ) -> Result<(&mut Account, &'static dyn Dialect), ControlError> {
        let index = self.keys.get(key).ok_or(ControlError::UnknownKey)?.account;
        let account = self
            .accounts
            .get_mut(index)
            .ok_or(ControlError::UnknownKey)?;
        let dialect = dialect(account.provider).ok_or(ControlError::NotSpoken)?;
        Ok((account, dialect))
    }

    pub(super) fn add_agents(
        &mut self,
        key: &str,
        count: usize,
        prefix: &str,
    ) -> Result<Vec<String>, ControlError> {
        let (account, dialect) = self.opened_by(key)?;
        Ok(account.add_seeded(dialect, count, prefix))
    }

    pub(super) fn remove_agents(&mut self, key: &str, ids: &[String]) -> Result<(), ControlError> {
        self.opened_by(key)?.0.remove_agents(ids)
    }

    pub(super) fn rename_agent(
        &mut self,
        key: &str,
        id: &str,
        name: &str,
    ) -> Result<(), ControlError> {
        let (account, dialect) = self.opened_by(key)?;
        let at = account.tick();
        let item = account.agents.iter_mut().find(|item| item.id == id);
        let item = item.ok_or(ControlError::UnknownAgent)?;
        dialect.rename_agent(item, name);
        item.updated_at = at;
        Ok(())
    }

    pub(super) fn agent_ids(&mut self, key: &str) -> Result<Vec<String>, ControlError> {
        let (account, _) = self.opened_by(key)?;
        Ok(account.agents.iter().map(|item| item.id.clone()).collect())
    }

    pub(super) fn seed(&mut self, new: &NewAccount) -> Result<String, ControlError> {
        self.check_new_key(&new.key)?;
        let dialect = dialect(new.provider).ok_or(ControlError::NotSpoken)?;
        let mut account = Account::new(new.provider, &new.key);
        let spacing = if new.same_timestamp {
            Duration::ZERO
        } else {
            Duration::MINUTE
        };
        let age = |number: usize, count: usize| {
            spacing * i32::try_from(count - number).unwrap_or(i32::MAX)
        };
        // Oldest first, because each new item comes to the front of its list.
        let mut ids = Vec::with_capacity(new.agents);
        for number in 1..=new.agents {
            let at = BEGINNING - age(number, new.agents);
            let name = format!("Seeded agent {number:05}");
            ids.push(dialect.add_agent(&mut account, &name, at));
        }
        for number in 1..=new.phone_numbers {
            let at = BEGINNING - age(number, new.phone_numbers);
            let answered_by = ids.get(number - 1).filter(|_| number % 2 == 0);
            dialect.add_number(&mut account, number, answered_by.map(String::as_str), at);
        }
        account.sign_first_with(dialect, &new.key);
        let remote_id = account.remote_id.clone();
        let index = self.accounts.len();
        self.accounts.push(account);
        self.keys.insert(new.key.clone(), Key::full(index));
        Ok(remote_id)
    }

    pub(super) fn add_key(&mut self, new: &NewKey) -> Result<(), ControlError> {
        self.check_new_key(&new.key)?;
        let index = self
            .keys
            .get(&new.same_account_as)
            .ok_or(ControlError::UnknownKey)?
            .account;
        let visible = new.visible_agents.map(|count| {
            let newest = self
                .accounts
                .get(index)
                .into_iter()
                .flat_map(|account| &account.agents);
            Arc::new(newest.take(count).map(|item| item.id.clone()).collect())
        });
        let key = Key {
            visible,
            forbidden: new.forbidden.clone(),
            ..Key::full(index)
        };
        self.keys.insert(new.key.clone(), key);
        Ok(())
    }

    pub(super) fn revoke_key(&mut self, key: &str) -> Result<(), ControlError> {
        self.keys
            .remove(key)
            .map(|_| ())
            .ok_or(ControlError::UnknownKey)
    }

    fn check_new_key(&self, key: &str) -> Result<(), ControlError> {
        if key.is_empty() {
            Err(ControlError::EmptyKey)
        } else if self.keys.contains_key(key) {
            Err(ControlError::KeyTaken)
        } else {
            Ok(())
        }
    }

    pub(super) fn overview(&self) -> Value {
        let accounts = self.accounts.iter().enumerate().map(|(index, account)| {
            let mut keys: Vec<String> = self
                .keys
                .iter()
                .filter(|(_, key)| key.account == index)
                .map(|(key, _)| last_four(key))
                .collect();
            keys.sort();
            json!({
                "provider": account.provider,
                "accountId": account.remote_id,
                "agents": account.agents.len(),
                "phoneNumbers": account.numbers.len(),
                "calls": account.calls.len(),
                "keys": keys,
            })
        });
        Value::Array(accounts.collect())
    }
}

impl Key {
    /// A key that may do everything in its account.
    pub(super) fn full(account: usize) -> Key {
        Key {
            account,
            visible: None,
            forbidden: Vec::new(),
            standing: None,
        }
    }
}

/// A UUID that depends on nothing but the parts.
pub(super) fn stable_id(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    Uuid::from_u128(
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .as_u128(),
    )
    .to_string()
}
