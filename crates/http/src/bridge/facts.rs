//! What an upstream said about a handshake, for the person who debugs the route: the ids it gave
//! the request, and the body of a refusal without what must not be printed.

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

/// `name=value`, for every header of an answer that numbers a request and tells no credential.
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
        if wanted && printable && value.len() <= LONGEST_ID && ids.len() < LONGEST {
            let value = String::from_utf8_lossy(value);
            if tells(&value, secrets) {
                continue;
            }
            let blank = if ids.is_empty() { "" } else { " " };
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
    let harmless = |value: &[u8]| !tells(&String::from_utf8_lossy(value), secrets);
    headers
        .into_iter()
        .filter(|(name, value)| listed(name) && harmless(value))
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

/// A vendor's text without the credentials that it may repeat. Parts of one count as well: vendors
/// like to show the ends of a wrong key, so everything that shares eight characters with one goes.
pub(crate) fn redacted(text: &str, secrets: &[Secret<String>]) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_inclusive(|letter: char| !is_of_key(letter)) {
        let bare = word.trim_end_matches(|letter: char| !is_of_key(letter));
        let rest = word.get(bare.len()..).unwrap_or_default();
        if secrets.iter().any(|secret| shares(bare, secret.reveal())) {
            words.push(format!("[redacted]{rest}"));
        } else {
            words.push(word.to_owned());
        }
    }
    words.concat()
}

/// Whether a text holds a credential, or a telling part of one.
fn tells(text: &str, secrets: &[Secret<String>]) -> bool {
    secrets.iter().any(|secret| shares(text, secret.reveal()))
}

/// Characters of keys, and the stars that stand for what a vendor does not show of one.
const fn is_of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '-' | '_' | '.' | '+' | '/' | '=' | '*' | '~')
}

/// Whether a word and a secret have a telling part in common.
fn shares(word: &str, secret: &str) -> bool {
    if secret.is_empty() || word.is_empty() {
        return false;
    }
    if word.contains(secret) {
        return true;
    }
    let secret = secret.as_bytes();
    word.as_bytes()
        .windows(TELLING)
        .any(|part| secret.windows(TELLING).any(|other| part == other))
}

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
        assert_eq!(redacted("x=abc;y", &secrets), "[redacted];y");
        assert_eq!(redacted("nothing here", &secrets), "nothing here");
    }
}
