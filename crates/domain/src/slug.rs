//! The closed vocabulary of refusals and endings. One table; the HTTP status, the close code, the
//! documentation page and the metric label of a slug all come from here.

use std::fmt;

/// Where a slug may appear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// An HTTP status before 101, and only that.
    Http,
    /// A close code after 101, and only that.
    Close,
    /// Either: HTTP without `Origin`, accept-then-close with it.
    Both,
}

macro_rules! slugs {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $form:ident, $status:literal,
       $close:expr, $upstream:expr, $detail:literal;)*) => {
        /// Why a request was refused or a session ended by the bridge.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Slug { $($(#[$doc])* $variant,)* }

        impl Slug {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The public name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Where it may appear.
            #[must_use]
            pub const fn form(self) -> Form {
                match self { $(Self::$variant => Form::$form,)* }
            }

            /// The HTTP status of a refusal; the twin of the close code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The close code told to the client, where there is one.
            #[must_use]
            pub const fn close_code(self) -> Option<u16> {
                match self { $(Self::$variant => $close,)* }
            }

            /// The close code told to the upstream when this ends a session.
            #[must_use]
            pub const fn upstream_code(self) -> Option<u16> {
                match self { $(Self::$variant => $upstream,)* }
            }

            /// What a stranger may read about it.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)* }
            }
        }
    };
}

slugs! {
    /// The node is shutting down.
    Draining = "draining", Both, 503, Some(1012), Some(1001),
        "This node is shutting down; connect again with a fresh token.";
    /// A capacity limit of the server is reached.
    Overloaded = "overloaded", Both, 503, Some(1013), Some(1001),
        "The server is at its limit; try again later.";
    /// DNS, TCP or TLS towards the upstream failed.
    UpstreamUnavailable = "upstream_unavailable", Both, 502, Some(1013), None,
        "The upstream could not be reached.";
    /// The upstream did not answer the handshake in time.
    UpstreamTimeout = "upstream_timeout", Both, 504, Some(1013), None,
        "The upstream did not answer in time.";
    /// The upstream answered the handshake with 429.
    UpstreamRateLimited = "upstream_rate_limited", Both, 429, Some(1013), None,
        "The upstream refuses more connections for now.";
    /// A fault of the bridge.
    Internal = "internal", Both, 500, Some(1011), Some(1001),
        "The bridge failed; the log has the reason under this request id.";
    /// The upstream's connection ended without a close frame.
    UpstreamLost = "upstream_lost", Close, 500, Some(1011), None,
        "The upstream's connection broke.";
    /// The upstream refused the handshake: credential or URL are wrong.
    UpstreamRefused = "upstream_refused", Both, 502, Some(1014), None,
        "The upstream refused the connection; the route is misconfigured.";
    /// A frame that RFC 6455 forbids.
    ProtocolError = "protocol_error", Close, 400, Some(1002), Some(1002),
        "A frame broke the WebSocket protocol.";
    /// A close reason that is not UTF-8.
    BadUtf8 = "bad_utf8", Close, 400, Some(1007), Some(1007),
        "A close reason was not valid UTF-8.";
    /// A frame or message above the route's limit.
    MessageTooBig = "message_too_big", Close, 413, Some(1009), Some(1009),
        "A message was above the route's limit.";
    /// The request cannot be understood.
    BadRequest = "bad_request", Both, 400, Some(4400), None,
        "The request is malformed.";
    /// A subprotocol that the route does not take.
    SubprotocolNotAllowed = "subprotocol_not_allowed", Both, 400, Some(4400), None,
        "The route does not allow this subprotocol.";
    /// No such route.
    UnknownRoute = "unknown_route", Http, 404, None, None,
        "There is no such route.";
    /// No token in any of the route's carriers.
    TokenMissing = "token_missing", Http, 401, None, None,
        "A token is required.";
    /// Not a token of ours; the log has the reason, the bearer does not.
    TokenInvalid = "token_invalid", Http, 401, None, None,
        "The token is not valid.";
    /// The redemption window has passed.
    TokenExpired = "token_expired", Both, 401, Some(4401), None,
        "The token can no longer be redeemed; fetch a fresh one.";
    /// The token is from the future.
    TokenNotYetValid = "token_not_yet_valid", Both, 401, Some(4401), None,
        "The token cannot be redeemed yet.";
    /// The page's origin is not on the list, or not the token's.
    OriginNotAllowed = "origin_not_allowed", Both, 403, Some(4403), None,
        "This origin may not connect.";
    /// The token is for another route, or the route's hook said no.
    RouteNotAllowed = "route_not_allowed", Both, 403, Some(4403), None,
        "The token may not connect on this route.";
    /// No data for too long.
    IdleTimeout = "idle_timeout", Close, 408, Some(4408), Some(1000),
        "Nothing was sent for too long.";
    /// The session reached its age limit.
    MaxSession = "max_session", Close, 408, Some(4408), Some(1000),
        "The session reached its time limit.";
    /// A peer did not read for too long.
    WriteTimeout = "write_timeout", Close, 408, Some(4408), Some(1000),
        "A peer did not take what was sent to it.";
    /// Every use of the token is spent.
    TokenUsed = "token_used", Both, 409, Some(4409), None,
        "The token has been used; fetch a fresh one.";
    /// The token, its subject, route, key or caller was revoked.
    Revoked = "revoked", Both, 410, Some(4410), Some(1000),
        "Access was revoked.";
    /// An operator ended the session.
    Killed = "killed", Close, 410, Some(4410), Some(1000),
        "An operator ended the session.";
    /// Too many sessions at once.
    ConcurrencyLimit = "concurrency_limit", Both, 429, Some(4429), Some(1000),
        "Too many sessions at once.";
    /// Too many connections a minute.
    RateLimited = "rate_limited", Both, 429, Some(4429), Some(1000),
        "Too many requests; try again later.";
    /// The session's bytes are used up.
    ByteQuota = "byte_quota", Close, 429, Some(4429), Some(1000),
        "The session used up its bytes.";
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_code_exists_exactly_where_the_form_has_one() {
        for slug in Slug::ALL {
            assert_eq!(
                slug.close_code().is_none(),
                slug.form() == Form::Http,
                "{slug}"
            );
        }
    }

    #[test]
    fn no_code_is_one_that_must_not_go_on_the_wire() {
        for slug in Slug::ALL {
            for code in [slug.close_code(), slug.upstream_code()]
                .into_iter()
                .flatten()
            {
                assert!(![1004, 1005, 1006, 1015].contains(&code), "{slug}");
            }
        }
    }
}
