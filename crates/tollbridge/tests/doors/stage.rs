//! A running server, and those who come to it.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tollbridge_store::{AuditEntry, AuditLog as _, AuditQuery};
use tollbridge_store_sql::{Mode, Sqlite};
use tollbridge_testkit::{
    Frame, Handshake, Logs, RawWs, Response, Server, Upstream, get, post_json,
};

use crate::{
    forge::Forge,
    plan::{CANARY, Plan},
};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How every token begins: `{"alg":` in base64url.
const TOKEN: &str = "eyJhbGci";

/// A server, an API key of its caller, and its signing key.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) forge: Forge,
    pub(crate) api_key: String,
}

/// A route `voice` to an upstream that echoes for [`CANARY`], and the upstream.
pub(crate) async fn echo() -> (Stage, Upstream) {
    let upstream = echoing().await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    (stage, upstream)
}

/// An upstream that echoes for [`CANARY`] and refuses everybody else.
pub(crate) async fn echoing() -> Upstream {
    Upstream::echo("x-api-key", CANARY).await
}

/// A clean handshake with a route, the token in the query.
pub(crate) fn knock(route: &str, token: &str) -> Handshake {
    Handshake::to(&format!("/v1/bridge/{route}?token={token}"))
}

impl Stage {
    pub(crate) async fn of(server: Server) -> Self {
        let forge = Forge::of(server.dir()).await;
        let mut stage = Self {
            server,
            forge,
            api_key: String::new(),
        };
        stage.api_key = stage.new_api_key("test", &[]).await;
        stage
    }

    /// One more API key for minting, for these routes or for all.
    pub(crate) async fn new_api_key(&self, name: &str, routes: &[&str]) -> String {
        let body = json!({"name": name, "scope": "mint", "caller": "backend", "routes": routes});
        let made = self.operate("POST", "apikeys", &body).await;
        made["key"].as_str().expect("a key").to_owned()
    }

