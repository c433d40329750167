//! Retell's client against the sandbox; what every client must do stands in `providers/clients_tests.rs`.

mod accounts;
mod details;
mod validation;

use super::Retell;
use crate::providers::bench::{self, KEY};

type Bench = bench::Bench<Retell>;
