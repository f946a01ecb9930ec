//! Whether a host is this very machine.

use std::net::IpAddr;

/// Whether the host of a URL, as URLs write it (IPv6 in brackets), is a literal loopback address.
/// A name is none: who answers for it is for a name server to say.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address = address.parse::<IpAddr>();
    address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// As [`is_loopback`], or the name that every machine has for itself.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    is_loopback(host) || host == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loopback() {
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback(host) && is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::2]",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "a.localhost",
            "0x7f.1",
        ] {
            assert!(!is_loopback(host) && !is_this_machine(host), "{host}");
        }
        assert!(!is_loopback("localhost") && is_this_machine("localhost"));
    }
}
