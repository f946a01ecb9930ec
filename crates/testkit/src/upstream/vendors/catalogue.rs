//! All of them, with keys that a search for `real-` finds wherever they leak to.

use std::sync::Arc;

use super::{
    AssemblyAi, AzureOpenAiRealtime, AzureVoiceLive, Cartesia, DashScopeRealtime, Deepgram,
    DoubaoAsr, ElevenLabsAgents, ElevenLabsStt, GeminiLive, HomeAssistant, IflytekIat,
    KubernetesExec, MiniMaxTts, MistralRealtime, OpenAiRealtime, OpenAiResponses, Soniox,
    Speechmatics, VertexLive, XaiRealtime,
};
use crate::upstream::{IssuedTokens, Vendor};

/// Of the client that a stand-in for Entra knows.
pub const CLIENT_ID: &str = "c11e47aa-0000-4000-8000-000000000001";
/// Its secret.
pub const CLIENT_SECRET: &str = "real-entra-secret";
/// Its scope.
pub const SCOPE: &str = "https://ai.azure.com/.default";

const RESOURCE: &str = "volc.bigasr.sauc.duration";

/// One of each vendor, Doubao with the keys of both its consoles; Azure's take these tokens too.
#[must_use]
pub fn catalogue(tokens: &IssuedTokens) -> Vec<Arc<dyn Vendor>> {
    let azure_openai = AzureOpenAiRealtime::keyed("real-azure-openai-key");
    let voice_live = AzureVoiceLive::keyed("real-azure-key");
    vec![
        Arc::new(OpenAiRealtime::new("real-openai-key")),
        Arc::new(azure_openai.or_issued(tokens.clone())),
        Arc::new(voice_live.or_issued(tokens.clone())),
        Arc::new(Deepgram::new("real-deepgram-key")),
        Arc::new(AssemblyAi::new("real-assemblyai-key")),
        Arc::new(ElevenLabsStt::new("real-elevenlabs-key")),
        Arc::new(ElevenLabsAgents::new("real-elevenlabs-key")),
        Arc::new(GeminiLive::new("real-gemini-key")),
        Arc::new(DoubaoAsr::new(
            "real-doubao-app",
            "real-doubao-access",
            RESOURCE,
        )),
        Arc::new(DoubaoAsr::keyed("real-doubao-key", RESOURCE)),
        Arc::new(OpenAiResponses::new("real-openai-key")),
        Arc::new(Speechmatics::new("real-speechmatics-key")),
        Arc::new(VertexLive::new("real-google-token")),
        Arc::new(Soniox::new("real-soniox-key")),
        Arc::new(Cartesia::new("real-cartesia-key")),
        Arc::new(XaiRealtime::new("real-xai-key")),
        Arc::new(MistralRealtime::new("real-mistral-key")),
        Arc::new(DashScopeRealtime::new("real-dashscope-key")),
        Arc::new(MiniMaxTts::new("real-minimax-key")),
        Arc::new(IflytekIat::new(
            "real-app",
            "real-iflytek-key",
            "real-iflytek-secret",
        )),
        Arc::new(HomeAssistant::new("real-home-assistant-token")),
        Arc::new(KubernetesExec::new("real-kubernetes-token")),
    ]
}
