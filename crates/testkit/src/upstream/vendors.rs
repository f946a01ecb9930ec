//! Stand-ins for services that Tollbridge is put in front of, a file each.
//!
//! They are stricter than the services: a credential anywhere but in a header is refused, since
//! it would be the browser's and not the bridge's.

mod assemblyai;
mod azure;
mod azure_openai_realtime;
mod azure_voice_live;
mod cartesia;
mod catalogue;
mod dashscope_realtime;
mod deepgram;
mod doubao_asr;
mod elevenlabs_agents;
mod elevenlabs_stt;
mod gemini_live;
mod google;
mod home_assistant;
mod iflytek_iat;
mod kubernetes_exec;
mod minimax_tts;
mod mistral_realtime;
mod openai;
mod openai_realtime;
mod openai_responses;
mod realtime;
mod soniox;
mod speech;
mod speechmatics;
mod vertex_live;
mod xai_realtime;

pub use self::{
    assemblyai::AssemblyAi,
    azure_openai_realtime::AzureOpenAiRealtime,
    azure_voice_live::AzureVoiceLive,
    cartesia::Cartesia,
    catalogue::{CLIENT_ID, CLIENT_SECRET, SCOPE, catalogue},
    dashscope_realtime::DashScopeRealtime,
    deepgram::Deepgram,
    doubao_asr::DoubaoAsr,
    elevenlabs_agents::ElevenLabsAgents,
    elevenlabs_stt::ElevenLabsStt,
    gemini_live::GeminiLive,
    home_assistant::HomeAssistant,
    iflytek_iat::IflytekIat,
    kubernetes_exec::KubernetesExec,
    minimax_tts::MiniMaxTts,
    mistral_realtime::MistralRealtime,
    openai_realtime::OpenAiRealtime,
    openai_responses::OpenAiResponses,
    soniox::Soniox,
    speechmatics::Speechmatics,
    vertex_live::VertexLive,
    xai_realtime::XaiRealtime,
};
