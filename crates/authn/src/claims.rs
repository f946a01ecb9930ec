//! What is said of a caller.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

/// Claims of a token, or the members of an answer. Cheap to clone; `Debug` names them and keeps
/// their values, which are about people, to itself.
#[derive(Clone, Eq, PartialEq)]
pub struct Claims(Arc<Map<String, Value>>);

impl Claims {
    /// These.
    #[must_use]
    pub fn new(members: Map<String, Value>) -> Self {
        Self(Arc::new(members))
    }

    /// The claim of this name, or else the one at the end of the path that its dots make of it:
    /// `realm_access.roles`. A name that is written with dots comes before a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        find(&self.0, path)
    }

    /// All of them.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn find<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = members.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let (name, rest) = path.split_at(dot);
        find(members.get(name)?.as_object()?, rest.get(1..)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let members = serde_json::json!({
            "sub": "ada",
            "https://a.test/role": "admin",
            "realm_access": { "roles": ["voice"] },
            "a": { "b": 1, "b.c": 2 },
            "a.b": 3,
        });
        Claims::new(members.as_object().unwrap().clone())
    }

    #[test]
    fn a_claim_is_found_by_name_before_it_is_found_by_path() {
        let claims = claims();
        for (path, value) in [
            ("sub", "\"ada\""),
            ("https://a.test/role", "\"admin\""),
            ("realm_access.roles", "[\"voice\"]"),
            ("a.b", "3"),
            ("a.b.c", "2"),
        ] {
            assert_eq!(claims.get(path).unwrap().to_string(), value, "{path}");
        }
        for path in ["", ".", "sub.a", "realm_access.", "realm_access.roles.0"] {
            assert_eq!(claims.get(path), None, "{path}");
        }
    }

    #[test]
    fn debug_tells_names_only() {
        let text = format!("{:?}", claims());
        assert!(text.contains("realm_access") && !text.contains("ada"));
    }
}
