//! The built web app, embedded in the binary and compressed when it was built. Hashed files are cached for good, the page
//! itself is asked for anew each time; a missing file is a 404 and never the page. The page's content security policy
//! names the hashes of its inline scripts, computed at start (H4).

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::app::App;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Files;

const PAGE: &str = "index.html";

/// The page's policy; the files themselves are embedded.
#[derive(Clone)]
pub(crate) struct Assets {
    policy: Arc<HeaderValue>,
}

impl Assets {
    pub(crate) fn new(app: &App) -> Self {
        let page = Files::get(PAGE).map(|file| String::from_utf8_lossy(&file.data).into_owned());
        let socket = socket_origin(app);
        let policy = policy(&page.unwrap_or_default(), &socket);
        Self {
            policy: Arc::new(
                HeaderValue::from_str(&policy)
                    .unwrap_or(HeaderValue::from_static("default-src 'none'")),
            ),
        }
    }
}

/// The WebSocket's origin, for browsers in which `'self'` does not cover it.
fn socket_origin(app: &App) -> String {
    let mut url = app.config.public_url.clone();
    let scheme = if app.config.is_https() { "wss" } else { "ws" };
    if url.set_scheme(scheme).is_err() {
        return String::new();
    }
    url.as_str().trim_end_matches('/').to_owned()
}

fn policy(page: &str, socket: &str) -> String {
    let hashes: String = inline_scripts(page)
        .flat_map(|script| {
            let hash = STANDARD.encode(digest(&SHA256, script.as_bytes()));
            [" 'sha256-".to_owned(), hash, "'".to_owned()]
        })
        .collect();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' {socket}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The text of each `<script>` without a `src`.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (attributes, body) = rest.split_once('>')?;
        let is_external = attributes
            .split_whitespace()
            .any(|part| part.starts_with("src="));
        let (script, _) = body.split_once("</script")?;
        (!is_external).then_some(script)
    })
}

/// A file of the web app, or its page for a path of the app.
pub(crate) async fn serve(assets: Assets, request: Request) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::NOT_FOUND, "Not found.\n").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_file = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    let is_compressed = matches!(path.rsplit('.').next(), Some("br" | "gz"));
    if path == PAGE || !is_file {
        return page(&assets, request.headers());
    }
    match Files::get(path) {
        Some(file) if !is_compressed => send(
            path,
            &file,
            request.headers(),
            "public, max-age=31536000, immutable",
        ),
        _ => (StatusCode::NOT_FOUND, "Not found.\n").into_response(),
    }
}

fn page(assets: &Assets, headers: &HeaderMap) -> Response<Body> {
    let Some(file) = Files::get(PAGE) else {
        let text =
            "The web app is not in this build. Run `make web`, then build the server again.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let mut response = send(PAGE, &file, headers, "no-cache");
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::clone(&assets.policy),
    );
    response
}

fn send(
    path: &str,
    file: &EmbeddedFile,
    headers: &HeaderMap,
    cache: &'static str,
) -> Response<Body> {
    let etag = format!(
        "\"{}\"",
        STANDARD.encode(&file.metadata.sha256_hash()[..15])
    );
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (encoding, data) = encoded(path, file, headers);
        let body = match data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(path)),
        );
        if let Some(encoding) = encoding {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// The smallest form that the client takes.
fn encoded(
    path: &str,
    file: &EmbeddedFile,
    headers: &HeaderMap,
) -> (Option<&'static str>, Cow<'static, [u8]>) {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |name: &str| {
        accepted
            .split(',')
            .map(|part| part.split(';').next().unwrap_or_default().trim())
            .any(|part| part == name)
    };
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(encoding)
            && let Some(file) = Files::get(&format!("{path}.{ending}"))
        {
            return (Some(encoding), file.data);
        }
    }
    (None, file.data.clone())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        // Streaming compilation insists on it, on the compressed answer too.
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H4: each inline script stands in the policy by its hash, and nothing inline is allowed beside.
    #[test]
    fn the_policy_names_the_hash_of_each_inline_script() {
        let page = "<html><script>a()</script><script type=\"module\" nonce=x>b()</script><script src=\"/c.js\"></script>";
        assert_eq!(inline_scripts(page).collect::<Vec<_>>(), ["a()", "b()"]);
        let policy = policy(page, "wss://keys.example.com");
        assert_eq!(policy.matches("'sha256-").count(), 2);
        assert!(!policy.contains("unsafe-inline"));
        assert!(policy.contains("style-src 'self';"));
    }
}
