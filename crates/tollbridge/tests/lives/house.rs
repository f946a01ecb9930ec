//! A running server with routes to scripted upstreams, and the shortest ways in.

use std::{
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::OnceCell,
    time::{sleep, timeout},
};
use tollbridge_testkit::{
    Event, Handshake, RawWs, Response, Server, ServerBuilder, Upstream, post_json,
};

/// The only page that may connect.
pub(crate) const ORIGIN: &str = "https://app.example.com";

/// What the upstreams want to see, and nobody else may.
pub(crate) const CREDENTIAL: &str = "vendor-key-5bd1e7f02c";

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server and what its tests know of it.
pub(crate) struct House {
    pub(crate) server: Server,
    socket: PathBuf,
    minting: OnceCell<String>,
}

/// An answer of the admin API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A route that leads to this upstream; `more` is in the words of the configuration.
pub(crate) fn route(name: &str, upstream: &Upstream, more: &str) -> String {
    route_to(name, &upstream.url(), more)
}

/// A route that leads to this address.
pub(crate) fn route_to(name: &str, url: &str, more: &str) -> String {
    format!(
        "[routes.{name}]\n\
         upstream = \"{url}/up\"\n\
         origins = [\"{ORIGIN}\"]\n\
         callers = [\"backend\"]\n\
         credentials.headers.X-Api-Key = \"env:VENDOR_KEY\"\n\
         {more}\n\n"
    )
}

/// A configuration with these routes. The issuer is fixed: the command line, which does not know
/// the port, mints and verifies for the same one.
pub(crate) fn config(routes: &[String]) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [tokens]\nissuer = \"https://tollbridge.test\"\n\n\
         [callers.backend]\ntype = \"api_key\"\n\n{}",
        routes.concat()
    )
}

/// A server to be, with these routes.
pub(crate) fn builder(routes: &[String]) -> ServerBuilder {
    Server::builder(env!("CARGO_BIN_EXE_tollbridge"))
        .config(config(routes))
        .env("VENDOR_KEY", CREDENTIAL)
        .env("USER", "grace")
}

/// Asks until the answer is there.
///
/// What changes in the store is seen by a server within its half second; there is no event to
/// wait for.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                break answer;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, asking).await.expect("an answer in time")
}

impl House {
    /// Starts a server with these routes.
    pub(crate) async fn with(routes: &[String]) -> Self {
        Self::of(builder(routes)).await
    }

    /// Starts this one.
    pub(crate) async fn of(builder: ServerBuilder) -> Self {
        let server = builder.start().await;
        Self {
            socket: server.dir().join("tollbridge.db.sock"),
            server,
            minting: OnceCell::new(),
        }
    }

    /// The same with its store, and so its socket, in another folder.
    pub(crate) fn keeping_its_store_in(self, folder: &Path) -> Self {
        Self {
            socket: folder.join("tollbridge.db.sock"),
            ..self
        }
    }

    /// Asks the admin API over the socket beside the store, as the command line does.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let request = format!(
            "{method} /admin/v1/{path} HTTP/1.1\r\nHost: socket\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let exchange = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(PATIENCE, exchange).await.expect("in time").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }

    /// As [`ask`](Self::ask), where the answer is good.
    pub(crate) async fn told(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer.body
    }

    /// A new API key of this scope, in force at once.
    pub(crate) async fn api_key(&self, name: &str, scope: &str) -> String {
        let made = self
            .told("POST", "apikeys", &json!({"name": name, "scope": scope}))
            .await;
        made["key"].as_str().unwrap().to_owned()
    }

    /// Mints over HTTP.
    pub(crate) async fn mint(&self, ask: &Value) -> Response {
        let make = || self.api_key("minting", "mint");
        let key = self.minting.get_or_init(make).await;
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        post_json(self.server.public(), "/v1/tokens", &headers, ask).await
    }

