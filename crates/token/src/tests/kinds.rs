//! B13: other kinds of JWT, and tokens for others.

use serde_json::{Value, json};

use super::{Bench, ISSUER, claims, header_with};

/// B13; RFC 8725, 3.11 and 3.12.
#[tokio::test]
async fn another_kind_of_jwt_is_refused() {
    let bench = Bench::new().await;
    for typ in [
        json!("JWT"),
        json!("jwt"),
        json!("at+jwt"),
        json!("tollbridge"),
        json!("Tollbridge+JWT"),
        json!("application/tollbridge+jwt"),
        json!("tollbridge+jwt "),
        json!(""),
        Value::Null,
    ] {
        let header = header_with(&bench, &json!({"typ": typ}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "type",
            "{typ}"
        );
    }
    for typ in [json!(1), json!(["tollbridge+jwt"]), json!({})] {
        let header = header_with(&bench, &json!({"typ": typ}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{typ}"
        );
    }
}

/// B13; RFC 8725, 3.8 and 3.9.
#[tokio::test]
async fn another_issuer_or_audience_is_refused() {
    let bench = Bench::new().await;
    let slash = format!("{ISSUER}/");
    let upper = ISSUER.to_uppercase();
    for other in [
        "https://staging.example.com",
        "",
        &slash,
        &upper,
        "https://voice.example.co",
    ] {
        let text = bench.sign_with(json!({"iss": other}));
        assert_eq!(bench.refusal(&text).await, "issuer", "{other}");
        let text = bench.sign_with(json!({"aud": other}));
        assert_eq!(bench.refusal(&text).await, "audience", "{other}");
    }
    for malformed in [
        json!({"aud": [ISSUER]}),
        json!({"aud": [ISSUER, "https://other.example.com"]}),
        json!({"aud": null}),
        json!({"iss": null}),
        json!({"iss": [ISSUER]}),
    ] {
        let text = bench.sign_with(malformed.clone());
        assert_eq!(bench.refusal(&text).await, "claims", "{malformed}");
    }
}

/// RFC 8725, 2.8 and B13: a token of the same issuer name, made by another installation.
#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    let (ours, theirs) = (Bench::new().await, Bench::new().await);
    assert_eq!(ours.refusal(&theirs.mint()).await, "unknown_key");
}
