//! What a token endpoint says about a refusal.

use std::fmt;

use serde_json::Value;
use tollbridge_domain::{Secret, Telltale};

/// The longest that is kept.
const LONGEST: usize = 200;

/// `error` and `error_description` of a refusal (RFC 6749, 5.2): only the characters that the RFC
/// allows there, at most 200 of them, and nothing of what was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Why(Box<str>);

impl Why {
    /// From the body of a refusal, unless it says nothing or holds one of these secrets.
    pub(crate) fn read(body: &[u8], hidden: &[Secret<String>]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let part = |name| body.get(name).and_then(Value::as_str);
        let text = match (part("error"), part("error_description")) {
            (Some(error), Some(description)) => format!("{error}: {description}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => return None,
        };
        // Before anything is cut: half a secret is a secret too, and so is one of which only a part
        // was sent, as in `Token KEY`.
        (!Telltale::of(hidden).is_in(&text)).then(|| Self(clean(&text).into()))
    }

    /// As the end of a sentence.
    pub(crate) fn aside(&self) -> String {
        format!(" ({self})")
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|one| match one {
            '"' => '\'',
            ' '..='~' if one != '\\' => one,
            _ => ' ',
        })
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(body: &str) -> Option<String> {
        let hidden = [Secret::new("s3cr3t".to_owned()), Secret::new(String::new())];
        Why::read(body.as_bytes(), &hidden).map(|why| why.to_string())
    }

    #[test]
    fn a_part_of_what_was_sent_is_not_told() {
        let hidden = [Secret::new("Token dg-0123456789".to_owned())];
        let body = br#"{"error":"invalid key dg-0123456789"}"#;
        assert_eq!(Why::read(body, &hidden), None);
    }

    #[test]
    fn code_and_description_are_told() {
        assert_eq!(
            why(r#"{"error":"invalid_client","error_description":"AADSTS7000215: wrong"}"#),
            Some("invalid_client: AADSTS7000215: wrong".to_owned())
        );
        assert_eq!(
            why(r#"{"error":"invalid_scope"}"#),
            Some("invalid_scope".to_owned())
        );
        assert_eq!(why(r#"{"error":{"code":401}}"#), None);
        assert_eq!(why("<html>no</html>"), None);
    }

    #[test]
    fn it_cannot_forge_a_log_line_and_is_short() {
        let forged = why(r#"{"error":"a\nb\u001b[31m\"\\é"}"#).unwrap();
        assert_eq!(forged, "a b [31m'  ");
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(why(&long).unwrap().len(), LONGEST);
    }

    #[test]
    fn an_echoed_secret_silences_all_of_it() {
        assert_eq!(
            why(r#"{"error":"e","error_description":"no client has s3cr3t"}"#),
            None
        );
        let late = format!(r#"{{"error":"{}s3cr3t"}}"#, "x".repeat(LONGEST - 3));
        assert_eq!(why(&late), None);
    }
}
