//! The page's backend, as any team would write it: it holds the keys, the browser does not.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_web::http::{Method, StatusCode, header};
use rustls::ClientConfig;
use serde_json::{Value, json};

use super::{Keys, line};

/// Speaks to the mint and to the admin API on the page's behalf.
pub(crate) struct Desk {
    public: SocketAddr,
    admin: SocketAddr,
    upstream: SocketAddr,
    keys: Keys,
    /// How to trust the public listener, where it speaks TLS.
    trust: Option<Arc<ClientConfig>>,
}

/// Clients for one worker; their connections cannot be shared between threads.
#[derive(Clone)]
pub(super) struct Clients {
    public: awc::Client,
    admin: awc::Client,
}

impl Desk {
    /// Takes the addresses that were really bound.
    pub(crate) fn new(
        public: SocketAddr,
        admin: SocketAddr,
        upstream: SocketAddr,
        keys: Keys,
        trust: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self {
            public: reachable(public),
            admin: reachable(admin),
            upstream,
            keys,
            trust,
        }
    }

    /// What asks for this desk on one worker.
    pub(super) fn clients(&self) -> Clients {
        let builder = || awc::Client::builder().disable_redirects().timeout(DEADLINE);
        let admin = builder().finish();
        let public = match &self.trust {
            Some(trust) => builder()
                .connector(line::secured(self.public, trust))
                .finish(),
            None => admin.clone(),
        };
        Clients { public, admin }
    }

    /// What the page may know before it asks for anything.
    pub(super) fn setup(&self) -> Value {
        json!({
            "upstream": format!("ws://{}/echo", self.upstream),
            "bridge": format!("{}://{}/v1/bridge/", self.scheme(), self.public),
            "admin": format!("http://{}", self.admin),
        })
    }

    const fn scheme(&self) -> &'static str {
        if self.trust.is_some() { "wss" } else { "ws" }
    }

    /// Asks for a token, for the one visitor this demo has.
    pub(super) async fn mint(
        &self,
        clients: &Clients,
        route: &str,
        redeem_within: Option<u32>,
    ) -> Result<Answer, CallError> {
        let mut ask = json!({ "route": route, "subject": VISITOR, "label": "demo page" });
        if let (Some(seconds), Some(fields)) = (redeem_within, ask.as_object_mut()) {
            fields.insert("redeem_within".to_owned(), seconds.into());
        }
        // Its line speaks TLS where that is needed.
        let url = format!("http://{}/v1/tokens", self.public);
        call(
            &clients.public,
            Method::POST,
            url,
            &self.keys.mint,
            Some(ask),
        )
        .await
    }

    /// Revokes one token and ends its session.
    pub(super) async fn revoke(&self, clients: &Clients, jti: &str) -> Result<Answer, CallError> {
        let order = json!({ "jti": jti, "reason": "button on the demo page", "sessions": true });
        let url = format!("http://{}/admin/v1/revocations", self.admin);
        call(
            &clients.admin,
            Method::POST,
            url,
            &self.keys.admin,
            Some(order),
        )
        .await
    }

    /// Ends the session that a token opened.
    pub(super) async fn kill(&self, clients: &Clients, jti: &str) -> Result<Answer, CallError> {
        let sessions = format!("http://{}/admin/v1/sessions", self.admin);
        let key = &self.keys.admin;
        let client = &clients.admin;
        let listed = call(client, Method::GET, sessions.clone(), key, None).await?;
        let Some(session) = session_of(&listed.body, jti) else {
            return Ok(Answer::not_found());
        };
        let order = json!({ "reason": "button on the demo page" });
        call(
            client,
            Method::DELETE,
            format!("{sessions}/{session}"),
            key,
            Some(order),
        )
        .await
    }
}

/// What an API answered, passed on to the page as it is.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Answer {
    fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            body: json!({ "code": "not_found", "detail": "No session was opened with this token." }),
        }
    }
}

/// Why an API could not be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the request could not be sent: {0}")]
    Send(awc::error::SendRequestError),
    #[error("the answer is not JSON: {0}")]
    Read(awc::error::JsonPayloadError),
}

async fn call(
    client: &awc::Client,
    method: Method,
    url: String,
    key: &str,
    body: Option<Value>,
) -> Result<Answer, CallError> {
    let request = client
        .request(method, url)
        .insert_header((header::AUTHORIZATION, format!("Bearer {key}")));
    let sent = match body {
        Some(body) => request.send_json(&body).await,
        None => request.send().await,
    };
    let mut response = sent.map_err(CallError::Send)?;
    let status = response.status();
    if status == StatusCode::NO_CONTENT {
        return Ok(Answer {
            status,
            body: Value::Null,
        });
    }
    let answer = response.json::<Value>().limit(LARGEST_ANSWER).await;
    answer
        .map(|body| Answer { status, body })
        .map_err(CallError::Read)
}

fn session_of(listed: &Value, jti: &str) -> Option<String> {
    let sessions = listed.get("sessions")?.as_array()?;
    let theirs = sessions.iter().find(|session| session["jti"] == jti)?;
    theirs["id"].as_str().map(str::to_owned)
}

/// A wildcard address is one to listen on, not one to call.
const fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = match address.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(loopback, address.port())
}

/// Whom the demo's tokens are for.
const VISITOR: &str = "visitor";

/// Everything it asks runs in this process.
const DEADLINE: Duration = Duration::from_secs(10);

/// A list of all sessions a demo can have fits well.
const LARGEST_ANSWER: usize = 1024 * 1024;
