//! The access test (P1, P5, P6; architecture 5): every field of the schema is asked for by everybody, and the answers
//! are held against P1 as it is written down in `expected`, apart from the product's own table.

mod absent;
mod arguments;
pub(crate) mod contract;
mod expected;
mod removal;
mod walk;
mod world;

use std::{collections::BTreeMap, fmt::Write as _};

use ringfence::{
    access::{
        Permission, PortalPermission, Role,
        policy::{self, Need},
    },
    accounts::admin::{self, Plan},
    http,
};
use serde_json::json;

use crate::harness::{PASSWORD, TestApp, TestClient};
use contract::{Contract, Coordinate};
use expected::{P1, PORTAL, Who};
use walk::{Report, Walk};
use world::World;

/// The fields that are asked for over HTTP; subscriptions have their own test.
fn asked_over_http(contract: &Contract) -> Vec<Coordinate> {
    let mut coordinates = contract.coordinates();
    coordinates.retain(|(kind, _)| kind != "Subscription");
    coordinates
}

/// P1: the product's table of roles and permissions is the one of the rule, row by row.
#[test]
fn each_role_may_what_the_rule_says() {
    let named = Contract::read().enums["Permission"].len();
    assert_eq!(P1.len(), named, "a permission has no row in P1's table");
    assert_eq!(policy::GRANTS.len(), named);
    for (permission, roles) in P1 {
        for role in Role::AGENCY {
            // What a client's person may do is nothing to the agency's people.
            for own in [&[][..], &PortalPermission::ALL] {
                let may = role.may(*permission, own);
                assert_eq!(may, roles.contains(&role), "{role:?} {permission:?}");
            }
        }
        let may = Role::Portal.may(*permission, &PortalPermission::ALL);
        assert_eq!(may, PORTAL.contains(permission), "{permission:?}");
        assert!(!Role::Portal.may(*permission, &[]), "{permission:?}");
    }
}

/// P6: every field of the schema has exactly one entry in the access table, and the table has no other.
#[test]
fn every_field_has_one_entry_in_the_access_table() {
    let mut entries: BTreeMap<Coordinate, usize> = BTreeMap::new();
    for (kind, _, fields) in policy::FIELDS {
        for field in *fields {
            let coordinate = ((*kind).to_owned(), (*field).to_owned());
            *entries.entry(coordinate).or_default() += 1;
        }
    }
    for coordinate in Contract::read().coordinates() {
        let count = entries.remove(&coordinate).unwrap_or(0);
        assert_eq!(
            count, 1,
            "{coordinate:?} needs one entry in access::policy::FIELDS"
        );
    }
    assert!(entries.is_empty(), "no such fields: {entries:?}");
}

/// P1, P5: every field answers those who may with seeded data and everybody else with their code; an owner of another
/// agency reads nothing of the first one, under their own agency's name or under its. No use case is reached without
/// its guard.
#[tokio::test]
async fn every_field_answers_each_role_as_the_rule_says() {
    let contract = Contract::read();
    let world = World::new().await;
    let walk = Walk::new(&world, &contract);
    let router = http::router(&world.app.app);
    let coordinates = asked_over_http(&contract);
    let report = walk.go(&router, &coordinates, &Who::ALL).await;
    assert!(
        report.violations.is_empty(),
        "{} violations:\n{}",
        report.violations.len(),
        report.violations.join("\n")
    );
    assert_eq!(world.app.app.guard_alarm.count(), 0);
    insta::assert_snapshot!("field_by_role", matrix(&report));
}

/// What each field needs and what each person got. The needs stand there too because a guard below another one is not
/// seen in the answers: loosening it in the table shows here.
fn matrix(report: &Report) -> String {
    let mut text = format!("{:<42} {:<16}", "", "needs");
    for who in Who::ALL {
        let _ = write!(text, " {:<15}", format!("{who:?}"));
    }
    for ((kind, field), row) in &report.seen {
        let need = match policy::Policy::standard().need(kind, field).unwrap() {
            Need::May(permission) => format!("{permission:?}"),
            other => format!("{other:?}"),
        };
        text.truncate(text.trim_end().len());
        let _ = write!(text, "\n{:<42} {need:<16}", format!("{kind}.{field}"));
        for (_, seen) in row {
            let _ = write!(text, " {seen:<15}");
        }
    }
    text.trim_end().to_owned()
}

