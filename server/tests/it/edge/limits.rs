//! H3: a document is measured before it is run: depth, complexity, aliases, directives, and what its fragments come to.

use std::time::{Duration, Instant};

use ringfence::access::Role;

use crate::harness::{TestApp, TestClient};

/// Agents of numbers of agents…, so many levels deep.
fn nested(levels: usize) -> String {
    let mut query = "id".to_owned();
    for level in (1..levels).rev() {
        let field = if level % 2 == 0 {
            "phoneNumbers(first: 1)"
        } else {
            "agent"
        };
        query = format!("{field} {{ {query} }}");
    }
    // Two levels are the list's own.
    format!("{{ phoneNumbers(first: 1) {{ nodes {{ {query} }} }} }}")
}

/// A set of so many fields.
fn fields(count: usize, field: impl Fn(usize) -> String) -> String {
    let fields: Vec<String> = (0..count).map(field).collect();
    format!("{{ {} }}", fields.join(" "))
}

fn guess(number: usize) -> String {
    format!(
        "a{number}: logIn(input: {{ email: \"a@example.com\", password: \"guess {number}\" }}) \
         {{ viewer {{ person {{ id }} }} }}"
    )
}

async fn assert_refused(client: &TestClient, query: &str, word: &str) {
    let answer = client.query(query).await;
    assert!(answer.data.is_null(), "{:?}", answer.data);
    assert_eq!(answer.code(), "QUERY_REFUSED");
    assert!(answer.message().contains(word), "{}", answer.message());
}

/// H3: a document of 12 levels is served, and one of 13 is not, whether nested by fields or by fragments.
#[tokio::test]
async fn a_deep_document_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    staff.query(&nested(10)).await.ok();
    assert_refused(&staff, &nested(11), "deep").await;
    let hidden = format!(
        "fragment F on PhoneNumber {{ agent {{ phoneNumbers(first: 1) {{ agent {{ phoneNumbers(first: 1) {{ agent {{ id }} }} }} }} }} }} \
         {}",
        nested(6).replacen(" id ", " ...F ", 1)
    );
    assert!(hidden.contains("...F"), "{hidden}");
    assert_refused(&staff, &hidden, "deep").await;
    let endless =
        "fragment F on Agent { phoneNumbers { agent { ...F } } } { agents { nodes { ...F } } }";
    assert_eq!(
        staff.query(endless).await.errors[0]["extensions"]["code"],
        "QUERY_REFUSED"
    );
}

/// H3: lists within lists multiply, however shallow the document is.
#[tokio::test]
async fn lists_within_lists_multiply() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let round = "phoneNumbers(first: 50) { agent { ";
    let document = |rounds: usize| {
        format!(
            "{{ agents(first: 1) {{ nodes {{ {}id{} }} }} }}",
            round.repeat(rounds),
            " } }".repeat(rounds)
        )
    };
    staff.query(&document(2)).await.ok();
    assert_refused(&staff, &document(3), "complex").await;
}

/// H3: the size of a list counts, so a document that could answer with more than 20,000 fields is refused.
#[tokio::test]
async fn a_document_with_too_many_answers_is_refused() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let fields = "id name status isReachable provider createdAt updatedAt";
    staff
        .query(&format!(
            "{{ agents(first: 100) {{ nodes {{ {fields} }} }} }}"
        ))
        .await
        .ok();
    let wide = self::fields(29, |number| {
        format!("a{number}: agents(first: 100) {{ nodes {{ {fields} }} }}")
    });
    assert_refused(&staff, &wide, "complex").await;
}

/// H3: at most 30 root fields and aliases in a document, in fragments too, so that one request is not a hundred guesses.
#[tokio::test]
async fn a_document_of_many_aliases_is_refused() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    let many = |count| fields(count, |number| format!("a{number}: __typename"));
    nobody.query(&many(30)).await.ok();
    assert_refused(&nobody, &many(31), "aliases").await;
    let log_ins = format!("mutation {}", fields(31, guess));
    assert_refused(&nobody, &log_ins, "aliases").await;
    let flags = fields(30, |number| format!("a{number}: needsSetUp"));
    let hidden = format!("fragment F on Instance {flags} {{ instance {{ ...F }} }}");
    assert_refused(&nobody, &hidden, "aliases").await;
    let inline = format!("{{ instance {{ ... on Instance {flags} }} }}");
    assert_refused(&nobody, &inline, "aliases").await;
    let few = fields(10, |number| format!("a{number}: needsSetUp"));
    let thrice = format!("fragment F on Instance {few} {{ instance {{ ...F ...F ...F }} }}");
    assert_refused(&nobody, &thrice, "aliases").await;
    let roots = fields(31, |_| "__typename".to_owned());
    let spread = format!("fragment F on Query {roots} {{ ...F }}");
    assert_refused(&nobody, &spread, "aliases").await;
}

