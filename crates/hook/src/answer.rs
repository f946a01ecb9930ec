//! What a hook's answer means.

use serde::Deserialize;
use serde_json::Value;
use tollbridge_outbound::{Answer, AskError};

/// Most characters of a reason that go into a log.
const LONGEST_REASON: usize = 200;

/// What the team decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// They may, within these limits.
    Allowed(Lowered),
    /// They may, but within something else than the limits in force, in the member of this name.
    /// Whoever asked refuses, as where there is no answer; the next question is asked all the
    /// same, since bearers choose limits too: none of them shall make a hook seem away.
    Beyond(&'static str),
    /// They may not. Why is for the operator's log, on one line and cut; never for the bearer.
    Denied(String),
}

/// Limits of one session; what is not said stays as it is. As the limits in force, and as what
/// an answer makes of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lowered {
    /// Seconds it may last.
    pub max_session: Option<u32>,
    /// Payload bytes, both ways together.
    pub bytes: Option<u64>,
}

/// An answer that decides nothing. `Display` is for the operator's log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Trouble {
    /// No answer came, or not whole.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A body that is none.
    #[error("the answer is not {{\"allow\": …}} in JSON with known members")]
    Nonsense,
    /// The secret cannot be read, or cannot be one.
    #[error("the secret cannot be used: {0}")]
    Secret(String),
    /// A status that is neither yes nor no.
    #[error("the hook answered with status {0}")]
    Status(u16),
}

/// The body of an answer. A member that is not known may be a limit that is misspelt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    allow: bool,
    reason: Option<String>,
    max_session: Option<Value>,
    bytes: Option<Value>,
}

/// Reads the answer to somebody whose session has these limits.
pub(crate) fn read(answer: Answer, limits: Lowered) -> Result<Verdict, Trouble> {
    match answer.status {
        204 => Ok(Verdict::Allowed(Lowered::default())),
        200 => Ok(parse(&answer.body?)?.verdict(limits)),
        // A no is a no, whatever else is said.
        403 => {
            let body = answer.body.ok().and_then(|body| parse(&body).ok());
            let reason = body.and_then(|body| body.reason);
            Ok(Verdict::Denied(clean(&reason.unwrap_or_default())))
        }
        status => Err(Trouble::Status(status)),
    }
}

fn parse(body: &[u8]) -> Result<Body, Trouble> {
    serde_json::from_slice(body).map_err(|_why| Trouble::Nonsense)
}

impl Body {
    fn verdict(self, limits: Lowered) -> Verdict {
        if !self.allow {
            return Verdict::Denied(clean(&self.reason.unwrap_or_default()));
        }
        let most = u64::from(limits.max_session.unwrap_or(u32::MAX));
        let Some(max_session) = within(self.max_session, Some(most)) else {
            return Verdict::Beyond("max_session");
        };
        let Some(bytes) = within(self.bytes, limits.bytes) else {
            return Verdict::Beyond("bytes");
        };
        Verdict::Allowed(Lowered {
            max_session: max_session.and_then(|seconds| u32::try_from(seconds).ok()),
            bytes,
        })
    }
}

/// What is said, if anything is: a whole number from 1 to the limit.
fn within(said: Option<Value>, limit: Option<u64>) -> Option<Option<u64>> {
    let Some(said) = said else { return Some(None) };
    let number = said.as_u64()?;
    let fits = number > 0 && limit.is_none_or(|limit| number <= limit);
    fits.then_some(Some(number))
}

