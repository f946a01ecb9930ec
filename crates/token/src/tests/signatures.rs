//! B14: signatures that are nearly one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tollbridge_store::Algorithm;

use super::Bench;
use crate::jws::encode;

/// The order of P-256's group, big endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's group, little endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A good token taken apart: the message and the signature's two halves.
fn apart(token: &str) -> (String, [u8; 32], [u8; 32]) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (left, right) = bytes.split_at(32);
    (
        message.to_owned(),
        left.try_into().unwrap(),
        right.try_into().unwrap(),
    )
}

fn together(message: &str, parts: &[&[u8]]) -> String {
    format!("{message}.{}", encode(&parts.concat()))
}

fn add_little_endian(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    std::array::from_fn(|at| {
        let sum = u16::from(a[at]) + u16::from(b[at]) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    })
}

fn subtract_big_endian(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut borrow = 0;
    let mut difference = [0; 32];
    for at in (0..32).rev() {
        let minus = i16::from(a[at]) - i16::from(b[at]) - borrow;
        borrow = i16::from(minus < 0);
        difference[at] = minus.to_le_bytes()[0];
    }
    difference
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

/// B14, for either algorithm; RFC 8725, 3.3.
#[tokio::test]
async fn a_signature_that_is_nearly_one_is_refused() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        let bench = Bench::with(algorithm).await;
        let token = bench.mint();
        let (message, left, right) = apart(&token);
        let mut last = right;
        last[31] ^= 1;
        let mut first = left;
        first[0] ^= 0x80;
        for (what, parts) in [
            ("empty", vec![]),
            ("zero", vec![&[0; 32][..], &[0; 32]]),
            ("left zero", vec![&[0; 32], &right]),
            ("right zero", vec![&left, &[0; 32]]),
            ("ones", vec![&[0xff; 32], &[0xff; 32]]),
            ("63 bytes", vec![&left, &right[..31]]),
            ("65 bytes", vec![&left, &right, &[0]]),
            ("leading zero", vec![&[0], &left, &right]),
            ("twice", vec![&left, &right, &left, &right]),
            ("swapped", vec![&right, &left]),
            ("last byte changed", vec![&left, &last]),
            ("first byte changed", vec![&first, &right]),
            ("r = n", vec![&N, &right]),
            ("s = n", vec![&left, &N]),
            ("DER", vec![&der(&left, &right)]),
        ] {
            let text = together(&message, &parts);
            assert_eq!(
                bench.refusal(&text).await,
                "signature",
                "{algorithm:?} {what}"
            );
        }
        assert_eq!(bench.refusal(&token).await, "taken");
    }
}

/// B14: `S + L` is the same number to those who do not look (RFC 8032, 5.1.7).
#[tokio::test]
async fn an_ed25519_scalar_beyond_the_order_is_refused() {
    let bench = Bench::new().await;
    let (message, r, s) = apart(&bench.mint());
    let beyond = add_little_endian(s, L);
    assert_eq!(
        bench.refusal(&together(&message, &[&r, &beyond])).await,
        "signature"
    );
}

/// B14: a small-order `R` and a small-order `S` that a lenient verifier takes for any message.
#[tokio::test]
async fn points_of_small_order_sign_nothing() {
    let bench = Bench::new().await;
    let (message, _, _) = apart(&bench.mint());
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(
        bench
            .refusal(&together(&message, &[&identity, &[0; 32]]))
            .await,
        "signature"
    );
}

/// T13: `(r, n - s)` verifies as well as `(r, s)`, and is the same token: the id is what counts.
#[tokio::test]
async fn another_spelling_of_an_es256_signature_is_the_same_token() {
    let bench = Bench::with(Algorithm::ES256).await;
    let token = bench.mint();
    let (message, r, s) = apart(&token);
    let spelled = together(&message, &[&r, &subtract_big_endian(N, s)]);
    assert_ne!(spelled, token);
    let used = tollbridge_store::memory::MemoryUsed::new(bench.clock.clone());
    let first = bench.verify(&token).await.unwrap();
    let second = bench.verify(&spelled).await.unwrap();
    assert!(crate::admit(first, &used).await.is_ok());
    let again = crate::admit(second, &used).await;
    assert!(matches!(again, Err(crate::AdmitError::Used(_))));
}

/// RFC 8725, 3.3: every bit of the signed text counts.
#[tokio::test]
async fn a_change_anywhere_in_the_message_is_noticed() {
    let bench = Bench::new().await;
    let token = bench.mint();
    let length = token.rfind('.').unwrap();
    for at in 0..length {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(bytes).unwrap();
        assert_ne!(bench.refusal(&text).await, "taken", "byte {at}");
    }
}
