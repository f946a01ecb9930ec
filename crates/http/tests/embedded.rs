//! The bridge mounted in somebody else's actix-web server: the portable leg, and a coordination
//! store that fails.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use actix_web::{App, HttpServer, middleware::from_fn, web};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use tollbridge_authn::{ApiKeys, Caller, Chain, RouteLimit, SubjectRule};
use tollbridge_domain::{
    Act, CallerName, Clock, Entropy, Moment, RouteName, Subject, SystemClock, TokenId,
};
use tollbridge_http::{
    Caps, Compression, Denials, Generation, Health, Metrics, Origins, RefuseBy, ReloadError,
    ReloadReport, Revoked, Route, Shared, Steering, Table, Trust, Worker, grant, layer, public,
    sink,
};
use tollbridge_keyring::{Keyring, MasterKey, Policy, RingEntropy};
use tollbridge_relay::{IdleCounts, Limits, Registry};
use tollbridge_store::{
    Algorithm, Consumed, GiveBack, Scope, Store, StoreError, UsedTokens,
    memory::{MemoryLeases, MemoryStore, MemoryUsed},
};
use tollbridge_testkit::{Event, Frame, Handshake, RawWs, Upstream};
use tollbridge_token::{Minter, Verifier};
use tollbridge_upstream::{Part, Scheme, Target, Tls};

const ORIGIN: &str = "https://app.example.com";

/// Seconds that lie well in the past: no token of these tests is of before.
const EPOCH: Moment = Moment::from_seconds(0);

#[actix_web::test]
async fn frames_pass_over_the_portable_leg_and_both_sides_hear_the_end() {
    let upstream = Upstream::echo("x-key", "unused").await;
    let host = Host::start(&upstream, None).await;
    let mut ws = host.connect(None).await.expect("admitted");
    for size in [0_usize, 1, 125, 126, 65_536, 300_000] {
        let sent = vec![b'x'; size];
        ws.send(Frame::binary(&sent)).await;
        match ws.recv_data().await {
            Event::Frame(frame) => assert_eq!(frame.payload, sent),
            other => panic!("no echo of {size} bytes: {other:?}"),
        }
    }
    ws.send(Frame::close(1000, "done")).await;
    assert_eq!(ws.close_parts().await, Some((1000, "done".to_owned())));
    let dials = upstream.ended(1).await;
    assert_eq!(dials.len(), 1);
}

#[actix_web::test]
async fn a_refusal_over_the_portable_leg_is_accepted_and_closed() {
    let upstream = Upstream::echo("x-key", "unused").await;
    let host = Host::start(&upstream, None).await;
    let mut ws = host
        .connect(Some("https://elsewhere.example"))
        .await
        .expect("accepted, to be closed");
    assert_eq!(
        ws.close_parts().await,
        Some((4403, "tb:origin_not_allowed".to_owned()))
    );
    assert!(upstream.dials().is_empty());
}

#[actix_web::test]
async fn a_store_that_answers_nonsense_is_internal_as_a_status_and_as_a_code() {
    let upstream = Upstream::echo("x-key", "unused").await;
    let host = Host::start(&upstream, Some(Arc::new(Nonsense))).await;
    let refused = host.connect(None).await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (500, "internal".to_owned())
    );
    let mut ws = host
        .connect(Some(ORIGIN))
        .await
        .expect("accepted, to be closed");
    assert_eq!(ws.close_code().await, Some(1011));
    assert!(upstream.dials().is_empty());
}

/// A coordination store whose records make no sense.
struct Nonsense;

#[async_trait]
impl UsedTokens for Nonsense {
    async fn consume(&self, _: &TokenId, _: u32, _: Moment) -> Result<Consumed, StoreError> {
        Err(StoreError::Corrupt {
            what: "a counter".to_owned(),
        })
    }

    async fn left(&self, _: &TokenId, _: u32) -> Result<u32, StoreError> {
        Err(StoreError::Corrupt {
            what: "a counter".to_owned(),
        })
    }

    async fn give_back(&self, _: &TokenId) -> Result<GiveBack, StoreError> {
        Err(StoreError::Corrupt {
            what: "a counter".to_owned(),
        })
    }
}

/// A server that is not ours, with the bridge in it.
struct Host {
    address: SocketAddr,
    shared: web::Data<Shared>,
}

impl Host {
    async fn start(upstream: &Upstream, used: Option<Arc<dyn UsedTokens>>) -> Self {
        tollbridge_token::install();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = web::Data::new(shared(upstream, used).await);
        let mounted = shared.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(mounted.clone())
                .app_data(web::ThinData(Worker::default()))
                .wrap(from_fn(layer))
                .configure(public(mounted.clone()))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        actix_web::rt::spawn(server);
        Self { address, shared }
    }

    /// Mints a token and connects with it.
    async fn connect(&self, origin: Option<&str>) -> Result<RawWs, tollbridge_testkit::Response> {
        let generation = self.shared.generation.load();
        let grant = grant(br#"{"route":"echo"}"#, &caller(), "echo", &generation).unwrap();
        let minted = self.shared.minter.mint(grant).unwrap();
        let path = format!("/v1/bridge/echo?token={}", minted.token.reveal());
        let handshake = Handshake::to(&path);
        let handshake = match origin {
            Some(origin) => handshake.origin(origin),
            None => handshake,
        };
        RawWs::connect(self.address, handshake).await
    }
}

struct Nobody;

#[async_trait]
impl Steering for Nobody {
    async fn reload(&self, _act: &Act) -> Result<ReloadReport, ReloadError> {
        Err(ReloadError::Refused("embedded".to_owned()))
    }

