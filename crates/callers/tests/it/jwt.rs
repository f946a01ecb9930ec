//! What a signed token must be, and what it may not.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};
use tollbridge_authn::{Authenticator as _, Rejection, Verdict};
use tollbridge_callers::{Address, Algorithm, Jwt, JwtOptions, KeysAt, SubjectFrom};
use tollbridge_testkit::ManualClock;

use crate::{
    NOW, bearer, judge, name, rejected, shown,
    signer::{Signer, message},
    stand_in::{StandIn, json},
    subject, tls,
};

pub(crate) const ISSUER: &str = "https://login.example.com/";
pub(crate) const AUDIENCE: &str = "voice";

pub(crate) fn options() -> JwtOptions {
    JwtOptions {
        name: name("sso"),
        issuer: Some(ISSUER.to_owned()),
        audience: AUDIENCE.to_owned(),
        algorithms: Algorithm::USUAL.to_vec(),
        subject: SubjectFrom::Claim("sub".to_owned()),
    }
}

pub(crate) fn made(options: JwtOptions, at: KeysAt, clock: &ManualClock) -> Jwt {
    Jwt::new(options, at, tls(), Arc::new(clock.clone())).unwrap()
}

pub(crate) fn at(stand_in: &StandIn) -> KeysAt {
    KeysAt::Url(Address::parse(&stand_in.url("/jwks")).unwrap())
}

pub(crate) fn claims() -> Value {
    let now = NOW.seconds();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "nbf": now, "exp": now + 300,
        "realm_access": { "roles": ["voice"] },
    })
}

/// Claims of which some are other ones, or gone where they are null.
pub(crate) fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

pub(crate) fn publishing(keys: &[&Signer]) -> StandIn {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    StandIn::answering(move |_| json(&json!({ "keys": keys })))
}

/// A caller that trusts an RSA, a P-256 and an Ed25519 key, and the keys.
struct Sso {
    jwt: Jwt,
    clock: ManualClock,
    rsa: Signer,
    p256: Signer,
    ed25519: Signer,
    _provider: StandIn,
}

impl Sso {
    fn new(options: JwtOptions) -> Self {
        let (rsa, p256) = (Signer::rsa("r"), Signer::p256("p"));
        let ed25519 = Signer::ed25519("e");
        let provider = publishing(&[&rsa, &p256, &ed25519]);
        let clock = ManualClock::at(NOW);
        Self {
            jwt: made(options, at(&provider), &clock),
            clock,
            rsa,
            p256,
            ed25519,
            _provider: provider,
        }
    }

    async fn judge(&self, token: &str) -> Verdict {
        judge(&self.jwt, &self.clock, &bearer(token)).await
    }
}

#[actix_rt::test]
async fn a_signed_token_lets_its_subject_in_and_nobody_else() {
    let sso = Sso::new(options());
    for key in [&sso.rsa, &sso.p256, &sso.ed25519] {
        let verdict = sso.judge(&key.sign(&claims())).await;
        assert_eq!(subject(&verdict), "ada", "{}", key.alg());
    }
    let Verdict::Accepted(caller, _) = sso.judge(&sso.rsa.sign(&claims())).await else {
        panic!("refused");
    };
    assert_eq!(caller.client_id().as_str(), "sso");
    let claims = caller.claims.unwrap();
    assert_eq!(claims.get("realm_access.roles"), Some(&json!(["voice"])));
    assert!(!format!("{claims:?}").contains("ada"));
}

#[actix_rt::test]
async fn every_algorithm_that_is_allowed_is_verified() {
    let all = JwtOptions {
        algorithms: Algorithm::ALL.to_vec(),
        ..options()
    };
    let (rsa, p384) = (Signer::rsa("r"), Signer::p384("q"));
    let provider = publishing(&[&rsa, &p384]);
    let clock = ManualClock::at(NOW);
    let jwt = made(all, at(&provider), &clock);
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let token = rsa.sign_under(&json!({ "alg": alg, "kid": "r" }), &claims());
        let verdict = judge(&jwt, &clock, &bearer(&token)).await;
        assert_eq!(subject(&verdict), "ada", "{alg}");
    }
    let verdict = judge(&jwt, &clock, &bearer(&p384.sign(&claims()))).await;
    assert_eq!(subject(&verdict), "ada");
}

