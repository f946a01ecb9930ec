//! Behaviour of the whole crate.

mod brought;
mod confusion;
mod form;
mod genuine;
mod kinds;
mod members;
mod once;
mod recalled;
mod signatures;
mod times;
mod vectors;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::{Value, json};
use tollbridge_domain::{ClientId, Clock, Entropy as _, Grant, Moment, RouteName, Subject};
use tollbridge_keyring::{Keyring, MasterKey, Policy, RingEntropy};
use tollbridge_store::{Algorithm, memory::MemoryStore};

use crate::{Minter, RawToken, Refusal, Verified, Verifier, jws::encode};

const START: i64 = 1_800_000_000;
const ISSUER: &str = "https://voice.example.com";

/// A clock that moves only when told.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Moment {
        Moment::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A mint and a verifier over one keyring, and the means to forge with its key.
struct Bench {
    keyring: Arc<Keyring>,
    clock: Arc<Hands>,
    minter: Minter,
    verifier: Verifier,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Algorithm::EdDSA).await
    }

    async fn with(algorithm: Algorithm) -> Self {
        let clock = Arc::new(Hands(AtomicI64::new(START)));
        let entropy = Arc::new(RingEntropy::new());
        let policy = Policy {
            algorithm,
            rotate_every: None,
            publish_before_use: 600,
            token_life: 610,
        };
        let keyring = Keyring::open(
            Arc::new(MemoryStore::new()),
            MasterKey::generate(&*entropy),
            policy,
            clock.clone(),
            entropy.clone(),
        );
        let keyring = keyring.await.unwrap();
        let issuer = || ISSUER.to_owned();
        let epoch = Moment::from_seconds(START - 100);
        Self {
            minter: Minter::new(keyring.clone(), issuer(), clock.clone(), entropy),
            verifier: Verifier::new(keyring.clone(), issuer(), epoch, 600),
            keyring,
            clock,
        }
    }

    fn mint(&self) -> String {
        self.minter.mint(grant()).unwrap().token.reveal().clone()
    }

    /// Verifies at the clock's second.
    async fn verify(&self, text: &str) -> Result<Verified, Refusal> {
        let raw = RawToken::parse(text).expect("not even the text of a token");
        self.verifier.verify(&raw, self.clock.now()).await
    }

    /// The reason for the log, or the slug of a genuine token; `form` before it comes to that.
    async fn refusal(&self, text: &str) -> &'static str {
        let Ok(raw) = RawToken::parse(text) else {
            return "form";
        };
        match self.verifier.verify(&raw, self.clock.now()).await {
            Ok(_) => "taken",
            Err(Refusal::Invalid(reason)) => reason.as_str(),
            Err(genuine) => genuine.slug().as_str(),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self.keyring.snapshot().signer().unwrap().algorithm() {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::ES256 => "ES256",
        }
    }

    fn kid(&self) -> String {
        self.keyring.snapshot().signer().unwrap().kid().to_string()
    }

    /// The header that a mint would write.
    fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "typ": "tollbridge+jwt", "kid": self.kid()})
    }

    /// Signs with our own key whatever is given.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let snapshot = self.keyring.snapshot();
        let signature = snapshot.signer().unwrap().sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    /// A good token, but for these claims; `null` removes one.
    fn sign_with(&self, changes: Value) -> String {
        let mut good = claims();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(good.as_object_mut().unwrap().remove(name)),
                value => good[name] = value.clone(),
            }
        }
        self.sign(&self.header(), &good)
    }
}

/// Replaces or adds header members; `null` removes one.
fn header_with(bench: &Bench, changes: &Value) -> Value {
    let mut header = bench.header();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(header.as_object_mut().unwrap().remove(name)),
            value => header[name] = value.clone(),
        }
    }
    header
}

fn message(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    )
}

/// The claims that a mint would write now.
fn claims() -> Value {
    let mut bits = [0; 16];
    RingEntropy::new().fill(&mut bits);
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "alice", "client_id": "backend:ak_1",
        "iat": START, "nbf": START, "exp": START + 30, "jti": encode(&bits), "route": "voice",
    })
}

fn grant() -> Grant {
    Grant {
        subject: Subject::parse("alice").unwrap(),
        client_id: ClientId::parse("backend:ak_1").unwrap(),
        route: RouteName::parse("voice").unwrap(),
        redeem_within: 30,
        max_session: None,
        uses: 1,
        origin: None,
        params: Default::default(),
        label: None,
        metadata: None,
    }
}
