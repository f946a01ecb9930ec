//! The committed description of the public listener is the program's own.

use std::{env, fs, path::Path};

use serde_json::Value;

#[test]
fn the_committed_document_is_the_programs_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let own = tollbridge_http::openapi_document();
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &own).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == own,
        "docs/reference/openapi.json is not what the program says; regenerate it with \
         `UPDATE=1 cargo test -p tollbridge-http`"
    );
}

/// Every reference leads somewhere, and every operation says who may.
#[test]
fn the_document_hangs_together() {
    let document: Value = serde_json::from_str(&tollbridge_http::openapi_document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{}", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/.well-known/jwks.json",
            "/livez",
            "/readyz",
            "/v1/bridge/{route}",
            "/v1/forward-auth",
            "/v1/oauth/token",
            "/v1/openapi.json",
            "/v1/realtime/client_secrets",
            "/v1/tokens",
            "/v1/tokens/introspect",
            "/v1/tokens/revoke",
        ]
    );
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => references.push(text),
                    member => collect(member, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
