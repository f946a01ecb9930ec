//! A form with secrets in it.

use tollbridge_domain::Secret;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Fields as they will be sent.
pub(crate) struct Form {
    text: Serializer<'static, String>,
    hidden: Vec<Secret<String>>,
}

impl Form {
    pub(crate) fn new(grant_type: &str) -> Self {
        let mut text = Serializer::new(String::new());
        text.append_pair("grant_type", grant_type);
        Self {
            text,
            hidden: Vec::new(),
        }
    }

    pub(crate) fn field(&mut self, name: &str, value: &str) {
        self.text.append_pair(name, value);
    }

    /// An answer that quotes this, encoded or not, is not repeated.
    pub(crate) fn secret(&mut self, name: &str, value: &Secret<String>) {
        self.text.append_pair(name, value.reveal());
        self.hidden.push(encode(value));
        self.hidden.push(value.clone());
    }

    pub(crate) fn finish(mut self) -> (Secret<String>, Vec<Secret<String>>) {
        (Secret::new(self.text.finish()), self.hidden)
    }
}

/// RFC 6749, appendix B.
pub(crate) fn encode(value: &Secret<String>) -> Secret<String> {
    Secret::new(byte_serialize(value.reveal().as_bytes()).collect())
}
