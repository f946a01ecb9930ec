//! What each preset needs to be tried: its vendor's stand-in, the canaries in its variables, and
//! where the vendor looks for them.

use std::{fs, path::Path, sync::Arc};

use tollbridge_testkit::{
    Vendor,
    vendors::{
        AssemblyAi, AzureOpenAiRealtime, AzureVoiceLive, Cartesia, DashScopeRealtime, Deepgram,
        DoubaoAsr, ElevenLabsAgents, ElevenLabsStt, GeminiLive, HomeAssistant, IflytekIat,
        KubernetesExec, MiniMaxTts, MistralRealtime, OpenAiRealtime, OpenAiResponses, Soniox,
        Speechmatics, VertexLive, XaiRealtime,
    },
};

use crate::generic::Generic;

/// A preset under test.
pub(crate) struct Case {
    pub(crate) preset: &'static str,
    /// `[route]` of the preset's file.
    pub(crate) route: toml::Table,
    /// The address in it, or in `[init]`.
    upstream: String,
    pub(crate) vendor: Arc<dyn Vendor>,
    /// Variables and their values.
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// Lines beside the preset's, where only the user can know; `{http}` is the stand-in.
    more: &'static str,
    /// `params` of the token, as JSON.
    pub(crate) params: &'static str,
    /// Where the vendor finds each credential: header, query parameter or `message`.
    pub(crate) places: Vec<(&'static str, &'static str)>,
}

/// Of the stand-ins. `Authorization` of the machine in Google Cloud is [`GOOGLE`].
pub(crate) const GOOGLE: &str = "canary-google-0d19e3";

impl Case {
    /// # Panics
    /// Where there is a preset that nobody has told this test about.
    pub(crate) fn of(preset: &'static str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/presets");
        let file = fs::read_to_string(file.join(format!("{preset}.toml"))).unwrap();
        let file: toml::Table = file.parse().unwrap();
        let text = |section: &str| file.get(section)?.get("upstream")?.as_str();
        let upstream = text("route").or_else(|| text("init")).unwrap_or_default();
        let upstream = upstream.to_owned();
        let route = file["route"].as_table().unwrap().clone();
        let (vendor, env, places) = far_side(preset);
        let (more, params) = user(preset);
        Self {
            preset,
            route,
            upstream,
            vendor,
            env,
            more,
            params,
            places,
        }
    }

    /// The route's lines, leading to an upstream at `ws` whose credentials come from `http`.
    pub(crate) fn lines(&self, ws: &str, http: &str) -> String {
        let (_, rest) = self.upstream.split_once("://").unwrap();
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        format!(
            "preset = \"{}\"\nupstream = \"{ws}{path}\"\n{}",
            self.preset,
            self.more.replace("{http}", http)
        )
    }
}

type FarSide = (
    Arc<dyn Vendor>,
    Vec<(&'static str, &'static str)>,
    Vec<(&'static str, &'static str)>,
);

/// One variable, one place.
fn one(
    vendor: impl Vendor + 'static,
    variable: &'static str,
    key: &'static str,
    place: &'static str,
) -> FarSide {
    (Arc::new(vendor), vec![(variable, key)], vec![(key, place)])
}

