//! Forms, and answers in the words of OAuth.

use serde_json::Value;
use tollbridge_testkit::{Response, http_unjudged};

use crate::house::House;

/// The media type of every form.
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// What may be in an answer here and nowhere else.
const ALSO: &[&str] = &["pragma"];

/// Words that RFC 6749, RFC 7009 and RFC 8693 have for a refusal, and one of the authorization endpoint's.
const ERRORS: &[&str] = &[
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// A form of these fields.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    fields.join("&")
}

/// Sends a body with these headers.
pub(crate) async fn post(
    house: &House,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = http_unjudged(house.server.public(), request).await;
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{answer:?}"
    );
    assert_eq!(answer.header("pragma"), Some("no-cache"), "{answer:?}");
    if answer.status < 400 {
        return answer.judged(ALSO);
    }
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.status == 401,
        answer.header("www-authenticate").is_some(),
        "{answer:?}"
    );
    assert_eq!(
        matches!(answer.status, 429 | 503),
        answer.header("retry-after").is_some(),
        "{answer:?}"
    );
    let body = answer.json();
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["error", "error_description"], "{answer:?}");
    assert!(ERRORS.contains(&error(&answer).as_str()), "{answer:?}");
    answer
}

/// The word of a refusal.
pub(crate) fn error(answer: &Response) -> String {
    match answer.json()["error"] {
        Value::String(ref error) => error.clone(),
        _ => panic!("no refusal: {answer:?}"),
    }
}
