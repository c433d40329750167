//! Vapi's client against the sandbox; what every client must do stands in `providers/clients_tests.rs`.

mod accounts;
mod validation;

use super::Vapi;
use crate::providers::bench::{self, KEY};

type Bench = bench::Bench<Vapi>;
