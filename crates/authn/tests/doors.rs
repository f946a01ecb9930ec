//! API keys at both doors: the mint and the admin API.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tollbridge_authn::{
    ApiKeyCaller, ApiKeyName, ApiKeys, Authenticator, Caller, Chain, Evidence, Rejection, Request,
    RouteLimit, SubjectRule, Verdict, create,
};
use tollbridge_domain::{Act, Actor, CallerName, Clock, Entropy, Moment, RouteName};
use tollbridge_store::{ApiKeyStore, Scope, memory::MemoryStore};

const NOW: Moment = Moment::from_seconds(1_000);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        NOW
    }
}

/// Another byte each time, so that no two keys are equal.
#[derive(Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, Ordering::SeqCst));
    }
}

/// A store with a key of each kind, and the two `api_key` callers that share it.
struct World {
    keys: Arc<ApiKeys>,
    chain: Chain,
    backend: String,
    partner: String,
    viewer: String,
    admin: String,
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let entropy = Counting::default();
        let backend = add(&store, &entropy, "backend ci", Scope::Mint, Some("backend")).await;
        let partner = add(&store, &entropy, "partner", Scope::Mint, Some("partner")).await;
        let viewer = add(&store, &entropy, "grafana", Scope::Viewer, None).await;
        let admin = add(&store, &entropy, "ops", Scope::Admin, None).await;
        let keys = Arc::new(ApiKeys::load(store).await.expect("memory is always there"));
        let caller = |name: &str| -> Arc<dyn Authenticator> {
            Arc::new(ApiKeyCaller {
                name: caller_name(name),
                keys: Arc::clone(&keys),
            })
        };
        Self {
            chain: Chain::new(vec![caller("backend"), caller("partner")]),
            keys,
            backend,
            partner,
            viewer,
            admin,
        }
    }

    async fn mint(&self, headers: &[(&str, &[u8])]) -> Verdict {
        self.chain.authenticate(&evidence(headers), NOW).await
    }

    async fn mint_with(&self, bearer: &str) -> Verdict {
        let value = format!("Bearer {bearer}");
        self.mint(&[("authorization", value.as_bytes())]).await
    }

    fn admin_with(&self, bearer: &str) -> Result<(String, bool), Rejection> {
        let value = format!("Bearer {bearer}");
        let headers: &[(&str, &[u8])] = &[("authorization", value.as_bytes())];
        let who = self.keys.authenticate_admin(&evidence(headers), NOW)?;
        let may_act = who.may_act();
        Ok((who.who, may_act))
    }
}

async fn add(
    store: &MemoryStore,
    entropy: &Counting,
    name: &str,
    scope: Scope,
    caller: Option<&str>,
) -> String {
    let name = ApiKeyName::parse(name).expect("a name");
    let routes = match caller {
        Some("partner") => vec![route("voice")],
        _ => vec![],
    };
    let caller = caller.map(caller_name);
    let (text, record) = create(&name, scope, caller, routes, None, &Stopped, entropy);
    let act = Act {
        actor: Actor::system(),
        event: "apikey.created",
        target: record.id.clone(),
        why: String::new(),
    };
    store.add_api_key(&record, &act).await.expect("a new key");
    text.reveal().clone()
}

fn caller_name(text: &str) -> CallerName {
    CallerName::parse(text).expect("a caller name")
}

fn route(text: &str) -> RouteName {
    RouteName::parse(text).expect("a route name")
}

fn evidence<'a>(headers: &'a [(&'a str, &'a [u8])]) -> Evidence<'a> {
    Evidence {
        peer: Ipv4Addr::LOCALHOST.into(),
        socket: Ipv4Addr::LOCALHOST.into(),
        request: Request::default(),
        headers,
        certificate: None,
    }
}

fn accepted(verdict: Verdict) -> Caller {
    match verdict {
        Verdict::Accepted(caller, _) => caller,
        other => panic!("expected a caller, found {other:?}"),
    }
}

fn id_of(key: &str) -> String {
    format!("ak_{}", &key[4..16])
}

#[tokio::test]
async fn a_mint_key_is_let_in_by_either_header() {
    let world = World::new().await;
    let by_bearer = accepted(world.mint_with(&world.backend).await);
    let by_header = world.mint(&[("X-API-Key", world.backend.as_bytes())]).await;
    assert_eq!(accepted(by_header), by_bearer);
    assert_eq!(
        by_bearer.client_id().as_str(),
        format!("backend:{}", id_of(&world.backend))
    );
    assert_eq!(by_bearer.routes, RouteLimit::Every);
    let SubjectRule::Free { default } = &by_bearer.subject else {
        panic!("an API key may name the subject");
    };
    assert_eq!(default.as_str(), "backend ci");
    let used = world.keys.take_touched();
    assert_eq!(used, [(id_of(&world.backend), Moment::from_seconds(960))]);
}