#[actix_rt::test]
async fn what_is_no_signed_token_is_somebody_elses() {
    let sso = Sso::new(options());
    for token in ["tbk_0123", "opaque-token", "a.b.c"] {
        assert_eq!(sso.judge(token).await, Verdict::Absent, "{token}");
    }
    let nothing = judge(&sso.jwt, &sso.clock, &shown(&[])).await;
    assert_eq!(nothing, Verdict::Absent);
    let good = format!("Bearer {}", sso.rsa.sign(&claims()));
    let twice = shown(&[("authorization", &good), ("authorization", &good)]);
    let verdict = judge(&sso.jwt, &sso.clock, &twice).await;
    assert_eq!(verdict, rejected(Rejection::Ambiguous));
    assert_eq!(sso.jwt.name().as_str(), "sso");
}

#[actix_rt::test]
async fn a_claim_that_is_wrong_is_a_refusal() {
    let sso = Sso::new(options());
    let now = NOW.seconds();
    for (changes, why) in [
        (
            json!({ "iss": "https://evil.test/" }),
            Rejection::WrongIssuer,
        ),
        (
            json!({ "iss": "https://login.example.com" }),
            Rejection::WrongIssuer,
        ),
        (json!({ "iss": null }), Rejection::WrongIssuer),
        (json!({ "iss": [ISSUER] }), Rejection::WrongIssuer),
        (json!({ "aud": "billing" }), Rejection::WrongAudience),
        (
            json!({ "aud": ["billing", "VOICE"] }),
            Rejection::WrongAudience,
        ),
        (json!({ "aud": "voice " }), Rejection::WrongAudience),
        (
            json!({ "aud": { "voice": true } }),
            Rejection::WrongAudience,
        ),
        (json!({ "aud": null }), Rejection::WrongAudience),
        (json!({ "exp": now - 60 }), Rejection::Expired),
        (json!({ "exp": -1 }), Rejection::Expired),
        (json!({ "exp": null }), Rejection::Claim),
        (json!({ "exp": "9999999999" }), Rejection::Claim),
        (json!({ "exp": true }), Rejection::Claim),
        (json!({ "nbf": now + 61 }), Rejection::NotYet),
        (json!({ "nbf": "soon" }), Rejection::Claim),
        (json!({ "iat": now + 61 }), Rejection::NotYet),
        (json!({ "sub": null }), Rejection::NoSubject),
        (json!({ "sub": "" }), Rejection::NoSubject),
        (json!({ "sub": "a\nb" }), Rejection::NoSubject),
        (json!({ "sub": ["ada"] }), Rejection::NoSubject),
        (json!({ "events": { "x": {} } }), Rejection::WrongType),
    ] {
        let verdict = sso.judge(&sso.rsa.sign(&with(&changes))).await;
        assert_eq!(verdict, rejected(why), "{changes}");
    }
    for changes in [
        json!({ "aud": ["billing", "voice"] }),
        json!({ "exp": now - 59 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": now as f64 + 0.5 }),
        json!({ "nbf": now + 60, "iat": now + 60 }),
        json!({ "nbf": null, "iat": null }),
    ] {
        let verdict = sso.judge(&sso.rsa.sign(&with(&changes))).await;
        assert_eq!(subject(&verdict), "ada", "{changes}");
    }
}

#[actix_rt::test]
async fn a_header_that_wants_to_choose_how_it_is_judged_is_refused() {
    let sso = Sso::new(options());
    let jwk = sso.ed25519.jwk();
    for (key, header, why) in [
        (
            &sso.rsa,
            json!({ "alg": "none", "kid": "r" }),
            Rejection::Algorithm,
        ),
        (
            &sso.rsa,
            json!({ "alg": "None", "kid": "r" }),
            Rejection::Algorithm,
        ),
        (&sso.rsa, json!({ "kid": "r" }), Rejection::Algorithm),
        (
            &sso.rsa,
            json!({ "alg": ["RS256"], "kid": "r" }),
            Rejection::Algorithm,
        ),
        (
            &sso.rsa,
            json!({ "alg": "PS256", "kid": "r" }),
            Rejection::Algorithm,
        ),
        // A key of another family, and one whose signature would be another's.
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "p" }),
            Rejection::UnknownKey,
        ),
        (
            &sso.p256,
            json!({ "alg": "ES256", "kid": "r" }),
            Rejection::UnknownKey,
        ),
        (
            &sso.p256,
            json!({ "alg": "EdDSA", "kid": "e" }),
            Rejection::Signature,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": 7 }),
            Rejection::Malformed,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "r", "crit": ["b64"], "b64": true }),
            Rejection::Malformed,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "r", "typ": "tollbridge+jwt" }),
            Rejection::WrongType,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "r", "typ": "application/Tollbridge+JWT" }),
            Rejection::WrongType,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "r", "typ": "logout+jwt" }),
            Rejection::WrongType,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "r", "typ": "dpop+jwt" }),
            Rejection::WrongType,
        ),
        (
            &sso.rsa,
            json!({ "alg": "RS256", "kid": "../../etc/passwd" }),
            Rejection::UnknownKey,
        ),
    ] {
        let verdict = sso.judge(&key.sign_under(&header, &claims())).await;
        assert_eq!(verdict, rejected(why), "{header}");
    }
    let mallory = Signer::ed25519("m");
    for header in [
        json!({ "alg": "EdDSA", "kid": "e", "jwk": mallory.jwk() }),
        json!({ "alg": "EdDSA", "kid": "e", "jku": "https://evil.test/jwks" }),
        json!({ "alg": "EdDSA", "kid": "e", "x5u": "https://evil.test/x", "x5c": ["AAAA"] }),
    ] {
        let verdict = sso.judge(&mallory.sign_under(&header, &claims())).await;
        assert_eq!(verdict, rejected(Rejection::Signature), "{header}");
    }
    // The same are nothing to a token that is good without them.
    let header = json!({ "alg": "EdDSA", "kid": "e", "jwk": jwk, "typ": "at+JWT" });
    let verdict = sso.judge(&sso.ed25519.sign_under(&header, &claims())).await;
    assert_eq!(subject(&verdict), "ada");
}

