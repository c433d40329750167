//! A3, P1, P6: what each scope lets a key do, written down apart from the product's own table, and asked of every root field.

use ringfence::access::{
    Permission::{
        self, ManageKeys, PlaceCalls, UseAgents, ViewAgents, ViewAlerts, ViewCallCosts, ViewCalls,
        ViewKeyDetails, ViewKeyStatus,
    },
    Role, Scope,
    policy::{Need, Policy, SCOPE_GRANTS, Use},
};
use serde_json::Value;

use super::{ask, generate};
use crate::{
    authorization::contract::{Argument, Contract},
    harness::{Settings, TestApp},
};

/// Scope, what it looks at, and what it changes.
const TABLE: &[(Scope, &str, &[Permission], &[Permission])] = &[
    (
        Scope::Read,
        "READ",
        &[
            ViewKeyStatus,
            ViewAgents,
            UseAgents,
            ViewCalls,
            ViewCallCosts,
            ViewAlerts,
        ],
        &[],
    ),
    (
        Scope::CallsTrigger,
        "CALLS_TRIGGER",
        &[PlaceCalls],
        &[PlaceCalls],
    ),
    (
        Scope::AgentsManage,
        "AGENTS_MANAGE",
        &[ViewAgents, UseAgents],
        &[UseAgents],
    ),
    (
        Scope::KeysManage,
        "KEYS_MANAGE",
        &[ViewKeyStatus, ViewKeyDetails, ManageKeys],
        &[ViewKeyStatus, ManageKeys],
    ),
];

/// What no key does, whatever its scopes.
const NEVER: &[&str] = &[
    "viewer",
    "agencies",
    "setUp",
    "logIn",
    "logOut",
    "logOutEverywhere",
    "redeemLogInLink",
    "keyHandIns",
    "clientIntegrations",
    "handInProviderKey",
    "acceptKeyHandIn",
    "declineKeyHandIn",
];

/// A3: the product's table of scopes is this one, and none holds what is for people alone.
#[test]
fn each_scope_may_what_the_rule_says() {
    assert_eq!(SCOPE_GRANTS.len(), TABLE.len());
    assert_eq!(Scope::ALL.len(), TABLE.len());
    let everything = ringfence::access::policy::GRANTS
        .iter()
        .map(|(permission, _)| *permission);
    for permission in everything {
        for (scope, _, reads, writes) in TABLE {
            assert_eq!(
                scope.allows(permission, Use::Read),
                reads.contains(&permission),
                "{scope:?} {permission:?}"
            );
            assert_eq!(
                scope.allows(permission, Use::Write),
                writes.contains(&permission),
                "{scope:?} {permission:?}"
            );
        }
    }
}

/// A value that an argument of this type takes.
fn value(contract: &Contract, kind: &str) -> String {
    if let Some(values) = contract.enums.get(kind) {
        return values[0].clone();
    }
    if let Some(fields) = contract.inputs.get(kind) {
        return format!("{{ {} }}", arguments(contract, fields));
    }
    match kind {
        "Int" => "1".to_owned(),
        "Boolean" => "true".to_owned(),
        _ => "\"x\"".to_owned(),
    }
}

/// The arguments that have to be there.
fn arguments(contract: &Contract, all: &[Argument]) -> String {
    let required = all.iter().filter(|argument| argument.is_required);
    let written: Vec<String> = required
        .map(|argument| {
            let value = value(contract, &argument.kind);
            let is_list = ["scopes", "events", "permissions"].contains(&argument.name.as_str());
            let value = if is_list { format!("[{value}]") } else { value };
            format!("{}: {value}", argument.name)
        })
        .collect();
    written.join(", ")
}

