//! K07: keys that were made elsewhere, by command.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair,
    },
};
use serde_json::Value;
use tollbridge_testkit::{Behaviour, Upstream};

use crate::house::{House, route, stderr, until};

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    (upstream, house)
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
}

async fn kids(house: &House) -> Vec<String> {
    let listed: Value =
        serde_json::from_str(&house.cli(&["keys", "list", "--json"]).await).unwrap();
    let keys = listed["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_key_that_is_not_what_it_should_be_is_not_imported() {
    let (_upstream, house) = house().await;
    let chance = SystemRandom::new();
    let ed25519 = Ed25519KeyPair::generate_pkcs8(&chance).unwrap();
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &chance).unwrap();
    let other_half = |der: &[u8]| {
        let mut der = der.to_vec();
        *der.last_mut().unwrap() ^= 1;
        der
    };
    let known = kids(&house).await;
    for (what, text) in [
        (
            "mismatched Ed25519",
            pem("PRIVATE KEY", &other_half(ed25519.as_ref())),
        ),
        (
            "mismatched P-256",
            pem("PRIVATE KEY", &other_half(p256.as_ref())),
        ),
        ("P-384", pem("PRIVATE KEY", p384.as_ref())),
        ("encrypted", pem("ENCRYPTED PRIVATE KEY", ed25519.as_ref())),
        ("public", pem("PUBLIC KEY", ed25519.as_ref())),
        ("RSA by name", pem("RSA PRIVATE KEY", ed25519.as_ref())),
        ("cut off", pem("PRIVATE KEY", &ed25519.as_ref()[..40])),
        ("no PEM", b"hello".to_vec()),
        ("nothing", Vec::new()),
        ("no text", vec![0xff, 0xfe, 0]),
    ] {
        let output = house
            .server
            .cli_with_input(&["keys", "import", "-"], &text)
            .await;
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        let said = stderr(&output);
        assert!(
            said.contains("not imported") || said.contains("key file"),
            "{what}: {said}"
        );
        let secret = STANDARD.encode(ed25519.as_ref());
        assert!(!said.contains(&secret[24..40]), "{what}: it quotes the key");
    }
    let missing = house
        .server
        .cli(&["keys", "import", "no-such-file.pem"])
        .await;
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(kids(&house).await, known);
}

#[tokio::test]
async fn an_imported_key_is_published_by_the_running_server_and_cannot_come_twice() {
    let (_upstream, house) = house().await;
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let file = house.server.dir().join("mine.pem");
    std::fs::write(&file, pem("PRIVATE KEY", pair.as_ref())).unwrap();
    let import = ["keys", "import", file.to_str().unwrap()];
    let said = house.cli(&import).await;
    let kid = said.split_whitespace().next().unwrap();
    until(async || {
        let address = house.server.public();
        let jwks = tollbridge_testkit::get(address, "/.well-known/jwks.json", &[]).await;
        jwks.text().contains(kid).then_some(())
    })
    .await;
    let again = house.server.cli(&import).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains(kid), "{}", stderr(&again));
    let audited = house.audited("key.imported").await;
    assert_eq!((audited.len(), &audited[0]["target"]), (1, &kid.into()));
}
