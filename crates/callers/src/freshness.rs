//! How long a published document may be kept (RFC 9111, 5.2.2).

use tollbridge_outbound::HeaderMap;

/// Five minutes: whoever wants less would be asked all day.
const LEAST: i64 = 5 * 60;

/// A day: a key that was withdrawn must be gone some time.
const MOST: i64 = 24 * 60 * 60;

/// Where nothing is said.
const UNSAID: i64 = 60 * 60;

/// For how many seconds: `max-age` of `Cache-Control`, from five minutes to a day. Where nothing is
/// said, an hour; `no-store` and `no-cache` are five minutes.
pub(crate) fn seconds(headers: &HeaderMap) -> i64 {
    let mut said = None;
    for line in headers.get_all("cache-control") {
        let line = line.to_str().unwrap_or_default().to_ascii_lowercase();
        for directive in line.split(',').map(str::trim) {
            match directive.split_once('=') {
                Some(("max-age", age)) => said = age.trim_matches('"').parse().ok().or(said),
                None if matches!(directive, "no-store" | "no-cache") => return LEAST,
                _ => {}
            }
        }
    }
    said.unwrap_or(UNSAID).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use tollbridge_outbound::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_said_counts_between_five_minutes_and_a_day() {
        for (line, kept) in [
            ("", UNSAID),
            ("public", UNSAID),
            ("max-age=soon", UNSAID),
            ("max-age=600", 600),
            ("Public, Max-Age=\"600\"", 600),
            ("max-age=0", LEAST),
            ("max-age=-5", LEAST),
            ("max-age=99999999", MOST),
            ("no-store", LEAST),
            ("max-age=600, no-cache", LEAST),
            ("s-maxage=600", UNSAID),
        ] {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_static("cache-control");
            headers.insert(name, HeaderValue::from_static(line));
            assert_eq!(seconds(&headers), kept, "{line}");
        }
    }
}