    /// An operator's request over the socket beside the store.
    pub(crate) async fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        let path_to_socket = self.server.dir().join("tollbridge.db.sock");
        let mut socket = UnixStream::connect(path_to_socket).await.unwrap();
        let body = body.to_string();
        let request = format!(
            "{method} /admin/v1/{path} HTTP/1.1\r\nhost: socket\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(PATIENCE, socket.read_to_string(&mut answer)).await;
        read.expect("an answer in time").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Asks the mint as the test's own caller.
    pub(crate) async fn ask(&self, body: &Value) -> Response {
        self.ask_as(&self.api_key, body).await
    }

    pub(crate) async fn ask_as(&self, api_key: &str, body: &Value) -> Response {
        let bearer = format!("Bearer {api_key}");
        let headers = [("authorization", bearer.as_str())];
        discreet(post_json(self.server.public(), "/v1/tokens", &headers, body).await)
    }

    /// A token of the mint.
    pub(crate) async fn mint(&self, body: &Value) -> String {
        let minted = self.ask(body).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json()["token"].as_str().expect("a token").to_owned()
    }

    /// A handshake that succeeds.
    pub(crate) async fn open(&self, handshake: Handshake) -> RawWs {
        match self.try_open(handshake).await {
            Ok(ws) => ws,
            Err(refused) => panic!("refused: {refused:?}\n{}", self.server.logs()),
        }
    }

    /// A handshake that is refused by an HTTP status.
    pub(crate) async fn refused(&self, handshake: Handshake) -> Response {
        match self.try_open(handshake).await {
            Ok(ws) => panic!("accepted: {ws:?}"),
            Err(refused) => refused,
        }
    }

    pub(crate) async fn try_open(&self, handshake: Handshake) -> Result<RawWs, Response> {
        RawWs::connect(self.server.public(), handshake)
            .await
            .map_err(discreet)
    }

    /// A handshake that is accepted and closed, and what the close frame says.
    pub(crate) async fn closed(&self, handshake: Handshake) -> (u16, String) {
        let mut ws = self.open(handshake).await;
        ws.close_parts().await.expect("a close frame")
    }

    /// Status and code of the refusal.
    pub(crate) async fn verdict(&self, handshake: Handshake) -> (u16, String) {
        let refused = self.refused(handshake).await;
        (refused.status, refused.code())
    }

    /// Whatever this text is, it is told like any other text that is no token.
    pub(crate) async fn is_no_token(&self, what: &str, text: &str) {
        let told = self.refused(knock("voice", &percent_encoded(text))).await;
        assert_eq!(told.status, 401, "{what}: {told:?}");
        assert_eq!(told.code(), "token_invalid", "{what}");
    }

    /// Waits until the server has read this key from its store.
    pub(crate) async fn until_published(&self, kid: &str) {
        let published = async {
            let to = self.server.public();
            while !get(to, "/.well-known/jwks.json", &[])
                .await
                .text()
                .contains(kid)
            {}
        };
        timeout(PATIENCE, published).await.expect("the key in time");
    }

    /// Waits until no session is open.
    pub(crate) async fn until_empty(&self) {
        let empty = async { while self.sessions().await > 0 {} };
        timeout(PATIENCE, empty).await.expect("no session in time");
    }

    async fn sessions(&self) -> usize {
        let listed = self.operate("GET", "sessions", &Value::Null).await;
        listed["sessions"].as_array().expect("a list").len()
    }

    /// Opens a session with this token, uses it and ends it: the token was good until now.
    pub(crate) async fn redeem(&self, route: &str, token: &str) {
        let mut ws = self.open(knock(route, token)).await;
        ws.echo("hello").await;
        ws.close(1000).await;
    }

    /// Everything that comes back for these bytes until the server ends the connection.
    pub(crate) async fn until_closed(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.server.public()).await.unwrap();
        // A server that has refused may end the connection before it has read everything.
        let _refused_early = stream.write_all(bytes.as_ref()).await;
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _reset_is_an_end_too = read.expect("the server ends the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The server is well, said nothing that it should not, and stops; its audit log.
    pub(crate) async fn end(mut self) -> Vec<AuditEntry> {
        let alive = get(self.server.public(), "/livez", &[]).await;
        assert_eq!(alive.status, 200);
        let logs = self.server.logs();
        assert!(!logs.contains(r#""event":"panic""#), "{logs}");
        let secrets = Logs::new()
            .secret("credential", CANARY)
            .secret("api key", &self.api_key);
        secrets.assert_absent("the log", &logs);
        assert!(!logs.contains(TOKEN), "a token is in the log:\n{logs}");
        let store = format!(
            "sqlite:{}",
            self.server.dir().join("tollbridge.db").display()
        );
        let store = Sqlite::open(&store, Mode::Existing).await.unwrap();
        self.server.sigterm();
        assert!(self.server.ended().await.success());
        let query = AuditQuery {
            limit: 1000,
            ..AuditQuery::default()
        };
        store.audit(&query).await.unwrap()
    }
}

/// The entries of one event, by target.
pub(crate) fn by_target(audit: &[AuditEntry], event: &str) -> HashMap<String, AuditEntry> {
    audit
        .iter()
        .filter(|entry| entry.event == event)
        .map(|entry| (entry.target.clone(), entry.clone()))
        .collect()
}

/// Text as a query value, whatever it holds.
pub(crate) fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// Nothing that was said to a stranger holds the credential.
fn discreet(answer: Response) -> Response {
    let shown = format!("{answer:?}");
    Logs::new()
        .secret("credential", CANARY)
        .assert_absent("an answer", &shown);
    answer
}

/// The first frame of a client that does not wait for the answer to its handshake.
pub(crate) fn early_frame() -> Vec<u8> {
    Frame::text("early").masked([1, 2, 3, 4]).encode()
}
