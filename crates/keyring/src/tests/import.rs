//! K07: keys made elsewhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};
use tollbridge_domain::Secret;
use tollbridge_store::{Algorithm, Stage};

use super::{acts, fresh, operator, stages};
use crate::{ImportError, KeyringError, SigningKey};

fn pem(der: &[u8]) -> Secret<String> {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    ))
}

fn generated(algorithm: Algorithm) -> Vec<u8> {
    SigningKey::generate(algorithm).unwrap().1.to_vec()
}

/// PKCS#8 version 1 as openssl writes it: no public half.
fn version_1(curve: u8, seed: &[u8; 32]) -> Vec<u8> {
    let mut der = vec![
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, curve, 4, 0x22, 4, 0x20,
    ];
    der.extend_from_slice(seed);
    der
}

async fn refusal(text: Secret<String>) -> ImportError {
    let (keyring, store, _) = fresh().await;
    let known = acts(&store).await;
    let refused = keyring.import(&text, &operator()).await;
    assert_eq!(acts(&store).await, known);
    match refused {
        Err(KeyringError::Import(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_imported_key_is_staged_and_takes_over_like_any_other() {
    let keys = [
        generated(Algorithm::EdDSA),
        generated(Algorithm::ES256),
        version_1(0x70, &[7; 32]),
    ];
    for der in keys {
        let (keyring, store, clock) = fresh().await;
        let rotation = keyring.import(&pem(&der), &operator()).await.unwrap();
        assert_eq!(stages(&keyring), [Stage::Active, Stage::Staged]);
        assert!(
            acts(&store)
                .await
                .contains(&format!("key.imported {}", rotation.kid))
        );
        clock.advance(600);
        keyring.tick().await.unwrap();
        let snapshot = keyring.snapshot();
        let signer = snapshot.signer().unwrap();
        assert_eq!(*signer.kid(), rotation.kid);
        let verifier = snapshot.verifier(&rotation.kid).unwrap();
        assert!(verifier.verify(b"m", &signer.sign(b"m")));
    }
}

/// RFC 8037, A.1 to A.3: a seed and the name of its key.
#[tokio::test]
async fn an_imported_seed_gets_the_name_of_rfc_8037() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let seed = URL_SAFE_NO_PAD
        .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
        .unwrap();
    let der = version_1(0x70, &seed.try_into().unwrap());
    let (keyring, _, _) = fresh().await;
    let rotation = keyring.import(&pem(&der), &operator()).await.unwrap();
    assert_eq!(
        rotation.kid.as_str(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[tokio::test]
async fn a_public_half_of_another_key_is_refused() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        let (mut der, other) = (generated(algorithm), generated(algorithm));
        let at = der.len() - 32;
        der[at..].copy_from_slice(&other[at..]);
        assert_eq!(
            refusal(pem(&der)).await,
            ImportError::Inconsistent,
            "{algorithm:?}"
        );
    }
}

#[tokio::test]
async fn other_kinds_of_key_are_refused_by_name() {
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new());
    // An RSA key's frame; what is inside is never read.
    let rsa = [
        0x30, 0x16, 2, 1, 0, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0, 4, 2,
        0x30, 0,
    ];
    let x25519 = version_1(0x6e, &[7; 32]);
    for der in [p384.unwrap().as_ref(), &rsa, &x25519] {
        assert_eq!(refusal(pem(der)).await, ImportError::Unsupported);
    }
}

#[tokio::test]
async fn what_is_not_one_block_of_pkcs8_is_refused() {
    let good = pem(&generated(Algorithm::EdDSA)).reveal().clone();
    let texts = [
        String::new(),
        "x".repeat(1 << 20),
        format!("{good}{good}"),
        good.replace("PRIVATE KEY", "EC PRIVATE KEY"),
        good.replace("PRIVATE KEY", "CERTIFICATE"),
        good.replace("M", "!"),
        pem(b"not DER").reveal().clone(),
        pem(&[]).reveal().clone(),
        pem(&generated(Algorithm::EdDSA)[..40]).reveal().clone(),
    ];
    for text in texts {
        assert_eq!(refusal(Secret::new(text)).await, ImportError::NotPkcs8);
    }
    let encrypted = good.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(
        refusal(Secret::new(encrypted)).await,
        ImportError::Encrypted
    );
}

#[tokio::test]
async fn a_key_is_imported_once_and_not_beside_a_staged_one() {
    let (keyring, _, clock) = fresh().await;
    let der = pem(&generated(Algorithm::EdDSA));
    let kid = keyring.import(&der, &operator()).await.unwrap().kid;
    let again = keyring.import(&der, &operator()).await;
    assert!(matches!(again, Err(KeyringError::Exists(known)) if known == kid));
    let other = pem(&generated(Algorithm::ES256));
    let second = keyring.import(&other, &operator()).await;
    assert!(matches!(second, Err(KeyringError::AlreadyStaged(staged)) if staged == kid));
    // Retired and revoked keys keep their names: they do not come back.
    clock.advance(600);
    keyring.tick().await.unwrap();
    keyring.revoke(&kid, &operator(), "").await.unwrap();
    let back = keyring.import(&der, &operator()).await;
    assert!(matches!(back, Err(KeyringError::Exists(known)) if known == kid));
}
