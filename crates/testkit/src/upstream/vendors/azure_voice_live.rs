//! Azure Voice Live
//! (<https://learn.microsoft.com/azure/ai-services/speech-service/voice-live-how-to>).

use std::{io, time::Duration};

use async_trait::async_trait;

use super::{azure, azure::Credentials, realtime};
use crate::upstream::{Answer, Call, Dial, IssuedTokens, Vendor, Wants};

/// The vendor's quota for a connection.
const LONGEST: Duration = Duration::from_secs(3_600);

/// `wss://{resource}.services.ai.azure.com/voice-live/realtime`.
#[derive(Clone, Debug)]
pub struct AzureVoiceLive {
    credentials: Credentials,
}

impl AzureVoiceLive {
    /// With this `api-key`.
    #[must_use]
    pub fn keyed(api_key: &str) -> Self {
        let credentials = Credentials::keyed(api_key);
        Self { credentials }
    }

    /// With these Entra tokens, and no key.
    #[must_use]
    pub fn entra(tokens: IssuedTokens) -> Self {
        let credentials = Credentials::default().or_issued(tokens);
        Self { credentials }
    }

    /// Takes this Entra token too.
    #[must_use]
    pub fn or_token(mut self, token: &str) -> Self {
        self.credentials = self.credentials.or_token(token);
        self
    }

    /// Takes these Entra tokens too.
    #[must_use]
    pub fn or_issued(mut self, tokens: IssuedTokens) -> Self {
        self.credentials = self.credentials.or_issued(tokens);
        self
    }
}

#[async_trait]
impl Vendor for AzureVoiceLive {
    fn name(&self) -> &'static str {
        "azure-voice-live"
    }

    fn wants(&self) -> Wants {
        let (name, value) = self.credentials.header();
        let target = "/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime";
        Wants::new(target, &[(name, &value)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/voice-live/realtime" {
            return Some(azure::no_such_path());
        }
        self.credentials
            .refusal(dial)
            .or_else(|| azure::demand(dial, "api-version"))
            .or_else(|| purposeless(dial))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![azure::request_id()]
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let session = realtime::preview(&call.dial().query_values("model").concat());
        realtime::converse(call, &realtime::VOICE_LIVE, session, LONGEST).await
    }
}

/// A model, or an agent with its project.
fn purposeless(dial: &Dial) -> Option<Answer> {
    if dial.query_values("agent-name").is_empty() {
        return azure::demand(dial, "model");
    }
    if !dial.query_values("model").is_empty() {
        let message = "model and agent-name exclude each other";
        return Some(azure::problem(400, "BadRequest", message));
    }
    azure::demand(dial, "agent-name").or_else(|| azure::demand(dial, "agent-project-name"))
}
