//! B11 and the JSON of a token: forms that some other reader would take.

use serde_json::{Value, json};

use crate::{
    forge::{claims, message},
    stage::{Stage, echo},
};

/// B11
#[tokio::test]
async fn only_the_compact_form_is_one() {
    let (stage, upstream) = echo().await;
    let good = stage.forge.token("voice");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    let standard = good.replace('-', "+").replace('_', "/");
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general =
        json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    for (what, text) in [
        ("trailing dot", format!("{good}.")),
        ("leading dot", format!(".{good}")),
        ("two parts", format!("{header}.{payload}")),
        ("one part", header.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        (
            "JWE",
            format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        ),
        ("flattened JSON", flattened.to_string()),
        ("general JSON", general.to_string()),
        ("padding", format!("{good}==")),
        ("padding inside", format!("{header}=.{payload}.{signature}")),
        ("standard base64", format!("{standard}/")),
        ("leading space", format!(" {good}")),
        ("trailing space", format!("{good} ")),
        ("newline", format!("{good}\n")),
        (
            "newline inside",
            format!("{header}.\n{payload}.{signature}"),
        ),
        ("NUL", format!("{good}\0")),
        ("quoted", format!("\"{good}\"")),
        ("prefixed", format!("Bearer {good}")),
        ("not canonical", uncanonical(&good)),
        ("fullwidth", good.replace('e', "ｅ")),
        ("dots", "..".to_owned()),
    ] {
        stage.is_no_token(what, &text).await;
    }
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &good).await;
    stage.end().await;
}

/// The same 64 bytes with stray bits in the last character, of which base64 uses only two.
fn uncanonical(token: &str) -> String {
    let (front, last) = token.split_at(token.len() - 1);
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = DIGITS.find(last).unwrap();
    format!("{front}{}", &DIGITS[at + 1..at + 2])
}

async fn is_refused(stage: &Stage, header: &str, claims: &str) {
    let text = stage.forge.sign_texts(header, claims);
    stage
        .is_no_token(&format!("{header} {claims}"), &text)
        .await;
}

/// T8, T9: signed by our own key, and yet not what we write.
#[tokio::test]
async fn every_member_is_there_once_and_of_its_type() {
    let (stage, upstream) = echo().await;
    let header = stage.forge.header().to_string();
    let good = claims("voice");
    for name in [
        "iss",
        "aud",
        "sub",
        "client_id",
        "iat",
        "nbf",
        "exp",
        "jti",
        "route",
    ] {
        for wrong in [
            Value::Null,
            json!(1.5),
            json!(-1),
            json!([]),
            json!({}),
            json!(true),
        ] {
            let mut bad = good.clone();
            bad[name] = wrong;
            is_refused(&stage, &header, &bad.to_string()).await;
        }
        let mut absent = good.clone();
        absent.as_object_mut().unwrap().remove(name);
        is_refused(&stage, &header, &absent.to_string()).await;
        let twice = format!("{{\"{name}\":{},{}", good[name], &good.to_string()[1..]);
        is_refused(&stage, &header, &twice).await;
    }
    for (name, wrong) in [
        ("exp", json!(good["exp"].to_string())),
        ("exp", json!(9_223_372_036_854_775_808_u64)),
        ("exp", json!(1e30)),
        ("uses", json!(0)),
        ("uses", json!("1")),
        ("max_session", json!(0)),
        ("origin", json!("null")),
        ("params", json!([])),
        ("params", json!({"model": 1})),
        ("label", json!(null)),
        ("admin", json!(true)),
    ] {
        let mut bad = good.clone();
        bad[name] = wrong;
        is_refused(&stage, &header, &bad.to_string()).await;
    }
    let text = good.to_string();
    is_refused(&stage, &header.replacen('{', r#"{"alg":"none","#, 1), &text).await;
    is_refused(&stage, &header, &format!("[{text}]")).await;
    is_refused(&stage, &header, &format!("{text} ")[1..]).await;
    is_refused(&stage, "", &text).await;
    is_refused(&stage, &header, "").await;
    let unsigned = format!("{}.", message(&stage.forge.header(), &good));
    stage.is_no_token("unsigned", &unsigned).await;
    assert_eq!(upstream.connections(), 0);
    stage.end().await;
}
