//! T8 and T9: members once, and of exactly their type.

use serde_json::{Value, json};

use super::{Bench, START, claims};

/// T8; RFC 7515, 10.12; RFC 7519, 4.
#[tokio::test]
async fn duplicated_members_are_refused() {
    let bench = Bench::new().await;
    let (header, good) = (bench.header().to_string(), claims().to_string());
    for name in ["alg", "typ", "kid"] {
        for spelled in [
            name.to_owned(),
            format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]),
        ] {
            let value = &bench.header()[name];
            let doubled = format!(r#"{{"{spelled}":{value},{}"#, &header[1..]);
            let text = bench.sign_text(&doubled, &good);
            assert_eq!(bench.refusal(&text).await, "header", "{doubled}");
        }
    }
    for name in claims().as_object().unwrap().keys() {
        let value = &claims()[name];
        let doubled = format!(r#"{{"{name}":{value},{}"#, &good[1..]);
        let text = bench.sign_text(&header, &doubled);
        assert_eq!(bench.refusal(&text).await, "claims", "{doubled}");
    }
    for inside in [
        r#""params":{"m":"a","m":"b"}"#,
        r#""meta":{"a":1,"b":[{"c":1,"c":2}]}"#,
    ] {
        let doubled = format!("{{{inside},{}", &good[1..]);
        let text = bench.sign_text(&header, &doubled);
        assert_eq!(bench.refusal(&text).await, "claims", "{doubled}");
    }
}

/// T9.
#[tokio::test]
async fn a_time_is_a_whole_number_of_seconds() {
    let bench = Bench::new().await;
    let spellings = [
        format!("\"{START}\""),
        format!("{START}.0"),
        format!("{START}.5"),
        "1.8e9".to_owned(),
        "-1".to_owned(),
        "-0".to_owned(),
        "253402300800".to_owned(),
        "9223372036854775807".to_owned(),
        "9223372036854775808".to_owned(),
        "18446744073709551616".to_owned(),
        "1e400".to_owned(),
        "NaN".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        format!("[{START}]"),
        "{}".to_owned(),
        "01".to_owned(),
        "0x10".to_owned(),
    ];
    for name in ["exp", "nbf", "iat"] {
        for spelling in &spellings {
            let mut others = claims();
            others.as_object_mut().unwrap().remove(name);
            let json = format!(r#"{{"{name}":{spelling},{}"#, &others.to_string()[1..]);
            let text = bench.sign_text(&bench.header().to_string(), &json);
            assert_eq!(bench.refusal(&text).await, "claims", "{json}");
        }
    }
}

/// T9; RFC 8725, 3.8.
#[tokio::test]
async fn a_required_claim_is_required() {
    let bench = Bench::new().await;
    for name in claims().as_object().unwrap().keys() {
        let text = bench.sign_with(json!({name: Value::Null}));
        assert_eq!(bench.refusal(&text).await, "claims", "{name} absent");
        let mut others = claims();
        others.as_object_mut().unwrap().remove(name);
        let null = format!(r#"{{"{name}":null,{}"#, &others.to_string()[1..]);
        let text = bench.sign_text(&bench.header().to_string(), &null);
        assert_eq!(bench.refusal(&text).await, "claims", "{name} null");
    }
}

/// T9.
#[tokio::test]
async fn a_claim_of_another_type_or_form_is_refused() {
    let bench = Bench::new().await;
    for wrong in [
        json!({"sub": 7}),
        json!({"sub": ""}),
        json!({"sub": "a\r\nX-Evil: 1"}),
        json!({"sub": "x".repeat(257)}),
        json!({"client_id": ["a"]}),
        json!({"client_id": "a b"}),
        json!({"jti": 1}),
        json!({"jti": ""}),
        json!({"jti": "../x"}),
        json!({"route": "Voice"}),
        json!({"route": ["voice"]}),
        json!({"uses": 0}),
        json!({"uses": -1}),
        json!({"uses": "1"}),
        json!({"uses": 1.0}),
        json!({"uses": 4_294_967_296_u64}),
        json!({"max_session": 0}),
        json!({"max_session": 1.5}),
        json!({"origin": "null"}),
        json!({"origin": "https://app.example.com/"}),
        json!({"origin": ["https://app.example.com"]}),
        json!({"params": []}),
        json!({"params": {"model": 1}}),
        json!({"params": "model"}),
        json!({"label": 1}),
        json!({"scope": "admin"}),
        json!({"Exp": START}),
    ] {
        let text = bench.sign_with(wrong.clone());
        assert_eq!(bench.refusal(&text).await, "claims", "{wrong}");
    }
}

#[tokio::test]
async fn an_optional_claim_is_absent_rather_than_null() {
    let bench = Bench::new().await;
    for name in ["uses", "max_session", "origin", "params", "label"] {
        let json = format!(r#"{{"{name}":null,{}"#, &claims().to_string()[1..]);
        let text = bench.sign_text(&bench.header().to_string(), &json);
        assert_eq!(bench.refusal(&text).await, "claims", "{name}");
    }
}

#[tokio::test]
async fn claims_are_one_json_object() {
    let bench = Bench::new().await;
    let good = claims().to_string();
    let values: Vec<_> = claims().as_object().unwrap().values().cloned().collect();
    for wrong in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        Value::Array(values).to_string(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        format!(" {good}"),
        format!("\u{feff}{good}"),
        good.replace('}', ",}"),
        "{".repeat(1000),
    ] {
        let text = bench.sign_text(&bench.header().to_string(), &wrong);
        assert_eq!(bench.refusal(&text).await, "claims", "{wrong}");
    }
    let header = json!([bench.header()["alg"], "tollbridge+jwt", bench.kid()]).to_string();
    assert_eq!(
        bench.refusal(&bench.sign_text(&header, &good)).await,
        "header"
    );
}

/// RFC 8725, 3.7: UTF-8 and nothing else.
#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    let bench = Bench::new().await;
    let mut bytes = claims().to_string().into_bytes();
    let at = bytes
        .windows(5)
        .position(|window| window == b"alice")
        .unwrap();
    bytes[at] = 0xff;
    let message = format!(
        "{}.{}",
        crate::jws::encode(bench.header().to_string().as_bytes()),
        crate::jws::encode(&bytes)
    );
    let snapshot = bench.keyring.snapshot();
    let signature = snapshot.signer().unwrap().sign(message.as_bytes());
    let text = format!("{message}.{}", crate::jws::encode(&signature));
    assert_eq!(bench.refusal(&text).await, "claims");
}
