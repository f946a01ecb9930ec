//! A configuration in the making, key by key.

use std::collections::BTreeMap;

use tollbridge_testkit::{Server, ServerBuilder, Stopped};

use crate::stage::Stage;

/// The credential that every route shows its upstream; it must show up nowhere else.
pub(crate) const CANARY: &str = "canary-of-the-upstream-9b1f";

/// The page that may connect.
pub(crate) const PAGE: &str = "https://app.example.com";

/// `iss` and `aud` of every token, whatever the port.
pub(crate) const ISSUER: &str = "https://bridge.example.com";

/// Dotted keys and their values, as TOML.
#[derive(Clone)]
pub(crate) struct Plan {
    keys: BTreeMap<String, String>,
    files: Vec<(String, String)>,
}

impl Plan {
    /// One caller of type `api_key`, no route.
    pub(crate) fn new() -> Self {
        let keys = BTreeMap::from([
            ("server.listen", "127.0.0.1:0"),
            ("admin.listen", "127.0.0.1:0"),
            ("tokens.issuer", ISSUER),
            ("callers.backend.type", "api_key"),
        ]);
        let keys = keys
            .into_iter()
            .map(|(key, text)| (key.to_owned(), quoted(text)))
            .collect();
        let files = Vec::new();
        Self { keys, files }
    }

    /// A route to this address, for [`PAGE`], with [`CANARY`] for its upstream.
    pub(crate) fn route(self, name: &str, upstream: &str) -> Self {
        let key = |key: &str| format!("routes.{name}.{key}");
        self.set(&key("upstream"), &quoted(upstream))
            .set(&key("origins"), &format!("[{}]", quoted(PAGE)))
            .set(&key("callers"), r#"["backend"]"#)
            .set(&key("credentials.headers.x-api-key"), r#""env:CANARY""#)
    }

    /// Any key with its value as TOML, in the place of an earlier one.
    pub(crate) fn set(mut self, key: &str, toml: &str) -> Self {
        self.keys.insert(key.to_owned(), toml.to_owned());
        self
    }

    /// A file beside the configuration.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The server that all this makes.
    pub(crate) async fn start(self) -> Stage {
        Stage::of(self.builder().start().await).await
    }

    /// What a server says that does not start with this.
    pub(crate) async fn refused(self) -> Stopped {
        let started = self.builder().try_start().await;
        started.err().expect("no start")
    }

    fn builder(&self) -> ServerBuilder {
        let mut toml = String::new();
        for (key, value) in &self.keys {
            toml.push_str(&format!("{key} = {value}\n"));
        }
        let mut builder = Server::builder(env!("CARGO_BIN_EXE_tollbridge"))
            .config(toml)
            .env("CANARY", CANARY);
        for (name, text) in &self.files {
            builder = builder.file(name, text);
        }
        builder
    }
}

/// A TOML basic string: every JSON string is one.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
