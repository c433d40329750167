//! Where a webhook may go (H5). A host's name is resolved once, every address that it has must be a public one, and the
//! connection is made to exactly those: a name that changes its answer afterwards leads nowhere else. Addresses of this
//! machine are open to the demo and the tests alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;
use url::{Host, Url};

use super::Failure;
use crate::{
    app::App,
    config::is_loopback_host,
    error::{Error, Result},
};

/// Longest address of an endpoint.
const MAX_URL: usize = 2000;

/// Whether webhooks may go to this machine, without https too: where people reach Ringfence itself by a loopback address,
/// which is the demo, the tests and somebody's own trial.
pub(super) fn is_loopback_open(app: &App) -> bool {
    app.demo.is_some() || is_loopback_host(&app.config.public_url)
}

/// The address that somebody typed, or what is wrong with it.
pub(super) fn parse(text: &str, is_loopback_open: bool) -> Result<Url> {
    let wrong = |message: &str| Error::invalid("url", message);
    let text = text.trim();
    if text.len() > MAX_URL {
        return Err(wrong("The address is longer than 2,000 characters."));
    }
    let url = Url::parse(text).map_err(|_| {
        wrong("Enter a whole address, such as https://hooks.example.com/ringfence.")
    })?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback_open && is_loopback_host(&url) => {}
        _ => return Err(wrong("The address begins with https://.")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "Leave the user name and password out of the address; the signature says who sends.",
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong("Leave out what follows the #; it is never sent."));
    }
    let is_refused = match url.host() {
        Some(Host::Ipv4(ip)) => !is_open(ip.into(), is_loopback_open),
        Some(Host::Ipv6(ip)) => !is_open(ip.into(), is_loopback_open),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let is_local = name == "localhost" || name.ends_with(".localhost");
            is_local && !is_loopback_open
        }
        None => true,
    };
    if is_refused {
        return Err(wrong(
            "This address is inside a private network or on this machine. Webhooks go to public addresses only.",
        ));
    }
    Ok(url)
}

/// The addresses to connect to, looked up once and all of them public.
pub(super) async fn resolve(
    url: &Url,
    is_loopback_open: bool,
) -> std::result::Result<Vec<SocketAddr>, Failure> {
    let port = url.port_or_known_default().ok_or(Failure::AddressRefused)?;
    let found: Vec<SocketAddr> = match url.host().ok_or(Failure::AddressRefused)? {
        Host::Ipv4(ip) => vec![(ip, port).into()],
        Host::Ipv6(ip) => vec![(ip, port).into()],
        Host::Domain(name) => lookup_host((name, port))
            .await
            .map_err(|_| Failure::NameNotFound)?
            .collect(),
    };
    if found.is_empty() {
        return Err(Failure::NameNotFound);
    }
    // One address inside is reason enough: which of them a connection takes is not ours to choose.
    if found
        .iter()
        .all(|address| is_open(address.ip(), is_loopback_open))
    {
        Ok(found)
    } else {
        Err(Failure::AddressRefused)
    }
}

fn is_open(ip: IpAddr, is_loopback_open: bool) -> bool {
    is_public(ip) || (is_loopback_open && ip.to_canonical().is_loopback())
}

/// Whether an address is one that anybody on the internet has: by the special-purpose registries of IANA, with what is
/// wrapped in an IPv6 address (mapped, 6to4, NAT64, Teredo) looked at as the IPv4 address that it leads to.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = match a {
        // "This network", loopback, private, multicast, reserved and broadcast.
        0 | 10 | 127 | 224..=255 => true,
        // Shared address space of carriers (RFC 6598).
        100 => (64..128).contains(&b),
        // Link-local, where clouds serve their metadata.
        169 => b == 254,
        172 => (16..32).contains(&b),
        // Protocol assignments, documentation, 6to4 relays, private, AS112.
        192 => matches!(
            (b, c),
            (0, 0 | 2) | (88, 99) | (168, _) | (31, 196) | (52, 193) | (175, 48)
        ),
        // Benchmarks and documentation.
        198 => matches!(b, 18 | 19) || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        // Azure's platform address, which answers from inside alone.
        168 => ip == Ipv4Addr::new(168, 63, 129, 16),
        _ => false,
    };
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // NAT64 by its well-known prefix, and 6to4: what they lead to is an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (Teredo and ORCHID among them), benchmarks and documentation.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        // More documentation, and segment routing (RFC 9637, RFC 9602).
        [0x3fff, second, ..] => second > 0xfff,
        // Everything else that is routed stands in 2000::/3: not ::, ::1, local, link-local, site-local or multicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_public_text(text: &str) -> bool {
        is_public(text.parse().expect(text))
    }

    /// H5: private, loopback, link-local, multicast, carrier and metadata addresses are refused, in whatever IPv6 form.
    #[test]
    fn addresses_inside_are_refused_in_every_form() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.9.10",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::10.0.0.1",
            "2002:7f00:1::",
            "2002:0a00:0001::1",
            "2001::1",
            "2001:db8::1",
            "2001:20::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public_text(inside), "{inside}");
        }
    }

    /// H5: what anybody on the internet has is not refused.
    #[test]
    fn public_addresses_are_not_refused() {
        for outside in [
            "1.1.1.1",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.169.0.1",
            "198.20.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:0101:0101::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "3fff:1000::1",
        ] {
            assert!(is_public_text(outside), "{outside}");
        }
    }

    proptest! {
        /// H5: whether an IPv4 address is public does not depend on how it is wrapped.
        #[test]
        fn a_wrapped_address_is_as_public_as_the_plain_one(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let plain = is_public(v4.into());
            for wrapped in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(is_public(wrapped.into()), plain, "{}", wrapped);
            }
        }
    }

    /// H5: what may be typed: https, a public host, no credentials; plain http to this machine where that is open.
    #[test]
    fn an_endpoints_address_is_https_and_public() {
        for (text, where_closed, where_open) in [
            ("https://hooks.example.com/a?token=b", true, true),
            ("https://hooks.example.com:8443/", true, true),
            ("http://hooks.example.com/", false, false),
            ("https://user:secret@hooks.example.com/", false, false),
            ("https://hooks.example.com/#part", false, false),
            ("ftp://hooks.example.com/", false, false),
            ("hooks.example.com", false, false),
            ("http://127.0.0.1:9000/", false, true),
            ("https://127.0.0.1:9000/", false, true),
            ("http://localhost:9000/", false, true),
            ("https://localhost./", false, true),
            ("https://a.localhost/", false, true),
            ("https://[::1]/", false, true),
            ("https://[::ffff:127.0.0.1]/", false, true),
            ("https://2130706433/", false, true),
            ("https://0x7f.1/", false, true),
            ("https://10.0.0.1/", false, false),
            ("https://169.254.169.254/latest", false, false),
            ("https://[fd00:ec2::254]/", false, false),
        ] {
            assert_eq!(parse(text, false).is_ok(), where_closed, "{text}");
            assert_eq!(parse(text, true).is_ok(), where_open, "{text} where open");
        }
    }

    /// H5: a name is refused when it leads to an address inside, whatever else it leads to.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused() {
        let url = Url::parse("https://localhost/").expect("url");
        assert_eq!(resolve(&url, false).await, Err(Failure::AddressRefused));
        let found = resolve(&url, true).await.expect("open");
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        let url = Url::parse("https://no-such-host.invalid/").expect("url");
        assert_eq!(resolve(&url, true).await, Err(Failure::NameNotFound));
    }
}
