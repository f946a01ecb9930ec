//! For every slug of the contract a server that has reason to say it.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::json;
use tokio::net::TcpSocket;
use tollbridge_domain::Slug;
use tollbridge_testkit::{Behaviour, Handshake, RawWs, Upstream};

use crate::{
    forge::now,
    plan::{CANARY, Plan},
    stage::{Stage, echo, echoing, knock},
};

/// A server, a handshake that provokes it, and what must not go away meanwhile.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    provoke: Box<dyn Fn(&Stage) -> Handshake>,
    _upstream: Option<Upstream>,
    _sessions: Vec<RawWs>,
    _socket: Option<TcpSocket>,
}

impl Scene {
    /// A handshake without `Origin` that will be refused with the slug.
    pub(crate) fn handshake(&self) -> Handshake {
        (self.provoke)(&self.stage)
    }

    fn new(
        (stage, upstream): (Stage, Upstream),
        provoke: impl Fn(&Stage) -> Handshake + 'static,
    ) -> Self {
        Self {
            stage,
            provoke: Box::new(provoke),
            _upstream: Some(upstream),
            _sessions: Vec::new(),
            _socket: None,
        }
    }

    /// Where any genuine token will do.
    fn at_the_door(set: (Stage, Upstream)) -> Self {
        Self::new(set, |stage| knock("voice", &stage.forge.token("voice")))
    }

    fn holding(self, sessions: Vec<RawWs>) -> Self {
        Self {
            _sessions: sessions,
            ..self
        }
    }
}

/// The scene of a slug; `None` where only a running session can end with it, which `lives` shows.
pub(crate) async fn scene(slug: Slug) -> Option<Scene> {
    let scene = match slug {
        Slug::Draining => draining().await,
        Slug::Overloaded => full("server.max_sessions").await,
        Slug::UpstreamUnavailable => unreachable().await,
        Slug::UpstreamTimeout => Scene::at_the_door(silent().await),
        Slug::UpstreamRateLimited => Scene::at_the_door(refusing(429).await),
        Slug::Internal => Scene::at_the_door(broken_secret().await),
        Slug::UpstreamRefused => Scene::at_the_door(refusing(403).await),
        Slug::BadRequest => Scene::new(echo_with("query_allow", r#"["q"]"#).await, |stage| {
            let token = stage.forge.token("voice");
            Handshake::to(&format!("/v1/bridge/voice?q=1&q=2&token={token}"))
        }),
        Slug::SubprotocolNotAllowed => {
            Scene::new(echo_with("subprotocols", r#"["good"]"#).await, |stage| {
                knock("voice", &stage.forge.token("voice")).protocols(&["good", "bad"])
            })
        }
        Slug::UnknownRoute => Scene::new(echo().await, |stage| {
            knock("vioce", &stage.forge.token("voice"))
        }),
        Slug::TokenMissing => Scene::new(echo().await, |_| Handshake::to("/v1/bridge/voice")),
        Slug::TokenInvalid => Scene::new(echo().await, |stage| {
            let token = stage.forge.token("voice");
            knock("voice", &token[..token.len() - 1])
        }),
        Slug::TokenExpired => with_claims(|| json!({"exp": now() - 3, "iat": now() - 33})).await,
        Slug::TokenNotYetValid => with_claims(|| json!({"nbf": now() + 60})).await,
        Slug::OriginNotAllowed => with_claims(|| json!({"origin": "https://other.example"})).await,
        Slug::RouteNotAllowed => elsewhere().await,
        Slug::TokenUsed => used().await,
        Slug::Revoked => revoked().await,
        Slug::ConcurrencyLimit => full("routes.voice.limits.sessions_per_subject").await,
        Slug::RateLimited => full("routes.voice.limits.connects_per_minute").await,
        Slug::UpstreamLost
        | Slug::ProtocolError
        | Slug::BadUtf8
        | Slug::MessageTooBig
        | Slug::IdleTimeout
        | Slug::MaxSession
        | Slug::WriteTimeout
        | Slug::Killed
        | Slug::ByteQuota => return None,
    };
    Some(scene)
}

