//! Queries, and the percent-encoding that keeps values in their place.

use std::collections::BTreeSet;

/// Characters that stay as they are in a filled hole (RFC 3986, 2.3, without letters and digits).
pub(crate) const UNRESERVED: &[u8] = b"-._~";

/// A query in the making; the first to set a name keeps it.
#[derive(Default)]
pub(crate) struct Query {
    names: BTreeSet<String>,
    text: String,
}

impl Query {
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.set_raw(&encode(name, UNRESERVED), &encode(value, UNRESERVED));
    }

    pub(crate) fn set_raw(&mut self, name: &str, value: &str) {
        if self.take(name) {
            if !self.text.is_empty() {
                self.text.push('&');
            }
            self.text.push_str(&encode_query_text(name));
            self.text.push('=');
            self.text.push_str(value);
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Takes the name unless it is taken. Upstreams differ in whether case matters, so here it
    /// does not.
    fn take(&mut self, name: &str) -> bool {
        self.names.insert(decode(name).to_ascii_lowercase())
    }
}

/// Percent-encodes all but letters, digits and `keep`.
pub(crate) fn encode(text: &str, keep: &[u8]) -> String {
    encode_unless(text, |byte| {
        byte.is_ascii_alphanumeric() || keep.contains(&byte)
    })
}

/// Text that already stands in a query: only what would end the value is encoded.
pub(crate) fn encode_query_text(text: &str) -> String {
    encode_unless(text, |byte| {
        byte.is_ascii_graphic() && !b"&#\"<>".contains(&byte)
    })
}

fn encode_unless(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX_DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(HEX_DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// What a receiver would read.
pub(crate) fn decode(text: &str) -> String {
    let pair = format!("={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, decoded)| decoded.into_owned())
        .unwrap_or_default()
}
