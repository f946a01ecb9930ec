//! Stand-ins for services that Tollbridge is put in front of, a file each.
//!
//! They are stricter than the services: a credential anywhere but in a header is refused, since
//! it would be the browser's and not the bridge's.

mod azure;
mod azure_openai_realtime;
mod azure_voice_live;
mod catalogue;
mod doubao_asr;
mod openai;
mod openai_realtime;
mod realtime;

pub use self::{
    azure_openai_realtime::AzureOpenAiRealtime,
    azure_voice_live::AzureVoiceLive,
    catalogue::{CLIENT_ID, CLIENT_SECRET, SCOPE, catalogue},
    doubao_asr::DoubaoAsr,
    openai_realtime::OpenAiRealtime,
};
