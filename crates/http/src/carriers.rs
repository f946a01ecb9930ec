//! Where a route's tokens travel.

use std::time::Duration;

/// All carriers of one route. `Authorization: Bearer` carries on every route.
#[derive(Clone, Debug, Default)]
pub struct Carriers {
    /// Query parameters.
    pub query: Vec<Named>,
    /// Headers, names in lower case.
    pub header: Vec<Named>,
    /// Subprotocols with the token in them.
    pub subprotocol: Vec<InSubprotocol>,
    /// Subprotocols whose successor in the list is the token.
    pub pairs: Vec<String>,
    /// The client's first message.
    pub message: Option<InMessage>,
    /// What may stand in front of the token itself; often nothing.
    pub prefix: String,
}

/// A carrier with a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// Of the parameter or the header.
    pub name: String,
    /// What stands in front of the token: `Bearer `.
    pub before: String,
}

/// A subprotocol with a token in it.
#[derive(Clone, Debug)]
pub struct InSubprotocol {
    /// What stands in front of the token.
    pub before: String,
    /// Whether the token is encoded once more, in base64url without padding.
    pub base64url: bool,
}

/// A first message with a token in it.
#[derive(Clone, Debug)]
pub struct InMessage {
    /// JSON pointer to the token.
    pub field: String,
    /// How long the bridge waits for the message.
    pub timeout: Duration,
    /// Longest message, in bytes.
    pub max: usize,
    /// What the bridge says first, in place of the upstream.
    pub greeting: Option<String>,
}

impl Named {
    /// What stands behind the prefix, if it is there. Schemes differ in case (RFC 9110, 11.1), and
    /// a blank between scheme and token may be several.
    pub(crate) fn strip<'a>(&self, value: &'a str) -> Option<&'a str> {
        let scheme = self.before.trim_end_matches(' ');
        let (head, rest) = value.split_at_checked(scheme.len())?;
        if !head.eq_ignore_ascii_case(scheme) {
            return None;
        }
        let token = if scheme.len() < self.before.len() {
            rest.trim_start_matches(' ')
        } else {
            rest
        };
        let blank_due = scheme.len() < self.before.len()
            && scheme.ends_with(|last: char| last.is_ascii_alphanumeric());
        (!blank_due || token.len() < rest.len()).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip<'a>(before: &str, value: &'a str) -> Option<&'a str> {
        let named = Named {
            name: "x".to_owned(),
            before: before.to_owned(),
        };
        named.strip(value)
    }

    #[test]
    fn a_scheme_is_found_in_any_case_and_ends_before_its_blank() {
        assert_eq!(strip("Bearer ", "bearer   T"), Some("T"));
        assert_eq!(strip("Bearer ", "BearerT"), None);
        assert_eq!(strip("Bearer ", "Basic T"), None);
        assert_eq!(strip("Jwt; ", "Jwt;T"), Some("T"));
        assert_eq!(strip("auth_tokens/", "auth_tokens/T"), Some("T"));
        assert_eq!(strip("", " T"), Some(" T"));
        assert_eq!(strip("Bearer ", "é"), None);
    }
}
