//! What the sandbox's Vapi holds: accounts with assistants and phone numbers, the keys that open them, and a clock that
//! only writes move on. Lists are kept newest first, as Vapi gives them. It knows no HTTP.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};
use time::macros::{datetime, format_description};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::super::control::{ControlError, NewAccount, NewKey};
use super::super::request_log::last_four;
use super::{Refusal, Resource, sample};

/// When a fresh sandbox begins.
const BEGINNING: OffsetDateTime = datetime!(2026-11-20 16:00 UTC);

/// All accounts and keys.
#[derive(Debug)]
pub(in crate::sandbox) struct Accounts {
    accounts: Vec<Account>,
    keys: HashMap<String, Key>,
}

/// A key that is known.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) account: usize,
    /// The assistants that it may see; `None`: all.
    pub(super) visible: Option<Arc<HashSet<String>>>,
    pub(super) forbidden: Vec<Resource>,
    /// What it always gets instead of an answer.
    pub(super) standing: Option<Refusal>,
}

/// An organization at Vapi.
#[derive(Debug)]
pub(in crate::sandbox) struct Account {
    pub(super) org_id: String,
    /// Newest first.
    pub(super) assistants: VecDeque<Item>,
    /// Newest first.
    pub(super) numbers: VecDeque<Item>,
    now: OffsetDateTime,
    made: u64,
}

/// An assistant or a phone number.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    /// Everything but the id, the account and the times.
    pub(super) body: Map<String, Value>,
}

impl Item {
    /// The item as on the wire.
    pub(super) fn to_json(&self, org_id: &str) -> Value {
        let mut object = self.body.clone();
        object.insert("id".to_owned(), json!(self.id));
        object.insert("orgId".to_owned(), json!(org_id));
        object.insert("createdAt".to_owned(), json!(iso(self.created_at)));
        object.insert("updatedAt".to_owned(), json!(iso(self.updated_at)));
        Value::Object(object)
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).and_then(Value::as_str)
    }
}

impl Account {
    /// An empty account. The same name always gives the same ids.
    pub(super) fn new(name: &str) -> Account {
        Account {
            org_id: stable_id(&["account", name]),
            assistants: VecDeque::new(),
            numbers: VecDeque::new(),
            now: BEGINNING,
            made: 0,
        }
    }

    /// The account's time, a second later than at the write before.
    pub(super) fn tick(&mut self) -> OffsetDateTime {
        self.now += Duration::SECOND;
        self.now
    }

    /// An id that no other item has.
    pub(super) fn next_id(&mut self, kind: &str) -> String {
        self.made += 1;
        stable_id(&[kind, &self.org_id, &self.made.to_string()])
    }

    /// Adds an assistant as the newest one.
    pub(super) fn add_assistant(&mut self, body: Map<String, Value>) -> &Item {
        let at = self.tick();
        let id = self.next_id("assistant");
        self.assistants.push_front(Item {
            id,
            created_at: at,
            updated_at: at,
            body,
        });
        &self.assistants[0]
    }

    /// Adds made-up assistants as the newest ones.
    pub(in crate::sandbox) fn add_seeded(
        &mut self,
        count: usize,
        name_prefix: &str,
    ) -> Vec<String> {
        let first = self.made;
        (1..=count as u64)
            .map(|number| {
                let name = format!("{name_prefix} {:05}", first + number);
                self.add_assistant(sample::seeded_assistant(&name))
                    .id
                    .clone()
            })
            .collect()
    }

    pub(in crate::sandbox) fn remove_assistants(
        &mut self,
        ids: &[String],
    ) -> Result<(), ControlError> {
        let ids: HashSet<&String> = ids.iter().collect();
        if self
            .assistants
            .iter()
            .filter(|item| ids.contains(&item.id))
            .count()
            < ids.len()
        {
            return Err(ControlError::UnknownAssistant);
        }
        self.assistants.retain(|item| !ids.contains(&item.id));
        Ok(())
    }