/// An echoing upstream behind a route with one more key.
pub(crate) async fn echo_with(key: &str, toml: &str) -> (Stage, Upstream) {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set(&format!("routes.voice.{key}"), toml);
    (plan.start().await, upstream)
}

/// A route whose upstream answers every dial with this status.
pub(crate) async fn refusing(status: u16) -> (Stage, Upstream) {
    let body = "what the upstream thinks of our key".to_owned();
    let headers = vec![("Set-Cookie".to_owned(), "a=b".to_owned())];
    let upstream = Upstream::behaving(Behaviour::Refuse {
        status,
        headers,
        body,
    })
    .await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    (stage, upstream)
}

/// A route whose upstream takes connections and says nothing.
pub(crate) async fn silent() -> (Stage, Upstream) {
    let upstream = Upstream::behaving(Behaviour::Silent).await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("routes.voice.limits.connect_timeout", r#""1s""#);
    (plan.start().await, upstream)
}

/// A route to an address where nobody listens, for as long as the socket is held.
pub(crate) async fn nobody() -> (Stage, TcpSocket, SocketAddr) {
    let (socket, address) = Upstream::refusing();
    let plan = Plan::new().route("voice", &format!("ws://{address}"));
    (plan.start().await, socket, address)
}

/// A server that drains, with a session that has still some time.
pub(crate) async fn drained() -> (Stage, Upstream, Vec<RawWs>) {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let stage = plan.set("server.drain_window", r#""60s""#).start().await;
    // They are told one after the other, spread over the window.
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let token = stage.forge.token("voice");
        sessions.push(stage.open(knock("voice", &token)).await);
    }
    stage.operate("POST", "drain", &json!({})).await;
    let begun = |line: &str| line.contains("drain.started");
    stage
        .server
        .wait_for_log(begun, Duration::from_secs(20))
        .await;
    (stage, upstream, sessions)
}

async fn draining() -> Scene {
    let (stage, upstream, sessions) = drained().await;
    Scene::at_the_door((stage, upstream)).holding(sessions)
}

/// A ceiling of one that is reached.
async fn full(ceiling: &str) -> Scene {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let stage = plan.set(ceiling, "1").start().await;
    let held = stage
        .open(knock("voice", &stage.forge.token("voice")))
        .await;
    Scene::at_the_door((stage, upstream)).holding(vec![held])
}

async fn unreachable() -> Scene {
    let (stage, socket, _) = nobody().await;
    Scene {
        stage,
        provoke: Box::new(|stage| knock("voice", &stage.forge.token("voice"))),
        _upstream: None,
        _sessions: Vec::new(),
        _socket: Some(socket),
    }
}

/// The file of a credential is replaced by something that is no header value. What was there at
/// the start was good, or there would have been no start.
async fn broken_secret() -> (Stage, Upstream) {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set(
        "routes.voice.credentials.headers.x-api-key",
        r#""file:key""#,
    );
    let stage = plan.file("key", CANARY).start().await;
    stage.redeem("voice", &stage.forge.token("voice")).await;
    fs::write(stage.server.dir().join("key"), "two\nlines").unwrap();
    (stage, upstream)
}

async fn with_claims(changes: impl Fn() -> serde_json::Value + 'static) -> Scene {
    Scene::new(echo().await, move |stage| {
        knock("voice", &stage.forge.token_with("voice", changes()))
    })
}

async fn elsewhere() -> Scene {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let stage = plan.route("other", &upstream.url()).start().await;
    Scene::new((stage, upstream), |stage| {
        knock("other", &stage.forge.token("voice"))
    })
}

async fn used() -> Scene {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    stage.redeem("voice", &token).await;
    Scene::new((stage, upstream), move |_| knock("voice", &token))
}

async fn revoked() -> Scene {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    stage
        .operate("POST", "revocations", &json!({"subject": "alice"}))
        .await;
    Scene::new((stage, upstream), move |_| knock("voice", &token))
}
