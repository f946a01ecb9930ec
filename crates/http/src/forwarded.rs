//! Who is really speaking: the peer's address, or what a trusted proxy says of it.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// Which proxies are believed, and which of their headers.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Proxies that are believed; empty: nobody.
    pub proxies: Vec<IpNet>,
    /// The one header that is read.
    pub header: String,
}

impl Trust {
    /// The right-most address that is not a trusted proxy; the socket's own where the peer is not
    /// trusted or the header says nothing usable.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let mut nearest = peer;
        let lines: Vec<&str> = headers
            .get_all(self.header.as_str())
            .filter_map(|line| line.to_str().ok())
            .collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = parse_hop(hop.trim()) else {
                return nearest;
            };
            nearest = address;
            if !self.trusts(address) {
                return address;
            }
        }
        nearest
    }

    /// Whether this is a trusted proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.proxies
            .iter()
            .any(|block| block.contains(&address.to_canonical()))
    }
}

/// An address as `X-Forwarded-For` writes it, or `for=` of RFC 7239, with or without a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop
        .split(';')
        .find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value)
        })
        .unwrap_or(hop)
        .trim_matches('"');
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(inside, _)| inside);
    bare.unwrap_or(hop)
        .parse()
        .ok()
        .or_else(|| {
            hop.parse::<std::net::SocketAddr>()
                .ok()
                .map(|socket| socket.ip())
        })
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(line),
            );
        }
        map
    }

    fn trust(blocks: &[&str]) -> Trust {
        Trust {
            proxies: blocks.iter().map(|block| block.parse().unwrap()).collect(),
            header: "x-forwarded-for".into(),
        }
    }

    /// B25
    #[test]
    fn an_untrusted_peer_is_not_believed() {
        let peer = "203.0.113.9".parse().unwrap();
        assert_eq!(
            trust(&["10.0.0.0/8"]).client(peer, &headers(&["1.2.3.4"])),
            peer
        );
        assert_eq!(trust(&[]).client(peer, &headers(&["1.2.3.4"])), peer);
    }

    /// B25
    #[test]
    fn the_right_most_untrusted_address_counts() {
        let trust = trust(&["10.0.0.0/8"]);
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let client: IpAddr = "203.0.113.9".parse().unwrap();
        for lines in [
            &["6.6.6.6, 203.0.113.9"][..],
            &["6.6.6.6", "203.0.113.9, 10.0.0.7"][..],
            &["203.0.113.9:4711"][..],
            &["garbage, 203.0.113.9, 10.1.1.1"][..],
        ] {
            assert_eq!(trust.client(peer, &headers(lines)), client, "{lines:?}");
        }
    }

    #[test]
    fn garbage_next_to_the_proxy_leaves_the_proxy() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        assert_eq!(
            trust(&["10.0.0.0/8"]).client(peer, &headers(&["203.0.113.9, garbage"])),
            peer
        );
    }

    #[test]
    fn rfc_7239_is_read_where_it_is_configured() {
        assert_eq!(
            parse_hop("for=\"[2001:db8::1]:80\";proto=https"),
            "2001:db8::1".parse().ok()
        );
    }
}
