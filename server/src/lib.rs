//! Ringfence is a bring-your-own-key control plane for voice-AI agencies. This is the ten-minute tour, in reading order;
//! imports run downward only.
//!
//! 1. **Base**: [`config`] the settings, [`error`] the one error type, [`clock`] the time, [`id`] the ids.
//! 2. **Ground**: [`access`] who may, with the one table in [`access::policy`]; [`vault`] seals keys; [`providers`] speaks
//!    the providers' wire formats; [`jobs`] runs durable work; `store` holds all SQL; [`audit`] the chained log.
//! 3. **Use cases**: `keys` saves, tests and clears provider keys; `sync` imports accounts; `placing` makes agents where
//!    they are missing; [`health`] how keys fare; `alerts` and `webhooks` who is told; [`accounts`] people and log-in.
//! 4. **Edge**: [`graphql`] and [`http`] turn requests into use cases and hold no rule.
//! 5. Beside them: [`sandbox`] plays the providers for the demo, the tests and anyone's trials; [`demo`] says who can log
//!    in there; [`app`] ties everything together.
//!
//! A good first walk: `graphql::provider_key` → `keys::save` → `providers::vapi` → `vault` → `sync::run`.
#![recursion_limit = "256"]

pub mod access;
pub mod accounts;
mod alerts;
pub mod api_keys;
pub mod app;
pub mod audit;
mod calls;
mod clients;
pub mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod error;
pub mod graphql;
pub mod health;
pub mod http;
pub mod id;
pub mod jobs;
mod keys;
mod limits;
mod placing;
mod portal;
pub mod providers;
mod routing;
pub mod sandbox;
pub mod store;
mod sync;
pub mod vault;
mod webhooks;
