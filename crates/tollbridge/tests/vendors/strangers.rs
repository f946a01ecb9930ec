//! Routes of vendors whose clients bring their token in the first message, and such clients.

use serde_json::{Value, json};
use tollbridge_testkit::{
    Frame, Handshake, RawWs, Upstream,
    vendors::{HomeAssistant, Soniox},
};

use crate::stage::{House, PAGE, Plan, heard, leave, say, slug};

pub(crate) const KEY: &str = "real-first-message-key-3b";

/// Who is behind a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Soniox,
    Home,
}

pub(crate) const BOTH: [Kind; 2] = [Kind::Soniox, Kind::Home];

pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) house: House,
    pub(crate) upstream: Upstream,
}

impl Kind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Soniox => "/transcribe-websocket",
            Self::Home => "/api/websocket",
        }
    }

    /// What its client says first.
    pub(crate) fn first(self, token: &str) -> Value {
        match self {
            Self::Soniox => {
                json!({"api_key": token, "model": "stt-rt-preview", "audio_format": "auto"})
            }
            Self::Home => json!({"type": "auth", "access_token": token}),
        }
    }

    pub(crate) async fn scene(self, more: &str) -> Scene {
        let upstream = match self {
            Self::Soniox => Upstream::behaving(Soniox::new(KEY)).await,
            Self::Home => Upstream::behaving(HomeAssistant::new(KEY)).await,
        };
        self.scene_before(upstream, more).await
    }

    /// Before another upstream than the vendor's.
    pub(crate) async fn scene_before(self, upstream: Upstream, more: &str) -> Scene {
        let preset = match self {
            Self::Soniox => "soniox",
            Self::Home => "home-assistant",
        };
        let lines = format!(
            "preset = \"{preset}\"\nupstream = \"{}{}\"\n{more}",
            upstream.url(),
            self.path()
        );
        let plan = Plan::default().env("SONIOX_API_KEY", KEY);
        let plan = plan.env("HOME_ASSISTANT_TOKEN", KEY).route("voice", &lines);
        let plan = plan.route("other", "upstream = \"ws://127.0.0.1:9\"\n");
        Scene {
            kind: self,
            house: plan.start().await,
            upstream,
        }
    }
}

impl Scene {
    /// A stranger who is let in, and greeted where its vendor does so.
    pub(crate) async fn stranger(&self) -> RawWs {
        self.stranger_with(Handshake::to(self.kind.path()).origin(PAGE))
            .await
    }

    pub(crate) async fn stranger_with(&self, handshake: Handshake) -> RawWs {
        let mut ws = self.house.open(handshake).await;
        if self.kind == Kind::Home {
            assert_eq!(heard(&mut ws).await["type"], "auth_required");
        }
        ws
    }

    /// A session that works, to its end: the token was good until now.
    pub(crate) async fn works(&self, mut ws: RawWs) {
        match self.kind {
            Kind::Soniox => {
                ws.send(Frame::binary(vec![0; 48_000])).await;
                let answer = heard(&mut ws).await;
                assert!(
                    answer["tokens"].is_array() && answer["error_code"].is_null(),
                    "{answer}"
                );
            }
            Kind::Home => {
                assert_eq!(heard(&mut ws).await["type"], "auth_ok");
                say(&mut ws, &json!({"id": 1, "type": "ping"})).await;
                assert_eq!(heard(&mut ws).await, json!({"id": 1, "type": "pong"}));
            }
        }
        leave(ws).await;
    }

    /// What is refused has dialled nobody and spent nothing.
    pub(crate) async fn nothing_happened(&self, token: &str, what: &str) {
        assert_eq!(self.upstream.connections(), 0, "{:?}: {what}", self.kind);
        self.redeem(token).await;
    }

    pub(crate) async fn redeem(&self, token: &str) {
        let mut ws = self.stranger().await;
        say(&mut ws, &self.kind.first(token)).await;
        self.works(ws).await;
    }

    pub(crate) async fn told(&self, mut ws: RawWs) -> (u16, String) {
        slug(ws.close_parts().await)
    }
}