    pub(in crate::sandbox) fn rename_assistant(
        &mut self,
        id: &str,
        name: &str,
    ) -> Result<(), ControlError> {
        let at = self.tick();
        let item = self
            .assistants
            .iter_mut()
            .find(|item| item.id == id)
            .ok_or(ControlError::UnknownAssistant)?;
        item.body.insert("name".to_owned(), json!(name));
        item.updated_at = at;
        Ok(())
    }

    pub(in crate::sandbox) fn assistant_ids(&self) -> Vec<String> {
        self.assistants.iter().map(|item| item.id.clone()).collect()
    }
}

impl Accounts {
    /// The accounts and keys of a fresh sandbox.
    pub(in crate::sandbox) fn with_samples() -> Accounts {
        let mut accounts = Accounts {
            accounts: Vec::new(),
            keys: HashMap::new(),
        };
        for account in sample::accounts() {
            accounts.accounts.push(account);
        }
        for (key, known) in sample::keys() {
            accounts.keys.insert(key.to_owned(), known);
        }
        accounts
    }

    pub(super) fn key(&self, key: &str) -> Option<&Key> {
        self.keys.get(key)
    }

    pub(super) fn account(&self, index: usize) -> Option<&Account> {
        self.accounts.get(index)
    }

    pub(super) fn account_by_index_mut(&mut self, index: usize) -> Option<&mut Account> {
        self.accounts.get_mut(index)
    }

    /// The account that a key opens.
    pub(in crate::sandbox) fn account_mut(
        &mut self,
        key: &str,
    ) -> Result<&mut Account, ControlError> {
        let index = self.keys.get(key).ok_or(ControlError::UnknownKey)?.account;
        self.accounts.get_mut(index).ok_or(ControlError::UnknownKey)
    }

    pub(in crate::sandbox) fn seed(&mut self, new: &NewAccount) -> Result<String, ControlError> {
        self.check_new_key(&new.key)?;
        let mut account = Account::new(&new.key);
        let spacing = if new.same_timestamp {
            Duration::ZERO
        } else {
            Duration::MINUTE
        };
        let mut at = BEGINNING;
        for number in (1..=new.assistants).rev() {
            let id = account.next_id("assistant");
            let body = sample::seeded_assistant(&format!("Seeded agent {number:05}"));
            account.assistants.push_back(Item {
                id,
                created_at: at,
                updated_at: at,
                body,
            });
            at -= spacing;
        }
        at = BEGINNING;
        for number in (1..=new.phone_numbers).rev() {
            let id = account.next_id("phone-number");
            let attached = account
                .assistants
                .get(number - 1)
                .filter(|_| number % 2 == 0);
            let body = sample::seeded_number(number, attached.map(|item| item.id.as_str()));
            account.numbers.push_back(Item {
                id,
                created_at: at,
                updated_at: at,
                body,
            });
            at -= spacing;
        }
        let org_id = account.org_id.clone();
        let index = self.accounts.len();
        self.accounts.push(account);
        self.keys.insert(new.key.clone(), Key::full(index));
        Ok(org_id)
    }

    pub(in crate::sandbox) fn add_key(&mut self, new: &NewKey) -> Result<(), ControlError> {
        self.check_new_key(&new.key)?;
        let index = self
            .keys
            .get(&new.same_account_as)
            .ok_or(ControlError::UnknownKey)?
            .account;
        let visible = new.visible_assistants.map(|count| {
            let newest = self
                .accounts
                .get(index)
                .into_iter()
                .flat_map(|account| &account.assistants);
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

    pub(in crate::sandbox) fn revoke_key(&mut self, key: &str) -> Result<(), ControlError> {
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

    pub(in crate::sandbox) fn overview(&self) -> Value {
        let accounts = self.accounts.iter().enumerate().map(|(index, account)| {
            let mut keys: Vec<String> = self
                .keys
                .iter()
                .filter(|(_, key)| key.account == index)
                .map(|(key, _)| last_four(key))
                .collect();
            keys.sort();
            json!({
                "provider": "vapi",
                "accountId": account.org_id,
                "assistants": account.assistants.len(),
                "phoneNumbers": account.numbers.len(),
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

/// ISO 8601 with milliseconds, as Vapi writes it.
pub(super) fn iso(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(format).unwrap_or_default()
}
