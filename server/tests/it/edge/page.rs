//! H4: the web app's pages and files, and the headers of every answer.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, Response, StatusCode};

use crate::harness::{Settings, TestApp};

async fn get(app: &TestApp, path: &str) -> Response {
    app.nobody()
        .request(Method::GET, path)
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .unwrap()
}

/// The page, when this build has one; `make test` builds it first.
async fn page(app: &TestApp) -> Option<Response> {
    let response = get(app, "/").await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        assert!(response.text().await.unwrap().contains("make web"));
        return None;
    }
    Some(response)
}

/// H4: every answer forbids sniffing, framing, referrers and being embedded, and a policy stands on all of them.
#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/healthz",
        "/missing.js",
        "/graphql",
        "/metrics",
        "/agents",
    ] {
        let response = get(&app, path).await;
        let headers = response.headers();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path} {name}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path} {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path} {policy}");
        assert!(!policy.contains("unsafe-inline"), "{path} {policy}");
        assert!(!policy.contains("'unsafe-eval'"), "{path} {policy}");
        assert!(headers.contains_key("cache-control"), "{path}");
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
        assert!(!headers.contains_key("server"), "{path}");
    }
}

/// H4: a missing file is a 404 and never the page; nothing outside of the built web app is served.
#[tokio::test]
async fn a_missing_file_is_not_found() {
    let app = TestApp::new().await;
    for path in [
        "/missing.js",
        "/assets/missing-0123456789abcdef.wasm",
        "/favicon.missing.png",
        "/../Cargo.toml",
        "/..%2fCargo.toml",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "/index.html.br",
        "/ringfence.db",
    ] {
        let response = get(&app, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let text = response.text().await.unwrap();
        assert!(
            !text.contains("<html") && !text.contains("[package]"),
            "{path}: {text}"
        );
    }
    let posted = app.nobody().request(Method::POST, "/agents").send().await;
    assert_eq!(posted.unwrap().status(), StatusCode::NOT_FOUND);
}

/// H4: paths of the web app get the page, with a policy that allows its own inline scripts by their hashes and nothing
/// inline beside.
#[tokio::test]
async fn the_pages_policy_holds_the_hashes_of_its_scripts() {
    let app = TestApp::with(Settings {
        public_url: Some("https://keys.example.com"),
        ..Settings::default()
    })
    .await;
    let Some(first) = page(&app).await else {
        return;
    };
    let etag = first.headers()["etag"].clone();
    let policy = first.headers()["content-security-policy"].clone();
    assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(first.headers()["cache-control"], "no-cache");
    let html = first.text().await.unwrap();
    for path in [
        "/agents",
        "/northside-voice/settings/api-keys",
        "/set-up",
        "/log-in",
    ] {
        let response = get(&app, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-security-policy"], policy);
        assert_eq!(response.text().await.unwrap(), html, "{path}");
    }
    let policy = policy.to_str().unwrap();
    let part = |name: &str| {
        policy
            .split("; ")
            .find(|part| part.starts_with(name))
            .unwrap()
    };
    let scripts = part("script-src");
    assert!(
        scripts.starts_with("script-src 'self' 'wasm-unsafe-eval'"),
        "{scripts}"
    );
    assert!(!scripts.contains("nonce"));
    assert_eq!(part("style-src"), "style-src 'self'");
    assert_eq!(
        part("connect-src"),
        "connect-src 'self' wss://keys.example.com"
    );
    let mut inline = 0;
    for rest in html.split("<script").skip(1) {
        let (attributes, rest) = rest.split_once('>').unwrap();
        if attributes.contains("src=") {
            continue;
        }
        inline += 1;
        let script = rest.split_once("</script>").unwrap().0;
        let hash = STANDARD.encode(digest(&SHA256, script.as_bytes()));
        assert!(scripts.contains(&format!("'sha256-{hash}'")), "{script}");
    }
    assert_eq!(scripts.matches("sha256-").count(), inline);
    assert!(
        !html.contains(" style=") && !html.contains("<style"),
        "an inline style"
    );
    let again = app
        .nobody()
        .request(Method::GET, "/agents")
        .header("if-none-match", etag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["content-security-policy"], policy);
}

fn ending(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// H4: the files that the page names are there, kept for good, and small for browsers that take brotli.
#[tokio::test]
async fn the_pages_files_are_served_compressed_and_kept() {
    let app = TestApp::new().await;
    let Some(first) = page(&app).await else {
        return;
    };
    let html = first.text().await.unwrap();
    let files: Vec<&str> = html
        .split('"')
        .filter(|part| part.starts_with('/') && matches!(ending(part), "js" | "wasm" | "css"))
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let response = app
            .nobody()
            .request(Method::GET, file)
            .header("accept-encoding", "br;q=1, gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{file}");
        let headers = response.headers();
        assert_eq!(
            headers["cache-control"], "public, max-age=31536000, immutable",
            "{file}"
        );
        assert_eq!(headers["vary"], "accept-encoding");
        assert_eq!(headers["content-encoding"], "br", "{file}");
        let kind = headers["content-type"].to_str().unwrap();
        let expected = match ending(file) {
            "wasm" => "application/wasm",
            "css" => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        };
        assert_eq!(kind, expected, "{file}");
    }
}