/// A3, A4: with each scope, and with all of them, each root field is refused or reached as the table says, for a key of an
/// owner. No use case is reached without its guard.
#[tokio::test]
async fn each_root_field_answers_each_scope_as_the_table_says() {
    let app = TestApp::with(Settings {
        api_requests: Some("agency=100000"),
        api_requests_of_agency: Some("agency=100000"),
        is_without_jobs: true,
        ..Settings::default()
    })
    .await;
    let owner = app.user(Role::Owner).await;
    let contract = Contract::read();
    let all: Vec<&str> = TABLE.iter().map(|(_, name, ..)| *name).collect();
    let mut keys = Vec::new();
    for row in TABLE {
        keys.push((vec![row], generate(&owner, row.1, &[row.1]).await.1));
    }
    keys.push((
        TABLE.iter().collect(),
        generate(&owner, "All", &all).await.1,
    ));
    let mut wrong = Vec::new();
    let mut refusals = 0;
    for (rows, secret) in &keys {
        for root in ["Query", "Mutation"] {
            for field in &contract.objects[root] {
                let need = Policy::standard().need(root, &field.name).unwrap();
                let may = match need {
                    _ if NEVER.contains(&field.name.as_str()) => false,
                    Need::Public | Need::LoggedIn => true,
                    Need::May(permission) => rows.iter().any(|(_, _, reads, writes)| {
                        let granted = if root == "Query" { reads } else { writes };
                        granted.contains(&permission)
                    }),
                };
                let written = arguments(&contract, &field.arguments);
                let written = if written.is_empty() {
                    written
                } else {
                    format!("({written})")
                };
                let selection = if contract.is_object(&field.kind) {
                    "{ __typename }"
                } else {
                    ""
                };
                let document = format!(
                    "{} {{ {}{written} {selection} }}",
                    root.to_lowercase(),
                    field.name
                );
                let heard = ask(&app, secret, &document).await;
                let code = heard.body["errors"][0]["extensions"]["code"].clone();
                let is_refused = code == "MISSING_SCOPE" || code == "FORBIDDEN";
                refusals += usize::from(is_refused);
                if is_refused == may
                    || (is_refused && heard.status != 403)
                    || code == "QUERY_REFUSED"
                {
                    wrong.push(format!("{document} with {:?}: {}", rows.len(), heard.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refusals > 150, "{refusals}");
    assert_eq!(app.app.guard_alarm.count(), 0);
}

/// A3, K7: a key with `read` sees that provider keys work and nothing of them, whatever its creator sees.
#[tokio::test]
async fn reading_shows_nothing_of_a_provider_key() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    owner.import(&app).await;
    let query = "{ providerKeys { nodes { health maskedKey } } }";
    for (scopes, is_shown) in [(&["READ"][..], false), (&["KEYS_MANAGE"][..], true)] {
        let (_, secret) = generate(&owner, "Default", scopes).await;
        let heard = ask(&app, &secret, query).await;
        assert_eq!(heard.status, 200);
        let key = &heard.body["data"]["providerKeys"]["nodes"][0];
        assert_eq!(key["health"], "VALID");
        assert_eq!(key["maskedKey"] != Value::Null, is_shown, "{}", heard.text);
    }
}

/// A3, P4: what a client's people hand in is looked at by people: a key is refused before anybody asks whether it is there.
#[tokio::test]
async fn no_key_looks_at_what_was_handed_in() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Keys", &["KEYS_MANAGE"]).await;
    let query = "mutation { previewProviderKey(input: { provider: VAPI, keyHandInId: \"any\" }) { preview { relation } } }";
    let refused = ask(&app, &secret, query).await;
    assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"));
    let told = admin.query(query).await;
    assert_eq!(told.code(), "NOT_FOUND");
}

/// A3: what the schema says of a scope names all that it starts: `agents:manage` makes agents in accounts, by placements too.
#[test]
fn the_schema_says_that_managing_agents_starts_placements() {
    let schema = ringfence::graphql::sdl();
    let (before, _) = schema.split_once("\tAGENTS_MANAGE\n").unwrap();
    let (_, description) = before
        .trim_end()
        .trim_end_matches("\"\"\"")
        .rsplit_once("\"\"\"")
        .unwrap();
    assert!(description.contains("starts placements"), "{description}");
    assert!(Scope::AgentsManage.allows(UseAgents, Use::Write));
    let need = Policy::standard().need("Mutation", "startPlacementRun");
    assert_eq!(need, Some(Need::May(UseAgents)));
}
