//! Tokens of every kind, signed with the server's own key or with others.

use std::{path::Path, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use tollbridge_domain::{Clock as _, Entropy as _, SystemClock};
use tollbridge_keyring::{Keyring, MasterKey, Policy, RingEntropy, thumbprint};
use tollbridge_store::Algorithm;
use tollbridge_store_sql::{Mode, Sqlite};

use crate::plan::ISSUER;

/// The server's keys, as its operator could have them: store and master key lie in one directory.
pub(crate) struct Forge(Arc<Keyring>);

impl Forge {
    pub(crate) async fn of(dir: &Path) -> Self {
        let store = format!("sqlite:{}", dir.join("tollbridge.db").display());
        let store = Sqlite::open(&store, Mode::Existing).await.unwrap();
        let master = MasterKey::load(&dir.join("master.key")).unwrap();
        let policy = Policy {
            algorithm: Algorithm::EdDSA,
            rotate_every: None,
            publish_before_use: 600,
            token_life: 610,
        };
        let clock = Arc::new(SystemClock);
        let entropy = Arc::new(RingEntropy::default());
        let keyring = Keyring::open(Arc::new(store), master, policy, clock, entropy).await;
        Self(keyring.unwrap())
    }

    /// A token as the mint would make it now.
    pub(crate) fn token(&self, route: &str) -> String {
        self.token_with(route, json!({}))
    }

    /// The same with these claims changed; `null` removes one.
    pub(crate) fn token_with(&self, route: &str, changes: Value) -> String {
        self.sign(&self.header(), &changed(claims(route), &changes))
    }

    /// The same with these header members changed; `null` removes one.
    pub(crate) fn token_under(&self, route: &str, changes: Value) -> String {
        self.sign(&changed(self.header(), &changes), &claims(route))
    }

    /// The header that a mint would write.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "typ": "tollbridge+jwt", "kid": self.kid()})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_message(message(header, claims))
    }

    /// The same of texts that may be no JSON.
    pub(crate) fn sign_texts(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| encode(text.as_bytes());
        self.sign_message(format!("{}.{}", part(header), part(claims)))
    }

    fn sign_message(&self, message: String) -> String {
        let snapshot = self.0.snapshot();
        let signature = snapshot.signer().unwrap().sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    pub(crate) fn kid(&self) -> String {
        self.0.snapshot().signer().unwrap().kid().to_string()
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self.0.snapshot().signer().unwrap().algorithm() {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::ES256 => "ES256",
        }
    }

    /// The raw public key.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.snapshot().signer().unwrap().public().to_vec()
    }

    /// Does with the keys what an operator elsewhere would do.
    pub(crate) const fn keyring(&self) -> &Arc<Keyring> {
        &self.0
    }
}

/// What a mint would write for this route now.
pub(crate) fn claims(route: &str) -> Value {
    let now = now();
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "alice", "client_id": "backend:ak_1",
        "iat": now, "nbf": now, "exp": now + 60, "jti": fresh_id(), "route": route,
    })
}

/// This second.
pub(crate) fn now() -> i64 {
    SystemClock.now().seconds()
}

/// What is signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| encode(json.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The claims of a token, unverified.
pub(crate) fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&decode(claims)).expect("JSON")
}

/// The object with these members changed; `null` removes one.
pub(crate) fn changed(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    object
}

fn fresh_id() -> String {
    let mut bits = [0; 16];
    RingEntropy::default().fill(&mut bits);
    encode(&bits)
}

/// A key pair that the server has not made.
pub(crate) struct Stranger {
    pair: Ed25519KeyPair,
    pkcs8: Vec<u8>,
}

impl Stranger {
    pub(crate) fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let pkcs8 = pkcs8.as_ref().to_vec();
        Self { pair, pkcs8 }
    }

    pub(crate) fn kid(&self) -> String {
        let kid = thumbprint(Algorithm::EdDSA, self.pair.public_key().as_ref());
        kid.unwrap().to_string()
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid()})
    }

    /// Its private half, as `keys import` takes it.
    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(&self.pkcs8);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// A token that is right but for the key; these header members changed.
    pub(crate) fn token(&self, route: &str, changes: Value) -> String {
        let own = json!({"alg": "EdDSA", "typ": "tollbridge+jwt", "kid": self.kid()});
        let message = message(&changed(own, &changes), &claims(route));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }
}
