//! Taking parameters out of a query.

use url::{Url, form_urlencoded};

/// Drops every parameter whose decoded name `is_ours`, whatever its value, and leaves the others
/// as they are written.
pub(crate) fn drop_parameters(url: &mut Url, is_ours: impl Fn(&str) -> bool) {
    let kept: Vec<_> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_ours(&name(pair)))
        .collect();
    let kept = kept.join("&");
    url.set_query((!kept.is_empty()).then_some(kept.as_str()));
}

fn name(pair: &str) -> String {
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// The host as a client writes it in `Host`: with a port only where it is not the scheme's own.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_stay_as_they_are_written() {
        for (query, left) in [
            ("?a=1&DATE=x&b=%41+c", Some("a=1&b=%41+c")),
            ("?d%61te=x", None),
            ("?date", None),
            ("?&&a", Some("a")),
            ("", None),
        ] {
            let mut url: Url = format!("wss://a.test/{query}").parse().unwrap();
            drop_parameters(&mut url, |name| name.eq_ignore_ascii_case("date"));
            assert_eq!(url.query(), left, "{query}");
        }
    }
}
