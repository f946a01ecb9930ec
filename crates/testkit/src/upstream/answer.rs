//! Answers that are not a WebSocket: refusals, and what little REST goes with a vendor's sockets.

use serde_json::Value;

/// A whole HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers; the length is written without being asked.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// A status and a text.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        let headers = Vec::new();
        let body = body.to_owned();
        Self {
            status,
            headers,
            body,
        }
    }

    /// A status and JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("Content-Type", "application/json")
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The bytes on the wire.
    pub(super) fn encode(&self) -> String {
        let reason = if self.status < 300 { "OK" } else { "Refused" };
        let mut head = format!(
            "HTTP/1.1 {} {reason}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{head}\r\n{}", self.body)
    }
}
