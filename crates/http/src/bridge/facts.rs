//! What an upstream said about a handshake, for the person who debugs the route: the ids it gave
//! the request, and the body of a refusal without what must not be printed.

use std::collections::HashSet;

use tollbridge_domain::Secret;

use crate::route::Route;

/// Under which names vendors number requests. `keep_response_headers` adds to them.
const REQUEST_IDS: &[&str] = &[
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-ms-client-request-id",
    "dg-request-id",
    "x-tt-logid",
    "x-amzn-requestid",
    "x-goog-request-id",
    "x-api-connect-id",
    "cf-ray",
];

/// Most bytes of one id, and of all of them.
const LONGEST_ID: usize = 128;
const LONGEST: usize = 512;

/// `name=value`, for every header of an answer that numbers a request.
/// One that repeats a credential is left out.
pub(crate) fn request_ids<'a>(
    route: &Route,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    secrets: &[Secret<String>],
) -> String {
    let mut ids = String::new();
    for (name, value) in headers {
        let known = |listed: &str| listed.eq_ignore_ascii_case(name);
        let kept = route.keep_response_headers.iter().any(|it| known(it));
        let wanted = kept || REQUEST_IDS.iter().any(|it| known(it));
        let printable = value.iter().all(|byte| (b' '..=b'~').contains(byte));
        let fits = printable && value.len() <= LONGEST_ID && ids.len() < LONGEST;
        if wanted && fits && is_harmless(value, secrets) {
            let blank = if ids.is_empty() { "" } else { " " };
            let value = String::from_utf8_lossy(value);
            ids.push_str(&format!("{blank}{}={value}", name.to_ascii_lowercase()));
        }
    }
    ids
}

/// The headers of an answer that the route returns to the client, but for one that repeats a
/// credential.
pub(crate) fn kept<'a>(
    route: &Route,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    secrets: &[Secret<String>],
) -> Vec<(String, Vec<u8>)> {
    let listed = |name: &str| {
        let mut keep = route.keep_response_headers.iter();
        keep.any(|it| it.eq_ignore_ascii_case(name))
    };
    headers
        .into_iter()
        .filter(|(name, value)| listed(name) && is_harmless(value, secrets))
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

fn is_harmless(value: &[u8], secrets: &[Secret<String>]) -> bool {
    let text = String::from_utf8_lossy(value);
    redacted(&text, secrets) == text
}

/// A vendor's text without the credentials that it may repeat. Parts of one count as well: vendors
/// like to show the ends of a wrong key, so everything that shares eight characters with one goes.
pub(crate) fn redacted(text: &str, secrets: &[Secret<String>]) -> String {
    let mut text = text.to_owned();
    let mut whole: Vec<&str> = secrets.iter().map(|it| it.reveal().as_str()).collect();
    // The longest first: one may be part of another.
    whole.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let (long, short): (Vec<&str>, Vec<&str>) =
        whole.iter().partition(|secret| secret.len() >= TELLING);
    for secret in long {
        text = text.replace(secret, REDACTED);
    }
    let telling: HashSet<&[u8]> = whole
        .iter()
        .flat_map(|secret| secret.as_bytes().windows(TELLING))
        .collect();
    let mut words: Vec<String> = Vec::new();
    for word in text.split_inclusive(|letter: char| !is_of_key(letter)) {
        let bare = word.trim_end_matches(|letter: char| !is_of_key(letter));
        let rest = word.get(bare.len()..).unwrap_or_default();
        let mut parts = bare.as_bytes().windows(TELLING);
        if parts.any(|part| telling.contains(part)) {
            words.push(format!("{REDACTED}{rest}"));
        } else {
            words.push(word.to_owned());
        }
    }
    let mut text = words.concat();
    for secret in short.into_iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, REDACTED);
    }
    text
}

/// Characters of keys, and the stars that stand for what a vendor does not show of one.
const fn is_of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '-' | '_' | '.' | '+' | '/' | '=' | '*' | '~')
}

const REDACTED: &str = "[redacted]";

/// So much of a secret in a row says too much of it.
const TELLING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_credential_is_not_printed() {
        let secrets = [
            Secret::new("Bearer sk-0123456789abcdef".to_owned()),
            Secret::new("abc".to_owned()),
        ];
        assert_eq!(
            redacted(
                "{\"message\": \"Incorrect key: sk-0123****cdef.\"}",
                &secrets
            ),
            "{\"message\": \"Incorrect key: sk-0123****cdef.\"}"
        );
        assert_eq!(
            redacted("bad key sk-0123456789abcdef, try another", &secrets),
            "bad key [redacted], try another"
        );
        assert_eq!(redacted("x=abc;y", &secrets), "x=[redacted];y");
        let odd = [Secret::new("p@ss!w0rd#2024".to_owned())];
        assert_eq!(redacted("key p@ss!w0rd#2024.", &odd), "key [redacted].");
        assert_eq!(redacted("nothing here", &secrets), "nothing here");
    }
}