/// Fragments that each spread the one before twice: so many double the work so many times.
fn doubling(fragments: usize) -> String {
    let steps: Vec<String> = (1..fragments)
        .map(|n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }}", n - 1))
        .collect();
    let last = fragments - 1;
    format!(
        "fragment F0 on Query {{ __typename }} {} {{ ...F{last} }}",
        steps.join(" ")
    )
}

/// H3: fragments that spread each other twice are counted and not walked, so that a small document of a stranger costs no
/// more than its length, however much it would expand to.
#[tokio::test]
async fn fragments_cost_what_they_expand_to() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    nobody.query(&doubling(4)).await.ok();
    let begun = Instant::now();
    for fragments in [6, 19, 28, 31] {
        assert_refused(&nobody, &doubling(fragments), "aliases").await;
    }
    let fields = "id ".repeat(100);
    let wide = format!(
        "fragment F on Agency {{ {fields} }} {{ viewer {{ membership {{ agency {{ {} }} }} }} }}",
        "...F ".repeat(20)
    );
    assert_refused(&nobody, &wide, "selections").await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

/// H3: a long chain of fragments, or a circle of them, is refused before anything walks along it, spread or not.
#[tokio::test]
async fn a_chain_of_fragments_ends() {
    let app = TestApp::new().await;
    let nobody = app.nobody();
    let chain: Vec<String> = (1..8_000)
        .map(|n| format!("fragment F{n} on Query{{...F{}}}", n - 1))
        .collect();
    let chain = format!("fragment F0 on Query{{__typename}}{}", chain.concat());
    for used in ["{ __typename }", "{ ...F7999 }"] {
        assert_refused(&nobody, &format!("{chain} {used}"), "nested").await;
    }
    let circle = "fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
    for used in ["{ ...A }", "{ __typename }"] {
        assert_refused(&nobody, &format!("{circle} {used}"), "circle").await;
    }
}

/// H3: at most ten directives on a field.
#[tokio::test]
async fn a_field_of_many_directives_is_refused() {
    let app = TestApp::new().await;
    let directives = "@include(if: true) ".repeat(11);
    let answer = app
        .nobody()
        .query(&format!("{{ __typename {directives} }}"))
        .await;
    assert!(answer.data.is_null());
    for error in &answer.errors {
        assert_eq!(error["extensions"]["code"], "QUERY_REFUSED");
    }
    assert!(!answer.errors.is_empty());
}

fn many(numbers: std::ops::Range<usize>, word: impl Fn(usize) -> String) -> String {
    numbers.map(word).collect::<Vec<_>>().join(" ")
}

/// H3: a short document of many variables, arguments or faults is refused in a few words: no answer is much longer than what
/// was asked.
#[tokio::test]
async fn many_variables_arguments_and_faults_are_answered_briefly() {
    let app = TestApp::new().await;
    let variables = many(0..101, |number| format!("$v{number}: Int"));
    let nobody = app.nobody();
    assert_refused(
        &nobody,
        &format!("query({variables}) {{ __typename }}"),
        "variables",
    )
    .await;
    let arguments = many(0..2_000, |number| format!("a{number}: 1"));
    assert_refused(
        &nobody,
        &format!("{{ agents({arguments}) {{ totalCount }} }}"),
        "selections",
    )
    .await;
    let fields = many(0..25, |number| format!("nothing{number}"));
    let answer = nobody.query(&format!("{{ {fields} }}")).await;
    assert_eq!(answer.errors.len(), 20);
}

/// H3: a refused log-in counts once for each attempt in a document, so that aliases are no way round the throttle.
#[tokio::test]
async fn attempts_in_one_document_are_counted_one_by_one() {
    let app = TestApp::new().await;
    let log_ins = format!("mutation {}", fields(8, guess));
    let mut codes = Vec::new();
    for _ in 0..2 {
        for error in app.nobody().query(&log_ins).await.errors {
            codes.push(error["extensions"]["code"].as_str().unwrap().to_owned());
        }
    }
    let mut single = Vec::new();
    for _ in 0..6 {
        let query = format!("mutation {}", fields(1, guess));
        single.push(app.nobody().query(&query).await.code().to_owned());
    }
    let guesses = codes
        .iter()
        .chain(&single)
        .filter(|code| *code == "WRONG_CREDENTIALS");
    assert_eq!(guesses.count(), 5, "{codes:?} {single:?}");
    assert_eq!(single.last().unwrap(), "TOO_MANY_ATTEMPTS");
}
