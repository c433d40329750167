//! What a provider is to the sandbox apart from its routes: how it takes a key, how it refuses, what its sample accounts
//! hold and what a made-up agent or number of it looks like. One implementation per provider's folder, listed here.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde_json::Value;
use time::OffsetDateTime;

use crate::clock::Timestamp;
use crate::providers::ProviderKind;

use super::SampleKey;
use super::accounts::{Account, Item, Key, Resource};
use super::calls::{Call, Hook};
use super::{bland, retell, vapi};

/// How one provider speaks.
pub(super) trait Dialect: Send + Sync + fmt::Debug {
    /// Which provider it is.
    fn kind(&self) -> ProviderKind;

    /// The key of a request, if it has one in the form that the provider wants.
    fn key(&self, headers: &HeaderMap) -> Option<String>;

    /// An error as the provider answers it, with its usual text for the status or with another one.
    fn refusal(&self, status: StatusCode, text: Option<&str>) -> Response;

    /// What a request without a key gets.
    fn refusal_without_key(&self) -> Response;

    /// What a request is about, from its path below the provider's prefix.
    fn resource(&self, path: &str) -> Option<Resource>;

    /// Whether a route lists something: lists can be made slow. The route is as the router has it, prefix included.
    fn is_list(&self, method: &Method, route: &str) -> bool;

    /// The accounts and keys of a fresh sandbox.
    fn samples(&self) -> Samples;

    /// Adds a made-up agent as the newest one and returns its id.
    fn add_agent(&self, account: &mut Account, name: &str, at: OffsetDateTime) -> String;

    /// Adds a made-up phone number as the newest one: the `number`th of its account.
    fn add_number(
        &self,
        account: &mut Account,
        number: usize,
        answered_by: Option<&str>,
        at: OffsetDateTime,
    );

    /// Gives an agent another name.
    fn rename_agent(&self, agent: &mut Item, name: &str);

    /// The id of a new call, made of a UUID that no other item has and of its place among the account's calls.
    fn call_id(&self, uuid: &str, ordinal: u64) -> String;

    /// Where an agent's own setting sends the events of its calls.
    fn agent_hook(&self, account: &Account, agent: Option<&str>) -> Option<Hook>;

    /// The events that the provider tells of a call that has just entered its step, each with its body.
    fn call_events(&self, account: &Account, call: &Call, now: Timestamp) -> Vec<(String, Value)>;

    /// The header with the signature over a webhook, if the provider signs.
    fn signature(
        &self,
        secret: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Option<(&'static str, String)>;

    /// What a fresh account signs its webhooks with, whose first key this is.
    fn first_webhook_secret(&self, key: &str) -> Option<String>;

    /// How often a webhook that was not taken is sent again.
    fn webhook_retries(&self) -> u32;
}

/// What a fresh sandbox knows of a provider.
pub(super) struct Samples {
    pub(super) accounts: Vec<Account>,
    /// The keys; each names its account by its place in `accounts`.
    pub(super) keys: Vec<(&'static str, Key)>,
}

/// Every provider that the sandbox speaks.
pub(super) const DIALECTS: &[&dyn Dialect] = &[&vapi::Vapi, &retell::Retell, &bland::Bland];

/// The sample keys of every provider, those of one provider in the order in which they are worth trying.
pub(super) const SAMPLE_KEYS: &[&[SampleKey]] =
    &[vapi::SAMPLE_KEYS, retell::SAMPLE_KEYS, bland::SAMPLE_KEYS];

/// The dialect of a provider.
pub(super) fn dialect(kind: ProviderKind) -> Option<&'static dyn Dialect> {
    DIALECTS
        .iter()
        .copied()
        .find(|dialect| dialect.kind() == kind)
}

/// The key of a request that carries it after the word `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim().to_owned())
}