/// CVE-2015-9235 and its many children: the public key, in every form it can be had, as a secret.
#[actix_rt::test]
async fn a_public_key_is_no_secret() {
    let sso = Sso::new(options());
    let jwk = sso.rsa.jwk();
    let n = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    for (alg, how) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
        for secret in [
            n.clone(),
            jwk["n"].to_string().into_bytes(),
            jwk.to_string().into(),
        ] {
            let header = json!({ "alg": alg, "typ": "JWT", "kid": "r" }).to_string();
            let message = message(&header, &claims().to_string());
            let tag = hmac::sign(&hmac::Key::new(how, &secret), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
            assert_eq!(sso.judge(&token).await, rejected(Rejection::Algorithm));
        }
    }
}

#[actix_rt::test]
async fn a_token_that_was_touched_is_refused() {
    let sso = Sso::new(options());
    let good = sso.ed25519.sign(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = URL_SAFE_NO_PAD.encode(with(&json!({ "sub": "root" })).to_string());
    let another = sso.ed25519.sign(&with(&json!({ "sub": "bob" })));
    let (_, another) = another.rsplit_once('.').unwrap();
    for (token, why) in [
        (
            format!("{header}.{other}.{signature}"),
            Rejection::Signature,
        ),
        (format!("{signed}.{another}"), Rejection::Signature),
        (format!("{signed}."), Rejection::Signature),
        (format!("{signed}.{signature}="), Rejection::Malformed),
        (format!("{signed}.{signature}\n"), Rejection::Malformed),
        (format!("{signed}.*"), Rejection::Malformed),
        (format!("{header}.e30.{signature}"), Rejection::WrongIssuer),
        (format!("{header}.W10.{signature}"), Rejection::Malformed),
        (format!("{header}.!.{signature}"), Rejection::Malformed),
        (format!("eyJh.{other}.{signature}"), Rejection::Malformed),
        (
            format!("{signed}.{}", "A".repeat(20_000)),
            Rejection::Malformed,
        ),
    ] {
        assert_eq!(sso.judge(&token).await, rejected(why), "{token:.80}");
    }
    let twice = r#"{"alg":"EdDSA","kid":"e","alg":"none"}"#;
    let token = format!("{}.{signature}", message(twice, &claims().to_string()));
    assert_eq!(sso.judge(&token).await, rejected(Rejection::Malformed));
}

#[actix_rt::test]
async fn without_a_name_a_key_is_the_only_one_there_is() {
    let alone = Signer::ed25519("a");
    let clock = ManualClock::at(NOW);
    let nameless = alone.sign_under(&json!({ "alg": "EdDSA" }), &claims());
    let single = publishing(&[&alone, &Signer::rsa("r")]);
    let jwt = made(options(), at(&single), &clock);
    let verdict = judge(&jwt, &clock, &bearer(&nameless)).await;
    assert_eq!(subject(&verdict), "ada");
    for others in [Signer::ed25519("b"), Signer::ed25519("a")] {
        let provider = publishing(&[&alone, &others]);
        let jwt = made(options(), at(&provider), &clock);
        let verdict = judge(&jwt, &clock, &bearer(&nameless)).await;
        assert_eq!(verdict, rejected(Rejection::UnknownKey));
    }
}

/// Two keys of one name: which one is meant is not for a signature to decide.
#[actix_rt::test]
async fn a_name_that_two_keys_share_names_none() {
    let (one, two) = (Signer::ed25519("a"), Signer::ed25519("a"));
    let provider = publishing(&[&one, &two]);
    let clock = ManualClock::at(NOW);
    let jwt = made(options(), at(&provider), &clock);
    let verdict = judge(&jwt, &clock, &bearer(&two.sign(&claims()))).await;
    assert_eq!(verdict, rejected(Rejection::UnknownKey));
}

/// Centrifugo's CVE-2026-49998: keys were found by their name alone, whoever had published them.
#[actix_rt::test]
async fn the_keys_of_one_issuer_verify_nothing_of_another() {
    let clock = ManualClock::at(NOW);
    let (ours, theirs) = (Signer::ed25519("key-1"), Signer::ed25519("key-1"));
    let (us, them) = (publishing(&[&ours]), publishing(&[&theirs]));
    let their_issuer = "https://login.other.example/";
    let jwt = made(options(), at(&us), &clock);
    let other = JwtOptions {
        name: name("partner"),
        issuer: Some(their_issuer.to_owned()),
        ..options()
    };
    let partner = made(other, at(&them), &clock);
    // Both caches are warm.
    let theirs_of_us = with(&json!({ "iss": their_issuer }));
    let verdict = judge(&jwt, &clock, &bearer(&ours.sign(&claims()))).await;
    assert_eq!(subject(&verdict), "ada");
    let verdict = judge(&partner, &clock, &bearer(&theirs.sign(&theirs_of_us))).await;
    assert_eq!(subject(&verdict), "ada");
    // Their key under our issuer's name, and ours under theirs.
    for (caller, token) in [
        (&jwt, theirs.sign(&claims())),
        (&partner, ours.sign(&theirs_of_us)),
    ] {
        let verdict = judge(caller, &clock, &bearer(&token)).await;
        assert_eq!(verdict, rejected(Rejection::Signature));
    }
    for (caller, token) in [
        (&jwt, theirs.sign(&theirs_of_us)),
        (&partner, ours.sign(&claims())),
    ] {
        let verdict = judge(caller, &clock, &bearer(&token)).await;
        assert_eq!(verdict, rejected(Rejection::WrongIssuer));
    }
    assert_eq!((us.asked().len(), them.asked().len()), (1, 1));
}