fn far_side(preset: &str) -> FarSide {
    const KEY: &str = "canary-vendor-key-58c2";
    match preset {
        "assemblyai" => one(
            AssemblyAi::new(KEY),
            "ASSEMBLYAI_API_KEY",
            KEY,
            "authorization",
        ),
        "azure-openai-realtime" | "azure-openai-realtime-preview" => {
            let vendor = AzureOpenAiRealtime::keyed(KEY);
            one(vendor, "AZURE_OPENAI_API_KEY", KEY, "api-key")
        }
        "azure-voice-live" => {
            let vendor = AzureVoiceLive::keyed(KEY);
            one(vendor, "AZURE_VOICELIVE_API_KEY", KEY, "api-key")
        }
        "cartesia" => one(Cartesia::new(KEY), "CARTESIA_API_KEY", KEY, "x-api-key"),
        "dashscope-realtime" => {
            let vendor = DashScopeRealtime::new(KEY);
            one(vendor, "DASHSCOPE_API_KEY", KEY, "authorization")
        }
        "deepgram" => one(Deepgram::new(KEY), "DEEPGRAM_API_KEY", KEY, "authorization"),
        "doubao-asr" => {
            let (app, access) = ("canary-doubao-app-11", "canary-doubao-access-12");
            let vendor = DoubaoAsr::new(app, access, "volc.bigasr.sauc.duration");
            let env = vec![("DOUBAO_APP_KEY", app), ("DOUBAO_ACCESS_KEY", access)];
            let places = vec![(app, "x-api-app-key"), (access, "x-api-access-key")];
            (Arc::new(vendor), env, places)
        }
        "elevenlabs-agents" => {
            let vendor = ElevenLabsAgents::new(KEY);
            one(vendor, "ELEVENLABS_API_KEY", KEY, "xi-api-key")
        }
        "elevenlabs-stt" => {
            let vendor = ElevenLabsStt::new(KEY);
            one(vendor, "ELEVENLABS_API_KEY", KEY, "xi-api-key")
        }
        "gemini-live" => one(
            GeminiLive::new(KEY),
            "GEMINI_API_KEY",
            KEY,
            "x-goog-api-key",
        ),
        "generic" => one(Generic(KEY), "UPSTREAM_API_KEY", KEY, "authorization"),
        "home-assistant" => {
            let vendor = HomeAssistant::new(KEY);
            one(vendor, "HOME_ASSISTANT_TOKEN", KEY, "message")
        }
        "iflytek-iat" => {
            let (app, secret) = ("canary-iflytek-app", "canary-iflytek-secret-77");
            let vendor = IflytekIat::new(app, KEY, secret);
            let env = vec![("IFLYTEK_API_KEY", KEY), ("IFLYTEK_API_SECRET", secret)];
            // The secret signs, and is nowhere.
            (Arc::new(vendor), env, vec![(KEY, "?authorization")])
        }
        "kubernetes-exec" => {
            let vendor = KubernetesExec::new(KEY);
            one(vendor, "KUBERNETES_TOKEN", KEY, "authorization")
        }
        "minimax-tts" => one(
            MiniMaxTts::new(KEY),
            "MINIMAX_API_KEY",
            KEY,
            "authorization",
        ),
        "mistral-realtime" => {
            let vendor = MistralRealtime::new(KEY);
            one(vendor, "MISTRAL_API_KEY", KEY, "authorization")
        }
        "openai-realtime" => {
            let vendor = OpenAiRealtime::new(KEY);
            one(vendor, "OPENAI_API_KEY", KEY, "authorization")
        }
        "openai-responses" => {
            let vendor = OpenAiResponses::new(KEY);
            one(vendor, "OPENAI_API_KEY", KEY, "authorization")
        }
        "soniox" => one(Soniox::new(KEY), "SONIOX_API_KEY", KEY, "authorization"),
        "speechmatics" => {
            let vendor = Speechmatics::new(KEY);
            one(vendor, "SPEECHMATICS_API_KEY", KEY, "authorization")
        }
        "vertex-live" => {
            let vendor = VertexLive::new(GOOGLE);
            (
                Arc::new(vendor),
                Vec::new(),
                vec![(GOOGLE, "authorization")],
            )
        }
        "xai-realtime" => one(XaiRealtime::new(KEY), "XAI_API_KEY", KEY, "authorization"),
        other => panic!("{other} is a preset without a case: give it one"),
    }
}

/// What a preset leaves to its user.
fn user(preset: &str) -> (&'static str, &'static str) {
    match preset {
        "elevenlabs-agents" => (
            "credentials.token_url.url = \"{http}/v1/convai/conversation/get-signed-url?agent_id=agent_1\"\n",
            "{}",
        ),
        "kubernetes-exec" => (
            "credentials.headers.Authorization = \"Bearer ${env:KUBERNETES_TOKEN}\"\n",
            r#"{"pod": "shell-0"}"#,
        ),
        "vertex-live" => (
            "credentials.gcp_metadata.endpoint = \"{http}/token\"\n",
            "{}",
        ),
        _ => ("", "{}"),
    }
}