    fn drain(&self) {}
}

fn caller() -> Caller {
    Caller {
        name: CallerName::parse("host").unwrap(),
        key: None,
        claims: None,
        scope: Scope::Mint,
        subject: SubjectRule::Fixed(Subject::parse("ada").unwrap()),
        routes: RouteLimit::Every,
    }
}

async fn shared(upstream: &Upstream, used: Option<Arc<dyn UsedTokens>>) -> Shared {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(RingEntropy::default());
    let policy = Policy {
        algorithm: Algorithm::EdDSA,
        rotate_every: None,
        publish_before_use: 600,
        token_life: 610,
    };
    let master = MasterKey::generate(entropy.as_ref());
    let keyring = Keyring::open(
        store.clone(),
        master,
        policy,
        Arc::clone(&clock),
        Arc::clone(&entropy),
    )
    .await
    .unwrap();
    let issuer = "https://host.example".to_owned();
    // Dropping the writer would make the sink unhealthy: an embedding application runs it.
    let metrics = Metrics::new("test").unwrap();
    let unwritten = metrics.store_errors.with_label_values(&["audit"]);
    let (audit, writer) = sink(store.clone(), unwritten);
    actix_web::rt::spawn(writer.run());
    Shared {
        version: "test",
        started: clock.now(),
        minter: Minter::new(
            Arc::clone(&keyring),
            issuer.clone(),
            Arc::clone(&clock),
            Arc::clone(&entropy),
        ),
        verifier: Verifier::new(Arc::clone(&keyring), issuer, EPOCH, 600),
        used: used.unwrap_or_else(|| Arc::new(MemoryUsed::new(Arc::clone(&clock)))),
        leases: Arc::new(MemoryLeases::new()),
        api_keys: Arc::new(ApiKeys::load(store.clone()).await.unwrap()),
        registry: Registry::new(),
        revoked: Revoked::new(store.clone()),
        audit,
        metrics,
        denials: Denials::default(),
        generation: ArcSwap::from_pointee(generation(upstream)),
        steering: Arc::new(Nobody),
        health: Health::default(),
        entering: AtomicUsize::new(0),
        refusing: AtomicUsize::new(0),
        questions: Arc::default(),
        waiting: Arc::default(),
        store: store as Arc<dyn Store>,
        keyring,
        clock,
        entropy,
    }
}

fn generation(upstream: &Upstream) -> Generation {
    Generation {
        number: 1,
        routes: Table::new(vec![route(upstream)]),
        chain: Chain::new(Vec::new()),
        api_key_callers: Vec::new(),
        application: None,
        jwks_max_age: 300,
        mint_rates: std::collections::HashMap::new(),
        trust: Trust {
            proxies: Vec::new(),
            header: "x-forwarded-for".to_owned(),
        },
        public_url: "https://host.example".to_owned(),
        redeem_within: 30,
        max_redeem_within: 600,
        max_sessions: 100,
        max_body: 16 * 1024,
        body_timeout: Duration::from_secs(5),
        shown: String::new(),
    }
}

fn route(upstream: &Upstream) -> Route {
    let address: SocketAddr = upstream
        .url()
        .trim_start_matches("ws://")
        .trim_end_matches('/')
        .parse()
        .unwrap();
    Route {
        name: RouteName::parse("echo").unwrap(),
        paths: Vec::new(),
        hosts: Vec::new(),
        origins: Origins::Only(vec![tollbridge_domain::Origin::parse(ORIGIN).unwrap()]),
        require_origin: false,
        callers: vec![CallerName::parse("host").unwrap()],
        allow: Vec::new(),
        max_uses: 1,
        carriers: tollbridge_http::Carriers {
            query: vec![tollbridge_http::Named {
                name: "token".to_owned(),
                before: String::new(),
            }],
            ..tollbridge_http::Carriers::default()
        },
        query_allow: Vec::new(),
        header_allow: Vec::new(),
        params: std::collections::BTreeMap::new(),
        subprotocols: None,
        keep_response_headers: Vec::new(),
        refuse: RefuseBy::Auto,
        compression: Compression::Pass,
        target: Target {
            scheme: Scheme::Ws,
            host: address.ip().to_string(),
            port: Some(address.port()),
            path: vec![Part::Text("/".to_owned())],
            query: Vec::new(),
            known: tollbridge_upstream::Known::default(),
        },
        credential_headers: vec![(
            "x-key".to_owned(),
            vec![tollbridge_upstream::Piece::Text("unused".to_owned())],
        )],
        credential_query: Vec::new(),
        credential_message: Vec::new(),
        fetch: None,
        sign: None,
        tls: Tls::new(None).unwrap(),
        connect_timeout: Duration::from_secs(5),
        hook: None,
        caps: Caps {
            sessions: None,
            sessions_per_subject: None,
        },
        connects: None,
        limits: Limits {
            max_session: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            client_idle_timeout: None,
            upstream_idle_timeout: None,
            idle_counts: IdleCounts::Data,
            max_frame: 1 << 20,
            max_message: 1 << 20,
            max_fragments: 100,
            bytes_per_session: None,
            write_timeout: Duration::from_secs(10),
            client_pings: None,
            upstream_pings: None,
        },
    }
}
