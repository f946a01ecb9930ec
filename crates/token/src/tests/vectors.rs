//! Test vectors from elsewhere, read where they are; the project keeps no copy.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tollbridge_keyring::VerifyingKey;
use tollbridge_store::Algorithm;

use crate::{RawToken, header::Header, jws::Compact, provider};

/// One file of the shared vectors; `None`, and a word, where there are none.
fn vectors(name: &str) -> Option<Value> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let Ok(text) = fs::read(PathBuf::from(root).join(name)) else {
        println!("skipped: no vectors ({name})");
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

/// Every test of a Wycheproof file with its group.
fn tests(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = file["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| {
        let tests = group["tests"].as_array().unwrap();
        tests.iter().map(move |test| (group, test))
    })
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    let digits = text
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// Both the key itself and the way through jsonwebtoken.
fn signature_holds(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    provider::install();
    let direct = key.verify(message, signature);
    if let Ok(text) = std::str::from_utf8(message) {
        let encoded = URL_SAFE_NO_PAD.encode(signature);
        assert_eq!(provider::verifies(key, text, &encoded), direct);
    }
    direct
}

fn judge_signatures(name: &str, algorithm: Algorithm, public: fn(&Value) -> Vec<u8>) {
    let Some(file) = vectors(name) else { return };
    let mut judged = 0;
    for (group, test) in tests(&file) {
        let key = VerifyingKey::from_public(algorithm, &public(&group["publicKey"])).unwrap();
        let holds = signature_holds(&key, &hex(&test["msg"]), &hex(&test["sig"]));
        assert_eq!(
            holds,
            test["result"] == "valid",
            "{name} {} {}",
            test["tcId"],
            test["comment"]
        );
        judged += 1;
    }
    assert_eq!(judged, file["numberOfTests"].as_u64().unwrap());
}

#[test]
fn ed25519_signatures_of_wycheproof_are_judged_right() {
    judge_signatures("wycheproof/ed25519_test.json", Algorithm::EdDSA, |key| {
        hex(&key["pk"])
    });
}

#[test]
fn p256_signatures_of_wycheproof_are_judged_right() {
    let name = "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json";
    judge_signatures(name, Algorithm::ES256, |key| hex(&key["uncompressed"]));
}

/// Judges a compact JWS under one JWK with the parts that [`crate::Verifier`] is made of, but for
/// the checks of what a *token of ours* says (`typ`, `kid`, claims): strict form, strict header,
/// the key's one algorithm, the signature. EdDSA and ES256 only; all else is refused.
fn judge(text: &str, jwk: &Value) -> bool {
    let Ok(raw) = RawToken::parse(text) else {
        return false;
    };
    let Ok(token) = Compact::split(raw.reveal_for_verification()) else {
        return false;
    };
    let (Ok(header), Some(key)) = (Header::parse(&token.header), verifying_key(jwk)) else {
        return false;
    };
    provider::install();
    header.alg == key.algorithm() && provider::verifies(&key, token.message, token.signature)
}

/// Reads a JWK as RFC 7517 wants: `kty` and `crv` are the algorithm's, `alg`, `use` and `key_ops`
/// must not contradict, coordinates have their full length.
fn verifying_key(jwk: &Value) -> Option<VerifyingKey> {
    let (algorithm, name) = match (jwk["kty"].as_str()?, jwk["crv"].as_str()?) {
        ("OKP", "Ed25519") => (Algorithm::EdDSA, "EdDSA"),
        ("EC", "P-256") => (Algorithm::ES256, "ES256"),
        _ => return None,
    };
    let agrees = |member: &str, wanted: &str| jwk.get(member).is_none_or(|value| value == wanted);
    let verifies = |ops: &Value| {
        ops.as_array()
            .is_some_and(|ops| ops.contains(&"verify".into()))
    };
    if !(agrees("alg", name) && agrees("use", "sig") && jwk.get("key_ops").is_none_or(verifies)) {
        return None;
    }
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    let public = match algorithm {
        Algorithm::EdDSA => coordinate("x")?,
        Algorithm::ES256 => [vec![4], coordinate("x")?, coordinate("y")?].concat(),
    };
    VerifyingKey::from_public(algorithm, &public)
}

fn group_key(group: &Value) -> &Value {
    group.get("public").unwrap_or_else(|| &group["private"])
}

/// A valid vector is expected to hold only under an algorithm of ours; under HMAC, RSA, encryption or
/// another curve it is expected to be refused, for none of those is ever a token of ours.
fn judge_jws(name: &str, mut judge: impl FnMut(&str, &Value) -> bool, ours: fn(&Value) -> bool) {
    let Some(file) = vectors(name) else { return };
    for (group, test) in tests(&file) {
        let key = group_key(group);
        // Some of the tests are of encryption.
        let compact = test.get("jws").or_else(|| test.get("jwe")).unwrap();
        let compact = compact.as_str().unwrap_or_default();
        let expected = test["result"] == "valid" && test.get("jws").is_some() && ours(key);
        assert_eq!(
            judge(compact, key),
            expected,
            "{name} {} {}",
            test["tcId"],
            test["comment"]
        );
    }
}

fn of_our_kind(jwk: &Value) -> bool {
    [("OKP", "Ed25519"), ("EC", "P-256")]
        .iter()
        .any(|(kty, crv)| jwk["kty"] == *kty && jwk["crv"] == *crv)
}

#[test]
fn json_web_signatures_of_wycheproof_are_judged_right() {
    let mut held = 0;
    judge_jws(
        "wycheproof/json_web_signature_test.json",
        |text, key| {
            let holds = judge(text, key);
            held += u32::from(holds);
            holds
        },
        of_our_kind,
    );
    // The two valid ES256 vectors, where there are vectors at all.
    assert!(held == 2 || vectors("wycheproof/json_web_signature_test.json").is_none());
}

/// Key sets among them are refused whole: our own set is a map by thumbprint, never a foreign one.
#[test]
fn json_web_keys_of_wycheproof_are_judged_right() {
    judge_jws("wycheproof/json_web_key_test.json", judge, of_our_kind);
    judge_jws("wycheproof/json_web_crypto_test.json", judge, of_our_kind);
}

/// RFC 7520, section 4: RSA, ES512, HMAC, detached, unprotected and several signatures. None is
/// of our kind, all are refused.
#[test]
fn signatures_of_rfc_7520_are_refused() {
    for name in [
        "4_1.rsa_v15_signature",
        "4_2.rsa-pss_signature",
        "4_3.ecdsa_signature",
        "4_4.hmac-sha2_integrity_protection",
        "4_5.signature_with_detached_content",
        "4_6.protecting_specific_header_fields",
        "4_7.protecting_content_only",
        "4_8.multiple_signatures",
    ] {
        let Some(file) = vectors(&format!("rfc7520/jws/{name}.json")) else {
            return;
        };
        let keys = match &file["input"]["key"] {
            Value::Array(keys) => keys.clone(),
            key => vec![key.clone()],
        };
        let forms: Vec<_> = file["output"]
            .as_object()
            .unwrap()
            .values()
            .cloned()
            .collect();
        assert!(!forms.is_empty());
        for (form, key) in forms
            .iter()
            .flat_map(|form| keys.iter().map(move |key| (form, key)))
        {
            let text = form
                .as_str()
                .map_or_else(|| form.to_string(), str::to_owned);
            assert!(!judge(&text, key), "{name}");
        }
    }
}

/// RFC 8037, appendix A.4.
#[test]
fn the_ed25519_signature_of_rfc_8037_holds() {
    let Some(file) = vectors("rfc7520/curve25519/jws.json") else {
        return;
    };
    let compact = file["output"]["compact"].as_str().unwrap();
    let key = &file["input"]["key"];
    assert!(judge(compact, key));
    assert!(!judge(&compact.replace("RXh", "RXi"), key));
    for form in ["json", "json_flat"] {
        assert!(!judge(&file["output"][form].to_string(), key));
    }
}

#[test]
fn a_public_key_of_rfc_7520_on_another_curve_is_none_of_ours() {
    let Some(key) = vectors("rfc7520/jwk/3_1.ec_public_key.json") else {
        return;
    };
    assert!(verifying_key(&key).is_none());
    for name in ["3_3.rsa_public_key", "3_5.symmetric_key_mac_computation"] {
        assert!(verifying_key(&vectors(&format!("rfc7520/jwk/{name}.json")).unwrap()).is_none());
    }
}
