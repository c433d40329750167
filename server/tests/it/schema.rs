//! The committed `schema.graphql` is the contract with the web app: it must be what the server speaks.

use ringfence::error::Code;

use crate::authorization::contract::{Contract, TEXT};

/// P6: the committed schema is the server's own, so that whatever reads it (the web app, the access test) reads the truth.
#[test]
fn the_committed_schema_is_the_servers() {
    assert!(
        ringfence::graphql::sdl() == TEXT,
        "schema.graphql is not what the server speaks any more: run make gen and commit the change"
    );
}

/// Architecture 4: the codes that clients match on are one closed list, in the schema and in the server.
#[test]
fn the_error_codes_are_one_list() {
    let contract = Contract::read();
    let codes: Vec<&str> = Code::ALL.into_iter().map(Code::as_str).collect();
    assert_eq!(contract.enums["ErrorCode"], codes);
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(code));
    }
}
