//! Keys where no key belongs: what somebody types into the wrong field, the wrong place of a document, an address or a
//! header. All of it is refused, and none of it is repeated.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::json;

use super::course::{Course, TYPED};
use crate::harness::{Frame, TestClient, TestSocket};

impl Course<'_> {
    /// Keys where no key belongs: in documents and variables of every wrong shape, in addresses and in headers.
    pub(super) async fn misplaced(&self) {
        let save = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { health } } }";
        for (what, input) in [
            ("a list", json!({ "provider": "VAPI", "apiKey": [TYPED] })),
            (
                "an object",
                json!({ "provider": "VAPI", "apiKey": { "value": TYPED } }),
            ),
            (
                "an object's name",
                json!({ "provider": "VAPI", "apiKey": { TYPED: 1 } }),
            ),
            ("the provider", json!({ "provider": TYPED, "apiKey": "x" })),
            ("the region", json!({ "provider": "VAPI", "region": TYPED })),
            (
                "the version",
                json!({ "provider": "VAPI", "expectedVersion": TYPED }),
            ),
            ("a field's name", json!({ "provider": "VAPI", TYPED: "x" })),
            (
                "a quoted name",
                json!({ "provider": "VAPI", format!("a\"b\" {TYPED}"): "x" }),
            ),
            (
                "another field",
                json!({ "provider": "VAPI", "api_key": TYPED }),
            ),
            ("the whole input", json!(TYPED)),
            ("a list of inputs", json!([TYPED])),
        ] {
            let answer = self.ask(what, save, json!({ "input": input })).await;
            assert!(answer["errors"].is_array(), "{what}: {answer}");
        }
        for query in documents() {
            let answer = self.ask("a wrong document", &query, json!({})).await;
            assert!(answer["errors"].is_array(), "{query}: {answer}");
        }
        self.ask(
            "an undefined variable",
            "{ __typename }",
            json!({ TYPED: TYPED }),
        )
        .await;
        let search = "query($text: String!) { agents(search: $text) { nodes { id } } agent(id: $text) { id } }";
        self.ask("a search", search, json!({ "text": TYPED })).await;
        self.ask(
            "an id",
            "query($id: ID!) { agent(id: $id) { id } }",
            json!({ "id": TYPED }),
        )
        .await;
        self.ask(
            "a cursor",
            "query($c: String!) { agents(after: $c) { nodes { id } } }",
            json!({ "c": TYPED }),
        )
        .await;
        self.requests().await;
    }

    async fn requests(&self) {
        let post = || self.owner.request(Method::POST, "/graphql");
        let query = json!({ "query": "{ viewer { person { id } } }", "operationName": TYPED });
        let anonymous = TestClient::new(self.app, None);
        for (what, request) in [
            ("an operation's name", post().json(&query)),
            (
                "a body that is no JSON",
                post()
                    .header("content-type", "application/json")
                    .body(format!("{{\"query\": {TYPED}")),
            ),
            ("a body that is no object", post().json(&json!([TYPED]))),
            (
                "extensions",
                post().json(&json!({ "query": "{ __typename }", "extensions": { "k": TYPED } })),
            ),
            (
                "another type",
                post()
                    .header("content-type", format!("text/{TYPED}"))
                    .body(TYPED),
            ),
            (
                "an address",
                self.owner
                    .request(Method::GET, &format!("/graphql?apiKey={TYPED}")),
            ),
            (
                "a page's address",
                self.owner
                    .request(Method::GET, &format!("/{TYPED}?k={TYPED}")),
            ),
            (
                "a file's address",
                self.owner.request(Method::GET, &format!("/{TYPED}.js")),
            ),
            (
                "a method",
                self.owner
                    .request(Method::from_bytes(TYPED.as_bytes()).unwrap(), "/graphql"),
            ),
            ("an authorization", post().bearer_auth(TYPED).json(&query)),
            (
                "an agency",
                post().header("ringfence-agency", TYPED).json(&query),
            ),
            (
                "an origin",
                post()
                    .header("origin", format!("https://{TYPED}.example.com"))
                    .json(&query),
            ),
            (
                "a user agent",
                anonymous
                    .request(Method::POST, "/graphql")
                    .header("user-agent", TYPED)
                    .json(&query),
            ),
            (
                "a cookie",
                anonymous
                    .request(Method::POST, "/graphql")
                    .header("cookie", format!("ringfence={TYPED}"))
                    .json(&query),
            ),
            (
                "a request id",
                post().header("x-request-id", TYPED).json(&query),
            ),
        ] {
            self.sinks.send(what, request).await;
        }
    }

    /// The same mistakes over the socket.
    pub(super) async fn sockets(&self) {
        let mut socket = TestSocket::connected(self.app, &self.owner).await;
        let mut queries = documents();
        queries.push(format!(
            "mutation {{ saveProviderKey(input: {{ provider: VAPI, apiKey: \"{TYPED}\" }}) {{ providerKey {{ id }} }} }}"
        ));
        queries.push(format!(
            "subscription {{ syncProgress(syncRunId: \"{TYPED}\") {{ id }} }}"
        ));
        for (number, query) in queries.iter().enumerate() {
            socket.subscribe(&number.to_string(), query).await;
            loop {
                let Frame::Json(message) = socket.next().await else {
                    panic!("the socket was closed")
                };
                self.sinks
                    .keep("a message over the socket", message.to_string());
                if message["type"] != "next" {
                    break;
                }
            }
        }
    }
}

