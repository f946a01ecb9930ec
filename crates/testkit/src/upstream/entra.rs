//! A stand-in for Microsoft Entra's token endpoint, client credentials only
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

use self::grant::Client;
use crate::{Identity, PATIENCE};

mod grant;
mod issued;
mod serve;

pub use self::issued::IssuedTokens;

/// A token endpoint on a free port of 127.0.0.1. Gone when dropped.
pub struct EntraStandIn {
    address: SocketAddr,
    tls: bool,
    desk: Arc<Desk>,
    accepting: JoinHandle<()>,
}

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub enum EntraMood {
    /// As documented.
    #[default]
    Honest,
    /// As documented, after so long.
    Slow(Duration),
    /// Answers nothing until the mood changes, then as that one does.
    Held,
    /// 503, as the gateway gives it.
    Down,
    /// Breaks every connection.
    Broken,
    /// 429 with `Retry-After` in seconds.
    Throttling(u32),
    /// 200 with an answer that is not one.
    Lying(Lie),
    /// The client's secret has expired.
    SecretExpired,
}

/// What is wrong with a lying answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lie {
    /// It is not JSON.
    NotJson,
    /// There is no token in it.
    NoToken,
    /// The token is empty.
    EmptyToken,
    /// The token would end the header that it is put in.
    TokenWithLineEnd,
    /// The token is of another type than `Bearer`.
    OtherType,
    /// It expires at once.
    ExpiredAlready,
    /// Its life is written as text, as IMDS does.
    TextLife,
    /// Its life is negative.
    NegativeLife,
    /// It never ends: a megabyte and more.
    Endless,
}

/// What all requests share.
pub(super) struct Desk {
    client: Client,
    tokens: IssuedTokens,
    orders: watch::Sender<Orders>,
    counts: watch::Sender<Counts>,
}

#[derive(Clone, Debug)]
struct Orders {
    mood: EntraMood,
    expires_in: u32,
}

/// Requests so far.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    begun: usize,
    in_flight: usize,
    most_in_flight: usize,
}

impl EntraStandIn {
    /// Knows one client, in the tenant `contoso`, for these scopes.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(client_id: &str, secret: &str, scopes: &[&str]) -> Self {
        Self::start_on(0, None, Client::new(client_id, secret, scopes)).await
    }

    /// The same on this port (0 is any), with TLS where there is a certificate.
    ///
    /// # Panics
    /// Where the port is not free.
    pub async fn start_at(
        port: u16,
        identity: Option<Identity>,
        client_id: &str,
        secret: &str,
        scopes: &[&str],
    ) -> Self {
        Self::start_on(port, identity, Client::new(client_id, secret, scopes)).await
    }

    async fn start_on(port: u16, identity: Option<Identity>, client: Client) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let orders = Orders {
            mood: EntraMood::Honest,
            expires_in: 3_599,
        };
        let desk = Arc::new(Desk {
            client,
            tokens: IssuedTokens::default(),
            orders: watch::Sender::new(orders),
            counts: watch::Sender::new(Counts::default()),
        });
        let tls = identity.is_some();
        let accepting = tokio::spawn(serve::accept(listener, identity, Arc::clone(&desk)));
        Self {
            address,
            tls,
            desk,
            accepting,
        }
    }

    /// Where tokens are asked for.
    #[must_use]
    pub fn token_url(&self) -> String {
        match self.tls {
            true => format!("https://localhost:{}{}", self.address.port(), grant::PATH),
            false => format!("http://{}{}", self.address, grant::PATH),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// From now on. Requests that are held are answered.
    pub fn behave(&self, mood: EntraMood) {
        self.desk.orders.send_modify(|orders| orders.mood = mood);
    }

    /// Seconds that tokens live from now on. They are only written down: nothing expires here.
    pub fn expires_in(&self, seconds: u32) {
        self.desk
            .orders
            .send_modify(|orders| orders.expires_in = seconds);
    }

    /// Those that count; for a vendor.
    #[must_use]
    pub fn tokens(&self) -> IssuedTokens {
        self.desk.tokens.clone()
    }

    /// No token issued so far counts any more.
    pub fn revoke(&self) {
        self.desk.tokens.revoke();
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.desk.counts.borrow().begun
    }

    /// Requests that are not answered yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.desk.counts.borrow().in_flight
    }

    /// The most that were not answered at the same time.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.desk.counts.borrow().most_in_flight
    }

    /// Waits for so many requests.
    ///
    /// # Panics
    /// Where they do not come in time.
    pub async fn until_requests(&self, wanted: usize) {
        let mut counts = self.desk.counts.subscribe();
        let waited = timeout(PATIENCE, counts.wait_for(|counts| counts.begun >= wanted)).await;
        assert!(waited.is_ok(), "{} of {wanted} requests", self.requests());
    }
}

impl Drop for EntraStandIn {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
