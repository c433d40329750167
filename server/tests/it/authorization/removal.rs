//! The walk notices a removed guard: each entry of the access table that is not public is thrown open in turn.
//!
//! An open field below a closed one shows nothing, and a permission that every role has is never missing. So each entry
//! is looked at alone as well: with the way to it open, and its own need one that nobody meets. There the guard of the
//! field is the only thing between the owner and the data.

use ringfence::{
    access::{
        Permission,
        policy::{Need, Policy},
    },
    http,
};
use serde_json::{Value, json};

use super::{
    asked_over_http,
    contract::{Contract, Coordinate},
    expected::{Expected, Who, expected},
    walk::{Report, Walk},
    world::World,
};
use crate::harness::{Frame, Settings, TestApp, TestSocket, keys};

fn leaked((kind, name): &Coordinate) -> (&'static str, &'static str) {
    Policy::standard()
        .entries()
        .map(|(kind, name, _)| (kind, name))
        .find(|entry| *entry == (kind.as_str(), name.as_str()))
        .unwrap()
}

fn open(policy: &Policy, coordinate: &Coordinate) -> Policy {
    let (kind, name) = leaked(coordinate);
    policy.with_public(kind, name)
}

/// The table in which the guard of this field is the only lock on the way to it.
fn alone(walk: &Walk<'_>, coordinate: &Coordinate, need: Need) -> Policy {
    let way = walk.way(coordinate);
    let (_, above) = way.split_last().unwrap();
    above
        .iter()
        .fold(Policy::standard().with_refused(need), |policy, field| {
            open(&policy, field)
        })
}

/// Asked by whoever the use case behind the field would let through, so that the guard alone is in the way.
async fn look_alone(
    walk: &Walk<'_>,
    policy: Policy,
    coordinate: &Coordinate,
    need: Need,
) -> Report {
    let who = if need == Need::May(Permission::HandInKeys) {
        Who::Portal
    } else {
        Who::Owner
    };
    let router = walk.world.router(policy);
    let mut report = Report::default();
    let wanted = Expected::Code("FORBIDDEN");
    walk.step(&router, coordinate, who, &wanted, &mut report)
        .await;
    report
}

/// P6, architecture 5.3: with any one guard removed, the walk over that field reports it.
#[tokio::test]
async fn removing_a_guard_turns_the_walk_red() {
    let contract = Contract::read();
    let world = World::new().await;
    let walk = Walk::new(&world, &contract);
    let mut unnoticed = Vec::new();
    let (mut in_place, mut only_alone) = (0, 0);
    for coordinate in asked_over_http(&contract) {
        let need = Policy::standard()
            .need(&coordinate.0, &coordinate.1)
            .unwrap();
        if need == Need::Public {
            continue;
        }
        let shut = alone(&walk, &coordinate, need);
        let quiet = look_alone(&walk, shut.clone(), &coordinate, need).await;
        assert!(
            quiet.violations.is_empty(),
            "the guard of {coordinate:?} does not hold by itself: {:?}",
            quiet.violations
        );
        let opened = open(Policy::standard(), &coordinate);
        let way = walk.way(&coordinate);
        let kept_out: Vec<Who> = [Who::Nobody, Who::Staff, Who::Admin]
            .into_iter()
            .filter(|who| matches!(expected(*who, &way), Expected::Code(_)))
            .collect();
        let router = world.router(opened);
        let report = walk
            .go(&router, std::slice::from_ref(&coordinate), &kept_out)
            .await;
        if !report.violations.is_empty() {
            in_place += 1;
            continue;
        }
        let report = look_alone(&walk, open(&shut, &coordinate), &coordinate, need).await;
        if report.violations.is_empty() {
            unnoticed.push(coordinate);
        } else {
            only_alone += 1;
        }
    }
    assert!(unnoticed.is_empty(), "nobody noticed: {unnoticed:?}");
    // Should these fall, the walk has lost its teeth.
    assert!(in_place >= 25, "{in_place}");
    assert!(only_alone >= 100, "{only_alone}");
}

/// P6: a permission that is given to a role that must not have it is seen at the fields themselves: here with a table
/// that says less than the rule.
#[tokio::test]
async fn a_loosened_entry_turns_the_walk_red() {
    let contract = Contract::read();
    let world = World::new().await;
    let walk = Walk::new(&world, &contract);
    let masked = ("ProviderKey".to_owned(), "maskedKey".to_owned());
    let fields = std::slice::from_ref(&masked);
    let router = http::router(&world.app.app);
    let report = walk.go(&router, fields, &Who::ALL).await;
    assert_eq!(report.violations, Vec::<String>::new());
    let router = world.router(open(Policy::standard(), &masked));
    let report = walk.go(&router, fields, &Who::ALL).await;
    assert_eq!(report.violations.len(), 1, "{:?}", report.violations);
    assert!(report.violations[0].starts_with("ProviderKey.maskedKey as Staff: data"));
}

/// H3, P6: a subscription's guard is asked at its events, and removing it shows.
#[tokio::test]
async fn a_subscriptions_guard_holds_by_itself() {
    let need = Need::May(Permission::ViewKeyStatus);
    let shut = Policy::standard()
        .with_refused(need)
        .with_public("SyncRun", "id");
    let open = shut.with_public("Subscription", "syncProgress");
    assert_eq!(
        first_event(shut).await["errors"][0]["extensions"]["code"],
        "FORBIDDEN"
    );
    let shown = first_event(open).await;
    assert!(shown["data"]["syncProgress"]["id"].is_string(), "{shown}");
}

async fn first_event(policy: Policy) -> Value {
    let app = TestApp::with(Settings {
        policy: Some(policy),
        ..Settings::default()
    })
    .await;
    let owner = app.user(ringfence::access::Role::Owner).await;
    let query = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { syncRun { id } } }";
    let input = json!({ "input": { "provider": "VAPI", "apiKey": keys::GOOD } });
    let saved = owner.graphql(query, input).await.ok();
    let run = saved["saveProviderKey"]["syncRun"]["id"].as_str().unwrap();
    let mut socket = TestSocket::connected(&app, &owner).await;
    let query = format!("subscription {{ syncProgress(syncRunId: \"{run}\") {{ id }} }}");
    socket.subscribe("1", &query).await;
    let Frame::Json(message) = socket.next().await else {
        panic!("the socket was closed")
    };
    app.settle().await;
    message["payload"].clone()
}
