//! Bland's client against the sandbox; what every client must do stands in `providers/clients_tests.rs`.

mod accounts;
mod numbers;
mod validation;

use serde_json::json;

use super::{Bland, post};
use crate::providers::Target;
use crate::providers::bench::{self, KEY};
use crate::sandbox::{Effect, Fault};

type Bench = bench::Bench<Bland>;

/// Makes v2 agents in the account of [`KEY`], which have no version yet.
async fn create_agents(bench: &Bench, count: usize) {
    bench
        .ask(KEY, async |target: &Target<'_>| {
            for number in 1..=count {
                let body = json!({ "name": format!("Agent {number:04}") });
                let answer = post(target, "/v2/agents", &["v2", "agents"], &body).await;
                assert_eq!(answer.unwrap().status, 201);
            }
        })
        .await;
}

/// A status with a text of its own.
fn told(status: u16, text: &str) -> Fault {
    Fault::new(Effect::Status {
        status,
        message: Some(text.to_owned()),
        retry_after: None,
    })
}
