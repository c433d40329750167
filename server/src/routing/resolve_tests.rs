//! The rule of the route, over every combination that there is, and the table of it that docs/RULES.md prints.

use std::{fmt::Write as _, fs, path::Path};

use proptest::prelude::*;

use super::{Block, Case, Doubt, KeyFacts, PlacementFacts, Route, Scope, resolve};
use crate::{id::AccountId, keys::Health};

const HEALTHS: [Health; 6] = [
    Health::Valid,
    Health::Limited,
    Health::RateLimited,
    Health::NoFunds,
    Health::Invalid,
    Health::Unreachable,
];

/// A key that works, of an account.
fn key(account: &AccountId) -> KeyFacts<'_> {
    KeyFacts {
        account,
        health: Health::Valid,
        is_breaker_open: false,
        is_readable: true,
        may_call: true,
    }
}

fn case<'a>(
    client_key: Option<KeyFacts<'a>>,
    agency_key: Option<KeyFacts<'a>>,
    placements: &'a [PlacementFacts<'a>],
) -> Case<'a> {
    Case {
        is_client_archived: false,
        client_key,
        agency_key,
        placements,
    }
}

#[derive(Clone, Debug)]
struct Facts {
    account: u8,
    health: Health,
    is_breaker_open: bool,
    is_readable: bool,
    may_call: bool,
}

fn facts() -> impl Strategy<Value = Option<Facts>> {
    let fields = (
        0..3_u8,
        0..6_usize,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    proptest::option::of(
        fields.prop_map(|(account, health, open, readable, may_call)| Facts {
            account,
            health: HEALTHS[health],
            is_breaker_open: open,
            is_readable: readable,
            may_call,
        }),
    )
}

fn with_case<T>(
    is_client_archived: bool,
    client: Option<&Facts>,
    agency: Option<&Facts>,
    placed: &[(u8, bool)],
    look: impl Fn(&Case<'_>) -> T,
) -> T {
    let accounts: Vec<AccountId> = (0..3).map(|n: u8| AccountId::from(n.to_string())).collect();
    let of = |facts: &Facts| KeyFacts {
        account: &accounts[usize::from(facts.account)],
        health: facts.health,
        is_breaker_open: facts.is_breaker_open,
        is_readable: facts.is_readable,
        may_call: facts.may_call,
    };
    let placements: Vec<PlacementFacts<'_>> = placed
        .iter()
        .map(|(account, is_active)| PlacementFacts {
            account: &accounts[usize::from(*account)],
            is_active: *is_active,
        })
        .collect();
    look(&Case {
        is_client_archived,
        client_key: client.map(of),
        agency_key: agency.map(of),
        placements: &placements,
    })
}

proptest! {
    /// R1, R2: a stored client key is always the one that is taken, whatever is wrong with it; the agency's only where the
    /// client has none, and then nothing about the client key matters.
    #[test]
    fn a_clients_key_is_never_passed_over(
        archived in any::<bool>(), client in facts(), agency in facts(),
        placed in proptest::collection::vec((0..3_u8, any::<bool>()), 0..3),
    ) {
        let route = with_case(archived, client.as_ref(), agency.as_ref(), &placed, resolve);
        let expected = match (&client, &agency) {
            (Some(_), _) => Some(Scope::Client),
            (None, Some(_)) => Some(Scope::Agency),
            (None, None) => None,
        };
        prop_assert_eq!(route.taken, expected);
    }

    /// R2: what the agency's key is never changes the route of a client that has its own.
    #[test]
    fn the_agencys_key_never_helps_a_client_with_its_own(
        archived in any::<bool>(), client in facts(), agency in facts(), other in facts(),
        placed in proptest::collection::vec((0..3_u8, any::<bool>()), 0..3),
    ) {
        prop_assume!(client.is_some());
        let one = with_case(archived, client.as_ref(), agency.as_ref(), &placed, resolve);
        let two = with_case(archived, client.as_ref(), other.as_ref(), &placed, resolve);
        prop_assert_eq!(one, two);
    }

    /// R5, R8: a call is dialled exactly when the taken key is readable, its breaker is closed, it may call, and its account
    /// holds the agent; a placement in any other account never counts. A blocked call is never doubtful too.
    #[test]
    fn a_call_is_dialled_only_into_the_keys_account(
        archived in any::<bool>(), client in facts(), agency in facts(),
        placed in proptest::collection::vec((0..3_u8, any::<bool>()), 0..3),
    ) {
        let route = with_case(archived, client.as_ref(), agency.as_ref(), &placed, resolve);
        let taken = client.as_ref().or(agency.as_ref());
        let own = taken.and_then(|key| placed.iter().position(|(account, _)| *account == key.account));
        let is_dialled = !archived && taken.is_some_and(|key| {
            key.is_readable && !key.is_breaker_open && key.may_call && own.is_some_and(|index| placed[index].1)
        });
        prop_assert_eq!(route.block.is_none(), is_dialled);
        prop_assert_eq!(route.placement, own);
        prop_assert!(route.block.is_none() || route.doubt.is_none());
    }

    /// R3: without the client's key, the route is that of an agent that never had a client.
    #[test]
    fn clearing_the_clients_key_is_as_if_there_never_was_one(
        client in facts(), agency in facts(),
        placed in proptest::collection::vec((0..3_u8, any::<bool>()), 0..3),
    ) {
        let before = with_case(false, client.as_ref(), agency.as_ref(), &placed, resolve);
        let after = with_case(false, None, agency.as_ref(), &placed, resolve);
        prop_assert!(after.taken != Some(Scope::Client));
        if client.is_none() {
            prop_assert_eq!(before, after);
        }
    }
}

/// R2: a client key that the provider refused is tried, so that the call fails with the provider's own error; the agency's
/// is not used instead.
#[test]
fn a_refused_client_key_is_tried_and_not_replaced() {
    let (own, other) = (AccountId::from("own"), AccountId::from("other"));
    let placements = [
        PlacementFacts {
            account: &own,
            is_active: true,
        },
        PlacementFacts {
            account: &other,
            is_active: true,
        },
    ];
    let refused = KeyFacts {
        health: Health::Invalid,
        ..key(&own)
    };
    let route = resolve(&case(Some(refused), Some(key(&other)), &placements));
    let expected = Route {
        taken: Some(Scope::Client),
        placement: Some(0),
        block: None,
        doubt: Some(Doubt::KeyRefused),
    };
    assert_eq!(route, expected);
}

/// One line of the table: what the key of the route is, and where the agent is.
fn line(case: &Case<'_>) -> String {
    let route = resolve(case);
    let taken = match route.taken {
        Some(Scope::Client) => "client",
        Some(Scope::Agency) => "agency",
        None => "none",
    };
    match (route.block, route.doubt) {
        (Some(block), _) => format!("{taken} | `{}`", name(block)),
        (None, Some(doubt)) => format!("{taken} | tried; {}", doubtful(doubt)),
        (None, None) => format!("{taken} | dialled"),
    }
}

fn name(block: Block) -> &'static str {
    match block {
        Block::ClientArchived => "CLIENT_ARCHIVED",
        Block::NoKey => "NO_KEY",
        Block::KeyUnreadable => "KEY_UNREADABLE",
        Block::BreakerOpen => "BREAKER_OPEN",
        Block::AccountMismatch => "ACCOUNT_MISMATCH",
        Block::AgentInactive => "AGENT_INACTIVE",
        Block::CannotPlaceCalls => "CANNOT_PLACE_CALLS",
    }
}

fn doubtful(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::KeyRefused => "the provider refused the key last",
        Doubt::NoFunds => "it was out of funds last",
        Doubt::RateLimited => "it was rate-limited last",
        Doubt::Unreachable => "the provider did not answer last",
    }
}

