//! Gemini Live (<https://ai.google.dev/api/live>).

use std::io;

use async_trait::async_trait;

use super::google;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
};

/// `wss://generativelanguage.googleapis.com/ws/…`.
#[derive(Clone, Debug)]
pub struct GeminiLive {
    api_key: String,
    binary: bool,
}

impl GeminiLive {
    /// With this `x-goog-api-key`; it sends text.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            binary: false,
        }
    }

    /// Sends its JSON in binary messages, as the service does.
    #[must_use]
    pub const fn in_binary(mut self) -> Self {
        self.binary = true;
        self
    }
}

#[async_trait]
impl Vendor for GeminiLive {
    fn name(&self) -> &'static str {
        "gemini-live"
    }

    fn wants(&self) -> Wants {
        let target =
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        Wants::new(target, &[("x-goog-api-key", &self.api_key)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let version = dial
            .path
            .strip_prefix("/ws/google.ai.generativelanguage.")
            .and_then(|rest| rest.strip_suffix(".GenerativeService.BidiGenerateContent"));
        if !matches!(version, Some("v1alpha" | "v1beta")) {
            return Some(google::problem(404, "NOT_FOUND", "Not found.", "NOT_FOUND"));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(invalid(&astray));
        }
        match carriers::shown(dial, "x-goog-api-key") {
            Shown::One(key) if key == self.api_key => None,
            Shown::Nothing => {
                let message = "Method doesn't allow unregistered callers (callers without \
                               established identity). Please use API Key or other form of API \
                               consumer identity to call this API.";
                let (status, reason) = ("PERMISSION_DENIED", "CREDENTIALS_MISSING");
                Some(google::problem(403, status, message, reason))
            }
            _ => Some(invalid("API key not valid. Please pass a valid API key.")),
        }
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        google::converse(call, "models/", self.binary).await
    }
}

fn invalid(message: &str) -> Answer {
    google::problem(400, "INVALID_ARGUMENT", message, "API_KEY_INVALID")
}
