//! Keeps the sandbox to this machine (H6). Listening on loopback keeps other machines out; this keeps out web pages
//! that another site's name, pointed at 127.0.0.1, or a cross-origin request would bring here. It knows no routes.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

/// Refuses requests whose `Host`, or whose `Origin` if there is one, is not this machine.
pub(super) async fn only_this_machine(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_host_local = headers
        .get(HOST)
        .is_some_and(|host| is_local(host, "http://"));
    let is_origin_local = headers
        .get(ORIGIN)
        .is_none_or(|origin| is_local(origin, ""));
    if is_host_local && is_origin_local {
        next.run(request).await
    } else {
        let text = "The provider sandbox answers requests from this machine only: \
                    use 127.0.0.1 or localhost as the host name.\n";
        (StatusCode::FORBIDDEN, text).into_response()
    }
}

fn is_local(value: &HeaderValue, scheme: &str) -> bool {
    let url = value
        .to_str()
        .ok()
        .and_then(|text| Url::parse(&format!("{scheme}{text}")).ok());
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}
