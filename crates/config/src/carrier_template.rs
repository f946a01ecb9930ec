//! Where a token stands in a request, as data: a name and the text around the token.

use std::fmt;

/// `token`, or `authorization=Bearer {token}`: a query parameter or a header that carries a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedCarrier {
    /// The parameter's or the header's name, not percent-encoded.
    pub name: String,
    /// What stands in front of the token, scheme and blank included; often nothing.
    pub before: String,
}

/// `bearer.{token}`, or `base64url.bearer.authorization.k8s.io.{base64url}`: a subprotocol with a
/// token in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubprotocolCarrier {
    /// What stands in front of the token; never nothing.
    pub before: String,
    /// Whether the token is encoded once more, in base64url without padding.
    pub base64url: bool,
}

impl NamedCarrier {
    /// Parses `NAME` or `NAME=BEFORE{token}`; `parse_name` says what a name is.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub(crate) fn parse(
        text: &str,
        parse_name: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        let (name, template) = text.split_once('=').unwrap_or((text, TOKEN));
        let before = template.strip_suffix(TOKEN).ok_or_else(|| {
            format!("{text:?} is not a carrier: write NAME, or NAME=Bearer {{token}}")
        })?;
        let fits = before.len() <= LONGEST
            && before.bytes().all(|byte| (b' '..=b'~').contains(&byte))
            && !before.contains(['{', '}']);
        if !fits {
            return Err(format!(
                "{text:?} is not a carrier: printable ASCII, then {{token}}, then nothing"
            ));
        }
        Ok(Self {
            name: parse_name(name)?,
            before: before.to_owned(),
        })
    }
}

impl SubprotocolCarrier {
    /// Parses `BEFORE{token}` or `BEFORE{base64url}`.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let split = text
            .strip_suffix(TOKEN)
            .map(|before| (before, false))
            .or_else(|| text.strip_suffix(BASE64URL).map(|before| (before, true)));
        let Some((before, base64url)) = split else {
            return Err(format!(
                "{text:?} is not a carrier: it ends with {{token}} or {{base64url}}"
            ));
        };
        if before.len() > LONGEST || crate::sections::subprotocol(before).is_err() {
            return Err(format!(
                "{text:?} is not a carrier: what stands before the token is 1 to {LONGEST} \
                 characters of a subprotocol"
            ));
        }
        Ok(Self {
            before: before.to_owned(),
            base64url,
        })
    }
}

impl fmt::Display for NamedCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}={}{TOKEN}", self.name, self.before)
        }
    }
}

impl fmt::Display for SubprotocolCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hole = if self.base64url { BASE64URL } else { TOKEN };
        write!(f, "{}{hole}", self.before)
    }
}

const TOKEN: &str = "{token}";
const BASE64URL: &str = "{base64url}";

/// Longer than any scheme or prefix of a vendor.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::query_name;

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "token",
            "authorization=Bearer {token}",
            "api_access_key=Jwt; {token}",
            "access_token=auth_tokens/{token}",
        ] {
            let carrier = NamedCarrier::parse(text, query_name).unwrap();
            assert_eq!(carrier.to_string(), text);
        }
        for text in [
            "bearer.{token}",
            "base64url.bearer.authorization.k8s.io.{base64url}",
        ] {
            assert_eq!(SubprotocolCarrier::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_token_stands_last_and_once() {
        for bad in ["", "=x", "a=", "a=Bearer", "a={token}x", "a={token}{token}"] {
            assert!(NamedCarrier::parse(bad, query_name).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "{token}",
            "a b.{token}",
            "a,{token}",
            "a.{token}.b",
            "a",
        ] {
            assert!(SubprotocolCarrier::parse(bad).is_err(), "{bad:?}");
        }
    }
}
