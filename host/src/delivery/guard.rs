//! The outbound guard: a callback goes to a declared, public address or nowhere.
//!
//! An endpoint is declared by a tenant, who must not reach what only the host's own network can see: neither by an
//! address written out, nor by a name that resolves to one, nor by a redirect (the client follows none).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a URL, or one without a host.
    #[error("is not a complete address; write it as https://host/path")]
    Unreadable,
    /// Neither `https` nor, where private addresses are allowed, `http`.
    #[error("does not begin with https://; callbacks carry personal data")]
    Scheme,
    /// Points into a network that is not the public internet.
    #[error("points to a private address; use a public one, or allow private addresses")]
    Private,
}

/// Reads an endpoint's address and refuses what can be refused without asking DNS.
pub fn check(url: &str, allow_private: bool) -> Result<Url, Refusal> {
    let url = Url::parse(url).map_err(|_| Refusal::Unreadable)?;
    let is_scheme_allowed = match url.scheme() {
        "https" => true,
        "http" => allow_private,
        _ => false,
    };
    if !is_scheme_allowed {
        return Err(Refusal::Scheme);
    }
    let host = url.host_str().ok_or(Refusal::Unreadable)?;
    // The URL parser has brought every spelling of an IPv4 address (0x7f.1, 2130706433) to four numbers.
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !allow_private && !is_public(address) => Err(Refusal::Private),
        _ => Ok(url),
    }
}

/// Whether an address belongs to the public internet (IANA's special-purpose registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Only global unicast; what embeds an IPv4 address (mapped, NAT64, 6to4) is as public as that address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => embedded(g, h),
        (0x2002, high, low, ..) => embedded(high, low),
        // protocol assignments (Teredo among them) and documentation
        (0x2001, 0..=0x01ff | 0x0db8, ..) | (0x3fff, 0..=0x0fff, ..) => false,
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

/// Asks the system's DNS and keeps public addresses only.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public = keep_public(found)?;
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// The public ones of what a name resolves to; refused when there were only others.
fn keep_public(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
    let was_empty = found.is_empty();
    let public: Vec<_> = found.into_iter().filter(|address| is_public(address.ip())).collect();
    if public.is_empty() && !was_empty { Err(Refusal::Private) } else { Ok(public) }
}

/// Whether a request failed because the guard refused what the name resolves to.
pub(super) fn refused(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<Refusal>() {
            return true;
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in private {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "192.169.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:4860:4860::8888",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_are_refused_before_anything_is_asked() {
        let table = [
            ("https://crm.example/hook", Ok(()), Ok(())),
            ("https://8.8.8.8/hook", Ok(()), Ok(())),
            ("http://crm.example/hook", Err(Refusal::Scheme), Ok(())),
            ("https://127.0.0.1/hook", Err(Refusal::Private), Ok(())),
            ("https://0x7f.1/hook", Err(Refusal::Private), Ok(())),
            ("https://2130706433/hook", Err(Refusal::Private), Ok(())),
            ("https://[::1]:8443/hook", Err(Refusal::Private), Ok(())),
            ("https://[::ffff:169.254.169.254]/", Err(Refusal::Private), Ok(())),
            ("ftp://crm.example/", Err(Refusal::Scheme), Err(Refusal::Scheme)),
            ("file:///etc/passwd", Err(Refusal::Scheme), Err(Refusal::Scheme)),
            ("/hook", Err(Refusal::Unreadable), Err(Refusal::Unreadable)),
            ("https://", Err(Refusal::Unreadable), Err(Refusal::Unreadable)),
        ];
        for (url, strict, lenient) in table {
            assert_eq!(check(url, false).map(|_| ()), strict, "{url}");
            assert_eq!(check(url, true).map(|_| ()), lenient, "{url}");
        }
    }

    #[test]
    fn names_are_refused_by_what_they_resolve_to() {
        let at = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(keep_public(at(&["10.0.0.1:0", "[::1]:0"])), Err(Refusal::Private));
        assert_eq!(keep_public(at(&["10.0.0.1:0", "8.8.8.8:0"])), Ok(at(&["8.8.8.8:0"])));
        assert_eq!(keep_public(Vec::new()), Ok(Vec::new()));
    }
}
