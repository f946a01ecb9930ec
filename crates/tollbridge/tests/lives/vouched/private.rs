//! Who is asked proves itself by an authority of the operator's own.

use serde_json::json;
use tollbridge_testkit::{Authority, Upstream};

use super::{Backend, echo, mint};
use crate::house::{CREDENTIAL, House, builder, config, route, stdout};

/// The three types that ask, at this port over TLS; `ca` is a line for each.
fn callers(port: u16, ca: &str) -> String {
    format!(
        "[callers.sso]\ntype = \"jwt\"\njwks_url = \"https://127.0.0.1:{port}/jwks\"\n\
         audience = \"voice\"\n{ca}\n\
         [callers.app]\ntype = \"subrequest\"\nurl = \"https://127.0.0.1:{port}/whoami\"\n{ca}\n\
         [callers.opaque]\ntype = \"introspection\"\n\
         url = \"https://127.0.0.1:{port}/introspect\"\n\
         client_id = \"bridge\"\nclient_secret = \"env:CLIENT_SECRET\"\n{ca}\n\n"
    )
}

#[tokio::test]
async fn who_is_asked_may_prove_itself_by_a_private_authority() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let (backend, authority) = (Backend::start(), Authority::new());
    let front = authority
        .identity("127.0.0.1")
        .tunnel(backend.address)
        .await;
    let listed = route("echo", &upstream, "").replace(
        "[\"backend\"]",
        "[\"backend\", \"sso\", \"app\", \"opaque\"]",
    );
    let token = format!("Bearer {}", backend.token(&json!({})));
    for (ca, status) in [("ca = \"file:ca.pem\"", 201), ("", 503)] {
        let text = config(&[callers(front.address().port(), ca), listed.clone()]);
        let builder = builder(&[]).config(text).env("CLIENT_SECRET", "s3cr3t");
        let house = House::of(builder.file("ca.pem", authority.pem())).await;
        for header in [
            ("Authorization", token.as_str()),
            ("Cookie", "sid=1"),
            ("Authorization", "Bearer opaque-token"),
        ] {
            let told = mint(&house, &[header], &echo()).await;
            assert_eq!(told.status, status, "{ca} {header:?}: {told:?}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_none_is_found_by_check() {
    let house = House::with(&[]).await;
    std::fs::write(house.server.dir().join("ca.pem"), "hello").unwrap();
    let text = config(&[callers(1, "ca = \"ca.pem\"")]);
    house.server.rewrite_config(&text);
    let checked = house.server.cli(&["check"]).await;
    assert_eq!(checked.status.code(), Some(3), "{checked:?}");
    for caller in ["sso", "app", "opaque"] {
        let place = format!("callers.{caller}.ca");
        assert!(stdout(&checked).contains(&place), "{checked:?}");
    }
}
