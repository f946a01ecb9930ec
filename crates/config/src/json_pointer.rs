//! Where in a JSON text something stands (RFC 6901), as far as credentials need it: members only.

use std::fmt;

/// `/api_key`, `/app/token`: member by member, from the outside in.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// Parses a pointer to a member.
    ///
    /// # Errors
    /// Where it is none, or has more than eight steps.
    pub fn parse(text: &str) -> Result<Self, String> {
        let steps = text.strip_prefix('/').map(|steps| steps.split('/'));
        let fits = steps.is_some_and(|mut steps| {
            text.len() <= LONGEST && steps.clone().count() <= DEEPEST && steps.all(is_step)
        });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is not a JSON pointer to a member, as \"/api_key\" (RFC 6901)"
            ))
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 6901, 3: a tilde stands for itself as `~0`, for a slash as `~1`.
fn is_step(step: &str) -> bool {
    let escapes = step.split('~').skip(1);
    !step.is_empty() && escapes.into_iter().all(|rest| rest.starts_with(['0', '1']))
}

const DEEPEST: usize = 8;
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_a_member() {
        for good in ["/a", "/app/token", "/a~1b/~0"] {
            assert!(JsonPointer::parse(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "/",
            "a",
            "/a/",
            "//a",
            "/a~2",
            "/a~",
            "/1/2/3/4/5/6/7/8/9",
        ] {
            assert!(JsonPointer::parse(bad).is_err(), "{bad:?}");
        }
    }
}
