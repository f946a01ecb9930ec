//! A form with secrets in it.

use tollbridge_domain::Secret;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Fields as they will be sent.
pub struct Form {
    text: Serializer<'static, String>,
    hidden: Vec<Secret<String>>,
}

impl Form {
    /// Without a field.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: Serializer::new(String::new()),
            hidden: Vec::new(),
        }
    }

    /// Adds a field that is no secret.
    pub fn field(&mut self, name: &str, value: &str) {
        self.text.append_pair(name, value);
    }

    /// Adds one that is. An answer that quotes it, encoded or not, is not repeated.
    pub fn secret(&mut self, name: &str, value: &Secret<String>) {
        self.text.append_pair(name, value.reveal());
        self.hidden.push(encode(value));
        self.hidden.push(value.clone());
    }

    pub(crate) fn finish(mut self) -> (Secret<String>, Vec<Secret<String>>) {
        (Secret::new(self.text.finish()), self.hidden)
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

/// RFC 6749, appendix B.
#[must_use]
pub fn encode(value: &Secret<String>) -> Secret<String> {
    Secret::new(byte_serialize(value.reveal().as_bytes()).collect())
}