/// Documents that are refused, with the key in each place where somebody could put it.
fn documents() -> Vec<String> {
    let save = |argument: &str| {
        format!(
            "mutation {{ saveProviderKey(input: {{ provider: VAPI, {argument} }}) {{ providerKey {{ id }} }} }}"
        )
    };
    let mut documents = vec![
        save(&format!("apiKey: {TYPED}")),
        save(&format!("apiKey: \"{TYPED}")),
        save(&format!("apiKey: [\"{TYPED}\"]")),
        save(&format!("apiKey: {{ value: \"{TYPED}\" }}")),
        save(&format!("apiKey: -{TYPED}")),
        save(&format!("apiKey: $ {TYPED}")),
        save(&format!("apiKey: ${TYPED}")),
        save(&format!("region: {TYPED}")),
        save(&format!("region: \"{TYPED}\"")),
        save(&format!("{TYPED}: \"x\"")),
        format!("{{ {TYPED} }}"),
        format!("{{ instance {{ {TYPED} }} }}"),
        format!("{{ instance(k: \"{TYPED}\") {{ version }} }}"),
        format!("{{ instance({TYPED}: 1) {{ version }} }}"),
        format!("{{ instance @{TYPED} {{ version }} }}"),
        format!("{{ instance @include(if: \"{TYPED}\") {{ version }} }}"),
        format!("{{ ...{TYPED} }}"),
        format!("{{ ... on {TYPED} {{ id }} }}"),
        format!("fragment {TYPED} on Query {{ __typename }} {{ __typename }}"),
        format!("query {TYPED} {{ __typename }} query {TYPED} {{ __typename }}"),
        format!("query($v: {TYPED}) {{ __typename }}"),
        format!("query(${TYPED}: Int) {{ __typename }}"),
        format!(
            "query($v: Provider = {TYPED}) {{ providerKeys(provider: [$v]) {{ totalCount }} }}"
        ),
        format!("query($v: Int = \"{TYPED}\") {{ agents(first: $v) {{ totalCount }} }}"),
        format!("{{ agents(first: \"{TYPED}\") {{ totalCount }} }}"),
        format!("{{ agents(filter: \"{TYPED}\") {{ totalCount }} }}"),
        format!("{{ agents(sort: {{ field: {TYPED} }}) {{ totalCount }} }}"),
        format!("{{ agent(id: {{ k: \"{TYPED}\" }}) {{ id }} }}"),
        format!("{{ agent(id: [\"{TYPED}\"]) {{ id }} }}"),
        format!("{{ instance {{ {TYPED}: cipher {TYPED}: masterKeyId }} }}"),
        format!("# {TYPED}\n{{ instance {{ "),
        format!("{TYPED}"),
    ];
    let mut deep = String::new();
    let _ = write!(
        deep,
        "{{ agents(search: \"{TYPED}\") {}",
        "{ nodes ".repeat(20)
    );
    documents.push(deep);
    documents
}