/// On one line, and cut.
fn clean(reason: &str) -> String {
    let plain = |char: &char| !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}');
    reason.chars().filter(plain).take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use tollbridge_outbound::HeaderMap;

    use super::*;

    const LIMITS: Lowered = Lowered {
        max_session: Some(600),
        bytes: Some(1_000),
    };

    fn judged(status: u16, body: &str) -> Result<Verdict, Trouble> {
        let answer = Answer {
            status,
            headers: HeaderMap::new(),
            body: Ok(body.as_bytes().to_vec().into()),
        };
        read(answer, LIMITS)
    }

    fn allowed(max_session: Option<u32>, bytes: Option<u64>) -> Verdict {
        Verdict::Allowed(Lowered { max_session, bytes })
    }

    fn denied(reason: &str) -> Verdict {
        Verdict::Denied(reason.to_owned())
    }

    #[test]
    fn yes_is_204_or_allow_true_and_may_lower_limits() {
        for (status, body, verdict) in [
            (204, "", allowed(None, None)),
            (200, r#"{"allow":true}"#, allowed(None, None)),
            (
                200,
                r#"{"allow":true,"max_session":null}"#,
                allowed(None, None),
            ),
            (
                200,
                r#"{"allow":true,"reason":"paid"}"#,
                allowed(None, None),
            ),
            (
                200,
                r#"{"allow":true,"max_session":60,"bytes":10}"#,
                allowed(Some(60), Some(10)),
            ),
            (
                200,
                r#"{"allow":true,"max_session":600,"bytes":1000}"#,
                allowed(Some(600), Some(1_000)),
            ),
        ] {
            assert_eq!(judged(status, body), Ok(verdict), "{status} {body}");
        }
    }

    #[test]
    fn no_is_403_or_allow_false_and_its_reason_is_one_short_line() {
        let long = format!(r#"{{"allow":false,"reason":"{}"}}"#, "é".repeat(500));
        let cut = "é".repeat(LONGEST_REASON);
        for (status, body, reason) in [
            (200, r#"{"allow":false}"#, ""),
            (
                200,
                r#"{"allow":false,"reason":"no minutes left"}"#,
                "no minutes left",
            ),
            (
                200,
                r#"{"allow":false,"reason":"a\r\nb\u001b[2Jc\u2028d\u0000"}"#,
                "ab[2Jcd",
            ),
            (200, r#"{"allow":false,"max_session":9999}"#, ""),
            (200, &long, &cut),
            (403, "", ""),
            (403, "<html>Forbidden</html>", ""),
            (403, r#"{"allow":true}"#, ""),
            (403, r#"{"allow":false,"reason":"banned"}"#, "banned"),
        ] {
            assert_eq!(judged(status, body), Ok(denied(reason)), "{status} {body}");
        }
    }

    #[test]
    fn everything_else_is_nobodys_answer() {
        for body in [
            "",
            "null",
            "true",
            "[]",
            "{}",
            "<html>Log in</html>",
            r#"{"allow":"true"}"#,
            r#"{"allow":1}"#,
            r#"{"allow":null}"#,
            r#"{"Allow":true}"#,
            r#"{"allow":true,"allow":true}"#,
            r#"{"allow":false,"allow":true}"#,
            r#"{"allow":true,"max_sesion":1}"#,
            r#"{"allow":true} {}"#,
            r#"{"allow":true,"reason":7}"#,
        ] {
            assert_eq!(judged(200, body), Err(Trouble::Nonsense), "{body}");
        }
        let yes = r#"{"allow":true}"#;
        for status in [
            201, 202, 301, 302, 303, 307, 400, 401, 404, 408, 429, 500, 503,
        ] {
            assert_eq!(judged(status, yes), Err(Trouble::Status(status)));
        }
    }

    #[test]
    fn a_limit_is_a_whole_number_from_one_to_what_is_in_force() {
        for said in [
            "0",
            "-1",
            "1.5",
            "60.0",
            "601",
            "4294967296",
            "1e99",
            "\"60\"",
            "true",
            "[60]",
            "{}",
        ] {
            let body = format!(r#"{{"allow":true,"max_session":{said}}}"#);
            assert_eq!(
                judged(200, &body),
                Ok(Verdict::Beyond("max_session")),
                "{said}"
            );
        }
        for said in ["0", "-1", "1001", "\"10\""] {
            let body = format!(r#"{{"allow":true,"max_session":1,"bytes":{said}}}"#);
            assert_eq!(judged(200, &body), Ok(Verdict::Beyond("bytes")), "{said}");
        }
    }

    #[test]
    fn where_a_limit_is_not_set_any_is_lower() {
        let yes = r#"{"allow":true,"bytes":18446744073709551615}"#;
        let body = Ok(yes.as_bytes().to_vec().into());
        let (status, headers) = (200, HeaderMap::new());
        let answer = Answer {
            status,
            headers,
            body,
        };
        let verdict = read(answer, Lowered::default());
        assert_eq!(verdict, Ok(allowed(None, Some(u64::MAX))));
    }
}
