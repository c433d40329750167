//! The sandbox itself. Here are the requests that the tests share, over plain connections, so that any header can be sent.

mod calls;
mod control;
mod creation;
mod wire;

use axum::http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Sandbox;

const GOOD: &str = "sandbox-vapi-good-agency-k7Qd";

async fn start() -> Sandbox {
    Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// One request over a plain connection, with exactly these headers.
async fn raw(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, String) {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    request.push_str(body);
    let mut stream = TcpStream::connect(sandbox.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (StatusCode::from_u16(status).unwrap(), body.to_owned())
}

/// A JSON request, with the key if there is one.
async fn ask(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Option<Value>,
) -> (u16, Value) {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![("Host", "127.0.0.1"), ("Content-Type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let (status, text) = raw(sandbox, method, path, &headers, &body).await;
    (
        status.as_u16(),
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    ask(sandbox, "GET", path, Some(GOOD), None).await
}

async fn control(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask(
        sandbox,
        method,
        &format!("/__control{path}"),
        None,
        Some(body),
    )
    .await
}
