//! A running server with routes to stand-ins, and the shortest ways in.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::timeout,
};
use tollbridge_testkit::{Event, Frame, Handshake, Logs, RawWs, Response, Server, get, post_json};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The page that may connect.
pub(crate) const PAGE: &str = "https://app.example.com";

/// Another that may.
pub(crate) const OTHER_PAGE: &str = "https://elsewhere.example.com";

/// How every token begins, `{"alg":` in base64url, and how that begins in base64url once more.
pub(crate) const TOKENS: [&str; 2] = ["eyJhbGci", "ZXlKaGJHY2"];

/// A configuration in the making, with secrets that nobody may ever see.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    level: Option<&'static str>,
    routes: Vec<String>,
    files: Vec<(String, String)>,
    env: Vec<(String, String)>,
    secrets: Vec<String>,
}

/// A server and an API key of its caller.
pub(crate) struct House {
    pub(crate) server: Server,
    api_key: String,
    secrets: Vec<String>,
}

impl Plan {
    /// A route in the words of the configuration, but for its callers and pages.
    pub(crate) fn route(mut self, name: &str, lines: &str) -> Self {
        self.routes.push(format!(
            "[routes.{name}]\norigins = [\"{PAGE}\", \"{OTHER_PAGE}\"]\ncallers = [\"backend\"]\n{lines}\n"
        ));
        self
    }

    /// A secret in the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self.secret(value)
    }

    /// A text that may show up nowhere.
    pub(crate) fn secret(mut self, value: &str) -> Self {
        self.secrets.push(value.to_owned());
        self
    }

    /// A file beside the configuration.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The server says so much.
    pub(crate) const fn level(mut self, level: &'static str) -> Self {
        self.level = Some(level);
        self
    }

    /// The server that all this makes.
    pub(crate) async fn start(self) -> House {
        let level = self.level.unwrap_or("info");
        let mut builder = Server::builder(env!("CARGO_BIN_EXE_tollbridge")).config(format!(
            "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n\
             tokens.issuer = \"https://bridge.example.com\"\nlog.level = \"{level}\"\n\
             callers.backend.type = \"api_key\"\n{}",
            self.routes.concat()
        ));
        for (name, value) in &self.env {
            builder = builder.env(name, value);
        }
        for (name, text) in &self.files {
            builder = builder.file(name, text);
        }
        let server = builder.start().await;
        let api_key = made_key(&server).await;
        let secrets = self.secrets;
        House {
            server,
            api_key,
            secrets,
        }
    }
}

impl House {
    /// A fresh token.
    pub(crate) async fn mint(&self, route: &str) -> String {
        self.mint_with(&json!({"route": route})).await
    }

    pub(crate) async fn mint_with(&self, body: &Value) -> String {
        let bearer = format!("Bearer {}", self.api_key);
        let headers = [("authorization", bearer.as_str())];
        let minted = post_json(self.server.public(), "/v1/tokens", &headers, body).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json()["token"].as_str().unwrap().to_owned()
    }

    /// So many at once.
    pub(crate) async fn tokens(&self, route: &str, count: usize) -> Vec<String> {
        let count = count.to_string();
        let minted = ["token", "mint", "--route", route, "--count", &count];
        let minted = self.server.cli(&minted).await;
        let lines = String::from_utf8(minted.stdout).unwrap();
        lines.lines().map(str::to_owned).collect()
    }

    /// A handshake that succeeds.
    pub(crate) async fn open(&self, handshake: Handshake) -> RawWs {
        match self.try_open(handshake).await {
            Ok(ws) => ws,
            Err(refused) => panic!("refused: {refused:?}\n{}", self.server.logs()),
        }
    }

    pub(crate) async fn try_open(&self, handshake: Handshake) -> Result<RawWs, Response> {
        RawWs::connect(self.server.public(), handshake).await
    }

    /// A session with a fresh token of this route.
    pub(crate) async fn enter(&self, route: &str) -> RawWs {
        self.open(knock(route, &self.mint(route).await)).await
    }

