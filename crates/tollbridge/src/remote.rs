//! Talking to a running server: over its Unix socket, else over its admin listener.

use std::{path::PathBuf, rc::Rc, time::Duration};

use actix_rt::net::UnixStream;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::dev::fn_service;
use awc::{
    Client, Connector,
    http::{Method, StatusCode, Uri},
};
use serde_json::Value;
use tollbridge_config::Settings;

use crate::{cli::Common, failure::Failure};

/// How long the server may take; `keys rotate --now` waits two seconds by design.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most bytes of an answer.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A running server.
pub(crate) struct Server {
    client: Client,
    base: String,
    key: Option<String>,
}

impl Server {
    /// Chooses the way: `--admin` if given, the store's socket if there is one, else the
    /// configured admin listener.
    pub(crate) fn find(common: &Common, settings: &Settings) -> Result<Self, Failure> {
        let key = std::env::var("TOLLBRIDGE_ADMIN_KEY")
            .ok()
            .filter(|key| !key.is_empty());
        if let Some(base) = &common.admin {
            return Ok(Self::over_tcp(base.trim_end_matches('/'), key));
        }
        let socket = crate::socket::path(&tollbridge_node::store_path(settings)?);
        if socket.exists() {
            return Ok(Self::over_socket(socket));
        }
        Ok(Self::over_tcp(
            &format!("http://{}", settings.admin.listen),
            key,
        ))
    }

    fn over_tcp(base: &str, key: Option<String>) -> Self {
        let client = Client::builder()
            .disable_redirects()
            .timeout(PATIENCE)
            .finish();
        Self {
            client,
            base: base.to_owned(),
            key,
        }
    }

    fn over_socket(path: PathBuf) -> Self {
        let path = Rc::new(path);
        let service = fn_service(move |ask: ConnectInfo<Uri>| {
            let path = Rc::clone(&path);
            async move {
                let stream = UnixStream::connect(path.as_ref())
                    .await
                    .map_err(ConnectError::Io)?;
                Ok::<_, ConnectError>(Connection::new(ask.request().clone(), stream))
            }
        });
        let connector = Connector::new().connector(service);
        let client = Client::builder()
            .connector(connector)
            .disable_redirects()
            .timeout(PATIENCE)
            .finish();
        Self {
            client,
            base: "http://socket".to_owned(),
            key: None,
        }
    }

    /// Sends a request and reads the JSON answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let (status, value) = self.exchange(method, path, body).await?;
        if status.is_success() {
            return Ok(value);
        }
        let detail = value
            .get("detail")
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        Err(Failure::Failed(format!(
            "the server answered {}: {detail}",
            status.as_u16()
        )))
    }

    /// The status and the body, whatever they are.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let unreachable =
            |error: &dyn std::fmt::Display| Failure::Unreachable(format!("{}: {error}", self.base));
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let sent = match body {
            Some(body) => request.send_json(&body),
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| unreachable(&error))?;
        let bytes = answer
            .body()
            .limit(LONGEST_ANSWER)
            .await
            .map_err(|error| unreachable(&error))?;
        Ok((
            answer.status(),
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }
}
