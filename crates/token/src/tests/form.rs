//! B11: only the compact serialisation, in its one spelling.

use proptest::prelude::*;
use serde_json::json;

use super::{Bench, claims};
use crate::{RawToken, RawTokenError, jws::encode, parses};

#[test]
fn a_raw_token_is_bounded_in_length_and_in_characters() {
    assert_eq!(RawToken::parse(""), Err(RawTokenError::Empty));
    assert!(RawToken::parse(&"a".repeat(4096)).is_ok());
    assert_eq!(
        RawToken::parse(&"a".repeat(4097)),
        Err(RawTokenError::TooLong)
    );
    assert_eq!(
        RawToken::parse(&"a".repeat(1 << 20)),
        Err(RawTokenError::TooLong)
    );
    for bad in [
        "a b", " a", "a\n", "a=", "a+b", "a/b", "a%00", "a\0", "ä", "{}", "\"a\"", "a,b",
    ] {
        assert_eq!(
            RawToken::parse(bad),
            Err(RawTokenError::Character),
            "{bad:?}"
        );
    }
}

/// B11.
#[tokio::test]
async fn another_number_of_parts_is_refused() {
    let bench = Bench::new().await;
    let token = bench.mint();
    let (message, _) = token.rsplit_once('.').unwrap();
    for text in [
        message.to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.AAAA"),
        format!("{token}.AAAA.AAAA"),
        token.replace('.', ""),
        token.replace('.', ".."),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "~".to_owned(),
    ] {
        let reason = bench.refusal(&text).await;
        assert!(
            ["not_compact", "encoding", "header"].contains(&reason),
            "{text} {reason}"
        );
    }
}

/// B11: a JWE has five parts, and its header says `enc`.
#[tokio::test]
async fn a_jwe_is_refused() {
    let bench = Bench::new().await;
    let header = encode(br#"{"alg":"ECDH-ES","enc":"A128GCM","typ":"tollbridge+jwt"}"#);
    assert_eq!(
        bench.refusal(&format!("{header}.AA.AA.AA.AA")).await,
        "not_compact"
    );
    let enc =
        json!({"alg": "EdDSA", "enc": "A128GCM", "typ": "tollbridge+jwt", "kid": bench.kid()});
    assert_eq!(bench.refusal(&bench.sign(&enc, &claims())).await, "header");
}

/// B11.
#[tokio::test]
async fn the_json_serialisation_is_refused() {
    let bench = Bench::new().await;
    let token = bench.mint();
    let parts: Vec<_> = token.split('.').collect();
    let flattened = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    assert_eq!(bench.refusal(&flattened.to_string()).await, "form");
    assert_eq!(
        bench
            .refusal(&encode(flattened.to_string().as_bytes()))
            .await,
        "not_compact"
    );
}

/// B11: padding, the other alphabet, white space, NUL, anywhere.
#[tokio::test]
async fn another_alphabet_is_refused() {
    let bench = Bench::new().await;
    let token = bench.mint();
    for foreign in [
        "=", "==", "+", "/", " ", "\n", "\r\n", "\t", "\0", "%00", "%2e",
    ] {
        for place in [0, 1, token.find('.').unwrap(), token.len()] {
            let mut text = token.clone();
            text.insert_str(place, foreign);
            assert_eq!(bench.refusal(&text).await, "form", "{foreign:?} at {place}");
        }
    }
    for stray in ["~", "a~"] {
        let text = format!("{token}{stray}");
        assert_eq!(bench.refusal(&text).await, "encoding", "{stray:?}");
    }
}

/// B11, T13: the last character of a part carries bits that nothing decodes. With one of them
/// set the text differs and the bytes do not.
#[tokio::test]
async fn only_the_canonical_last_character_is_taken() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bench = Bench::new().await;
    let token = bench.mint();
    let last = *token.as_bytes().last().unwrap();
    let value = ALPHABET.iter().position(|byte| *byte == last).unwrap();
    // 64 bytes leave four unused bits.
    assert_eq!(value % 16, 0);
    for stray in 1..16 {
        let mut text = token.clone();
        text.pop();
        text.push(ALPHABET[value + stray].into());
        assert_eq!(bench.refusal(&text).await, "encoding", "{stray}");
    }
}

proptest! {
    #[test]
    fn parsing_what_strangers_send_never_panics(text in ".{0,300}") {
        let _ = parses(&text);
    }

    #[test]
    fn parsing_what_looks_like_a_token_never_panics(
        header in proptest::collection::vec(any::<u8>(), 0..200),
        claims in proptest::collection::vec(any::<u8>(), 0..200),
        text in "\\PC{0,200}",
        signature in "[A-Za-z0-9_.~-]{0,100}",
    ) {
        for claims in [&claims, text.as_bytes()] {
            let _ = parses(&format!("{}.{}.{signature}", encode(&header), encode(claims)));
            let _ = parses(&format!("{}.{}.{signature}", encode(text.as_bytes()), encode(claims)));
        }
    }

    #[test]
    fn parsing_nearly_json_never_panics(
        json in r#"\{("[a-z]{0,5}":("[a-z]{0,5}"|-?[0-9]{1,25}(\.[0-9]{1,3})?|null|\[\]|\{\}),?){0,12}\}"#,
    ) {
        let _ = parses(&format!("{0}.{0}.AAAA", encode(json.as_bytes())));
    }
}
