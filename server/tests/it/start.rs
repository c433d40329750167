//! What `serve` and `demo` say and refuse when they start: the settings that are none, and the addresses that they print.

use std::{fs, path::Path, process::Child};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    harness::TestClient,
    installation::{database_url, end, init, ringfence, said, serve, start_until, text},
};

/// What the demo says about where it is, with these arguments and surroundings.
fn demo(folder: &Path, arguments: &[&str], public_url: &str) -> (Child, String) {
    let folder = text(folder);
    let url = database_url(&folder);
    let mut place = vec!["--data-dir", &folder];
    if let Some(url) = &url {
        place.extend(["--database-url", url]);
    }
    let addresses = ["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];
    let mut command = ringfence(&[&["demo"], &place[..], &addresses, arguments].concat());
    start_until(
        command.env("RINGFENCE_PUBLIC_URL", public_url),
        "is ready at",
    )
}

/// The address that stands behind these words, without what follows it.
fn address_after(printed: &str, words: &str) -> String {
    let (_, rest) = printed
        .split_once(words)
        .unwrap_or_else(|| panic!("no {words:?} in {printed}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Logs the demo's owner in as a page of this origin would, and gives the status and the cookie.
async fn log_in_from(server: &str, origin: &str) -> (u16, String) {
    let query =
        "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { name } } } }";
    let owner = &ringfence::demo::DEMO_LOG_INS[0];
    let input = json!({ "email": owner.email, "password": owner.password });
    let answer = TestClient::at(server.to_owned(), None)
        .request(reqwest::Method::POST, "/graphql")
        .header("origin", origin)
        .json(&json!({ "query": query, "variables": { "input": input } }))
        .send()
        .await
        .unwrap();
    let cookie = answer.headers().get("set-cookie");
    let cookie = cookie.map(|cookie| cookie.to_str().unwrap().to_owned());
    (answer.status().as_u16(), cookie.unwrap_or_default())
}

/// H1, H6: the address that the demo prints is one that works: its own, also on any free port and where the surroundings
/// hold another server's public URL; one that was typed for it is kept, with its own address beside it.
#[tokio::test]
async fn the_demo_prints_an_address_that_works() {
    let temp = TempDir::new().unwrap();
    let (child, printed) = demo(temp.path(), &[], "https://keys.example.com");
    let url = address_after(&printed, "is ready at ");
    let (status, cookie) = log_in_from(&url, &url).await;
    end(child);
    assert!(url.starts_with("http://127.0.0.1:"), "{printed}");
    assert!(!url.ends_with(":0"), "{printed}");
    assert_eq!(status, 200);
    assert!(!cookie.is_empty() && !cookie.contains("Secure"), "{cookie}");

    let typed = ["--public-url", "https://demo.example.com"];
    let (child, printed) = demo(temp.path(), &typed, "https://keys.example.com");
    assert_eq!(address_after(&printed, "is ready at "), typed[1]);
    let listening = address_after(&printed, "Listening on ");
    let (status, cookie) = log_in_from(&listening, typed[1]).await;
    end(child);
    assert_eq!(status, 200);
    assert!(cookie.contains("Secure"), "{cookie}");
}

/// H1, H4: the set-up link of a server on any free port leads to it.
#[tokio::test]
async fn a_set_up_link_leads_to_the_port_that_was_free() {
    let temp = TempDir::new().unwrap();
    init(temp.path());
    let (child, printed) = serve(temp.path());
    let listening = address_after(&printed, "listens on ");
    let link = printed
        .lines()
        .find(|line| line.contains("/set-up?token="))
        .unwrap();
    let (status, _) = log_in_from(&listening, &listening).await;
    end(child);
    assert!(
        link.trim().starts_with(&format!("{listening}/")),
        "{printed}"
    );
    assert_eq!(status, 200, "its own pages are no other site");
}

/// X2: a setting that is not known is refused by its name, since it may be a known one with a slip in it. Whatever the
/// set-up script takes is none of them, so that `make run` may be told.
#[test]
fn an_unknown_setting_is_refused() {
    let refused = ringfence(&["serve"])
        .env("RINGFENCE_LISTEM", "127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(said(&refused).contains("listem"), "{}", said(&refused));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let script = fs::read_to_string(root.join(".ci/setup")).unwrap();
    assert!(script.contains("TOOLS_DIR"));
    assert!(!script.contains("RINGFENCE_"));
}

/// H6, K1: the demo sends nothing of a real installation to its sandbox: a database or a master key of the surroundings is
/// refused by its setting's name.
#[test]
fn the_demo_keeps_to_data_of_its_own() {
    let temp = TempDir::new().unwrap();
    let folder = text(temp.path());
    for (name, value) in [
        (
            "RINGFENCE_DATABASE_URL",
            "postgres://nobody@127.0.0.1:1/real",
        ),
        ("RINGFENCE_MASTER_KEY_FILE", "/nowhere/real.key"),
    ] {
        let refused = ringfence(&["demo", "--data-dir", &folder, "--listen", "127.0.0.1:0"])
            .env(name, value)
            .output()
            .unwrap();
        assert!(!refused.status.success());
        assert!(said(&refused).contains(name), "{}", said(&refused));
        assert!(!temp.path().join("ringfence.db").exists());
    }
}
