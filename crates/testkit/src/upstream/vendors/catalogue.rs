//! All of them, with keys that a search for `real-` finds wherever they leak to.

use std::sync::Arc;

use super::{
    AssemblyAi, AzureOpenAiRealtime, AzureVoiceLive, Deepgram, DoubaoAsr, ElevenLabsAgents,
    ElevenLabsStt, GeminiLive, OpenAiRealtime, OpenAiResponses, Speechmatics, VertexLive,
};
use crate::upstream::{IssuedTokens, Vendor};

/// Of the client that a stand-in for Entra knows.
pub const CLIENT_ID: &str = "c11e47aa-0000-4000-8000-000000000001";
/// Its secret.
pub const CLIENT_SECRET: &str = "real-entra-secret";
/// Its scope.
pub const SCOPE: &str = "https://ai.azure.com/.default";

/// One of each vendor; Azure's take these tokens too.
#[must_use]
pub fn catalogue(tokens: &IssuedTokens) -> Vec<Arc<dyn Vendor>> {
    vec![
        Arc::new(OpenAiRealtime::new("real-openai-key")),
        Arc::new(AzureOpenAiRealtime::keyed("real-azure-openai-key").or_issued(tokens.clone())),
        Arc::new(AzureVoiceLive::keyed("real-azure-key").or_issued(tokens.clone())),
        Arc::new(Deepgram::new("real-deepgram-key")),
        Arc::new(AssemblyAi::new("real-assemblyai-key")),
        Arc::new(ElevenLabsStt::new("real-elevenlabs-key")),
        Arc::new(ElevenLabsAgents::new("real-elevenlabs-key")),
        Arc::new(GeminiLive::new("real-gemini-key")),
        Arc::new(OpenAiResponses::new("real-openai-key")),
        Arc::new(Speechmatics::new("real-speechmatics-key")),
        Arc::new(VertexLive::new("real-google-token")),
        Arc::new(DoubaoAsr::new(
            "real-doubao-app",
            "real-doubao-access",
            "volc.bigasr.sauc.duration",
        )),
    ]
}
