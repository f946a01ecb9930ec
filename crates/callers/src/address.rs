//! Where keys and discovery documents may be read.

use std::{fmt, net::IpAddr};

use tollbridge_domain::is_loopback;
use url::{Host, Url};

/// An address whose answers are believed: `https`, or `http` on a literal loopback address. It
/// names no user and has no fragment. It is configured or published, never made of a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address(Url);

/// Why an address is not to be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// Plain HTTP to somewhere else than this machine; a name is not a literal address.
    #[error("must be https (http is for a literal loopback address, as 127.0.0.1)")]
    Clear,
    /// No URL of HTTP.
    #[error("is not an http or https URL")]
    NoUrl,
    /// A public document that points into a network that is not.
    #[error("points to a private address")]
    Private,
    /// Credentials or a fragment in it.
    #[error("must not name a user or hold a fragment")]
    Excess,
}

impl Address {
    /// Checks the text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_malformed| AddressError::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(AddressError::NoUrl);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(AddressError::Excess);
        }
        let address = Self(url);
        let local = address.0.host_str().is_some_and(is_loopback);
        if address.0.scheme() == "https" || local {
            Ok(address)
        } else {
            Err(AddressError::Clear)
        }
    }

    /// One that a document read here points to. A literal address that is not public is taken only
    /// where the document was read at the same one: no document sends us around our own network.
    pub(crate) fn pointed_to(&self, text: &str) -> Result<Self, AddressError> {
        let there = Self::parse(text)?;
        match there.literal() {
            Some(address) if !is_public(address) && there.0.host() != self.0.host() => {
                Err(AddressError::Private)
            }
            _ => Ok(there),
        }
    }

    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }

    fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(IpAddr::from(address).to_canonical()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            !(it.is_loopback()
                || it.is_private()
                || it.is_link_local()
                || it.is_unspecified()
                || it.is_broadcast()
                || it.is_multicast()
                || shared)
        }
        IpAddr::V6(it) => {
            !(it.is_loopback()
                || it.is_unspecified()
                || it.is_multicast()
                || it.is_unique_local()
                || it.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_secure_or_on_this_very_machine() {
        for good in [
            "https://a.test/jwks",
            "https://10.0.0.1/",
            "http://127.0.0.1:8080/jwks",
            "http://127.9.9.9/",
            "http://[::1]:80/",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://a.test/", AddressError::Clear),
            ("http://localhost/", AddressError::Clear),
            ("http://10.0.0.1/", AddressError::Clear),
            ("http://127.0.0.1.evil.test/", AddressError::Clear),
            ("https://user@a.test/", AddressError::Excess),
            ("https://a.test/#b", AddressError::Excess),
            ("file:///etc/passwd", AddressError::NoUrl),
            ("/jwks", AddressError::NoUrl),
            ("", AddressError::NoUrl),
        ] {
            assert_eq!(Address::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_document_sends_nobody_into_a_private_network() {
        let public = Address::parse("https://a.test/").unwrap();
        for text in [
            "https://10.0.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "http://127.0.0.1/",
            "https://0x7f.1/",
        ] {
            let refused = public.pointed_to(text);
            assert_eq!(refused, Err(AddressError::Private), "{text}");
        }
        assert!(public.pointed_to("https://keys.test/").is_ok());
        let inside = Address::parse("https://10.0.0.1/a").unwrap();
        assert!(inside.pointed_to("https://10.0.0.1/keys").is_ok());
        assert!(inside.pointed_to("https://10.0.0.2/keys").is_err());
    }
}
