//! Who the application says is asking.

use serde_json::{Map, Value};
use tollbridge_authn::{Caller, Claims, RouteLimit, SubjectRule};
use tollbridge_domain::{CallerName, IdError, Subject};
use tollbridge_store::Scope;

/// Somebody whom the application around the mint has authenticated. Its middleware puts one into the
/// request's extensions; the mint then asks nobody else. It becomes the caller of type
/// `application`, and mints for its subject alone.
#[derive(Clone, Debug)]
pub struct Identity {
    subject: Subject,
    claims: Option<Claims>,
}

impl Identity {
    /// Somebody of this name: what tokens are for, sessions are counted and revoked by.
    ///
    /// # Errors
    /// Where the text cannot be a subject.
    pub fn of(subject: &str) -> Result<Self, IdError> {
        Ok(Self {
            subject: Subject::parse(subject)?,
            claims: None,
        })
    }

    /// The same, of whom this is known: what a route's rules look at.
    #[must_use]
    pub fn with_claims(self, claims: Map<String, Value>) -> Self {
        Self {
            claims: Some(Claims::new(claims)),
            ..self
        }
    }

    /// As the caller of this name.
    pub(crate) fn into_caller(self, name: CallerName) -> Caller {
        Caller {
            name,
            key: None,
            claims: self.claims,
            scope: Scope::Mint,
            subject: SubjectRule::Fixed(self.subject),
            routes: RouteLimit::Every,
        }
    }
}