/// The table of cases: whose keys are stored × health × breaker × where the agent is.
fn table() -> String {
    let (own, other) = (AccountId::from("own"), AccountId::from("other"));
    let at = |account, is_active| PlacementFacts { account, is_active };
    let places = [
        ("in the key's account", vec![at(&own, true)]),
        ("in another account only", vec![at(&other, true)]),
        ("gone from the key's account", vec![at(&own, false)]),
    ];
    let mut text = String::from(
        "| stored keys | health | breaker | the agent is | key taken | the call is |\n|---|---|---|---|---|---|\n",
    );
    for stored in ["client and agency", "client only", "agency only"] {
        for health in HEALTHS {
            for is_breaker_open in [false, true] {
                for (place, placements) in &places {
                    let subject = KeyFacts {
                        health,
                        is_breaker_open,
                        ..key(&own)
                    };
                    // The agency's key beside a client's works and would reach the agent elsewhere.
                    let case = match stored {
                        "client and agency" => case(Some(subject), Some(key(&other)), placements),
                        "client only" => case(Some(subject), None, placements),
                        _ => case(None, Some(subject), placements),
                    };
                    let breaker = if is_breaker_open { "open" } else { "closed" };
                    let health = health.as_str();
                    writeln!(
                        text,
                        "| {stored} | {health} | {breaker} | {place} | {} |",
                        line(&case)
                    )
                    .unwrap();
                }
            }
        }
    }
    let placements = [at(&own, true)];
    let archived = Case {
        is_client_archived: true,
        ..case(Some(key(&own)), None, &placements)
    };
    let unreadable = KeyFacts {
        is_readable: false,
        ..key(&own)
    };
    let silent = KeyFacts {
        may_call: false,
        ..key(&own)
    };
    for (stored, health, case) in [
        ("client, archived", "valid", archived),
        ("none", "–", case(None, None, &placements)),
        (
            "client and agency",
            "cannot be opened",
            case(Some(unreadable), Some(key(&own)), &placements),
        ),
        (
            "agency only",
            "may not place calls",
            case(None, Some(silent), &placements),
        ),
    ] {
        writeln!(
            text,
            "| {stored} | {health} | closed | in the key's account | {} |",
            line(&case)
        )
        .unwrap();
    }
    text
}

/// R1, R2, R5, R8: docs/RULES.md prints the table as the code decides it. `UPDATE_RULES=1 cargo test` writes it anew.
#[test]
fn the_documented_table_is_what_the_code_decides() {
    const BEGIN: &str = "<!-- the table of routes, written by its test: begin -->\n";
    const END: &str = "<!-- the table of routes: end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RULES.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the table's beginning");
    let (printed, after) = rest.split_once(END).expect("the table's end");
    let decided = table();
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("UPDATE_RULES").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{decided}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(printed, decided, "run this test with UPDATE_RULES=1");
}