    /// Status and code of a refusal.
    pub(crate) async fn verdict(&self, handshake: Handshake) -> (u16, String) {
        match self.try_open(handshake).await {
            Ok(ws) => panic!("accepted: {ws:?}\n{}", self.server.logs()),
            Err(refused) => (refused.status, refused.code()),
        }
    }

    /// The same to a page: code and slug of the close.
    pub(crate) async fn told(&self, handshake: Handshake) -> (u16, String) {
        let mut ws = self.open(handshake.origin(PAGE)).await;
        slug(ws.close_parts().await)
    }

    /// Everything that the server has printed.
    pub(crate) fn printed(&self) -> String {
        format!("{}{}", self.server.stdout(), self.server.logs())
    }

    /// The lines of one event.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        let lines = self.server.logs();
        let events = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|line| line["event"] == event).collect()
    }

    /// The first line of an event that `wanted` accepts.
    pub(crate) async fn logged(&self, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let accepts = |line: &str| {
            let line = serde_json::from_str::<Value>(line).unwrap_or_default();
            line["event"] == event && wanted(&line)
        };
        let line = self.server.wait_for_log(accepts, PATIENCE).await;
        serde_json::from_str(&line).unwrap()
    }

    /// What may be in nothing that anybody prints or is told.
    pub(crate) fn discreet(&self, what: &str, text: &str) {
        let mut secrets = Logs::new().secret("api key", &self.api_key);
        for secret in &self.secrets {
            secrets = secrets.secret(secret.get(..12).unwrap_or("short"), secret);
        }
        secrets.assert_absent(what, text);
        for token in TOKENS {
            assert!(!text.contains(token), "a token is in {what}:\n{text}");
        }
    }

    /// The server is well, said nothing that it should not, and stops.
    pub(crate) async fn end(mut self) {
        let alive = get(self.server.public(), "/livez", &[]).await;
        assert_eq!(alive.status, 200);
        let printed = self.printed();
        assert!(!printed.contains(r#""event":"panic""#), "{printed}");
        self.discreet("what was printed", &printed);
        self.server.sigterm();
        assert!(self.server.ended().await.success());
    }
}

/// An API key for minting, made over the socket beside the store: the server knows it at once.
async fn made_key(server: &Server) -> String {
    let body = json!({"name": "b", "scope": "mint", "caller": "backend"}).to_string();
    let request = format!(
        "POST /admin/v1/apikeys HTTP/1.1\r\nhost: socket\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let exchange = async {
        let mut socket = UnixStream::connect(server.dir().join("tollbridge.db.sock")).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.expect("in time").unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let made: Value = serde_json::from_str(body).expect("JSON");
    made["key"].as_str().expect("a key").to_owned()
}

/// A clean handshake with a route, the token in the query.
pub(crate) fn knock(route: &str, token: &str) -> Handshake {
    Handshake::to(&format!("/v1/bridge/{route}?token={token}"))
}

/// The code of a close, and the slug in its reason.
pub(crate) fn slug(close: Option<(u16, String)>) -> (u16, String) {
    let (code, reason) = close.expect("a close frame");
    let slug = reason.trim_start_matches("tb:").split(';').next();
    (code, slug.unwrap_or_default().to_owned())
}

/// The next data message as JSON.
pub(crate) async fn heard(ws: &mut RawWs) -> Value {
    let frame = ws.recv_data().await.frame();
    serde_json::from_slice(&frame.payload).expect("JSON")
}

/// Says JSON.
pub(crate) async fn say(ws: &mut RawWs, message: &Value) {
    ws.send(Frame::text(message.to_string())).await;
}

/// Everything that comes until the end, after a close of ours.
pub(crate) async fn leave(mut ws: RawWs) -> Vec<Frame> {
    let close = Frame::close(1000, "").masked([1, 2, 3, 4]).encode();
    // The other side may have closed before.
    let _gone = ws.try_send_raw(&close).await;
    let mut frames = Vec::new();
    while let Event::Frame(frame) = ws.recv().await {
        frames.push(frame);
    }
    frames
}
