//! What a request shows of its sender, without any framework's types.

use std::net::IpAddr;

use crate::Rejection;

/// One request, as an authenticator sees it. Not printable: headers hold credentials.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Who spoke to us, trusted proxies already seen through.
    pub peer: IpAddr,
    /// Who spoke to the socket: the last proxy, where there is one.
    pub socket: IpAddr,
    /// What is asked of us.
    pub request: Request<'a>,
    /// Every header field, in order, repeated ones included; names in any case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The certificate (DER) that the connection's other end has proved to be its own, where an
    /// authority of ours vouches for it; or why it no longer counts. Of the TLS handshake, and
    /// never of a header.
    pub certificate: Option<Result<&'a [u8], Rejection>>,
}

/// What is asked of us, for authenticators that pass it on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// The path, without a query.
    pub path: &'a str,
    /// What the outside calls this server: scheme and host, without a slash at the end.
    pub base: &'a str,
}

/// What a request says under one header name.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Header<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a [u8]),
    /// Several: which one counts is for nobody to guess.
    Several,
}

impl<'a> Evidence<'a> {
    /// The header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Header<'a> {
        let mut values = self
            .headers
            .iter()
            .filter(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (None, _) => Header::Absent,
            (Some(value), None) => Header::One(value),
            (Some(_), Some(_)) => Header::Several,
        }
    }

    /// The credential of `Authorization: Bearer …`.
    ///
    /// # Errors
    /// [`Rejection::Ambiguous`] where there are several such headers.
    pub fn bearer(&self) -> Result<Option<&'a [u8]>, Rejection> {
        Ok(self.single("authorization")?.and_then(bearer_of))
    }

    /// The value of a header that may come once.
    ///
    /// # Errors
    /// [`Rejection::Ambiguous`] where it comes more often.
    pub fn single(&self, name: &str) -> Result<Option<&'a [u8]>, Rejection> {
        match self.header(name) {
            Header::Absent => Ok(None),
            Header::One(value) => Ok(Some(value)),
            Header::Several => Err(Rejection::Ambiguous),
        }
    }
}

/// RFC 9110, 11.1: the scheme in any case, then spaces, then the credential.
fn bearer_of(value: &[u8]) -> Option<&[u8]> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = value.split_at(space);
    let start = rest.iter().position(|byte| *byte != b' ')?;
    let credential = rest.get(start..)?;
    scheme.eq_ignore_ascii_case(b"bearer").then_some(credential)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn bearer(headers: &[(&str, &str)]) -> Result<Option<String>, Rejection> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let evidence = Evidence {
            peer: Ipv4Addr::LOCALHOST.into(),
            socket: Ipv4Addr::LOCALHOST.into(),
            request: Request::default(),
            headers: &headers,
            certificate: None,
        };
        let found = evidence.bearer()?;
        Ok(found.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    #[test]
    fn a_bearer_credential_is_found_whatever_the_case() {
        for (name, value) in [
            ("Authorization", "Bearer abc"),
            ("authorization", "bearer   abc"),
            ("AUTHORIZATION", "BEARER abc"),
        ] {
            assert_eq!(bearer(&[(name, value)]), Ok(Some("abc".to_owned())));
        }
    }

    /// M01: no credential, `Basic`, `Bearer` empty.
    #[test]
    fn what_is_no_bearer_credential_is_none() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic dTpw",
            "Bearerabc",
            "bearer:abc",
            " abc",
        ] {
            assert_eq!(bearer(&[("authorization", value)]), Ok(None), "{value:?}");
        }
        assert_eq!(bearer(&[("x-authorization", "Bearer abc")]), Ok(None));
    }

    #[test]
    fn two_authorization_headers_are_ambiguous_even_if_equal() {
        let twice = [("authorization", "Bearer a"), ("Authorization", "Bearer a")];
        assert_eq!(bearer(&twice), Err(Rejection::Ambiguous));
    }
}
