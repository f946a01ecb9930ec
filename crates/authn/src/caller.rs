//! Who may mint what.

use tollbridge_domain::{CallerName, ClientId, RouteName, Subject};
use tollbridge_store::Scope;

use crate::Claims;

/// Somebody who was let in at the mint, and what they may ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The configured way by which they came in; a route lists those it accepts.
    pub name: CallerName,
    /// The API key, where that was the way.
    pub key: Option<ApiKeyIdentity>,
    /// What is said of them by whoever vouches for them, where that says more than a name.
    pub claims: Option<Claims>,
    /// What they may do.
    pub scope: Scope,
    /// For whom they may mint.
    pub subject: SubjectRule,
    /// For which routes they may mint, among those that list `name`.
    pub routes: RouteLimit,
}

/// An API key without its secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeyIdentity {
    /// `ak_` and 12 characters.
    pub id: String,
    /// The name given at creation.
    pub name: String,
}

/// For whom a caller may mint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SubjectRule {
    /// For anybody they name, or else for this one.
    Free {
        /// Whom a token is for when the request does not say.
        default: Subject,
    },
    /// For themselves alone.
    Fixed(Subject),
}

/// For which routes a caller may mint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RouteLimit {
    /// Every route that lists the caller.
    Every,
    /// Of those, only these.
    Only(Vec<RouteName>),
}

impl Caller {
    /// `caller` or `caller:ak_…`: the `client_id` claim, by which tokens are revoked.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        let mut text = self.name.as_str().to_owned();
        if let Some(key) = &self.key {
            let plain = |char: &char| char.is_ascii_alphanumeric() || *char == '_';
            text.push(':');
            text.extend(key.id.chars().filter(plain).take(64));
        }
        #[expect(
            clippy::expect_used,
            reason = "a caller name of at most 64, a colon and 64 word characters are a client id"
        )]
        ClientId::parse(&text).expect("caller names are made of what client ids are made of")
    }

    /// Whether their own credential covers the route; whether the route lists the caller is the
    /// route's to say.
    #[must_use]
    pub fn may_mint_for(&self, route: &RouteName) -> bool {
        self.scope == Scope::Mint
            && match &self.routes {
                RouteLimit::Every => true,
                RouteLimit::Only(routes) => routes.contains(route),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(key: Option<&str>) -> Caller {
        Caller {
            name: CallerName::parse("backend").unwrap(),
            key: key.map(|id| ApiKeyIdentity {
                id: id.to_owned(),
                name: "ci".to_owned(),
            }),
            claims: None,
            scope: Scope::Mint,
            subject: SubjectRule::Fixed(Subject::parse("ada").unwrap()),
            routes: RouteLimit::Every,
        }
    }

    #[test]
    fn the_client_id_names_the_caller_and_the_key() {
        assert_eq!(caller(None).client_id().as_str(), "backend");
        let with_key = caller(Some("ak_0123456789ab"));
        assert_eq!(with_key.client_id().as_str(), "backend:ak_0123456789ab");
    }

    /// M09: a route that the key may not use.
    #[test]
    fn a_key_for_some_routes_mints_for_no_other() {
        let voice = RouteName::parse("voice").unwrap();
        let tts = RouteName::parse("tts").unwrap();
        let limited = Caller {
            routes: RouteLimit::Only(vec![voice.clone()]),
            ..caller(None)
        };
        assert!(limited.may_mint_for(&voice));
        assert!(!limited.may_mint_for(&tts));
        assert!(caller(None).may_mint_for(&tts));
    }

    #[test]
    fn who_is_not_for_minting_mints_for_no_route() {
        let admin = Caller {
            scope: Scope::Admin,
            ..caller(None)
        };
        assert!(!admin.may_mint_for(&RouteName::parse("voice").unwrap()));
    }
}
