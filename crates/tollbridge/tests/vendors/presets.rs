//! Every preset, every carrier: the token goes no further, the credential stands where the vendor
//! wants it, and neither comes back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_config::Preset;
use tollbridge_testkit::{Dial, Frame, Handshake, Logs, RawWs, Upstream};

use crate::{
    carriers::Carrier,
    cases::{Case, GOOGLE},
    gossip::{Gossip, SIGNATURE},
    stage::{House, PAGE, Plan, TOKENS, leave, say, slug},
};

/// Everything, from the libraries too: they print request lines and headers if anybody does.
const FINEST: &str = "trace,actix_http=trace,actix_server=trace,actix_web=trace,awc=trace,\
                      aws_sigv4=trace,rustls=trace,sqlx=trace";

/// A server with three routes of one preset: to the stand-in, to an upstream that refuses and
/// repeats what it was shown, and to one that lets in and repeats it then.
struct Scene {
    case: Case,
    house: House,
    vendor: Upstream,
    refusing: Upstream,
    closing: Upstream,
    /// Every credential there is.
    secrets: Vec<String>,
}

impl Scene {
    async fn of(preset: &'static str) -> Self {
        let case = Case::of(preset);
        let mut secrets: Vec<String> = case.env.iter().map(|(_, it)| (*it).to_owned()).collect();
        if preset == "vertex-live" {
            secrets.push(GOOGLE.to_owned());
        }
        let gossip = |polite| Gossip {
            secrets: secrets.clone(),
            polite,
        };
        let vendor = Upstream::behaving(std::sync::Arc::clone(&case.vendor)).await;
        let refusing = Upstream::behaving(gossip(false)).await;
        let closing = Upstream::behaving(gossip(true)).await;
        let http = |upstream: &Upstream| format!("http://{}", upstream.addr());
        let signs = match preset {
            "vertex-live" => http(&closing),
            _ => http(&vendor),
        };
        let elsewhere = |upstream: &Upstream| {
            let lines = case.lines(&upstream.url(), &http(upstream));
            format!("paths = []\n{lines}")
        };
        let mut plan = Plan::default()
            .level(FINEST)
            .secret("unlisted-query-value-4be1")
            .secret("cvtkn_real-signature")
            .secret(SIGNATURE)
            .secret(GOOGLE)
            .route("it", &case.lines(&vendor.url(), &signs))
            .route("refusing", &elsewhere(&refusing))
            .route("closing", &elsewhere(&closing));
        for (name, value) in &case.env {
            plan = plan.env(name, value);
        }
        let house = plan.start().await;
        Self {
            case,
            house,
            vendor,
            refusing,
            closing,
            secrets,
        }
    }

    async fn mint(&self, route: &str) -> String {
        let params: Value = serde_json::from_str(self.case.params).unwrap();
        let body = json!({"route": route, "params": params});
        self.house.mint_with(&body).await
    }

    /// What the client says first, without what only the bridge may write into it.
    fn first(&self) -> Value {
        let mut first = self
            .case
            .vendor
            .wants()
            .first
            .unwrap_or_else(|| json!({"type": "hello"}));
        let members = first.as_object_mut().unwrap();
        members.retain(|_, value| !self.secrets.iter().any(|it| *value == it.as_str()));
        first
    }

    fn keeping(&self, mut handshake: Handshake) -> Handshake {
        let kept = self.case.route.get("keep_response_headers");
        for name in kept.and_then(toml::Value::as_array).into_iter().flatten() {
            handshake = handshake.keeps(name.as_str().unwrap());
        }
        handshake
    }

    /// A whole session, the token in this carrier.
    async fn session(&self, carrier: &Carrier, path: &str) {
        let what = format!("{}, {}", self.case.preset, carrier.what);
        let before = self.vendor.dials().len();
        let token = self.mint("it").await;
        let offered = self.case.vendor.wants().protocols;
        let handshake = self
            .keeping(carrier.handshake(path, &token, offered))
            .origin(PAGE);
        let mut ws = self.house.open(handshake).await;
        if carrier.is_late() {
            assert_eq!(self.vendor.dials().len(), before, "{what}");
        }
        say(&mut ws, &carrier.first(self.first(), &token)).await;
        self.vendor.until(|dials| dials.len() > before).await;
        let said = self.all_that_was_said(ws, &what).await;
        for objection in ["Invalid API key", "auth_invalid"] {
            assert!(!said.contains(objection), "{what}: {said}");
        }
        let dials = self.vendor.ended(before + 1).await.split_off(before);
        self.judge_dials(&dials, &token, &what);
    }

    /// Ends a session; everything that the client was told is without secrets.
    async fn all_that_was_said(&self, ws: RawWs, what: &str) -> String {
        let mut told = format!("{:?}", ws.response);
        for frame in leave(ws).await {
            told.push_str(&text(&frame));
        }
        self.house
            .discreet(&format!("what the client was told ({what})"), &told);
        told
    }

