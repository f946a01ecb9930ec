//! A running server before upstreams that the test plays, and the ways in.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::{sleep, timeout},
};
use tollbridge_testkit::{
    Handshake, RawPeer, RawUpstream, RawWs, Response, Server, ServerBuilder, Upstream, get,
    post_json,
};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What upstreams are shown, and no client may read.
pub(crate) const CREDENTIAL: &str = "vendor-key-90c1d3aa57";

/// A server, and the upstream that most of its routes lead to.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) upstream: RawUpstream,
    api_key: String,
}

/// What an operator may want of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Kill,
    Revoke,
}

/// A server to be: routes to one upstream, each with settings of its own.
pub(crate) struct Plan {
    upstream: RawUpstream,
    routes: String,
}

impl Plan {
    pub(crate) async fn new() -> Self {
        Self {
            upstream: RawUpstream::start().await,
            routes: String::new(),
        }
    }

    /// A route whose upstream the test plays.
    pub(crate) fn route(self, name: &str, settings: &str) -> Self {
        let url = self.upstream.url();
        self.route_to(name, &url, settings)
    }

    /// A route to another upstream.
    pub(crate) fn route_to(mut self, name: &str, url: &str, settings: &str) -> Self {
        self.routes.push_str(&format!(
            "[routes.{name}]\nupstream = \"{url}/{name}\"\norigins = [\"*\"]\n\
             callers = [\"backend\"]\ncredentials.headers.X-Api-Key = \"env:VENDOR_KEY\"\n\
             {settings}\n\n"
        ));
        self
    }

    /// A route to one that echoes.
    pub(crate) fn echo(self, name: &str, upstream: &Upstream) -> Self {
        self.route_to(name, &upstream.url(), "")
    }

    pub(crate) async fn start(self) -> Stage {
        self.start_as(|builder| builder).await
    }

    /// With more to say about the process.
    pub(crate) async fn start_as(
        self,
        dress: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Stage {
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\nhandshake_timeout = \"2s\"\n\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n\n[tokens]\nissuer = \"https://tollbridge.test\"\n\n\
             [callers.backend]\ntype = \"api_key\"\n\n{}",
            self.routes
        );
        let builder = Server::builder(env!("CARGO_BIN_EXE_tollbridge"))
            .config(config)
            .env("VENDOR_KEY", CREDENTIAL);
        let mut stage = Stage {
            server: dress(builder).start().await,
            upstream: self.upstream,
            api_key: String::new(),
        };
        let ask = json!({"name": "minting", "scope": "mint"});
        let made = stage.operate("POST", "apikeys", &ask).await;
        stage.api_key = made["key"].as_str().unwrap().to_owned();
        stage
    }
}

impl Stage {
    /// An operator's request over the socket beside the store.
    pub(crate) async fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "{method} /admin/v1/{path} HTTP/1.1\r\nHost: socket\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let socket: PathBuf = self.server.dir().join("tollbridge.db.sock");
        let exchange = async {
            let mut stream = UnixStream::connect(socket).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(PATIENCE, exchange).await.expect("in time").unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// A token for this route.
    pub(crate) async fn token(&self, route: &str) -> String {
        let bearer = format!("Bearer {}", self.api_key);
        let headers = [("authorization", bearer.as_str())];
        let ask = json!({"route": route});
        let minted = post_json(self.server.public(), "/v1/tokens", &headers, &ask).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json()["token"].as_str().unwrap().to_owned()
    }

    /// A session on this route, or its refusal by an HTTP status.
    pub(crate) async fn try_session(&self, route: &str) -> Result<RawWs, Response> {
        let token = self.token(route).await;
        RawWs::connect(self.server.public(), knock(route, &token)).await
    }

    /// A session on this route.
    pub(crate) async fn session(&self, route: &str) -> RawWs {
        self.try_session(route).await.unwrap()
    }

    /// Both ends of a session.
    pub(crate) async fn open(&self, route: &str, deflate: bool) -> (RawPeer, RawPeer) {
        let token = self.token(route).await;
        let mut handshake = knock(route, &token);
        if deflate {
            handshake = handshake.extensions("permessage-deflate");
        }
        let opened = RawWs::connect(self.server.public(), handshake).await;
        let client = opened.unwrap();
        let agreed = client.header_values("sec-websocket-extensions");
        assert_eq!(agreed.len(), usize::from(deflate));
        let upstream = self.upstream.dialled(&format!("/{route}")).await;
        (client.into_peer(), upstream)
    }

    /// Has an operator end the session of this route.
    pub(crate) async fn give(&self, order: Order, route: &str) {
        let done = match order {
            Order::Kill => {
                let sessions = self.sessions(route).await;
                let id = sessions[0]["id"].as_str().unwrap();
                let ask = json!({"reason": "a test"});
                self.operate("DELETE", &format!("sessions/{id}"), &ask)
                    .await;
                return;
            }
            Order::Revoke => {
                let ask = json!({"route": route, "reason": "a test", "sessions": true});
                self.operate("POST", "revocations", &ask).await
            }
        };
        assert_eq!(done["sessions_ended"], 1, "{done}");
    }

    /// The live sessions of a route.
    pub(crate) async fn sessions(&self, route: &str) -> Vec<Value> {
        let path = format!("sessions?route={route}");
        let listed = self.operate("GET", &path, &json!({})).await;
        listed["sessions"].as_array().unwrap().clone()
    }

    /// Waits until no session of this route is on the list.
    pub(crate) async fn until_empty(&self, route: &str) {
        self.until(async || self.sessions(route).await.is_empty())
            .await;
    }

    /// Asks until it is so; for what no event tells.
    pub(crate) async fn until(&self, mut is_so: impl AsyncFnMut() -> bool) {
        let asking = async {
            while !is_so().await {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, asking).await.expect("so, in time");
    }

    /// The end of a session on this route, as soon as it is logged.
    pub(crate) async fn ended(&self, route: &str) -> Value {
        let wanted = |line: &str| is_end_on(route, line);
        let line = self.server.wait_for_log(wanted, PATIENCE).await;
        serde_json::from_str(&line).unwrap()
    }

    /// The ends of all sessions on this route, once there are so many.
    pub(crate) async fn all_ended(&self, route: &str, sessions: usize) -> Vec<Value> {
        let ends = || {
            let logs = self.server.logs();
            let lines = logs.lines().filter(|line| is_end_on(route, line));
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<Value>>()
        };
        self.until(async || ends().len() >= sessions).await;
        ends()
    }

    /// The series of a metric and their values: labels as they are written.
    pub(crate) async fn series(&self, metric: &str) -> Vec<(String, u64)> {
        let page = get(self.server.admin(), "/metrics", &[]).await;
        page.text()
            .lines()
            .filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'))
            .filter_map(|line| line.split_once("} "))
            .map(|(labels, value)| (labels.to_owned(), value.parse().unwrap()))
            .collect()
    }

    /// Memory of the server in bytes: this line of its `status`, such as `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> u64 {
        let status = format!("/proc/{}/status", self.server.pid());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status
            .lines()
            .find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        kilobytes.unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Forgets the highest that `VmHWM` was.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.server.pid()), "5").unwrap();
    }

    /// Descriptors that the server holds.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.server.pid());
        std::fs::read_dir(folder).unwrap().count()
    }
}

fn is_end_on(route: &str, line: &str) -> bool {
    line.contains("\"session.closed\"") && line.contains(&format!("\"route\":\"{route}\""))
}

/// A handshake for a route with a token in the query.
pub(crate) fn knock(route: &str, token: &str) -> Handshake {
    Handshake::to(&format!("/v1/bridge/{route}?token={token}"))
}
