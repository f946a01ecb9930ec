//! The signed query: `authorization`, `date`, `host`
//! (<https://www.xfyun.cn/doc/asr/voicedictation/API.html>, "authorization").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use ring::hmac;
use tollbridge_domain::Moment;

use crate::upstream::Dial;

/// How far the client's clock may be off, in seconds.
const SKEW: u64 = 300;

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Objection {
    Absent,
    Unreadable,
    Mismatch,
    Skew,
}

/// Whether the query is signed for this request and this time.
pub(super) fn verify(dial: &Dial, now: Moment, key: &str, secret: &str) -> Result<(), Objection> {
    let [authorization, date, host] =
        ["authorization", "date", "host"].map(|name| sole(dial, name));
    let (authorization, date, host) = (authorization?, date?, host?);
    let stated = STANDARD
        .decode(authorization)
        .map_err(|_not_base64| Objection::Unreadable)?;
    let stated = String::from_utf8(stated).map_err(|_not_utf8| Objection::Unreadable)?;
    let signed_at = DateTime::parse_from_rfc2822(date).map_err(|_no_date| Objection::Skew)?;
    if now.seconds().abs_diff(signed_at.timestamp()) > SKEW {
        return Err(Objection::Skew);
    }
    if !dial.header_values("host").contains(&host) {
        return Err(Objection::Mismatch);
    }
    let line = format!("{} {} HTTP/1.1", dial.method(), dial.path);
    let expected = statement(key, &sign(secret, host, date, &line));
    if stated == expected {
        return Ok(());
    }
    Err(match field(&stated, "signature") {
        Some(_) => Objection::Mismatch,
        None => Objection::Unreadable,
    })
}

/// A path with a query that is signed.
pub(super) fn target(path: &str, host: &str, now: Moment, key: &str, secret: &str) -> String {
    // A moment that cannot be written is one at which nothing is signed well.
    let date = DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default();
    let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let signature = sign(secret, host, &date, &format!("GET {path} HTTP/1.1"));
    let authorization = STANDARD.encode(statement(key, &signature));
    let [authorization, date, host] = [&*authorization, &*date, host].map(escaped);
    format!("{path}?authorization={authorization}&date={date}&host={host}")
}

fn sign(secret: &str, host: &str, date: &str, line: &str) -> String {
    let text = format!("host: {host}\ndate: {date}\n{line}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn statement(key: &str, signature: &str) -> String {
    format!(
        "api_key=\"{key}\", algorithm=\"hmac-sha256\", headers=\"host date request-line\", \
         signature=\"{signature}\""
    )
}

fn sole<'a>(dial: &'a Dial, name: &str) -> Result<&'a str, Objection> {
    match dial.query_values(name).as_slice() {
        [value] if !value.is_empty() => Ok(value),
        [] => Err(Objection::Absent),
        _ => Err(Objection::Unreadable),
    }
}

fn field<'a>(statement: &'a str, name: &str) -> Option<&'a str> {
    let start = statement.find(&format!("{name}=\""))? + name.len() + 2;
    statement[start..].split('"').next()
}

fn escaped(text: &str) -> String {
    let write = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vendor's own example.
    #[test]
    fn the_vendors_example_is_signed_alike() {
        let secret = format!("apisecret{}", "X".repeat(23));
        let signature = sign(
            &secret,
            "api.xf-yun.com",
            "Fri, 23 Apr 2021 02:35:47 GMT",
            "POST /v1/private/s782b4996 HTTP/1.1",
        );
        assert_eq!(signature, "1jwQbIAKmQE7JwIH0IDxiC1pejrlN+VpHXDWOFVy5NM=");
    }
}
