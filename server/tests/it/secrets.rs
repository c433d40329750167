//! The canary test (K7, K13, E2): recognisable keys, passwords and tokens go through everything that touches them, and
//! are then looked for in every place where something could be left behind. A second test plants leaks on purpose, so
//! that the search is known to find them.

mod canary;
mod course;
mod misplaced;
mod sinks;

use std::fs;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use crate::harness::{Settings, TestApp};
use canary::Secret;
use sinks::Sinks;

/// K7, K13, E2: no key, password or token, nor eight characters of one, in whatever spelling, is in a log line at any
/// level, in an answer's headers or body, in a figure, or in a file of the data folder. Nor is what the provider tells
/// of other services' secrets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_secret_is_left_anywhere() {
    let sinks = Sinks::new();
    let app = TestApp::with(Settings {
        is_without_people: true,
        ..Settings::default()
    })
    .await;
    let mut secrets = course::run(&app, &sinks).await;
    for file in ["master.key", "session.secret"] {
        let text = fs::read_to_string(app.folder.join(file)).unwrap();
        let value = text.split(':').nth(3).unwrap();
        secrets.push(Secret::new(format!("the text of {file}"), value));
        let value = URL_SAFE_NO_PAD.decode(value).unwrap();
        secrets.push(Secret::new(format!("the bytes of {file}"), value));
    }
    let found = sinks.search(&app, &secrets).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The search had something to search.
    assert!(sinks.log_size() > 100_000, "{}", sinks.log_size());
    assert!(sinks.answer_count() > 100, "{}", sinks.answer_count());
}

/// The canary can fail: a leak into any place, in any of the spellings, is found there and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leak_into_any_place_is_found() {
    const KEY: &str = "Wd5tGy8uHj3kLz6xCv9bNm2q";
    let secrets = [Secret::new("the leaked key", KEY)];
    for leak in sinks::Leak::ALL {
        let app = TestApp::new().await;
        let sinks = Sinks::new();
        sinks.ask_metrics(&app).await;
        let before = sinks.search(&app, &secrets).await;
        assert!(before.is_empty(), "{leak:?}: {before:?}");
        sinks.plant(&app, leak, KEY).await;
        let found = sinks.search(&app, &secrets).await;
        assert!(!found.is_empty(), "{leak:?} was not found");
        assert!(
            found.iter().all(|place| place.starts_with(leak.place())),
            "{leak:?}: {found:?}"
        );
    }
}

/// The canary can fail: each spelling of a whole key, of its beginning and of its end is found.
#[test]
fn a_leak_in_any_spelling_is_found() {
    use std::fmt::Write as _;
    let key = "q7/Rt+5Yw2&Ek9\"Zx4Mn8Vb1";
    let secret = Secret::new("key", key);
    let hex = key.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let percent = key.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    });
    let url: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    for spelling in [
        key.to_owned(),
        key[..9].to_owned(),
        key[key.len() - 9..].to_owned(),
        format!("{key:?}"),
        serde_json::json!({ "apiKey": key }).to_string(),
        format!("GET /?key={url}"),
        format!("GET /?key={percent}"),
        hex.to_uppercase(),
        hex,
        STANDARD.encode(key),
        STANDARD.encode(format!("Bearer {key}")),
        STANDARD.encode(format!("Basic x:{key}")),
        URL_SAFE_NO_PAD.encode(format!("k={key}")),
        format!("{:?}", key.as_bytes()),
    ] {
        assert!(
            secret.is_in(&format!("before {spelling} behind")),
            "{spelling}"
        );
    }
    for clean in ["", "…8Vb1", "a log line without anything", "q7/R"] {
        assert!(!secret.is_in(clean), "{clean}");
    }
}
