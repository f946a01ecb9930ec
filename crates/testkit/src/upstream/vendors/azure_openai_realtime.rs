//! Azure OpenAI's GPT Realtime, by both of its paths
//! (<https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio-websockets>).

use std::{io, time::Duration};

use async_trait::async_trait;

use super::{azure, azure::Credentials, openai_realtime, realtime};
use crate::upstream::{Answer, Call, Dial, IssuedTokens, Vendor, Wants};

const GENERAL: &str = "/openai/v1/realtime";
const PREVIEW: &str = "/openai/realtime";
/// Not documented for Realtime; OpenAI's own.
const LONGEST: Duration = Duration::from_secs(3_600);

/// `wss://{resource}.openai.azure.com`.
#[derive(Clone, Debug)]
pub struct AzureOpenAiRealtime {
    credentials: Credentials,
}

impl AzureOpenAiRealtime {
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
impl Vendor for AzureOpenAiRealtime {
    fn name(&self) -> &'static str {
        "azure-openai-realtime"
    }

    fn wants(&self) -> Wants {
        let (name, value) = self.credentials.header();
        let target = "/openai/v1/realtime?model=gpt-realtime";
        Wants::new(target, &[(name, &value)]).offering(&["realtime"])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let misdirected = match dial.path.as_str() {
            // Documented: with a version, the general path is 401.
            GENERAL if !dial.query_values("api-version").is_empty() => Some(azure::problem(
                401,
                "401",
                "api-version is not for this path",
            )),
            GENERAL => None,
            PREVIEW => azure::demand(dial, "api-version"),
            _ => Some(azure::no_such_path()),
        };
        misdirected
            .or_else(|| self.credentials.refusal(dial))
            .or_else(|| purposeless(dial))
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![azure::request_id()];
        headers.extend(openai_realtime::chosen_protocol(dial));
        headers
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let dial = call.dial();
        if dial.path == GENERAL {
            let session = openai_realtime::session(&dial);
            return realtime::converse(call, &realtime::GENERAL, session, LONGEST).await;
        }
        let session = realtime::preview(&dial.query_values("deployment").concat());
        realtime::converse(call, &realtime::PREVIEW, session, LONGEST).await
    }
}

fn purposeless(dial: &Dial) -> Option<Answer> {
    let transcribes = dial.query_values("intent") == ["transcription"];
    match dial.path == PREVIEW {
        true if transcribes => None,
        true => azure::demand(dial, "deployment"),
        false => {
            let refused = openai_realtime::purposeless(dial).is_some();
            let message = "one of model, call_id and intent=transcription, once";
            refused.then(|| azure::problem(400, "BadRequest", message))
        }
    }
}
