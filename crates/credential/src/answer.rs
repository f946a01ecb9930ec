//! The answer of a token endpoint (RFC 6749, 5.1), and how far it is believed.

use serde::Deserialize;
use serde_json::Value;
use tollbridge_domain::Moment;

use crate::{FetchError, fetched::Kind, value, value::Harvest};

/// Where the endpoint does not say how long its token lives. Short enough to be wrong without
/// harm; providers that leave it out usually mean an hour.
const UNSAID: i64 = 300;

/// A token is looked at afresh once a day, whatever its endpoint promises.
const LONGEST: i64 = 24 * 60 * 60;

/// What is read of it. Azure's managed identities write their numbers as strings.
#[derive(Deserialize)]
struct Wire {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
    expires_on: Option<Value>,
}

/// The bearer token in this body, asked for at `now`.
pub(crate) fn bearer(body: &[u8], now: Moment) -> Result<Harvest, FetchError> {
    if body.is_empty() {
        return Err(FetchError::Answer("with an empty body"));
    }
    // serde's own words would quote the answer.
    let wire: Wire = serde_json::from_slice(body)
        .map_err(|_other| FetchError::Answer("without the JSON of a token"))?;
    let value = value::token(wire.access_token).map_err(FetchError::Answer)?;
    // Required by the RFC, left out by some who mean `Bearer`.
    let kind = wire.token_type.as_deref().unwrap_or("bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(FetchError::Answer("with a token that is not a bearer's"));
    }
    let on = || seconds(wire.expires_on.as_ref()).map(|on| on.saturating_sub(now.seconds()));
    Ok(Harvest {
        kind: Kind::Token,
        value,
        life: life(seconds(wire.expires_in.as_ref()).or_else(on)),
    })
}

/// How long a token is kept, in seconds, that is said to live so long. One that has expired before
/// it came is good for those who wait for it: a second, so that an endpoint that always says so is
/// not asked for every dial.
pub(crate) fn life(said: Option<i64>) -> i64 {
    said.unwrap_or(UNSAID).clamp(1, LONGEST)
}

/// A number of seconds, in whatever way it is written. What is none is as good as unsaid.
pub(crate) fn seconds(value: Option<&Value>) -> Option<i64> {
    let number: f64 = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // Saturates, and what is left after the point does not matter.
    (!number.is_nan()).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_seconds(1_800_000_000);

    fn lives(rest: &str) -> i64 {
        let body = format!(r#"{{"access_token":"t","token_type":"Bearer"{rest}}}"#);
        bearer(body.as_bytes(), NOW).unwrap().life
    }

    #[test]
    fn how_long_it_lives_is_believed_within_reason() {
        for (rest, life) in [
            ("", 300),
            (r#","expires_in":null"#, 300),
            (r#","expires_in":"soon""#, 300),
            (r#","expires_in":[]"#, 300),
            (r#","expires_in":3599"#, 3_599),
            (r#","expires_in":3599.9"#, 3_599),
            (r#","expires_in":"3599""#, 3_599),
            (r#","expires_in":0"#, 1),
            (r#","expires_in":-7"#, 1),
            (r#","expires_in":"-1e99""#, 1),
            (r#","expires_in":86401"#, 86_400),
            (r#","expires_in":1e300"#, 86_400),
            (r#","expires_in":18446744073709551615"#, 86_400),
            (r#","expires_in":"inf""#, 86_400),
            (r#","expires_in":"nan""#, 300),
            (r#","expires_on":"1800000600""#, 600),
            (r#","expires_in":"60","expires_on":"1800000600""#, 60),
            (r#","expires_on":"1""#, 1),
        ] {
            assert_eq!(lives(rest), life, "{rest}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "<html></html>",
            r#"{"access_token":7}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\r\nb"}"#,
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","token_type":""}"#,
            r#"{"access_token":"a"} and more"#,
        ] {
            assert!(bearer(body.as_bytes(), NOW).is_err(), "{body}");
        }
        for body in [
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"a","token_type":"bEARER"}"#,
        ] {
            assert!(bearer(body.as_bytes(), NOW).is_ok(), "{body}");
        }
    }
}
