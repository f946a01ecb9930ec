//! B14: signatures that are nearly one.

use crate::{
    forge::{decode, encode},
    plan::Plan,
    stage::{Stage, echoing, knock},
};

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

async fn with_keys_of(algorithm: &str) -> (Stage, tollbridge_testkit::Upstream) {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("keys.algorithm", &format!("{algorithm:?}"));
    (plan.start().await, upstream)
}

#[tokio::test]
async fn a_signature_that_is_nearly_one_is_none() {
    for algorithm in ["EdDSA", "ES256"] {
        let (stage, upstream) = with_keys_of(algorithm).await;
        let good = stage.forge.token("voice");
        let (message, signature) = good.rsplit_once('.').unwrap();
        let bytes = decode(signature);
        let (left, right) = bytes.split_at(32);
        let mut last = right.to_vec();
        last[31] ^= 1;
        for (what, parts) in [
            ("empty", vec![]),
            ("zero", vec![&[0; 32][..], &[0; 32]]),
            ("left zero", vec![&[0; 32], right]),
            ("right zero", vec![left, &[0; 32]]),
            ("r = n", vec![&N, right]),
            ("s = n", vec![left, &N]),
            ("both n", vec![&N, &N]),
            ("S + L", vec![left, &sum(right, &L)]),
            ("63 bytes", vec![left, &right[..31]]),
            ("65 bytes", vec![left, right, &[0]]),
            ("leading zero", vec![&[0], left, right]),
            ("twice", vec![left, right, left, right]),
            ("swapped", vec![right, left]),
            ("DER", vec![&der(left, right)]),
            ("last byte changed", vec![left, &last]),
        ] {
            let text = format!("{message}.{}", encode(&parts.concat()));
            stage
                .is_no_token(&format!("{algorithm} {what}"), &text)
                .await;
        }
        assert_eq!(upstream.connections(), 0);
        stage.redeem("voice", &good).await;
        stage.end().await;
    }
}

/// T13: `(r, n - s)` verifies as well as `(r, s)` and is the same token.
#[tokio::test]
async fn another_spelling_of_a_signature_is_no_second_use() {
    let (stage, _upstream) = with_keys_of("ES256").await;
    let good = stage.forge.token("voice");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = decode(signature);
    let (r, s) = bytes.split_at(32);
    let spelled = format!("{message}.{}", encode(&[r, &difference(&N, s)].concat()));
    assert_ne!(spelled, good);
    stage.redeem("voice", &spelled).await;
    let (status, code) = stage.verdict(knock("voice", &good)).await;
    assert_eq!((status, code.as_str()), (409, "token_used"));
    stage.end().await;
}

/// Little endian.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digits = a.iter().zip(b).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(*b) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    digits.collect()
}

/// Big endian.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let digits = a.iter().zip(b).rev().map(|(a, b)| {
        let minus = i16::from(*a) - i16::from(*b) - borrow;
        borrow = i16::from(minus < 0);
        minus.to_le_bytes()[0]
    });
    let mut digits: Vec<u8> = digits.collect();
    digits.reverse();
    digits
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}