/// P1: the plan is the owner's to see in that agency; being an owner elsewhere does not show it.
#[tokio::test]
async fn an_owner_of_one_agency_does_not_see_the_plan_of_another_where_they_are_staff() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let other = admin::create_agency(&app.app, "Southside Calls", Plan::Enterprise)
        .await
        .unwrap();
    let person = owner.user_id.clone().unwrap();
    admin::set_role(&app.app, &other, &person, Role::Staff)
        .await
        .unwrap();
    let seen = owner
        .query(
            "{ agencies { nodes { slug plan } } viewer { memberships { agency { slug plan } } } }",
        )
        .await
        .ok();
    let nodes = json!([
        { "slug": app.agency, "plan": "AGENCY" },
        { "slug": other, "plan": null },
    ]);
    assert_eq!(seen["agencies"]["nodes"], nodes);
    for membership in seen["viewer"]["memberships"].as_array().unwrap() {
        let agency = &membership["agency"];
        assert_eq!(agency["plan"].is_null(), agency["slug"] == other.as_str());
    }
}

/// P6: introspection is off for nobody and on for people.
#[tokio::test]
async fn nobody_cannot_read_the_schema() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"ProviderKey\") { fields { name } } }",
        "query($a: Boolean = true) { ... @include(if: $a) { __schema { queryType { name } } } }",
        "fragment F on Query { x: __schema { queryType { name } } } { ...F }",
    ] {
        let told = app.nobody().query(query).await;
        let text = told.data.to_string();
        assert!(!text.contains("name"), "{query}: {text}");
    }
    let told = staff
        .query("{ __schema { queryType { name } } __type(name: \"ProviderKey\") { name } }")
        .await
        .ok();
    assert_eq!(told["__schema"]["queryType"]["name"], "Query");
    assert_eq!(told["__type"]["name"], "ProviderKey");
}

/// P6: no interface and no union, past which async-graphql's field guards would not run.
#[test]
fn the_schema_has_no_interface() {
    assert_eq!(Contract::read().abstracts, Vec::<String>::new());
}

/// P6: every type, field, argument and value says what it is, in words that the name alone does not say.
#[test]
fn every_description_says_something() {
    let contract = Contract::read();
    assert!(contract.descriptions.len() > 300);
    let wanting: Vec<_> = contract
        .descriptions
        .iter()
        .filter(|(path, description)| !says_something(path, description.as_deref()))
        .collect();
    assert!(wanting.is_empty(), "{wanting:#?}");
}

fn says_something(path: &str, description: Option<&str>) -> bool {
    let Some(description) = description else {
        return false;
    };
    let letters = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase()
    };
    let name = path.rsplit(['.', '(']).next().unwrap_or(path);
    let is_name = [letters(name), format!("the{}", letters(name))].contains(&letters(description));
    description.split_whitespace().count() > 2 && !is_name
}

/// P1, P6: a log-in and what it shows in the same document obey the table: the person, and nothing of any agency that
/// the request does not name.
#[tokio::test]
async fn a_log_ins_own_answer_obeys_the_table() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let email = owner.query("{ viewer { person { email } } }").await.ok();
    let input =
        json!({ "input": { "email": email["viewer"]["person"]["email"], "password": PASSWORD } });
    let query = "mutation($input: LogInInput!) { logIn(input: $input) { viewer { memberships { role agency { slug plan } } } } }";
    let client = TestClient::new(&app, None);
    let answer = client.graphql(query, input.clone()).await;
    let agency = &answer.data["logIn"]["viewer"]["memberships"][0]["agency"];
    assert_eq!(agency["slug"], app.agency.as_str());
    assert!(agency["plan"].is_null());
    assert_eq!(answer.code(), "INVALID_INPUT");
    // A log-out in the same document ends the session that was just opened.
    let query = "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { id } } } logOut { isLoggedOut } }";
    client.graphql(query, input).await.ok();
    assert!(client.query("{ viewer { person { id } } }").await.ok()["viewer"].is_null());
    assert_eq!(app.app.guard_alarm.count(), 0);
}

/// Permissions are listed to the web app as the table grants them, so that navigation and guards agree.
#[tokio::test]
async fn the_viewers_permissions_are_the_tables() {
    let app = TestApp::new().await;
    for role in Role::AGENCY {
        let client = app.user(role).await;
        let told = client
            .query("{ viewer { memberships { permissions } } }")
            .await
            .ok();
        let told = told["viewer"]["memberships"][0]["permissions"].clone();
        let expected: Vec<String> = P1
            .iter()
            .filter(|(_, roles)| roles.contains(&role))
            .map(|(permission, _): &(Permission, _)| permission.as_str().to_uppercase())
            .collect();
        assert_eq!(told, json!(expected), "{role:?}");
    }
}
