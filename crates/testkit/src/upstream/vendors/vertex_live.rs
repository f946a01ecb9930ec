//! Gemini Live on Vertex AI
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/multimodal-live>).

use std::io;

use async_trait::async_trait;

use super::google;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
};

const PATH: &str = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent";

/// `wss://{region}-aiplatform.googleapis.com/ws/…`.
#[derive(Clone, Debug)]
pub struct VertexLive {
    token: String,
}

impl VertexLive {
    /// With this access token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        let token = token.to_owned();
        Self { token }
    }
}

#[async_trait]
impl Vendor for VertexLive {
    fn name(&self) -> &'static str {
        "vertex-live"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.token);
        Wants::new(PATH, &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != PATH {
            return Some(google::problem(404, "NOT_FOUND", "Not found.", "NOT_FOUND"));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(unauthenticated(&astray, "CREDENTIALS_MISSING"));
        }
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access \
                       token, login cookie or other valid authentication credential.";
        match carriers::authorization(dial, "Bearer") {
            Shown::One(token) if token == self.token => None,
            Shown::Nothing => Some(unauthenticated(message, "CREDENTIALS_MISSING")),
            _ => Some(unauthenticated(message, "ACCESS_TOKEN_TYPE_UNSUPPORTED")),
        }
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        google::converse(call, "projects/", true).await
    }
}

fn unauthenticated(message: &str, reason: &str) -> Answer {
    google::problem(401, "UNAUTHENTICATED", message, reason).header(
        "WWW-Authenticate",
        "Bearer realm=\"https://accounts.google.com/\"",
    )
}
