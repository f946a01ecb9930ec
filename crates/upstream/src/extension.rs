//! Extensions pass from the browser to the upstream and back. The bridge takes part in none, but
//! an answer to what nobody offered would make the browser read frames wrongly.

use std::collections::BTreeSet;

/// The one extension that browsers offer (RFC 7692).
const DEFLATE: &str = "permessage-deflate";

/// Whether `answer` accepts only what `offer` offered, each extension at most once, with
/// parameters that RFC 7692 knows.
pub(crate) fn answers(offer: &str, answer: &str) -> bool {
    let offered: Vec<_> = elements(offer).collect();
    let mut accepted = BTreeSet::new();
    elements(answer).all(|element| {
        let name = element.name();
        offered.iter().any(|offer| offer.name() == name)
            && accepted.insert(name.clone())
            && (name != DEFLATE || element.is_deflate_answer(&offered))
    })
}

/// One extension with its parameters.
struct Element<'a>(&'a str);

impl<'a> Element<'a> {
    fn name(&self) -> String {
        let name = self.0.split(';').next().unwrap_or_default();
        name.trim().to_ascii_lowercase()
    }

    /// Parameters: a name in lower case and a value without its quotes.
    fn parameters(&self) -> impl Iterator<Item = (String, Option<&'a str>)> {
        self.0.split(';').skip(1).map(|parameter| {
            let (name, value) = match parameter.split_once('=') {
                Some((name, value)) => (name, Some(value.trim().trim_matches('"'))),
                None => (parameter, None),
            };
            (name.trim().to_ascii_lowercase(), value)
        })
    }

    /// RFC 7692, 7.1: what an answer may carry.
    fn is_deflate_answer(&self, offered: &[Self]) -> bool {
        let mut seen = BTreeSet::new();
        self.parameters().all(|(name, value)| {
            let known = match name.as_str() {
                "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
                "server_max_window_bits" => is_window(value),
                "client_max_window_bits" => is_window(value) && offers(offered, &name),
                _ => false,
            };
            known && seen.insert(name)
        })
    }
}

fn elements(header: &str) -> impl Iterator<Item = Element<'_>> {
    header
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(Element)
}

fn offers(offered: &[Element<'_>], parameter: &str) -> bool {
    offered
        .iter()
        .any(|offer| offer.parameters().any(|(name, _)| name == parameter))
}

fn is_window(value: Option<&str>) -> bool {
    matches!(
        value,
        Some("8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROMIUM: &str = "permessage-deflate; client_max_window_bits";

    #[test]
    fn an_offered_extension_may_be_accepted_once() {
        for good in [
            "",
            "permessage-deflate",
            "Permessage-Deflate; server_no_context_takeover; client_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=\"10\"",
        ] {
            assert!(answers(CHROMIUM, good), "{good}");
        }
    }

    #[test]
    fn nothing_else_may() {
        for bad in [
            "x-webkit-deflate-frame",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate, foo",
            "permessage-deflate; foo",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=016",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        ] {
            assert!(!answers(CHROMIUM, bad), "{bad}");
        }
        assert!(!answers(
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=9"
        ));
        assert!(!answers("", "permessage-deflate"));
    }
}