    fn judge_dials(&self, dials: &[Dial], token: &str, what: &str) {
        let all: String = dials.iter().map(everything).collect();
        let token = Logs::new().secret("token", token);
        token.assert_absent(&format!("what went upstream ({what})"), &all);
        for shape in TOKENS.iter().chain(&["unlisted-query-value"]) {
            assert!(!all.contains(shape), "{what}: {shape} went upstream");
        }
        let sockets = dials
            .iter()
            .filter(|dial| !dial.header_values("upgrade").is_empty());
        let answers: Vec<_> = sockets.filter_map(|dial| dial.answered).collect();
        assert_eq!(answers, [101], "{what}");
        for secret in &self.secrets {
            let found: Vec<_> = dials.iter().flat_map(|dial| places(dial, secret)).collect();
            let due = self.case.places.iter().filter(|(it, _)| it == secret);
            let due: Vec<_> = due.map(|(_, place)| (*place).to_owned()).collect();
            assert_eq!(found, due, "{what}");
        }
    }

    /// An upstream that refuses and repeats: by status, then by close.
    async fn refused(&self) {
        let preset = self.case.preset;
        for page in [false, true] {
            let token = self.mint("refusing").await;
            let handshake = Handshake::to("/v1/bridge/refusing");
            let handshake = handshake.header("Authorization", &format!("Bearer {token}"));
            let handshake = self.keeping(handshake);
            let told = if page {
                let mut ws = self.house.open(handshake.origin(PAGE)).await;
                let head = format!("{:?}", ws.response);
                let close = ws.close_parts().await;
                let told = format!("{head}{close:?}");
                assert_eq!(
                    slug(close),
                    (1014, "upstream_refused".to_owned()),
                    "{preset}"
                );
                told
            } else {
                let refused = self.house.try_open(handshake).await;
                let refused = refused.expect_err("a refusal");
                assert_eq!(
                    (refused.status, refused.code().as_str()),
                    (502, "upstream_refused")
                );
                format!("{refused:?}")
            };
            self.house.discreet(&format!("a refusal ({preset})"), &told);
        }
        for dial in self.refusing.dials() {
            for name in ["authorization", "conversation_signature"] {
                for value in dial.query_values(name) {
                    assert!(!self.house.printed().contains(value), "{preset}: {name}");
                }
            }
        }
    }

    /// An upstream that lets in, and repeats in its 101 and in the reason of its close.
    async fn closed(&self) {
        let preset = self.case.preset;
        let token = self.mint("closing").await;
        let handshake = Handshake::to("/v1/bridge/closing");
        let handshake = handshake.header("Authorization", &format!("Bearer {token}"));
        let mut ws = self.house.open(self.keeping(handshake).origin(PAGE)).await;
        let first = Frame::text(self.first().to_string()).masked([1; 4]);
        let first = first.encode();
        // It may have closed already.
        let _gone = ws.try_send_raw(&first).await;
        let told = self.all_that_was_said(ws, preset).await;
        assert!(!told.contains("wrong key"), "{preset}: {told}");
    }
}

/// All of a dial that the upstream could read.
fn everything(dial: &Dial) -> String {
    let query = dial
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    let frames = dial.frames.iter().map(text);
    let parts = query.chain(frames).collect::<String>();
    format!("{}\n{parts}", dial.head)
}

fn text(frame: &Frame) -> String {
    String::from_utf8_lossy(&frame.payload).into_owned()
}

/// Where in a dial a credential stands, as often as it does.
fn places(dial: &Dial, secret: &str) -> Vec<String> {
    let times = |text: &str| {
        let decoded = STANDARD.decode(text).unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        text.matches(secret).count() + decoded.matches(secret).count()
    };
    let mut found = vec!["path".to_owned(); times(&dial.path)];
    for (name, value) in &dial.headers {
        found.extend(vec![name.to_ascii_lowercase(); times(value)]);
    }
    for (name, value) in &dial.query {
        found.extend(vec![format!("?{name}"); times(value)]);
    }
    for (number, frame) in dial.frames.iter().enumerate() {
        let place = if number == 0 {
            "message"
        } else {
            "later message"
        };
        found.extend(vec![place.to_owned(); times(&text(frame))]);
    }
    found
}

#[tokio::test]
async fn no_token_goes_upstream_and_no_credential_comes_back_with_any_preset() {
    for preset in Preset::all() {
        let scene = Scene::of(preset.name()).await;
        let carriers = Carrier::all(&scene.case.route);
        let paths = scene
            .case
            .route
            .get("paths")
            .and_then(toml::Value::as_array);
        let mut paths = paths.into_iter().flatten().filter_map(toml::Value::as_str);
        let path = paths.next_back().unwrap_or("/v1/bridge/it");
        for carrier in &carriers {
            scene.session(carrier, path).await;
        }
        scene.refused().await;
        scene.closed().await;
        let closing = scene.closing.dials();
        assert!(
            closing.iter().any(|dial| dial.answered == Some(101)),
            "{}",
            preset.name()
        );
        assert!(scene.house.printed().contains(r#""level":"TRACE""#));
        scene.house.end().await;
    }
}
