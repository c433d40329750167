//! docs/RULES.md names the tests that prove each rule; this test keeps it honest: every rule has one, and every test that
//! is named is there.

use std::{fs, path::Path};

#[test]
fn every_rule_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rules = fs::read_to_string(root.join("docs/RULES.md")).unwrap();
    let mut problems = Vec::new();
    let mut tests = 0;
    for rule in rules.split("\n**").skip(1) {
        let name = rule.split("**").next().unwrap();
        let lines: Vec<&str> = rule
            .lines()
            .filter(|line| line.starts_with("- `"))
            .collect();
        if lines.is_empty() {
            problems.push(format!("{name} names no test"));
        }
        for line in lines {
            let (path, names) = line[3..].split_once("`: ").unwrap();
            let source = fs::read_to_string(root.join(path)).unwrap_or_default();
            for test in names.split(" · ").filter(|part| !part.starts_with("and ")) {
                let test = test.trim_matches(['`', '“', '”']);
                tests += 1;
                if !source.contains(test) {
                    problems.push(format!("{name}: {path} has no test {test:?}"));
                }
            }
        }
    }
    assert!(
        tests > 50,
        "only {tests} tests are named; has the form of docs/RULES.md changed?"
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
