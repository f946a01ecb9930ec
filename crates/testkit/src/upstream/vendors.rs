//! Stand-ins for services that Tollbridge is put in front of, a file each.
//!
//! They are stricter than the services: a credential anywhere but in a header is refused, since
//! it would be the browser's and not the bridge's.

mod assemblyai;
mod azure;
mod azure_openai_realtime;
mod azure_voice_live;
mod catalogue;
mod deepgram;
mod doubao_asr;
mod elevenlabs_agents;
mod elevenlabs_stt;
mod gemini_live;
mod google;
mod openai;
mod openai_realtime;
mod openai_responses;
mod realtime;
mod speech;
mod speechmatics;
mod vertex_live;

pub use self::{
    assemblyai::AssemblyAi,
    azure_openai_realtime::AzureOpenAiRealtime,
    azure_voice_live::AzureVoiceLive,
    catalogue::{CLIENT_ID, CLIENT_SECRET, SCOPE, catalogue},
    deepgram::Deepgram,
    doubao_asr::DoubaoAsr,
    elevenlabs_agents::ElevenLabsAgents,
    elevenlabs_stt::ElevenLabsStt,
    gemini_live::GeminiLive,
    openai_realtime::OpenAiRealtime,
    openai_responses::OpenAiResponses,
    speechmatics::Speechmatics,
    vertex_live::VertexLive,
};