/// M09: the key's own routes.
#[tokio::test]
async fn a_key_belongs_to_one_caller_and_its_routes() {
    let world = World::new().await;
    let partner = accepted(world.mint_with(&world.partner).await);
    assert_eq!(partner.name.as_str(), "partner");
    assert!(partner.may_mint_for(&route("voice")));
    assert!(!partner.may_mint_for(&route("tts")));
}

#[tokio::test]
async fn a_key_that_no_configured_caller_claims_is_refused_as_that() {
    let world = World::new().await;
    let backend_alone: Arc<dyn Authenticator> = Arc::new(ApiKeyCaller {
        name: caller_name("backend"),
        keys: Arc::clone(&world.keys),
    });
    let chain = Chain::new(vec![backend_alone]);
    let headers: &[(&str, &[u8])] = &[("x-api-key", world.partner.as_bytes())];
    let verdict = chain.authenticate(&evidence(headers), NOW).await;
    assert_eq!(verdict, Verdict::Rejected(Rejection::AnotherCaller));
}

/// M01: no credential, `Basic`, `Bearer` empty. That the query is no carrier is in the type:
/// evidence has none.
#[tokio::test]
async fn no_key_is_absent() {
    let world = World::new().await;
    assert_eq!(world.mint(&[]).await, Verdict::Absent);
    for value in [
        "Basic dTpw",
        "Bearer",
        "Bearer ",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ] {
        let verdict = world.mint(&[("authorization", value.as_bytes())]).await;
        assert_eq!(verdict, Verdict::Absent, "{value}");
    }
    assert_eq!(world.mint(&[("x-api-key", b"")]).await, Verdict::Absent);
    assert_eq!(
        world.mint(&[("x-api-key", b"other")]).await,
        Verdict::Absent
    );
}

/// M05: quotes, comments, a sleep, NUL, a mebibyte, UTF-8 tricks, in either header.
#[tokio::test]
async fn what_begins_like_a_key_and_is_none_is_malformed() {
    let world = World::new().await;
    let huge = format!("tbk_{}", "A".repeat(1 << 20));
    for text in [
        "tbk_",
        "tbk_' OR '1'='1",
        "tbk_x' -- ",
        "tbk_x; select pg_sleep(5)",
        "tbk_\0",
        "tbk_\u{202e}\u{ff10}é",
        &huge,
        &format!("{} {}", world.backend, world.backend),
        &world.backend[..66],
    ] {
        let malformed = Verdict::Rejected(Rejection::Malformed);
        assert_eq!(
            world.mint_with(text).await,
            malformed,
            "{} bytes",
            text.len()
        );
        let verdict = world.mint(&[("x-api-key", text.as_bytes())]).await;
        assert_eq!(verdict, malformed, "{} bytes", text.len());
        assert_eq!(world.admin_with(text), Err(Rejection::Malformed));
    }
}

#[tokio::test]
async fn two_keys_in_one_request_are_ambiguous_and_one_twice_is_not() {
    let world = World::new().await;
    let bearer = format!("Bearer {}", world.backend);
    let both = |key| [("authorization", bearer.as_bytes()), ("x-api-key", key)];
    let verdict = world.mint(&both(world.partner.as_bytes())).await;
    assert_eq!(verdict, Verdict::Rejected(Rejection::Ambiguous));
    accepted(world.mint(&both(world.backend.as_bytes())).await);
    let key = world.backend.as_bytes();
    let twice = world.mint(&[("x-api-key", key), ("X-Api-Key", key)]).await;
    assert_eq!(twice, Verdict::Rejected(Rejection::Ambiguous));
}

#[tokio::test]
async fn another_programs_credential_beside_a_key_is_not_ours_to_judge() {
    let world = World::new().await;
    let key = world.backend.as_bytes();
    accepted(
        world
            .mint(&[("authorization", b"Basic dTpw"), ("x-api-key", key)])
            .await,
    );
}

#[tokio::test]
async fn each_door_takes_its_own_keys_alone() {
    let world = World::new().await;
    let wrong = Verdict::Rejected(Rejection::WrongScope);
    assert_eq!(world.mint_with(&world.admin).await, wrong);
    assert_eq!(world.mint_with(&world.viewer).await, wrong);
    assert_eq!(world.admin_with(&world.backend), Err(Rejection::WrongScope));

    let admin = format!("apikey:{}", id_of(&world.admin));
    assert_eq!(world.admin_with(&world.admin), Ok((admin, true)));
    let viewer = format!("apikey:{}", id_of(&world.viewer));
    assert_eq!(world.admin_with(&world.viewer), Ok((viewer, false)));
}

#[tokio::test]
async fn without_a_key_the_admin_door_says_so() {
    let world = World::new().await;
    let nobody = world.keys.authenticate_admin(&evidence(&[]), NOW);
    assert_eq!(nobody, Err(Rejection::Missing));
}
