//! The integration tests: one binary, one module per noun. Each test gets an application of its own (see `harness`),
//! reached over HTTP like any client. A test's doc comment names the rule that it proves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod harness;

mod api_keys;
mod audit;
mod authorization;
mod bland;
mod calls;
mod clients;
mod concurrency;
mod edge;
mod email;
mod health;
mod housekeeping;
mod installation;
mod keys;
mod lists;
mod placing;
mod portal;
mod process;
mod replicas;
mod retell;
mod routing;
mod rules;
mod schema;
mod secrets;
mod session;
mod socket;
mod start;
mod sync;
mod webhooks;