    /// A token that was minted over HTTP.
    pub(crate) async fn token_for(&self, ask: &Value) -> String {
        let answer = self.mint(ask).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// A token for a route.
    pub(crate) async fn token(&self, route: &str) -> String {
        self.token_for(&json!({"route": route})).await
    }

    /// Redeems a token, as a program: without `Origin`.
    pub(crate) async fn redeem(&self, route: &str, token: &str) -> Result<RawWs, Response> {
        RawWs::connect(self.server.public(), at(route, token)).await
    }

    /// Redeems a token as a page, which is refused by a close code.
    pub(crate) async fn redeem_as_page(&self, route: &str, token: &str) -> RawWs {
        let handshake = at(route, token).origin(ORIGIN);
        let opened = RawWs::connect(self.server.public(), handshake).await;
        opened.unwrap()
    }

    /// A session on this route.
    pub(crate) async fn session(&self, route: &str) -> RawWs {
        self.session_for(&json!({"route": route})).await
    }

    /// A session by a token that was asked for like this.
    pub(crate) async fn session_for(&self, ask: &Value) -> RawWs {
        let token = self.token_for(ask).await;
        let route = ask["route"].as_str().unwrap();
        self.redeem(route, &token).await.unwrap()
    }

    /// The live sessions as the admin API lists them.
    pub(crate) async fn sessions(&self) -> Vec<Value> {
        let listed = self.told("GET", "sessions", &json!({})).await;
        listed["sessions"].as_array().unwrap().clone()
    }

    /// The one session there is, as soon as there is just one: a client has its 101 a moment
    /// before it is on the list, and its end a moment before it is off.
    pub(crate) async fn only_session(&self) -> Value {
        until(async || {
            let mut sessions = self.sessions().await;
            (sessions.len() == 1).then(|| sessions.remove(0))
        })
        .await
    }

    /// Waits until the list of sessions is empty.
    pub(crate) async fn empty(&self) {
        until(async || self.sessions().await.is_empty().then_some(())).await;
    }

    /// The event of this name that `wanted` accepts, as soon as it is logged.
    pub(crate) async fn logged(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let is_it = |line: &str| {
            serde_json::from_str::<Value>(line)
                .is_ok_and(|event| event["event"] == name && wanted(&event))
        };
        let line = self.server.wait_for_log(is_it, PATIENCE).await;
        serde_json::from_str(&line).unwrap()
    }

    /// The end of a session on this route, as it is logged.
    pub(crate) async fn ended(&self, route: &str) -> Value {
        self.logged("session.closed", |event| event["route"] == route)
            .await
    }

    /// The audit's entries of this event, newest first, as soon as there is one.
    pub(crate) async fn audited(&self, event: &str) -> Vec<Value> {
        let path = format!("audit?limit=1000&event={event}");
        until(async || {
            let entries = self.told("GET", &path, &json!({})).await;
            let entries = entries["entries"].as_array().unwrap().clone();
            (!entries.is_empty()).then_some(entries)
        })
        .await
    }

    /// A command that succeeds; what it says on standard output.
    pub(crate) async fn cli(&self, arguments: &[&str]) -> String {
        let output = self.server.cli(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        stdout(&output)
    }
}

/// A handshake for a route with a token in the query.
pub(crate) fn at(route: &str, token: &str) -> Handshake {
    Handshake::to(&format!("/v1/bridge/{route}?token={token}"))
}

/// What a command said on standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it said on standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The slug of a reason of the bridge's.
pub(crate) fn slug(reason: &str) -> &str {
    let words = reason.strip_prefix("tb:").unwrap_or(reason);
    words.split(';').next().unwrap()
}

/// Expects this code and slug, then the end of the connection.
pub(crate) async fn told_to_go(ws: &mut RawWs, code: u16, wanted: &str) -> String {
    let (told, reason) = ws.close_parts().await.expect("a close frame");
    assert_eq!((told, slug(&reason)), (code, wanted), "{reason}");
    assert!(reason.starts_with("tb:") && reason.len() <= 123, "{reason}");
    reason
}

/// Expects that the upstream's last session ended with this close code, or without one.
pub(crate) async fn upstream_told(upstream: &Upstream, code: Option<u16>) {
    let dials = upstream.ended(1).await;
    let end = dials.last().and_then(|dial| dial.end.clone());
    let told = match end.unwrap() {
        Event::Frame(close) => Some(close.close_parts().map_or(1005, |(code, _)| code)),
        Event::Eof | Event::Reset => None,
    };
    assert_eq!(told, code);
}
