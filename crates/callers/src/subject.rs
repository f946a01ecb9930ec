//! Where a caller's name is found.

use serde_json::Value;
use tollbridge_authn::{Caller, Claims, Rejection, RouteLimit, SubjectRule};
use tollbridge_domain::{CallerName, Subject};
use tollbridge_outbound::HeaderMap;
use tollbridge_store::Scope;

/// Where a caller's name is found. What is there must be able to be a [`Subject`]; a whole number
/// counts as its digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SubjectFrom {
    /// `claim:sub`: a claim, or a path of them parted by dots.
    Claim(String),
    /// `header:x-user-id`: a header, in lower case.
    Header(String),
    /// `json:/user/id`: a JSON pointer (RFC 6901).
    Json(String),
}

impl SubjectFrom {
    /// In the claims of a token, or the members of an answer.
    pub(crate) fn in_claims(&self, claims: &Claims) -> Result<Subject, Rejection> {
        let value = match self {
            Self::Claim(path) => claims.get(path),
            Self::Json(pointer) => pointed(claims, pointer),
            Self::Header(_) => None,
        };
        of_value(value)
    }

    /// In the headers of an answer.
    pub(crate) fn in_headers(&self, headers: &HeaderMap) -> Result<Subject, Rejection> {
        let Self::Header(name) = self else {
            return Err(Rejection::NoSubject);
        };
        let mut values = headers.get_all(name.as_str());
        match (values.next(), values.next()) {
            (Some(value), None) => of_bytes(value.as_bytes()),
            (Some(_), Some(_)) => Err(Rejection::Ambiguous),
            (None, _) => Err(Rejection::NoSubject),
        }
    }
}

/// The subject that these bytes name, blanks around it taken off.
pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Subject, Rejection> {
    let text = str::from_utf8(bytes.trim_ascii()).map_err(|_not_text| Rejection::NoSubject)?;
    Subject::parse(text).map_err(|_not_one| Rejection::NoSubject)
}

/// Somebody who may mint for themselves alone.
pub(crate) fn caller(name: &CallerName, subject: Subject, claims: Option<Claims>) -> Caller {
    Caller {
        name: name.clone(),
        key: None,
        claims,
        scope: Scope::Mint,
        subject: SubjectRule::Fixed(subject),
        routes: RouteLimit::Every,
    }
}

fn of_value(value: Option<&Value>) -> Result<Subject, Rejection> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err(Rejection::NoSubject),
    };
    Subject::parse(&text).map_err(|_not_one| Rejection::NoSubject)
}

/// `Value::pointer`, for members without an object around them.
fn pointed<'a>(claims: &'a Claims, pointer: &str) -> Option<&'a Value> {
    let rest = pointer.strip_prefix('/')?;
    let (name, below) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    claims.members().get(&name)?.pointer(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let members = serde_json::json!({
            "sub": "ada",
            "user": { "id": 42, "name": "Ada", "gone": null, "on": true, "part": 1.5 },
            "a/b": { "c~d": "tilde" },
            "empty": "",
            "line": "a\nb",
        });
        Claims::new(members.as_object().unwrap().clone())
    }

    #[test]
    fn a_subject_is_a_text_or_a_whole_number() {
        let found = |pointer: &str| SubjectFrom::Json(pointer.to_owned()).in_claims(&claims());
        for (pointer, subject) in [
            ("/sub", "ada"),
            ("/user/id", "42"),
            ("/user/name", "Ada"),
            ("/a~1b/c~0d", "tilde"),
        ] {
            assert_eq!(found(pointer).unwrap().as_str(), subject, "{pointer}");
        }
        for pointer in [
            "",
            "/",
            "sub",
            "/user",
            "/user/gone",
            "/user/on",
            "/user/part",
            "/user/nobody",
            "/empty",
            "/line",
        ] {
            assert_eq!(found(pointer), Err(Rejection::NoSubject), "{pointer}");
        }
    }
}
