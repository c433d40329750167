//! What the demo tells people: who can log in and which keys its provider sandbox knows. Only `ringfence demo` makes one,
//! and it listens on this machine only (H6).

use crate::{access::Role, sandbox::SampleKey};

/// What the log-in page and the API keys page show in the demo.
#[derive(Clone, Debug)]
pub struct DemoInfo {
    /// Who can log in.
    pub log_ins: Vec<DemoLogIn>,
    /// Keys that the sandbox knows.
    pub sample_keys: &'static [SampleKey],
}

/// Somebody who can log in to the demo.
#[derive(Clone, Debug)]
pub struct DemoLogIn {
    /// Log-in name.
    pub email: &'static str,
    /// Shown to others.
    pub name: &'static str,
    /// Not secret: the demo listens on this machine only.
    pub password: &'static str,
    /// What this person is in the demo agency.
    pub role: Role,
}

/// Name of the demo's agency.
pub const DEMO_AGENCY: &str = "Northside Voice";

/// The demo's people.
pub const DEMO_LOG_INS: [DemoLogIn; 3] = [
    DemoLogIn {
        email: "owner@demo.test",
        name: "Olivia Hart",
        password: "demo-owner-password",
        role: Role::Owner,
    },
    DemoLogIn {
        email: "admin@demo.test",
        name: "Amir Haddad",
        password: "demo-admin-password",
        role: Role::Admin,
    },
    DemoLogIn {
        email: "staff@demo.test",
        name: "Sam Okafor",
        password: "demo-staff-password",
        role: Role::Staff,
    },
];
