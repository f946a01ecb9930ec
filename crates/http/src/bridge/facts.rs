//! What an upstream said about a handshake, for the person who debugs the route: the ids it gave
//! the request, and the body of a refusal without what must not be printed.

use std::cell::LazyCell;

use tollbridge_domain::{Secret, Telltale};

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
    // Most answers number nothing.
    let telltale = LazyCell::new(|| Telltale::of(secrets));
    let mut ids = String::new();
    for (name, value) in headers {
        let known = |listed: &str| listed.eq_ignore_ascii_case(name);
        let kept = route.keep_response_headers.iter().any(|it| known(it));
        let wanted = kept || REQUEST_IDS.iter().any(|it| known(it));
        let printable = value.iter().all(|byte| (b' '..=b'~').contains(byte));
        let fits = printable && value.len() <= LONGEST_ID && ids.len() < LONGEST;
        if wanted && fits && !telltale.is_in(&String::from_utf8_lossy(value)) {
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
    let telltale = LazyCell::new(|| Telltale::of(secrets));
    let tells = |value: &[u8]| telltale.is_in(&String::from_utf8_lossy(value));
    headers
        .into_iter()
        .filter(|(name, value)| listed(name) && !tells(value))
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}
