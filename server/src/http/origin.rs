//! Where a request comes from: the client's address behind trusted proxies (H6), and whether a browser sends it from
//! another site (H1).

use std::net::{IpAddr, SocketAddr};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Response, StatusCode, header},
    middleware::Next,
    response::IntoResponse,
};
use ipnet::IpNet;
use url::Url;

use super::Edge;
use crate::config::is_loopback_host;

/// Refuses what a browser sends from another site and would change something: `Sec-Fetch-Site` where the browser tells,
/// else `Origin`. Tools that send neither are no browsers and carry no ambient cookie. A plain request with an `Authorization`
/// header needs no origin: its cookie counts for nothing, so that nobody's browser can be made to lend one.
pub(crate) async fn refuse_foreign(
    State(edge): State<Edge>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let is_reading = request.method().is_safe() && !is_upgrade(request.headers());
    let headers = request.headers();
    let is_bearer = headers.contains_key(header::AUTHORIZATION) && !is_upgrade(headers);
    if is_reading || is_bearer || is_own(headers, &edge.app.config.public_url) {
        return next.run(request).await;
    }
    (
        StatusCode::FORBIDDEN,
        "This request comes from another site. Open Ringfence at its public URL.\n",
    )
        .into_response()
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

fn is_own(headers: &HeaderMap, public_url: &Url) -> bool {
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if !is_upgrade(headers) && matches!(site, Some("same-origin" | "none")) {
        return true;
    }
    match headers.get(header::ORIGIN) {
        Some(origin) => origin
            .to_str()
            .ok()
            .and_then(|origin| Url::parse(origin).ok())
            .is_some_and(|origin| is_same(&origin, public_url)),
        // A request without one is no browser's, which names the origin of each upgrade. A socket that may have a session
        // needs it all the same: without a cookie there is none, and `connection_init` has to bring an API key.
        None => site.is_none() && (!is_upgrade(headers) || !headers.contains_key(header::COOKIE)),
    }
}

/// The public URL itself; on this machine its other spellings too (`localhost`, `127.0.0.1`, `[::1]`).
fn is_same(origin: &Url, public_url: &Url) -> bool {
    if origin.scheme() != public_url.scheme()
        || origin.port_or_known_default() != public_url.port_or_known_default()
    {
        return false;
    }
    origin.host() == public_url.host() || (is_loopback_host(origin) && is_loopback_host(public_url))
}

/// The client's address: the peer's, or what the nearest trusted proxy says.
pub(crate) fn client_address(
    peer: Option<&ConnectInfo<SocketAddr>>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    // On [::] an IPv4 peer comes as ::ffff:a.b.c.d.
    let mut address = peer?.0.ip().to_canonical();
    if !is_trusted(address) {
        return Some(address);
    }
    // From the right: each proxy appends who it heard from, and only trusted ones are believed.
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.iter().rev() {
        let Ok(parsed) = hop.parse::<IpAddr>() else {
            break;
        };
        address = parsed.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value")))
            .collect()
    }

    /// H1: what a browser sends from another site is refused; an upgrade needs the public URL as its origin.
    #[test]
    fn only_the_public_url_counts_as_own() {
        let public = Url::parse("https://keys.example.com").expect("url");
        let own = |pairs: &[(&'static str, &'static str)]| is_own(&headers(pairs), &public);
        assert!(own(&[]));
        assert!(own(&[("origin", "https://keys.example.com")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[("origin", "https://evil.example.com")]));
        assert!(!own(&[("origin", "null")]));
        assert!(!own(&[("origin", "http://keys.example.com")]));
        assert!(own(&[("upgrade", "websocket")]));
        assert!(!own(&[("upgrade", "websocket"), ("cookie", "ringfence=a")]));
        assert!(!own(&[
            ("upgrade", "websocket"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!own(&[
            ("upgrade", "websocket"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(own(&[
            ("upgrade", "websocket"),
            ("origin", "https://keys.example.com")
        ]));
        assert!(!own(&[
            ("upgrade", "websocket"),
            ("origin", "https://evil.example.com")
        ]));
    }

    #[test]
    fn on_this_machine_its_spellings_are_one() {
        let public = Url::parse("http://127.0.0.1:8080").expect("url");
        assert!(is_own(
            &headers(&[("origin", "http://localhost:8080")]),
            &public
        ));
        assert!(!is_own(
            &headers(&[("origin", "http://localhost:9090")]),
            &public
        ));
    }

    /// H6: forwarded headers count only from trusted proxies, and only as far as those reach.
    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let trusted = ["10.0.0.0/8".parse::<IpNet>().expect("network")];
        let peer = |text: &str| ConnectInfo(text.parse::<SocketAddr>().expect("address"));
        let forwarded = headers(&[("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.1.1.1")]);
        let stranger = client_address(Some(&peer("198.51.100.1:1")), &forwarded, &trusted);
        assert_eq!(stranger, "198.51.100.1".parse().ok());
        let proxied = client_address(Some(&peer("10.0.0.2:1")), &forwarded, &trusted);
        assert_eq!(proxied, "203.0.113.7".parse().ok());
        let silent = client_address(Some(&peer("10.0.0.2:1")), &HeaderMap::new(), &trusted);
        assert_eq!(silent, "10.0.0.2".parse().ok());
    }

    /// H6: listening on [::], an IPv4 client is the same as listening on 0.0.0.0.
    #[test]
    fn an_ipv4_peer_on_an_ipv6_listener_is_itself() {
        let trusted = ["10.0.0.0/8".parse::<IpNet>().expect("network")];
        let peer = |text: &str| ConnectInfo(text.parse::<SocketAddr>().expect("address"));
        let forwarded = headers(&[("x-forwarded-for", "203.0.113.7, ::ffff:10.1.1.1")]);
        let proxied = client_address(Some(&peer("[::ffff:10.0.0.2]:1")), &forwarded, &trusted);
        assert_eq!(proxied, "203.0.113.7".parse().ok());
        let stranger = client_address(Some(&peer("[::ffff:198.51.100.1]:1")), &forwarded, &trusted);
        assert_eq!(stranger, "198.51.100.1".parse().ok());
    }
}
